"""Short-lived permissions that Slack hands out with an interaction: trigger ids and response addresses.

https://docs.slack.dev/interactivity/handling-user-interaction
"""

import random
from dataclasses import dataclass
from datetime import datetime, timedelta

from slackbox import limits
from slackbox.clock import Clock
from slackbox.errors import Refusal


@dataclass(slots=True, kw_only=True)
class Trigger:
    """Lets the app open a view once for one person. `over_view` is the modal it came from, `channel` the place."""

    user: str
    expires: datetime
    used: bool = False
    over_view: str | None = None
    channel: str | None = None


@dataclass(slots=True, kw_only=True)
class ResponseUrl:
    """Lets the app post in one channel. `message_ts` is the message that was interacted with, if there was one."""

    user: str
    channel: str
    expires: datetime
    message_ts: str | None = None
    ephemeral: bool = False
    uses: int = 0


class Permits:
    def __init__(self, *, clock: Clock, seed: int) -> None:
        self._clock = clock
        self._random = random.Random(seed + 3)
        self._triggers: dict[str, Trigger] = {}
        self._urls: dict[str, ResponseUrl] = {}

    def trigger(self, user: str, over_view: str | None = None, channel: str | None = None) -> str:
        """A trigger id: valid once, for three seconds, for this person."""
        name = f"{self._random.getrandbits(40)}.{self._random.getrandbits(40)}.{self._random.getrandbits(128):032x}"
        expires = self._clock.now() + timedelta(seconds=limits.TRIGGER_SECONDS)
        self._triggers[name] = Trigger(user=user, expires=expires, over_view=over_view, channel=channel)
        return name

    def use_trigger(self, name: str) -> Trigger:
        """Spend a trigger id. Raises Refusal with Slack's three codes."""
        trigger = self._triggers.get(name)
        if trigger is None:
            raise Refusal("invalid_trigger_id")
        if trigger.used:
            raise Refusal("exchanged_trigger_id")
        if self._clock.now() > trigger.expires:
            raise Refusal("expired_trigger_id")
        trigger.used = True
        return trigger

    def response_url(
        self, base: str, *, user: str, channel: str, message_ts: str | None = None, ephemeral: bool = False
    ) -> str:
        """An address under `base` that takes five posts in thirty minutes."""
        name = f"{self._random.getrandbits(128):032x}"
        self._urls[name] = ResponseUrl(
            user=user, channel=channel, expires=self._url_end(), message_ts=message_ts, ephemeral=ephemeral
        )
        return f"{base}/_response/{name}"

    def find_url(self, name: str) -> ResponseUrl:
        """A response address that still takes posts. Raises Refusal: expired_url, used_url."""
        permit = self._urls.get(name)
        if permit is None or self._clock.now() > permit.expires:
            raise Refusal("expired_url")
        if permit.uses >= limits.RESPONSE_URL_USES:
            raise Refusal("used_url")
        return permit

    def for_acknowledgement(self, user: str, channel: str) -> ResponseUrl:
        """What the payload of a command's acknowledgement may do: the same as a post to its response address."""
        return ResponseUrl(user=user, channel=channel, expires=self._url_end())

    def _url_end(self) -> datetime:
        return self._clock.now() + timedelta(seconds=limits.RESPONSE_URL_SECONDS)
