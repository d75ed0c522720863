"""The audit log reaches Loki: late when Loki is away, but never not at all, and within Loki's limits."""

import asyncio
import json
from datetime import UTC, datetime, timedelta

import psycopg
import pytest

from bot.adapters.loki import LokiAwayError, LokiShipper
from bot.adapters.postgres.audit import PostgresAudit
from bot.adapters.postgres.session import make_pool
from bot.adapters.postgres.store import PostgresStore
from bot.ports import AuditEntry
from tests.support.loki import loki_stand_in

NOW = datetime.now(UTC).replace(microsecond=0)
"""Loki's limits are counted from its own clock."""


@pytest.fixture
async def pool(database_url):
    pool = make_pool(database_url, max_size=8, name="test")
    await pool.open()
    yield pool
    await pool.close()


@pytest.fixture
async def loki():
    async with loki_stand_in() as (stand_in, url):
        shipper = LokiShipper(url, on_refused=lambda count: setattr(stand_in, "replaced", stand_in.replaced + count))
        yield stand_in, shipper
        await shipper.aclose()


async def write(pool, count, *, detail=None, action="step.started", at=NOW, target=""):
    async with PostgresStore(pool, default_channel="C1").transaction() as tx:
        await tx.audit(
            [
                AuditEntry(actor="aiops", action=action, target=target or f"RUN-{n}", detail=detail or {"n": n})
                for n in range(count)
            ],
            now=at,
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


@pytest.mark.parametrize("age", [timedelta(days=30), timedelta(hours=168), -timedelta(hours=2)])
async def test_an_entry_too_old_or_too_new_for_loki_stands_at_a_time_that_it_takes_with_its_own_in_its_line(
    pool, loki, age
):
    stand_in, shipper = loki
    await write(pool, 3, at=NOW - age)
    await write(pool, 1)

    await ship_all(PostgresAudit(pool), shipper)

    assert placed(stand_in) == [1, 2, 3, 4]
    assert stand_in.refusals == []
    moved = [(json.loads(line)["at"], metadata) for _, _, line, metadata in stand_in.entries if "moved" in metadata]
    assert [at for at, _ in moved] == [(NOW - age).isoformat()] * 3


async def test_only_the_entry_that_loki_refuses_is_replaced_and_counted(pool, loki):
    stand_in, shipper = loki
    stand_in.hates = "poison"
    await write(pool, 40)
    await write(pool, 1, detail={"text": "poison"})
    await write(pool, 40)

    await ship_all(PostgresAudit(pool), shipper)

    assert sorted(set(placed(stand_in))) == list(range(1, 82))
    (marker,) = [json.loads(line) for _, _, line, _ in stand_in.entries if "refused" in json.loads(line)]
    assert marker["entry"] == 41
    assert "aiops audit tail" in marker["refused"]
    assert stand_in.replaced == 1


@pytest.mark.parametrize("status", [429, 500, 503, 401, 404])
async def test_what_is_no_fault_of_an_entry_delays_all_of_them(pool, loki, status):
    stand_in, shipper = loki
    stand_in.answers = [status]
    await write(pool, 4)

    with pytest.raises(LokiAwayError, match=str(status)):
        await PostgresAudit(pool).ship(shipper)
    assert stand_in.entries == []
    await ship_all(PostgresAudit(pool), shipper)
    assert placed(stand_in) == [1, 2, 3, 4]


async def test_a_server_that_refuses_even_a_short_note_is_not_taken_for_bad_entries(pool, loki):
    stand_in, shipper = loki
    stand_in.answers = [400] * 6
    await write(pool, 4)

    with pytest.raises(LokiAwayError, match="refuses every audit entry"):
        await PostgresAudit(pool).ship(shipper)
    stand_in.answers = []
    await ship_all(PostgresAudit(pool), shipper)
    assert placed(stand_in) == [1, 2, 3, 4]


async def test_what_was_taken_before_loki_went_away_in_mid_search_is_not_sent_again(pool, loki):
    stand_in, shipper = loki
    await write(pool, 3)
    await write(pool, 1, detail={"text": "poison"})
    audit = PostgresAudit(pool)
    # The whole is refused, its first half is looked at, and the second half meets an outage.
    stand_in.hates = "poison"
    stand_in.answers = [0, 0, 503]
    assert await audit.ship(shipper) == 2
    await ship_all(audit, shipper)
    assert placed(stand_in) == [1, 2, 3, 4]


def plan(url):
    """An incident with an investigation and a run."""
    with psycopg.connect(url) as connection:
        connection.execute(
            "insert into aiops.incident (id, title, severity, service, environment, group_key, trigger, started_at, "
            "opened_at, channel) values ('INC-7', 't', 'critical', 's', '', 'g', 'manual', now(), now(), 'C1')"
        )
        connection.execute(
            "insert into aiops.investigation (id, incident_id, number, trigger, due_at) "
            "values ('INV-8', 'INC-7', 1, 'alert', now())"
        )
        connection.execute(
            "insert into aiops.run (id, incident_id, runbook_id, runbook_sha256, runbook_source, title, requester, reason, "
            "environment, level, confidence, parameters, scope, due_at, created_at, deadline_at) values ('RUN-9', 'INC-7', "
            "'r', '', '', '', 'aiops', '', '', 'approved', 0, '{}', '{}', now(), now(), now())"
        )


async def test_the_rows_of_a_run_and_of_an_investigation_carry_their_incident(pool, loki, database_url):
    stand_in, shipper = loki
    plan(database_url)
    ours = ("INC-7", "INV-8", "RUN-9", "INC-7:run:RUN-9")
    for target in (*ours, "writes"):
        await write(pool, 1, target=target)

    await ship_all(PostgresAudit(pool), shipper)

    found = {metadata["target"]: metadata.get("incident") for *_, metadata in stand_in.entries}
    assert found == {**dict.fromkeys(ours, "INC-7"), "writes": None}
