"""How far the bot may go right now: what aiops.yaml allows, and what the class of alert has earned."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from bot.core.policy import Level, level_of, lowest
from bot.core.runbook import Runbook
from bot.ports import Transaction

UNPROVEN = Level.APPROVED
"""The most that a class may do which has neither earned nor lost anything: to ask. Autonomy has to be earned."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AutonomyRules:
    """From aiops.yaml."""

    default: Level = Level.ADVISORY
    classes: Mapping[str, Level] = field(default_factory=dict[str, Level])
    runs_per_hour: int = 20


def classes_of(runbook: Runbook, names: Sequence[str], *, by_person: bool = False) -> Sequence[str]:
    """
    The alert classes that count for a run: those of the incident that the runbook is for.

    Without any, all of the incident's; or the runbook's own for a person, who chose it whatever the incident is called.
    """
    matched = [name for name in names if name in runbook.alerts]
    return matched or list(runbook.alerts if by_person else names)


async def level_now(tx: Transaction, runbook: str, classes: Sequence[str], rules: AutonomyRules) -> Level:
    """The most careful of the classes, each at what is allowed and at what it has earned with this runbook."""
    standings = [await tx.standing(name, runbook) for name in classes]
    earned = lowest([UNPROVEN if one is None else one.level for one in standings] or [UNPROVEN])
    return level_of(classes, default=rules.default, classes=rules.classes, earned=earned)
