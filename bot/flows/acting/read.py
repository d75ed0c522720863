"""What people ask about runs."""

from collections.abc import Mapping, Sequence

from bot.core.approval import Approval
from bot.core.errors import ConfigError
from bot.core.execution import Run
from bot.core.policy import Level
from bot.core.runbook import Runbook, scope_of
from bot.flows.acting.levels import AutonomyRules, level_now
from bot.flows.acting.plan import check_parameters, incident_scope
from bot.ports import Pause, RunDetail, Store, Templates


async def list_runs(limit: int, *, store: Store) -> Sequence[Run]:
    """Newest first."""
    async with store.transaction() as tx:
        return await tx.runs(limit=limit)


async def show_run(run_id: str, *, store: Store) -> RunDetail:
    """One run with its steps and approvals. Raises NotFoundError."""
    async with store.transaction() as tx:
        return await tx.run_detail(run_id)


async def list_pending(*, store: Store) -> Sequence[Approval]:
    """Approvals that wait for a verdict, oldest first."""
    async with store.transaction() as tx:
        return await tx.pending_approvals()


async def read_pause(*, store: Store) -> Pause | None:
    """Whether writes are switched off, by whom and why."""
    async with store.transaction() as tx:
        return await tx.paused()


async def _scope(incident_id: str, store: Store) -> Mapping[str, object]:
    if not incident_id:
        return scope_of(labels={}, alert="", incident="", service="", environment="")
    async with store.transaction() as tx:
        return await incident_scope(tx, await tx.incident(incident_id))


async def parameter_problems(
    runbook: Runbook, incident_id: str, given: Mapping[str, object], *, store: Store, templates: Templates
) -> Mapping[str, str]:
    """What is wrong with the values of a form, by parameter. Raises NotFoundError for the incident."""
    _, problems = check_parameters(runbook, given, await _scope(incident_id, store), templates)
    return problems


async def runbook_level(runbook: Runbook, *, store: Store, autonomy: AutonomyRules) -> Level:
    """How far the bot may go for this runbook's alerts."""
    async with store.transaction() as tx:
        return await level_now(tx, runbook.id, runbook.alerts, autonomy)


async def default_parameters(
    runbook: Runbook, incident_id: str, *, store: Store, templates: Templates
) -> Mapping[str, str]:
    """A runbook's defaults for an incident, as text for a form. Raises NotFoundError for the incident."""
    scope = await _scope(incident_id, store)
    found: dict[str, str] = {}
    for parameter in runbook.parameters:
        try:
            value = templates.fill({"default": parameter.default or ""}, scope)["default"]
        except ConfigError:
            continue
        if value not in ("", None):
            found[parameter.name] = str(value)
    return found
