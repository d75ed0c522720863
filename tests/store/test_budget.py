"""What agents may spend: one contract for the ledger in PostgreSQL and the one in memory."""

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.adapters.memory_budget import MemoryBudget
from bot.adapters.postgres.budget import PostgresBudget
from bot.adapters.postgres.session import make_pool
from bot.agent.mind import Mind, Turn
from bot.agent.reason import ReasonLimits
from bot.core.budget import RUNBOOK, BudgetLimits, Spent, rung, spent_words
from bot.core.errors import BudgetSpentError
from bot.core.hypothesis import Usage

ROOT = Path(__file__).parents[2]
LIMITS = BudgetLimits(tokens_per_incident=1_000, cost_usd_per_incident=0.5, tokens_per_agent_per_day=2_500)


class Clock:
    def __init__(self):
        self.at = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)

    def now(self):
        return self.at


@pytest.fixture
def clock():
    return Clock()


async def a_cent_a_token(tokens_in, tokens_out):
    """Answers cost five times as much."""
    return 0.01 * tokens_in + 0.05 * tokens_out


async def free(tokens_in, tokens_out):
    return None


@pytest.fixture
def price():
    return free


@pytest.fixture(params=["postgres", "memory"])
async def budget(request, clock, price, migrated_template):
    if request.param == "memory":
        yield MemoryBudget(LIMITS, price)
        return
    url = request.getfixturevalue("database_url")
    with psycopg.connect(url) as connection:
        for number in range(1, 6):
            connection.execute(
                "insert into aiops.incident (id, title, severity, service, environment, group_key, trigger, started_at, "
                "opened_at, channel) values (%s, 't', 'critical', 's', '', %s, 'manual', now(), now(), 'C1')",
                (f"INC-{number}", str(number)),
            )
    pool = make_pool(url, max_size=8, name="test")
    await pool.open()
    yield PostgresBudget(pool, LIMITS, clock, price)
    await pool.close()


async def test_a_reservation_counts_until_it_is_settled_with_what_it_really_was(budget):
    held = await budget.reserve(agent="triage", incident_id="INC-1", tokens=900)
    with pytest.raises(BudgetSpentError, match="1000 tokens per incident"):
        await budget.reserve(agent="triage", incident_id="INC-1", tokens=200)
    await budget.settle(held, Usage(tokens=100, cost_usd=0.01, steps=1))

    again = await budget.reserve(agent="triage", incident_id="INC-1", tokens=200)

    assert again.nearly == ""


async def test_the_agent_is_told_from_four_fifths_on(budget):
    held = await budget.reserve(agent="triage", incident_id="INC-1", tokens=790)
    assert held.nearly == ""
    await budget.settle(held, Usage(tokens=790, steps=1))

    near = await budget.reserve(agent="triage", incident_id="INC-1", tokens=10)

    assert "per incident" in near.nearly


async def test_money_that_is_spent_stops_the_next_call(budget):
    held = await budget.reserve(agent="triage", incident_id="INC-1", tokens=10)
    await budget.settle(held, Usage(tokens=10, cost_usd=0.5, steps=1))

    with pytest.raises(BudgetSpentError, match=r"\$0\.50 per incident"):
        await budget.reserve(agent="triage", incident_id="INC-1", tokens=10)


@pytest.mark.parametrize("price", [a_cent_a_token])
async def test_callers_at_once_cannot_overspend_money_that_none_of_them_has_spent_yet(budget):
    async def attempt():
        try:
            await budget.reserve(agent="triage", incident_id="INC-1", tokens=10, reply_tokens=1)
        except BudgetSpentError as error:
            return str(error)
        return ""

    said = await asyncio.gather(*(attempt() for _ in range(12)))

    # 9 tokens in and 1 out are 14 cents, and there are 50.
    assert said.count("") == 3
    assert set(said) - {""} == {spent_words("$0.50 per incident")}


@pytest.mark.parametrize("price", [a_cent_a_token])
async def test_a_reserved_price_gives_way_to_what_the_call_really_cost(budget):
    held = await budget.reserve(agent="triage", incident_id="INC-1", tokens=45)
    assert held.nearly == "$0.50 per incident"
    await budget.settle(held, Usage(tokens=45, cost_usd=0.02, steps=1))

    assert (await budget.reserve(agent="triage", incident_id="INC-1", tokens=30)).nearly == ""


async def test_a_price_that_is_not_known_leaves_the_limit_to_the_tokens(budget):
    for _ in range(10):
        await budget.reserve(agent="triage", incident_id="INC-1", tokens=100)
    with pytest.raises(BudgetSpentError, match="1000 tokens per incident"):
        await budget.reserve(agent="triage", incident_id="INC-1", tokens=100)


async def test_replays_draw_on_their_own_day_and_take_nothing_from_an_incident(budget):
    for number in (1, 2):
        held = await budget.reserve(agent="replay", incident_id=f"INC-{number}", tokens=1_000)
        await budget.settle(held, Usage(tokens=1_000, cost_usd=9, steps=1))

    assert (await budget.reserve(agent="triage", incident_id="INC-1", tokens=700)).nearly == ""
    with pytest.raises(BudgetSpentError, match="per agent and day"):
        await budget.reserve(agent="replay", incident_id="INC-3", tokens=600)


