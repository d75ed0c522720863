"""The reasoning alone, on a kept world: no graph, no live tool, nothing written to the investigation's record."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from bot.agent.conclude import OFFLINE
from bot.agent.mind import Mind
from bot.agent.reason import ReasonLimits
from bot.agent.recordings import find, record
from bot.agent.world import KeptWorld
from bot.core.errors import ToolError, ToolUnavailableError
from bot.core.hypothesis import Assessment
from bot.ports import Budget, Model, ModelCallEntry, Prompts, Runbooks, ToolCallEntry, ToolResult, ToolSpec

_SCHEMA: Mapping[str, object] = {"type": "object", "properties": {}, "additionalProperties": True}


@dataclass(frozen=True, slots=True, kw_only=True)
class Rethinking:
    """Who thinks, with what, and how much it may take."""

    model: Model | None
    """None: the offline analyst."""
    prompts: Prompts
    runbooks: Runbooks
    budget: Budget
    limits: ReasonLimits
    agent: str
    """The name under which the tokens are counted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rethought:
    """What came out this time."""

    assessment: Assessment
    took_ms: int
    """In model calls."""
    not_recorded: tuple[str, ...]
    """Look-ups that the kept world could not answer."""
    failed: str
    """Why the model's part ended without its answer; empty when it answered, or none was asked."""


class RecordedTools:
    """Implements ports.Tools over a kept world: a look-up that was not recorded fails and is counted."""

    def __init__(self, results: Sequence[ToolCallEntry]) -> None:
        self._recordings = record(results)
        self.missed: list[str] = []

    async def available(self) -> Sequence[ToolSpec]:
        """The tools that were called then."""
        names = sorted({one.tool for one in self._recordings})
        return [
            ToolSpec(name=name, description=f"{name}, from the record", schema=_SCHEMA, server="record")
            for name in names
        ]

    async def call(self, name: str, args: Mapping[str, object], *, timeout_s: float) -> ToolResult:
        """The recorded answer. Raises ToolError for a recorded error, ToolUnavailableError when there is none."""
        del timeout_s
        found = find(self._recordings, name, args)
        if found is None:
            self.missed.append(name)
            raise ToolUnavailableError(
                "not recorded: this was not looked up at the time, and nothing is asked live now"
            )
        if found.error:
            raise ToolError(found.error)
        structured: Mapping[str, object] = found.answer or {}
        return ToolResult(
            tool=name, server="record", args=dict(args), structured=structured, text=found.text, took_ms=0
        )

    async def health(self) -> Mapping[str, str]:
        """Always well."""
        return {"record": ""}


@dataclass(slots=True)
class _Notebook:
    """Implements ports.Journal for one run; the kept results are searched, nothing is stored."""

    results: tuple[ToolCallEntry, ...]
    models: list[ModelCallEntry] = field(default_factory=list[ModelCallEntry])

    async def model_call(self, investigation_id: str, entry: ModelCallEntry) -> None:
        del investigation_id
        self.models.append(entry)

    async def tool_call(self, investigation_id: str, entry: ToolCallEntry) -> None:
        """The look-up is in the kept results already, or was not recorded."""

    async def search_tool_results(self, investigation_id: str, contains: str, limit: int) -> Sequence[str]:
        del investigation_id
        lines = (f"{one.tool}: {line}" for one in self.results for line in one.text.splitlines())
        return [line for line in lines if contains.lower() in line.lower()][:limit]


@dataclass(frozen=True, slots=True)
class _Then:
    """Implements ports.Clock: the moment that the evidence was gathered."""

    at: datetime

    def now(self) -> datetime:
        return self.at


async def rethink(kept: KeptWorld, how: Rethinking) -> Rethought:
    """Reason over a kept world to the end. The same world, prompt and analyst give the same question."""
    tools, notebook = RecordedTools(kept.results), _Notebook(kept.results)
    mind = Mind(
        model=how.model,
        tools=tools,
        prompts=how.prompts,
        journal=notebook,
        budget=how.budget,
        clock=_Then(kept.world.pack.window.end),
        runbooks=how.runbooks,
        limits=how.limits,
        agent=how.agent,
    )
    world, turn = kept.world, mind.begin()
    while turn.next != "finish":
        if turn.next == "tools":
            pack, turn = await mind.look(world, turn)
            world = replace(world, pack=pack)
        elif turn.next == "conclude":
            turn = mind.conclude(world, turn)
        else:
            turn = await mind.ask(world, turn)
    assessment = mind.finish(world, turn)
    fell_back = how.model is not None and assessment.analyst == OFFLINE
    return Rethought(
        assessment=assessment,
        took_ms=sum(entry.took_ms for entry in notebook.models),
        not_recorded=tuple(tools.missed),
        failed=turn.failure or "nothing of the model's answer stands on evidence" if fell_back else "",
    )
