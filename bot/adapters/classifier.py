"""
The quarterly classifier of misses. The only file that knows scikit-learn, which is imported in a worker thread.

L2 logistic regression on standardised numbers and the first principal components of the text vectors. Class weights keep
the rarer class from being ignored while fitting; the offset is moved back afterwards, so that probabilities fit the real
rate (King and Zeng, Logistic regression in rare events data, Political Analysis 9, 2001). The penalty is chosen inside
each outer training set by folds of the same kind, so no tested call ever has a say in it.
"""

import asyncio
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from bot.core.intervals import resampled
from bot.core.misses import NUMBERS, Example, MissLine, folds, macro_f1
from bot.ports import Judged, Learned

Floats = NDArray[np.float64]
_PENALTIES = (100.0, 30.0, 10.0, 3.0, 1.0)
_COMPONENTS = 8
_PER_CLUSTER, _MOST_CLUSTERS = 12, 8
_FEWEST_OF_A_KIND = 3
_GAIN_LEVEL = 0.95


@dataclass(frozen=True, slots=True)
class _Line:
    """A fitted line in the original units."""

    numbers: Floats
    vector: Floats
    offset: float
    strengths: Floats

    def chances(self, numbers: Floats, vectors: Floats) -> Floats:
        total = numbers @ self.numbers + vectors @ self.vector + self.offset
        return 1 / (1 + np.exp(-np.clip(total, -30, 30)))


class SklearnMisses:
    """Implements ports.MissLearner."""

    async def learn(self, known: Sequence[Example], vectors: Sequence[Sequence[float]], *, embedder: str) -> Learned:
        """Cross-validate and fit, in a worker thread."""
        return await asyncio.to_thread(_alone, known, vectors, embedder)


def _alone(known: Sequence[Example], vectors: Sequence[Sequence[float]], embedder: str) -> Learned:
    """On one core: the matrices are small, and threads that wait for one another take time from everything else."""
    from threadpoolctl import threadpool_limits

    with threadpool_limits(limits=1):
        return _learn(known, vectors, embedder)


def _learn(known: Sequence[Example], vectors: Sequence[Sequence[float]], embedder: str) -> Learned:
    numbers = np.array([one.numbers for one in known], dtype=np.float64)
    texts = np.array(vectors, dtype=np.float64)
    misses = np.array([one.miss for one in known], dtype=np.float64)
    tested: list[tuple[int, float, float]] = []
    for fold in folds(known):
        train, test = list(fold.train), list(fold.test)
        rate = _rate(misses[train])
        line = _fit(numbers[train], texts[train], misses[train], _penalty([known[place] for place in train], numbers[train], texts[train], misses[train]))  # fmt: skip
        chances = line.chances(numbers[test], texts[test]) if line else np.full(len(test), rate)
        tested += [(place, float(chance), rate) for place, chance in zip(test, chances, strict=True)]
    penalty = _penalty(known, numbers, texts, misses)
    final = _fit(numbers, texts, misses, penalty) or _flat(numbers, texts, misses)
    places = [place for place, _, _ in tested]
    new, base = np.array([one for _, one, _ in tested]), np.array([one for _, _, one in tested])
    return Learned(
        line=MissLine(
            numbers=dict(zip(NUMBERS, map(float, final.numbers), strict=True)),
            vector=tuple(map(float, final.vector)),
            offset=final.offset,
            embedder=embedder,
        ),
        strengths=dict(zip(NUMBERS, map(float, final.strengths), strict=True)),
        clusters=_clusters(texts),
        penalty=penalty,
        # A call is called a miss from the rate known at the time on: there balanced weights put the border.
        new=_judged(new, new > base, misses[places]) if tested else None,
        base=_judged(base, base >= 0.5, misses[places]) if tested else None,
        gain=_gain(new, base, misses[places]) if tested else None,
        unseen=tested,
    )


def _rate(misses: Floats) -> float:
    """Laplace's rule, so that a short past is never certain."""
    return (float(misses.sum()) + 1) / (len(misses) + 2)


