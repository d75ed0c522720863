"""Node.js programs of this folder, with the packages of package-lock.json installed outside the sources."""

import asyncio
import contextlib
import hashlib
import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any

from tests.slackbox.interop.reports import Reports

HERE = Path(__file__).parent
CACHE = HERE.parents[2] / ".aiops" / "javascript-clients"
SPECIFICATION = ("package.json", "package-lock.json", ".npmrc")
# What npm says when it cannot reach its registry; anything else is a fault of the lock file and must be seen.
UNREACHABLE = ("ENOTFOUND", "EAI_AGAIN", "ECONNREFUSED", "ECONNRESET", "ETIMEDOUT", "ENETUNREACH", "network")


class RegistryUnreachableError(Exception):
    """npm could not fetch packages; the message is npm's own."""


def installed_packages() -> Path:
    """The folder with node_modules of the lock file, filled by npm at the first call and then kept.

    Raises RegistryUnreachableError, or AssertionError when npm fails for another reason.
    """
    wanted = hashlib.sha256(b"".join((HERE / name).read_bytes() for name in SPECIFICATION)).hexdigest()[:16]
    ready = CACHE / wanted
    if ready.is_dir():
        return ready
    CACHE.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=CACHE) as name:
        folder = Path(name) / "packages"
        folder.mkdir()
        for part in SPECIFICATION:
            shutil.copyfile(HERE / part, folder / part)
        _install(folder)
        # Another run may have been faster; both folders hold the same.
        with contextlib.suppress(OSError):
            folder.rename(ready)
    return ready


def _install(folder: Path) -> None:
    options = ["--ignore-scripts", "--no-audit", "--no-fund", "--fetch-retries=1", "--fetch-retry-mintimeout=1000"]
    done = subprocess.run(["npm", "ci", *options], cwd=folder, capture_output=True, text=True, timeout=150)
    if done.returncode == 0:
        return
    lines = done.stderr.strip().splitlines()
    unreachable = [line for line in lines if any(word in line for word in UNREACHABLE)]
    if unreachable:
        raise RegistryUnreachableError(unreachable[0])
    raise AssertionError("npm ci failed:\n" + "\n".join(lines[-20:]))


def node_version() -> tuple[int, ...]:
    said = subprocess.run(["node", "--version"], capture_output=True, text=True, timeout=30, check=True).stdout
    return tuple(int(part) for part in said.strip().removeprefix("v").split("."))


def settings_of(box: Any, **more: Any) -> dict[str, Any]:
    return {"apiUrl": box.api_url, "botToken": box.bot_token, "appToken": box.app_token, **more}


@contextlib.asynccontextmanager
async def running_program(
    name: str, settings: Mapping[str, Any], reports: Reports
) -> AsyncIterator[asyncio.subprocess.Process]:
    """Run one program for the length of the block; each line it prints becomes a report.

    It is asked to stop by closing its standard input, and killed when it does not within ten seconds.
    """
    # Loopback needs no proxy, and one of the two generations of clients would use it all the same.
    environment = {key: value for key, value in os.environ.items() if not key.lower().endswith("_proxy")}
    process = await asyncio.create_subprocess_exec(
        "node",
        HERE / name,
        json.dumps(settings),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env=environment,
        limit=1 << 20,
    )
    reading = asyncio.create_task(_read(process, reports))
    try:
        yield process
    finally:
        assert process.stdin is not None
        process.stdin.close()
        try:
            await asyncio.wait_for(process.wait(), 10)
        except TimeoutError:
            process.kill()
            await process.wait()
            reports.add("killed", text=f"{name} did not stop within 10 s")
        await reading


async def _read(process: asyncio.subprocess.Process, reports: Reports) -> None:
    assert process.stdout is not None
    assert process.stderr is not None
    errors = asyncio.create_task(process.stderr.read())
    async for line in process.stdout:
        said = json.loads(line)
        reports.add(said.pop("kind"), **said)
    reports.add("exit", code=await process.wait(), stderr=(await errors).decode())
