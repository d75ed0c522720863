"""Labels keep their history, and every hypothesis is joined with the label that stands."""

from datetime import timedelta

import psycopg
import pytest

from bot.adapters.postgres.session import make_pool
from bot.adapters.postgres.store import PostgresStore
from bot.core.confidence import Calibration
from bot.core.errors import NotFoundError, StoreError
from bot.core.hypothesis import CauseClass
from bot.core.outcome import Grade, GradedBy, MessageRef, OutcomeForm, OutcomeSource
from bot.core.policy import Level
from bot.ports import CalibrationFit, ContentVersion, NewOutcome, PastIncident, Standing
from tests.support.labels import NOW, assessment, label, seed


@pytest.fixture
async def store(database_url):
    pool = make_pool(database_url, max_size=4, name="test")
    async with pool:
        yield PostgresStore(pool, default_channel="#incidents")


async def test_a_correction_is_a_new_version_and_the_old_one_stays(store, database_url):
    seed(database_url)
    message = MessageRef(channel="C1", ts="5.5", permalink="https://example.com/p5")

    async with store.transaction() as tx:
        await tx.add_outcome(label(message=message), now=NOW)
        second = await tx.add_outcome(label(cause="no, the pool is too small"), now=NOW + timedelta(hours=1))
        stands = await tx.outcome("INC-1")
        history = await tx.outcomes("INC-1")
        written = await tx.outcome_by_message("C1", "5.5")

    assert stands == second
    assert [one.form.cause for one in history] == ["the retry path leaks", "no, the pool is too small"]
    assert written == history[0]
    assert written.message == message


async def test_a_label_of_an_unknown_incident_is_refused(store):
    with pytest.raises(NotFoundError, match="INC-404"):
        async with store.transaction() as tx:
            await tx.add_outcome(label("INC-404"), now=NOW)


def test_the_words_of_a_label_are_frozen(database_url):
    seed(database_url)
    with psycopg.connect(database_url) as connection:
        connection.execute(
            "insert into aiops.outcome (incident_id, version, form, author, source, recorded_at)"
            " values ('INC-1', 1, '{}', 'U1', 'modal', now())"
        )
        with pytest.raises(psycopg.errors.CheckViolation, match="version 1 of the outcome of INC-1 is frozen"):
            connection.execute("update aiops.outcome set author = 'U2'")


async def test_a_grade_outside_the_four_points_is_refused(store, database_url):
    seed(database_url)
    async with store.transaction() as tx:
        await tx.add_outcome(label(), now=NOW)
    with pytest.raises(psycopg.errors.CheckViolation), psycopg.connect(database_url) as connection:
        connection.execute("update aiops.outcome set grade = 50, graded_by = 'person'")


async def test_a_deleted_message_is_marked_once_and_the_label_stands(store, database_url):
    seed(database_url)
    async with store.transaction() as tx:
        await tx.add_outcome(label(message=MessageRef(channel="C1", ts="5.5")), now=NOW)
        first = await tx.outcome_message_deleted("C1", "5.5", now=NOW)
        again = await tx.outcome_message_deleted("C1", "5.5", now=NOW)
        stands = await tx.outcome("INC-1")

    assert (first, again) == (1, 0)
    assert stands is not None
    assert stands.message_deleted


async def test_a_judge_never_replaces_a_persons_grade(store, database_url):
    seed(database_url)
    async with store.transaction() as tx:
        given = await tx.add_outcome(label(grade=Grade.WRONG, graded_by=GradedBy.PERSON), now=NOW)
        await tx.grade_outcome(given, grade=Grade.EXACT, by=GradedBy.JUDGE, reason="same change", judged_with="m")
        stands = await tx.outcome("INC-1")
        (call,) = await tx.calls()
        waiting = await tx.unjudged_outcomes(now=NOW, limit=5)

    assert stands is not None
    assert (stands.grade, stands.graded_by) == (Grade.WRONG, GradedBy.PERSON)
    assert (call.grade, call.judge_grade) == (Grade.WRONG, Grade.EXACT)
    assert waiting == []


async def test_what_was_matched_or_named_no_cause_is_not_put_to_a_judge(store, database_url):
    for name in ("INC-1", "INC-2", "INC-3"):
        seed(database_url, name)
    async with store.transaction() as tx:
        await tx.add_outcome(label("INC-1", grade=Grade.EXACT, graded_by=GradedBy.MATCH), now=NOW)
        await tx.add_outcome(label("INC-2"), now=NOW)
        nothing = OutcomeForm(cause="", established=False)
        await tx.add_outcome(
            NewOutcome(incident_id="INC-3", form=nothing, author="U1", source=OutcomeSource.MODAL), now=NOW
        )
        waiting = await tx.unjudged_outcomes(now=NOW, limit=5)

    assert [one.incident_id for one in waiting] == ["INC-2"]


async def test_the_first_hypothesis_counts_however_often_it_is_run_again(store, database_url):
    seed(database_url)
    seed(database_url, told=assessment("Something else", confidence=0.9), number=2)
    async with store.transaction() as tx:
        (call,) = await tx.calls()

    assert call.hypothesis == "Release 2.31 leaks connections"
    assert (call.alert_class, call.runbook, call.change_id) == ("CheckoutErrors", "high-error-rate", "rel-231")
    assert (call.hypothesis_ms, call.confidence, call.abstained, call.grade) == (9_000, 0.72, False, None)


