"""What the workspace holds: people, channels, messages. No protocol, no network."""

import itertools
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final, Literal

from slackbox.canvases import Canvas
from slackbox.clock import Clock, Timer
from slackbox.errors import WorldError, nearest
from slackbox.files import File
from slackbox.jsons import Json, copied
from slackbox.streaming import Stream

ChannelKind = Literal["channel", "group", "im", "mpim"]

# The subscription that covers messages in each kind of conversation.
MESSAGE_EVENTS: Final = {
    "channel": "message.channels",
    "group": "message.groups",
    "im": "message.im",
    "mpim": "message.mpim",
}
SCOPE_FAMILIES: Final = {"channel": "channels", "group": "groups", "im": "im", "mpim": "mpim"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    id: str
    name: str
    real_name: str
    title: str = ""
    is_bot: bool = False
    deleted: bool = False

    @property
    def email(self) -> str:
        """People have an address in a domain that is reserved for examples; bots have none."""
        return "" if self.is_bot else f"{self.name}@example.com"


@dataclass(frozen=True, slots=True, kw_only=True)
class UserGroup:
    id: str
    handle: str
    name: str
    users: tuple[str, ...]
    description: str = ""
    disabled_at: int = 0
    """Seconds since the epoch; 0 while it is in use."""

    @property
    def disabled(self) -> bool:
        return self.disabled_at > 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Pin:
    """A message that is pinned to its channel; `created` in seconds since the epoch."""

    ts: str
    user: str
    created: int


@dataclass(slots=True, kw_only=True)
class Scheduled:
    """A message that waits for its time; `post_at` and `created` in seconds since the epoch."""

    id: str
    channel: str
    post_at: int
    created: int
    content: Json
    timer: Timer | None = None


@dataclass(slots=True, kw_only=True)
class Post:
    """One message: its body as it is now, and every body it had before."""

    channel: str
    body: Json
    earlier: list[Json] = field(default_factory=list[Json])
    reactions: dict[str, list[str]] = field(default_factory=dict[str, list[str]])

    @property
    def ts(self) -> str:
        return str(self.body["ts"])

    @property
    def thread_ts(self) -> str | None:
        """The parent's ts when this is a reply, else None."""
        thread = self.body.get("thread_ts")
        return str(thread) if thread and thread != self.ts else None


@dataclass(slots=True, kw_only=True)
class Channel:
    """A public or private channel, or a direct message (`is_im` with one person, `is_mpim` with several)."""

    id: str
    name: str
    members: set[str]
    is_private: bool = False
    is_archived: bool = False
    is_im: bool = False
    is_mpim: bool = False
    topic: str = ""
    purpose: str = ""
    creator: str = ""
    created: int = 0
    canvas: str | None = None
    posts: dict[str, Post] = field(default_factory=dict[str, Post])
    threads: dict[str, list[str]] = field(default_factory=dict[str, list[str]])
    pins: dict[str, Pin] = field(default_factory=dict[str, Pin])
    bookmarks: dict[str, Json] = field(default_factory=dict[str, Json])
    # What other apps wrote here that would notify somebody if it were repeated without escaping.
    foreign_pings: set[str] = field(default_factory=set[str])

    @property
    def kind(self) -> ChannelKind:
        if self.is_im:
            return "im"
        if self.is_mpim:
            return "mpim"
        return "group" if self.is_private else "channel"

    @property
    def event_family(self) -> str:
        """The subscription that covers messages here, for example message.channels."""
        return MESSAGE_EVENTS[self.kind]

    @property
    def scope_family(self) -> str:
        """The first part of the scopes for this kind of conversation, for example channels."""
        return SCOPE_FAMILIES[self.kind]


@dataclass(frozen=True, slots=True, kw_only=True)
class Names:
    """The workspace's fixed ids."""

    team: str = "T0SLACKBOX"
    team_name: str = "Slackbox"
    app: str
    bot_user: str
    bot: str


class Workspace:
    """Mutable state behind small, named changes."""

    def __init__(self, *, names: Names, clock: Clock) -> None:
        self.names = names
        self._clock = clock
        self._last_micros = 0
        self.people: dict[str, Person] = {}
        self.channels: dict[str, Channel] = {}
        self.groups: dict[str, UserGroup] = {}
        self.ephemerals: list[Json] = []
        self.away: set[str] = set()
        self.files: dict[str, File] = {}
        self.canvases: dict[str, Canvas] = {}
        self.streams: dict[tuple[str, str], Stream] = {}
        self.scheduled: dict[str, Scheduled] = {}
        self.assistant: dict[tuple[str, str], Json] = {}
        self._ids = itertools.count(1)

    def next_id(self, prefix: str) -> str:
        """An id in Slack's form: the letter of its kind, then capitals and digits. Never the same twice."""
        return f"{prefix}0{next(self._ids):08X}"

    def seconds(self) -> int:
        """The time now in whole seconds since the epoch, the form most fields of the Web API have."""
        return int(self._clock.now().timestamp())

    def next_ts(self) -> str:
        """A message timestamp: unique and rising in the whole workspace, microseconds since the epoch."""
        micros = int(self._clock.now().timestamp() * 1_000_000)
        self._last_micros = max(micros, self._last_micros + 1)
        return f"{self._last_micros // 1_000_000}.{self._last_micros % 1_000_000:06d}"

    def find_channel(self, name: str) -> Channel | None:
        """By id, by name or by #name."""
        bare = name.removeprefix("#")
        if name in self.channels:
            return self.channels[name]
        return next((channel for channel in self.channels.values() if channel.name == bare), None)

    def get_channel(self, name: str) -> Channel:
        """As find_channel; raises WorldError that names the nearest."""
        channel = self.find_channel(name)
        if channel is None:
            known = [*self.channels, *(f"#{each.name}" for each in self.channels.values())]
            raise WorldError(f"There is no channel {name!r}. {nearest(name, known)}")
        return channel

    def get_person(self, name: str) -> Person:
        """By id or by name; raises WorldError that names the nearest."""
        by_name = {person.name: person for person in self.people.values()}
        person = self.people.get(name) or by_name.get(name.removeprefix("@"))
        if person is None:
            raise WorldError(f"There is no person {name!r}. {nearest(name, [*self.people, *by_name])}")
        return person

    def get_post(self, channel: str, ts: str) -> Post:
        """Raises WorldError when the channel has no such message."""
        room = self.get_channel(channel)
        if ts not in room.posts:
            raise WorldError(f"#{room.name} has no message {ts!r}. {nearest(ts, room.posts)}")
        return room.posts[ts]

    def add(self, channel: Channel, body: Json) -> Post:
        """Store a message; gives it its ts."""
        post = Post(channel=channel.id, body={**body, "ts": self.next_ts()})
        channel.posts[post.ts] = post
        if post.thread_ts is not None:
            channel.threads.setdefault(post.thread_ts, []).append(post.ts)
        return post

    def revise(self, post: Post, body: Json) -> None:
        """Replace a message's body and keep the old one."""
        post.earlier.append(copied(post.body))
        post.body = body

    def remove(self, post: Post) -> None:
        """Delete a message. A parent that has replies leaves a tombstone, as in Slack."""
        channel = self.channels[post.channel]
        channel.pins.pop(post.ts, None)
        if any(self.replies(channel, post.ts)):
            kept = {"type": "message", "subtype": "tombstone", "text": "This message was deleted.", "user": "USLACKBOT"}
            self.revise(post, {**kept, "ts": post.ts, "thread_ts": post.ts, "hidden": True})
        else:
            del channel.posts[post.ts]
            if post.thread_ts is not None:
                channel.threads[post.thread_ts].remove(post.ts)

    def replies(self, channel: Channel, ts: str) -> Iterator[Post]:
        """Replies to a parent, oldest first."""
        return (channel.posts[reply] for reply in channel.threads.get(ts, ()))

    def render(self, post: Post, *, metadata: bool = False) -> Json:
        """The message as the Web API shows it; metadata only when asked for."""
        body = copied(post.body)
        if not metadata:
            body.pop("metadata", None)
        if post.thread_ts is None:
            body.update(self._thread_fields(post))
        if post.ts in self.channels[post.channel].pins:
            body["pinned_to"] = [post.channel]
        if post.reactions:
            body["reactions"] = [
                {"name": name, "users": list(users), "count": len(users)} for name, users in post.reactions.items()
            ]
        return body

    def _thread_fields(self, post: Post) -> Json:
        replies = list(self.replies(self.channels[post.channel], post.ts))
        if not replies:
            return {}
        authors = list(dict.fromkeys(str(each.body.get("user") or each.body.get("bot_id")) for each in replies))
        return {
            "thread_ts": post.ts,
            "reply_count": len(replies),
            "reply_users_count": len(authors),
            "reply_users": authors[:5],
            "latest_reply": replies[-1].ts,
            "is_locked": False,
            "subscribed": False,
        }
