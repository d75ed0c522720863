"""
Logs as templates: what is new or surging at onset, counted, with one example each.

Variable parts (times, ids, addresses, quoted values, numbers) are masked. What is left is joined in the manner of Drain (P. He et al., ICWS
2017): lines of the same length and first word are one template when they differ only where a value stands. Unlike Drain, a
word is a value only if it holds a digit or follows the same key, since one other word may be another failure; exception names and
versions are never values. One pass, linear in the text but for the few templates that a line is compared with.
"""

import enum
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from bot.core.loglines import LogRecord, join_lines
from bot.core.text import clip, one_line

_MASKS: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile(r"\b[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}\b"), "<uuid>"),
    (re.compile(r"\b\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:[.,]\d+)?(?:Z| ?UTC|[+-]\d\d:?\d\d)?"), "<time>"),
    (re.compile(r"\b\d{1,3}(?:\.\d{1,3}){3}(?::\d+)?\b"), "<ip>"),
    (re.compile(r"\b0x[0-9a-fA-F]+\b|\b(?=[0-9a-f]*\d)(?=[0-9a-f]*[a-f])[0-9a-f]{8,}\b"), "<hex>"),
    (re.compile(r"'[^'\n]{1,80}'|\"[^\"\n]{1,80}\""), "<text>"),
    # Not inside a version (2.31.0) or a word (sha256 stays, sku-017 does not).
    (
        re.compile(
            r"(?<![\w.])-?\d+(?:\.\d+)?(?=(?:[munµ]?s|m|h|[KMGkmg]i?[Bb]?|B)?(?!\w|\.\d))|(?<=[-_#=/])\d+(?![\w.])"
        ),
        "<n>",
    ),
)
_EXCEPTION = re.compile(r"\b(?:[A-Za-z_]\w*\.)*[A-Z]\w*(?:Error|Exception|Timeout|Refused|Exhausted|Fault)\b")
_EXCEPTION_LINE = re.compile(
    r"^(?:[A-Za-z_]\w*\.)*[A-Z]\w*(?:Error|Exception|Timeout|Refused|TooMany\w+)\b.*", re.MULTILINE
)
_LEVELS = {
    "panic": 1.0, "fatal": 1.0, "critical": 1.0, "error": 0.9, "err": 0.9, "warning": 0.6, "warn": 0.6,
    "notice": 0.5,
}  # fmt: skip
_DIGIT = re.compile(r"\d")
_KEYED = re.compile(r"^([\w.-]+[=:])")
_VERSION = re.compile(r"\d+\.\d+\.\d+")
_VALUE = "<*>"
# At least this share of the words has to be the same.
_ALIKE = 0.5
# The newest templates of a length and first word; logs in which nothing repeats must not cost squares of their length.
_MOST_COMPARED = 64
_SURGE = 3.0
_UNKNOWN_PAST = 0.6


class Trend(enum.StrEnum):
    """How a template's rate changed at the boundary."""

    NEW = "new"
    SURGING = "surging"
    STEADY = "steady"
    GONE = "gone"


@dataclass(frozen=True, slots=True, kw_only=True)
class LogTemplate:
    """Entries that say the same but for their variable parts."""

    service: str
    level: str
    template: str
    example: str
    before: int
    after: int
    trend: Trend
    first_at: datetime
    last_at: datetime
    exceptions: tuple[str, ...]
    weight: float
    """0 to 1, for ranking."""


@dataclass(slots=True)
class _Count:
    record: LogRecord
    words: list[str]
    exceptions: tuple[str, ...]
    before: int = 0
    after: int = 0
    first_at: datetime = field(init=False)
    last_at: datetime = field(init=False)

    def __post_init__(self) -> None:
        self.first_at = self.last_at = self.record.at


def mask(text: str) -> str:
    """Replace the variable parts of one line."""
    for pattern, name in _MASKS:
        text = pattern.sub(name, text)
    return one_line(text)


def template_of(text: str) -> str:
    """First line masked, and the line that names the exception when there is one further down."""
    first, _, rest = text.partition("\n")
    named = _EXCEPTION_LINE.findall(rest)
    line = f"{first} … {named[-1]}" if named else first
    return clip(mask(line), 300)


