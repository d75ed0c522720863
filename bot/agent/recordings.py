"""What tools answered once, kept so that the same question can be answered again. Pure."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, cast

from bot.ports import REFUSED, ToolCallEntry

FREE = frozenset({"start", "end", "since", "step", "limit"})
"""Arguments that say how much of an answer is wanted, not which answer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Recording:
    """The answers of one tool to one question, joined over the time ranges that were asked for."""

    tool: str
    args: Mapping[str, object]
    """Without time ranges and limits."""
    answer: Mapping[str, object] | None
    """None: it failed, or said something that is not JSON."""
    error: str
    text: str
    """The last answer's own words."""
    start: datetime | None = None
    end: datetime | None = None
    """The time that the answers cover; None where the question has no time range."""


def record(calls: Sequence[ToolCallEntry]) -> tuple[Recording, ...]:
    """
    One recording a question, in the order in which they were first asked; an answer wins over an error.

    A call that was refused before it was made tells nothing of the tool.
    """
    found: dict[str, Recording] = {}
    for call in calls:
        if call.outcome == REFUSED:
            continue
        one = _recording(call)
        key = f"{one.tool} {json.dumps(dict(one.args), sort_keys=True, default=str)}"
        found[key] = _joined(found[key], one) if key in found else one
    return tuple(found.values())


def find(recordings: Sequence[Recording], tool: str, args: Mapping[str, object]) -> Recording | None:
    """The recording that answers a call, cut to the asked time; None when this was never asked or not for that time."""
    asked = {key: value for key, value in args.items() if key not in FREE}
    one = next((one for one in recordings if one.tool == tool and dict(one.args) == asked), None)
    if one is None or one.answer is None:
        return one
    start, end = _moment(args.get("start")), _moment(args.get("end"))
    if start is None or end is None or one.start is None or one.end is None:
        return one
    if end <= one.start or start >= one.end:
        return None
    if start <= one.start and end >= one.end:
        return one
    cut = cut_to(one.answer, start, end)
    return replace(one, answer=cut, text=json.dumps(cut, ensure_ascii=False))


def cut_to(answer: Mapping[str, object], start: datetime, end: datetime) -> dict[str, Any]:
    """The answer without log lines and points outside of [start, end)."""
    cut = dict(answer)
    if isinstance(answer.get("lines"), list):
        cut["lines"] = [line for line in _items(answer, "lines") if _line_within(line, start, end)]
    if isinstance(answer.get("series"), list):
        cut["series"] = [
            {**one, "points": [point for point in _points(one) if start.timestamp() <= point[0] < end.timestamp()]}
            for one in _items(answer, "series")
        ]
    return cut


def _recording(call: ToolCallEntry) -> Recording:
    args = {key: value for key, value in call.args.items() if key not in FREE}
    if call.outcome != "ok":
        return Recording(tool=call.tool, args=args, answer=None, error=call.text or "it failed", text=call.text)
    return Recording(
        tool=call.tool,
        args=args,
        answer=_object(call.text),
        error="",
        text=call.text,
        start=_moment(call.args.get("start")),
        end=_moment(call.args.get("end")),
    )


def _joined(one: Recording, other: Recording) -> Recording:
    if other.error or other.answer is None:
        return one
    if one.error or one.answer is None:
        return other
    starts = [at for at in (one.start, other.start) if at is not None]
    ends = [at for at in (one.end, other.end) if at is not None]
    answer = _union(one.answer, other.answer)
    text = other.text if answer == other.answer else json.dumps(answer, ensure_ascii=False)
    return replace(
        other, answer=answer, text=text, start=min(starts) if starts else None, end=max(ends) if ends else None
    )


def _union(one: Mapping[str, object], other: Mapping[str, object]) -> dict[str, object]:
    """Lines and points of both; of everything else, the later word."""
    whole = {**one, **other}
    if isinstance(one.get("lines"), list) and isinstance(other.get("lines"), list):
        lines = {json.dumps(line, sort_keys=True): line for line in (*_items(one, "lines"), *_items(other, "lines"))}
        whole["lines"] = sorted(lines.values(), key=lambda line: str(line.get("at")))
    if isinstance(one.get("series"), list) and isinstance(other.get("series"), list):
        whole["series"] = _series([*_items(one, "series"), *_items(other, "series")])
    return whole


def _series(every: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    found: dict[str, dict[str, Any]] = {}
    for one in every:
        key = json.dumps([one.get("name"), one.get("labels")], sort_keys=True)
        points = [*_points(found[key]), *_points(one)] if key in found else _points(one)
        found[key] = {**one, "points": [list(point) for point in sorted({tuple(point[:2]) for point in points})]}
    return list(found.values())


def _items(answer: Mapping[str, object], key: str) -> list[Mapping[str, Any]]:
    items = cast("list[object]", answer[key])
    return [cast("Mapping[str, Any]", item) for item in items if isinstance(item, Mapping)]


def _points(series: Mapping[str, Any]) -> list[Sequence[float]]:
    points = cast("list[object]", series.get("points") or [])
    found = [cast("Sequence[object]", point) for point in points if isinstance(point, list)]
    return [
        cast("Sequence[float]", point)
        for point in found
        if len(point) >= 2 and all(isinstance(part, int | float) for part in point[:2])
    ]


def _line_within(line: Mapping[str, Any], start: datetime, end: datetime) -> bool:
    at = _moment(line.get("at"))
    return at is None or start <= at < end


def _moment(value: object) -> datetime | None:
    try:
        at = datetime.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        return None
    return at if at is not None and at.tzinfo is not None else None


def _object(text: str) -> Mapping[str, object] | None:
    try:
        found = cast("object", json.loads(text))
    except ValueError:
        return None
    # As the adapter of tools reads them: what is no object becomes one.
    return cast("Mapping[str, object]", found) if isinstance(found, dict) else {"result": found}
