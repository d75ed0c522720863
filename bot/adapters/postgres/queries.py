"""Loads the named queries of sql/*.sql; SQL text stands nowhere else."""

from functools import cache
from pathlib import Path
from typing import LiteralString, cast

from bot.core.errors import StoreError

_MARK = "-- name: "


def parse_queries(text: str) -> dict[str, LiteralString]:
    """Split a query file at its `-- name:` lines."""
    queries: dict[str, LiteralString] = {}
    for part in text.split(f"\n{_MARK}")[1:]:
        name, _, body = part.partition("\n")
        # Typed as a literal because it comes from a file of ours, never from input.
        queries[name.strip()] = cast("LiteralString", body.strip())
    return queries


@cache
def all_queries() -> dict[str, LiteralString]:
    """Every named query."""
    found: dict[str, LiteralString] = {}
    for path in sorted((Path(__file__).parent / "sql").glob("*.sql")):
        found |= parse_queries(path.read_text(encoding="utf-8"))
    return found


def query(name: str) -> LiteralString:
    """The text of one query. Raises StoreError for a name that is in no file."""
    try:
        return all_queries()[name]
    except KeyError:
        raise StoreError(f"there is no query named {name!r}") from None
