"""A ledger for one process that keeps no state: evals, and commands without a database."""

from dataclasses import dataclass, field

from bot.core.budget import RUNBOOK, BudgetLimits, Spent, rung
from bot.core.errors import BudgetSpentError
from bot.core.hypothesis import Usage
from bot.ports import Reservation


@dataclass(slots=True)
class _Entry:
    agent: str
    incident_id: str
    tokens: int
    cost_usd: float = 0.0
    settled: bool = False


@dataclass(slots=True)
class MemoryBudget:
    """Implements ports.Budget. A day never ends here: the process is shorter than one."""

    limits: BudgetLimits
    _entries: list[_Entry] = field(default_factory=list[_Entry])

    async def reserve(self, *, agent: str, incident_id: str, tokens: int) -> Reservation:
        """Set an estimate aside. Raises BudgetSpentError naming the budget."""
        own = [one for one in self._entries if one.incident_id == incident_id]
        spent = Spent(
            incident_tokens=sum(one.tokens for one in own),
            incident_cost_usd=sum(one.cost_usd for one in own),
            agent_tokens_today=sum(one.tokens for one in self._entries if one.agent == agent),
        )
        judged = rung(self.limits, spent, tokens)
        if judged.refused:
            raise BudgetSpentError(f"the budget of {judged.refused} is spent; see {RUNBOOK}")
        self._entries.append(_Entry(agent=agent, incident_id=incident_id, tokens=tokens))
        return Reservation(id=len(self._entries) - 1, nearly=judged.nearly)

    async def settle(self, reservation: Reservation, usage: Usage) -> None:
        """What the call really cost; once."""
        entry = self._entries[reservation.id]
        if not entry.settled:
            entry.tokens, entry.cost_usd, entry.settled = usage.tokens, usage.cost_usd, True
