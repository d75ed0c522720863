"""The outside: Slack and the clock."""

from datetime import datetime
from typing import Protocol

from bot.core.alert import Anchor
from bot.core.posts import Post


class Clock(Protocol):
    """Where time comes from."""

    def now(self) -> datetime:
        """The present moment, aware, in UTC."""
        ...


class Chat(Protocol):
    """Slack, as far as the flows care."""

    async def send(self, post: Post) -> Anchor:
        """Post or edit one message and say where it stands. Raises ChatUnavailableError (try again) or ChatError."""
        ...

    async def find(self, post: Post) -> Anchor | None:
        """Look in Slack for a message with the post's operation, in case a crash hid that it was sent."""
        ...

    async def permalink(self, anchor: Anchor) -> str:
        """A link to a message."""
        ...
