"""The ways in which a running system is broken, and in which looking at it is made harder."""

import asyncio
import contextlib
import json
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from recipe.programs import Cast, Program, RecipeError, python
from recipe.stage import Stage
from redis.asyncio import Redis

from .fault import Deed


def all_of(*deeds: Deed) -> Deed:
    """One after the other."""

    async def do(stage: Stage) -> None:
        for deed in deeds:
            await deed(stage)

    return do


async def nothing(stage: Stage) -> None:
    """Leave the system as it is."""


def checkout(release: str, *, pace: float) -> Deed:
    """Deploy a release of checkout; `pace` multiplies how fast orders come."""

    async def do(stage: Stage) -> None:
        shop: Any = stage.shop
        await shop.cast.stop(shop.checkout)
        command = python(
            "shop.checkout",
            *("--dsn", shop.dsn, "--version", release, "--port", str(shop.port)),
            *("--log", str(_logs(stage) / "checkout.log"), "--pace", str(pace)),
        )
        shop.checkout = await shop.cast.start("checkout", command)

    return do


def report(parts: int, release: str) -> Deed:
    """Run the reporting job with so many connections."""

    async def do(stage: Stage) -> None:
        shop: Any = stage.shop
        command = python(
            "recording.sessions",
            *("--dsn", shop.dsn, "--version", release, "--count", str(parts)),
            *("--log", str(_logs(stage) / "reporting.log")),
        )
        await shop.cast.start("reporting", command)

    return do


def storefront(release: str, *, pace: float) -> Deed:
    """Deploy a release of storefront."""

    async def do(stage: Stage) -> None:
        shop: Any = stage.shop
        await shop.cast.stop(shop.storefront)
        shop.storefront = await shop.cast.start("storefront", _storefront(stage, release, shop.port, pace))

    return do


def more_visitors(replicas: int, *, pace: float) -> Deed:
    """So many more replicas of the storefront that runs, each with its own visitors."""

    async def do(stage: Stage) -> None:
        shop: Any = stage.shop
        targets = json.loads((stage.folder / "targets.json").read_text(encoding="utf-8"))
        for number in range(replicas):
            port = shop.cast.free_port()
            seed = ("--seed", str(100 + number))
            await shop.cast.start(f"storefront-{number}", [*_storefront(stage, "5.2.4", port, pace), *seed])
            targets.append({"targets": [f"127.0.0.1:{port}"], "labels": {"service": "storefront"}})
        (stage.folder / "targets.json").write_text(json.dumps(targets), encoding="utf-8")

    return do


def _storefront(stage: Stage, release: str, port: int, pace: float) -> list[str]:
    shop: Any = stage.shop
    return python(
        "shop.storefront",
        *("--redis", shop.url, "--version", release, "--port", str(port)),
        *("--log", str(_logs(stage) / "storefront.log"), "--pace", str(pace)),
    )


def cache_limit(memory: str) -> Deed:
    """Set Redis' maxmemory while it runs."""

    async def do(stage: Stage) -> None:
        shop: Any = stage.shop
        async with Redis.from_url(shop.url) as client:
            await client.config_set("maxmemory", memory)

    return do


def patch_payments(patch: dict[str, Any]) -> Deed:
    """Change the deployment as CI's own user."""

    async def do(stage: Stage) -> None:
        shop: Any = stage.shop
        await shop.ask("PATCH", json.dumps(patch))

    return do


def container(**fields: Any) -> dict[str, Any]:
    """A patch of payments' container."""
    return {"spec": {"template": {"spec": {"containers": [{"name": "payments", **fields}]}}}}


async def scenario_release(stage: Stage) -> None:
    """Deploy the release that breaks the base scenario."""
    await stage.shop.break_it()


def stop(name: str) -> Deed:
    """End a program, as a crash or an operator would."""

    async def do(stage: Stage) -> None:
        await stage.cast.stop(_program(stage.cast, name))

    return do


async def lose_logs(stage: Stage) -> None:
    """Take the services' log files away, as a log shipper that is down would."""
    for path in _logs(stage).glob("*.log"):
        if not path.name.endswith(".stderr.log"):
            path.unlink()


def write_log(service: str, lines: Sequence[str], *, times: int = 1) -> Deed:
    """Append lines to a service's log, where a user's own words end up too."""

    async def do(stage: Stage) -> None:
        at = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        text = "".join(f"{at} {line}\n" for line in lines)
        path = _logs(stage) / f"{service}.log"
        for _ in range(times):
            await asyncio.to_thread(_append, path, text)

    return do


def _append(path: Path, text: str) -> None:
    with path.open("a", encoding="utf-8") as log:
        log.write(text)


def _logs(stage: Stage) -> Path:
    return stage.folder / "logs"


def _program(cast: Cast, name: str) -> Program:
    with contextlib.suppress(StopIteration):
        return next(one for one in cast.running if one.name == name)
    raise RecipeError(f"{name} does not run; running: {', '.join(one.name for one in cast.running)}")
