"""Starting, watching and stopping the programs that are measured."""

import asyncio
import contextlib
import json
import os
import socket
import sys
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

ROOT = Path(__file__).parents[2]
_STOP_S = 30.0
_READY_S = 90.0


class BenchError(Exception):
    """A program did not do what the measurement needs; the message says which and where its log is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Program:
    """A running program; what it says on standard error goes to `log`."""

    name: str
    process: asyncio.subprocess.Process
    log: Path
    announced: Mapping[str, Any]

    @property
    def pid(self) -> int:
        return self.process.pid

    def tail(self) -> str:
        """The end of its log."""
        return "\n".join(self.log.read_text(encoding="utf-8", errors="replace").splitlines()[-15:])

    def check(self) -> None:
        """Raises BenchError when it has ended by itself."""
        if self.process.returncode is not None:
            raise BenchError(f"{self.name} ended with code {self.process.returncode}:\n{self.tail()}")

    async def stop(self) -> None:
        """SIGTERM; SIGKILL for one that does not end in time."""
        if self.process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                self.process.terminate()
        try:
            async with asyncio.timeout(_STOP_S):
                await self.process.wait()
        except TimeoutError:
            await self.kill()

    async def kill(self) -> None:
        """SIGKILL."""
        with contextlib.suppress(ProcessLookupError):
            self.process.kill()
        await self.process.wait()


def free_port() -> int:
    """A port that was free a moment ago."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return listener.getsockname()[1]


async def spawn(
    module: str, *args: str, logs: Path, environment: Mapping[str, str] | None = None, announces: bool = True
) -> Program:
    """Run a module of this repository; when it `announces` itself, wait for its JSON line. Raises BenchError."""
    log = await asyncio.to_thread(_log_file, logs, module)
    with log.open("ab") as sink:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            module,
            *args,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE if announces else sink,
            stderr=sink,
            # In a fresh folder: a .env or aiops.yaml of whoever runs the benchmark must not take part.
            cwd=logs,
            env=_environment(environment or {}),
            limit=64 * 1024 * 1024,
        )
    program = Program(name=module, process=process, log=log, announced={})
    if not announces:
        return program
    return Program(name=module, process=process, log=log, announced=await _announcement(program))


def _log_file(folder: Path, module: str) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    return folder / f"{module}.log"


def _environment(extra: Mapping[str, str]) -> dict[str, str]:
    ours = ("SLACK_", "AIOPS_", "LLM_", "DATABASE_URL", "LOKI_URL", "EMBEDDING_MODEL", "OTEL_")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
    return {**kept, "PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1", **extra}


async def _announcement(program: Program) -> Mapping[str, Any]:
    assert program.process.stdout is not None, "it was opened as a pipe"
    try:
        async with asyncio.timeout(_READY_S):
            line = await program.process.stdout.readline()
        return json.loads(line)
    except (TimeoutError, json.JSONDecodeError) as error:
        await program.kill()
        raise BenchError(f"{program.name} did not come up:\n{program.tail()}") from error


@asynccontextmanager
async def running(
    module: str, *args: str, logs: Path, environment: Mapping[str, str] | None = None, announces: bool = True
) -> AsyncGenerator[Program]:
    """A program for as long as the body runs."""
    program = await spawn(module, *args, logs=logs, environment=environment, announces=announces)
    try:
        yield program
    finally:
        await program.stop()


async def output(module: str, args: Sequence[str], *, logs: Path, timeout_s: float) -> Any:
    """Run a module to its end and read the JSON that it prints. Raises BenchError."""
    program = await spawn(module, *args, logs=logs)
    try:
        async with asyncio.timeout(timeout_s):
            await program.process.wait()
    except TimeoutError as error:
        raise BenchError(f"{module} was not done within {timeout_s:.0f} s") from error
    finally:
        await program.kill()
    return program.announced


async def until_well(url: str, program: Program, *, every_s: float = 0.02) -> None:
    """Poll a health endpoint until it answers 200. Raises BenchError when it does not in time."""
    async with httpx.AsyncClient(timeout=5, trust_env=False) as client:
        try:
            async with asyncio.timeout(_READY_S):
                while not await _well(client, url):
                    program.check()
                    await asyncio.sleep(every_s)
        except TimeoutError as error:
            raise BenchError(f"{program.name} is not ready; its last words:\n{program.tail()}") from error


async def _well(client: httpx.AsyncClient, url: str) -> bool:
    try:
        return (await client.get(url)).status_code == 200
    except httpx.TransportError:
        return False


def memory_mb(pid: int) -> float:
    """Resident memory of a process in MB, as Linux's /proc tells it."""
    status = Path(f"/proc/{pid}/status").read_text(encoding="utf-8")
    line = next(line for line in status.splitlines() if line.startswith("VmRSS:"))
    return int(line.split()[1]) / 1024
