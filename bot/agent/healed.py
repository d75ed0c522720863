"""Whether the trouble is over: logs that say so with no error after them, and series that came back. All pure."""

import re
from collections.abc import Mapping, Sequence

import numpy as np

from bot.agent.findings import evidence
from bot.agent.subject import Subject
from bot.core.evidence import Evidence, EvidenceKind, Window
from bot.core.loglines import LogRecord
from bot.core.metrics import Series, number
from bot.core.spread import deviation_spread
from bot.core.text import clip, one_line

_OVER = re.compile(
    r"\brecover(?:ed|y complete)|back to normal|roll(?:ed)? ?back (?:to|success|complet|was)|rollback\w* (?:success|complet)|\brestored\b|"
    r"(?:is|are|became|now) (?:available|healthy|operational)|no further (?:errors|failures)",
    re.IGNORECASE,
)
_BAD = frozenset({"error", "err", "fatal", "critical", "panic"})
_WARNING = frozenset({"warn", "warning"})
_BACK = 2.0
_FEWEST_POINTS = 8


def from_logs(records: Sequence[LogRecord], query: str, subject: Subject, window: Window) -> list[Evidence]:
    """The last word of the alerting service's logs, when it is that all is well again; nothing while errors go on."""
    told = [one for one in records if _OVER.search(one.text) and one.level.lower() not in _BAD | _WARNING]
    if not told:
        return []
    last = max(told, key=lambda one: one.at)
    bad = [one for one in records if one.level.lower() in _BAD and one.at > last.at]
    worried = [one for one in records if one.level.lower() in _WARNING and one.at > last.at]
    if bad or len(worried) > 1:
        return []
    said = f"{last.service or subject.service} says at {last.at:%H:%M:%S}Z that it is well again, and no error came after: “{clip(one_line(last.text), 140)}”"
    return [
        evidence(
            kind=EvidenceKind.LOG,
            source="read_logs",
            service=last.service or subject.service,
            title=said,
            query=query,
            window=window,
            excerpt=f"{said}\nexample: {clip(last.text, 600)}",
            weight=0.3,
            facts={"healed": 0.9, "at": last.at.isoformat(), "level": last.level.lower() or "log"},
        )
    ]


def from_series(
    series: Sequence[Series], queries: Mapping[str, str], subject: Subject, window: Window
) -> list[Evidence]:
    """A series of the alerting service that left its level and came back to it before the end."""
    found = [
        (size, one, peak)
        for one in series
        if one.service == subject.service and (told := _back(one))
        for size, peak in [told]
    ]
    if not found or any(_still_off(one) for one in series if one.service == subject.service and one.kind != "traffic"):
        return []
    _, one, peak = max(found, key=lambda told: (told[0], told[1].name))
    values = [value for _, value in one.points]
    said = f"{one.service}: {one.name} went to {number(peak)} and is back at {number(values[-1])}"
    return [
        evidence(
            kind=EvidenceKind.METRIC,
            source="read_metrics",
            service=one.service,
            title=said,
            query=queries.get(one.service, "read_metrics"),
            window=window,
            excerpt=said,
            weight=0.3,
            facts={"healed": 0.6, "kind": "healed"},
        )
    ]


def _parts(series: Series) -> tuple[float, float, np.ndarray, float] | None:
    values = np.array([value for _, value in series.points], dtype=np.float64)
    values = values[np.isfinite(values)]
    if len(values) < _FEWEST_POINTS or series.kind not in {"errors", "latency", "saturation"}:
        return None
    tenth = max(2, len(values) // 8)
    level, end = float(np.median(values[:tenth])), float(np.median(values[-tenth:]))
    middle = values[tenth:-tenth]
    scale = max(deviation_spread(values), 0.1 * abs(level), 1e-9)
    return level, end, middle, scale


def _back(series: Series) -> tuple[float, float] | None:
    parts = _parts(series)
    if parts is None or len(parts[2]) == 0:
        return None
    level, end, middle, scale = parts
    place = int(np.argmax(np.abs(middle - level)))
    size = abs(float(middle[place]) - level) / scale
    return (size, float(middle[place])) if size >= 4 * _BACK and abs(end - level) <= _BACK * scale else None


def _still_off(series: Series) -> bool:
    parts = _parts(series)
    return parts is not None and abs(parts[1] - parts[0]) > 2 * _BACK * parts[3]
