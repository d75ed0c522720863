"""
From a raw number to a probability of being helpful.

Platt scaling (J. Platt, Probabilistic outputs for support vector machines, 1999): p = 1 / (1 + exp(-(a·s + b))), s the
log-odds of a feature score. Few labels make a maximum-likelihood fit jump, so slope and offset carry a normal prior,
a ~ N(1, 0.5) and b ~ N(0, 1), and the fit is the posterior mode (Newton's method). Without labels that is a = 1, b = 0.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass

import numpy as np
from numpy.typing import NDArray

from bot.core.hypothesis import Confidence
from bot.core.weights import SURENESS, Sureness

PRIOR_SLOPE, PRIOR_SLOPE_SD = 1.0, 0.5
PRIOR_OFFSET, PRIOR_OFFSET_SD = 0.0, 1.0
UNGROUNDED_CAP = 0.64
PARTLY_GROUNDED_CAP = 0.84
_LOWEST, _HIGHEST = 0.02, 0.97


@dataclass(frozen=True, slots=True, kw_only=True)
class Features:
    """What the score is made of; every number is between 0 and 1."""

    raw: float
    """What the model or the analyst said itself."""
    grounding: float
    """Share of claims that survived verification."""
    agreement: float | None
    """1 when model and offline analyst name the same cause, 0 when they do not; None when only one of them spoke."""
    margin: float
    """Distance between the first and the second hypothesis."""
    gaps: float
    """Share of what should have been looked at and could not."""
    similarity: float
    """Score of the most similar past incident, 0 when none was found."""
    similar_agrees: float | None
    """1 when its cause is of the same class, 0 when not; None without one."""
    history: float | None = None
    """How calls on this service went against all calls: 0.5 as usual, more when better; None without labels on it."""

    support: float | None = None
    """How much speaks for the cause by itself, however little for others; None from a model, and in what was kept before this was asked."""

    unnamed: float | None = None
    """1 when no cause is named, 0.5 when something other than a change is, else 0; None from a model, and in what was kept before this was asked."""

    def as_dict(self) -> dict[str, float]:
        """The features that are known, for the record."""
        return {name: float(value) for name, value in asdict(self).items() if value is not None}


@dataclass(frozen=True, slots=True, kw_only=True)
class Calibration:
    """A fitted line on log-odds."""

    slope: float = PRIOR_SLOPE
    offset: float = PRIOR_OFFSET
    labels: int = 0
    version: str = "prior"


def score(features: Features, *, first: bool = True, weights: Sureness = SURENESS) -> float:
    """
    Log-odds before calibration: the raw number's log-odds, moved by what supports or weakens it.

    The constant belongs to a first hypothesis that no model has spoken on. Labels correct the whole line.
    """
    total = sum(weight * value for weight, value in zip(fitted_part(weights), terms(features), strict=True))
    if features.agreement is not None or not first:
        total -= weights.constant
    if features.agreement is not None:
        total += weights.agreement * (features.agreement - 0.5)
    if features.similar_agrees is not None:
        total += weights.similar * features.similarity * (features.similar_agrees - 0.4)
    if features.history is not None:
        total += weights.history * (features.history - 0.5)
    return total


def terms(features: Features) -> tuple[float, ...]:
    """What the fitted weights multiply, the constant first."""
    supported = 0.0 if features.support is None else features.support - 0.5
    return (1.0, log_odds(features.raw), features.grounding - 0.75, features.margin - 0.3, -features.gaps, supported, -(features.unnamed or 0.0))  # fmt: skip


def fitted_part(weights: Sureness) -> tuple[float, ...]:
    """The weights of `terms`."""
    return (weights.constant, weights.share, weights.grounding, weights.margin, weights.gaps, weights.support, weights.unnamed)  # fmt: skip


def calibrate(features: Features, calibration: Calibration | None = None, *, first: bool = True) -> Confidence:
    """Probability of being helpful, with its basis in words and the caps for what is not grounded in evidence."""
    line = calibration or Calibration()
    value = probability(score(features, first=first), line)
    cap = grounding_cap(features.grounding)
    return Confidence(
        value=round(min(value, cap), 2),
        raw=round(features.raw, 2),
        labels=line.labels,
        basis=_basis(line, value > cap),
        version=line.version,
    )


def probability(log_odds_before: float, line: Calibration) -> float:
    """Chance of being helpful for a score (log-odds), before the caps; never nearer to 0 or 1 than is ever shown."""
    moved = min(max(line.slope * log_odds_before + line.offset, -30.0), 30.0)
    return min(max(1 / (1 + math.exp(-moved)), _LOWEST), _HIGHEST)


def grounding_cap(grounding: float) -> float:
    """The most that may be claimed when claims could not all be checked against evidence."""
    if grounding <= 0:
        return UNGROUNDED_CAP
    return PARTLY_GROUNDED_CAP if grounding < 1 else 1.0


def _basis(line: Calibration, capped: bool) -> str:
    known = f"from {line.labels} labelled incidents" if line.labels else "prior only, no labelled incidents yet"
    return f"{known}; capped, not every claim stands on evidence" if capped else known


def log_odds(probability: float) -> float:
    """Log-odds, with the ends pulled in so that certainty stays finite."""
    held = min(max(probability, _LOWEST), _HIGHEST)
    return math.log(held / (1 - held))


def fit(scores: Sequence[float], helpful: Sequence[bool], *, version: str) -> Calibration:
    """
    Posterior mode of slope and offset given scores (log-odds) and labels; with no labels, the prior itself.

    Newton's method with step halving (Boyd and Vandenberghe, Convex optimization, 9.5): the loss is convex, but full
    steps overshoot where the labels contradict the prior. Raises ValueError when scores and labels differ in number.
    """
    count = len(scores)
    if count != len(helpful):
        raise ValueError(f"{count} scores and {len(helpful)} labels")
    if count == 0:
        return Calibration()
    columns = np.column_stack([np.asarray(scores, dtype=np.float64), np.ones(count)])
    target = np.asarray(helpful, dtype=np.float64)
    mean = np.array([PRIOR_SLOPE, PRIOR_OFFSET], dtype=np.float64)
    precision = np.diag([PRIOR_SLOPE_SD**-2, PRIOR_OFFSET_SD**-2])
    line = mean.copy()
    for _ in range(50):
        chance = 1 / (1 + np.exp(-np.clip(columns @ line, -30, 30)))
        gradient = columns.T @ (chance - target) + precision @ (line - mean)
        curvature = (columns.T * (chance * (1 - chance))) @ columns + precision
        step = np.asarray(np.linalg.solve(curvature, gradient), dtype=np.float64)
        loss = _loss(line, columns, target)
        size = 1.0
        while size > 1e-6 and _loss(line - size * step, columns, target) > loss:
            size /= 2
        line = np.asarray(line - size * step, dtype=np.float64)
        if float(np.max(np.abs(step))) < 1e-9:
            break
    return Calibration(slope=float(line[0]), offset=float(line[1]), labels=count, version=version)


def _loss(line: NDArray[np.float64], columns: NDArray[np.float64], target: NDArray[np.float64]) -> float:
    """Negative log posterior, without its constant."""
    moved = columns @ line
    slope, offset = (line[0] - PRIOR_SLOPE) / PRIOR_SLOPE_SD, (line[1] - PRIOR_OFFSET) / PRIOR_OFFSET_SD
    return float(np.sum(np.logaddexp(0, moved) - target * moved) + (slope**2 + offset**2) / 2)


def features_from(values: Mapping[str, float]) -> Features:
    """Features as they were kept with an assessment."""
    return Features(
        raw=values.get("raw", 0.5),
        grounding=values.get("grounding", 0.0),
        agreement=values.get("agreement"),
        margin=values.get("margin", 0.0),
        gaps=values.get("gaps", 0.0),
        similarity=values.get("similarity", 0.0),
        similar_agrees=values.get("similar_agrees"),
        history=values.get("history"),
        support=values.get("support"),
        unnamed=values.get("unnamed"),
    )
