from dataclasses import replace
from datetime import timedelta
from functools import cache

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize

from bot.core.calibration import FEWEST_EARLIER, FEWEST_LATER, better, brier_of, forecast, refit, service_history
from bot.core.confidence import (
    PRIOR_SLOPE_SD,
    Calibration,
    Features,
    calibrate,
    features_from,
    fit,
    probability,
    score,
)
from bot.core.outcome import Grade, GradedBy
from tests.support.histories import BEGIN, Setting, history, labelled

G = Grade
PRIOR = Calibration()
MODEST = Calibration(slope=1.0, offset=-1.0, labels=20, version="2026-06-01")
LATER = 100


@cache
def simulated(n, setting, histories=200):
    """Mean Brier scores on 100 later calls of: the line fitted on n labels, the model's own number, the base rate of the n."""
    rows = []
    for seed in range(histories):
        calls = history(seed, n + LATER, setting)
        known, later = calls[:n], calls[n:]
        line = fit([call.score for call in known], [call.helpful for call in known], version="v")
        base = (sum(call.helpful for call in known) + 0.5) / (n + 1)
        rows.append(
            (
                brier_of(line, later),
                np.mean([(call.raw - call.helpful) ** 2 for call in later]),
                np.mean([(base - call.helpful) ** 2 for call in later]),
            )
        )
    return np.array(rows)


@pytest.mark.parametrize("n", [15, 30, 60])
@pytest.mark.parametrize(
    "setting",
    [Setting(), Setting(signal=0.6), Setting(base=-0.6), Setting(drift=-1.0)],
    ids=["usual", "weak features", "seldom helpful", "getting worse"],
)
def test_the_calibrated_number_beats_the_models_own_and_the_base_rate(n, setting):
    """
    200 seeded histories per setting, n labels to learn from and 100 later calls each; mean Brier score.

    The model says 80 to 100 % in steps of 5 and tells good calls from bad ones little better than a coin (AUROC about 0.6), as
    language models asked for their confidence do: Xiong et al., Can LLMs express their uncertainty?, ICLR 2024; Tian et al.,
    Just ask for calibration, EMNLP 2023. The features together reach an AUROC of about 0.7 (0.65 where weak). Both margins
    are held against three standard errors over the histories, so luck of the seeds does not decide.
    """
    fitted, raw, base = simulated(n, setting).T

    for margin in (raw - fitted, base - fitted):
        assert margin.mean() > 3 * margin.std() / np.sqrt(len(margin))


@pytest.mark.parametrize("n", [15, 60])
def test_where_the_features_tell_nothing_the_line_costs_little_and_still_beats_the_model(n):
    """The other side of the claim: without any signal the base rate is better, by at most 0.01 in Brier score."""
    fitted, raw, base = simulated(n, Setting(signal=0.0, service_spread=0.0)).T

    assert 0 < (fitted - base).mean() < 0.01
    assert (raw - fitted).mean() > 0.08


def test_more_labels_make_a_better_line():
    scores = [simulated(n, Setting())[:, 0].mean() for n in (15, 30, 60)]

    assert scores == sorted(scores, reverse=True)


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10_000), st.integers(1, 80), st.floats(-4, 4), st.floats(0.01, 4), st.floats(0, 1))
def test_the_fit_is_the_posterior_mode_however_odd_the_labels(seed, n, centre, width, share):
    """Held against a general optimiser; labels that contradict the prior made plain Newton steps run away."""
    chance = np.random.default_rng(seed)
    scores, helpful = chance.normal(centre, width, n), chance.random(n) < share
    line = fit(list(scores), list(helpful), version="v")

    def loss(point):
        moved = scores * point[0] + point[1]
        prior = ((point[0] - 1) / PRIOR_SLOPE_SD) ** 2 + point[1] ** 2
        return np.sum(np.logaddexp(0, moved) - helpful * moved) + prior / 2

    found = minimize(loss, [1.0, 0.0], method="BFGS")
    assert loss([line.slope, line.offset]) == pytest.approx(found.fun, abs=1e-5)
    assert (line.slope, line.offset) == (pytest.approx(found.x[0], abs=2e-3), pytest.approx(found.x[1], abs=2e-3))


