"""Slack's rate tiers as token buckets, in four profiles.

off         nothing is refused
tiers       Slack's tiers per method with a minute's calls as the burst; posts 1/s per channel with a small burst
strict      the same rates with hardly any burst, so that code which relies on bursts fails
first_call  the first call of every method is refused once, so that every caller must be able to wait
"""

import math
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from slackbox import limits
from slackbox.clock import Clock
from slackbox.errors import Refusal, SlackboxError, nearest

PROFILES: Final = ("off", "tiers", "strict", "first_call")


@dataclass(slots=True, kw_only=True)
class _Bucket:
    tokens: float
    at: datetime


def profile_named(option: bool | str) -> str:
    """The profile that an option stands for; True is tiers, False is off. Raises SlackboxError that names the nearest."""
    name = ("tiers" if option else "off") if isinstance(option, bool) else option
    if name not in PROFILES:
        raise SlackboxError(f"There is no rate limit profile {name!r}. {nearest(name, PROFILES)}")
    return name


class RateLimits:
    def __init__(self, *, clock: Clock, profile: bool | str) -> None:
        self._clock = clock
        self._profile = profile_named(profile)
        self._buckets: dict[str, _Bucket] = {}
        self._called: set[str] = set()

    def spend(self, method: str, tier: int, channel: str | None) -> None:
        """Count one call. Raises Refusal ratelimited (rate_limited for the workspace's posts) with the seconds to wait."""
        if self._profile == "off":
            return
        if self._profile == "first_call":
            self._refuse_first(method)
            return
        strict = self._profile == "strict"
        if method == "chat.postMessage":
            if channel:
                burst = 1 if strict else limits.POST_BURST
                self._take(f"{method} {channel}", limits.POSTS_PER_SECOND, burst)
            whole = limits.WORKSPACE_POSTS_PER_MINUTE
            self._take(method, whole / 60, whole, code="rate_limited")
            return
        per_minute = limits.TIER_CALLS_PER_MINUTE.get(tier, limits.SPECIAL_CALLS_PER_MINUTE)
        burst = max(1, int(per_minute * limits.STRICT_BURST)) if strict else per_minute
        self._take(method, per_minute / 60, burst)

    def _refuse_first(self, method: str) -> None:
        if method not in self._called:
            self._called.add(method)
            raise Refusal("ratelimited", retry_after=1)

    def _take(self, key: str, rate: float, burst: int, *, code: str = "ratelimited") -> None:
        now = self._clock.now()
        bucket = self._buckets.setdefault(key, _Bucket(tokens=burst, at=now))
        bucket.tokens = min(burst, bucket.tokens + (now - bucket.at).total_seconds() * rate)
        bucket.at = now
        # A whole second of virtual time must fill a bucket of one a second, whatever the rounding.
        if bucket.tokens < 1 - 1e-9:
            raise Refusal(code, retry_after=max(1, math.ceil((1 - bucket.tokens) / rate)))
        bucket.tokens -= 1
