"""The audit chain: each entry's hash is made of its own content and of the hash before it."""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass

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
