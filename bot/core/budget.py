"""What an agent may spend, and the ladder: told to conclude at 80 %, stopped at 100 %. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass

from bot.core.errors import BudgetSpentError
from bot.core.text import plural

NEARLY = 0.8
"""From this share of any budget on the agent is told to conclude."""
RUNBOOK = "runbooks/aiops/agent-token-budget-exceeded.md"
"""What a person does about a spent budget."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BudgetLimits:
    """Money is in US dollars; a budget of 0 is no budget at all, so nothing may be spent."""

    tokens_per_incident: int = 60_000
    cost_usd_per_incident: float = 1.0
    tokens_per_agent_per_day: int = 2_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Spent:
    """Settled and reserved together, over all processes."""

    incident_tokens: int = 0
    incident_cost_usd: float = 0.0
    agent_tokens_today: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Rung:
    """Where a call of so many tokens would stand on the ladder."""

    refused: str = ""
    """The budget that would be overspent, as a sentence part; empty when the call may be made."""
    nearly: str = ""
    """The budget that is nearly spent after it; empty when there is room."""


REPLAY = "replay"
"""The agent whose calls are experiments: they draw on its own day, and take nothing from what an incident may cost."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawn:
    """One call in a ledger: its estimate, and once it is settled what it really was."""

    agent: str
    incident_id: str
    tokens: int
    cost_usd: float


def spent_by(calls: Iterable[Drawn], *, agent: str, incident_id: str) -> Spent:
    """What counts for a call of this agent on this incident, of the calls of one day."""
    known = list(calls)
    own = [one for one in known if one.incident_id == incident_id and one.agent != REPLAY]
    return Spent(
        incident_tokens=sum(one.tokens for one in own),
        incident_cost_usd=sum(one.cost_usd for one in own),
        agent_tokens_today=sum(one.tokens for one in known if one.agent == agent),
    )


def spent_words(budget: str) -> str:
    """The one sentence part for a spent budget, with what a person does about it."""
    return f"the budget of {budget} is spent; see {RUNBOOK}"


def admit(limits: BudgetLimits, spent: Spent, *, tokens: int, cost_usd: float) -> str:
    """The budget that is nearly spent after this call, or nothing. Raises BudgetSpentError naming the one that forbids it."""
    judged = rung(limits, spent, tokens, cost_usd)
    if judged.refused:
        raise BudgetSpentError(spent_words(judged.refused))
    return judged.nearly


def rung(limits: BudgetLimits, spent: Spent, tokens: int, cost_usd: float = 0.0) -> Rung:
    """Judge one call by its estimate; a price that is not known counts as 0, so only tokens limit such a call."""
    measured = (
        (
            spent.incident_tokens,
            tokens,
            limits.tokens_per_incident,
            f"{plural(limits.tokens_per_incident, 'token')} per incident",
        ),
        (
            spent.agent_tokens_today,
            tokens,
            limits.tokens_per_agent_per_day,
            f"{plural(limits.tokens_per_agent_per_day, 'token')} per agent and day",
        ),
        (
            spent.incident_cost_usd,
            cost_usd,
            limits.cost_usd_per_incident,
            f"${limits.cost_usd_per_incident:.2f} per incident",
        ),
    )
    # What is spent to the last is refused whatever the estimate, for that may be 0.
    refused = next((name for used, more, limit, name in measured if used >= limit or used + more > limit), "")
    nearly = next((name for used, more, limit, name in measured if used + more >= NEARLY * limit), "")
    return Rung(refused=refused, nearly="" if refused else nearly)
