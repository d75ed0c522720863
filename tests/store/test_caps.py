"""Caps that count before they let somebody in hold although many ask at the same moment."""

import asyncio
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta

import psycopg
import pytest

from bot.adapters.postgres.session import make_pool
from bot.adapters.postgres.store import PostgresStore
from bot.adapters.templates import JinjaTemplates
from bot.core.errors import PayloadError
from bot.core.policy import Level
from bot.core.runbook import Runbook
from bot.flows.acting.plan import Wish, plan_run

NOW = datetime(2026, 11, 23, 2, 0, tzinfo=UTC)
MANY = 12


class Clock:
    def now(self):
        return NOW


@pytest.fixture
async def stores(database_url):
    """Two processes with an incident each for everybody, all of which have an investigation that is due."""
    with psycopg.connect(database_url) as connection:
        for number in range(1, MANY + 1):
            connection.execute(
                "insert into aiops.incident (id, title, severity, service, environment, group_key, trigger, started_at, "
                "opened_at, channel) values (%s, 't', 'critical', 's', '', %s, 'manual', now(), now(), 'C1')",
                (f"INC-{number}", str(number)),
            )
            connection.execute(
                "insert into aiops.investigation (id, incident_id, number, trigger, due_at) values (%s, %s, 1, 'alert', %s)",
                (f"INC-{number}.1", f"INC-{number}", NOW),
            )
    pools = [make_pool(database_url, max_size=MANY // 2, name=f"process {n}", timeout_s=30) for n in range(2)]
    for pool in pools:
        await pool.open(wait=True)
    # Connections that are open already, so that all ask at once.
    async with AsyncExitStack() as held:
        for pool in (*pools,) * (MANY // 2):
            await held.enter_async_context(pool.connection())
    yield [PostgresStore(pool, default_channel="C1") for pool in pools]
    for pool in pools:
        await pool.close()


async def test_no_more_investigations_run_than_may_however_many_workers_claim_at_once(stores):
    async def claim(store):
        async with store.transaction() as tx:
            return await tx.claim_investigation(now=NOW, owner="w", lease=timedelta(seconds=15), cap=3)

    claimed = await asyncio.gather(*(claim(store) for store in stores for _ in range(MANY // 2)))

    assert len([one for one in claimed if one is not None]) == 3


async def test_no_more_runs_are_planned_in_an_hour_than_may_however_many_ask_at_once(stores):
    runbook = Runbook(
        id="pressure-high", title="t", alerts=("PressureHigh",), severity="critical", owner="o", reviewed="2026-11-01",
        ai_executable=True, sections={}, steps=(), sha256="a" * 64, path="pressure-high.md", environments=("default",),
    )  # fmt: skip

    async def plan(number):
        wish = Wish(
            incident_id=f"INC-{number}", runbook=runbook, requester="U0DAN", reason="", level=Level.APPROVED,
            confidence=0, parameters={}, most_per_hour=4,
        )  # fmt: skip
        try:
            return await plan_run(wish, store=stores[number % 2], templates=JinjaTemplates(), clock=Clock())
        except PayloadError as error:
            return f"no: {error}"

    planned = await asyncio.gather(*(plan(number) for number in range(1, MANY + 1)))

    refused = [one for one in planned if one.startswith("no: ")]
    assert len(planned) - len(refused) == 4
    assert all("4 runs were started in the last hour" in one for one in refused)
