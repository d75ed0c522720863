"""How often a service's incidents had which cause, as a light nudge for the order of possible causes. Pure."""

import math
from collections.abc import Mapping

from bot.core.hypothesis import CauseClass
from bot.core.text import plural

_CLASSES = len(CauseClass) - 1
"""All but unknown, which is no cause."""
# Dirichlet smoothing towards equal shares, by the weight of so many incidents (as in Gelman, Bayesian data analysis, 3.4).
_SMOOTHING = 4.0
# A past of so many incidents counts half.
_HALF = 8.0
# A judgement: at most 0.3 of log-odds, a fraction of what one change that shows up in what failed is worth.
_WEIGHT, _MOST = 0.2, 1.5


def nudge(past: Mapping[CauseClass, int], cause_class: CauseClass) -> float:
    """What the past adds to a cause's score (log-odds); 0 without a past, and for a cause that is not known."""
    total = sum(count for one, count in past.items() if one is not CauseClass.UNKNOWN)
    if not total or cause_class is CauseClass.UNKNOWN:
        return 0.0
    usual = 1 / _CLASSES
    share = (past.get(cause_class, 0) + _SMOOTHING * usual) / (total + _SMOOTHING)
    return _WEIGHT * total / (total + _HALF) * max(-_MOST, min(_MOST, math.log(share / usual)))


def past_note(past: Mapping[CauseClass, int], service: str) -> tuple[str, ...]:
    """One sentence that the past was used, with its numbers; nothing without one."""
    known = {one: count for one, count in past.items() if one is not CauseClass.UNKNOWN and count}
    total = sum(known.values())
    if not total:
        return ()
    often, count = min(known.items(), key=lambda one: (-one[1], one[0].value))
    word = often.value.replace("_", " ")
    incidents = plural(total, "past incident")
    return (f"The order leans a little on {incidents} of {service}, most often {word} ({count} of {total}).",)