class Templates:
    """Templates seen so far; a line finds its own or founds one."""

    def __init__(self) -> None:
        self._known: dict[tuple[str, str], list[str]] = {}
        self._buckets: dict[tuple[str, int, str], list[list[str]]] = {}

    def of(self, service: str, masked: str) -> list[str]:
        """The words of the template that a masked line belongs to; the list itself tells templates apart and may yet change."""
        found = self._known.get((service, masked))
        if found is None:
            found = self._known[service, masked] = self._join(service, masked.split(" "))
        return found

    def _join(self, service: str, words: list[str]) -> list[str]:
        first = _VALUE if _DIGIT.search(words[0]) else _generic(words[0])
        bucket = self._buckets.setdefault((service, len(words), first), [])
        for known in bucket[-_MOST_COMPARED:]:
            merged = _merged(known, words)
            if merged is not None:
                known[:] = merged
                return known
        bucket.append(words)
        return words


def _generic(word: str) -> str:
    keyed = _KEYED.match(word)
    return keyed.group(1) if keyed else word


def _merged(known: Sequence[str], words: Sequence[str]) -> list[str] | None:
    """Both lines as one template; None when they differ where no value stands, or in too many places."""
    merged: list[str] = []
    same = 0
    for one, other in zip(known, words, strict=True):
        if one == other:
            same += 1
            merged.append(one)
            continue
        value = _as_value(one, other)
        if value is None:
            return None
        merged.append(value)
    return merged if same >= _ALIKE * len(words) else None


def _as_value(one: str, other: str) -> str | None:
    for word in (one, other):
        if _VERSION.search(word) or _EXCEPTION.search(word):
            return None
    key = _KEYED.match(one)
    if key and other.startswith(key.group(1)):
        return key.group(1) + _VALUE
    if one.endswith(_VALUE) or (_DIGIT.search(one) and _DIGIT.search(other)):
        return _VALUE
    return None


def rank_templates(records: Sequence[LogRecord], *, boundary: datetime) -> list[LogTemplate]:
    """Templates with counts before and from `boundary` on; new and surging first, errors before the rest."""
    counts: dict[int, _Count] = {}
    templates = Templates()
    spans = {True: _Span(), False: _Span()}
    for record in join_lines(records):
        words = templates.of(record.service, template_of(record.text))
        count = counts.get(id(words))
        if count is None:
            exceptions = tuple(dict.fromkeys(_EXCEPTION.findall(record.text)))[:3]
            count = counts[id(words)] = _Count(record=record, words=words, exceptions=exceptions)
        late = record.at >= boundary
        spans[late].add(record.at)
        count.before += not late
        count.after += late
        count.first_at = min(count.first_at, record.at)
        count.last_at = max(count.last_at, record.at)
    ranked = [_finish(count, spans[False].seconds, spans[True].seconds) for count in counts.values()]
    return sorted(ranked, key=lambda one: (-one.weight, one.service, one.template))


@dataclass(slots=True)
class _Span:
    """How long a side of the boundary is covered; servers cut long answers, so counts alone do not compare."""

    first: datetime | None = None
    last: datetime | None = None

    def add(self, at: datetime) -> None:
        self.first = at if self.first is None else min(self.first, at)
        self.last = at if self.last is None else max(self.last, at)

    @property
    def seconds(self) -> float:
        return max(1.0, (self.last - self.first).total_seconds()) if self.first and self.last else 0.0


def _finish(count: _Count, before_s: float, after_s: float) -> LogTemplate:
    trend = _trend(count, before_s, after_s)
    severe = _LEVELS.get(count.record.level.lower(), 0.3)
    news = {Trend.NEW: 1.0, Trend.SURGING: 0.85, Trend.STEADY: 0.35, Trend.GONE: 0.3}[trend]
    if before_s == 0:
        # Neither new nor old can be told; it is said now, so it counts for something.
        news = _UNKNOWN_PAST
    often = min(1.0, 0.7 + 0.06 * count.after)
    return LogTemplate(
        service=count.record.service,
        level=count.record.level,
        template=" ".join(count.words),
        example=count.record.text,
        before=count.before,
        after=count.after,
        trend=trend,
        first_at=count.first_at,
        last_at=count.last_at,
        exceptions=count.exceptions,
        weight=round(severe * news * often, 4),
    )


def _trend(count: _Count, before_s: float, after_s: float) -> Trend:
    if before_s == 0:
        # Nothing is known of the time before, so nothing can be called new.
        return Trend.STEADY
    if count.before == 0:
        return Trend.NEW
    if count.after == 0:
        return Trend.GONE if count.before / before_s * after_s >= 5 else Trend.STEADY
    ratio = (count.after / max(after_s, 1.0)) / (count.before / before_s)
    return Trend.SURGING if ratio >= _SURGE and count.after >= 3 else Trend.STEADY
