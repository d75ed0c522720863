"""What people ask for: status, lists, one incident."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace

from bot.core.incident import Incident
from bot.core.postmortem import IndexState
from bot.flows import StatusReport
from bot.ports import IncidentDetail, Store, Tools

_STATUS_INCIDENTS = 5
_RUNS = 50


async def show_incident(incident_id: str, *, store: Store) -> IncidentDetail:
    """Everything about one incident. Raises NotFoundError."""
    async with store.transaction() as tx:
        detail = await tx.detail(incident_id.strip().upper())
        runs = await tx.runs(limit=_RUNS, incident_id=detail.incident.id)
        return replace(detail, runs=tuple(runs), outcome=await tx.outcome(detail.incident.id))


async def list_incidents(limit: int, only_open: bool, *, store: Store) -> Sequence[Incident]:
    """Newest first."""
    async with store.transaction() as tx:
        return await tx.incidents(limit=limit, only_open=only_open)


async def report_status(
    *,
    store: Store,
    tools: Tools,
    analyst: str,
    count_postmortems: Callable[[], Awaitable[int]],
    index_state: Callable[[], IndexState] = IndexState,
) -> StatusReport:
    """What is going on, and what the bot cannot reach."""
    async with store.transaction() as tx:
        counts = await tx.counts()
        incidents = await tx.incidents(limit=_STATUS_INCIDENTS, only_open=True)
    return StatusReport(
        counts=counts,
        open_incidents=tuple(incidents),
        analyst=analyst,
        tools=await tools.health(),
        postmortems=await count_postmortems(),
        index=index_state().words,
    )
