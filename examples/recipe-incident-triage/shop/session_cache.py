"""session-cache: a real Redis with little memory that may not evict, its log beside the other services' logs.

    python -m shop.session_cache --log LOGS/session-cache.log --port 6379 [--memory 32mb]

Prints one JSON line `{service, url}` when Redis answers; SIGTERM stops it. Needs `redis-server`.
"""

import argparse
import asyncio
import contextlib
import shutil
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from redis.asyncio import Redis
from redis.exceptions import RedisError

from . import process

SERVICE = "session-cache"
_READY_SECONDS = 15.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """`memory` is Redis' maxmemory, as `32mb`."""

    log: Path
    port: int
    memory: str


async def run_session_cache(options: Options, stop: asyncio.Event) -> None:
    """Run redis-server until `stop` is set. Exits the program with its last words when it ends by itself."""
    program = shutil.which("redis-server")
    if program is None:
        sys.exit("redis-server is not installed: apt-get install redis-server")
    with tempfile.TemporaryDirectory(prefix="session-cache-") as folder:
        server = await asyncio.create_subprocess_exec(
            *(program, "--bind", "127.0.0.1", "--port", str(options.port), "--dir", folder),
            *("--maxmemory", options.memory, "--maxmemory-policy", "noeviction", "--save", "", "--appendonly", "no"),
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        try:
            await _serve(server, options, stop)
        finally:
            if server.returncode is None:
                server.terminate()
            await server.wait()


async def _serve(server: asyncio.subprocess.Process, options: Options, stop: asyncio.Event) -> None:
    copying = asyncio.create_task(_copy_log(server, options.log))
    ended = asyncio.create_task(server.wait())
    told = asyncio.create_task(stop.wait())
    try:
        url = f"redis://127.0.0.1:{options.port}/0"
        await _until_it_answers(url, server.pid, ended)
        if not ended.done():
            process.announce(service=SERVICE, url=url)
            await asyncio.wait({ended, told}, return_when=asyncio.FIRST_COMPLETED)
        if ended.done():
            await copying
            last = options.log.read_text(encoding="utf-8").splitlines()[-5:]
            sys.exit("\n".join([f"redis-server ended with code {server.returncode}:", *last]))
    finally:
        for task in (copying, ended, told):
            task.cancel()


async def _until_it_answers(url: str, pid: int, ended: "asyncio.Task[int]") -> None:
    """Wait for the server with `pid`: on a port that is taken another Redis answers while this one is still ending."""
    async with asyncio.timeout(_READY_SECONDS), Redis.from_url(url) as client:
        while not ended.done():
            with contextlib.suppress(RedisError):
                if (await client.info("server"))["process_id"] == pid:
                    return
            await asyncio.sleep(0.05)


async def _copy_log(server: asyncio.subprocess.Process, path: Path) -> None:
    """Each line behind its time in RFC 3339, as container runtimes keep it: Redis writes none that names its zone."""
    assert server.stdout is not None, "it was opened as a pipe"
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a", encoding="utf-8", buffering=1) as log:
        async for line in server.stdout:
            at = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
            if text := line.decode("utf-8", "replace").rstrip():
                log.write(f"{at} {text}\n")


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m shop.session_cache", description=__doc__)
    parser.add_argument("--log", type=Path, required=True, help="log file")
    parser.add_argument("--port", type=int, default=6379)
    parser.add_argument("--memory", default="32mb", help="maxmemory")
    process.run(partial(run_session_cache, Options(**vars(parser.parse_args(arguments)))))


if __name__ == "__main__":
    main()
