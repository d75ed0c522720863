"""The ledger of model calls."""

from bot.adapters.postgres.session import Pool, Session, wrapped_errors
from bot.core.budget import BudgetLimits, Spent, admit
from bot.core.hypothesis import Usage
from bot.ports import Clock, Price, Reservation, no_price


class PostgresBudget:
    """Implements ports.Budget: one ledger for every process."""

    def __init__(self, pool: Pool, limits: BudgetLimits, clock: Clock, price: Price = no_price) -> None:
        self._pool = pool
        self._limits = limits
        self._clock = clock
        self._price = price

    def limited(self, limits: BudgetLimits, price: Price | None = None) -> "PostgresBudget":
        """The same ledger under other limits, and for calls of another price."""
        return PostgresBudget(self._pool, limits, self._clock, price or self._price)

    async def reserve(self, *, agent: str, incident_id: str, tokens: int, reply_tokens: int = 0) -> Reservation:
        """Set an estimate aside before a call. Raises BudgetSpentError naming the budget."""
        cost_usd = await self._price(tokens - reply_tokens, reply_tokens) or 0.0
        now = self._clock.now()
        day = now.replace(hour=0, minute=0, second=0, microsecond=0)
        async with wrapped_errors(), self._pool.connection() as connection, connection.transaction():
            session = Session(connection)
            await session.execute("lock_budget")
            row = await session.row("budget_spent", agent=agent, incident_id=incident_id, day=day)
            assert row is not None, "a select of aggregates always gives a row"
            nearly = admit(self._limits, Spent(**row), tokens=tokens, cost_usd=cost_usd)
            made = await session.row(
                "reserve_budget", agent=agent, incident_id=incident_id, now=now, tokens=tokens, cost_usd=cost_usd
            )
            assert made is not None, "an insert that returns gives a row"
        return Reservation(id=made["id"], nearly=nearly)

    async def settle(self, reservation: Reservation, usage: Usage) -> None:
        """What the call really cost; once."""
        async with wrapped_errors(), self._pool.connection() as connection, connection.transaction():
            await Session(connection).execute(
                "settle_budget", id=reservation.id, tokens=usage.tokens, cost_usd=usage.cost_usd
            )