def _penalty(known: Sequence[Example], numbers: Floats, texts: Floats, misses: Floats) -> float:
    """The penalty with the lowest Brier score over the inner folds; the strongest while there are too few of them."""
    inner = folds(known, blocks=2, groups=2)
    totals = dict.fromkeys(_PENALTIES, 0.0)
    for fold in inner:
        train, test = list(fold.train), list(fold.test)
        for penalty in _PENALTIES:
            line = _fit(numbers[train], texts[train], misses[train], penalty)
            chances = line.chances(numbers[test], texts[test]) if line else _rate(misses[train])
            totals[penalty] += float(np.sum((chances - misses[test]) ** 2))
    return min(_PENALTIES, key=lambda penalty: (totals[penalty], -penalty))


def _fit(numbers: Floats, texts: Floats, misses: Floats, penalty: float) -> _Line | None:
    """None when one of the two kinds is hardly there."""
    from sklearn.linear_model import LogisticRegression

    count, missed = len(misses), int(misses.sum())
    if min(missed, count - missed) < _FEWEST_OF_A_KIND:
        return None
    mean, spread = numbers.mean(axis=0), numbers.std(axis=0)
    scale = np.where(spread > 1e-9, spread, 1.0)
    middle = texts.mean(axis=0)
    components = _components(texts - middle, max(1, min(_COMPONENTS, count // 5)))
    parts = (texts - middle) @ components.T
    # One scale for all components keeps their order of importance, and brings the first up to the numbers' size.
    size = max(float(parts[:, 0].std()), 1e-9)
    model: Any = LogisticRegression(C=1 / penalty, class_weight="balanced", max_iter=1000)
    model.fit(np.hstack([(numbers - mean) / scale, parts / size]), misses)
    weights = np.asarray(model.coef_[0], dtype=np.float64)
    own, of_text = weights[: numbers.shape[1]], weights[numbers.shape[1] :]
    vector = (of_text / size) @ components
    # Balanced weights shift the log-odds by log(n0 / n1); this takes the shift back.
    offset = float(model.intercept_[0]) - math.log((count - missed) / missed)
    offset -= float((own / scale) @ mean) + float(vector @ middle)
    return _Line(numbers=own / scale, vector=vector, offset=offset, strengths=np.where(spread > 1e-9, own, 0.0))


def _components(centred: Floats, most: int) -> Floats:
    """The directions in which texts differ most, as rows; one row of zeros when they are all the same."""
    _, sizes, directions = np.linalg.svd(centred, full_matrices=False)
    real = int((sizes > 1e-9).sum())
    return directions[: min(most, real)] if real else np.zeros((1, centred.shape[1]))


def _flat(numbers: Floats, texts: Floats, misses: Floats) -> _Line:
    rate = _rate(misses)
    none, of_text = np.zeros(numbers.shape[1]), np.zeros(texts.shape[1])
    return _Line(numbers=none, vector=of_text, offset=math.log(rate / (1 - rate)), strengths=none)


def _judged(chances: Floats, called: NDArray[np.bool_], misses: Floats) -> Judged:
    brier = float(np.mean((chances - misses) ** 2))
    f1 = macro_f1([bool(one) for one in called], [bool(one) for one in misses > 0])
    return Judged(brier=brier, macro_f1=f1, n=len(misses))


def _gain(new: Floats, base: Floats, misses: Floats) -> tuple[float, float, float] | None:
    gains = (base - misses) ** 2 - (new - misses) ** 2
    interval = resampled([(float(one),) for one in gains], lambda rows: float(rows.mean()), _GAIN_LEVEL)
    return (float(gains.mean()), interval.low, interval.high) if interval else None


def _clusters(texts: Floats) -> list[int]:
    from sklearn.cluster import KMeans

    distinct = len(np.unique(texts.round(6), axis=0))
    count = max(1, min(_MOST_CLUSTERS, len(texts) // _PER_CLUSTER, distinct))
    model: Any = cast("Any", KMeans)(n_clusters=count, n_init=4, random_state=0)
    return [int(one) for one in model.fit_predict(texts)]
