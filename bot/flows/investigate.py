"""Take one due investigation and run it to its end: evidence, hypothesis, similar incidents, each posted as it comes."""

import logging
from collections.abc import Awaitable, Sequence
from contextlib import aclosing
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Protocol

from bot.core.errors import AiopsError, LeaseLostError, StoreUnavailableError
from bot.core.hypothesis import sure_of
from bot.core.incident import Incident, IncidentState, Investigation, InvestigationState
from bot.core.posts import EvidencePost, HypothesisCard, Notice, Progress, SimilarPost, Task, settled
from bot.core.runbook import Runbook
from bot.flows.learning.keep_world import keep_world
from bot.flows.learning.warn import warned
from bot.flows.leases import kept, noted
from bot.ports import AgentEvent, AuditEntry, Brief, Clock, Concluded, Gathered, Store, TasksChanged, TriageAgent

log = logging.getLogger(__name__)

_RELATED_BEFORE = timedelta(hours=1)
_RELATED_LIMIT = 50
# A run that has died this often takes the process with it; a person is told instead.
_MAX_ATTEMPTS = 5


class Propose(Protocol):
    """What follows a hypothesis: the matched runbook, if the bot may follow it."""

    def __call__(
        self, incident: Incident, runbook: Runbook | None, *, names: Sequence[str], confidence: float
    ) -> Awaitable[str | None]: ...


async def investigate_next(
    *,
    store: Store,
    agent: TriageAgent,
    clock: Clock,
    owner: str,
    lease: timedelta,
    cap: int,
    propose: Propose | None = None,
    held: set[str] | None = None,
) -> bool:
    """
    False when nothing is due. What a dead worker left behind is resumed where its checkpoints end.

    `held` is what this process is at; its loops share it.
    """
    held = set() if held is None else held
    async with store.transaction() as tx:
        claimed = await tx.claim_investigation(now=clock.now(), owner=owner, lease=lease, cap=cap, held=held)
    if claimed is None:
        return False

    async def extend() -> None:
        async with store.transaction() as tx:
            await tx.extend_lease(claimed, owner=owner, until=clock.now() + lease)

    try:
        with noted(held, claimed.id):
            async with kept(extend, lease=lease, what=claimed.id):
                await _run(claimed, store=store, agent=agent, clock=clock, propose=propose)
    except* LeaseLostError as lost:
        log.warning("investigation %s goes on elsewhere: %s", claimed.id, lost.exceptions[0])
    return True


async def _run(
    investigation: Investigation, *, store: Store, agent: TriageAgent, clock: Clock, propose: Propose | None
) -> None:
    if investigation.attempt > _MAX_ATTEMPTS:
        await _fail(investigation, f"it was tried {_MAX_ATTEMPTS} times and never finished", store=store, clock=clock)
        return
    brief = await _brief(investigation, store)
    try:
        async with aclosing(agent.investigate(brief)) as events:
            async for event in events:
                await _record(event, brief, store=store, clock=clock)
                if isinstance(event, Concluded) and propose is not None:
                    # Before the investigation ends: a crash in between repeats this, and a run is planned once.
                    await _propose(event, brief, store=store, propose=propose)
    except StoreUnavailableError:
        # The lease runs out and the run is taken up again.
        raise
    except LeaseLostError:
        raise
    except AiopsError as error:
        log.exception("investigation %s failed", investigation.id)
        await _fail(investigation, str(error), store=store, clock=clock)
        return
    async with store.transaction() as tx:
        await tx.end_investigation(investigation, state=InvestigationState.DONE, now=clock.now())
    await agent.forget(investigation.id)


async def _propose(event: Concluded, brief: Brief, *, store: Store, propose: Propose) -> None:
    async with store.transaction() as tx:
        incident = await tx.incident(brief.incident.id)
        planned = await tx.runs(limit=1, incident_id=incident.id)
    if incident.state is IncidentState.RESOLVED or planned:
        return
    names = list(dict.fromkeys(alert.name for alert in brief.alerts))
    runbook = runbook_for(names, event.runbook, event.matched)
    confidence = sure_of(event.assessment, runbook.id) if runbook is not None else 0.0
    await propose(incident, runbook, names=names, confidence=confidence)


def runbook_for(names: Sequence[str], *found: Runbook | None) -> Runbook | None:
    """The first that is for one of these alerts: what a model names for another alert is a suggestion, not a plan."""
    return next((one for one in found if one is not None and set(one.alerts) & set(names)), None)


async def _brief(investigation: Investigation, store: Store) -> Brief:
    async with store.transaction() as tx:
        incident = await tx.incident(investigation.incident_id)
        alerts = await tx.incident_alerts(incident.id)
        text = await tx.incident_text(incident.id)
        related = await tx.related_alerts(
            incident.id,
            start=incident.started_at - _RELATED_BEFORE,
            end=incident.started_at + _RELATED_BEFORE / 12,
            limit=_RELATED_LIMIT,
        )
    return Brief(
        investigation=investigation, incident=incident, alerts=tuple(alerts), related=tuple(related), text=text
    )


