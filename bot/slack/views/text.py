"""
Words for Slack. Untrusted text is cleaned, clipped and disarmed before it meets Slack's markup.

Slack reads `<…>` as mentions, links and dates, and `*`, `_`, `~`, backtick as formatting; `&`, `<`, `>` must be written as
entities (https://docs.slack.dev/messaging/formatting-message-text).
"""

import re
from datetime import UTC, datetime, timedelta
from typing import Final, NewType

from bot.core.text import clean, clip, one_line

Mrkdwn = NewType("Mrkdwn", str)
"""Text that may be given to Slack as mrkdwn: every untrusted part has been through `safe` or `code`."""

# Look-alikes keep the text readable where a backslash would be shown and a zero-width character would be copied along.
_LOOKALIKES: Final = str.maketrans({"*": "∗", "`": "ˋ", "~": "∼"})
_EDGE_UNDERSCORE: Final = re.compile(r"(?<![^\W_])_|_(?![^\W_])")
_COMMAND: Final = re.compile(r"<(?=[!@#])")
_ENTITIES: Final = {"&": "&amp;", "<": "&lt;", ">": "&gt;"}
_ELLIPSIS: Final = "…"
_EMPTY: Final = "–"


def raw(text: str, limit: int) -> str:
    """Untrusted text for plain_text and rich_text, where Slack parses nothing: cleaned, clipped, never empty."""
    return clip(_COMMAND.sub("‹", clean(text).strip()), limit) or _EMPTY


def raw_line(text: str, limit: int) -> str:
    """The same on one line."""
    return raw(one_line(clean(text)), limit)


def _escape(text: str, limit: int) -> str:
    """Entities for Slack's three characters; the limit counts characters after escaping, and no entity is cut."""
    parts: list[str] = []
    room = limit
    for char in text:
        part = _ENTITIES.get(char, char)
        if len(part) > room:
            while parts and room < len(_ELLIPSIS):
                room += len(parts.pop())
            return "".join(parts).rstrip() + _ELLIPSIS
        parts.append(part)
        room -= len(part)
    return "".join(parts)


def safe(text: str, limit: int) -> Mrkdwn:
    """Untrusted text as one line of mrkdwn that neither formats nor pings; at most `limit` characters, never empty."""
    line = one_line(clean(text)).translate(_LOOKALIKES)
    return Mrkdwn(_escape(_EDGE_UNDERSCORE.sub("ˍ", line), limit) or _EMPTY)


def code(text: str, limit: int) -> Mrkdwn:
    """Untrusted text in a code span."""
    return Mrkdwn(f"`{_escape(one_line(clean(text)).replace('`', 'ˋ'), limit - 2) or _EMPTY}`")


_PERSON: Final = re.compile(r"<@([UW][A-Z0-9]{2,20})>")


def with_people(text: str, limit: int) -> Mrkdwn:
    """Text that our own flows wrote around people's words: only mentions of people stay, all else is disarmed."""
    # An entity is up to five characters long, so a text full of them is clipped again, shorter.
    for room in (limit, limit // 2, limit // 5):
        parts = _PERSON.split(clip(text, room))
        made = "".join(f"<@{part}>" if place % 2 else _kept_edges(part) for place, part in enumerate(parts))
        if len(made) <= limit:
            break
    return Mrkdwn(made or _EMPTY)


def _kept_edges(text: str) -> str:
    """Disarmed, with a space at the ends kept: what stands beside a mention must not stick to it."""
    if not text.strip():
        return " " if text else ""
    left = " " if text[0].isspace() else ""
    right = " " if text[-1].isspace() else ""
    return f"{left}{safe(text, len(text) * 6)}{right}"


def web_link(url: str) -> str:
    """The address if a browser may open it and Slack takes it, else an empty string."""
    bare = clean(url).strip()
    usable = bare.startswith(("https://", "http://")) and len(bare) <= 2_000 and not re.search(r"[\s<>|\"]", bare)
    return bare if usable else ""


def link(url: str, label: str, limit: int = 80) -> Mrkdwn:
    """A link, or only its label when the address is not one a browser may open."""
    address, words = web_link(url), safe(label.replace("|", "¦"), limit)
    return Mrkdwn(f"<{address.replace('&', '&amp;')}|{words}>") if address else words


def person(user_id: str) -> Mrkdwn:
    """A mention of somebody who asked for this; anything that is not a user id stays plain."""
    return Mrkdwn(f"<@{user_id}>") if re.fullmatch(r"[UW][A-Z0-9]{2,20}", user_id) else safe(user_id, 60)


def utc(moment: datetime) -> str:
    """A moment for people who read it outside Slack."""
    return moment.astimezone(UTC).strftime("%Y-%m-%d %H:%M UTC")


def clock(moment: datetime) -> str:
    """The time of day in UTC, with seconds: what one compares with logs."""
    return moment.astimezone(UTC).strftime("%H:%M:%SZ")


def local_time(moment: datetime) -> Mrkdwn:
    """A moment in the reader's own time zone; Slack shows the fallback where it cannot."""
    return Mrkdwn(f"<!date^{int(moment.timestamp())}^{{date_short_pretty}} at {{time}}|{utc(moment)}>")


def lasted(span: timedelta) -> str:
    """`45 s`, `12 min`, `3 h 5 min`, `2 d 4 h`; a negative span counts as none."""
    seconds = max(0, int(span.total_seconds()))
    if seconds < 60:
        return f"{seconds} s"
    minutes = seconds // 60
    if minutes < 60:
        return f"{minutes} min"
    hours, minutes = divmod(minutes, 60)
    if hours < 24:
        return f"{hours} h {minutes} min" if minutes else f"{hours} h"
    days, hours = divmod(hours, 24)
    return f"{days} d {hours} h" if hours else f"{days} d"


def percent(share: float) -> str:
    """`72 %`; whole numbers, because more digits would claim more than is known."""
    return f"{round(min(1.0, max(0.0, share)) * 100)} %"
