"""Reading untrusted JSON from Slack without ever failing on its shape."""

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import cast

from slack_sdk.web.async_slack_response import AsyncSlackResponse

Json = Mapping[str, object]

_TS = re.compile(r"\d{9,11}\.\d{6}")


def record(value: object) -> Json:
    """The value if it is a JSON object, else an empty one."""
    return cast("Json", value) if isinstance(value, dict) else {}


def records(value: object) -> list[Json]:
    """The JSON objects in a list; anything else is passed over."""
    if not isinstance(value, Sequence) or isinstance(value, str | bytes):
        return []
    return [cast("Json", item) for item in cast("Sequence[object]", value) if isinstance(item, dict)]


def texts_of(value: object) -> list[str]:
    """The texts in a list; anything else is passed over."""
    return [item for item in cast("list[object]", value) if isinstance(item, str)] if isinstance(value, list) else []


def text_of(body: Json, key: str) -> str:
    """A string field; an empty string when it is missing or something else."""
    value = body.get(key)
    return value if isinstance(value, str) else ""


def body_of(answer: AsyncSlackResponse) -> Json:
    """The JSON of a Web API answer."""
    return record(cast("object", answer.data))


def is_ts(text: str) -> bool:
    """Whether a text is a message ts: seconds, a point, six digits."""
    return _TS.fullmatch(text) is not None


def moment(ts: str) -> datetime | None:
    """When a message was posted; a ts is the sender's epoch seconds with six decimals, unique within its channel."""
    return datetime.fromtimestamp(float(ts), UTC) if is_ts(ts) else None


def unescaped(text: str) -> str:
    """Slack's three entities undone (https://docs.slack.dev/messaging/formatting-message-text)."""
    return text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")


_LINK = re.compile(r"<((?:https?|mailto)[^|>\s]*)(?:\|([^>]*))?>")


def readable(text: str) -> str:
    """Markup as a person reads it: links become their label, entities their character."""
    return unescaped(_LINK.sub(lambda match: match[2] or match[1], text))


def with_addresses(text: str) -> str:
    """Markup with links as their bare address, for reading commands."""
    return unescaped(_LINK.sub(lambda match: match[1], text))


def first_link(text: str) -> str:
    """The address of the first link in mrkdwn; an empty string when there is none."""
    found = _LINK.search(text)
    return unescaped(found[1]) if found is not None and found[1].startswith("http") else ""


def words_of(message: Json) -> str:
    """Everything a message says, as plain lines: text, attachments, the texts of its blocks."""
    parts = [text_of(message, "text")]
    for attachment in records(message.get("attachments")):
        own = [text_of(attachment, key) for key in ("pretext", "title", "text")]
        parts += own if any(own) else [text_of(attachment, "fallback")]
        for field in records(attachment.get("fields")):
            parts.append(": ".join(filter(None, (text_of(field, "title"), text_of(field, "value")))))
    if not any(parts):
        for block in records(message.get("blocks")):
            parts.append(text_of(record(block.get("text")), "text"))
            parts += [text_of(field, "text") for field in records(block.get("fields"))]
    return readable("\n".join(part.strip() for part in parts if part.strip()))
