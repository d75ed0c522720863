"""A person starts a runbook. Nothing is called here: the run is planned, and takes the same path as any other."""

from collections.abc import Mapping
from dataclasses import dataclass

from bot.core.policy import Level
from bot.flows import StartTriage
from bot.flows.acting.levels import AutonomyRules, classes_of, level_now
from bot.flows.acting.plan import Place, Wish, find_runbook, plan_run
from bot.ports import Clock, Runbooks, Store, Templates


@dataclass(frozen=True, slots=True, kw_only=True)
class RunWish:
    """What the modal holds."""

    runbook: str
    user: str
    channel: str
    incident_id: str
    """Empty: an incident is opened for it."""
    reason: str
    parameters: Mapping[str, object]


@dataclass(frozen=True, slots=True, kw_only=True)
class Started:
    """What became of it."""

    incident_id: str
    run_id: str
    """Empty: this runbook is being followed for this incident already."""
    level: Level


async def start_run(
    wish: RunWish,
    *,
    store: Store,
    templates: Templates,
    clock: Clock,
    runbooks: Runbooks,
    autonomy: AutonomyRules,
    start_triage: StartTriage,
    place: Place,
) -> Started:
    """Plan the run. Raises NotFoundError for the runbook or the incident, PayloadError for the parameters."""
    runbook = find_runbook(tuple(runbooks.all()), wish.runbook)
    incident_id = wish.incident_id
    if not incident_id:
        words = f"Runbook {runbook.id}: {wish.reason or runbook.title}"
        incident_id = await start_triage(words, channel=wish.channel, user=wish.user)
    async with store.transaction() as tx:
        incident = await tx.incident(incident_id)
        classes = classes_of(runbook, await tx.alert_names(incident.id), by_person=True)
        level = await level_now(tx, runbook.id, classes, autonomy)
    run_id = await plan_run(
        Wish(
            incident_id=incident.id,
            runbook=runbook,
            requester=wish.user,
            reason=wish.reason or "a person started this runbook",
            level=level,
            confidence=0.0,
            parameters=wish.parameters,
            most_per_hour=autonomy.runs_per_hour,
            place=await place(runbook),
        ),
        store=store,
        templates=templates,
        clock=clock,
    )
    return Started(incident_id=incident.id, run_id=run_id or "", level=level)
