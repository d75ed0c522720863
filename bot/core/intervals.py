"""
How far a measured number may be off: intervals for shares, paired differences, quantiles and means.

Nothing is drawn without a seed, so the same data always gives the same interval. All levels are two-sided; 0.90 leaves
5 % on either side. An interval of nothing is None.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

LEVEL = 0.90
_JEFFREYS = 0.5
_RESAMPLES = 1000
_FEWEST_TO_RESAMPLE = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Interval:
    """From low to high, in the unit of the number that it belongs to."""

    low: float
    high: float
    level: float = LEVEL


@dataclass(frozen=True, slots=True, kw_only=True)
class PairedDifference:
    """Share of right answers of the new minus that of the old, on the same cases."""

    value: float
    interval: Interval
    n: int
    won: int
    """Right with the new, wrong with the old."""
    lost: int
    """Wrong with the new, right with the old."""
    p_value: float
    """Exact McNemar test: how likely a split of won and lost at least this uneven is when there is no difference."""


def beta_interval(hits: int, n: int, level: float = LEVEL) -> Interval | None:
    """
    Equal-tailed interval of a share from the Beta-binomial posterior; None when n is 0.

    Jeffreys' prior Beta(1/2, 1/2), with the limit moved to 0 when nothing hit and to 1 when everything did: recommended
    for small n by Brown, Cai and DasGupta, Interval estimation for a binomial proportion, Statistical Science 16 (2001).
    Raises ValueError for counts that cannot be.
    """
    _check(hits, n, level)
    if n == 0:
        return None
    tail = (1 - level) / 2
    a, b = hits + _JEFFREYS, n - hits + _JEFFREYS
    return Interval(
        low=0.0 if hits == 0 else beta_quantile(tail, a, b),
        high=1.0 if hits == n else beta_quantile(1 - tail, a, b),
        level=level,
    )


def wilson(hits: int, n: int, level: float = LEVEL) -> Interval | None:
    """
    Wilson's score interval of a share, JASA 22 (1927); None when n is 0.

    Raises ValueError for counts that cannot be.
    """
    _check(hits, n, level)
    if n == 0:
        return None
    z = NormalDist().inv_cdf((1 + level) / 2)
    share = hits / n
    middle = share + z * z / (2 * n)
    reach = z * math.sqrt(share * (1 - share) / n + z * z / (4 * n * n))
    scale = 1 + z * z / n
    # Rounding can leave the ends a hair off the border that they stand on exactly.
    low = 0.0 if hits == 0 else (middle - reach) / scale
    high = 1.0 if hits == n else (middle + reach) / scale
    return Interval(low=low, high=high, level=level)


def paired_difference(*, both: int, won: int, lost: int, neither: int, level: float = LEVEL) -> PairedDifference | None:
    """
    Difference of two shares measured on the same cases, new minus old; None without cases.

    The interval is method 10 of Newcombe, Improved confidence intervals for the difference between binomial proportions
    based on paired data, Statistics in Medicine 17 (1998): Wilson's limits of both shares, joined by their correlation.
    The p-value is McNemar's exact conditional test. Raises ValueError for negative counts.
    """
    if min(both, won, lost, neither) < 0:
        raise ValueError("counts of pairs cannot be negative")
    n = both + won + lost + neither
    new, old = wilson(both + won, n, level), wilson(both + lost, n, level)
    if new is None or old is None:
        return None
    p_new, p_old = (both + won) / n, (both + lost) / n
    phi = _phi(both, won, lost, neither)
    down_new, up_new = p_new - new.low, new.high - p_new
    down_old, up_old = p_old - old.low, old.high - p_old
    below = math.sqrt(max(0.0, down_new**2 - 2 * phi * down_new * up_old + up_old**2))
    above = math.sqrt(max(0.0, down_old**2 - 2 * phi * down_old * up_new + up_new**2))
    value = (won - lost) / n
    return PairedDifference(
        value=value,
        interval=Interval(low=max(-1.0, value - below), high=min(1.0, value + above), level=level),
        n=n,
        won=won,
        lost=lost,
        p_value=mcnemar(won, lost),
    )


def mcnemar(won: int, lost: int) -> float:
    """Two-sided exact p-value of McNemar's test, Psychometrika 12 (1947): a fair coin over the cases that differ."""
    differ = won + lost
    tail = sum(math.comb(differ, k) for k in range(min(won, lost) + 1))
    return min(1.0, 2 * tail / 2**differ)


