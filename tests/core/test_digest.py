"""What the digest says about the past, in words."""

import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.core.comparison import Rival, model_against_offline
from bot.core.digest import (
    OFFLINE,
    behind_offline,
    by_analyst,
    content_changes,
    facts,
    headline,
    judge_words,
    model_words,
    worst,
)
from bot.core.figures import dollars, seconds, spread_words
from bot.core.grading import Said
from bot.core.hypothesis import CauseClass
from bot.core.outcome import Grade, OutcomeForm
from bot.ports import ContentVersion
from tests.slack import digest_situations as situations
from tests.support.histories import Setting, labelled

MODEL = "openai/gpt-5.2"
# A share with its n: "71 % (12 of 17" or, for a figure, "(n=17".
PERCENT = re.compile(r"\d+ %")
INTERVAL = re.compile(r", 90 % interval \d+–\d+ %")


def every_sentence(digest):
    said, _ = model_words(digest)
    return [headline(digest), *(words for _, words in facts(digest)), *said.split("; "), judge_words(digest)]


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10_000), st.integers(0, 60), st.floats(0, 0.9), st.floats(0, 0.9))
def test_no_percentage_is_said_without_its_n(seed, n, unlabelled, abstains):
    digest = situations.digest(situations.calls(seed, n, Setting(unlabelled=unlabelled, abstains=abstains)))

    for sentence in every_sentence(digest):
        bare = INTERVAL.sub("", sentence)
        for found in PERCENT.finditer(bare):
            after = bare[found.end() :]
            assert re.match(r" \(\d+ of \d+\)| \(n=\d+\)", after), sentence


def test_no_fact_below_the_headline_stands_without_its_interval():
    for _, sentence in facts(situations.digest()):
        assert INTERVAL.search(sentence), sentence


def test_a_spread_gives_the_interval_of_both_its_numbers():
    spread = situations.digest().scores.evidence_seconds

    assert re.fullmatch(
        r"median \S+ s \(90 % interval \S+ s to \S+ s\), 90th percentile \S+ s \(90 % interval \S+ s to \S+ s\), n=\d+",
        spread_words(spread, seconds),
    )


def test_the_headline_gives_the_rate_its_interval_and_the_baseline():
    digest = situations.digest()

    assert headline(digest) == "Helpful 60 % (34 of 57, 90 % interval 49–70 %) over 12 weeks; baseline 48 % (30 of 62)"


def test_without_grades_the_headline_says_so_and_not_0_percent():
    digest = situations.contents()["digest_unlabelled"].digest

    assert headline(digest) == (
        "Not known yet whether it helps: no graded root cause in 12 weeks (n=0 of 9 hypotheses)"
    )


def of(name, hits, n):
    return [
        labelled(Grade.EXACT if place < hits else Grade.AREA, day=place, analyst=name, incident_id=f"{name}{place}")
        for place in range(n)
    ]


@pytest.mark.parametrize(("hits", "warns"), [(5, True), (6, True), (7, False)])
def test_a_model_that_does_not_beat_the_offline_analyst_is_told_so(hits, warns):
    analysts = by_analyst([*of(OFFLINE, 6, 10), *of(MODEL, hits, 10)])

    words, warning = model_words(situations.digest(analysts=analysts))

    assert warning is warns
    assert ("does not beat" in words) is warns
    assert f"{MODEL} {hits * 10} % ({hits} of 10" in words
    assert "offline analyst 60 % (6 of 10" in words
    assert [one.name for one in behind_offline(analysts)] == ([MODEL] if warns else [])


def test_one_of_two_models_that_is_behind_is_named_alone():
    analysts = by_analyst([*of(OFFLINE, 6, 10), *of(MODEL, 9, 10), *of("small", 2, 5)])

    words, warning = model_words(situations.digest(analysts=analysts))

    assert warning
    assert "small 40 %" in words
    assert MODEL not in words


def test_a_model_without_offline_calls_to_compare_with_is_told_how_to_compare():
    words, warning = model_words(situations.digest(analysts=by_analyst(of(MODEL, 9, 10))))

    assert not warning
    assert "not known" in words
    assert "aiops replay --analyst offline" in words


