"""From lines of text to log records: timestamps, levels and multi-line records. Pure.

Read are plain lines that start with an RFC 3339 time or PostgreSQL's `YYYY-MM-DD hh:mm:ss.mmm UTC`
(log_line_prefix %m), key=value lines, and JSON lines. A time without zone is taken as UTC.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, cast

MAX_TEXT = 8000
_STAMP = re.compile(
    r"\[?(?P<date>\d{4}-\d{2}-\d{2})[T ](?P<clock>\d{2}:\d{2}:\d{2})(?:[.,](?P<fraction>\d{1,9}))?"
    r"\s?(?P<zone>Z|UTC|GMT|[+-]\d{2}:?\d{2})?(?![\w:])\]?[ \t]*"
)
_KEYED_STAMP = re.compile(r'^\s*(?:time|ts|timestamp)="?(?P<stamp>\d{4}-[^"\s]+)"?')
_KEYED_LEVEL = re.compile(r'(?:^|\s)(?:level|lvl|severity|loglevel)="?(?P<level>[A-Za-z]+)')
_WORD_LEVEL = re.compile(
    r"\b(?P<level>TRACE|DEBUG\d?|INFO|NOTICE|WARNING|WARN|ERROR|CRITICAL|FATAL|PANIC|LOG|DETAIL|HINT|STATEMENT)\b"
)
_LEVELS = {
    "trace": "debug", "debug": "debug", "info": "info", "information": "info", "notice": "info", "log": "info",
    "detail": "info", "hint": "info", "statement": "info", "warn": "warning", "warning": "warning",
    "err": "error", "error": "error", "critical": "fatal", "crit": "fatal", "fatal": "fatal", "panic": "fatal",
}  # fmt: skip
_JSON_TIMES = ("time", "ts", "timestamp", "@timestamp")
_JSON_LEVELS = ("level", "severity", "lvl", "loglevel")


@dataclass(frozen=True, slots=True, kw_only=True)
class LogRecord:
    """One record; text may span lines and does not repeat the leading time."""

    at: datetime
    level: str
    text: str


def parse_line(line: str) -> LogRecord | None:
    """The record that a line starts, or None when the line continues the one before."""
    if line.startswith("{"):
        return _json_record(line)
    match = _STAMP.match(line)
    if match:
        at = _stamp(match)
        return None if at is None else LogRecord(at=at, level=find_level(line[match.end() :]), text=line[match.end() :])
    keyed = _KEYED_STAMP.match(line)
    inner = _STAMP.match(keyed["stamp"]) if keyed else None
    at = _stamp(inner) if inner else None
    return None if at is None else LogRecord(at=at, level=find_level(line), text=line)


def join_records(lines: Iterable[str]) -> Iterator[LogRecord]:
    """Records in file order; lines before the first timestamp are skipped, overlong records keep head and tail."""
    first: LogRecord | None = None
    rest: list[str] = []
    for line in lines:
        record = parse_line(line)
        if record is None:
            if first is not None:
                rest.append(line)
            continue
        if first is not None:
            yield _joined(first, rest)
        first, rest = record, []
    if first is not None:
        yield _joined(first, rest)


def find_level(text: str) -> str:
    """debug, info, warning, error, fatal or unknown; an explicit level=… wins over a word near the beginning."""
    keyed = _KEYED_LEVEL.search(text[:300])
    if keyed and keyed["level"].lower() in _LEVELS:
        return _LEVELS[keyed["level"].lower()]
    word = _WORD_LEVEL.search(text[:160])
    return _LEVELS[word["level"].lower().rstrip("12345")] if word else "unknown"


def clip(text: str, limit: int = MAX_TEXT) -> str:
    """Head and tail of an overlong text."""
    if len(text) <= limit:
        return text
    half = limit // 2
    return f"{text[:half]}\n… {len(text) - 2 * half} characters left out …\n{text[-half:]}"


def _joined(first: LogRecord, rest: list[str]) -> LogRecord:
    return LogRecord(at=first.at, level=first.level, text=clip("\n".join([first.text, *rest]).rstrip()))


def _stamp(match: re.Match[str]) -> datetime | None:
    zone = match["zone"]
    offset = "+00:00" if zone in {None, "Z", "UTC", "GMT"} else zone
    fraction = (match["fraction"] or "0")[:6].ljust(6, "0")
    try:
        return datetime.fromisoformat(f"{match['date']}T{match['clock']}.{fraction}{offset}").astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def _json_record(line: str) -> LogRecord | None:
    try:
        parsed: Any = json.loads(line)
    except (ValueError, RecursionError):
        return None
    if not isinstance(parsed, dict):
        return None
    fields = cast("dict[str, Any]", parsed)
    at = next((time for key in _JSON_TIMES if (time := _json_time(fields.get(key))) is not None), None)
    if at is None:
        return None
    named = next((str(fields[key]).lower() for key in _JSON_LEVELS if key in fields), "")
    return LogRecord(at=at, level=_LEVELS.get(named, "unknown"), text=line)


def _json_time(value: Any) -> datetime | None:
    if isinstance(value, str):
        match = _STAMP.match(value)
        return _stamp(match) if match else None
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    # Loggers write epoch time in s, ms, µs or ns; only one of them falls into this century.
    for scale in (1, 1e3, 1e6, 1e9):
        if 946684800 <= value / scale < 4102444800:
            return datetime.fromtimestamp(value / scale, tz=UTC)
    return None
