"""Plain text rules: lengths, control characters."""

import re
import unicodedata

# Control, soft hyphen, zero-width, direction and tag characters: none is seen, and each can carry or hide words.
_CONTROL = re.compile(
    r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u00ad\u061c\u180e\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\U000e0000-\U000e007f]"
)
_ELLIPSIS = "…"


def clean(text: str) -> str:
    """Remove control, zero-width and direction-changing characters, which can hide instructions or break JSON."""
    return _CONTROL.sub("", unicodedata.normalize("NFC", text.replace("\r\n", "\n")))


def clip(text: str, limit: int) -> str:
    """At most `limit` characters; a cut is shown by an ellipsis."""
    return text if len(text) <= limit else text[: max(0, limit - 1)].rstrip() + _ELLIPSIS


def head_and_tail(text: str, limit: int) -> str:
    """At most about `limit` characters, keeping the beginning and the end and saying how much is missing between."""
    if len(text) <= limit:
        return text
    head, tail = limit * 2 // 3, limit // 3
    return f"{text[:head]}\n[… {len(text) - head - tail} characters left out …]\n{text[-tail:]}"


_COMMAND = re.compile(r"<(?=[@#!])")


def disarm(text: str) -> str:
    """Words from elsewhere that are put beside our own mentions: Slack's commands in them become plain characters."""
    return _COMMAND.sub("‹", clean(text))


def one_line(text: str) -> str:
    """White space folded."""
    return " ".join(text.split())


def plural(count: int, noun: str) -> str:
    """`1 alert`, `2 alerts`."""
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def data_size(size: float) -> str:
    """An amount of bytes as people write it: `512 KiB`, `31.9 MiB`."""
    for unit in ("B", "KiB", "MiB", "GiB"):
        if abs(size) < 1024:
            return f"{size:.3g} {unit}"
        size /= 1024
    return f"{size:.3g} TiB"
