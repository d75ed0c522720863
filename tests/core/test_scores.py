import random
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from sklearn.metrics import brier_score_loss

from bot.core.grading import FEWEST_PAIRS
from bot.core.intervals import beta_interval, wilson
from bot.core.outcome import Grade, GradedBy
from bot.core.scores import brier, compute, reliability, skill, week_start, window
from tests.support.histories import BEGIN, Setting, history, labelled

G = Grade
NOW = datetime(2026, 11, 19, 15, tzinfo=UTC)
"""A Thursday, in the ISO week 2026-W47, whose Monday is 16 November."""


@dataclass(frozen=True, kw_only=True)
class Counts:
    approvals_asked: int = 0
    approvals_rejected: int = 0
    approvals_expired: int = 0
    runs_succeeded: int = 0
    runs_ended: int = 0


def ago(days, grade, **other):
    at = NOW - timedelta(days=days)
    return labelled(grade, day=(at - BEGIN) / timedelta(days=1), **({"incident_id": f"INC-{days}"} | other))


TOLD = [
    # This week: two of three helped.
    ago(0.5, G.EXACT, confidence=0.9, evidence_ms=2000, hypothesis_ms=20_000, cost_usd=0.10),
    ago(1, G.NEAR, confidence=0.8, evidence_ms=4000, hypothesis_ms=40_000, cost_usd=0.20, similar_shown=3, similar_relevant=True),
    ago(2, G.WRONG, confidence=0.7, evidence_ms=6000, similar_shown=2, similar_relevant=False),
    # The weeks before: one of two helped, one abstained, one open, one without an established cause.
    ago(10, G.AREA, confidence=0.6, similar_shown=3),
    ago(20, G.EXACT, confidence=0.5),
    ago(21, None, abstained=True),
    ago(22, None),
    ago(23, None, established=False, labelled_at=NOW),
    # The Monday on which the twelve weeks begin, and the moment before.
    ago(80.625, G.WRONG, confidence=0.4),
    ago(80.63, G.EXACT, confidence=0.4),
    ago(100, G.WRONG, confidence=0.4),
    # Not yet posted, and too long ago for the comparison.
    ago(-1, G.EXACT),
    ago(170, G.EXACT),
]  # fmt: skip


def test_the_numbers_of_twelve_weeks_are_those_counted_by_hand():
    got = compute(TOLD, Counts(), now=NOW)

    assert (got.since, got.until) == (datetime(2026, 8, 31, tzinfo=UTC), NOW)
    assert got.calls == 9
    assert (got.labelled.hits, got.labelled.n, got.not_established) == (7, 9, 1)
    assert (got.helpful.hits, got.helpful.n, got.helpful.value) == (3, 6, 0.5)
    assert got.helpful.interval == beta_interval(3, 6)
    assert (got.helpful_this_week.hits, got.helpful_this_week.n) == (2, 3)
    assert (got.helpful_before.hits, got.helpful_before.n) == (1, 2)
    assert (got.exact.hits, got.exact.n) == (2, 6)
    assert (got.harmful.hits, got.harmful.n) == (1, 6)
    assert (got.abstained.hits, got.abstained.n) == (1, 9)
    assert (got.similar_relevant.hits, got.similar_relevant.n) == (1, 2)


def test_the_brier_score_and_skill_are_those_computed_by_hand():
    """Errors 0.1, 0.2, 0.7, 0.6, 0.5, 0.4: squares sum to 1.31; the base rate of 3 in 6 scores 0.25."""
    got = compute(TOLD, Counts(), now=NOW)

    assert (got.brier.value, got.brier.n) == (pytest.approx(1.31 / 6), 6)
    assert (got.skill.value, got.skill.n) == (pytest.approx(1 - 1.31 / 6 / 0.25), 6)
    assert got.brier.interval is None, "six calls are too few to resample"


def test_times_and_costs_are_those_computed_by_hand():
    got = compute(TOLD, Counts(), now=NOW)

    assert (got.evidence_seconds.n, got.evidence_seconds.median) == (3, 4.0)
    assert got.evidence_seconds.p90 == pytest.approx(5.6)
    assert (got.hypothesis_seconds.n, got.hypothesis_seconds.median) == (2, 30.0)
    assert got.cost_mean_usd.n == 9
    assert got.cost_mean_usd.value == pytest.approx(0.3 / 9)
    assert got.cost_usd.median == 0.0


