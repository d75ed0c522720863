"""storefront: serves pages and keeps its visitors' sessions in session-cache.

    python -m shop.storefront --redis URL --version 5.3.0 --log LOGS/storefront.log --port 9104

Prints one JSON line `{service, version, url}` when ready; SIGTERM stops it. From release 5.3.0 on it also keeps rendered
home pages there; 5.3.0 itself forgets their time to live, and asks for them under a key that nobody wrote.
"""

import argparse
import asyncio
import random
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from time import perf_counter

from redis.asyncio import Redis
from redis.exceptions import RedisError

from . import process
from .logs import ServiceLog
from .metrics import RequestMetrics
from .payments import parse_version

SERVICE = "storefront"
VISITS_PER_SECOND = 6.0
OUTCOMES = ("ok", "error")
MARKETS = (
    "at", "be", "bg", "ch", "cz", "de", "dk", "ee", "es", "fi", "fr", "gr",
    "hr", "hu", "ie", "it", "lt", "lv", "nl", "no", "pl", "pt", "ro", "se",
)  # fmt: skip

_SESSION_SECONDS = 1800
_SIGNED_IN = 2000
_SESSION_BYTES = 4000
_PAGE_BYTES = 32_000
_MARKET_PAGE_BYTES = 500_000
_CACHED_FROM = (5, 3, 0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """`pace` multiplies how fast visitors come: 1 is the demo's, about 6 a second."""

    redis: str
    version: str
    log: Path
    host: str = "127.0.0.1"
    port: int = 0
    pace: float = 1.0
    seed: int = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class PageCache:
    """Rendered home pages: one for each market from the start, one for each visitor as they come."""

    client: Redis
    chance: random.Random
    seconds: int | None
    """How long a page is kept; the fault of 5.3.0 is that this is None."""

    async def warm(self) -> None:
        """Render every market's page once."""
        for market in MARKETS:
            await self._keep(f"home_page:{market}", _MARKET_PAGE_BYTES)

    async def serve(self, market: str, visitor: str) -> None:
        """The visitor's page, from the cache or rendered."""
        key = f"home_page:{market}:{visitor}"
        if await self.client.get(key) is None:
            await self._keep(key, _PAGE_BYTES)

    async def _keep(self, key: str, size: int) -> None:
        await self.client.set(key, self.chance.randbytes(size), ex=self.seconds)


@dataclass(frozen=True, slots=True, kw_only=True)
class Storefront:
    """One running release."""

    release: str
    client: Redis
    pages: PageCache | None
    metrics: RequestMetrics
    log: ServiceLog
    chance: random.Random

    async def start(self) -> None:
        """Sessions of visitors who are signed in already, and the pages that a release keeps."""
        try:
            for number in range(_SIGNED_IN):
                await self._keep_session(f"session:{number:08}")
            if self.pages is not None:
                await self.pages.warm()
        except RedisError as error:
            self.log.warning(f"started with a cold cache: {_told(error)}", release=self.release)

    async def serve_visit(self) -> None:
        """Serve one visitor; a session that cannot be kept signs the visitor out, and is an error."""
        market, visitor = self.chance.choice(MARKETS), f"{self.chance.randrange(10**8):08}"
        started = perf_counter()
        try:
            await self._keep_session(f"session:{visitor}")
        except RedisError as error:
            self.metrics.observe("error", perf_counter() - started)
            self.log.failure(f"session not kept, visitor signed out: {_told(error)}", error, release=self.release)
            return
        if self.pages is not None:
            await self._serve_page(self.pages, market, visitor)
        seconds = perf_counter() - started
        self.metrics.observe("ok", seconds)
        self.log.info("page served", market=market, duration_ms=round(seconds * 1000))

    async def _serve_page(self, pages: PageCache, market: str, visitor: str) -> None:
        try:
            await pages.serve(market, visitor)
        except RedisError as error:
            # The page is rendered all the same.
            self.log.warning(f"home_page not cached: {_told(error)}", release=self.release)

    async def _keep_session(self, key: str) -> None:
        await self.client.set(key, self.chance.randbytes(_SESSION_BYTES), ex=_SESSION_SECONDS)


def _told(error: RedisError) -> str:
    """What Redis said; its client takes the error's first word off."""
    return f"OOM {error}" if type(error).__name__ == "OutOfMemoryError" else str(error)


async def run_storefront(options: Options, stop: asyncio.Event) -> None:
    """Serve visitors until `stop` is set."""
    release = parse_version(options.version)
    metrics = RequestMetrics(SERVICE, options.version, OUTCOMES)
    log = ServiceLog(SERVICE, options.log)
    chance = random.Random(options.seed)
    async with (
        Redis.from_url(options.redis, socket_timeout=5, client_name=f"{SERVICE}/{options.version}") as client,
        process.serving(metrics.app(), host=options.host, port=options.port) as url,
    ):
        seconds = None if release == _CACHED_FROM else 60
        pages = PageCache(client=client, chance=chance, seconds=seconds) if release >= _CACHED_FROM else None
        storefront = Storefront(
            release=options.version, client=client, pages=pages, metrics=metrics, log=log, chance=chance
        )
        log.info("storefront started", version=options.version)
        await storefront.start()
        process.announce(service=SERVICE, version=options.version, url=url)
        gap = 1 / (VISITS_PER_SECOND * options.pace)
        while not await process.stopped_within(stop, chance.uniform(0.5, 1.5) * gap):
            await storefront.serve_visit()
        log.info("storefront stopping", version=options.version)
    log.close()


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m shop.storefront", description=__doc__)
    parser.add_argument("--redis", required=True, help="session-cache, as redis://127.0.0.1:6379/0")
    parser.add_argument("--version", required=True, help="the release to run, as 5.3.0")
    parser.add_argument("--log", type=Path, required=True, help="log file")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=9104, help="0 picks a free one")
    parser.add_argument("--pace", type=float, default=1.0, help="how many times faster than the demo visitors come")
    parser.add_argument("--seed", type=int, default=5, help="of markets, visitors and the gaps between them")
    options = parser.parse_args(arguments)
    try:
        parse_version(options.version)
    except ValueError as error:
        parser.error(f"argument --version: {error}")
    process.run(partial(run_storefront, Options(**vars(options))))


if __name__ == "__main__":
    main()
