"""Slack's rate tiers as token buckets. Off unless asked for."""

import math
from dataclasses import dataclass
from datetime import datetime

from slackbox import limits
from slackbox.clock import Clock
from slackbox.errors import Refusal


@dataclass(slots=True, kw_only=True)
class _Bucket:
    tokens: float
    at: datetime


class RateLimits:
    def __init__(self, *, clock: Clock, enabled: bool) -> None:
        self._clock = clock
        self._enabled = enabled
        self._buckets: dict[str, _Bucket] = {}

    def spend(self, method: str, tier: int, channel: str | None) -> None:
        """Count one call. Raises Refusal ratelimited with the seconds to wait."""
        if not self._enabled:
            return
        if method == "chat.postMessage" and channel:
            self._take(f"{method} {channel}", limits.POSTS_PER_SECOND, limits.POST_BURST)
            return
        per_minute = limits.TIER_CALLS_PER_MINUTE.get(tier, limits.SPECIAL_CALLS_PER_MINUTE)
        self._take(method, per_minute / 60, per_minute)

    def _take(self, key: str, rate: float, burst: int) -> None:
        now = self._clock.now()
        bucket = self._buckets.setdefault(key, _Bucket(tokens=burst, at=now))
        bucket.tokens = min(burst, bucket.tokens + (now - bucket.at).total_seconds() * rate)
        bucket.at = now
        if bucket.tokens < 1:
            raise Refusal("ratelimited", retry_after=max(1, math.ceil((1 - bucket.tokens) / rate)))
        bucket.tokens -= 1
