"""
Log lines as entries: a stack trace that arrives line by line is joined to the entry it belongs to, whole.

Servers cut logs at line ends, so a trace of ten lines is ten records of the same moment, and those of other services come in
between. Lines are joined only within one service and when they are close in time. What a line is depends on what stands before it
(`KeyError: 'id'` ends a Python trace) or after it (a Java exception is followed by `at …`), so both are looked at.
"""

import enum
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

# Longer than a process needs to print a trace, shorter than people need for the next request.
_CLOSE = timedelta(seconds=3)
_INDENTED = re.compile(r"\s+\S")
_FRAME = re.compile(r"\s+at\s")
_CHAINED = re.compile(
    r"Caused by:|\.\.\. \d+ (?:more|common frames)|--- End of |During handling of |The above exception was "
)
_BETWEEN = re.compile(r"During handling of |The above exception was ")
_PYTHON = re.compile(r"(?:[\w ]* )?Traceback \(most recent")
# What ends a Python trace: a class name as people write it, or a dotted name with a message, as in `socket.gaierror: …`.
_PYTHON_END = re.compile(r"(?:[A-Za-z_]\w*\.)*[A-Z_]\w*(?::\s.*|:)?$|(?:[A-Za-z_]\w*\.)+\w+: .*", re.DOTALL)
# Java's, .NET's and Node's exception, when frames follow it.
_NAMED = re.compile(
    r"(?:Exception in thread \S+ |Unhandled exception[.:]? |Uncaught )?(?:[\w$]+[./])*[A-Z][\w$]*(?: \[\w+\])?(?::\s.*|:)?$",
    re.DOTALL,
)
_UNCAUGHT = re.compile(r"Exception in thread |Unhandled exception")
_GO = re.compile(r"(?:panic|fatal error): ")
_GO_STACK = re.compile(r"goroutine \d+ \[")
# A call such as `main.(*Server).handle(0xc0000b2000, 0x1)`, and what the runtime prints around the calls.
_GO_LINE = re.compile(r"\[signal |created by |exit status \d|runtime: |[\w./$\[\]-]+(?:\(\*?[\w.\[\]]+\)\S*)?\(.*\)$")
_TRAILER = re.compile(r"Node\.js v\d|[}\]]+$")
_QUIET_LEVELS = frozenset({"info", "information", "debug", "trace", "notice"})
_QUIET_WORD = re.compile(r"\b(?:INFO|DEBUG|TRACE|NOTICE)\b|\blevel=(?:info|debug)\b")


@dataclass(frozen=True, slots=True, kw_only=True)
class LogRecord:
    """One log entry; text may span several lines."""

    at: datetime
    level: str
    service: str
    text: str


class _Trace(enum.Enum):
    """How far an entry has come."""

    NONE = 0
    PYTHON = 1
    """In the frames of a Python trace: its exception is still to come."""
    CHAINED = 2
    """Another Python trace is announced."""
    GO = 3
    ENDED = 4
    """It has a trace, or frames that may go on."""


@dataclass(slots=True)
class _Entry:
    place: int
    head: LogRecord
    parts: list[str]
    last: datetime
    trace: _Trace

    def joins(self, record: LogRecord, following: str) -> bool:
        """Whether a line belongs to this entry; if so, the entry has moved on."""
        if abs(record.at - self.last) > _CLOSE:
            return False
        then = self._then(record.text, following)
        if then is None:
            return False
        self.trace, self.last = then, record.at
        if record.text.strip():
            self.parts.append(record.text)
        return True

    def _then(self, text: str, following: str) -> _Trace | None:
        """Where the entry stands with this line; None when the line is not of it."""
        if _INDENTED.match(text):
            return _Trace.ENDED if self.trace is _Trace.NONE and _FRAME.match(text) else self.trace
        if _CHAINED.match(text):
            return _Trace.CHAINED if _BETWEEN.match(text) else _Trace.ENDED
        if not text.strip():
            return None if self.trace is _Trace.NONE and len(self.parts) == 1 else self.trace
        if self.trace is _Trace.NONE:
            return None if _is_quiet(self.head) else self._first(text, following)
        return self._further(text)

    def _first(self, text: str, following: str) -> _Trace | None:
        """An entry's trace may begin; a panic and what nobody caught are entries of their own."""
        if _UNCAUGHT.match(text) or _GO.match(text):
            return None
        return _begins(text, following)

    def _further(self, text: str) -> _Trace | None:
        match self.trace:
            case _Trace.PYTHON:
                return _Trace.ENDED if _PYTHON_END.match(text) else None
            case _Trace.CHAINED:
                return _Trace.PYTHON if _PYTHON.match(text) else None
            case _Trace.GO:
                return _Trace.GO if self._of_go(text) else None
            case _Trace.ENDED:
                return _Trace.ENDED if _TRAILER.match(text) else None
            case _Trace.NONE:
                return None

    def _of_go(self, text: str) -> bool:
        """A panic may raise another one before the stacks are printed; after them it is the next process's."""
        if _GO.match(text):
            return bool(_GO.match(self.parts[-1].lstrip()))
        return bool(_GO_LINE.match(text) or _GO_STACK.match(text))


