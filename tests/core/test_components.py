import math
from datetime import UTC, datetime

import pytest

from bot.core.components import deviation, likeness, rank_components
from bot.core.metrics import Series

ONSET = datetime(2026, 11, 20, 9, 2, tzinfo=UTC)
AT = ONSET.timestamp()


def make(service, value, *, name="p95", kind="latency", step=10, start=-1800):
    points = [(AT + t, value(t)) for t in range(start, 300, step)]
    return Series(service=service, name=name, kind=kind, unit="", labels={}, points=points)


def step_up(before, after, *, jitter=0.02):
    return lambda t: (before if t < 0 else after) * (1 + jitter * math.sin(t / 7))


def ranked(*series, **options):
    return [one.name for one in rank_components(series, onset=ONSET, **options)]


def test_a_caller_that_is_slow_because_of_its_callee_comes_after_it():
    front, middle, back = make("front", step_up(1, 3)), make("middle", step_up(0.5, 2.4)), make("back", step_up(0.1, 2))
    calls = {"front": ["middle"], "middle": ["back"]}

    found = rank_components([front, middle, back], onset=ONSET, calls=calls, target=front)

    assert found[0].name == "back"
    assert {one.name: one.explained_by for one in found} == {"front": "middle", "middle": "back", "back": ""}


def test_what_moves_at_another_time_than_the_alerting_series_is_not_the_root():
    front = make("front", step_up(1, 3))
    back, late = make("back", step_up(0.1, 0.3)), make("late", lambda t: 0.1 if t < 200 else 9.0)

    assert ranked(front, back, late, calls={"front": ["back", "late"]}, target=front)[0] == "back"


def test_a_component_that_only_waits_for_others_comes_after_one_that_is_slow_itself():
    slow = [make(name, step_up(0.1, 0.4)) for name in ("busy", "waiter")]
    waiting = make("waiter", step_up(0.1, 0.4), name="client_p95")

    assert ranked(*slow, calls={}) == ["busy", "waiter"]
    assert ranked(*slow, waiting, calls={})[-1] == "waiter"
    assert ranked(*slow, waiting, calls={}, target=slow[1])[0] == "busy"


def test_an_alerting_series_that_did_not_move_leaves_the_order_to_what_did():
    still, cause = make("front", step_up(1, 1)), make("memory-hog", step_up(20, 90), name="memory", kind="saturation")
    alike = make("other", step_up(2, 2))

    found = rank_components([still, cause, alike], onset=ONSET, calls={"front": ["memory-hog", "other"]}, target=still)

    assert found[0].name == "memory-hog"
    assert found[0].likeness == 0


def test_callers_that_all_wait_accuse_the_one_that_they_share():
    waiting = [make(name, step_up(0.1, 2.0), name="client_p95") for name in ("cart", "web")]
    own = [make(name, step_up(0.1, 0.1)) for name in ("cart", "web", "rates", "images")]
    calls = {"cart": ["rates"], "web": ["rates", "images"]}

    assert ranked(*waiting, *own, calls=calls)[0] == "rates"


def test_of_a_resource_a_fall_counts_too_since_a_restart_looks_like_that():
    fell = make("a", step_up(80, 20), name="memory", kind="saturation")
    faster = make("b", step_up(2.0, 0.5))

    found = {one.name: one.score for one in rank_components([fell, faster], onset=ONSET, calls={})}

    assert found["a"] > 1
    assert found["b"] == 0


def test_a_quiet_baseline_does_not_make_noise_a_deviation():
    assert abs(deviation(make("a", lambda t: 100.0 if t < 0 else 101.0), AT)) < 1


@pytest.mark.parametrize(
    "points", [[], [(AT - 1, 1.0)], [(AT - 5, math.nan), (AT + 5, math.inf)], [(AT - 20, 1.0), (AT - 10, 1.0)]]
)
def test_a_series_that_cannot_be_compared_deviates_by_nothing(points):
    one = Series(service="a", name="m", kind="latency", unit="", labels={}, points=points)

    assert deviation(one, AT) == 0
    assert likeness(one, one, AT) == 0
    assert rank_components([one], onset=ONSET, calls={"a": ["a", "ghost"]}, target=one)[0].score == 0
