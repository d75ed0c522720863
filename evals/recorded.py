"""The ports that a case fills in: recorded tools, a recorded search, a fixed clock, a journal in memory."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import cast

from bot.core.errors import ToolError, ToolUnavailableError
from bot.core.hypothesis import SimilarFound
from bot.ports import ModelCallEntry, ToolCallEntry, ToolResult, ToolSpec
from evals.casefile import RecordedCall

_FREE = frozenset({"start", "end", "since", "step", "limit"})
"""Arguments that do not choose between recorded answers."""
_SCHEMA: Mapping[str, object] = {"type": "object", "properties": {}, "additionalProperties": True}


class RecordedTools:
    """
    Implements ports.Tools. Calls match by tool and by every argument but time ranges, steps and limits.

    A recording may leave arguments out, and then stands for all their values; the most exact one answers. Lines and
    points outside of the asked range are left out of the answer, as the real server does.
    """

    def __init__(self, calls: Sequence[RecordedCall]) -> None:
        self._calls = tuple(calls)

    async def available(self) -> Sequence[ToolSpec]:
        """One spec per recorded tool."""
        names = dict.fromkeys(call.tool for call in self._calls)
        return [
            ToolSpec(name=name, description=f"{name}, recorded", schema=_SCHEMA, server="recorded") for name in names
        ]

    async def call(self, name: str, args: Mapping[str, object], *, timeout_s: float) -> ToolResult:
        """The recorded answer. Raises ToolError for a recorded error, ToolUnavailableError for what was not recorded."""
        del timeout_s
        asked = {key: value for key, value in args.items() if key not in _FREE}
        fitting = [call for call in self._calls if call.tool == name and _fits(call.args, asked)]
        if not fitting:
            raise ToolUnavailableError(f"{name}{json.dumps(asked, sort_keys=True, default=str)} was not recorded")
        chosen = max(fitting, key=lambda call: len(call.args))
        if chosen.error is not None:
            raise ToolError(chosen.error)
        answer = _within(chosen.answer or {}, args)
        return ToolResult(
            tool=name, server="recorded", args=dict(args), structured=answer, text=json.dumps(answer), took_ms=0
        )

    async def health(self) -> Mapping[str, str]:
        """Always well."""
        return {"recorded": ""}


def _fits(recorded: Mapping[str, object], asked: Mapping[str, object]) -> bool:
    return all(asked.get(key) == value for key, value in recorded.items() if key not in _FREE)


def _within(answer: Mapping[str, object], args: Mapping[str, object]) -> dict[str, object]:
    """The answer without log lines and points outside of [start, end)."""
    cut = dict(answer)
    if not isinstance(args.get("start"), str) or not isinstance(args.get("end"), str):
        return cut
    start, end = (datetime.fromisoformat(str(args[key])) for key in ("start", "end"))
    if isinstance(answer.get("lines"), list):
        lines = cast("list[Mapping[str, object]]", answer["lines"])
        cut["lines"] = [line for line in lines if start <= datetime.fromisoformat(str(line["at"])) < end]
    if isinstance(answer.get("series"), list):
        series = cast("list[Mapping[str, object]]", answer["series"])
        cut["series"] = [{**one, "points": _points(one, start, end)} for one in series]
    return cut


def _points(series: Mapping[str, object], start: datetime, end: datetime) -> list[Sequence[float]]:
    points = cast("list[Sequence[float]]", series.get("points") or [])
    return [point for point in points if start.timestamp() <= point[0] < end.timestamp()]


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordedSimilar:
    """Implements ports.SimilarSearch."""

    found: SimilarFound

    async def search(self, text: str, *, service: str, k: int) -> SimilarFound:
        """What was recorded, whatever is asked."""
        del text, service
        return SimilarFound(incidents=self.found.incidents[:k], searched=self.found.searched, note=self.found.note)


@dataclass(frozen=True, slots=True)
class FixedClock:
    """Implements ports.Clock: the moment of the investigation."""

    at: datetime

    def now(self) -> datetime:
        """Always the same."""
        return self.at


@dataclass(slots=True)
class MemoryJournal:
    """Implements ports.Journal."""

    models: list[ModelCallEntry] = field(default_factory=list[ModelCallEntry])
    tools: list[ToolCallEntry] = field(default_factory=list[ToolCallEntry])

    async def model_call(self, investigation_id: str, entry: ModelCallEntry) -> None:
        """Keep it."""
        del investigation_id
        self.models.append(entry)

    async def tool_call(self, investigation_id: str, entry: ToolCallEntry) -> None:
        """Keep it."""
        del investigation_id
        self.tools.append(entry)

    async def search_tool_results(self, investigation_id: str, contains: str, limit: int) -> Sequence[str]:
        """Lines of kept results that contain a text."""
        del investigation_id
        lines = [f"{entry.tool}: {line}" for entry in self.tools for line in entry.text.splitlines()]
        return [line for line in lines if contains.lower() in line.lower()][:limit]