def _is_quiet(head: LogRecord) -> bool:
    """Whether an entry says by its level that nothing is wrong: a trace after it is another story."""
    return head.level.lower() in _QUIET_LEVELS or bool(_QUIET_WORD.search(head.text, 0, 120))


def _begins(text: str, following: str) -> _Trace | None:
    """Which trace a line begins, judged by itself and the line after it."""
    if _PYTHON.match(text):
        return _Trace.PYTHON
    if _GO.match(text) or _GO_STACK.match(text):
        return _Trace.GO
    return _Trace.ENDED if _FRAME.match(following) and _NAMED.match(text) else None


def join_lines(records: Sequence[LogRecord]) -> list[LogRecord]:
    """Join stack traces and other continued lines to the entry they belong to; records are in the order of time."""
    joined: list[LogRecord] = []
    entries: dict[str, _Entry] = {}
    for record, following in zip(records, _following(records), strict=True):
        entry = entries.get(record.service)
        if entry is not None and entry.joins(record, following):
            continue
        if entry is not None:
            _close(joined, entry)
        # What has lines of its own was joined by its server already.
        trace = _Trace.ENDED if "\n" in record.text else _begins(record.text, following) or _Trace.NONE
        entries[record.service] = _Entry(len(joined), record, [record.text], record.at, trace)
        joined.append(record)
    for entry in entries.values():
        _close(joined, entry)
    return joined


def _following(records: Sequence[LogRecord]) -> Iterable[str]:
    """For each record the next one's text of the same service; empty at the end or when it comes much later."""
    next_ones: dict[str, LogRecord] = {}
    found: list[str] = []
    for record in reversed(records):
        after = next_ones.get(record.service)
        found.append(after.text if after is not None and abs(after.at - record.at) <= _CLOSE else "")
        next_ones[record.service] = record
    return reversed(found)


def _close(joined: list[LogRecord], entry: _Entry) -> None:
    if len(entry.parts) > 1:
        joined[entry.place] = replace(entry.head, text="\n".join(entry.parts))


_TELLS = re.compile(
    r"(?:[A-Za-z_]\w*\.)*[A-Z]\w*(?:Error|Exception|Timeout|Refused|Fault)\b|Caused by:|panic: |fatal error: "
)
_LONGEST_LINE = 280


def shorten(text: str, limit: int) -> str:
    """
    An entry of at most about `limit` characters: its first line, the lines that name exceptions, its end, then frames.

    What is left out is counted in its place.
    """
    if len(text) <= limit:
        return text
    lines = [one if len(one) <= _LONGEST_LINE else f"{one[:_LONGEST_LINE]}…" for one in text.split("\n")]
    if len(lines) == 1:
        return f"{text[: limit * 2 // 3]} […] {text[-(limit // 4) :]}"
    telling = [place for place, one in enumerate(lines) if _TELLS.match(one)]
    wanted = [0, len(lines) - 1, *reversed(telling), *range(len(lines) - 2, 0, -1)]
    kept: set[int] = set()
    room = limit
    for place in dict.fromkeys(wanted):
        room -= len(lines[place]) + 1
        if room < 0:
            break
        kept.add(place)
    return "\n".join(_with_gaps(lines, sorted(kept)))


def _with_gaps(lines: Sequence[str], kept: Sequence[int]) -> Iterable[str]:
    before = -1
    for place in kept:
        if place > before + 1:
            yield f"[… {place - before - 1} lines left out …]"
        yield lines[place]
        before = place
