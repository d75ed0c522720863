"""Every call that a run makes, and every call that the gate refuses, leaves a row in the audit log."""

from functools import partial

import pytest

from bot.adapters.postgres.pins import PostgresPins
from bot.adapters.postgres.session import make_pool
from bot.adapters.tools import McpServer, McpTools
from bot.core.errors import ToolDeniedError
from bot.core.execution import RunState
from bot.core.policy import Actor, Effect
from bot.flows.note_call import note_call
from tests.acting.plant import EFFECTS


@pytest.fixture
async def watched(open_yard):
    """A yard whose gate tells the audit log of every call."""
    yard = await open_yard()
    pool = make_pool(yard.dsn, max_size=2, name="watched")
    effects = {name: Effect(effect) for name, effect in EFFECTS.items()}
    witness = partial(note_call, store=yard.desk.store, clock=yard.clock)
    server = McpServer(name="plant", url=yard.power.url)
    async with pool, McpTools([server], effects, PostgresPins(pool), witness=witness) as tools:
        yield yard.with_desk(tools=tools)


async def rows(yard, action):
    return list(reversed(await yard.audit.tail(limit=1_000, action=action)))


async def test_each_look_preview_second_look_and_post_condition_of_a_run_is_one_row(watched):
    yard = watched
    await yard.ask()
    await yard.approve()
    await yard.follow_until_still()

    assert (await yard.ended()).run.state is RunState.SUCCEEDED
    calls = await rows(yard, "tool.call")
    assert [row["detail"]["tool"] for row in calls] == [
        "read_valves",  # the step
        "preview_write",  # before the request
        "read_valves",  # whether it is still needed
        "preview_write",  # whether it still touches the same
        "read_valves",  # the post-condition
    ]
    assert {(row["actor"], row["target"], row["detail"]["server"], row["detail"]["outcome"]) for row in calls} == {
        ("executor", yard.run_id, "plant", "ok")
    }
    assert (await yard.audit.verify()).broken is None


@pytest.mark.parametrize(("tool", "why"), [("close_valves", "may only read"), ("rm_rf", "is not listed")])
async def test_a_call_that_the_gate_refuses_is_a_row_although_nobody_says_what_it_is_for(watched, tool, why):
    with pytest.raises(ToolDeniedError):
        await watched.desk.tools.call(
            tool, {"valves": ["v1"], "password": "hunter22"}, timeout_s=5, actor=Actor.CHAT_AGENT
        )

    (row,) = await rows(watched, "tool.denied")
    assert (row["actor"], row["detail"]["tool"], row["detail"]["outcome"]) == ("chat agent", tool, "denied")
    assert why in row["detail"]["why"]
    assert row["detail"]["args"]["password"].startswith("[secret:")
    assert watched.plant.writes == []


async def test_a_read_that_fails_is_a_row_that_says_why(watched):
    await watched.plan()
    await watched.power.off()
    await watched.follow_until_still()

    (row, *_) = await rows(watched, "tool.call")
    assert row["detail"]["outcome"] == "error"
    assert "plant" in row["detail"]["why"]
