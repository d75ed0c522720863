"""PostgreSQL: who holds the connections, how the server is set, and ending named sessions."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from basecamp.backends.pgsessions import PostgresSessions, SessionName, parse_names
from basecamp.backends.postgres import PostgresDatabases
from basecamp.errors import BadRequest
from basecamp.results import PgActivity, PgSessions, PgSettings, Preview, WriteOutcome
from basecamp.tools import Effect, OptionalText, Service, ToolSpec, check_limit, check_targets

POSTGRES_TOOLS = ("pg_activity", "pg_settings", "pg_sessions", "pg_terminate_backends")
MAX_SETTINGS = 100
MAX_SESSIONS = 500


class SessionRef(BaseModel):
    """One session, as pg_sessions names it."""

    model_config = ConfigDict(extra="forbid")

    pid: int = Field(description="Process id of the session's backend")
    started: str = Field(description="Start of the session, RFC 3339 with microseconds, as pg_sessions gives it")
    idle_since: str | None = Field(
        default=None, description="As pg_sessions gives it: the session is skipped when it was used after this"
    )


NamedSessions = Annotated[list[SessionRef], Field(description="The sessions, as pg_sessions names them")]


def postgres_tools(databases: PostgresDatabases, sessions: PostgresSessions) -> list[ToolSpec]:
    return [*_read_tools(databases, sessions), _terminate_tool(sessions)]


def _read_tools(databases: PostgresDatabases, found: PostgresSessions) -> list[ToolSpec]:
    async def pg_activity(service: Service) -> PgActivity:
        """Who holds the connections of a PostgreSQL database, by state and by application_name (often a release).

        `used` counts client sessions without this look; `reserved` slots are kept for superusers.
        """
        return await databases.activity(service)

    async def pg_settings(service: Service, names: list[str] | None = None) -> PgSettings:
        """Settings of a PostgreSQL database with unit and source; without names a useful list."""
        if names and len(names) > MAX_SETTINGS:
            raise BadRequest(f"names has {len(names)} entries; at most {MAX_SETTINGS} are allowed")
        return await databases.settings(service, names)

    async def pg_sessions(
        service: Service,
        application_name: OptionalText = "",
        state: OptionalText = "",
        idle_longer_than_s: int | None = None,
        limit: int = 50,
    ) -> PgSessions:
        """Single client sessions of a PostgreSQL database, longest idle first.

        `application_name` is exact; `state` is active, idle, idle in transaction, … `total` counts all that match;
        at most 500 are given. `protected` says why pg_terminate_backends would leave a session alone.
        """
        return await found.find(
            service,
            application_name=application_name,
            state=state,
            idle_longer_than_s=idle_longer_than_s,
            limit=check_limit(limit, name="limit", most=MAX_SESSIONS),
        )

    return [
        ToolSpec(run=pg_activity, result=PgActivity, title="PostgreSQL activity", effect=Effect.READ),
        ToolSpec(run=pg_settings, result=PgSettings, title="PostgreSQL settings", effect=Effect.READ),
        ToolSpec(run=pg_sessions, result=PgSessions, title="PostgreSQL sessions", effect=Effect.READ),
    ]


def _terminate_tool(found: PostgresSessions) -> ToolSpec:
    def checked(sessions: list[SessionRef]) -> list[SessionName]:
        check_targets(len(sessions), name="sessions", most=found.max_targets)
        return parse_names([(each.pid, each.started, each.idle_since) for each in sessions])

    async def pg_terminate_backends(service: Service, sessions: NamedSessions) -> WriteOutcome:
        """Terminate these sessions of a PostgreSQL database, each only while process id and start still match.

        With `idle_since` a session that was used after that is skipped and reported as unchanged. Superusers,
        replication, background processes and basecamp itself are never terminated.
        """
        return await found.terminate(service, checked(sessions))

    async def preview(service: str, sessions: list[SessionRef]) -> Preview:
        return await found.preview(service, checked(sessions))

    return ToolSpec(
        run=pg_terminate_backends,
        result=WriteOutcome,
        title="Terminate PostgreSQL sessions",
        effect=Effect.DESTRUCTIVE,
        preview=preview,
    )
