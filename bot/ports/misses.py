"""Who fits the quarterly classifier."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from bot.core.misses import Example, MissLine


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """One method on calls that it had not seen. Brier: mean squared error of the probability, lower is better."""

    brier: float
    macro_f1: float
    n: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Learned:
    """One training, with the proof beside the result."""

    line: MissLine
    """Fitted on everything."""
    strengths: Mapping[str, float]
    """Log-odds of a miss per standard deviation of each structured feature."""
    clusters: Sequence[int]
    """Which cluster each example's text falls in."""
    penalty: float
    """1/C of the final fit."""
    new: Judged | None
    """Out of fold; None when no fold could be made."""
    base: Judged | None
    """Always saying the rate known at the time, on the same calls."""
    gain: tuple[float, float, float] | None
    """How much lower the Brier score is than the base's, and its 95 % interval; None below 10 calls."""
    unseen: Sequence[tuple[int, float, float]]
    """Of every example that was tested: its place, the out-of-fold probability of a miss, the rate known at the time."""


class MissLearner(Protocol):
    """The learning library, behind one door."""

    async def learn(self, known: Sequence[Example], vectors: Sequence[Sequence[float]], *, embedder: str) -> Learned:
        """Cross-validate and fit, in a worker thread. The same examples give the same line."""
        ...
