"""reporting: writes the day's report through connections of its own, one for each part.

    python -m recording.sessions --dsn DSN --version 1.4.0 --count 16 --log LOGS/reporting.log

Prints one JSON line `{service, version}` when ready; SIGTERM closes its sessions.
"""

import argparse
import asyncio
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import psycopg
from shop import process
from shop.logs import ServiceLog
from shop.pool import Connector

SERVICE = "reporting"
_EACH_S = 0.8


async def run_reporting(dsn: str, version: str, count: int, path: Path, stop: asyncio.Event) -> None:
    """Open one connection after another and keep them; a part that gets none tries again with the next."""
    log = ServiceLog(SERVICE, path)
    connector = Connector(dsn, f"{SERVICE}/{version}")
    process.announce(service=SERVICE, version=version)
    log.info("reporting started", version=version, parts=count, parallel=count)
    held: list[psycopg.AsyncConnection] = []
    part = 0
    while not await process.stopped_within(stop, _EACH_S):
        if part >= count:
            continue
        part += 1
        try:
            connection = await connector.open()
            await connection.execute("select count(*) from orders")
            held.append(connection)
            log.info("part opened", part=part, of=count, connections=len(held), version=version)
        except psycopg.Error as error:
            log.failure("part waits for a connection", error, part=part)
    for connection in held:
        await connection.close()
    log.close()


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m recording.sessions", description=__doc__)
    parser.add_argument("--dsn", required=True, help="orders-db as the ordinary role")
    parser.add_argument("--version", required=True)
    parser.add_argument("--count", type=int, required=True, help="how many connections it keeps")
    parser.add_argument("--log", type=Path, required=True)
    given = parser.parse_args(arguments)
    process.run(partial(run_reporting, given.dsn, given.version, given.count, given.log))


if __name__ == "__main__":
    main()
