"""Diagnostics: a look inside one system."""

from __future__ import annotations

from basecamp.backends.postgres import PostgresDatabases
from basecamp.errors import BadRequest
from basecamp.results import PgActivity, PgSettings
from basecamp.tools import Effect, Service, ToolSpec

MAX_SETTINGS = 100


def postgres_tools(databases: PostgresDatabases) -> list[ToolSpec]:
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

    return [
        ToolSpec(run=pg_activity, result=PgActivity, title="PostgreSQL sessions", effect=Effect.READ),
        ToolSpec(run=pg_settings, result=PgSettings, title="PostgreSQL settings", effect=Effect.READ),
    ]
