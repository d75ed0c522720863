"""Slack's text format: what is a reference, what is plain text, and what must be escaped.

References stand in angle brackets: <@U…>, <#C…>, <!subteam^S…>, <!here>, <!date^…|…> and links, each with an optional
|label. Every other `<`, `>` and `&` is plain text and stored as an entity.
"""

import html
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final, Literal

from slackbox.jsons import Json, as_list, as_object

Kind = Literal["user", "channel", "group", "special", "date", "link"]

_BRACKETS: Final = re.compile(r"<([^<>\n]+)>")
_BARE_AMPERSAND: Final = re.compile(r"&(?!(?:amp|lt|gt);)")
_KINDS: Final[tuple[tuple[Kind, re.Pattern[str]], ...]] = (
    ("user", re.compile(r"@([UW][A-Z0-9]+)(?:\|(.*))?")),
    ("channel", re.compile(r"#([CDG][A-Z0-9]+)(?:\|(.*))?")),
    ("group", re.compile(r"!subteam\^(S[A-Z0-9]+)(?:\|(.*))?")),
    ("special", re.compile(r"!(here|channel|everyone)(?:\|(.*))?")),
    ("date", re.compile(r"!date\^(-?\d+\^[^|^]+(?:\^[a-z]+://[^|]+)?)\|(.+)")),
    ("link", re.compile(r"((?:https?|slack|sip)://[^|]+|(?:mailto|tel):[^|]+)(?:\|(.*))?")),
)
# The fields of blocks and attachments in which Slack looks for references.
_SHOWN: Final = frozenset({"text", "fallback", "pretext", "title", "footer", "author_name", "value", "markdown"})
_RICH: Final = {"user": ("user_id", "@"), "usergroup": ("usergroup_id", "!subteam^"), "broadcast": ("range", "!")}


@dataclass(frozen=True, slots=True, kw_only=True)
class Reference:
    """One reference. `target` is an id, a special name, a date's stamp and format, or an address."""

    kind: Kind
    target: str
    label: str | None

    @property
    def pings(self) -> bool:
        """True when it notifies people."""
        return self.kind in {"user", "group", "special"}

    def __str__(self) -> str:
        marks = {"user": "@", "channel": "#", "group": "!subteam^", "special": "!"}
        return f"<{marks.get(self.kind, '')}{self.target}>"


def references(text: str) -> list[Reference]:
    """The references in a text, in order."""
    found = (parse_reference(match[1]) for match in _BRACKETS.finditer(text))
    return [each for each in found if each is not None]


def parse_reference(inner: str) -> Reference | None:
    """What stands between angle brackets; None when it is no reference."""
    for kind, pattern in _KINDS:
        match = pattern.fullmatch(inner)
        if match:
            return Reference(kind=kind, target=match[1], label=match[2])
    return None


def broken_references(part: Any) -> list[str]:
    """Bracketed parts that begin like a reference and are none, so that people would see the raw characters."""
    found = (match[1] for text in shown_texts(part) for match in _BRACKETS.finditer(text))
    return [f"<{inner}>" for inner in found if inner[0] in "@#!" and parse_reference(inner) is None]


def normalise(text: str) -> str:
    """The text as Slack stores it: references as they are, every other &, < and > as an entity."""
    parts: list[str] = []
    at = 0
    for match in _BRACKETS.finditer(text):
        if parse_reference(match[1]) is not None:
            parts += [_escape(text[at : match.start()]), match[0]]
            at = match.end()
    return "".join([*parts, _escape(text[at:])])


def link_names(text: str, names: dict[str, str]) -> str:
    """Plain @names turned into references, as link_names and parse=full do. `names` maps a name to its reference."""

    def linked(match: re.Match[str]) -> str:
        return names.get(match[1], match[0])

    # What stands in brackets is taken as a whole first, so that no name inside it is found.
    return re.sub(r"<[^<>\n]+>|(?<!\w)@([a-z0-9._-]*[a-z0-9])", linked, text)


def shown_references(body: Json) -> list[Reference]:
    """All references in a message: its text, blocks (rich text elements too) and attachments."""
    parts = (body.get("text"), body.get("blocks"), body.get("attachments"))
    return [found for part in parts for text in shown_texts(part) for found in references(text)]


def pings_when_repeated(body: Json) -> set[str]:
    """References that would notify somebody if the message's text were repeated without escaping."""
    parts = (body.get("text"), body.get("blocks"), body.get("attachments"))
    texts = (html.unescape(text) for part in parts for text in shown_texts(part))
    return {str(found) for text in texts for found in references(text) if found.pings}


def shown_texts(value: Any) -> Iterator[str]:
    """The texts in which Slack looks for references. A plain_text object holds none."""
    listed, body = as_list(value), as_object(value)
    if isinstance(value, str):
        yield value
    elif listed is not None:
        for each in listed:
            yield from shown_texts(each)
    elif body is not None and body.get("type") != "plain_text":
        rich = _RICH.get(str(body.get("type")))
        if rich is not None and isinstance(body.get(rich[0]), str):
            yield f"<{rich[1]}{body[rich[0]]}>"
        for name, each in body.items():
            # A button's value is never shown; an attachment field's value is, and stands next to its title.
            hidden = isinstance(each, str) and (name not in _SHOWN or (name == "value" and "title" not in body))
            if not hidden:
                yield from shown_texts(each)


def _escape(text: str) -> str:
    return _BARE_AMPERSAND.sub("&amp;", text).replace("<", "&lt;").replace(">", "&gt;")