def test_scores_without_their_labels_are_refused():
    with pytest.raises(ValueError, match="3 scores and 2 labels"):
        fit([1.0, 2.0, 3.0], [True, False], version="v")


@given(st.floats(-1e6, 1e6), st.floats(-5, 5), st.floats(-5, 5))
def test_a_line_always_gives_a_probability_short_of_certainty(value, slope, offset):
    assert 0.02 <= probability(value, Calibration(slope=slope, offset=offset)) <= 0.97


def test_the_forecast_of_a_call_is_the_number_that_would_have_been_shown():
    for call in history(1, 40):
        shown = calibrate(features_from(call.features), MODEST).value
        assert forecast(call, MODEST) == pytest.approx(shown, abs=0.005)


def test_the_new_line_has_to_win_on_later_calls():
    later = [labelled(G.WRONG, day=day, confidence=0.8) for day in range(FEWEST_LATER)]
    got = better(PRIOR, MODEST, later)

    assert (got.better, got.compared) == (True, FEWEST_LATER)
    assert got.brier_old == pytest.approx(0.64)
    assert got.why == f"the new line is better: Brier {got.brier_new:.3f} against 0.640 on 10 later calls"
    assert not better(MODEST, PRIOR, later).better
    assert not better(PRIOR, PRIOR, later).better, "a tie leaves the old one"


def test_too_few_later_calls_leave_the_old_line():
    later = [labelled(G.WRONG, day=day, confidence=0.8) for day in range(FEWEST_LATER - 1)]
    uncounted = [labelled(None), labelled(G.WRONG, abstained=True), labelled(G.WRONG, established=False)]
    got = better(PRIOR, MODEST, [*later, *uncounted])

    assert (got.better, got.compared) == (False, FEWEST_LATER - 1)
    assert "10 are needed" in got.why
    assert better(PRIOR, MODEST, []).brier_old is None


def nightly(calls, *, current=PRIOR, current_at=None, now=None, version="2026-11-20"):
    moment = now or max((call.labelled_at or call.at for call in calls), default=BEGIN) + timedelta(hours=1)
    return refit(calls, current=current, current_at=current_at, version=version, now=moment)


def overconfident(n, *, first=0):
    """Said 90 %, helped every second time."""
    return [labelled((G.EXACT, G.WRONG)[day % 2], day=day, confidence=0.9) for day in range(first, first + n)]


def test_overconfidence_is_mended_as_soon_as_there_are_calls_to_tell_it_on():
    short = nightly(overconfident(FEWEST_EARLIER + FEWEST_LATER - 1))
    enough = nightly(overconfident(FEWEST_EARLIER + FEWEST_LATER))

    assert (short.used, short.calibration) == (False, PRIOR)
    assert "5 are needed" in short.why
    assert (enough.used, enough.compared, enough.calibration.labels) == (True, 10, 15)
    assert enough.calibration.version == "2026-11-20"
    assert enough.brier_new < enough.brier_old


def test_a_line_that_is_used_has_learned_from_every_label():
    calls = overconfident(40)
    got = nightly(calls)

    assert got.compared == 20
    assert got.calibration == fit(
        [call.score for call in calls], [call.helpful for call in calls], version="2026-11-20"
    )


def test_only_calls_that_the_line_in_use_has_not_seen_are_compared():
    calls = overconfident(40)
    line = nightly(calls)
    again = nightly([*calls, *overconfident(9, first=40)], current=line.calibration, current_at=calls[-1].labelled_at)

    assert (again.used, again.calibration) == (False, line.calibration)
    assert again.why == "9 labelled calls since the line in use; 10 are needed"


def test_a_candidate_never_learns_from_what_it_is_compared_on():
    """Labels turn around exactly where the comparison begins: the candidate learns the old ways and loses."""
    calls = [labelled(G.EXACT, day=day, confidence=0.7) for day in range(20)]
    calls += [labelled(G.WRONG, day=day, confidence=0.7) for day in range(20, 40)]
    got = nightly(calls)

    assert (got.used, got.compared) == (False, 20)
    assert got.brier_new > got.brier_old


