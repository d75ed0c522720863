"""A rendered message, and making it fit."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from bot.core.text import plural
from bot.slack.views.blocks import Block, RichSection, glue, line
from bot.slack.views.text import safe

TEXT_LIMIT: Final = 3_000
# Slack refuses messages from about 13,200 characters summed over the blocks (bolt-js issue 2509); this keeps a margin.
BLOCKS_LIMIT: Final = 12_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """What Slack is given. `text` is what notifications and screen readers say; it makes the point alone."""

    text: str
    blocks: tuple[Block, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Room:
    """How much a view may show; views are built with less and less room until they fit."""

    items: int
    chars: int


_ROOMS: Final = (
    Room(items=40, chars=600),
    Room(items=25, chars=300),
    Room(items=15, chars=200),
    Room(items=8, chars=160),
    Room(items=4, chars=120),
    Room(items=2, chars=80),
)


def size(value: object) -> int:
    """Characters of all texts in blocks; type words are counted too, which only errs to the safe side."""
    if isinstance(value, str):
        return len(value)
    if isinstance(value, Mapping):
        return sum(size(part) for part in value.values())  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType] - any JSON
    if isinstance(value, Sequence):
        return sum(size(part) for part in value)  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType] - any JSON
    return 0


def fitted(text: str, build: Callable[[Room], Sequence[Block]]) -> Message:
    """The fullest version of a message that Slack will take."""
    blocks: Sequence[Block] = ()
    for room in _ROOMS:
        blocks = build(room)
        if size(blocks) <= BLOCKS_LIMIT:
            break
    return Message(text=safe(text, TEXT_LIMIT), blocks=tuple(blocks))


def and_more(hidden: int, noun: str) -> list[RichSection]:
    """An honest last line when not everything is shown."""
    return [line(glue(f"…and {plural(hidden, f'more {noun}')}"))] if hidden > 0 else []
