"""The past of a service nudges the order of causes, and no more."""

import math

import pytest

from bot.core.base_rates import nudge, past_note
from bot.core.hypothesis import CauseClass

DEPLOYS = {CauseClass.DEPLOY: 12}


def test_without_a_past_nothing_is_nudged_and_nothing_is_said():
    assert {nudge({}, one) for one in CauseClass} == {0.0}
    assert past_note({}, "checkout") == ()
    assert nudge({CauseClass.UNKNOWN: 9}, CauseClass.DEPLOY) == 0.0


def test_the_nudge_is_what_the_formula_says():
    # (3 + 4/11) / (4 + 4) against 1/11, a past of four incidents: 0.2 · 4/12 · min(1.5, ln 4.625)
    assert nudge({CauseClass.DEPLOY: 3, CauseClass.CONFIG: 1}, CauseClass.DEPLOY) == pytest.approx(0.2 / 3 * 1.5)
    # (1 + 4/11) / 8 against 1/11
    assert nudge({CauseClass.DEPLOY: 3, CauseClass.CONFIG: 1}, CauseClass.CONFIG) == pytest.approx(
        0.2 / 3 * math.log((15 / 11) / 8 * 11)
    )


def test_a_frequent_cause_rises_a_rare_one_falls_an_unknown_one_stays_and_none_moves_far():
    often, never = nudge(DEPLOYS, CauseClass.DEPLOY), nudge(DEPLOYS, CauseClass.CONFIG)

    assert never < 0 < often
    assert nudge(DEPLOYS, CauseClass.UNKNOWN) == 0.0
    assert nudge({CauseClass.DEPLOY: 1}, CauseClass.DEPLOY) < often < nudge({CauseClass.DEPLOY: 999}, CauseClass.DEPLOY)
    assert nudge({CauseClass.DEPLOY: 99_999}, CauseClass.DEPLOY) < 0.3


def test_that_the_past_was_used_is_said_with_its_numbers():
    past = {CauseClass.CONFIG: 2, CauseClass.FEATURE_FLAG: 3, CauseClass.UNKNOWN: 7}

    assert past_note(past, "checkout") == (
        "The order leans a little on 5 past incidents of checkout, most often feature flag (3 of 5).",
    )
