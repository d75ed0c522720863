"""SQL stands in .sql files; a query is a block that begins with `-- name: …`."""

from __future__ import annotations

import functools
import re
from dataclasses import dataclass
from pathlib import Path
from typing import LiteralString, cast

_FOLDER = Path(__file__).parent
_NAME = re.compile(r"^-- name: (\w+)[^\n]*\n", re.MULTILINE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Migration:
    name: str
    statements: LiteralString


@functools.cache
def _queries() -> dict[str, str]:
    parts = [part for file in sorted(_FOLDER.glob("*.sql")) for part in _NAME.split(file.read_text("utf-8"))[1:]]
    return dict(zip(parts[::2], parts[1::2], strict=True))


def query_named(name: str) -> LiteralString:
    """A query's text. Raises KeyError for a name that no file has."""
    # Read from our own files only, never built from input, which is what LiteralString is to promise.
    return cast("LiteralString", _queries()[name].strip())


def migrations(group: str) -> list[Migration]:
    """The numbered files of a group in their order."""
    files = sorted((_FOLDER / "migrations" / group).glob("*.sql"))
    return [
        Migration(name=f"{group}/{file.stem}", statements=cast("LiteralString", file.read_text("utf-8")))
        for file in files
    ]
