"""A runbook followed step by step: nothing is changed before a person says so, and then exactly once."""

import jwt

from bot.core.approval import ApprovalState, sha256_of
from bot.core.execution import RunState, StepState
from tests.acting.conftest import KEY


async def test_a_write_waits_for_a_person_and_is_then_made_once_with_a_grant_for_exactly_that_call(open_yard):
    yard = await open_yard()
    await yard.plan()

    await yard.follow()
    asked = await yard.detail()
    assert asked.run.state is RunState.AWAITING_APPROVAL
    assert yard.plant.writes == []
    assert [target.id for target in asked.approvals[0].envelope.targets] == ["v1", "v2", "v3"]

    assert (await yard.approve()).done
    await yard.follow()

    done = await yard.detail()
    assert done.run.state is RunState.SUCCEEDED
    assert yard.plant.writes == [("close_valves", ("v1", "v2", "v3"))]
    claims = jwt.decode(yard.plant.grants[0], KEY, algorithms=["HS256"], options={"verify_exp": False})
    assert claims["tool"] == "close_valves"
    assert claims["args_sha256"] == sha256_of({"valves": ["v1", "v2", "v3"]})
    assert claims["approver"] == "U0ANA"
    assert claims["exp"] - claims["iat"] <= 300
    assert [one.state for one in done.step_runs] == [StepState.SUCCEEDED, StepState.SUCCEEDED]
    assert done.approvals[0].state is ApprovalState.USED
    assert await yard.follow() is False
