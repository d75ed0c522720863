"""What an agent may spend, and the ladder: told to conclude at 80 %, stopped at 100 %. Pure."""

from dataclasses import dataclass

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


def rung(limits: BudgetLimits, spent: Spent, tokens: int) -> Rung:
    """Judge one call by its estimate."""
    measured = (
        (
            spent.incident_tokens + tokens,
            limits.tokens_per_incident,
            f"{plural(limits.tokens_per_incident, 'token')} per incident",
        ),
        (
            spent.agent_tokens_today + tokens,
            limits.tokens_per_agent_per_day,
            f"{plural(limits.tokens_per_agent_per_day, 'token')} per agent and day",
        ),
        # A call's price is not known before it is made, so money counts once it has been spent.
        (
            spent.incident_cost_usd,
            limits.cost_usd_per_incident,
            f"${limits.cost_usd_per_incident:.2f} per incident",
        ),
    )
    refused = next((name for used, limit, name in measured if _over(used, limit, name)), "")
    nearly = next((name for used, limit, name in measured if used >= NEARLY * limit), "")
    return Rung(refused=refused, nearly="" if refused else nearly)


def _over(used: float, limit: float, name: str) -> bool:
    return used >= limit if name.startswith("$") else used > limit
