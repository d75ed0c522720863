import math
import random
from datetime import UTC, datetime

import pytest

from bot.core.anomaly import find_onsets
from bot.core.metrics import Direction

START = datetime(2026, 11, 1, tzinfo=UTC).timestamp()
DAY = 288


def points(value, days=4):
    return [(START + 300 * place, value(place)) for place in range(days * DAY)]


def noisy(level, seed=1):
    chance = random.Random(seed)
    return lambda place: level(place) + chance.gauss(0, 1)


def test_a_level_that_was_never_there_is_an_onset_with_its_moment():
    (onset,) = find_onsets(points(noisy(lambda place: 50 if place < 1000 else 90)))

    assert onset.direction is Direction.ROSE
    assert abs(onset.at.timestamp() - (START + 300 * 1000)) <= 600
    assert 48 < onset.before < 52
    assert 65 < onset.after < 93


def test_a_fall_is_an_onset_too():
    assert [one.direction for one in find_onsets(points(noisy(lambda place: 50 if place < 1000 else 10)))] == [
        Direction.FELL
    ]


def test_a_daily_rhythm_and_a_nightly_job_are_none():
    def daily(place):
        return 50 + 30 * math.sin(2 * math.pi * place / DAY) + (60 if place % DAY in range(20, 26) else 0)

    assert find_onsets(points(noisy(daily), days=6)) == []


@pytest.mark.parametrize("value", [lambda _: 20.0, lambda _: math.nan, lambda place: float(place < 3)])
def test_what_stands_still_has_no_onset(value):
    assert find_onsets(points(value)) == []


def test_too_short_a_series_has_none():
    assert find_onsets(points(lambda place: 1.0 if place < 20 else 99.0)[:25]) == []


def test_one_disturbance_is_told_once():
    assert len(find_onsets(points(noisy(lambda place: 90 if 1000 <= place < 1040 else 50)))) == 1