def _phi(both: int, won: int, lost: int, neither: int) -> float:
    """The correlation of the two answers, with Newcombe's correction for continuity; 0 where it is not defined."""
    margins = (both + won) * (lost + neither) * (both + lost) * (won + neither)
    if margins == 0:
        return 0.0
    n = both + won + lost + neither
    product = both * neither - won * lost
    corrected = max(product - n / 2, 0.0) if product > 0 else float(product)
    return corrected / math.sqrt(margins)


def quantile(values: Sequence[float], q: float) -> float | None:
    """Quantile by linear interpolation between order statistics (type 7 of Hyndman and Fan, 1996); None without values."""
    return float(np.quantile(np.asarray(values, dtype=np.float64), q)) if values else None


def quantile_interval(values: Sequence[float], q: float, level: float = LEVEL) -> Interval | None:
    """
    Interval of a quantile between two order statistics, whatever the distribution; None where n is too small for one.

    How many of n values lie below the quantile is binomial (n, q): Conover, Practical nonparametric statistics, 3.2.
    The median at 90 % needs 5 values, the 90th percentile 29.
    """
    n, tail = len(values), (1 - level) / 2
    ordered = sorted(values)
    below = 0.0
    low = high = 0
    for rank in range(1, n + 1):
        # After this line: the chance that at most rank - 1 values lie below the quantile.
        below += math.comb(n, rank - 1) * q ** (rank - 1) * (1 - q) ** (n - rank + 1)
        if below <= tail:
            low = rank
        if below >= 1 - tail:
            high = rank
            break
    if low == 0 or high == 0:
        return None
    return Interval(low=ordered[low - 1], high=ordered[high - 1], level=level)


def resampled(
    rows: Sequence[tuple[float, ...]], statistic: Callable[[NDArray[np.float64]], float], level: float = LEVEL
) -> Interval | None:
    """
    Percentile bootstrap (Efron and Tibshirani, An introduction to the bootstrap, 1993) with a fixed seed, over rows.

    None below 10 rows, where resampling the few says nothing. Resamples for which the statistic is NaN are left out. The
    order of the rows does not matter.
    """
    data = np.asarray(sorted(rows), dtype=np.float64)
    if len(data) < _FEWEST_TO_RESAMPLE:
        return None
    chance = np.random.default_rng(len(data))
    draws = [statistic(data[chance.integers(0, len(data), len(data))]) for _ in range(_RESAMPLES)]
    known = [draw for draw in draws if not math.isnan(draw)]
    if not known:
        return None
    low, high = np.quantile(known, [(1 - level) / 2, (1 + level) / 2])
    return Interval(low=float(low), high=float(high), level=level)


def beta_share(x: float, a: float, b: float) -> float:
    """
    Regularised incomplete beta function I_x(a, b): the share of Beta(a, b) that lies below x.

    The continued fraction 8.17.22 of the NIST Digital Library of Mathematical Functions, evaluated by Lentz's method
    (Applied Optics 15, 1976); it converges fast for x below (a+1)/(a+b+2), and 8.17.4 mirrors the rest.
    """
    if x <= 0:
        return 0.0
    if x >= 1:
        return 1.0
    if x > (a + 1) / (a + b + 2):
        return 1 - beta_share(1 - x, b, a)
    front = a * math.log(x) + b * math.log1p(-x) + math.lgamma(a + b) - math.lgamma(a) - math.lgamma(b)
    return math.exp(front) * _fraction(x, a, b) / a


def _fraction(x: float, a: float, b: float) -> float:
    """1 / (1 + d1 / (1 + d2 / (1 + …)))."""
    tiny = 1e-300
    value, c, d = 1.0, 1.0, 0.0
    for step in range(1, 10_000):
        m = step // 2
        if step % 2:
            term = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1))
        else:
            term = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m))
        d = 1 / _away(1 + term * d, tiny)
        c = _away(1 + term / c, tiny)
        value *= c * d
        if abs(c * d - 1) < 1e-15:
            break
    return 1 / value


def _away(value: float, tiny: float) -> float:
    return value if abs(value) > tiny else tiny


def beta_quantile(share: float, a: float, b: float) -> float:
    """The x below which this share of Beta(a, b) lies; by halving, to the last bit that counts."""
    low, high = 0.0, 1.0
    for _ in range(200):
        middle = (low + high) / 2
        if middle in {low, high}:
            break
        if beta_share(middle, a, b) < share:
            low = middle
        else:
            high = middle
    return (low + high) / 2


def _check(hits: int, n: int, level: float) -> None:
    if not 0 <= hits <= n:
        raise ValueError(f"{hits} of {n} is not a share")
    if not 0 < level < 1:
        raise ValueError(f"a level of {level} is not between 0 and 1")
