"""People's verdicts on the real rows: one counts, and everybody else is told why theirs did not."""

import asyncio
from contextlib import asynccontextmanager
from dataclasses import replace
from functools import partial

import psycopg
import pytest

from bot.core.approval import ApprovalState, Say, Verdict
from bot.core.errors import ChatUnavailableError
from bot.core.execution import RunState, StepState
from bot.core.posts import Announcement, ApprovalCard, RunResult
from bot.flows.acting.decide import (
    decide_approval,
    expire_approvals,
    pause_writes,
    resume_writes,
    review_approval,
    settle_unknown,
    stop_run,
)
from bot.flows.acting.desk import RunPolicy
from tests.acting.plant import RUNBOOK

CLOSED = [("close_valves", ("v1", "v2", "v3"))]


@pytest.fixture
async def asked(open_yard):
    """A yard where a write waits for its verdict."""
    yard = await open_yard()
    await yard.plan()
    await yard.follow()
    return yard


async def test_a_double_click_and_a_second_person_within_milliseconds_give_one_verdict(asked):
    answers = await asyncio.gather(*(asked.approve(user) for user in ["U0ANA", "U0BEN"] * 4))

    assert [answer.done for answer in answers].count(True) == 1
    approval = await asked.approval()
    assert len(approval.votes) == 1
    for answer in answers:
        assert answer.done or f"approved by <@{approval.decided_by}> already" in answer.text
    await asked.follow_until_still()
    assert asked.plant.writes == CLOSED
    assert (await asked.actions("RUN-1")).count("approval.refused") == 7


async def test_a_yes_and_a_no_within_milliseconds_give_one_verdict(asked):
    yes, no = await asyncio.gather(asked.approve("U0ANA"), asked.say(Verdict.REJECT, "U0BEN", "not now"))

    assert yes.done != no.done
    await asked.follow_until_still()
    assert bool(asked.plant.writes) == yes.done


async def test_the_requester_cannot_approve_what_they_asked_for(open_yard):
    yard = await open_yard()
    await yard.plan(requester="U0ANA")
    await yard.follow()

    answer = await yard.approve("U0ANA")

    assert (answer.done, answer.text) == (False, "You asked for this, so somebody else has to approve it.")
    assert (await yard.approve("U0BEN")).done
    await yard.follow_until_still()
    assert yard.plant.writes == CLOSED


async def test_somebody_outside_the_group_decides_nothing(asked):
    for user in ("U0CHLOE", "U0NOBODY", "", "aiops", "autonomy"):
        for verdict in Verdict:
            answer = await asked.say(verdict, user, "because")
            assert not answer.done
            assert "not in the approver group for default" in answer.text or user == "aiops"
            assert (await reviewed(asked, verdict, user)).refused

    assert (await asked.approval()).state is ApprovalState.PENDING


async def reviewed(yard, verdict, user):
    return await review_approval((await yard.approval()).id, user=user, verdict=verdict, desk=yard.desk)


async def test_the_requester_gets_the_form_to_reject_with_and_no_form_to_approve_with(open_yard):
    yard = await open_yard()
    await yard.plan(requester="U0DAN")
    await yard.follow()

    assert (await reviewed(yard, Verdict.REJECT, "U0DAN")).refused == ""
    assert "somebody else has to approve it" in (await reviewed(yard, Verdict.APPROVE, "U0DAN")).refused
    assert "not in the approver group" in (await reviewed(yard, Verdict.REJECT, "U0EVE")).refused

    assert (await yard.say(Verdict.REJECT, "U0DAN", "the alert was wrong")).done
    await yard.follow_until_still()
    assert (await yard.ended()).run.why == "rejected by <@U0DAN>: the alert was wrong"
    assert yard.plant.writes == []


async def test_the_first_of_two_approvers_may_still_reject(open_yard):
    yard = await open_yard(policy=RunPolicy(two_person=frozenset({"default"})))
    await yard.plan()
    await yard.follow()
    await yard.approve("U0ANA")

    assert "approved this already" in (await reviewed(yard, Verdict.APPROVE, "U0ANA")).refused
    assert (await reviewed(yard, Verdict.REJECT, "U0ANA")).refused == ""
    assert (await yard.say(Verdict.REJECT, "U0ANA", "second thoughts")).done

    await yard.follow_until_still()
    assert (yard.plant.writes, (await yard.ended()).run.state) == ([], RunState.STOPPED)


async def test_during_a_pause_a_request_can_be_rejected_and_not_approved(asked):
    await pause_writes(user="U0EVE", reason="a drill", channel="#ops", desk=asked.desk)

    assert "aiops is paused" in (await reviewed(asked, Verdict.APPROVE, "U0ANA")).refused
    assert (await reviewed(asked, Verdict.REJECT, "U0ANA")).refused == ""
    assert (await asked.say(Verdict.REJECT, "U0ANA", "not today")).done

    await asked.follow_until_still()
    assert (await asked.ended()).run.why == "rejected by <@U0ANA>: not today"


