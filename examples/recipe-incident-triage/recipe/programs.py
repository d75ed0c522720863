"""Starting and stopping the programs of the recipe."""

import asyncio
import contextlib
import json
import os
import random
import socket
import sys
from collections.abc import Awaitable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self, TypeVar

_READY_S = 60.0
_STOP_S = 15.0

_PORTS = range(15_000, 32_000)


_A = TypeVar("_A")
_B = TypeVar("_B")


class RecipeError(Exception):
    """Something in the recipe did not come up or did not happen; the message says what and where to look."""


class MissingProgramError(RecipeError):
    """A server program that the scenario needs is not installed; the message says how to get it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Program:
    """A running program. `ready` is the JSON line it printed, if it prints one."""

    name: str
    process: asyncio.subprocess.Process
    log: Path
    ready: Mapping[str, Any]

    @property
    def address(self) -> str:
        """Host and port of the URL that it announced."""
        return str(self.ready["url"]).removeprefix("http://")

    async def stop(self) -> None:
        """SIGTERM, and SIGKILL for one that does not listen."""
        if self.process.returncode is not None:
            return
        with contextlib.suppress(ProcessLookupError):
            self.process.terminate()
        try:
            async with asyncio.timeout(_STOP_S):
                await self.process.wait()
        except TimeoutError:
            self.process.kill()
            await self.process.wait()

    def check(self) -> None:
        """Raises RecipeError when it has ended by itself."""
        if self.process.returncode is not None:
            raise RecipeError(f"{self.name} ended with code {self.process.returncode}:\n{self.tail()}")

    def tail(self) -> str:
        """The end of its log."""
        lines = self.log.read_text(encoding="utf-8", errors="replace").splitlines()
        return "\n".join(lines[-15:])


def python(module: str, *args: str) -> list[str]:
    """The command that runs a module with this interpreter."""
    return [sys.executable, "-m", module, *args]


async def start(
    name: str,
    command: Sequence[str],
    *,
    logs: Path,
    environment: Mapping[str, str] | None = None,
    announces: bool = True,
) -> Program:
    """Start a program; when it `announces` itself, wait for its JSON line. Raises RecipeError with its last words."""
    log = logs / f"{name}.stderr.log"
    try:
        with log.open("ab") as sink:
            process = await asyncio.create_subprocess_exec(
                *command,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.PIPE if announces else sink,
                stderr=sink,
                env={**os.environ, **(environment or {})},
                # A Ctrl-C in the terminal is for the recipe, which then stops its programs in order.
                start_new_session=True,
            )
    except OSError as error:
        raise RecipeError(f"{name} could not be started: {error}") from error
    program = Program(name=name, process=process, log=log, ready={})
    if not announces:
        return program
    try:
        ready = await _announcement(process)
    except (TimeoutError, json.JSONDecodeError) as error:
        await program.stop()
        raise RecipeError(f"{name} did not come up:\n{program.tail()}") from error
    except asyncio.CancelledError:
        # Nobody knows of it yet, so nobody else would stop it.
        await program.stop()
        raise
    return Program(name=name, process=process, log=log, ready=ready)


async def _announcement(process: asyncio.subprocess.Process) -> Mapping[str, Any]:
    assert process.stdout is not None, "it was opened as a pipe"
    async with asyncio.timeout(_READY_S):
        line = await process.stdout.readline()
    return json.loads(line)


async def together(first: Awaitable[_A], second: Awaitable[_B]) -> tuple[_A, _B]:
    """Both at once; when one fails the other is waited for, so that it is known and can be stopped."""
    one, other = await asyncio.gather(first, second, return_exceptions=True)
    if isinstance(one, BaseException):
        raise one
    if isinstance(other, BaseException):
        raise other
    return one, other


class Cast:
    """Every running program; leaving the block stops them all."""

    def __init__(self, logs: Path) -> None:
        self.logs = logs
        self._running: list[Program] = []
        self._ports: set[int] = set()

    def free_port(self) -> int:
        """
        A port that was free a moment ago and goes to nobody else of the cast, below the range from which Linux takes
        ports for outgoing connections.

        Some bind theirs half a minute later; from the ephemeral range a connection could have taken it by then.
        """
        for port in random.SystemRandom().sample(_PORTS, 50):
            if port in self._ports:
                continue
            with contextlib.suppress(OSError), socket.create_server(("127.0.0.1", port)):
                self._ports.add(port)
                return port
        raise RecipeError(f"no free port among {_PORTS.start} to {_PORTS.stop - 1}")

    async def start(
        self,
        name: str,
        command: Sequence[str],
        *,
        environment: Mapping[str, str] | None = None,
        announces: bool = True,
    ) -> Program:
        """Start one and remember it."""
        program = await start(name, command, logs=self.logs, environment=environment, announces=announces)
        self._running.append(program)
        return program

    @property
    def running(self) -> Sequence[Program]:
        """In the order in which they were started."""
        return tuple(self._running)

    async def stop(self, program: Program) -> None:
        """Stop one."""
        self._running.remove(program)
        await program.stop()

    def check(self) -> None:
        """Raises RecipeError when any of them has ended by itself."""
        for program in self._running:
            program.check()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *error: object) -> None:
        # All at once, the last one first: each is given its time, and nobody waits for their sum.
        await asyncio.gather(*(program.stop() for program in reversed(self._running)))
