"""One Web API call, and what every method needs to read from it."""

import base64
import binascii
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final, Literal

from slackbox.auth import require_scope
from slackbox.box import Box
from slackbox.errors import Refusal
from slackbox.jsons import Json, as_list
from slackbox.workspace import Channel, Person, Post

_STAMP: Final = re.compile(r"\d{1,12}\.\d{1,6}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    box: Box
    method: str
    args: Json
    netloc: str
    http_verb: str = "POST"
    token: str | None = field(default=None, repr=False)

    def required(self, name: str, code: str = "invalid_arguments") -> str:
        """A string argument that must be there. Raises Refusal with `code`."""
        value = self.args.get(name)
        if not isinstance(value, str | int | float) or value == "":
            raise Refusal(code, messages=[f"[ERROR] missing required field: {name}"])
        return str(value)

    def optional(self, name: str) -> str | None:
        value = self.args.get(name)
        return None if value is None or value == "" else str(value)

    def flag(self, name: str, *, default: bool = False) -> bool:
        """A boolean in any of the encodings clients use: true, "true", 1, "1"."""
        value = self.args.get(name)
        return default if value is None else str(value).lower() in {"1", "true"}

    def ids(self, name: str, code: str) -> list[str]:
        """A list of ids, as an array or with commas between. Raises Refusal with `code` when it is empty."""
        value = self.args.get(name)
        listed = [str(each) for each in as_list(value) or str(value or "").split(",")]
        found = [each.strip() for each in listed if each.strip()]
        if not found:
            raise Refusal(code)
        return found

    def whole(self, name: str, code: str = "invalid_arguments") -> int:
        """A whole number that must be there. Raises Refusal with `code`."""
        raw = self.required(name, code)
        if not raw.removeprefix("-").isdigit():
            raise Refusal(code, messages=[f"[ERROR] {name} is not a whole number [json-pointer:/{name}]"])
        return int(raw)

    def limit(self, default: int, most: int) -> int:
        """The page size. Raises Refusal invalid_limit when it is not a number from 1 to `most`."""
        raw = self.optional("limit")
        if raw is None:
            return default
        if not raw.isdigit() or not 0 <= int(raw) <= most:
            raise Refusal("invalid_limit")
        return int(raw) or default

    def channel(
        self, name: str = "channel", *, scope: str | None = None, member: bool = True, named: bool = False
    ) -> Channel:
        """The channel argument. Raises Refusal channel_not_found, missing_scope or not_in_channel.

        `scope` is the second part of a scope, for example history: channels:history or, in a private channel,
        groups:history. Only with `named` is a channel's name good enough instead of its id.
        """
        given = self.required(name, "channel_not_found")
        workspace = self.box.workspace
        channel = workspace.find_channel(given) if named else workspace.channels.get(given)
        bot = workspace.names.bot_user
        if channel is None or (channel.is_private and bot not in channel.members):
            raise Refusal("channel_not_found")
        if scope is not None:
            require_scope(self.box.manifest, f"{channel.scope_family}:{scope}")
        if member and bot not in channel.members:
            raise Refusal("not_in_channel")
        return channel

    def post(self, channel: Channel, name: str = "ts", code: str = "message_not_found") -> Post:
        """The message argument. Raises Refusal message_not_found (or `code`)."""
        found = channel.posts.get(self.required(name, code))
        if found is None:
            raise Refusal(code)
        return found

    def item(self, channel: Channel) -> Post:
        """The message of a reaction or a pin. Raises Refusal no_item_specified, bad_timestamp or message_not_found."""
        ts = self.required("timestamp", "no_item_specified")
        if not _STAMP.fullmatch(ts):
            raise Refusal("bad_timestamp")
        return self.post(channel, "timestamp")

    def person(self, name: str = "user", code: str = "user_not_found") -> Person:
        """The person argument. Raises Refusal user_not_found (or `code`)."""
        person = self.box.workspace.people.get(self.required(name, code))
        if person is None:
            raise Refusal(code)
        return person


@dataclass(frozen=True, slots=True, kw_only=True)
class Method:
    """A Web API method and its rules.

    `caller` is the kind of token it takes; `scopes` are alternatives; `tier` 0 stands for a special rate.
    """

    name: str
    run: Callable[[Call], Json]
    scopes: tuple[str, ...] = ()
    caller: Literal["bot", "app", "either", "none"] = "bot"
    tier: int = 3


def moment(ts: str) -> datetime:
    """A message's ts as a time."""
    return datetime.fromtimestamp(float(ts), UTC)


def page_of(items: Sequence[Json], call: Call, *, key: str, default: int, most: int) -> tuple[list[Json], str]:
    """One page of items and the cursor of the next, empty at the end. Raises Refusal invalid_cursor."""
    size = call.limit(default, most)
    start = 0
    cursor = call.optional("cursor")
    if cursor is not None:
        after = _decode(cursor)
        start = next((n + 1 for n, item in enumerate(items) if item[key] == after), 0)
        if start == 0:
            raise Refusal("invalid_cursor")
    page = list(items[start : start + size])
    more = start + size < len(items)
    return page, base64.b64encode(f"after:{page[-1][key]}".encode()).decode() if more and page else ""


def _decode(cursor: str) -> str:
    try:
        text = base64.b64decode(cursor.encode(), validate=True).decode()
    except (binascii.Error, UnicodeError) as error:
        raise Refusal("invalid_cursor") from error
    return text.removeprefix("after:")
