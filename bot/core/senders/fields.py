"""
What stands in a payload, by the names of its keys.

One walk, outer objects first; every question after it is a look-up. The spelling of keys does not matter (`hostName`, `HOST_NAME`,
`host.name`), nor whether a thing is flat or nested (`{"host": {"name": ...}}`), written as a list of keys and values, as JSON inside
a text, or as lines of `Key: value`. Untrusted: depth, objects and keys that are looked at are limited.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import lru_cache
from itertools import islice
from typing import NamedTuple, cast

from bot.core.senders.reading import Json, opened, pair, record, text
from bot.core.words import folded

_DEEPEST = 6
_MOST_OBJECTS = 400
_MOST_KEYS = 6_000
_LONGEST_KEY = 100
_LONGEST_LINES = 8_000
_PARTS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")
_LINE = re.compile(r"\s*[*_]{0,2}([A-Za-z][A-Za-z_ -]{1,30}?)[*_]{0,2}\s?:[*_]{0,2}\s+(\S.*)")
_BLANK = frozenset(["", "null", "none", "n/a", "undefined", "-", "nan", "inf"])


Words = tuple[str, ...]


class Found(NamedTuple):
    """A value with the words of its key and of the key around it: `ImpactedEntities` is impacted, entity."""

    words: tuple[str, ...]
    around: tuple[str, ...]
    value: object


class Fields:
    """The values of a payload by key."""

    def __init__(self, root: Json, *, nested: bool = True) -> None:
        self._by_key: dict[str, list[Found]] = {}
        self._all: list[Found] = []
        for parent, key, value in _walk(root, _DEEPEST if nested else 1):
            found = Found(parts_of(key), parts_of(parent), value)
            own = folded(key)
            for name in {own, _singular(own), *([folded(parent) + own] if parent else [])}:
                self._by_key.setdefault(name, []).append(found)
            self._all.append(found)

    def has(self, *names: str) -> bool:
        """Whether one of these keys is there, whatever its value."""
        return any(_asked(name) in self._by_key for name in names)

    def values(self, name: str) -> Sequence[object]:
        """Everything under this key, outer ones first."""
        return [found.value for found in self._by_key.get(_asked(name), ())]

    def texts(self, *names: str, within: Callable[[Words], bool] | None = None) -> Iterator[str]:
        """The texts of these keys, in the order of the names; `within` may turn away the key around."""
        return (
            text
            for name in names
            for found in self._by_key.get(_asked(name), ())
            if (within is None or within(found.around)) and (text := spoken(found.value))
        )

    def said(self, *names: str) -> str:
        """The first of these keys that has a text, tried in their order."""
        for name in names:
            for found in self._by_key.get(_asked(name), ()):
                if text := spoken(found.value):
                    return text
        return ""

    def object(self, *names: str) -> Json:
        """The first object under one of these keys."""
        held = (record(value) for name in names for value in self.values(name))
        return next((one for one in held if one), record(None))

    def each(self, *names: str) -> list[str]:
        """The first text of each of these keys that has one."""
        return [text for name in names if (text := self.said(name))]

    def like(self, wanted: Callable[[Words], bool]) -> Iterator[str]:
        """The texts of the keys whose words are wanted, outer ones first."""
        return (found for one in self._all if wanted(one.words) and (found := spoken(one.value)))

    def raw(self) -> Iterator[Found]:
        """Everything, outer ones first."""
        return iter(self._all)


def said(root: Json, *names: str, nested: bool = True) -> str:
    """The first of these keys that has a text, for the few questions that are asked of a part of a payload."""
    return Fields(root, nested=nested).said(*names)


def objects(root: Json) -> Iterator[Json]:
    """The payload's objects, outer ones first; texts that hold JSON are opened."""
    yield root
    for _, _, value in _walk(root, _DEEPEST):
        held = cast("list[object]", value) if isinstance(value, list) else [value]
        yield from (cast("Json", one) for one in islice(held, _MOST_OBJECTS) if isinstance(one, dict))


def parts_of(key: str) -> tuple[str, ...]:
    """The words of a key, in lower case and singular."""
    return tuple(_singular(part.lower()) for part in _PARTS.findall(key))


def spoken(value: object) -> str:
    """Its text; of a list that of its first. Words that stand for nothing say nothing."""
    if isinstance(value, list):
        return next((found for one in islice(cast("list[object]", value), 20) if (found := spoken_once(one))), "")
    return spoken_once(value)


def spoken_once(value: object) -> str:
    """Its text, where it has one."""
    said = text(value)
    return "" if said.lower() in _BLANK else said


@lru_cache(maxsize=2_048)
def _asked(name: str) -> str:
    """A key that a reader asks for: the same few hundred again and again."""
    return folded(name)


def _singular(word: str) -> str:
    if len(word) > 4 and word.endswith("ies"):
        return word[:-3] + "y"
    return word[:-1] if len(word) > 3 and word.endswith("s") and not word.endswith(("ss", "us", "is", "as")) else word


def _walk(root: Json, deepest: int) -> Iterator[tuple[str, str, object]]:
    level: list[tuple[str, Mapping[str, object]]] = [("", root)]
    objects = keys = 0
    for depth in range(deepest):
        following: list[tuple[str, Mapping[str, object]]] = []
        for parent, one in level:
            objects += 1
            for name, held in one.items():
                keys += 1
                if keys > _MOST_KEYS or objects > _MOST_OBJECTS:
                    return
                key, value = str(name)[:_LONGEST_KEY], opened(held)
                yield parent, key, value
                if depth + 1 < deepest and len(following) < _MOST_OBJECTS:
                    following += islice(_children(key, value), _MOST_OBJECTS)
        level = following


def _children(key: str, value: object) -> Iterator[tuple[str, Json]]:
    if isinstance(value, dict):
        yield key, cast("Json", value)
    elif isinstance(value, str):
        lines = _lines(value)
        if lines:
            yield "", lines
    elif isinstance(value, list):
        items = [record(opened(one)) for one in islice(_flat(cast("list[object]", value)), _MOST_OBJECTS)]
        pairs = dict(found for one in reversed(items) if (found := pair(one)) is not None)
        if pairs:
            yield "", pairs
        yield from ((_singular(key), one) for one in items if one and pair(one) is None)


def _flat(items: Sequence[object]) -> Iterator[object]:
    for one in items:
        if isinstance(one, list):
            yield from cast("list[object]", one)
        else:
            yield one


def _lines(value: str) -> Json:
    """A text most of whose lines are `Key: value`, as the default messages of monitors are."""
    if "\n" not in value[:_LONGEST_LINES]:
        return {}
    lines = [line for line in value[:_LONGEST_LINES].splitlines() if line.strip()]
    found = {match[1].strip(): match[2] for line in reversed(lines) if (match := _LINE.match(line)) is not None}
    return found if len(found) >= 2 and 2 * len(found) >= len(lines) else {}