async def test_an_approver_who_left_the_group_before_the_run_stops_it(asked):
    await asked.approve("U0ANA")
    asked.group("U0BEN")

    await asked.follow_until_still()

    detail = await asked.ended()
    assert asked.plant.writes == []
    assert detail.run.state is RunState.STOPPED
    assert "<@U0ANA> is not in the approver group any more" in detail.run.why
    (card,) = await asked.posts(ApprovalCard)
    assert card.approval.state is ApprovalState.WITHDRAWN


async def test_while_slack_does_not_tell_who_is_in_the_group_nobody_is(asked):
    await asked.box.fault("usergroups.users.list", "status", status=503, times=20)
    answer = await asked.approve("U0ANA")
    assert "Slack did not tell" in answer.text
    assert (await asked.approval()).state is ApprovalState.PENDING


async def test_slack_away_at_the_time_of_the_run_holds_the_write_until_the_yes_is_too_old(asked):
    await asked.approve("U0ANA")
    asked.desk = replace(asked.desk, approvers=_Unreachable())

    await asked.follow_until_still(seconds=20)

    detail = await asked.ended()
    assert asked.plant.writes == []
    assert detail.run.state is RunState.EXPIRED
    assert "within five minutes of the approval" in detail.run.why


class _Unreachable:
    async def may_approve(self, user, environment):
        raise ChatUnavailableError("Slack is away")

    def configured(self, environment):
        return ("S0ONCALL",)

    def environments(self):
        return frozenset()


async def test_a_request_expires_and_a_late_press_runs_nothing(asked):
    asked.clock.pass_(30 * 60)

    late = await asked.approve()
    assert await expire_approvals(desk=asked.desk) == 1
    await asked.follow_until_still()

    assert "has expired" in late.text
    detail = await asked.ended()
    assert detail.run.state is RunState.EXPIRED
    assert asked.plant.writes == []
    assert "closed already (expired)" in (await asked.approve()).text


async def test_a_yes_that_nobody_used_for_five_minutes_is_void(asked):
    await asked.approve()
    asked.clock.pass_(301)

    await asked.follow_until_still()

    detail = await asked.ended()
    assert asked.plant.writes == []
    assert (detail.run.state, detail.approvals[0].state) == (RunState.EXPIRED, ApprovalState.EXPIRED)


async def test_a_rejection_needs_a_reason_and_the_thread_tells_it(asked):
    assert not (await asked.say(Verdict.REJECT, "U0ANA", " ")).done
    assert (await asked.say(Verdict.REJECT, "U0ANA", "the shift is changing")).done

    await asked.follow_until_still()

    detail = await asked.ended()
    assert (detail.run.state, detail.run.why) == (RunState.STOPPED, "rejected by <@U0ANA>: the shift is changing")
    (result,) = await asked.posts(RunResult)
    assert result.headline.startswith("Nothing was changed")
    assert asked.plant.writes == []


async def test_the_requester_takes_a_request_back_without_being_an_approver(open_yard):
    yard = await open_yard()
    await yard.plan(requester="U0DAN")
    await yard.follow()

    assert not (await yard.say(Verdict.WITHDRAW, "U0EVE")).done
    assert (await yard.say(Verdict.WITHDRAW, "U0DAN")).done
    assert not (await yard.approve()).done

    await yard.follow_until_still()
    assert (await yard.ended()).run.state is RunState.STOPPED
    assert yard.plant.writes == []


async def test_a_hash_of_something_else_is_not_a_yes(asked):
    approval = await asked.approval()
    for sha256 in ("", "0" * 64, approval.sha256.upper()):
        say = Say(user="U0ANA", verdict=Verdict.APPROVE, shown_sha256=sha256)
        assert "changed since it was shown" in (await decide_approval(approval.id, say, desk=asked.desk)).text
    assert (await asked.approval()).state is ApprovalState.PENDING


async def test_two_people_have_to_approve_a_destructive_step_where_the_house_says_so(open_yard):
    yard = await open_yard(policy=RunPolicy(two_person=frozenset({"default"})))
    await yard.plan()
    await yard.follow()

    first, again = await yard.approve("U0ANA"), await yard.approve("U0ANA")
    await yard.follow_until_still()
    assert (first.done, again.done) == (True, False)
    assert "A second person" in first.text
    assert "a second person has to as well" in again.text
    assert yard.plant.writes == []

    assert (await yard.approve("U0BEN")).done
    await yard.follow_until_still()
    assert yard.plant.writes == CLOSED
    (result,) = await yard.posts(RunResult)
    assert result.approvers == ("U0ANA", "U0BEN")


