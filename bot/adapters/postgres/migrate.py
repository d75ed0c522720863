"""Forward-only, numbered SQL migrations; each runs once, in one transaction, under a lock."""

import re
from pathlib import Path
from typing import LiteralString, NamedTuple, cast

from psycopg import AsyncConnection

from bot.adapters.postgres.session import wrapped_errors
from bot.core.errors import ConfigError

_FOLDER = Path(__file__).parent / "migrations"
_NAME = re.compile(r"^(\d{4})_[a-z0-9_]+\.sql$")

_PREPARE = (
    "create schema if not exists aiops",
    # LangGraph's checkpointer keeps its own tables and its own migrations here.
    "create schema if not exists aiops_checkpoint",
    "create extension if not exists vector with schema public",
    """create table if not exists aiops.schema_migration (
        number integer primary key, name text not null, applied_at timestamptz not null default clock_timestamp()
    )""",
)
_LOCK = "select pg_advisory_xact_lock(hashtext('aiops.migrate'))"
_APPLIED = "select number from aiops.schema_migration"
_RECORD = "insert into aiops.schema_migration (number, name) values (%s, %s)"


class Migration(NamedTuple):
    """One file."""

    number: int
    name: str
    sql: LiteralString


def load_migrations(folder: Path = _FOLDER) -> list[Migration]:
    """Every migration in order. Raises ConfigError for a badly named file or a number used twice."""
    found: dict[int, Migration] = {}
    for path in sorted(folder.glob("*.sql")):
        match = _NAME.match(path.name)
        if match is None:
            raise ConfigError(f"{path}: a migration is named 0002_what_it_does.sql")
        number = int(match[1])
        if number in found:
            raise ConfigError(f"{path}: number {number} is taken by {found[number].name}")
        # Typed as a literal because it comes from a file of ours, never from input.
        found[number] = Migration(number, path.name, cast("LiteralString", path.read_text(encoding="utf-8")))
    return [found[number] for number in sorted(found)]


async def migrate(dsn: str) -> list[str]:
    """Apply what is missing; the names of what was applied. Safe to call from several processes at once."""
    applied: list[str] = []
    async with wrapped_errors(), await AsyncConnection.connect(dsn, connect_timeout=5) as connection:
        await connection.execute(_LOCK)
        for statement in _PREPARE:
            await connection.execute(statement)
        known = {row[0] for row in await (await connection.execute(_APPLIED)).fetchall()}
        for migration in load_migrations():
            if migration.number not in known:
                await connection.execute(migration.sql)
                await connection.execute(_RECORD, (migration.number, migration.name))
                applied.append(migration.name)
    return applied


async def missing(dsn: str) -> list[str]:
    """Names of migrations that have not been applied."""
    async with wrapped_errors(), await AsyncConnection.connect(dsn, connect_timeout=5) as connection:
        exists = await (await connection.execute("select to_regclass('aiops.schema_migration')")).fetchone()
        if exists is None or exists[0] is None:
            return [migration.name for migration in load_migrations()]
        known = {row[0] for row in await (await connection.execute(_APPLIED)).fetchall()}
    return [migration.name for migration in load_migrations() if migration.number not in known]
