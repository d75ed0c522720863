"""How far values lie apart, without single spikes counting."""

import numpy as np
from numpy.typing import NDArray

# 1.4826 turns a median absolute deviation into the standard deviation of a normal distribution.
_MAD_TO_SIGMA = 1.4826
# 2.56 standard deviations of a normal distribution lie between its outer deciles.
_DECILES = 2.56


def deviation_spread(values: NDArray[np.float64]) -> float:
    """Standard deviation as the median absolute deviation tells it; what less than half of the values do does not count. Never of none."""
    return float(np.median(np.abs(values - np.median(values)))) * _MAD_TO_SIGMA


def robust_spread(values: NDArray[np.float64]) -> float:
    """
    The same, or the range between the outer deciles where that is more. Never of none.

    For levels: a series that jumps between two values has no deviation from its median, but a range.
    """
    low, high = np.percentile(values, [10, 90])
    return max(deviation_spread(values), float(high - low) / _DECILES)