async def test_of_two_approvers_neither_may_have_left(open_yard):
    yard = await open_yard(policy=RunPolicy(two_person=frozenset({"default"})))
    await yard.plan()
    await yard.follow()
    await yard.approve("U0ANA")
    yard.group("U0BEN")
    await yard.approve("U0BEN")

    await yard.follow_until_still()

    assert yard.plant.writes == []
    assert "<@U0ANA> is not in the approver group" in (await yard.ended()).run.why


async def test_a_second_yes_that_comes_while_the_executor_is_looking_is_not_slept_through(open_yard):
    """The verdict commits between the executor's look and its going to sleep."""
    yard = await open_yard(policy=RunPolicy(two_person=frozenset({"default"})))
    await yard.plan()
    await yard.follow()
    await yard.approve("U0ANA")
    slow = yard.with_desk(store=_SpeaksUp(yard.desk.store, lambda: yard.approve("U0BEN"), before=4))

    await slow.follow()
    await yard.follow_until_still()

    assert yard.plant.writes == CLOSED


class _SpeaksUp:
    """The store, with something that happens right before the n-th transaction."""

    def __init__(self, store, what, *, before):
        self._store, self._what, self._left = store, what, before

    @asynccontextmanager
    async def transaction(self):
        self._left -= 1
        if self._left == 0:
            await self._what()
        async with self._store.transaction() as tx:
            yield tx


async def test_stop_pressed_at_any_moment_either_stops_the_write_or_comes_after_it_began(open_yard):
    yard, outcomes = await open_yard(), set()
    for moment in range(1, 13):
        yard.restore()
        await yard.ask()
        await yard.approve()
        press = partial(stop_run, yard.run_id, user="U0EVE", desk=yard.desk)

        await yard.with_desk(store=_SpeaksUp(yard.desk.store, press, before=moment)).follow()
        await yard.follow_until_still(seconds=1)

        detail, actions = await yard.ended(), await yard.actions(yard.run_id)
        began = "step.started" in actions
        assert yard.plant.writes == (CLOSED if began else [])
        if "run.stop" in actions:
            assert not began or actions.index("step.started") < actions.index("run.stop")
            assert began or (detail.run.state, detail.run.why) == (RunState.STOPPED, "stopped by <@U0EVE>")
        outcomes.add((began, "run.stop" in actions))
    assert {(False, True), (True, True)} <= outcomes, "the moments cover both sides of the commit"


async def test_a_pause_at_any_moment_either_holds_the_write_or_comes_after_it_began(open_yard):
    yard, outcomes = await open_yard(), set()
    for moment in range(1, 13):
        yard.restore()
        await yard.ask()
        await yard.approve()
        pause = partial(pause_writes, user="U0EVE", reason=str(moment), channel="#ops", desk=yard.desk)

        await yard.with_desk(store=_SpeaksUp(yard.desk.store, pause, before=moment)).follow()
        await yard.follow_until_still()

        began = "step.started" in await yard.actions(yard.run_id)
        paused = await _pause(yard) is not None
        if began and paused:
            lately = [one for one in await yard.actions() if one in {"step.started", "switch.paused"}]
            assert lately[-2:] == ["step.started", "switch.paused"], "a write began after the pause"
        assert yard.plant.writes == (CLOSED if began else [])
        assert began or paused
        outcomes.add((began, paused))
        await resume_writes(user="U0ANA", reason="", channel="#ops", desk=yard.desk)
        await yard.follow_until_still()
        assert yard.plant.writes == CLOSED
    assert {(False, True), (True, True)} <= outcomes, "the moments cover both sides of the commit"


async def test_a_pause_suspends_a_request_and_resuming_opens_it_again(asked):
    paused = await pause_writes(user="U0EVE", reason="a drill", channel="#ops", desk=asked.desk)
    assert paused.done
    (card,) = await asked.posts(ApprovalCard)
    assert card.paused
    assert "aiops is paused" in (await asked.approve()).text
    assert not (await pause_writes(user="U0EVE", reason="", channel="#ops", desk=asked.desk)).done

    assert (
        "Only the approver group"
        in (await resume_writes(user="U0EVE", reason="", channel="#ops", desk=asked.desk)).text
    )
    assert (await resume_writes(user="U0ANA", reason="", channel="#ops", desk=asked.desk)).done
    (card,) = await asked.posts(ApprovalCard)
    assert not card.paused
    assert len(await asked.posts(Announcement)) == 2

    assert (await asked.approve()).done
    await asked.follow_until_still()
    assert asked.plant.writes == CLOSED


