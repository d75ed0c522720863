"""An answer before it is verified and calibrated: from a model or from the offline analyst, in one form."""

from collections.abc import Mapping
from dataclasses import dataclass

from bot.core.hypothesis import CauseClass, Claim, FirstAction, Suspect


@dataclass(frozen=True, slots=True, kw_only=True)
class DraftHypothesis:
    """A possible cause as it was first named."""

    title: str
    cause_class: CauseClass
    suspect: Suspect | None
    claims: tuple[Claim, ...]
    raw: float
    disconfirming_check: str
    support: float | None = None
    """How much speaks for it by itself, 0 to 1; None from a model, which says no such thing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """An answer, likeliest hypothesis first."""

    summary: str
    hypotheses: tuple[DraftHypothesis, ...]
    first_action: FirstAction | None
    ruled_out: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """The names that an answer may use."""

    services: frozenset[str]
    runbooks: Mapping[str, frozenset[str]]
    """Runbook id to its step ids."""
