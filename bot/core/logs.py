"""
Logs as templates: what is new or surging at onset, counted, with one example each.

Variable parts (times, ids, addresses, quoted values, numbers) are masked. What is left is joined in the manner of Drain (P. He et al., ICWS
2017): lines of the same length and first word are one template when they differ only where a value stands. Unlike Drain, a
word is a value only if it holds a digit or follows the same key, since one other word may be another failure; exception names and
versions are never values. One pass, linear in the text but for the few templates that a line is compared with.
"""

import enum
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from bot.core.loglines import LogRecord, join_lines
from bot.core.text import clip, one_line

# Each begins with a set of characters and looks back at what stood before: the engine skips to such a character at once, while
# a pattern that begins with a boundary is tried at every place. One pass for what is long, since none can be inside another.
_LONG = re.compile(
    r"[\da-fA-F](?<!\w\w)(?:"
    r"(?P<uuid>(?<=[0-9a-fA-F])[0-9a-fA-F]{7}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}\b)"
    r"|(?P<time>(?<=\d)\d{3}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:[.,]\d+)?(?:Z| ?UTC|[+-]\d\d:?\d\d)?)"
    r"|(?P<ip>(?<=\d)\d{0,2}(?:\.\d{1,3}){3}(?::\d+(?!-\d\d-\d\d[T ]\d\d:))?\b)"
    r"|(?P<hex>(?<=0)x[0-9a-fA-F]+\b|(?:(?<=[0-9])(?=[0-9]*[a-f])|(?<=[a-f])(?=[a-f]*\d))[0-9a-f]{7,}\b))"
)
_QUOTED = re.compile(r"'[^'\n]{1,80}'|\"[^\"\n]{1,80}\"")
# Not inside a version (2.31.0) or a word (sha256 stays, sku-017 does not).
_NUMBER = re.compile(
    r"[-\d](?:(?<![\w.].)(?:(?<=-)\d+|(?<=\d)\d*)(?:\.\d+)?(?=(?:[munµ]?s|m|h|[KMGkmg]i?[Bb]?|B)?(?!\w|\.\d))"
    r"|(?<=[-_#=/]\d)\d*(?![\w.]))"
)
_ENDINGS = ("Error", "Exception", "Timeout", "Refused", "Exhausted", "Fault")
_EXCEPTION = re.compile(rf"\b(?:[A-Za-z_]\w*\.)*[A-Z]\w*(?:{'|'.join(_ENDINGS)})\b")
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
    # Most lines lack one or the other, and to see that costs less than to look for what it would be part of.
    digits = _DIGIT.search(text) is not None
    if digits:
        text = _LONG.sub(_name, text)
    if "'" in text or '"' in text:
        text = _QUOTED.sub("<text>", text)
    if digits:
        text = _NUMBER.sub("<n>", text)
    return one_line(text)


def _name(found: re.Match[str]) -> str:
    return f"<{found.lastgroup}>"


def template_of(text: str) -> str:
    """First line masked, and the line that names the exception when there is one further down."""
    first, _, rest = text.partition("\n")
    named = _EXCEPTION_LINE.findall(rest) if rest else ()
    line = f"{first} … {named[-1]}" if named else first
    return clip(mask(line), 300)


class _Bucket:
    """
    Templates of one service, length and first word, in the order in which they were founded.

    A word that cannot be a value has to stand in every line of its template, so a line is compared only with those
    templates whose first such word it has at the same place.
    """

    def __init__(self) -> None:
        self._templates: list[list[str]] = []
        self._by_word: dict[tuple[int, str], list[int]] = {}
        self._loose: list[int] = []
        """Templates in which every word but the first may be a value."""

    def near(self, words: Sequence[str]) -> Iterable[list[str]]:
        """Those of the newest templates that a line may belong to, oldest first."""
        first = len(self._templates) - _MOST_COMPARED
        found = self._loose[-_MOST_COMPARED:]
        for pair in enumerate(words):
            if pair in self._by_word:
                found += self._by_word[pair][-_MOST_COMPARED:]
        return [self._templates[number] for number in sorted(found) if number >= first]

    def add(self, words: list[str]) -> None:
        """Found a template."""
        rigid = next((pair for pair in enumerate(words) if pair[0] and _is_rigid(pair[1])), None)
        place = self._loose if rigid is None else self._by_word.setdefault(rigid, [])
        place.append(len(self._templates))
        self._templates.append(words)


class Templates:
    """Templates seen so far; a line finds its own or founds one."""

    def __init__(self) -> None:
        self._known: dict[tuple[str, str], list[str]] = {}
        self._buckets: dict[tuple[str, int, str], _Bucket] = {}

    def of(self, service: str, masked: str) -> list[str]:
        """The words of the template that a masked line belongs to; the list itself tells templates apart and may yet change."""
        found = self._known.get((service, masked))
        if found is None:
            found = self._known[service, masked] = self._join(service, masked.split(" "))
        return found

    def _join(self, service: str, words: list[str]) -> list[str]:
        first = _VALUE if _DIGIT.search(words[0]) else _generic(words[0])
        key = service, len(words), first
        bucket = self._buckets.get(key)
        if bucket is None:
            bucket = self._buckets[key] = _Bucket()
        for known in bucket.near(words):
            merged = _merged(known, words)
            if merged is not None:
                known[:] = merged
                return known
        bucket.add(words)
        return words


def _is_rigid(word: str) -> bool:
    """Whether it can never become a value: what `_as_value` says of it and any other word."""
    return not (word.endswith(_VALUE) or _DIGIT.search(word) or _KEYED.match(word))


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
    key = _KEYED.match(one)
    if key and other.startswith(key.group(1)):
        value = key.group(1) + _VALUE
    elif one.endswith(_VALUE) or (_DIGIT.search(one) and _DIGIT.search(other)):
        value = _VALUE
    else:
        return None
    kept = any(_VERSION.search(word) or _EXCEPTION.search(word) for word in (one, other))
    return None if kept else value


def exceptions_in(text: str) -> tuple[str, ...]:
    """Names of exceptions, each once, in the order of the text."""
    # To see that none of the endings is there costs a tenth of looking for names.
    if not any(ending in text for ending in _ENDINGS):
        return ()
    return tuple(dict.fromkeys(_EXCEPTION.findall(text)))


def rank_templates(records: Sequence[LogRecord], *, boundary: datetime) -> list[LogTemplate]:
    """Templates with counts before and from `boundary` on; new and surging first, errors before the rest."""
    counts: dict[int, _Count] = {}
    templates = Templates()
    spans = {True: _Span(), False: _Span()}
    for record in join_lines(records):
        words = templates.of(record.service, template_of(record.text))
        count = counts.get(id(words))
        if count is None:
            exceptions = exceptions_in(record.text)[:3]
            count = counts[id(words)] = _Count(record=record, words=words, exceptions=exceptions)
        late = record.at >= boundary
        spans[late].add(record.at)
        count.before += not late
        count.after += late
        count.first_at = min(count.first_at, record.at)
        count.last_at = max(count.last_at, record.at)
    ranked = [_finish(count, spans[False].seconds, spans[True].seconds) for count in counts.values()]
    return sorted(ranked, key=lambda one: (-one.weight, one.service, one.template))


def split_of(records: Sequence[LogRecord], boundary: datetime, onset: datetime) -> datetime:
    """Where "before" ends: a young log has little before the boundary, so the earliest part of it has to do."""
    first = min((one.at for one in records), default=boundary)
    return max(boundary, first + (onset - first) * 0.4) if first < onset else boundary


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
