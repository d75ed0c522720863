"""The audit chain: each entry's hash is made of its own content and of the hash before it."""

import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass

from bot.core.errors import PayloadError

GENESIS = "0" * 64
"""What the first entry is chained to."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Seal:
    """One link; `payload` is the entry's canonical text, None when the entry is gone."""

    place: int
    entry: int
    prev_hash: str
    hash: str
    payload: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Head:
    """Where the chain ends so far."""

    place: int
    hash: str

    def __str__(self) -> str:
        """As it is posted, and as `aiops audit verify --head` takes it."""
        return f"{self.place}:{self.hash}"


_HEAD = re.compile(r"([1-9][0-9]{0,17}):([0-9a-f]{64})")


def parse_head(text: str) -> Head:
    """`PLACE:HASH`, as it was posted. Raises PayloadError."""
    found = _HEAD.fullmatch(text.strip().lower())
    if found is None:
        raise PayloadError(f"{text!r} is not PLACE:HASH, a number and 64 hexadecimal digits, as the bot posts it")
    return Head(place=int(found[1]), hash=found[2])


def differs(posted: Head, there: Head | None, end: Head) -> str:
    """What a log that ends in `end` has at the place of a posted head, if that is not the head; empty when it is."""
    if there is None:
        return f"the log ends at link {end.place}, before link {posted.place} that was posted: its tail was cut off"
    if there.hash != posted.hash:
        return f"link {posted.place} has the hash {there.hash}, and {posted.hash} was posted: the log was rewritten"
    return ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Broken:
    """The first link that is not what it should be."""

    place: int
    entry: int
    why: str
    good: Head
    """Where the chain was still whole."""


def walk(seals: Iterable[Seal], head: Head) -> Head | Broken:
    """Follow the chain on from `head`; the new head, or the first bad link."""
    for seal in seals:
        why = _fault(seal, head)
        if why:
            return Broken(place=seal.place, entry=seal.entry, why=why, good=head)
        head = Head(place=seal.place, hash=seal.hash)
    return head


def _fault(seal: Seal, head: Head) -> str:
    if seal.place != head.place + 1:
        return f"the link after {head.place} is missing"
    if seal.prev_hash != head.hash:
        return "it is not chained to the entry before it"
    if seal.payload is None:
        return "the entry itself is gone"
    if hashlib.sha256((head.hash + seal.payload).encode()).hexdigest() != seal.hash:
        return "its content is not what was sealed"
    return ""