def test_the_worst_misses_are_the_wrong_and_sure_ones():
    calls = [
        labelled(Grade.AREA, day=1, confidence=0.9),
        labelled(Grade.WRONG, day=2, confidence=0.4),
        labelled(Grade.WRONG, day=3, confidence=0.8),
        labelled(Grade.NEAR, day=4, confidence=0.99),
        labelled(None, day=5, confidence=0.99),
        labelled(Grade.WRONG, day=6, confidence=0.9, abstained=True),
        labelled(Grade.WRONG, day=7, confidence=0.9, established=False),
    ]

    assert [call.incident_id for call in worst(calls)] == ["INC-3", "INC-2", "INC-1"]


MONDAY = datetime(2026, 11, 23, tzinfo=UTC)


def seen(name, number, days, kind="prompt"):
    at = MONDAY + timedelta(days=days)
    return ContentVersion(kind=kind, name=name, version=str(number), sha256="", seen_at=at)


def changes(*versions):
    return content_changes(versions, since=MONDAY, until=MONDAY + timedelta(days=7))


def test_a_changed_version_is_named_with_the_one_before():
    assert changes(seen("triage", 3, -9), seen("triage", 4, 2)) == ("prompt triage 4 (before: 3)",)


def test_what_was_added_is_new_and_what_came_later_is_not_this_weeks():
    known = seen("triage", 3, -9)

    assert changes(known, seen("judge", 1, 2), seen("judge", 2, 8)) == ("prompt judge 1, new",)


def test_a_first_start_is_no_list_of_changes():
    runbooks = [seen(f"r{place}", "a", 1, "runbook") for place in range(40)]

    assert changes(seen("triage", 3, -9), *runbooks, seen("r1", "b", 3, "runbook")) == (
        "40 runbooks noted for the first time",
        "runbook r1 b (before: a)",
    )


def test_times_and_money_read_as_people_write_them():
    assert [seconds(value) for value in (0.42, 9.96, 48, 185, 3_700)] == [
        "0.4 s",
        "10.0 s",
        "48 s",
        "3 min 5 s",
        "61 min",
    ]
    assert [dollars(value) for value in (0, 0.0004, 0.05, 12)] == ["$0.00", "$0.0004", "$0.05", "$12.00"]


def test_a_digest_without_calls_and_open_incidents_is_empty():
    digest = situations.contents()["digest_nothing"].digest

    assert digest.empty
    assert not replace(digest, unlabelled_count=1).empty


def rival(model, offline, **recorded):
    form = OutcomeForm(cause="It leaked", cause_class=CauseClass.DEPLOY, component="checkout", **recorded)
    return Rival(
        incident_id="INC-1", model=model, offline=offline, form=form, services=frozenset({"checkout", "search"})
    )


LEAKED = Said(cause_class=CauseClass.DEPLOY, component="checkout")
SEARCHED = Said(cause_class=CauseClass.DEPLOY, component="search")
NAMELESS = Said(cause_class=CauseClass.DEPLOY)


def test_the_model_and_the_analyst_are_held_against_the_same_labels_pair_by_pair():
    rivals = [
        *[rival(LEAKED, SEARCHED)] * 8,
        *[rival(SEARCHED, LEAKED)] * 2,
        *[rival(LEAKED, LEAKED)] * 9,
        # Nothing said helps nobody; what only the texts can tell is no pair.
        rival(LEAKED, None),
        rival(NAMELESS, LEAKED),
    ]

    paired = model_against_offline(rivals)

    assert (paired.n, paired.won, paired.lost) == (20, 9, 2)
    assert paired.value == pytest.approx(7 / 20)
    words, warning = model_words(situations.digest(paired=paired))
    assert words.startswith(
        "openai/gpt-5.2 beats the offline analyst on the same incidents: +35 points helpful (n=20, 90 % "
    )
    assert not warning


def test_a_model_that_is_not_better_on_the_same_incidents_is_a_warning():
    paired = model_against_offline([rival(SEARCHED, LEAKED), rival(LEAKED, LEAKED)])

    words, warning = model_words(situations.digest(paired=paired))

    assert "does not beat the offline analyst on the same incidents: -50 points" in words
    assert warning


def test_without_pairs_nothing_is_compared():
    assert model_against_offline([rival(NAMELESS, LEAKED)]) is None
