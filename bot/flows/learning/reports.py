"""What the doors can ask about how well the bot does, with the adapters bound in."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from bot.core.digest import Digest, Numbers
from bot.ports import ContentVersion


@dataclass(frozen=True, slots=True, kw_only=True)
class Reports:
    """The digest, the metrics, and what is at work."""

    digest: Callable[[str], Awaitable[Digest]]
    """Of an ISO week as 2026-W48; empty: of this week so far. Raises PayloadError."""
    numbers: Callable[[], Awaitable[Numbers]]
    """Of this week so far, without what only a digest says."""
    post_now: Callable[[str, str], Awaitable[Digest]]
    """Into a channel, for a user."""
    post_if_due: Callable[[], Awaitable[bool]]
    """Once per ISO week, whatever the replicas and restarts."""
    add_details: Callable[[], Awaitable[int]]
    """Into the threads of digests that stand in Slack."""
    note_content: Callable[[], Awaitable[Sequence[ContentVersion]]]
    """Prompts, runbooks and model at work; returns those that are new."""
