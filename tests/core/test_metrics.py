import random
from datetime import UTC, datetime

import pytest

from bot.core.metrics import Direction, Series, number, rank_changes, sentence

ONSET = datetime(2026, 11, 20, 9, 2, tzinfo=UTC)


def make(value, *, name="m", kind="other", service="db", labels=None, step=10, unit=""):
    points = [(ONSET.timestamp() + t, v) for t in range(-1800, 61, step) if (v := value(t)) is not None]
    return Series(service=service, name=name, kind=kind, unit=unit, labels=labels or {}, points=points)


def changes(*series, **options):
    return rank_changes(series, onset=ONSET, **options)


def test_a_step_is_found_with_its_levels_and_its_moment():
    (change,) = changes(make(lambda t: 2.0 if t < -40 else 17.0))

    assert (change.direction, change.before, change.after) == (Direction.ROSE, 2.0, 17.0)
    assert change.lead_s == 40


def test_a_ramp_is_dated_to_where_it_left_its_old_band():
    (change,) = changes(make(lambda t: 2.0 if t < -60 else min(17.0, 2 + (t + 60) / 4)))

    assert change.before == 2.0
    assert change.after == 17.0
    assert 40 <= change.lead_s <= 60


def test_a_fall_is_a_fall():
    (change,) = changes(make(lambda t: 100.0 if t < -30 else 10.0))

    assert change.direction is Direction.FELL


def test_what_was_up_and_is_down_is_told_by_few_samples():
    down = Series(service="cache", name="redis_up", kind="other", unit="1", labels={}, points=[(ONSET.timestamp() + t, v) for t, v in ((-30, 1), (-20, 1), (-10, 0), (0, 0))])  # fmt: skip
    (change,) = changes(down)

    assert (change.direction, change.before, change.after, change.lead_s) == (Direction.FELL, 1.0, 0.0, 10)
    assert change.weight > 0.6


def test_what_came_back_or_never_was_up_is_not_down():
    again = make(lambda t: 0.0 if -300 < t < -200 else 1.0, name="up")
    never = make(lambda t: 0.0, name="up")

    raised = make(lambda t: 1.0 if -300 < t < -200 else 0.0, name="hpa_scale_up")

    assert not any(change.after == 0 for change in changes(again, never, raised))


@pytest.mark.parametrize("seed", range(20))
def test_noise_is_no_change(seed):
    chance = random.Random(seed)
    assert changes(make(lambda _: 50 + chance.gauss(0, 5))) == []


def test_a_constant_series_is_no_change():
    assert changes(make(lambda _: 20.0)) == []


def test_a_single_spike_long_before_the_alert_is_no_change():
    assert changes(make(lambda t: 90.0 if t == -900 else 5.0)) == []


def test_a_series_that_jumps_between_two_values_is_no_change():
    assert changes(make(lambda t: 2.0 + t % 20 / 20)) == []


def test_a_series_that_begins_near_the_alert_has_appeared():
    steady = make(lambda _: 1.0, name="steady")
    (change,) = changes(
        steady, make(lambda t: None if t < -40 else 15.0, labels={"application_name": "checkout/2.31.0"})
    )

    assert change.direction is Direction.APPEARED
    assert change.before == 0.0
    assert (
        sentence(change)
        == "m{application_name=checkout/2.31.0} appeared and reached 15 (at 09:01:20Z, 40 s before the alert)"
    )


def test_a_raw_counter_is_judged_by_its_rate():
    assert changes(make(lambda t: 8.0 * (t + 2000), name="requests_total")) == []
    (change,) = changes(make(lambda t: 8.0 * (t + 2000) + (0 if t < -30 else 50 * (t + 30)), name="requests_total"))
    assert change.before == 8
    assert change.after == 58


def test_start_times_and_other_clocks_are_not_measurements():
    assert changes(make(lambda t: 1.7e9 if t < -40 else 1.8e9, name="process_start_time_seconds")) == []


def test_the_alerting_service_comes_first_when_changes_are_alike():
    mine, other = (
        make(lambda t: 0.0 if t < -40 else 9.0, service="db"),
        make(lambda t: 0.0 if t < -40 else 9.0, service="web"),
    )
    ranked = changes(other, mine, nearness={"db": 1.0, "web": 0.8})

    assert [one.series.service for one in ranked] == ["db", "web"]


def test_many_changes_of_one_kind_do_not_push_out_another_kind():
    chatty = [make(lambda t: 0.0 if t < -40 else 9.0, name=f"t{n}", kind="other") for n in range(12)]
    ranked = changes(*chatty, make(lambda t: 0.0 if t < -40 else 9.0, name="errors", kind="errors"))

    assert ranked[0].series.name == "errors"


def test_broken_values_do_not_break_the_ranking():
    assert (
        changes(
            make(lambda t: float("nan") if t % 20 else 3.0),
            make(lambda _: None),
            make(lambda t: 1.0 if t == 0 else None),
        )
        == []
    )


def test_a_sentence_names_what_moved_from_where_to_where_and_when():
    labels = {"state": "idle", "service": "db"}
    (change,) = changes(make(lambda t: 2.0 if t < -50 else 17.0, name="pg_stat_activity_count", labels=labels))

    assert (
        sentence(change) == "pg_stat_activity_count{state=idle} rose from 2 to 17 (at 09:01:10Z, 50 s before the alert)"
    )


@pytest.mark.parametrize(
    ("value", "said"), [(17.0, "17"), (0.4213, "0.421"), (1520.4, "1520"), (0.0, "0"), (1e-9, "1e-09")]
)
def test_numbers_are_written_as_people_write_them(value, said):
    assert number(value) == said