async def test_where_default_has_no_approvers_those_of_any_environment_end_a_pause(open_yard):
    yard = await open_yard(approvers={"production": ["S0ONCALL"]}, environment="production")
    await pause_writes(user="U0EVE", reason="a drill", channel="#ops", desk=yard.desk)

    outsider = await resume_writes(user="U0CHLOE", reason="", channel="#ops", desk=yard.desk)
    insider = await resume_writes(user="U0ANA", reason="", channel="#ops", desk=yard.desk)

    assert (outsider.done, insider.done) == (False, True)


async def test_what_was_started_on_the_command_line_needs_two_people_who_did_not_start_it(open_yard):
    yard = await open_yard()
    await yard.plan(requester="cli:U0ANA")
    await yard.follow()

    assert (await yard.approve("U0ANA")).text == "You asked for this, so somebody else has to approve it."
    assert "A second person" in (await yard.approve("U0BEN")).text
    assert not (await yard.approve("U0BEN")).done
    yard.group("U0BEN", "U0CHEN")
    assert (await yard.approve("U0CHEN")).done
    await yard.follow_until_still()
    assert yard.plant.writes == CLOSED


async def test_an_account_at_a_terminal_approves_nothing_alone(open_yard):
    """Whoever typed it may be in the group; one of two different people is not them."""
    yard = await open_yard()
    await yard.plan(requester="cli:ana")
    await yard.follow()

    await yard.approve("U0ANA")
    await yard.follow_until_still()

    assert yard.plant.writes == []
    assert (await yard.approval()).needed == 2


async def test_a_pause_longer_than_a_yes_lasts_means_that_it_is_asked_for_again_by_a_person(asked):
    await asked.approve()
    await pause_writes(user="U0EVE", reason="", channel="#ops", desk=asked.desk)
    await asked.follow_until_still(seconds=31)
    assert asked.plant.writes == []
    asked.clock.pass_(400)

    await asked.follow_until_still()

    detail = await asked.ended()
    assert "within five minutes" in detail.run.why
    assert asked.plant.writes == []


async def test_a_pause_can_be_begun_while_every_request_is_locked_by_somebody(asked):
    approval = await asked.approval()
    async with asked.desk.store.transaction() as tx:
        await tx.approval(approval.id)
        pausing = asyncio.create_task(pause_writes(user="U0EVE", reason="", channel="#ops", desk=asked.desk))
        async with asyncio.timeout(5):
            while await _pause(asked) is None:
                await asyncio.sleep(0)
    assert (await pausing).done


async def _pause(yard):
    async with yard.desk.store.transaction() as tx:
        return await tx.paused()


async def test_an_incident_that_resolves_while_the_request_waits_closes_it(asked):
    await asked.resolve_incident()

    await expire_approvals(desk=asked.desk)
    await asked.follow_until_still()

    detail = await asked.ended()
    assert (detail.run.state, asked.plant.writes) == (RunState.STOPPED, [])
    assert "the incident resolved before anything was changed" in detail.run.why
    assert detail.approvals[0].state is ApprovalState.WITHDRAWN
    assert not (await asked.approve()).done


async def test_only_the_group_says_what_became_of_an_unknown_step_and_only_once(open_yard):
    yard = await open_yard()
    yard.plant.fail = "the line went dead"
    await yard.plan()
    await yard.follow()
    await yard.approve()
    await yard.follow_until_still()
    assert (await yard.detail()).step_runs[-1].state is StepState.UNKNOWN

    outsider = await settle_unknown("RUN-1", 2, user="U0DAN", carried_out=True, desk=yard.desk)
    answers = await asyncio.gather(
        *(settle_unknown("RUN-1", 2, user=user, carried_out=True, desk=yard.desk) for user in ("U0ANA", "U0BEN"))
    )

    assert not outsider.done
    assert sorted(answer.done for answer in answers) == [False, True]


async def test_the_database_itself_refuses_to_change_a_request_or_to_decide_it_twice(asked):
    await asked.say(Verdict.REJECT, "U0ANA", "no")
    async with await psycopg.AsyncConnection.connect(asked.dsn, autocommit=True) as connection:
        for change in ("envelope = '{}'", "sha256 = 'x'", "dry_run = '{}'", "needed = 2", "expires_at = now()"):
            with pytest.raises(psycopg.errors.CheckViolation, match="is frozen"):
                await connection.execute(f"update aiops.approval set {change}")
        for state in ("pending", "approved", "used"):
            with pytest.raises(psycopg.errors.CheckViolation, match="cannot go from rejected"):
                await connection.execute("update aiops.approval set state = %s", [state])


async def test_a_runbook_text_is_what_was_approved_whatever_becomes_of_the_file(asked):
    """The run keeps its own copy; the hash of the approval is over that copy."""
    await asked.approve()
    asked.runbook = replace(asked.runbook, source=RUNBOOK.replace("close_valves", "open_valves"))

    await asked.follow_until_still()

    assert asked.plant.writes == CLOSED
