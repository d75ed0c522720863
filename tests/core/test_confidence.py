from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.core.confidence import Calibration, Features, calibrate, features_from, fit, grounding_cap, score
from bot.core.weights import SURENESS

GOOD = Features(raw=0.8, grounding=1.0, agreement=1.0, margin=0.6, gaps=0.0, similarity=0.5, similar_agrees=1.0)
SHARE = st.floats(0, 1)


def test_without_labels_the_basis_says_so():
    told = calibrate(GOOD)

    assert (told.labels, told.basis, told.version) == (0, "prior only, no labelled incidents yet", "prior")
    assert told.raw == 0.8


@pytest.mark.parametrize(("grounding", "cap"), [(0.0, 0.64), (0.5, 0.84), (1.0, 1.0)])
def test_what_is_not_grounded_is_capped(grounding, cap):
    assert grounding_cap(grounding) == cap
    assert calibrate(replace(GOOD, raw=1.0, grounding=grounding)).value <= cap


def test_a_cap_that_bites_is_told():
    assert "capped" in calibrate(replace(GOOD, raw=1.0, grounding=0.9, margin=1.0)).basis


@pytest.mark.parametrize(
    ("worse", "value"),
    [("raw", 0.3), ("agreement", 0.0), ("margin", 0.0), ("gaps", 1.0), ("grounding", 0.2), ("similar_agrees", 0.0)],
)
def test_each_feature_moves_the_score_the_right_way(worse, value):
    assert score(replace(GOOD, **{worse: value})) < score(GOOD)


@given(SHARE, SHARE, SHARE, SHARE, SHARE, st.none() | SHARE, st.none() | SHARE)
def test_confidence_is_always_a_probability_below_certainty(
    raw, grounding, margin, gaps, similarity, agreement, agrees
):
    features = Features(
        raw=raw,
        grounding=grounding,
        agreement=agreement,
        margin=margin,
        gaps=gaps,
        similarity=similarity,
        similar_agrees=agrees,
    )

    assert 0 < calibrate(features).value < 1


def test_what_the_first_hypothesis_has_ahead_the_others_have_not_and_with_a_model_agreement_takes_its_place():
    alone = replace(GOOD, agreement=None)

    assert score(alone) - score(alone, first=False) == pytest.approx(SURENESS.constant)
    assert score(GOOD) - score(alone, first=False) == pytest.approx(SURENESS.agreement / 2)


def test_no_labels_leave_the_prior():
    assert fit([], [], version="v") == Calibration()


def test_overconfident_calls_are_pulled_down_by_labels():
    line = fit([2.0] * 40, [place % 2 == 0 for place in range(40)], version="2026-11-20")

    assert line.labels == 40
    assert calibrate(GOOD, line).value < calibrate(GOOD).value
    assert calibrate(GOOD, line).basis == "from 40 labelled incidents"


def test_few_labels_move_the_line_little_and_many_move_it_more():
    few, many = fit([1.5] * 2, [False] * 2, version="v"), fit([1.5] * 60, [False] * 60, version="v")

    assert Calibration().offset > few.offset > many.offset


def test_separable_labels_do_not_send_the_slope_to_infinity():
    line = fit([-3.0, -2.0, 2.0, 3.0] * 10, [False, False, True, True] * 10, version="v")

    assert 0.5 < line.slope < 4


def test_features_survive_being_kept():
    assert features_from(GOOD.as_dict()) == GOOD
    assert features_from(replace(GOOD, support=0.2).as_dict()) == replace(GOOD, support=0.2)


def test_what_nothing_speaks_for_is_told_with_less_though_nothing_else_is_likelier():
    best, bare = replace(GOOD, agreement=None, support=0.9), replace(GOOD, agreement=None, support=0.0)

    assert calibrate(bare).value < calibrate(best).value - 0.15


def test_an_answer_that_blames_nothing_which_could_be_undone_is_told_with_less():
    change, elsewhere, unknown = (replace(GOOD, agreement=None, unnamed=value) for value in (0.0, 0.5, 1.0))

    assert calibrate(unknown).value < calibrate(elsewhere).value < calibrate(change).value
    assert score(change) == score(replace(change, unnamed=None))


def test_features_kept_before_support_was_asked_count_as_neither():
    old = features_from({"raw": 0.8, "grounding": 1.0, "margin": 0.6, "gaps": 0.0, "similarity": 0.0})

    assert old.support is None
    assert score(old) == score(replace(old, support=0.5))
