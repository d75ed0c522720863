"""An incident becomes an eval case with a truth that is given, because whoever records it broke the system."""

from bot.core.errors import NotFoundError
from bot.flows.learning.export_case import ExportedCase, GivenTruth, export_case
from bot.ports import Store

_LOOKED_AT = 50


async def record_case(incident_id: str, slug: str, truth: GivenTruth, *, store: Store) -> ExportedCase:
    """
    The case of an incident, or of the newest one that came to a hypothesis when `incident_id` is "".

    Raises NotFoundError when there is none, and PayloadError for a truth that nobody could find in what was recorded.
    """
    chosen = incident_id.strip().upper() or await _newest(store)
    return await export_case(chosen, slug=slug, truth=truth, store=store)


async def _newest(store: Store) -> str:
    async with store.transaction() as tx:
        for incident in await tx.incidents(limit=_LOOKED_AT, only_open=False):
            if await tx.world_of(incident.id) is not None:
                return incident.id
    raise NotFoundError(
        f"none of the last {_LOOKED_AT} incidents has come to a hypothesis, so there is nothing to record"
    )