async def test_every_budget_that_is_spent_is_told_in_one_sentence_with_the_runbook(budget):
    with pytest.raises(BudgetSpentError) as ledger:
        await budget.reserve(agent="triage", incident_id="INC-1", tokens=1_001)
    mind = Mind(
        model=None, tools=None, prompts=None, journal=None, budget=budget, clock=None, runbooks=None,
        limits=ReasonLimits(tokens=1_000, steps=2),
    )  # fmt: skip
    steps = mind._spent(Turn(next="ask", usage=Usage(steps=2)), ())
    tokens = mind._spent(Turn(next="ask", usage=Usage(tokens=1_000)), ())

    said = [str(ledger.value), steps, tokens]
    assert said == [spent_words(name) for name in ("1000 tokens per incident", "2 steps", "1000 tokens")]
    assert all(one.endswith(f"is spent; see {RUNBOOK}") for one in said)
    assert (ROOT / RUNBOOK).is_file()


async def test_the_daily_budget_of_an_agent_spans_incidents_but_not_agents(budget):
    for number in (1, 2):
        held = await budget.reserve(agent="triage", incident_id=f"INC-{number}", tokens=1_000)
        await budget.settle(held, Usage(tokens=1_000, steps=1))

    with pytest.raises(BudgetSpentError, match="per agent and day"):
        await budget.reserve(agent="triage", incident_id="INC-3", tokens=600)
    assert (await budget.reserve(agent="chat", incident_id="INC-3", tokens=600)).id is not None


async def test_settling_twice_counts_once(budget):
    held = await budget.reserve(agent="triage", incident_id="INC-1", tokens=500)
    await budget.settle(held, Usage(tokens=100, steps=1))
    await budget.settle(held, Usage(tokens=900, steps=1))

    assert (await budget.reserve(agent="triage", incident_id="INC-1", tokens=600)).id is not None


async def test_callers_at_once_cannot_overspend(budget):
    async def attempt():
        try:
            await budget.reserve(agent="triage", incident_id="INC-1", tokens=100)
        except BudgetSpentError:
            return 0
        return 100

    assert sum(await asyncio.gather(*(attempt() for _ in range(30)))) == 1_000


async def test_two_processes_at_once_cannot_overspend(database_url, clock):
    with psycopg.connect(database_url) as connection:
        connection.execute(
            "insert into aiops.incident (id, title, severity, service, environment, group_key, trigger, started_at, "
            "opened_at, channel) values ('INC-1', 't', 'critical', 's', '', '', 'manual', now(), now(), 'C1')"
        )
    pools = [make_pool(database_url, max_size=4, name=f"process{n}") for n in range(2)]
    for pool in pools:
        await pool.open()
    budgets = [PostgresBudget(pool, LIMITS, clock) for pool in pools]

    async def spend(budget):
        taken = 0
        while True:
            try:
                held = await budget.reserve(agent="triage", incident_id="INC-1", tokens=60)
            except BudgetSpentError:
                return taken
            await budget.settle(held, Usage(tokens=50, steps=1))
            taken += 50

    taken = sum(await asyncio.gather(*(spend(budget) for budget in budgets for _ in range(3))))
    for pool in pools:
        await pool.close()

    assert 800 <= taken <= 1_000


async def test_a_new_day_begins_with_the_whole_daily_budget(database_url, clock):
    with psycopg.connect(database_url) as connection:
        for number in range(1, 5):
            connection.execute(
                "insert into aiops.incident (id, title, severity, service, environment, group_key, trigger, started_at, "
                "opened_at, channel) values (%s, 't', 'critical', 's', '', %s, 'manual', now(), now(), 'C1')",
                (f"INC-{number}", str(number)),
            )
    pool = make_pool(database_url, max_size=4, name="test")
    await pool.open()
    budget = PostgresBudget(pool, LIMITS, clock)
    for number in (1, 2):
        await budget.reserve(agent="triage", incident_id=f"INC-{number}", tokens=1_000)
    clock.at += timedelta(hours=12)

    held = await budget.reserve(agent="triage", incident_id="INC-3", tokens=900)
    await pool.close()

    assert held.id is not None


MONEY = st.floats(0, 2, allow_nan=False)


@given(st.integers(0, 3_000), MONEY, st.integers(0, 5_000), st.integers(0, 3_000), MONEY)
def test_a_call_that_is_allowed_never_ends_above_a_budget(incident, cost, today, tokens, price):
    spent = Spent(incident_tokens=incident, incident_cost_usd=cost, agent_tokens_today=today)
    judged = rung(LIMITS, spent, tokens, price)

    if not judged.refused:
        assert incident + tokens <= LIMITS.tokens_per_incident
        assert today + tokens <= LIMITS.tokens_per_agent_per_day
        assert cost < LIMITS.cost_usd_per_incident
        assert cost + price <= LIMITS.cost_usd_per_incident
    else:
        assert judged.nearly == ""
