"""Calls that arrive together share a commit; one bad call takes no other with it."""

import asyncio

import pytest

from bot.core.errors import StoreError, StoreUnavailableError
from bot.flows.group_commit import GroupCommit


class Writer:
    """Remembers its batches; the first one can be held back."""

    def __init__(self, bad=(), away=False):
        self.batches = []
        self.gate = asyncio.Event()
        self.bad = set(bad)
        self.away = away

    async def write(self, items):
        self.batches.append(list(items))
        await self.gate.wait()
        if self.away:
            raise StoreUnavailableError("away")
        if self.bad & set(items):
            raise StoreError("refused")
        return [item * 10 for item in items]


async def submit_all(commit, writer, items):
    tasks = [asyncio.create_task(commit.submit(item)) for item in items]
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    writer.gate.set()
    return await asyncio.gather(*tasks, return_exceptions=True)


async def test_a_single_call_is_written_at_once():
    writer = Writer()
    writer.gate.set()

    assert await GroupCommit(writer.write).submit(1) == 10
    assert writer.batches == [[1]]


async def test_calls_that_wait_are_written_together_and_each_gets_its_own_result():
    writer = Writer()
    commit = GroupCommit(writer.write)

    first = asyncio.create_task(commit.submit(1))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    rest = await submit_all(commit, writer, [2, 3, 4])

    assert [await first, *rest] == [10, 20, 30, 40]
    assert writer.batches == [[1], [2, 3, 4]]


async def test_a_refused_item_is_found_and_the_others_are_kept():
    writer = Writer(bad=[3])
    results = await submit_all(GroupCommit(writer.write), writer, [2, 3, 4])

    assert [results[0], results[2]] == [20, 40]
    assert isinstance(results[1], StoreError)


async def test_a_database_that_is_away_fails_every_waiting_call_and_the_next_one_starts_afresh():
    writer = Writer(away=True)
    commit = GroupCommit(writer.write)
    results = await submit_all(commit, writer, [1, 2])
    writer.away = False

    assert [type(result) for result in results] == [StoreUnavailableError] * 2
    assert await commit.submit(5) == 50


async def test_too_many_waiting_calls_are_turned_away():
    writer = Writer()
    commit = GroupCommit(writer.write, batch=1, waiting=2)
    tasks = [asyncio.create_task(commit.submit(item)) for item in range(4)]
    await asyncio.sleep(0)

    with pytest.raises(StoreUnavailableError, match="Too many"):
        await asyncio.gather(*tasks)
    writer.gate.set()
    await asyncio.gather(*tasks, return_exceptions=True)
