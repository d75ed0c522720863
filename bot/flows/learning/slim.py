"""Recorded answers, small enough to keep beside the code. Pure."""

import json
from collections.abc import Mapping, Sequence
from typing import Any, cast

MOST_CHARS = 280_000
"""Of one case's answers as JSON, so that the whole file stays below 300 kB."""
_KEPT = 0.8


def slim(calls: Sequence[Mapping[str, object]], *, most: int = MOST_CHARS) -> tuple[list[dict[str, object]], list[str]]:
    """
    The calls with fewer log lines and points where they are too large together, and what was left out, as sentences.

    The largest answer gives first, a fifth of its lines or points at a time, evenly over time, so that the shape over
    time and the shares of each kind of line stay about as they were. Lines and points are kept whole.
    """
    kept = [dict(call) for call in calls]
    sizes = [_size(call) for call in kept]
    gone: dict[int, int] = {}
    while sum(sizes) > most:
        order = sorted(range(len(kept)), key=lambda place: -sizes[place])
        place = next((one for one in order if _most_items(kept[one]) > 1), None)
        if place is None:
            break
        before = _items(kept[place])
        kept[place] = _thinned(kept[place])
        gone[place] = gone.get(place, 0) + before - _items(kept[place])
        sizes[place] = _size(kept[place])
    notes = [
        f"{count} of {count + _items(kept[place])} lines or points of {kept[place]['tool']}"
        f"{json.dumps(kept[place].get('args'), default=str)} are left out, evenly over time"
        for place, count in sorted(gone.items())
    ]
    return kept, notes


def _thinned(call: Mapping[str, object]) -> dict[str, object]:
    answer = dict(cast("Mapping[str, Any]", call["answer"]))
    if isinstance(answer.get("lines"), list):
        answer["lines"] = _evenly(answer["lines"])
    if isinstance(answer.get("series"), list):
        answer["series"] = [{**one, "points": _evenly(one.get("points") or [])} for one in answer["series"]]
    return {**call, "answer": answer}


def _evenly(items: Sequence[Any]) -> list[Any]:
    """Four fifths, rounded down but at least one, evenly spaced."""
    wanted = max(1, int(len(items) * _KEPT)) if items else 0
    return [items[place * len(items) // wanted] for place in range(wanted)]


def _lists(call: Mapping[str, object]) -> list[Sequence[Any]]:
    answer = call.get("answer")
    if not isinstance(answer, Mapping):
        return []
    body = cast("Mapping[str, Any]", answer)
    series = cast("list[Mapping[str, Any]]", body["series"]) if isinstance(body.get("series"), list) else []
    lines = [cast("list[Any]", body["lines"])] if isinstance(body.get("lines"), list) else []
    return [*lines, *(cast("list[Any]", one.get("points") or []) for one in series)]


def _items(call: Mapping[str, object]) -> int:
    return sum(len(one) for one in _lists(call))


def _most_items(call: Mapping[str, object]) -> int:
    return max((len(one) for one in _lists(call)), default=0)


def _size(call: Mapping[str, object]) -> int:
    return len(json.dumps(call, ensure_ascii=False, default=str).encode())
