"""Commands that ask something and end."""

import asyncio
from datetime import UTC, datetime
from pathlib import Path

from rich.console import Console

from bot.adapters.postgres.migrate import migrate
from bot.adapters.postmortems import load_postmortems
from bot.bootstrap import Core, database, open_core, postmortem_folders
from bot.cli import show
from bot.core.errors import ConfigError, PayloadError
from bot.core.incident import InvestigationState
from bot.settings import Settings
from bot.webhook import parse_alertmanager

_PATIENCE_S = 300.0
_LOOK_S = 0.2
_UNDER_WAY = (InvestigationState.QUEUED, InvestigationState.RUNNING)


async def migrate_database(settings: Settings) -> int:
    """Apply what is missing."""
    async with database(settings) as dsn:
        applied = await migrate(dsn)
    Console().print("\n".join(f"applied {name}" for name in applied) or "The database is up to date.")
    return 0


async def list_incidents(settings: Settings, limit: int, open_only: bool, *, as_json: bool) -> int:
    """Newest first."""
    async with open_core(settings) as core:
        incidents = await core.flows.list_incidents(limit, open_only)
    if as_json:
        show.print_json([show.incident_json(one) for one in incidents])
    else:
        show.print_incidents(incidents)
    return 0


async def show_incident(settings: Settings, incident_id: str, *, as_json: bool) -> int:
    """One incident."""
    async with open_core(settings) as core:
        await _print_incident(core, incident_id, as_json=as_json)
    return 0


async def _print_incident(core: Core, incident_id: str, *, as_json: bool) -> None:
    detail = await core.flows.show(incident_id)
    if as_json:
        show.print_json(show.detail_json(detail))
    else:
        Console().print(show.detail_panel(detail))


async def triage(settings: Settings, text: str, payload: Path | None, *, as_json: bool) -> int:
    """Open an incident and investigate it in this process, without waiting for it to settle."""
    if bool(text) == (payload is not None):
        raise ConfigError("Give either words (aiops triage 'checkout is slow') or --payload FILE")
    now = settings.model_copy(update={"config": settings.config.model_copy(update={"settle_seconds": 0.0})})
    async with open_core(now) as core:
        incident_id = await (
            _from_file(core, payload)
            if payload
            else core.flows.start_triage(text, channel=settings.config.channels.post, user="cli")
        )
        await core.flows.sync_index()
        await _until_done(core, incident_id)
        await _print_incident(core, incident_id, as_json=as_json)
    return 0


async def _until_done(core: Core, incident_id: str) -> None:
    """Work on what is due here; a running `serve` may have taken it already, and then it is waited for."""
    async with asyncio.timeout(_PATIENCE_S):
        while True:
            busy = await core.flows.investigate_next()
            investigation = (await core.flows.show(incident_id)).investigation
            if investigation is None or investigation.state not in _UNDER_WAY:
                return
            if not busy:
                await asyncio.sleep(_LOOK_S)


async def _from_file(core: Core, payload: Path) -> str:
    try:
        body = await asyncio.to_thread(payload.read_bytes)
    except OSError as error:
        raise PayloadError(f"{payload}: cannot be read: {error.strerror}") from error
    try:
        parsed = parse_alertmanager(body)
    except PayloadError as error:
        raise PayloadError(f"{payload}: {error}") from error
    incident_ids = await core.flows.receive(parsed.delivery)
    if not incident_ids:
        raise PayloadError(f"{payload}: none of its alerts is firing, so there is nothing to investigate")
    return incident_ids[0]


async def close_incident(settings: Settings, incident_id: str, *, by: str, reason: str, as_json: bool) -> int:
    """Close an incident; a running `serve` says so in its thread. Raises NotFoundError."""
    name = incident_id.strip().upper()
    async with open_core(settings) as core:
        closed = await core.flows.close(name, user=by, reason=reason)
    if as_json:
        show.print_json({"incident": name, "closed": closed})
    else:
        Console().print(f"{name} is closed." if closed else f"{name} is over already.")
    return 0


async def similar(settings: Settings, text: str, *, as_json: bool) -> int:
    """The three most similar past incidents."""
    async with open_core(settings) as core:
        await core.flows.sync_index()
        found = await core.flows.similar(text)
    if as_json:
        show.print_json([show.similar_json(one) for one in found.incidents])
    else:
        show.print_similar(found)
    return 0


async def sync_index(settings: Settings, *, as_json: bool) -> int:
    """Bring the index up to date."""
    async with open_core(settings) as core:
        await core.fetch_sources()
        done = dict(await core.flows.sync_index())
        await core.tune_index()
    if as_json:
        show.print_json(done)
    else:
        show.print_mapping(done)
    return 0


async def index_status(settings: Settings, *, as_json: bool) -> int:
    """Compare the index with the files; exit code 1 when it is behind or a file is left out."""
    async with open_core(settings) as core:
        loaded = await asyncio.to_thread(load_postmortems, postmortem_folders(settings))
        indexed, mark = await core.indexed(), await core.watermark()
    files = {one.id: one.sha256 for one in loaded.postmortems}
    stale = sorted(name for name in {*files, *indexed} if files.get(name) != indexed.get(name))
    status = {
        "index": "up to date" if not stale else f"{len(stale)} behind",
        "compared_at": f"{datetime.now(UTC):%Y-%m-%d %H:%M:%S} UTC",
        "files": len(files),
        "files_indexed": len(indexed),
        "incidents_indexed": mark.count - len(indexed),
        "behind": len(stale),
        "left_out": len(loaded.problems),
        "vectors_missing": mark.unfinished,
        "newest": mark.newest,
        "model": core.embedder.name,
    }
    if as_json:
        show.print_json(status | {"behind_ids": stale, "problems": list(loaded.problems)})
    else:
        show.print_mapping(status | {f"problem {place}": one for place, one in enumerate(loaded.problems, start=1)})
    return 1 if stale or loaded.problems else 0
