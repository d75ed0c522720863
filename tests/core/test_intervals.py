"""Held against scipy on a grid, against worked examples of the literature, and against what an interval is for."""

import math
import random

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from scipy import special, stats

from bot.core.intervals import (
    Interval,
    beta_interval,
    beta_quantile,
    beta_share,
    mcnemar,
    paired_difference,
    quantile,
    quantile_interval,
    resampled,
    wilson,
)

COUNTS = st.integers(0, 400).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n)))
PAIRS = st.tuples(*[st.integers(0, 60)] * 4).filter(any)


@given(st.floats(0, 1), st.floats(0.1, 2000), st.floats(0.1, 2000))
def test_the_share_of_a_beta_distribution_is_scipys(x, a, b):
    assert beta_share(x, a, b) == pytest.approx(special.betainc(a, b, x), abs=1e-9)


@given(st.floats(0.001, 0.999), st.floats(0.5, 300), st.floats(0.5, 300))
def test_a_beta_quantile_is_scipys(share, a, b):
    assert beta_quantile(share, a, b) == pytest.approx(stats.beta.ppf(share, a, b), abs=1e-9)


@given(COUNTS, st.sampled_from([0.8, 0.9, 0.95, 0.99]))
def test_the_interval_of_a_share_is_jeffreys_with_the_ends_on_the_border(counts, level):
    hits, n = counts
    got = beta_interval(hits, n, level)

    if n == 0:
        assert got is None
        return
    assert got is not None
    posterior = stats.beta(hits + 0.5, n - hits + 0.5)
    assert got.low == (0 if hits == 0 else pytest.approx(posterior.ppf((1 - level) / 2), abs=1e-9))
    assert got.high == (1 if hits == n else pytest.approx(posterior.ppf((1 + level) / 2), abs=1e-9))


@pytest.mark.parametrize(
    ("hits", "n", "low", "high"),
    [(0, 10, 0.0, 0.2172), (1, 10, 0.0110, 0.3813), (5, 10, 0.2235, 0.7765), (9, 10, 0.6187, 0.9890)],
)
def test_the_interval_of_a_share_is_as_published(hits, n, low, high):
    """Jeffreys limits at 95 % for n = 10: table 5 of Brown, Cai and DasGupta (2001) prints the first as 0 to .217."""
    got = beta_interval(hits, n, 0.95)

    assert got is not None
    assert (got.low, got.high) == (pytest.approx(low, abs=2e-4), pytest.approx(high, abs=2e-4))


@given(COUNTS, st.sampled_from([0.8, 0.9, 0.95, 0.99]))
def test_wilsons_interval_is_scipys(counts, level):
    hits, n = counts
    got = wilson(hits, n, level)

    if n == 0:
        assert got is None
        return
    expected = stats.binomtest(hits, n).proportion_ci(level, method="wilson")
    assert got is not None
    assert (got.low, got.high) == (pytest.approx(expected.low, abs=1e-12), pytest.approx(expected.high, abs=1e-12))


@given(COUNTS.filter(lambda counts: counts[1] > 0))
def test_an_interval_holds_the_measured_share_and_mirrors(counts):
    hits, n = counts
    for method in (beta_interval, wilson):
        got, mirrored = method(hits, n), method(n - hits, n)
        assert got is not None
        assert mirrored is not None
        assert 0 <= got.low <= hits / n <= got.high <= 1
        assert (mirrored.low, mirrored.high) == (
            pytest.approx(1 - got.high, abs=1e-9),
            pytest.approx(1 - got.low, abs=1e-9),
        )