async def _record(event: AgentEvent, brief: Brief, *, store: Store, clock: Clock) -> None:
    match event:
        case TasksChanged():
            await _progress(event.title, event.tasks, brief, store=store, clock=clock, finished=False)
        case Gathered():
            await _gathered(event, brief, store=store, clock=clock)
        case Concluded():
            await _concluded(event, brief, store=store, clock=clock)


async def _progress(
    title: str, tasks: tuple[Task, ...], brief: Brief, *, store: Store, clock: Clock, finished: bool
) -> None:
    content = Progress(incident_id=brief.incident.id, title=title, tasks=tasks, finished=finished)
    async with store.transaction() as tx:
        await tx.put_post(
            operation=_operation(brief, "progress"),
            incident_id=brief.incident.id,
            content=content,
            now=clock.now(),
            final=finished,
        )


async def _gathered(event: Gathered, brief: Brief, *, store: Store, clock: Clock) -> None:
    async with store.transaction() as tx:
        now = clock.now()
        await tx.save_evidence(brief.investigation, event, now=now)
        await tx.put_post(
            operation=_operation(brief, "evidence"),
            incident_id=brief.incident.id,
            content=EvidencePost(
                incident=brief.incident,
                investigation=brief.investigation.number,
                pack=event.pack,
                # Stable over a resumed run, so that saying it again is not an edit.
                gathered_at=event.pack.window.end,
                took_ms=event.took_ms,
            ),
            now=now,
        )


async def _concluded(event: Concluded, brief: Brief, *, store: Store, clock: Clock) -> None:
    async with store.transaction() as tx:
        now = clock.now()
        event = replace(event, assessment=await warned(tx, brief, event))
        await tx.save_assessment(brief.investigation, event, now=now)
        await keep_world(tx, brief.investigation, event, now=now)
        detail = await tx.detail(brief.incident.id)
        pack = event.pack
        await tx.put_post(
            operation=_operation(brief, "hypothesis"),
            incident_id=brief.incident.id,
            content=HypothesisCard(
                incident=detail.incident,
                investigation=brief.investigation.number,
                assessment=event.assessment,
                pack=pack,
                runbook_title=event.runbook.title if event.runbook else "",
                as_of=pack.window.end,
                # A fresh look after the root cause was recorded does not take the record off the card.
                settled=settled(await tx.outcome(brief.incident.id)),
            ),
            now=now,
        )
        await tx.put_post(
            operation=_operation(brief, "similar"),
            incident_id=brief.incident.id,
            content=SimilarPost(incident_id=brief.incident.id, found=event.assessment.similar),
            now=now,
        )
        await tx.put_post(
            operation=_operation(brief, "progress"),
            incident_id=brief.incident.id,
            content=Progress(
                incident_id=brief.incident.id, title=_worked(brief, now), tasks=event.tasks, finished=True
            ),
            now=now,
        )
        await tx.audit([_hypothesis_audit(event, brief)], now=now)


def _worked(brief: Brief, now: datetime) -> str:
    started = brief.investigation.started_at or now
    return f"Worked for {max(1, round((now - started).total_seconds()))} s"


def _hypothesis_audit(event: Concluded, brief: Brief) -> AuditEntry:
    best = event.assessment.hypotheses[0] if event.assessment.hypotheses else None
    return AuditEntry(
        actor=event.assessment.analyst,
        action="hypothesis.posted",
        target=brief.incident.id,
        detail={
            "investigation": brief.investigation.id,
            "title": best.title if best else "",
            "cause_class": best.cause_class if best else "unknown",
            "confidence": best.confidence.value if best else 0.0,
            "notes": list(event.assessment.notes),
        },
    )


async def _fail(investigation: Investigation, why: str, *, store: Store, clock: Clock) -> None:
    """Nobody waits for a message that will not come: the thread says that the bot failed, and why."""
    async with store.transaction() as tx:
        now = clock.now()
        await tx.end_investigation(investigation, state=InvestigationState.FAILED, now=now)
        await tx.put_post(
            operation=f"{investigation.incident_id}:failed:{investigation.number}",
            incident_id=investigation.incident_id,
            content=Notice(
                incident_id=investigation.incident_id,
                text=f"The investigation ({investigation.id}) could not be finished: {why}",
            ),
            now=now,
        )
        await tx.audit(
            [AuditEntry(actor="aiops", action="investigation.failed", target=investigation.id, detail={"why": why})],
            now=now,
        )


def _operation(brief: Brief, what: str) -> str:
    # Without the run's number: a fresh look edits the same messages. What each run concluded is kept in the store.
    return f"{brief.incident.id}:{what}"
