"""The ledger of model calls."""

from bot.adapters.postgres.session import Pool, Session, wrapped_errors
from bot.core.budget import RUNBOOK, BudgetLimits, Spent, rung
from bot.core.errors import BudgetSpentError
from bot.core.hypothesis import Usage
from bot.ports import Clock, Reservation


class PostgresBudget:
    """Implements ports.Budget: one ledger for every process."""

    def __init__(self, pool: Pool, limits: BudgetLimits, clock: Clock) -> None:
        self._pool = pool
        self._limits = limits
        self._clock = clock

    def limited(self, limits: BudgetLimits) -> "PostgresBudget":
        """The same ledger under other limits."""
        return PostgresBudget(self._pool, limits, self._clock)

    async def reserve(self, *, agent: str, incident_id: str, tokens: int) -> Reservation:
        """Set an estimate aside before a call. Raises BudgetSpentError naming the budget."""
        now = self._clock.now()
        day = now.replace(hour=0, minute=0, second=0, microsecond=0)
        async with wrapped_errors(), self._pool.connection() as connection, connection.transaction():
            session = Session(connection)
            await session.execute("lock_budget")
            row = await session.row("budget_spent", agent=agent, incident_id=incident_id, day=day)
            assert row is not None, "a select of aggregates always gives a row"
            judged = rung(self._limits, Spent(**row), tokens)
            if judged.refused:
                raise BudgetSpentError(f"the budget of {judged.refused} is spent; see {RUNBOOK}")
            made = await session.row("reserve_budget", agent=agent, incident_id=incident_id, now=now, tokens=tokens)
            assert made is not None, "an insert that returns gives a row"
        return Reservation(id=made["id"], nearly=judged.nearly)

    async def settle(self, reservation: Reservation, usage: Usage) -> None:
        """What the call really cost; once."""
        async with wrapped_errors(), self._pool.connection() as connection, connection.transaction():
            await Session(connection).execute(
                "settle_budget", id=reservation.id, tokens=usage.tokens, cost_usd=usage.cost_usd
            )
