"""
When a new line for the confidence may replace the one in use.

The line itself, its prior and its fit are in `confidence.py`. Here: what is known of a service from its own past, and
the decision that is made every night, by the Brier score on calls that neither line has seen.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from bot.core.confidence import Calibration, fit, grounding_cap, probability
from bot.core.grading import Agreement, counting, judge_agreement
from bot.core.outcome import Call
from bot.core.text import plural

FEWEST_LATER = 10
"""Later calls before two lines are compared. With fewer, one call more or less decides by itself."""

FEWEST_EARLIER = 5
"""Labels before a line is fitted at all; below that the prior moves by less than it is worth to tell people about."""

HISTORY_WEIGHT = 4.0
"""How many calls of an average service a service's own calls are mixed with."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Gate:
    """Two lines on the same later calls."""

    better: bool
    brier_old: float | None
    brier_new: float | None
    compared: int
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Refit:
    """What a nightly fit came to."""

    used: bool
    calibration: Calibration
    """To be used from now on: the new line, or the old one unchanged."""
    brier_old: float | None
    brier_new: float | None
    compared: int
    why: str


def forecast(call: Call, line: Calibration) -> float:
    """The number that this line would have shown for a call: from its kept score, held under its cap."""
    return min(probability(call.score, line), grounding_cap(call.features.get("grounding", 0.0)))


def brier_of(line: Calibration, calls: Sequence[Call]) -> float | None:
    """Brier score of what the line would have shown; None without counted calls."""
    errors = [(forecast(call, line) - float(call.helpful)) ** 2 for call in calls if call.counted]
    return sum(errors) / len(errors) if errors else None


def better(old: Calibration, new: Calibration, later: Sequence[Call]) -> Gate:
    """
    Whether the new line beats the old one on calls that were posted after the labels of both.

    A tie, or fewer than 10 counted calls, leaves the old one in use.
    """
    compared = sum(call.counted for call in later)
    brier_old, brier_new = brier_of(old, later), brier_of(new, later)
    if brier_old is None or brier_new is None or compared < FEWEST_LATER:
        why = f"{plural(compared, 'later call')}; {FEWEST_LATER} are needed to compare"
        return Gate(better=False, brier_old=brier_old, brier_new=brier_new, compared=compared, why=why)
    wins = brier_new < brier_old
    verdict = "is better" if wins else "is not better"
    why = f"the new line {verdict}: Brier {brier_new:.3f} against {brier_old:.3f} on {compared} later calls"
    return Gate(better=wins, brier_old=brier_old, brier_new=brier_new, compared=compared, why=why)


def refit(
    calls: Sequence[Call],
    *,
    current: Calibration,
    current_at: datetime | None,
    version: str,
    now: datetime,
    judge: Agreement | None = None,
) -> Refit:
    """
    The nightly decision.

    The calls posted since the line in use was fitted (`current_at`; None for the prior) are halved in time. A candidate
    is fitted on every label known when the second half began, and compared with the line in use on that second half,
    which neither has seen. If it wins, the line that is used from now on is fitted on all labels, the second half
    included: it is the procedure that was tested. Judged grades count only when the judge is trusted: `judge` is the
    agreement over all time, without one that of these calls.
    """
    known = [call for call in calls if call.at <= now and (call.labelled_at is None or call.labelled_at <= now)]
    counted = sorted(counting(known, judge or judge_agreement(known)), key=lambda call: (call.at, call.incident_id))
    fresh = [call for call in counted if current_at is None or call.at > current_at]
    later = fresh[len(fresh) // 2 :] if len(fresh) >= 2 * FEWEST_LATER else fresh[-FEWEST_LATER:]
    if len(later) < FEWEST_LATER:
        return _keep(current, f"{plural(len(later), 'labelled call')} since the line in use; {FEWEST_LATER} are needed")
    begins = later[0].at
    earlier = [call for call in counted if call.at < begins and (call.labelled_at or call.at) <= begins]
    if len(earlier) < FEWEST_EARLIER:
        return _keep(
            current, f"{plural(len(earlier), 'label')} known before the later calls; {FEWEST_EARLIER} are needed"
        )
    gate = better(current, _line(earlier, version), later)
    return Refit(
        used=gate.better,
        calibration=_line(counted, version) if gate.better else current,
        brier_old=gate.brier_old,
        brier_new=gate.brier_new,
        compared=gate.compared,
        why=gate.why,
    )


def _keep(current: Calibration, why: str) -> Refit:
    return Refit(used=False, calibration=current, brier_old=None, brier_new=None, compared=0, why=why)


def _line(calls: Sequence[Call], version: str) -> Calibration:
    return fit([call.score for call in calls], [call.helpful for call in calls], version=version)


def service_history(
    calls: Sequence[Call], service: str, *, before: datetime, judge: Agreement | None = None
) -> float | None:
    """
    How calls on this service went against all calls, 0 to 1 with 0.5 as usual; None without labels on the service.

    The service's helpful rate is shrunk towards that of all calls by the weight of four calls (the posterior mean under
    a Beta prior around the common rate; empirical Bayes as in Efron and Morris, JASA 70, 1975), and half of its distance
    from the common rate is added to 0.5.
    Only labels known before the moment count, so that the feature never knows its own outcome. `judge` as for `refit`.
    """
    known = [call for call in calls if call.at < before and call.labelled_at is not None and call.labelled_at < before]
    counted = counting(known, judge or judge_agreement(known))
    own = [call for call in counted if call.service == service]
    if not own:
        return None
    common = (sum(call.helpful for call in counted) + 0.5) / (len(counted) + 1)
    shrunk = (sum(call.helpful for call in own) + HISTORY_WEIGHT * common) / (len(own) + HISTORY_WEIGHT)
    return 0.5 + (shrunk - common) / 2
