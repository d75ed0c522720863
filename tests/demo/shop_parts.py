"""The shop's parts, and the real servers beside them, as programs that a test starts and ends."""

import asyncio
import contextlib
import json
import os
import shutil
import signal
import socket
import sys
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path

import httpx
import psycopg
from shop.orders_db import OrdersDb

RECIPE = Path(__file__).parents[2] / "examples" / "recipe-incident-triage"
PACE = "20"


@dataclass(frozen=True)
class Part:
    ready: dict
    process: asyncio.subprocess.Process


@contextlib.asynccontextmanager
async def part(name: str, *arguments: object) -> AsyncIterator[Part]:
    """One part of the shop as its own program; ended with SIGTERM, which must end it cleanly."""
    program = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        f"shop.{name}",
        *(str(argument) for argument in arguments),
        stdout=asyncio.subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": str(RECIPE)},
    )
    try:
        line = await asyncio.wait_for(program.stdout.readline(), 20)
        yield Part(json.loads(line), program)
    finally:
        if program.returncode is None:
            program.send_signal(signal.SIGTERM)
        code = await asyncio.wait_for(program.wait(), 10)
    assert code == 0


def checkout(database: OrdersDb, version: str, log: Path) -> contextlib.AbstractAsyncContextManager[Part]:
    return part("checkout", "--dsn", database.dsn, "--version", version, "--log", log, "--port", 0, "--pace", PACE)


async def until(look: Callable[[], object], *, within: float = 15) -> object:
    """The first true answer of `look`."""
    async with asyncio.timeout(within):
        while not (found := await asyncio.to_thread(look)):
            await asyncio.sleep(0.05)
        return found


def page(url: str) -> str:
    return httpx.get(f"{url}/metrics", timeout=5).raise_for_status().text


def sample(text: str, name: str, **labels: str) -> float:
    """Sum of the samples of a metrics page that carry the labels."""
    lines = [line for line in text.splitlines() if line.startswith(f"{name}{{")]
    chosen = [line for line in lines if all(f'{key}="{value}"' in line for key, value in labels.items())]
    return sum(float(line.rsplit(" ", 1)[1]) for line in chosen)


def sessions(database: OrdersDb, version: str) -> list[tuple[str, str]]:
    """State and last statement of every session of one release."""
    with psycopg.connect(database.superuser_dsn, application_name="test") as connection:
        return connection.execute(
            "select state, query from pg_stat_activity where application_name = %s", [f"checkout/{version}"]
        ).fetchall()


async def result_of(client: httpx.AsyncClient, path: str, **parameters: object) -> dict:
    answer = await client.get(path, params=parameters)
    assert answer.status_code == 200, answer.text
    return answer.json()["data"]


def program(name: str) -> str:
    found = shutil.which(name)
    assert found, f"{name} is not installed; the mark external_service decides whether the test runs"
    return found


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return listener.getsockname()[1]


@contextlib.asynccontextmanager
async def server(url: str, *command: str) -> AsyncIterator[httpx.AsyncClient]:
    running = await asyncio.create_subprocess_exec(*command, stderr=asyncio.subprocess.DEVNULL)
    try:
        async with httpx.AsyncClient(base_url=url, timeout=5) as client, asyncio.timeout(20):
            while True:
                with contextlib.suppress(httpx.HTTPError):
                    if (await client.get("/-/ready")).status_code == 200:
                        break
                await asyncio.sleep(0.05)
        async with httpx.AsyncClient(base_url=url, timeout=5) as client:
            yield client
    finally:
        running.terminate()
        await asyncio.wait_for(running.wait(), 10)


async def real_prometheus(stack: contextlib.AsyncExitStack, config: Path, data: Path) -> httpx.AsyncClient:
    port = free_port()
    return await stack.enter_async_context(
        server(
            f"http://127.0.0.1:{port}",
            program("prometheus"),
            f"--config.file={config}",
            f"--storage.tsdb.path={data}",
            "--storage.tsdb.retention.time=100y",
            f"--web.listen-address=127.0.0.1:{port}",
        )
    )
