"""One message per second and channel, with a small burst: Slack's limit for chat.postMessage."""

from collections.abc import Callable
from typing import Final

_BURST: Final = 3
_PER_SECOND: Final = 1.0


class Pacer:
    """A token bucket per channel. It only says how long to wait; the caller waits."""

    def __init__(self, monotonic: Callable[[], float], *, burst: int = _BURST) -> None:
        self._monotonic = monotonic
        self._burst = float(burst)
        self._buckets: dict[str, tuple[float, float]] = {}

    def reserve(self, channel: str, *, patience: float) -> float:
        """Seconds until the channel's next free slot, which is taken unless it is further away than `patience`."""
        now = self._monotonic()
        tokens, at = self._buckets.get(channel, (self._burst, now))
        tokens = min(self._burst, tokens + (now - at) * _PER_SECOND)
        wait = max(0.0, (1 - tokens) / _PER_SECOND)
        self._buckets[channel] = (tokens - 1 if wait <= patience else tokens, now)
        return wait

    def hold(self, channel: str, seconds: float) -> None:
        """Slack asked for a pause: nothing more in this channel before it is over."""
        self._buckets[channel] = (1 - seconds * _PER_SECOND, self._monotonic())