def test_labels_that_came_after_the_comparison_began_are_not_learned_from():
    late = BEGIN + timedelta(days=60)
    calls = [replace(call, labelled_at=late) for call in overconfident(20)] + overconfident(20, first=20)

    got = nightly(calls, now=late + timedelta(days=1))

    assert not got.used
    assert got.why == "0 labels known before the later calls; 5 are needed"


def test_what_is_not_known_yet_plays_no_part():
    calls = overconfident(40)

    assert nightly(calls, now=calls[20].at) == nightly(calls[:20], now=calls[20].at)


def test_judged_grades_teach_nothing_while_the_judge_is_not_trusted():
    judged = [replace(call, graded_by=GradedBy.JUDGE) for call in overconfident(40)]

    assert nightly(judged).why == "0 labelled calls since the line in use; 10 are needed"


def test_over_a_long_past_the_gate_lets_confidence_improve_and_never_ruins_it():
    """Night after night over 120 calls, in 30 histories: what was shown beats what the prior would have shown."""
    gained = []
    for seed in range(30):
        calls = history(seed, 120)
        line, since, errors = PRIOR, None, []
        for place in range(10, 120, 5):
            now = calls[place].at
            # As on that night: a label that is not there yet is not known.
            got = refit(calls[:place], current=line, current_at=since, version=f"v{place}", now=now)
            line, since = (got.calibration, now) if got.used else (line, since)
            coming = calls[place : place + 5]
            errors.append((brier_of(PRIOR, coming), brier_of(line, coming)))
        prior, used = np.mean(errors, axis=0)
        gained.append(prior - used)

    assert np.mean(gained) > 0.03
    assert np.mean(np.array(gained) > 0) > 0.8


def test_a_services_own_past_moves_its_number_a_little_and_the_right_way():
    good = [labelled(G.EXACT, day=day, service="search") for day in range(6)]
    bad = [labelled(G.WRONG, day=day, service="cart") for day in range(6)]
    before = BEGIN + timedelta(days=30)

    search = service_history([*good, *bad], "search", before=before)
    assert search == pytest.approx(0.5 + ((6 + 4 * 0.5) / 10 - 0.5) / 2)
    assert service_history([*good, *bad], "cart", before=before) == pytest.approx(1 - search)
    assert service_history([*good, *bad], "ads", before=before) is None


def test_a_service_like_all_others_moves_nothing():
    calls = [labelled((G.EXACT, G.WRONG)[day % 2], day=day, service=f"s{day % 4 // 2}") for day in range(40)]

    assert service_history(calls, "s0", before=BEGIN + timedelta(days=60)) == pytest.approx(0.5, abs=1e-9)


@given(st.lists(st.tuples(st.booleans(), st.booleans()), max_size=60))
def test_a_services_history_stays_a_share(rows):
    calls = [
        labelled(G.EXACT if good else G.WRONG, day=day, service="own" if own else "other")
        for day, (good, own) in enumerate(rows)
    ]
    got = service_history(calls, "own", before=BEGIN + timedelta(days=100))

    assert (got is None) == (not any(own for _, own in rows))
    assert got is None or 0 < got < 1


def test_a_label_that_came_later_is_not_known_to_the_history():
    calls = [labelled(G.EXACT, day=1, service="search", labelled_at=BEGIN + timedelta(days=9))]

    assert service_history(calls, "search", before=BEGIN + timedelta(days=8)) is None
    assert service_history(calls, "search", before=BEGIN + timedelta(days=10)) is not None


def test_history_is_one_more_feature_and_none_of_it_changes_nothing():
    plain = Features(raw=0.8, grounding=1.0, agreement=1.0, margin=0.6, gaps=0.0, similarity=0.5, similar_agrees=1.0)

    assert score(replace(plain, history=0.5)) == score(plain)
    assert score(replace(plain, history=0.3)) < score(plain) < score(replace(plain, history=0.7))
    assert features_from(replace(plain, history=0.7).as_dict()).history == 0.7
    assert "history" not in plain.as_dict()