async def test_calls_are_read_from_a_moment_on(store, database_url):
    seed(database_url, "INC-1", at=NOW - timedelta(days=100))
    seed(database_url, "INC-2", told=assessment(cause=CauseClass.UNKNOWN))
    async with store.transaction() as tx:
        found = await tx.calls(since=NOW - timedelta(days=7))

    assert [one.incident_id for one in found] == ["INC-2"]
    assert found[0].abstained


async def test_the_cause_is_asked_for_once_and_reminded_of_once(store, database_url):
    seed(database_url)
    seed(database_url, "INC-2", state="investigating")
    async with store.transaction() as tx:
        assert await tx.unasked(over_since=NOW + timedelta(days=1), limit=5) == [], "it was over long before"
        due = await tx.unasked(over_since=NOW, limit=5)
        first, again = await tx.ask_outcome("INC-1", now=NOW), await tx.ask_outcome("INC-1", now=NOW)
        after = await tx.unasked(over_since=NOW, limit=5)
        early = await tx.due_reminders(asked_before=NOW, limit=5)
        late = await tx.due_reminders(asked_before=NOW + timedelta(days=1), limit=5)
        await tx.outcome_reminded("INC-1", now=NOW)
        done = await tx.due_reminders(asked_before=NOW + timedelta(days=1), limit=5)
        missing = await tx.unlabelled(limit=5)

    assert [one.id for one in due] == ["INC-1"]
    assert (first, again, after, early) == (True, False, [], [])
    assert [one.id for one in late] == ["INC-1"]
    assert done == []
    assert [one.id for one in missing] == ["INC-1"]


async def test_importing_the_same_past_again_changes_nothing(store):
    past = PastIncident(
        id="PM-7", title="Pool exhausted", service="checkout", started_at=NOW, cause="leak", cause_class="deploy"
    )
    async with store.transaction() as tx:
        first = await tx.put_past_incident(past, by="cli", now=NOW)
        again = await tx.put_past_incident(past, by="cli", now=NOW)
        ((kept, _),) = await tx.unremembered_history(model="m", limit=5)

    assert (first, again, kept) == (True, False, past)


async def test_a_vote_on_a_similar_incident_counts_with_its_last_word(store, database_url):
    seed(database_url)
    async with store.transaction() as tx:
        await tx.vote_similar("INC-1", "PM-7", user="U1", relevant=True, now=NOW)
        await tx.vote_similar("INC-1", "PM-7", user="U1", relevant=False, now=NOW)
        (call,) = await tx.calls()

    assert call.similar_relevant is False


async def test_a_fit_is_written_once_and_only_a_used_one_counts(store):
    fit = CalibrationFit(
        calibration=Calibration(slope=1.2, offset=-0.3, labels=20, version="2026-03-01"),
        fitted_at=NOW,
        brier_old=0.2,
        brier_new=0.18,
        compared=12,
        used=True,
        why="better on 12 later calls",
    )
    worse = CalibrationFit(
        calibration=Calibration(slope=2, offset=0, labels=21, version="2026-03-02"),
        fitted_at=NOW + timedelta(days=1),
        brier_old=0.18,
        brier_new=0.2,
        compared=12,
        used=False,
        why="worse on 12 later calls",
    )
    async with store.transaction() as tx:
        written = [await tx.add_calibration(fit), await tx.add_calibration(fit), await tx.add_calibration(worse)]
        counts, newest = await tx.calibration(), await tx.calibrations(limit=5)

    assert written == [True, False, True]
    assert counts == fit
    assert newest == [worse, fit]


async def test_a_standing_is_kept_per_class_and_runbook(store):
    standing = Standing(
        alert_class="CheckoutErrors",
        runbook="high-error-rate",
        level=Level.APPROVED,
        why="12 labelled",
        lower_bound=0.77,
        labels=12,
        since=NOW,
    )
    async with store.transaction() as tx:
        await tx.set_standing(standing)
        kept = await tx.standing("CheckoutErrors", "high-error-rate")
        other = await tx.standing("CheckoutErrors", "another")
        everything = await tx.standings()

    assert (kept, other, everything) == (standing, None, [standing])


async def test_content_is_noted_when_it_is_first_seen(store):
    prompt = ContentVersion(kind="prompt", name="triage", version="2", sha256="a" * 64, seen_at=NOW)
    async with store.transaction() as tx:
        first, again = await tx.note_content([prompt]), await tx.note_content([prompt])
        lately = await tx.new_content(since=NOW - timedelta(days=7))

    assert (first, again, lately) == ([prompt], [], [prompt])


async def test_the_first_world_of_an_investigation_is_kept(store, database_url):
    seed(database_url)
    async with store.transaction() as tx:
        await tx.put_world("INC-1.1", {"a": 1}, now=NOW)
        await tx.put_world("INC-1.1", {"a": 2}, now=NOW)
        kept, none = await tx.world("INC-1.1"), await tx.world("INC-9.1")

    assert (kept, none) == ({"a": 1}, None)


async def test_a_world_without_an_investigation_is_refused(store):
    with pytest.raises(StoreError):
        async with store.transaction() as tx:
            await tx.put_world("INC-9.1", {}, now=NOW)
