"""An answer that does not fit the tool's declared output schema stops the run with a clear card, and nothing else."""

import asyncio

import pytest

from bot.core.errors import ToolError, ToolUnavailableError
from bot.core.execution import RunState, StepState
from bot.core.posts import RunCard
from tests.acting.plant import Plant

COUNTED = {"type": "object", "properties": {"open": {"type": "integer"}}, "required": ["open"]}
ONLY_VESSEL = {"type": "object", "properties": {"vessel": {"const": "vessel"}}}


async def test_a_reading_that_does_not_fit_stops_the_run_and_is_not_repeated(open_yard):
    yard = await open_yard(Plant(schemas={"read_valves": COUNTED}))
    await yard.ask()

    detail = await yard.ended()
    assert detail.run.state is RunState.FAILED
    assert "Which valves are open: read_valves answered what does not fit its own output schema" in detail.run.why
    assert "is not of type 'integer'" in (await yard.posts(RunCard))[-1].why
    assert yard.plant.reads == 1
    assert (detail.approvals, yard.plant.writes) == ((), [])


@pytest.mark.parametrize("legacy", [False, True])
async def test_a_write_whose_answer_does_not_fit_is_made_once_and_left_to_a_person(open_yard, legacy):
    yard = await open_yard(Plant(schemas={"close_valves": COUNTED}, legacy=legacy))
    await yard.ask()
    await yard.approve()
    await yard.follow_until_still(seconds=1)

    step = (await yard.detail()).step_runs[1]
    assert step.state is StepState.UNKNOWN
    question = (await yard.posts(RunCard))[-1].question
    assert "close_valves answered what does not fit its own output schema" in question
    assert "few enough valves are open: yes" in question
    assert yard.plant.writes == [("close_valves", ("v1", "v2", "v3"))]


async def test_a_write_under_way_does_not_suffer_from_another_calls_answer(open_yard):
    yard = await open_yard(Plant(schemas={"read_valves": ONLY_VESSEL}, hang=asyncio.Event()))
    await yard.ask()
    await yard.approve()
    following = asyncio.create_task(yard.follow_until_still(seconds=1))
    async with asyncio.timeout(10):
        while not yard.plant.grants:
            await asyncio.sleep(0)

    with pytest.raises(ToolError, match="does not fit its own output schema") as raised:
        await yard.desk.tools.call("read_valves", {"vessel": "another"}, timeout_s=5)
    assert not isinstance(raised.value, ToolUnavailableError)
    yard.plant.hang.set()
    await following

    assert (await yard.ended()).run.state is RunState.SUCCEEDED