def test_every_posted_call_is_once_in_the_chart_and_the_chart_adds_up_to_the_headline():
    got = compute(TOLD, Counts(), now=NOW)
    filled = {
        week.name: (week.helpful, week.harmful, week.abstained, week.missed, week.open)
        for week in got.weeks
        if any((week.helpful, week.harmful, week.abstained, week.missed, week.open))
    }

    assert [week.name for week in got.weeks] == [f"2026-W{number}" for number in range(36, 48)]
    assert got.weeks[-1].start == date(2026, 11, 16)
    assert filled == {
        "2026-W36": (0, 0, 0, 1, 0),
        "2026-W44": (1, 0, 1, 0, 2),
        "2026-W46": (0, 0, 0, 1, 0),
        "2026-W47": (2, 1, 0, 0, 0),
    }


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10_000), st.integers(0, 120))
def test_the_chart_and_the_rates_count_the_same_calls(seed, n):
    calls = history(seed, n, Setting(abstains=0.1, unlabelled=0.2, not_established=0.1))
    got = compute(calls, Counts(), now=BEGIN + timedelta(days=100))

    assert sum(week.helpful for week in got.weeks) == got.helpful.hits
    assert sum(week.harmful for week in got.weeks) == got.harmful.hits
    assert sum(week.abstained for week in got.weeks) == got.abstained.hits
    assert sum(week.helpful + week.harmful + week.missed for week in got.weeks) == got.helpful.n
    assert (
        sum(week.helpful + week.harmful + week.abstained + week.missed + week.open for week in got.weeks) == got.calls
    )
    assert got.exact.hits <= got.helpful.hits <= got.labelled.hits <= got.calls


def test_approvals_and_runs_carry_their_counts():
    counts = Counts(approvals_asked=8, approvals_rejected=2, approvals_expired=1, runs_succeeded=3, runs_ended=4)
    got = compute([], counts, now=NOW).actions

    assert got.asked == 8
    assert (got.rejected.value, got.expired.value, got.succeeded.value) == (0.25, 0.125, 0.75)
    assert (got.rejected.n, got.succeeded.n) == (8, 4)
    assert got.succeeded.interval == beta_interval(3, 4)


def test_nothing_gives_no_number_rather_than_zero():
    got = compute([], Counts(), now=NOW)
    rates = (
        got.labelled,
        got.helpful,
        got.helpful_this_week,
        got.helpful_before,
        got.exact,
        got.harmful,
        got.abstained,
    )

    assert {(rate.n, rate.value, rate.interval) for rate in (*rates, got.similar_relevant, got.actions.rejected)} == {
        (0, None, None)
    }
    assert {(one.n, one.value, one.interval) for one in (got.brier, got.skill, got.cost_mean_usd)} == {(0, None, None)}
    assert (got.evidence_seconds.n, got.evidence_seconds.median, got.evidence_seconds.p90) == (0, None, None)
    assert got.reliability == ()
    assert len(got.weeks) == 12


def test_judged_grades_stay_out_of_the_headline_until_the_judge_has_proved_itself():
    judged = [ago(place / 10, G.EXACT, graded_by=GradedBy.JUDGE, incident_id=f"J-{place}") for place in range(5)]
    both = [
        ago(30 + place / 10, grade, person_grade=grade, judge_grade=grade, incident_id=f"B-{place}")
        for place, grade in enumerate([G.WRONG, G.EXACT] * (FEWEST_PAIRS // 2))
    ]
    unproven, proven = compute([*judged, *both[1:]], Counts(), now=NOW), compute([*judged, *both], Counts(), now=NOW)

    assert (unproven.helpful.n, unproven.judged_left_out, unproven.judge.n) == (29, 5, 29)
    assert (unproven.weeks[-1].helpful, unproven.weeks[-1].open) == (0, 5)
    assert (proven.helpful.n, proven.judged_left_out, proven.judge.n) == (35, 0, 30)
    assert (proven.weeks[-1].helpful, proven.weeks[-1].open) == (5, 0)


def test_an_abstention_is_no_miss():
    calls = [ago(1, G.EXACT), ago(2, G.WRONG, abstained=True)]

    assert compute(calls, Counts(), now=NOW).helpful.value == 1.0


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10_000), st.integers(1, 80))
def test_the_brier_score_is_scikit_learns_and_lies_in_its_interval(seed, n):
    calls = history(seed, n)
    got = brier(calls)

    helped, said = [call.helpful for call in calls], [call.confidence for call in calls]
    assert got.value == pytest.approx(brier_score_loss(helped, said, labels=[False, True]))
    assert (got.interval is None) == (n < 10)
    if got.interval is not None:
        assert got.interval.low <= got.value <= got.interval.high