@pytest.mark.parametrize("method", [beta_interval, wilson])
def test_more_data_at_the_same_share_narrows_the_interval(method):
    widths = [got.high - got.low for n in (4, 8, 40, 400) if (got := method(n // 4, n)) is not None]

    assert widths == sorted(widths, reverse=True)
    assert len(set(widths)) == 4


@pytest.mark.parametrize("n", [12, 20, 50])
def test_the_interval_covers_the_truth_about_as_often_as_it_says(n):
    """Exact coverage, summed over all counts, for true shares from 5 to 95 %. It jumps about its level, as it must."""
    intervals = [beta_interval(hits, n) for hits in range(n + 1)]
    coverage = [
        sum(
            stats.binom.pmf(hits, n, share)
            for hits, got in enumerate(intervals)
            if got is not None and got.low <= share <= got.high
        )
        for share in np.linspace(0.05, 0.95, 91)
    ]

    assert np.mean(coverage) == pytest.approx(0.9, abs=0.02)
    assert min(coverage) > 0.75


@pytest.mark.parametrize(("hits", "n"), [(-1, 3), (4, 3), (0, -1)])
@pytest.mark.parametrize("method", [beta_interval, wilson])
def test_counts_that_cannot_be_are_refused(method, hits, n):
    with pytest.raises(ValueError, match=f"{hits} of {n}"):
        method(hits, n)


@pytest.mark.parametrize("level", [0.0, 1.0, 90.0])
def test_a_level_that_is_no_share_is_refused(level):
    with pytest.raises(ValueError, match="level"):
        wilson(1, 2, level)


def test_a_paired_difference_is_newcombes_method_10():
    """
    Airway hyper-responsiveness of 21 children, Bentur et al. (2009): -0.286, 95 % interval -0.507 to -0.026, exact McNemar
    0.070, as worked out by Fagerland, Lydersen and Laake, Statistics in Medicine 33 (2014) and BMC Medical Research Methodology 13 (2013).
    """
    got = paired_difference(both=1, won=1, lost=7, neither=12, level=0.95)

    assert got is not None
    assert (got.n, got.won, got.lost) == (21, 1, 7)
    assert got.value == pytest.approx(-0.2857, abs=1e-4)
    assert (got.interval.low, got.interval.high) == (pytest.approx(-0.507, abs=5e-4), pytest.approx(-0.026, abs=5e-4))
    assert got.p_value == pytest.approx(0.0703, abs=1e-4)


@given(st.tuples(*[st.integers(1, 60)] * 4))
@example((59, 6, 16, 80))
def test_a_paired_difference_joins_wilsons_limits_by_the_correlation_of_the_answers(counts):
    """Worked out another way: phi as the correlation of the answers themselves, the limits from scipy."""
    both, won, lost, neither = counts
    got = paired_difference(both=both, won=won, lost=lost, neither=neither)
    n, product = sum(counts), both * neither - won * lost
    answers = np.repeat([[1, 1], [1, 0], [0, 1], [0, 0]], counts, axis=0)
    phi = np.corrcoef(answers.T)[0, 1] * (max(product - n / 2, 0) / product if product > 0 else 1)
    new, old = (stats.binomtest(hits, n).proportion_ci(0.9, method="wilson") for hits in (both + won, both + lost))
    p, q = (both + won) / n, (both + lost) / n

    def joined(down, up):
        return math.sqrt(down**2 - 2 * phi * down * up + up**2)

    assert got is not None
    assert got.interval.low == pytest.approx(p - q - joined(p - new.low, old.high - q), abs=1e-9)
    assert got.interval.high == pytest.approx(p - q + joined(q - old.low, new.high - p), abs=1e-9)


@given(PAIRS)
def test_a_paired_difference_holds_its_value_and_changes_sign_with_its_sides(counts):
    both, won, lost, neither = counts
    got = paired_difference(both=both, won=won, lost=lost, neither=neither)
    turned = paired_difference(both=both, won=lost, lost=won, neither=neither)

    assert got is not None
    assert turned is not None
    assert -1 <= got.interval.low <= got.value + 1e-12
    assert got.value - 1e-12 <= got.interval.high <= 1
    assert (turned.interval.low, turned.interval.high) == (
        pytest.approx(-got.interval.high, abs=1e-9),
        pytest.approx(-got.interval.low, abs=1e-9),
    )


@given(st.integers(0, 60), st.integers(0, 60))
def test_without_correlation_it_is_the_unpaired_sum_of_squares(won, neither):
    """With an old that is never right phi is not defined and taken as 0, which leaves the two Wilson intervals joined."""
    got = paired_difference(both=0, won=won, lost=0, neither=neither)
    new, old = wilson(won, won + neither), wilson(0, won + neither)
    if got is None or new is None or old is None:
        assert won + neither == 0
        return
    share = won / (won + neither)

    assert got.interval.low == pytest.approx(max(-1, share - math.hypot(share - new.low, old.high)))
    assert got.interval.high == pytest.approx(min(1, share + math.hypot(new.high - share, 0)))


def test_no_pairs_give_no_difference_and_negative_counts_are_refused():
    assert paired_difference(both=0, won=0, lost=0, neither=0) is None
    with pytest.raises(ValueError, match="negative"):
        paired_difference(both=1, won=-1, lost=0, neither=0)


@given(st.integers(0, 80), st.integers(0, 80))
def test_mcnemars_p_value_is_the_exact_binomial_one(won, lost):
    expected = stats.binomtest(won, won + lost, 0.5).pvalue if won + lost else 1.0

    assert mcnemar(won, lost) == pytest.approx(expected, abs=1e-12)


@given(st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=60), st.sampled_from([0.5, 0.9]))
def test_a_quantile_is_numpys_and_lies_in_its_interval(values, q):
    got = quantile_interval(values, q)

    assert quantile(values, q) == pytest.approx(float(np.quantile(values, q)))
    if got is not None:
        assert got.low in values
        assert got.high in values
        assert got.low <= got.high


@pytest.mark.parametrize(("q", "fewest"), [(0.5, 5), (0.9, 29)])
def test_a_quantile_of_too_few_values_has_no_interval(q, fewest):
    assert quantile_interval(range(fewest - 1), q) is None
    assert quantile_interval(range(fewest), q) is not None


@pytest.mark.parametrize(("n", "q"), [(5, 0.5), (12, 0.5), (40, 0.5), (29, 0.9), (80, 0.9)])
def test_the_interval_of_a_quantile_covers_it_at_least_as_often_as_it_says(n, q):
    """For values 1..n the ends are ranks; coverage is the chance that the number below the quantile is between them."""
    got = quantile_interval(list(range(1, n + 1)), q)

    assert got is not None
    assert stats.binom.cdf(got.high - 1, n, q) - stats.binom.cdf(got.low - 1, n, q) >= 0.9


def test_nothing_has_no_quantile():
    assert quantile([], 0.5) is None
    assert quantile_interval([], 0.5) is None


@settings(max_examples=20)
@given(st.integers(0, 10_000))
def test_a_resampled_mean_is_near_the_normal_interval_and_always_the_same(seed):
    chance = random.Random(seed)
    rows = [(chance.gauss(5, 2),) for _ in range(80)]
    values = [value for (value,) in rows]
    got = resampled(rows, lambda drawn: float(np.mean(drawn)))
    reach = stats.norm.ppf(0.95) * np.std(values, ddof=1) / math.sqrt(80)

    assert got == resampled(rows, lambda drawn: float(np.mean(drawn)))
    assert got is not None
    assert (got.low, got.high) == (
        pytest.approx(np.mean(values) - reach, abs=0.12),
        pytest.approx(np.mean(values) + reach, abs=0.12),
    )


def test_few_rows_are_not_resampled_and_an_undefined_statistic_gives_nothing():
    assert resampled([(1.0,)] * 9, lambda drawn: float(np.mean(drawn))) is None
    assert resampled([(1.0,)] * 10, lambda _: math.nan) is None
    assert resampled([(1.0,)] * 10, lambda drawn: float(np.mean(drawn))) == Interval(low=1.0, high=1.0)
