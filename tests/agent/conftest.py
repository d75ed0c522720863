"""An agent over a served world: fakes for what is not under test, the real thing for tools, model and graph."""

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from types import SimpleNamespace

import pytest

from bot.adapters.llm import LiteLlm
from bot.adapters.memory_budget import MemoryBudget
from bot.adapters.prompts import PromptFolder
from bot.adapters.templates import JinjaTemplates
from bot.adapters.tools import McpServer, McpTools
from bot.agent.gather import GatherLimits
from bot.agent.graph import TriageGraph
from bot.core.alert import Alert, AlertStatus, Severity
from bot.core.budget import BudgetLimits
from bot.core.hypothesis import SimilarFound, SimilarIncident
from bot.core.incident import Incident, IncidentState, Investigation, InvestigationState
from bot.core.policy import Effect
from bot.core.runbook import Runbook, Step
from bot.ports import Brief, ModelCallEntry, ToolCallEntry
from tests.agent.worlds import ONSET, World, served
from tests.support.openai_endpoint import OpenAiEndpoint, openai_endpoint

ROOT = Path(__file__).parents[2]


@dataclass
class FixedClock:
    at: datetime = ONSET + timedelta(seconds=30)

    def now(self) -> datetime:
        return self.at


@dataclass
class MemoryJournal:
    models: list[ModelCallEntry] = field(default_factory=list)
    tools: list[ToolCallEntry] = field(default_factory=list)

    async def model_call(self, investigation_id: str, entry: ModelCallEntry) -> None:
        self.models.append(entry)

    async def tool_call(self, investigation_id: str, entry: ToolCallEntry) -> None:
        self.tools.append(entry)

    async def search_tool_results(self, investigation_id: str, contains: str, limit: int) -> Sequence[str]:
        lines = (line for entry in self.tools for line in entry.text.splitlines())
        return [line for line in lines if contains.lower() in line.lower()][:limit]


@dataclass
class FixedSimilar:
    found: SimilarFound

    async def search(self, text: str, *, service: str, k: int) -> SimilarFound:
        return self.found


@dataclass
class FixedRunbooks:
    runbooks: tuple[Runbook, ...]

    def all(self) -> Sequence[Runbook]:
        return self.runbooks


def make_alert(**changes: object) -> Alert:
    values: dict = {
        "fingerprint": "a1b2c3d4e5f60718",
        "starts_at": ONSET,
        "name": "PostgresConnectionsExhausted",
        "status": AlertStatus.FIRING,
        "severity": Severity.CRITICAL,
        "service": "orders-db",
        "environment": "production",
        "summary": "orders-db uses 17 of 17 connections",
        "labels": {"alertname": "PostgresConnectionsExhausted", "service": "orders-db", "severity": "critical"},
        "annotations": {"description": "New clients are refused."},
    }
    return Alert(**{**values, **changes})


def make_brief(investigation_id: str = "inv-1", *, text: str = "", alerts: tuple[Alert, ...] | None = None) -> Brief:
    chosen = (make_alert(),) if alerts is None else alerts
    incident = Incident(
        id="INC-7",
        state=IncidentState.INVESTIGATING,
        title=chosen[0].summary if chosen else text,
        severity=Severity.CRITICAL,
        service=chosen[0].service if chosen else "",
        environment="production",
        group_key="g",
        started_at=ONSET,
        opened_at=ONSET,
        channel="C1",
        thread_ts="1.2",
        forwarded=False,
        alert_count=len(chosen),
        firing_count=len(chosen),
    )
    investigation = Investigation(
        id=investigation_id,
        incident_id="INC-7",
        number=1,
        state=InvestigationState.RUNNING,
        due_at=ONSET,
        attempt=1,
        trigger="alertmanager",
    )
    return Brief(investigation=investigation, incident=incident, alerts=chosen, related=(), text=text)


def make_runbook() -> Runbook:
    steps = tuple(
        Step(
            id=name,
            title=title,
            tool=tool,
            args={"service": "{{ database }}"},
            effect=Effect.READ,
            section="Diagnosis",
            line=9,
        )
        for name, title, tool in (("activity", "Sessions", "pg_activity"), ("settings", "Limits", "pg_settings"))
    )
    return Runbook(
        id="postgres-connections-exhausted",
        title="PostgreSQL is running out of connections",
        alerts=("PostgresConnectionsExhausted",),
        severity="critical",
        owner="platform",
        reviewed="2026-11-01",
        ai_executable=False,
        sections={
            "Meaning": "Nearly all slots are taken.",
            "Mitigation": "Roll back the release that holds the idle sessions. Then end them.",
        },
        steps=steps,
        sha256="0" * 64,
        path="runbooks/postgres-connections-exhausted.md",
    )


def make_similar() -> SimilarFound:
    one = SimilarIncident(
        id="buildkite-2016",
        title="Database out of connections",
        date="2016-08-23",
        organisation="Example",
        service_kind="postgresql",
        cause_class="deploy",
        cause="A release leaked connections.",
        fix="Rolled back.",
        url="https://example.com",
        score=0.6,
        why="connections, slots",
    )
    return SimilarFound(incidents=(one,), searched=32)


@dataclass
class Rig:
    """One agent, its tools and its journal."""

    graph: TriageGraph
    journal: MemoryJournal
    tools: McpTools

    async def run(self, brief: Brief | None = None) -> SimpleNamespace:
        events = [event async for event in self.graph.investigate(brief or make_brief())]
        names = [type(event).__name__ for event in events]
        assert names.count("Gathered") == 1
        assert names.count("Concluded") == 1
        gathered = next(event for event in events if type(event).__name__ == "Gathered")
        concluded = events[-1]
        return SimpleNamespace(
            events=events,
            progress=[event for event in events if type(event).__name__ == "TasksChanged"],
            gathered=gathered,
            pack=gathered.pack,
            concluded=concluded,
            assessment=concluded.assessment,
            top=concluded.assessment.hypotheses[0],
        )


@pytest.fixture(scope="session")
def prompts() -> PromptFolder:
    return PromptFolder(ROOT / "prompts")


@pytest.fixture
async def endpoint() -> AsyncIterator[OpenAiEndpoint]:
    async with openai_endpoint() as running:
        yield running


@pytest.fixture
async def rig(prompts: PromptFolder) -> AsyncIterator[Callable]:
    """Builds an agent for a world; everything it opened is closed at the end of the test."""
    async with AsyncExitStack() as stack:

        async def build(
            world: World,
            endpoint: OpenAiEndpoint | None = None,
            budget_limits: BudgetLimits | None = None,
            **options: object,
        ) -> Rig:
            url = await stack.enter_async_context(served(world))
            tools = await stack.enter_async_context(McpTools([McpServer(name="basecamp", url=url)]))
            model = None
            if endpoint is not None:
                model = LiteLlm("scripted", base_url=endpoint.url, api_key="sk-test-1234567890abcdef")
                stack.push_async_callback(model.aclose)
            journal = MemoryJournal()
            settings: Mapping = {"gather": GatherLimits(part_s=3.0, whole_s=6.0), "model_timeout_s": 5.0, **options}
            graph = TriageGraph(
                tools=tools,
                similar=FixedSimilar(make_similar()),
                runbooks=FixedRunbooks((make_runbook(),)),
                templates=JinjaTemplates(),
                prompts=prompts,
                journal=journal,
                budget=MemoryBudget(budget_limits or BudgetLimits()),
                clock=FixedClock(),
                model=model,
                **settings,
            )
            return Rig(graph=graph, journal=journal, tools=tools)

        yield build
