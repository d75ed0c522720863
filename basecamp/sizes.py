"""Amounts of memory in the form of redis.conf."""

from __future__ import annotations

import re

_SIZE = re.compile(r"(?P<number>\d{1,18})(?P<unit>b|k|kb|m|mb|g|gb)?", re.IGNORECASE)
# redis.conf: "1k => 1000 bytes, 1kb => 1024 bytes" and so on.
_UNITS = {"": 1, "b": 1, "k": 10**3, "kb": 2**10, "m": 10**6, "mb": 2**20, "g": 10**9, "gb": 2**30}


def parse_memory(text: str) -> int:
    """Bytes of an amount such as 256mb or 268435456. Raises ValueError."""
    match = _SIZE.fullmatch(text.strip())
    if match is None:
        raise ValueError(f"is {text[:40]!r}, which is not an amount of memory; write it like 256mb or 268435456")
    return int(match["number"]) * _UNITS[(match["unit"] or "").lower()]


def render_bytes(count: int) -> str:
    """For people: binary units with one decimal."""
    amount = float(count)
    for unit in ("B", "KiB", "MiB", "GiB"):
        if amount < 1024 or unit == "GiB":
            return f"{amount:.0f} {unit}" if unit == "B" else f"{amount:.1f} {unit}"
        amount /= 1024
    raise AssertionError(count)
