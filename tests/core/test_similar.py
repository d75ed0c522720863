"""How past incidents are ranked, and what a closed incident looks like as one of them."""

from dataclasses import replace
from datetime import UTC, date, datetime

import pytest

from bot.core.hypothesis import SimilarFound, SimilarIncident
from bot.core.postmortem import IndexState, Origin, Postmortem, from_incident, others
from bot.core.similar import Asking, Records, section_text

SLOTS = Postmortem(
    id="slots", title="Slots ran out", date="2024-05-01", organisation="Example", service_kind="postgresql", cause_class="capacity",
    severity="critical", source="", tags=("pool",), symptom="New connections were refused, too many clients already.",
    cause="A retry loop opened sessions and left them idle.", fix="The pool got a limit.", lesson="", path="", sha256="1",
)  # fmt: skip
CERTIFICATE = replace(
    SLOTS, id="certificate", title="Handshakes failed", service_kind="gateway", tags=(), symptom="Clients could not connect, handshake failed.",
    cause="The certificate had expired.", fix="A new one was put in.",
)  # fmt: skip


def ranked(records, text, alike=None, **more):
    asking = Asking(text=text, service="", **more)
    return [one.id for one in records.rank(asking, records.by_words(asking, 10), alike or {})]


def test_symptom_and_cause_are_found_apart():
    records = Records().changed([SLOTS, CERTIFICATE], [])

    assert ranked(records, "refused, too many clients")[0] == "slots"
    assert ranked(records, "expired certificate")[0] == "certificate"


def test_a_changed_corpus_is_another_one_and_the_old_stays_as_it_was():
    before = Records().changed([SLOTS, CERTIFICATE], [])
    after = before.changed([replace(SLOTS, symptom="Walruses")], ["certificate"])

    assert (len(before), len(after)) == (2, 1)
    assert ranked(after, "walruses") == ["slots"]
    assert ranked(before, "walruses") == []


def test_among_equals_the_recent_one_and_the_one_of_the_same_service_come_first():
    old, new = replace(SLOTS, id="a-old", date="2016-01-01"), replace(SLOTS, id="b-new", date="2026-01-01")
    records = Records().changed([old, new, replace(old, id="c-same", service_kind="ledger")], [])
    text, today = "too many clients", date(2026, 2, 1)

    assert ranked(records, text, today=today)[0] == "b-new"
    asking = Asking(text=text, service="ledger", today=today)
    assert records.rank(asking, records.by_words(asking, 10), {})[0].id == "c-same"
    assert records.why("c-same", asking, {}).startswith("same service; shares ")
    assert records.why("b-new", asking, {}).endswith("31 days ago")


def test_age_never_lifts_a_record_over_one_that_reads_clearly_more_alike():
    records = Records().changed([replace(SLOTS, date="2011-01-01"), replace(CERTIFICATE, date="2026-01-31")], [])

    assert ranked(records, "refused connections, too many clients already", today=date(2026, 2, 1))[0] == "slots"


def test_among_records_that_score_the_same_the_first_ids_are_kept():
    records = Records().changed([replace(SLOTS, id=f"r{place:02d}") for place in range(40, 0, -1)], [])
    asking = Asking(text="too many clients", service="")

    assert list(records.by_words(asking, 3)) == ["r01", "r02", "r03"]
    assert list(records.by_words(asking, 100)) == [f"r{place:02d}" for place in range(1, 41)]


def test_records_without_any_of_the_words_are_no_candidates_however_many_are_asked_for():
    records = Records().changed([SLOTS, CERTIFICATE, replace(CERTIFICATE, id="other")], [])

    assert list(records.by_words(Asking(text="idle sessions", service=""), 2)) == ["slots"]
    assert records.by_words(Asking(text="walruses", service=""), 2) == {}
    assert Records().by_words(Asking(text="walruses", service=""), 2) == {}


def test_records_counted_in_portions_are_ranked_as_if_they_had_come_at_once():
    start = Records()
    portions = start.counted([SLOTS]) | start.counted([CERTIFICATE])

    asking = Asking(text="clients could not connect", service="postgresql")
    found = start.with_counted(portions, []).by_words(asking, 10)

    assert len(found) == 2
    assert found == Records().changed([SLOTS, CERTIFICATE], []).by_words(asking, 10)


def test_a_section_says_what_it_belongs_to():
    assert section_text(SLOTS, "cause") == (
        "Slots ran out. postgresql, 2024-05-01, critical, capacity, pool. "
        "Cause: A retry loop opened sessions and left them idle. The pool got a limit."
    )


@pytest.mark.parametrize(
    ("worked", "fix"),
    [(True, "Rolled back. It worked."), (False, "Rolled back. It did not help."), (None, "Rolled back.")],
)
def test_a_closed_incident_tells_what_was_done_and_whether_it_worked(worked, fix):
    told = {
        "incident_id": "INC-7", "title": "Lag on ledger", "service": "ledger", "severity": "error", "alerts": ["Lag", "Lag", "p99 is 4 s"],
        "started": datetime(2026, 1, 2, 3, tzinfo=UTC), "cause": "A release.", "cause_class": "deploy", "fix": "Rolled back.", "sha256": "1",
    }  # fmt: skip
    record = from_incident(**told, worked=worked)

    assert (record.id, record.origin, record.date, record.symptom) == (
        "incident:INC-7",
        Origin.INCIDENT,
        "2026-01-02",
        "Lag p99 is 4 s",
    )
    assert record.fix == fix


def test_an_incident_is_not_told_that_it_is_like_itself():
    def one(name):
        return SimilarIncident(
            id=name, title="t", date="2026-01-02", organisation="o", service_kind="s", cause_class="deploy", cause="c",
            fix="f", url="", score=0.9, why="w",
        )  # fmt: skip

    found = SimilarFound(incidents=(one("incident:INC-7"), one("incident:INC-71"), one("slots")), searched=3)

    assert [each.id for each in others(found, "INC-7", most=2).incidents] == ["incident:INC-71", "slots"]
    assert [each.id for each in others(found, "INC-9", most=2).incidents] == ["incident:INC-7", "incident:INC-71"]


def test_the_state_of_the_index_says_since_when_and_why():
    at = datetime(2026, 1, 2, 3, tzinfo=UTC)

    assert IndexState(files=3, current_at=at).words == "up to date at 2026-01-02 03:00:00 UTC"
    assert IndexState(files=3, behind=2, current_at=at).words == "2 behind, last up to date 2026-01-02 03:00:00 UTC"
    assert IndexState(problem="a.md:1: is broken").words == "stale, last up to date not yet: a.md:1: is broken"
