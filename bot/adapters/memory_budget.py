"""A ledger for one process that keeps no state: evals, and commands without a database."""

from dataclasses import dataclass, field, replace

from bot.core.budget import BudgetLimits, Drawn, admit, spent_by
from bot.core.hypothesis import Usage
from bot.ports import Price, Reservation, no_price


@dataclass(slots=True)
class MemoryBudget:
    """Implements ports.Budget. A day never ends here: the process is shorter than one."""

    limits: BudgetLimits
    price: Price = no_price
    _calls: list[Drawn] = field(default_factory=list[Drawn])
    _settled: set[int] = field(default_factory=set[int])

    async def reserve(self, *, agent: str, incident_id: str, tokens: int, reply_tokens: int = 0) -> Reservation:
        """Set an estimate aside. Raises BudgetSpentError naming the budget."""
        cost_usd = await self.price(tokens - reply_tokens, reply_tokens) or 0.0
        spent = spent_by(self._calls, agent=agent, incident_id=incident_id)
        nearly = admit(self.limits, spent, tokens=tokens, cost_usd=cost_usd)
        self._calls.append(Drawn(agent=agent, incident_id=incident_id, tokens=tokens, cost_usd=cost_usd))
        return Reservation(id=len(self._calls) - 1, nearly=nearly)

    async def settle(self, reservation: Reservation, usage: Usage) -> None:
        """What the call really cost; once."""
        place = reservation.id
        if place not in self._settled:
            self._settled.add(place)
            self._calls[place] = replace(self._calls[place], tokens=usage.tokens, cost_usd=usage.cost_usd)
