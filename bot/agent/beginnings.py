"""
When it began, by the evidence and not by the alert: alerts wait, so what caused them may lie long before and what came just before may be innocent.

Each metric that left its band and each log template that is new or surging has its own beginning. A change is held against all of
them, each with what it weighs: what had begun before a change cannot have been begun by it. All pure.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from bot.core.evidence import Evidence, EvidenceKind

# Metrics are sampled and clocks differ: what is seen to begin a minute before a change may have begun with it.
_SLACK = timedelta(seconds=60)
_RECENT_S = 1800.0
# Robust deviations at which two thirds of what a movement can weigh are there.
_TWO_THIRDS = 8.0
# A series that came or went has no deviation.
_EDGE = 0.8
_BEGUN = frozenset({"new", "surging"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Beginning:
    """One symptom's beginning."""

    at: datetime
    weight: float
    """0 to 1, however long before the alert it was."""


def beginnings(symptoms: Iterable[Evidence]) -> tuple[Beginning, ...]:
    """The beginnings that the evidence tells."""
    return tuple(one for each in symptoms if (one := _beginning(each)) is not None)


def _beginning(one: Evidence) -> Beginning | None:
    if one.kind is EvidenceKind.METRIC and "direction" in one.facts:
        size = one.facts.get("size")
        weight = 1 - math.exp(-float(size) / _TWO_THIRDS) if isinstance(size, int | float) else _EDGE
        at = one.facts.get("at")
    elif one.kind is EvidenceKind.LOG and one.facts.get("trend") in _BEGUN:
        weight, at = one.weight, one.facts.get("first_at")
    else:
        return None
    return Beginning(at=datetime.fromisoformat(at), weight=weight) if isinstance(at, str) else None


def recent(at: datetime, known: Sequence[Beginning], alert: datetime) -> float:
    """0 to 1: how soon after a moment things began, a half after half an hour; by the alert where no beginning is known."""
    if not known:
        return 1 / (1 + max(0.0, (alert - at).total_seconds()) / _RECENT_S)
    return sum(
        one.weight / (1 + _since(at, one) / _RECENT_S) for one in known if one.at >= at - _SLACK
    ) / _whole(known)  # fmt: skip


def late(at: datetime, known: Sequence[Beginning]) -> float:
    """0 to 1: how much of what began had begun before a moment."""
    return sum(one.weight for one in known if one.at < at - _SLACK) / _whole(known)


def _since(at: datetime, one: Beginning) -> float:
    return max(0.0, (one.at - at).total_seconds())


def _whole(known: Sequence[Beginning]) -> float:
    return sum(one.weight for one in known) or 1.0
