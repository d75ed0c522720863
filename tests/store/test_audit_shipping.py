"""The audit log reaches Loki: late when Loki is away, but never not at all, and within Loki's limits."""

import asyncio
import json
from datetime import UTC, datetime

import pytest

from bot.adapters.loki import LokiAwayError, LokiShipper
from bot.adapters.postgres.audit import PostgresAudit
from bot.adapters.postgres.session import make_pool
from bot.adapters.postgres.store import PostgresStore
from bot.ports import AuditEntry
from tests.support.loki import loki_stand_in

NOW = datetime(2026, 11, 20, 2, 0, tzinfo=UTC)


@pytest.fixture
async def pool(database_url):
    pool = make_pool(database_url, max_size=8, name="test")
    await pool.open()
    yield pool
    await pool.close()


@pytest.fixture
async def loki():
    async with loki_stand_in() as (stand_in, url):
        shipper = LokiShipper(url)
        yield stand_in, shipper
        await shipper.aclose()


async def write(pool, count, *, detail=None, action="step.started"):
    async with PostgresStore(pool, default_channel="C1").transaction() as tx:
        await tx.audit(
            [
                AuditEntry(actor="aiops", action=action, target=f"RUN-{n}", detail=detail or {"n": n})
                for n in range(count)
            ],
            now=NOW,
        )


async def ship_all(audit, shipper):
    while await audit.ship(shipper):
        pass


def placed(stand_in):
    return sorted(int(metadata["place"]) for _, _, _, metadata in stand_in.entries)


async def test_every_entry_arrives_once_with_few_labels_and_its_ids_beside_them(pool, loki):
    stand_in, shipper = loki
    await write(pool, 700)
    await write(pool, 3, action="approval.asked")

    await ship_all(PostgresAudit(pool), shipper)

    assert placed(stand_in) == list(range(1, 704))
    assert {tuple(sorted(labels)) for labels, *_ in stand_in.entries} == {("app", "kind")}
    assert {labels["kind"] for labels, *_ in stand_in.entries} == {"step", "approval"}
    _, at, line, metadata = stand_in.entries[0]
    assert at == int(NOW.timestamp()) * 10**9
    assert json.loads(line)["target"] == "RUN-0"
    assert metadata["target"] == "RUN-0"
    assert stand_in.refusals == []


async def test_while_loki_is_away_nothing_is_lost(pool, loki):
    stand_in, shipper = loki
    audit = PostgresAudit(pool)
    stand_in.away = 2
    await write(pool, 5)

    for _ in range(2):
        with pytest.raises(LokiAwayError, match="503"):
            await audit.ship(shipper)
    await write(pool, 5)
    await ship_all(audit, shipper)

    assert placed(stand_in) == list(range(1, 11))


async def test_entries_whose_answer_was_lost_are_sent_again_and_not_left_out(pool, loki):
    stand_in, shipper = loki
    audit = PostgresAudit(pool)
    stand_in.apply_then_fail = 1
    await write(pool, 4)

    with pytest.raises(LokiAwayError):
        await audit.ship(shipper)
    await ship_all(audit, shipper)

    assert sorted(set(placed(stand_in))) == [1, 2, 3, 4]


async def test_an_entry_too_long_for_loki_is_named_and_does_not_stop_the_rest(pool, loki):
    stand_in, shipper = loki
    await write(pool, 1, detail={"text": "x" * 400_000})
    await write(pool, 2)

    await ship_all(PostgresAudit(pool), shipper)

    assert placed(stand_in) == [1, 2, 3]
    assert stand_in.refusals == []
    assert any("aiops audit tail" in line for *_, line, _ in stand_in.entries)


async def test_many_large_entries_go_in_several_requests(pool, loki):
    stand_in, shipper = loki
    audit = PostgresAudit(pool)
    await write(pool, 20, detail={"text": "x" * 100_000})

    first = await audit.ship(shipper)
    await ship_all(audit, shipper)

    assert 0 < first < 20
    assert placed(stand_in) == list(range(1, 21))


async def test_two_processes_that_ship_at_once_send_each_entry_once(pool, loki):
    stand_in, shipper = loki
    await write(pool, 900)
    audit = PostgresAudit(pool)

    async def worker():
        idle = 0
        while idle < 3:
            idle = 0 if await audit.ship(shipper) else idle + 1

    async with asyncio.timeout(20):
        await asyncio.gather(worker(), worker(), worker())

    assert placed(stand_in) == list(range(1, 901))


async def test_a_loki_that_cannot_be_reached_is_named_without_a_secret(pool):
    shipper = LokiShipper("http://127.0.0.1:9/")
    await write(pool, 1)

    with pytest.raises(LokiAwayError, match="cannot be reached"):
        await PostgresAudit(pool).ship(shipper)
    await shipper.aclose()
