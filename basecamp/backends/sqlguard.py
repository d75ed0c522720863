"""Which SQL may reach Trino: one statement that only reads. Pure and conservative; in doubt it refuses."""

from __future__ import annotations

import re
from collections.abc import Iterator

from basecamp.errors import BadRequest

_BEGINNINGS = frozenset({"SELECT", "WITH", "VALUES", "TABLE", "SHOW", "DESCRIBE", "DESC", "EXPLAIN"})
_WRITING = frozenset(
    {
        "INSERT", "UPDATE", "DELETE", "MERGE", "CREATE", "DROP", "ALTER", "TRUNCATE", "GRANT", "REVOKE", "DENY", "CALL",
        "EXECUTE", "PREPARE", "DEALLOCATE", "REFRESH", "ANALYZE", "COMMIT", "ROLLBACK", "USE", "RESET", "COMMENT", "SET",
    }
)  # fmt: skip
_TOKEN = re.compile(
    r"""
    (?P<blank>\s+|--[^\n]*|/\*.*?\*/)
    | (?P<string>(?:[uUxX]&?)?'(?:[^']|'')*')
    | (?P<quoted>"(?:[^"]|"")*"|`[^`]*`)
    | (?P<word>[A-Za-z_][A-Za-z0-9_@:]*)
    | (?P<other>\d[\w.]*|.)
    """,
    re.VERBOSE | re.DOTALL,
)


def check_read_only(sql: str) -> str:
    """The one statement without its trailing semicolon. Raises BadRequest that says what is not allowed."""
    tokens = list(_tokens(sql))
    while tokens and tokens[-1][1] == ";":
        tokens.pop()
    if not tokens:
        raise BadRequest("sql is empty; write one SELECT statement")
    if any(kind == "other" and text in {"'", '"', "`"} for kind, text, _ in tokens):
        raise BadRequest("sql has a quote that is not closed")
    if any(kind == "other" and text == ";" for kind, text, _ in tokens):
        raise BadRequest("sql holds more than one statement; send one at a time")
    words = [text.upper() if kind == "word" else text for kind, text, _ in tokens]
    _check_beginning(words)
    _check_words(words)
    return sql[: tokens[-1][2]].strip()


def _tokens(sql: str) -> Iterator[tuple[str, str, int]]:
    for match in _TOKEN.finditer(sql):
        if match.lastgroup != "blank":
            yield match.lastgroup or "other", match.group(), match.end()


def _check_beginning(words: list[str]) -> None:
    first = next((word for word in words if word != "("), "")
    if first not in _BEGINNINGS:
        allowed = ", ".join(sorted(_BEGINNINGS))
        raise BadRequest(f"sql begins with {first!r}; only statements that read are allowed: {allowed}")


def _check_words(words: list[str]) -> None:
    for index, word in enumerate(words):
        explained = word == "ANALYZE" and index > 0 and words[index - 1] == "EXPLAIN"
        # SHOW CREATE TABLE only prints.
        shown = word == "CREATE" and index == 1 and words[0] == "SHOW"
        if word in _WRITING and not explained and not shown:
            raise BadRequest(
                f'sql contains {word}; only reading statements are allowed (put a column of that name into "quotes")'
            )
        # Table functions such as system.query() pass text on to another database unread.
        if word == "TABLE" and words[index + 1 : index + 2] == ["("]:
            raise BadRequest("sql contains TABLE(…); table functions are not allowed because they can write")
