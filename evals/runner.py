"""Runs the real triage graph on a case."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Protocol

from bot.adapters.memory_budget import MemoryBudget
from bot.adapters.prompts import PromptFolder
from bot.adapters.runbooks import load_runbooks
from bot.adapters.templates import JinjaTemplates
from bot.agent.graph import TriageGraph
from bot.core.alert import Delivery, worst
from bot.core.budget import BudgetLimits
from bot.core.evidence import EvidencePack
from bot.core.hypothesis import Assessment
from bot.core.incident import Incident, IncidentState, Investigation, InvestigationState
from bot.core.intake import title_of
from bot.ports import Brief, Concluded, Gathered, Model, Prompts, Runbooks
from evals.casefile import Case
from evals.recorded import FixedClock, MemoryJournal, RecordedSimilar, RecordedTools

ROOT = Path(__file__).parent.parent


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """What the agent made of a case. Times in seconds."""

    case: Case
    assessment: Assessment
    pack: EvidencePack
    gather_s: float
    reason_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """What every case shares: the content that ships, the model if there is one, and where checkpoints go."""

    prompts: Prompts
    runbooks: Runbooks
    model: Model | None
    checkpoints: object | None
    max_tokens: int
    max_steps: int


def make_desk(
    *, model: Model | None = None, checkpoints: object | None = None, max_tokens: int = 60_000, max_steps: int = 12
) -> Desk:
    """The repository's own prompts and runbooks. Raises ConfigError for content that cannot be used."""
    return Desk(
        prompts=PromptFolder(ROOT / "prompts"),
        runbooks=load_runbooks([ROOT / "runbooks"]),
        model=model,
        checkpoints=checkpoints,
        max_tokens=max_tokens,
        max_steps=max_steps,
    )


def make_graph(case: Case, desk: Desk) -> TriageGraph:
    """The agent, with the case's recordings where its tools would be."""
    return TriageGraph(
        tools=RecordedTools(case.calls),
        similar=RecordedSimilar(found=case.similar),
        runbooks=desk.runbooks,
        templates=JinjaTemplates(),
        prompts=desk.prompts,
        journal=MemoryJournal(),
        budget=MemoryBudget(BudgetLimits(tokens_per_incident=desk.max_tokens)),
        clock=FixedClock(_onset(case) + timedelta(seconds=case.text.asked_after_seconds)),
        model=desk.model,
        checkpoints=desk.checkpoints,
        max_tokens=desk.max_tokens,
        max_steps=desk.max_steps,
    )


async def run_case(case: Case, desk: Desk, *, investigation_id: str = "") -> Run:
    """Gather, reason, verify; the same path as in production, without Slack and the store."""
    graph = make_graph(case, desk)
    await graph.warm()
    brief = brief_of(case, investigation_id or f"eval-{case.slug}")
    started = gathered = time.perf_counter()
    async for event in graph.investigate(brief):
        if isinstance(event, Gathered):
            gathered = time.perf_counter()
        elif isinstance(event, Concluded):
            ended = time.perf_counter()
            await graph.forget(brief.investigation.id)
            return Run(
                case=case,
                assessment=event.assessment,
                pack=event.pack,
                gather_s=gathered - started,
                reason_s=ended - gathered,
            )
    raise AssertionError("an investigation always ends with Concluded")


class Kept(Protocol):
    """Answers of earlier runs."""

    def find(self, case: Case) -> Run | None:
        """None when it has to be asked."""
        ...

    def put(self, run: Run) -> None:
        """Keep one as soon as it is there."""
        ...


async def run_cases(
    cases: Sequence[Case], desk: Desk, *, max_usd: float | None = None, kept: Kept | None = None
) -> list[Run]:
    """
    One after another; once `max_usd` is spent, only those that are kept already.

    What earlier runs spent on kept answers does not count.
    """
    runs: list[Run] = []
    spent = 0.0
    for case in cases:
        run = kept.find(case) if kept is not None else None
        if run is None:
            if max_usd is not None and spent >= max_usd:
                continue
            run = await run_case(case, desk)
            spent += run.assessment.usage.cost_usd
            if kept is not None:
                kept.put(run)
        runs.append(run)
    return runs


def brief_of(case: Case, investigation_id: str) -> Brief:
    """The investigation's start, as intake would have made it from the payload."""
    return brief_from(case.delivery, investigation_id)


def brief_from(delivery: Delivery, investigation_id: str) -> Brief:
    """The same for any delivery."""
    alerts = delivery.alerts
    first = min(alerts, key=lambda alert: alert.starts_at)
    incident = Incident(
        id="INC-1",
        state=IncidentState.INVESTIGATING,
        title=title_of(first),
        severity=worst([alert.severity for alert in alerts]),
        service=first.service,
        environment=first.environment,
        group_key=delivery.group_key,
        started_at=first.starts_at,
        opened_at=first.starts_at,
        channel="C0INCIDENTS",
        thread_ts="1.0",
        forwarded=False,
        alert_count=len(alerts),
        firing_count=len(alerts),
    )
    investigation = Investigation(
        id=investigation_id,
        incident_id=incident.id,
        number=1,
        state=InvestigationState.RUNNING,
        due_at=first.starts_at,
        attempt=1,
        trigger="alertmanager",
    )
    return Brief(investigation=investigation, incident=incident, alerts=alerts, related=(), text=delivery.text)


def _onset(case: Case) -> datetime:
    return min(alert.starts_at for alert in case.delivery.alerts)