def test_skill_is_zero_for_the_base_rate_one_for_certainty_and_negative_for_noise():
    half = [labelled(grade, day=place, confidence=0.5) for place, grade in enumerate([G.EXACT, G.WRONG] * 10)]
    sure = [labelled(G.EXACT, confidence=0.97), labelled(G.WRONG, confidence=0.03)]
    wrong = [labelled(G.EXACT, confidence=0.1), labelled(G.WRONG, confidence=0.9)]

    assert skill(half).value == pytest.approx(0)
    assert skill(sure).value == pytest.approx(1 - 0.0009 / 0.25)
    assert skill(wrong).value == pytest.approx(1 - 0.81 / 0.25)


def test_there_is_no_skill_where_everything_helped():
    got = skill([labelled(G.EXACT, day=place) for place in range(20)])

    assert (got.value, got.n, got.interval) == (None, 20, None)


@pytest.mark.parametrize(("n", "bins"), [(0, 0), (17, 0), (18, 3), (24, 4), (30, 5), (300, 5)])
def test_reliability_has_three_to_five_bins_of_equal_count_or_none(n, bins):
    calls = [labelled(G.EXACT, confidence=0.05 + 0.9 * place / max(n, 1)) for place in range(n)]
    got = reliability(calls)

    assert len(got) == bins
    assert sum(one.helped.n for one in got) == (n if bins else 0)
    assert max((one.helped.n for one in got), default=0) - min((one.helped.n for one in got), default=0) <= 1


def test_reliability_by_hand():
    calls = [labelled(G.WRONG, confidence=0.2)] * 5 + [labelled(G.EXACT, confidence=0.3)]
    calls += [labelled(G.EXACT, confidence=0.6)] * 3 + [labelled(G.AREA, confidence=0.6)] * 3
    calls += [labelled(G.NEAR, confidence=0.9)] * 6
    random.Random(1).shuffle(calls)

    low, middle, high = reliability(calls)
    assert (low.lowest, low.highest, low.said) == (0.2, 0.3, pytest.approx(1.3 / 6))
    assert (low.helped.hits, middle.helped.hits, high.helped.hits) == (1, 3, 6)
    assert middle.helped.interval == wilson(3, 6)


@given(st.lists(st.tuples(st.sampled_from([0.2, 0.5, 0.64, 0.8, 0.84, 0.97]), st.booleans()), min_size=18, max_size=80))
@example([(0.2, True)] * 7 + [(0.5, False)] * 9 + [(0.8, True)] * 8)
def test_equal_confidences_are_never_split_and_no_bin_is_small(rows):
    got = reliability([labelled(G.EXACT if good else G.WRONG, confidence=said) for said, good in rows])

    assert all(one.helped.n >= 6 for one in got)
    assert all(left.highest < right.lowest for left, right in pairwise(got))
    assert sum(one.helped.n for one in got) == len(rows)


@pytest.mark.parametrize(
    ("moment", "monday"),
    [
        (datetime(2026, 11, 16, tzinfo=UTC), datetime(2026, 11, 16, tzinfo=UTC)),
        (datetime(2026, 11, 22, 23, 59, tzinfo=UTC), datetime(2026, 11, 16, tzinfo=UTC)),
        (datetime.fromisoformat("2026-11-16T00:30:00+01:00"), datetime(2026, 11, 9, tzinfo=UTC)),
        (datetime(2027, 1, 1, tzinfo=UTC), datetime(2026, 12, 28, tzinfo=UTC)),
    ],
)
def test_a_week_begins_on_monday_in_utc(moment, monday):
    assert week_start(moment) == monday


def test_a_time_without_a_zone_is_refused():
    with pytest.raises(ValueError, match="without a zone"):
        window(datetime(2026, 11, 16))  # noqa: DTZ001


def test_the_same_past_always_gives_the_same_scores():
    calls = history(3, 60)
    moment = BEGIN + timedelta(days=60)

    assert compute(calls, Counts(), now=moment) == compute(list(reversed(calls)), Counts(), now=moment)
    assert np.isfinite(compute(calls, Counts(), now=moment).brier.value)
