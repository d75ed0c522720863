"""Single sessions of a PostgreSQL server: list them, and terminate those that are named.

A session is named by its process id and its start (pg_stat_activity.backend_start): process ids are used again, the two
together are not. What was named and is gone stays gone; nothing else is terminated in its place. One that was named for
being idle (pg_stat_activity.state_change goes with the name) is left alone once it has been used again.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import psycopg

from basecamp.backends.postgres import Look, PostgresDatabases, presentable
from basecamp.errors import BackendError, BadRequest, nearest
from basecamp.redaction import mask
from basecamp.results import Outcome, PgSession, PgSessions, Preview, Target, TargetOutcome, WriteOutcome
from basecamp.sql import query_named
from basecamp.times import parse_time, render_time

TERMINATE = "pg_terminate_backends"
# pg_stat_activity.state, and what is shown for a session whose state is not known.
STATES = (
    "active", "idle", "idle in transaction", "idle in transaction (aborted)", "fastpath function call", "disabled",
    "unknown",
)  # fmt: skip
_END_SECONDS = 5.0
_POLL_SECONDS = 0.05
_TERMINATE_SECONDS = 20.0
_NO_FILTER: Mapping[str, Any] = {
    "application_name": None, "state": None, "idle_longer_than_s": None, "pids": None, "limit": None,
}  # fmt: skip
_STILL_THERE = f"told to end, but still there after {_END_SECONDS:g} s"
_LARGEST_PID = 2**31 - 1


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionName:
    """Exactly one session."""

    pid: int
    started: datetime
    idle_since: datetime | None = field(default=None, compare=False)
    """Set: it is ended only if it has been idle from then on."""

    @property
    def id(self) -> str:
        return f"{self.pid}@{render_time(self.started)}"


def parse_names(named: Sequence[tuple[int, str, str | None]]) -> list[SessionName]:
    """(pid, start, idle since) as sent. Raises BadRequest for one that cannot be, or that stands there twice."""
    names: list[SessionName] = []
    for index, (pid, started, idle_since) in enumerate(named):
        if not 0 < pid <= _LARGEST_PID:
            raise BadRequest(f"sessions[{index}].pid is {pid}, which is no process id")
        name = SessionName(
            pid=pid,
            started=parse_time(started, name=f"sessions[{index}].started"),
            idle_since=parse_time(idle_since, name=f"sessions[{index}].idle_since") if idle_since else None,
        )
        if name in names:
            raise BadRequest(f"sessions[{index}] names {name.id} a second time")
        names.append(name)
    return names


class PostgresSessions:
    """Looks at and ends sessions of the databases that diagnostics may look at."""

    def __init__(self, databases: PostgresDatabases, *, max_targets: int) -> None:
        self._databases = databases
        self.max_targets = max_targets

    async def find(
        self, service: str, *, application_name: str, state: str, idle_longer_than_s: int | None, limit: int
    ) -> PgSessions:
        """Sessions that match, longest idle first. Raises BadRequest or BackendError."""
        if state and state not in STATES:
            raise BadRequest(f"state is {state!r}; {nearest(state, STATES)}")
        if idle_longer_than_s is not None and idle_longer_than_s < 0:
            raise BadRequest(f"idle_longer_than_s is {idle_longer_than_s}; it is a number of seconds from 0 on")
        wanted: dict[str, Any] = {
            **_NO_FILTER,
            "application_name": application_name or None,
            "state": state or None,
            "idle_longer_than_s": idle_longer_than_s,
            "limit": limit,
        }
        async with self._databases.connect(service) as look:
            rows = await look.rows(query_named("sessions"), wanted)
            limits = (await look.rows(query_named("activity_limits")))[0]
            hidden = (await look.rows(query_named("hidden_sessions")))[0]["hidden"]
        if hidden:
            words = f"{hidden} sessions cannot be seen; grant pg_monitor to {self._databases.runs_as(service)}"
            raise BackendError(f"postgres {service}", words)
        total = rows[0]["total"] if rows else 0
        return PgSessions(
            sessions=[PgSession.model_validate(presentable(row)) for row in rows],
            total=total,
            truncated=total > len(rows),
            at=limits["at"],
        )

    async def preview(self, service: str, names: Sequence[SessionName]) -> Preview:
        """Which of the named sessions would be terminated now. Raises BadRequest or BackendError."""
        async with self._databases.connect(service) as look:
            found = await _named(look, names)
            before = await _connections(look)
        present = [found[name] for name in names if name in found]
        protected = Counter(session.protected for session in present if session.protected)
        used = [name for name in names if name in found and _used_since(name, found[name])]
        touched = [found[name] for name in names if name in found and name not in used and not found[name].protected]
        notes = [f"{len(names) - len(present)} gone already"] if len(present) < len(names) else []
        notes += [f"{len(used)} used since they were named"] if used else []
        notes += [f"{count} protected ({reason})" for reason, count in protected.items()]
        noted = f" ({'; '.join(notes)})" if notes else ""
        return Preview(
            tool=TERMINATE,
            summary=f"terminate {len(touched)} of {len(names)} named sessions on {service}{noted}",
            targets=[_target(session) for session in touched],
            reversible=False,
            runs_as=self._databases.runs_as(service),
            risk=_risk(touched),
            before=before,
        )

    async def terminate(self, service: str, names: Sequence[SessionName]) -> WriteOutcome:
        """End the named sessions and wait, at most 5 s, until they are gone. Raises BadRequest or BackendError."""
        async with self._databases.connect(service, seconds=_TERMINATE_SECONDS) as look:
            before, found = await _connections(look), await _named(look, names)
            outcomes = {name: await _terminate(look, name) for name in names}
            await _wait_until_gone(look, [name for name, (outcome, _) in outcomes.items() if outcome == "changed"])
            there = await _still_there(look, names)
            after = await _connections(look)
        targets = [
            TargetOutcome(
                id=name.id,
                label=_label(found[name]) if name in found else f"process {name.pid}",
                outcome="failed" if outcome == "changed" and name in there else outcome,
                detail=_STILL_THERE if outcome == "changed" and name in there else detail,
            )
            for name, (outcome, detail) in outcomes.items()
        ]
        counts = Counter(target.outcome for target in targets)
        others = "".join(f", {count} {outcome}" for outcome, count in counts.items() if outcome != "changed")
        summary = (
            f"terminated {counts['changed']} of {len(names)} sessions on {service}{others}; "
            f"connections {before['connections']} → {after['connections']}"
        )
        return WriteOutcome(tool=TERMINATE, summary=summary, targets=targets, before=before, after=after)


async def _named(look: Look, names: Sequence[SessionName]) -> dict[SessionName, PgSession]:
    rows = await look.rows(query_named("sessions"), {**_NO_FILTER, "pids": [name.pid for name in names]})
    sessions = [PgSession.model_validate(presentable(row)) for row in rows]
    found = {SessionName(pid=session.pid, started=session.started): session for session in sessions}
    return {name: found[name] for name in names if name in found}


def _used_since(name: SessionName, session: PgSession) -> bool:
    """Whether a session that was named for being idle has been used since, or is being used."""
    return name.idle_since is not None and session.idle_since != name.idle_since


async def _terminate(look: Look, name: SessionName) -> tuple[Outcome, str]:
    """(outcome, detail): one statement looks once more and tells the process to end."""
    named = {"pid": name.pid, "started": name.started, "idle_since": name.idle_since}
    try:
        rows = await look.rows(query_named("terminate_session"), named)
    except psycopg.errors.InsufficientPrivilege as error:
        return "refused", mask(str(error).strip().splitlines()[0])
    if not rows:
        return "gone", "no session with this process id and start"
    if rows[0]["protected"]:
        return "refused", f"{rows[0]['protected']} is never terminated"
    if rows[0]["used_since"]:
        return "unchanged", f"skipped: it was used since it was named, and is {rows[0]['state']} now"
    return ("changed", "terminated") if rows[0]["signalled"] else ("gone", "ended by itself")


async def _wait_until_gone(look: Look, names: Sequence[SessionName]) -> None:
    """At most 5 s; who is left then is asked for afterwards."""
    clock = asyncio.get_running_loop().time
    until = clock() + _END_SECONDS
    while await _still_there(look, names) and clock() < until:  # noqa: ASYNC110 - a server is asked; it does not tell
        await asyncio.sleep(_POLL_SECONDS)


async def _still_there(look: Look, names: Sequence[SessionName]) -> set[SessionName]:
    arguments = {"pids": [name.pid for name in names], "starts": [name.started for name in names]}
    rows = await look.rows(query_named("sessions_still_there"), arguments)
    return {SessionName(pid=row["pid"], started=row["started"]) for row in rows}


async def _connections(look: Look) -> dict[str, str]:
    limits = (await look.rows(query_named("activity_limits")))[0]
    return {"connections": f"{limits['used']}/{limits['max_connections']}"}


def _target(session: PgSession) -> Target:
    name = SessionName(pid=session.pid, started=session.started)
    since = f" for {session.idle_seconds:.0f} s" if session.idle_seconds is not None else ""
    query = f", last: {session.query}" if session.query else ""
    detail = f"{session.user} from {session.client}, {session.state}{since}{query}"
    return Target(id=name.id, label=_label(session), detail=detail)


def _label(session: PgSession) -> str:
    return f"{session.application_name} (process {session.pid})"


def _risk(sessions: Sequence[PgSession]) -> str:
    busy = sum(1 for session in sessions if session.state != "idle")
    working = f" {busy} of them are at work now: their transactions are rolled back." if busy else ""
    return f"Clients of these sessions get an error and have to connect again.{working}" if sessions else ""
