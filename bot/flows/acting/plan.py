"""Writing a run down: by the bot after a hypothesis, or by a person through the modal."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta

from bot.core.approval import BOT
from bot.core.errors import NotFoundError, PayloadError, ToolError
from bot.core.incident import Incident
from bot.core.parameters import read_parameters
from bot.core.policy import DEFAULT_ENVIRONMENT, Level
from bot.core.redaction import redact
from bot.core.runbook import Runbook, scope_of
from bot.flows.acting.levels import AutonomyRules, level_now
from bot.ports import ActingTools, AuditEntry, Clock, NewRun, Store, Templates, Transaction

Place = Callable[[Runbook], Awaitable[str]]
"""To which environment the servers of a runbook's writes belong, as `place_of_writes` has it."""
_PLACE_TIMEOUT_S = 5.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """A run that somebody wants."""

    incident_id: str
    runbook: Runbook
    requester: str
    reason: str
    level: Level
    confidence: float
    parameters: Mapping[str, object]
    most_per_hour: int = 20
    place: str = ""
    """To which environment the servers of its writes belong; counts where the alert names none."""


async def plan_run(wish: Wish, *, store: Store, templates: Templates, clock: Clock) -> str | None:
    """
    The run's id; None when this runbook is being followed for this incident already.

    Raises PayloadError naming every parameter that is missing or outside its bounds, NotFoundError for the incident.
    """
    async with store.transaction() as tx:
        incident = await tx.incident(wish.incident_id)
        scope = await incident_scope(tx, incident)
    values, problems = check_parameters(wish.runbook, wish.parameters, scope, templates)
    if problems:
        raise PayloadError("; ".join(problems.values()))
    if not wish.runbook.ai_executable:
        raise PayloadError(f"The runbook {wish.runbook.id} is not AI-executable; a person has to follow it.")
    async with store.transaction() as tx:
        now = clock.now()
        lately = await tx.count_runs(since=now - timedelta(hours=1))
        if lately >= wish.most_per_hour:
            raise PayloadError(
                f"{lately} runs were started in the last hour, and no more than {wish.most_per_hour} may be."
            )
        run = await tx.add_run(
            NewRun(
                incident_id=incident.id,
                runbook=wish.runbook,
                requester=wish.requester,
                reason=redact(wish.reason),
                environment=environment_of(incident, wish.place),
                level=wish.level,
                confidence=wish.confidence,
                parameters=values,
                scope=scope,
            ),
            now=now,
        )
        if run is None:
            return None
        detail = {
            "run": run.id,
            "runbook": wish.runbook.id,
            "version": wish.runbook.version,
            "level": wish.level,
            "parameters": values,
        }
        actor = wish.requester or BOT
        await tx.audit([AuditEntry(actor=actor, action="run.planned", target=incident.id, detail=detail)], now=now)
    return run.id


async def propose_run(
    incident: Incident,
    runbook: Runbook | None,
    *,
    names: Sequence[str],
    confidence: float,
    autonomy: AutonomyRules,
    store: Store,
    templates: Templates,
    clock: Clock,
    place: Place,
) -> str | None:
    """
    After a hypothesis: follow the runbook of the incident's alerts if their class may do more than advise.

    The run's id, or None. A runbook that is for none of these alerts is never followed, whoever named it.
    """
    if runbook is None or not runbook.ai_executable or not runbook.writes:
        return None
    matched = [name for name in names if name in runbook.alerts]
    if not matched:
        return None
    async with store.transaction() as tx:
        level = await level_now(tx, runbook.id, matched, autonomy)
    if level is Level.ADVISORY:
        return None
    where = await place(runbook)
    if environment_of(incident, where) not in runbook.environments:
        return None
    wish = Wish(
        incident_id=incident.id,
        runbook=runbook,
        requester=BOT,
        reason=f"{', '.join(matched)} is firing and this is its runbook",
        level=level,
        confidence=confidence,
        parameters={},
        most_per_hour=autonomy.runs_per_hour,
        place=where,
    )
    try:
        return await plan_run(wish, store=store, templates=templates, clock=clock)
    except PayloadError as error:
        async with store.transaction() as tx:
            detail = {"runbook": runbook.id, "why": str(error)}
            entry = AuditEntry(actor=BOT, action="run.not_planned", target=incident.id, detail=detail)
            await tx.audit([entry], now=clock.now())
        return None


async def incident_scope(tx: Transaction, incident: Incident) -> dict[str, object]:
    """What a runbook's templates see of an incident: its first alert's labels, service, environment."""
    alerts = await tx.incident_alerts(incident.id)
    first = min(alerts, key=lambda alert: alert.starts_at, default=None)
    return scope_of(
        labels=dict(first.labels) if first else {},
        alert=first.name if first else "",
        incident=incident.id,
        service=incident.service,
        environment=environment_of(incident),
    )


def environment_of(incident: Incident, place: str = "") -> str:
    """What the alert says; for one that says nothing the place of the runbook's writes, or `default`."""
    said = incident.environment
    return said if said not in {"", DEFAULT_ENVIRONMENT} else place or DEFAULT_ENVIRONMENT


async def place_of_writes(runbook: Runbook, *, tools: ActingTools) -> str:
    """
    The environment of all servers that a runbook's writes go to; empty: not configured, not one, or not known now.

    A run that is planned without it takes its servers' environment when it comes to a write.
    """
    found: set[str] = set()
    for tool in dict.fromkeys(step.tool for step in runbook.writes):
        try:
            found.add(await tools.environment(tool, timeout_s=_PLACE_TIMEOUT_S))
        except ToolError:
            return ""
    return found.pop() if len(found) == 1 else ""


def check_parameters(
    runbook: Runbook, given: Mapping[str, object], scope: Mapping[str, object], templates: Templates
) -> tuple[dict[str, object], dict[str, str]]:
    """Typed values by name, and problems by name."""
    return read_parameters(runbook, given, lambda text: templates.fill({"default": text}, scope)["default"])


def find_runbook(runbooks: tuple[Runbook, ...], name: str) -> Runbook:
    """By id. Raises NotFoundError with the names that there are."""
    found = next((one for one in runbooks if one.id == name.strip().lower()), None)
    if found is None:
        raise NotFoundError(
            f"There is no runbook {name.strip()!r}. Known: {', '.join(one.id for one in runbooks) or 'none'}."
        )
    return found
