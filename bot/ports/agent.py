"""The triage agent, and where its calls are recorded."""

from collections.abc import AsyncGenerator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from bot.core.alert import Alert
from bot.core.evidence import EvidencePack
from bot.core.hypothesis import Assessment, PromptRef, SimilarFound, Usage
from bot.core.incident import Incident, Investigation
from bot.core.posts import Task
from bot.core.runbook import Runbook


@dataclass(frozen=True, slots=True, kw_only=True)
class Brief:
    """What an investigation starts from."""

    investigation: Investigation
    incident: Incident
    alerts: tuple[Alert, ...]
    related: tuple[Alert, ...]
    """What else alerted in the hour before, on other incidents."""
    text: str = ""
    """The person's or sender's own words, when there are any."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TasksChanged:
    """The live progress moved."""

    title: str
    tasks: tuple[Task, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Gathered:
    """The evidence pack is complete."""

    pack: EvidencePack
    similar: SimilarFound
    took_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Concluded:
    """The assessment is final."""

    assessment: Assessment
    runbook: Runbook | None
    """The one that the first action names, else `matched`; a suggestion to people."""
    pack: EvidencePack
    """The gathered pack and what the model's own tool calls added to it."""
    tasks: tuple[Task, ...]
    """The progress as it ended."""
    world: Mapping[str, object] = field(default_factory=dict[str, object])
    """Everything that the reasoning was given, as JSON, to be kept; empty when there is nothing to keep."""
    matched: Runbook | None = None
    """The one that was found for the alert, before anybody reasoned."""


AgentEvent = TasksChanged | Gathered | Concluded


class TriageAgent(Protocol):
    """One investigation, resumable: what finished before a crash is not done or paid for again."""

    def investigate(self, brief: Brief) -> AsyncGenerator[AgentEvent]:
        """Run or resume. Gathered and Concluded come exactly once per call, also when they were reached before."""
        ...

    async def forget(self, investigation_id: str) -> None:
        """Delete the checkpoints of a finished investigation."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelCallEntry:
    """One model call for the record."""

    purpose: str
    prompt: PromptRef
    model: str
    outcome: str
    usage: Usage
    took_ms: int


REFUSED = "refused"
"""The outcome of a call that a model asked for and that was not made."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolCallEntry:
    """One tool call for the record; `text` is kept whole (redacted) so that the agent can search it."""

    tool: str
    args: Mapping[str, object]
    outcome: str
    text: str
    took_ms: int


class Journal(Protocol):
    """Where an investigation's calls are recorded."""

    async def model_call(self, investigation_id: str, entry: ModelCallEntry) -> None:
        """Record a model call in the audit log and the investigation's usage."""
        ...

    async def tool_call(self, investigation_id: str, entry: ToolCallEntry) -> None:
        """Record a tool call in the audit log and keep its full text."""
        ...

    async def search_tool_results(self, investigation_id: str, contains: str, limit: int) -> Sequence[str]:
        """Lines of kept tool results that contain a text, case-insensitively."""
        ...
