"""A killed worker resumes from Postgres without paying for finished model calls again."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from psycopg_pool import AsyncConnectionPool

from bot.core.hypothesis import Suspect
from bot.ports import Concluded, Gathered
from tests.agent.conftest import make_brief
from tests.agent.test_model_triage import answer
from tests.agent.worlds import leak_world
from tests.support.openai_endpoint import HANG, calls, says

LOOK = ("read_logs", {"service": "checkout", "start": "2026-11-20T09:01:00Z", "end": "2026-11-20T09:02:00Z"})


@pytest.fixture
async def pool(database_url: str) -> AsyncIterator[AsyncConnectionPool]:
    async with AsyncConnectionPool(database_url, min_size=1, max_size=4, kwargs={"autocommit": True}) as opened:
        yield opened


async def run_until(agent, requests: int, endpoint) -> None:
    """Run an investigation and kill it while the request with this number is being answered."""

    async def consume() -> None:
        async for _ in agent.graph.investigate(make_brief()):
            pass

    task = asyncio.create_task(consume())
    async with asyncio.timeout(20):
        await endpoint.received(requests)
    assert not task.done()
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def test_finished_model_calls_are_not_made_again_after_a_crash(rig, endpoint, pool):
    world = leak_world()
    endpoint.queue(says(answer(verdict="uncertain")), calls(LOOK), HANG)
    first = await rig(world, endpoint, checkpoints=pool)
    await run_until(first, 3, endpoint)
    looked = [name for name, _ in world.calls]

    endpoint.queue(says(answer()))
    second = await rig(world, endpoint, checkpoints=pool)
    out = await second.run()

    assert len(endpoint.requests) == 4
    assert [name for name, _ in world.calls] == looked
    assert len(second.journal.models) == 1
    assert out.assessment.usage.steps == 3
    assert out.top.suspect == Suspect(service="checkout", change_id="dep-4812")
    assert len(out.concluded.pack.evidence) == len(out.pack.evidence)


async def test_a_finished_investigation_is_told_again_without_any_call(rig, endpoint, pool):
    endpoint.queue(says(answer()))
    world = leak_world()
    first = await (await rig(world, endpoint, checkpoints=pool)).run()
    before = len(world.calls)
    again = await (await rig(world, endpoint, checkpoints=pool)).run()

    assert [type(event) for event in again.events] == [Gathered, Concluded]
    assert again.assessment == first.assessment
    assert again.concluded.pack == first.concluded.pack
    assert again.concluded.tasks == first.concluded.tasks
    assert len(world.calls) == before
    assert len(endpoint.requests) == 1


async def test_a_crash_while_gathering_gathers_again(rig, pool):
    world = leak_world()
    world.hanging = frozenset({"read_logs"})
    agent = await rig(world, checkpoints=pool)

    async def consume() -> None:
        async for _ in agent.graph.investigate(make_brief()):
            pass

    task = asyncio.create_task(consume())
    async with asyncio.timeout(20):
        await world.stuck.wait()
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    world.release.set()
    out = await (await rig(world, checkpoints=pool)).run()

    assert out.top.suspect == Suspect(service="checkout", change_id="dep-4812")


async def test_forgetting_deletes_every_checkpoint_of_the_investigation(rig, pool):
    agent = await rig(leak_world(), checkpoints=pool)
    await agent.run()
    await agent.graph.forget("inv-1")

    async with pool.connection() as connection:
        for table in ("checkpoints", "checkpoint_blobs", "checkpoint_writes"):
            rows = await (await connection.execute(f"select count(*) from {table}")).fetchone()
            assert rows == (0,)


async def test_investigations_do_not_see_one_another(rig, pool):
    agent = await rig(leak_world(), checkpoints=pool)
    both = await asyncio.gather(agent.run(make_brief("a")), agent.run(make_brief("b")))

    assert both[0].pack == both[1].pack
