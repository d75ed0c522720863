"""From a hypothesis to a run: only what the alert's own runbook says, and unasked only what was earned and is sure."""

from dataclasses import replace
from datetime import timedelta
from functools import partial
from pathlib import Path

import pytest

from bot.adapters.runbook_format import parse_runbook
from bot.core.approval import ApprovalState
from bot.core.execution import RunState
from bot.core.hypothesis import CauseClass, FirstAction
from bot.core.outcome import Grade, GradedBy, OutcomeForm, OutcomeSource
from bot.core.policy import Effect, Level
from bot.core.runbook import Runbook
from bot.flows.acting.decide import pause_writes
from bot.flows.acting.plan import place_of_writes, propose_run
from bot.flows.investigate import investigate_next
from bot.flows.learning.autonomy import revise_standing
from bot.ports import Concluded, Gathered, NewOutcome
from tests.acting.conftest import ALERT, NOW
from tests.acting.plant import EFFECTS, RUNBOOK
from tests.acting.test_changes import WRITE
from tests.slack import samples
from tests.support.labels import assessment, seed

KINDS = {name: Effect(effect) for name, effect in EFFECTS.items()}
OPENED = [("open_valves", ("v4",))]


def parsed(*pairs: tuple[str, str]) -> Runbook:
    text = RUNBOOK
    for before, after in pairs:
        assert before in text, before
        text = text.replace(before, after)
    return parse_runbook(text, Path("pressure-high.md"), effects=KINDS)


MILD = parsed(*WRITE)
"""Opens the valves that do not leak: a write that destroys nothing."""
OTHER = parsed(("id: pressure-high", "id: flood"), ("alerts: [PressureHigh]", "alerts: [Flood]"))


class Says:
    """An agent that comes to what the test says."""

    def __init__(self, told, runbook, matched):
        self._told, self._runbook, self._matched = told, runbook, matched

    async def investigate(self, brief):
        pack = samples.pack()
        yield Gathered(pack=pack, similar=self._told.similar, took_ms=5)
        yield Concluded(assessment=self._told, runbook=self._runbook, pack=pack, tasks=(), matched=self._matched)

    async def forget(self, investigation_id):
        return None


def told(*, cause=CauseClass.CAPACITY, confidence=0.9, first="pressure-high"):
    action = FirstAction(text="Open it", runbook=first) if first else None
    return replace(assessment(cause=cause, confidence=confidence), first_action=action)


async def label_until_earned(yard):
    """Twelve incidents of this class, whose hypotheses all helped."""
    for number in range(12):
        incident, at = f"INC-{900 + number}", NOW - timedelta(days=30 - number)
        seed(yard.dsn, incident, at=at, told=assessment(confidence=0.9), of=(ALERT.name, "pressure-high"))
        form = OutcomeForm(cause="a valve stuck", component="vessel", grade=Grade.EXACT)
        async with yard.desk.store.transaction() as tx:
            outcome = NewOutcome(
                incident_id=incident,
                form=form,
                author="U1",
                source=OutcomeSource.MODAL,
                grade=Grade.EXACT,
                graded_by=GradedBy.PERSON,
            )
            await tx.add_outcome(outcome, now=at + timedelta(hours=1))
            await revise_standing(tx, incident, channel="#incidents", now=at + timedelta(hours=1))


async def investigated(yard, says: Says):
    """The investigation of the yard's incident, and its run as far as it goes; None: none was planned."""
    yard.clock.pass_(60)
    desk = yard.desk
    propose = partial(
        propose_run,
        autonomy=desk.autonomy,
        store=desk.store,
        templates=desk.templates,
        clock=yard.clock,
        place=partial(place_of_writes, tools=desk.tools),
    )
    assert await investigate_next(
        store=desk.store, agent=says, clock=yard.clock, owner="t", lease=timedelta(seconds=15), cap=3, propose=propose
    )
    async with desk.store.transaction() as tx:
        planned = await tx.runs(limit=1, incident_id=yard.incident_id)
    if not planned:
        return None
    yard.run_id = planned[0].id
    await yard.follow_until_still()
    return await yard.detail()


@pytest.fixture
async def earned(open_yard):
    """A yard whose class of alert has earned autonomy by its labels."""
    yard = await open_yard()
    yard.plant.between = lambda: yard.plant.open.pop("v4", None)
    await label_until_earned(yard)
    return yard


async def test_twelve_good_labels_and_a_sure_cause_let_a_write_run_that_nobody_was_asked_for(earned):
    detail = await investigated(earned, Says(told(), MILD, MILD))

    assert earned.plant.writes == OPENED
    assert (detail.run.state, detail.run.level, detail.approvals) == (RunState.SUCCEEDED, Level.AUTONOMOUS, ())
    assert detail.run.reason == "PressureHigh is firing and this is its runbook"
    (decided,) = await earned.audit.tail(limit=9, action="policy.decided")
    assert "confidence 90%" in decided["detail"]["why"]


@pytest.mark.parametrize(
    ("said", "why"),
    [
        (told(cause=CauseClass.NO_CAUSE), "confidence of 0%"),
        (told(cause=CauseClass.UNKNOWN), "confidence of 0%"),
        (told(first="flood"), "confidence of 0%"),
        (told(first=""), "confidence of 0%"),
        (replace(told(), hypotheses=()), "confidence of 0%"),
        (told(confidence=0.79), "confidence of 79%"),
    ],
)
async def test_what_is_not_sure_of_a_cause_that_this_runbook_mends_is_asked_for(earned, said, why):
    await investigated(earned, Says(said, MILD, MILD))

    assert earned.plant.writes == []
    assert (await earned.approval()).state is ApprovalState.PENDING
    (decided,) = await earned.audit.tail(limit=9, action="policy.decided")
    assert why in decided["detail"]["why"]


async def test_a_destructive_step_is_asked_for_however_sure_and_however_much_was_earned(earned):
    await investigated(earned, Says(told(confidence=1.0), earned.runbook, earned.runbook))

    assert earned.plant.writes == []
    assert (await earned.approval()).state is ApprovalState.PENDING


async def test_without_labels_a_sure_write_is_asked_for(open_yard):
    yard = await open_yard()
    yard.plant.between = lambda: yard.plant.open.pop("v4", None)

    await investigated(yard, Says(told(), MILD, MILD))

    assert yard.plant.writes == []
    assert (await yard.approval()).state is ApprovalState.PENDING


async def test_an_earned_write_does_not_run_in_a_pause(earned):
    await pause_writes(user="U0EVE", reason="", channel="#ops", desk=earned.desk)

    detail = await investigated(earned, Says(told(), MILD, MILD))

    assert (earned.plant.writes, detail.approvals) == ([], ())


async def test_a_runbook_that_a_model_names_for_another_alert_is_not_planned(earned):
    assert await investigated(earned, Says(told(first="flood"), OTHER, None)) is None
    assert earned.plant.writes == []


async def test_a_model_that_names_another_runbook_does_not_keep_the_alerts_own_from_being_asked_for(earned):
    detail = await investigated(earned, Says(told(first="flood"), OTHER, MILD))

    assert detail.run.runbook_id == "pressure-high"
    assert earned.plant.writes == []
    assert (await earned.approval()).envelope.reason == "PressureHigh is firing and this is its runbook"


async def test_a_runbook_that_was_only_found_to_be_likely_is_not_planned(earned):
    assert await investigated(earned, Says(told(first="flood"), OTHER, OTHER)) is None
