"""kill -9 at every named point of a real process: each write at most once, and what is not known is asked."""

import asyncio
import json
import signal
import sys

import pytest

from bot.core.approval import ApprovalState
from bot.core.execution import RUN_ENDS, RunState, StepState
from bot.core.posts import ApprovalCard, RunCard, RunResult
from bot.flows.acting.decide import settle_unknown
from tests.acting.conftest import KEY, ROOT
from tests.acting.plant import Plant

CLOSED = ("close_valves", ("v1", "v2", "v3"))


async def killed_at(yard, point):
    """Run the executor as a process of its own until it kills itself there; then its lease runs out."""
    told = {
        "dsn": yard.dsn,
        "plant": yard.power.url,
        "slack": yard.box.api_url,
        "token": yard.box.bot_token,
        "key": KEY,
        "run": yard.run_id,
        "now": yard.clock.now().isoformat(),
        "point": point,
    }
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.acting.executor", json.dumps(told), cwd=ROOT, stderr=asyncio.subprocess.PIPE
    )
    try:
        async with asyncio.timeout(60):
            _, said = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    assert process.returncode == -signal.SIGKILL, said.decode()[-2_000:]
    yard.clock.pass_(60)


async def go_on(yard):
    """A new process, in this one: it follows the run, and people say yes to what is asked."""
    for _ in range(40):
        detail = await yard.detail()
        if detail.run.state in RUN_ENDS:
            return
        newest = detail.step_runs[-1] if detail.step_runs else None
        if newest is not None and newest.state is StepState.UNKNOWN:
            return
        if detail.approvals and detail.approvals[-1].state is ApprovalState.PENDING:
            await yard.approve("U0BEN")
        await yard.follow()
        yard.clock.pass_(1)
    raise AssertionError("the run neither ends nor asks")


async def audit_is_whole(yard):
    assert (await yard.audit.verify()).broken is None


@pytest.mark.parametrize("point", ["read.started", "approval.asked", "approval.decided", "write.recorded", "write.judged", "run.ended"])  # fmt: skip
async def test_killed_where_everything_is_known_it_is_finished_without_repeating_the_write(open_yard, point):
    yard = await open_yard()
    await yard.plan()

    await killed_at(yard, point)
    before = [card.approval.id for card in await yard.posts(ApprovalCard)]
    await go_on(yard)

    detail = await yard.ended()
    assert detail.run.state is RunState.SUCCEEDED
    assert yard.plant.writes == [CLOSED]
    assert len(yard.plant.grants) == 1
    assert [one.id for one in detail.approvals][: len(before)] == before, "the request survives"
    assert [one.state for one in detail.approvals] == [ApprovalState.USED]
    assert len(await yard.posts(RunResult)) == 1
    await audit_is_whole(yard)


@pytest.mark.parametrize(("point", "carried_out"), [("write.started", False), ("write.answered", True)])
async def test_killed_in_the_middle_of_the_write_it_asks_a_person_and_never_repeats_it(open_yard, point, carried_out):
    yard = await open_yard()
    await yard.plan()

    await killed_at(yard, point)
    await go_on(yard)

    assert yard.plant.writes == ([CLOSED] if carried_out else [])
    card = (await yard.posts(RunCard))[-1]
    assert card.title == "A person has to decide"
    assert "the process ended while this was running" in card.question
    assert f"few enough valves are open: {'yes' if carried_out else 'no'}" in card.question
    assert (await yard.detail()).approvals[0].state is ApprovalState.USED

    await settle_unknown(yard.run_id, card.unknown_step, user="U0BEN", carried_out=carried_out, desk=yard.desk)
    await go_on(yard)
    detail = await yard.ended()
    assert detail.run.state is (RunState.SUCCEEDED if carried_out else RunState.FAILED)
    assert yard.plant.writes == ([CLOSED] if carried_out else [])
    await audit_is_whole(yard)


async def test_killed_right_after_it_noted_that_nobody_knows_the_question_is_still_there(open_yard):
    yard = await open_yard(Plant(fail="the line went dead"))
    await yard.plan()

    await killed_at(yard, "write.unknown")
    await go_on(yard)

    assert (await yard.detail()).step_runs[-1].state is StepState.UNKNOWN
    await yard.follow_until_still()
    assert "the line went dead" in (await yard.posts(RunCard))[-1].question
    assert len(yard.plant.grants) == 1
    await audit_is_whole(yard)


async def test_killed_while_a_request_was_being_replaced_it_is_asked_for_once_more(open_yard):
    yard = await open_yard()
    moves = iter(range(100))

    def move():
        """After the first look, a valve moves; from then on they hold still."""
        if next(moves) == 1:
            yard.plant.open.pop("v3")

    yard.plant.between = move
    await yard.plan()

    await killed_at(yard, "approval.refused")
    await go_on(yard)

    detail = await yard.ended()
    assert yard.plant.writes == [("close_valves", ("v1", "v2"))]
    assert [one.state for one in detail.approvals] == [ApprovalState.SUPERSEDED, ApprovalState.USED]
    await audit_is_whole(yard)
