"""Redis: a release of storefront that keeps whole pages in the session cache and never lets them expire."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from redis.asyncio import Redis
from redis.exceptions import RedisError

from .programs import Cast, Program, python, together
from .scenario import Announce, Need, Scenario, Words

_GOOD, _BAD = "5.2.4", "5.3.0"
_MEMORY = "32mb"
_ROOM = 0.8


@dataclass(slots=True, kw_only=True)
class _Shop:
    """session-cache, a Redis that may not evict; its exporter, storefront, and search beside them."""

    cast: Cast
    folder: Path
    url: str
    port: int
    targets: Mapping[str, str]
    sections: Mapping[str, object]
    storefront: Program | None = field(default=None)

    async def run(self, release: str) -> None:
        """Storefront in another release, at the same address."""
        if self.storefront is not None:
            await self.cast.stop(self.storefront)
        command = python(
            "shop.storefront",
            *("--redis", self.url, "--version", release, "--port", str(self.port)),
            *("--log", str(self.folder / "logs" / "storefront.log")),
        )
        self.storefront = await self.cast.start("storefront", command)

    async def break_it(self) -> None:
        await self.run(_BAD)

    async def put_right(self) -> None:
        await self.run(_GOOD)

    async def problems(self) -> Sequence[str]:
        try:
            async with Redis.from_url(self.url) as client:
                memory = await client.info("memory")
                await client.set("session:probe", b"x" * 4096, ex=5)
        except RedisError as error:
            return [f"session-cache does not take a session: {error}"]
        used = memory["used_memory"] / memory["maxmemory"]
        return [f"session-cache is still {used:.0%} full"] if used > _ROOM else []


async def _open(cast: Cast, folder: Path, announce: Announce) -> _Shop:
    announce(f"Starting session-cache, a Redis of {_MEMORY}; storefront, its exporter and the service search")
    logs, port = folder / "logs", cast.free_port()
    cache = await cast.start(
        "session-cache",
        python(
            "shop.session_cache",
            *("--log", str(logs / "session-cache.log"), "--memory", _MEMORY, "--port", str(cast.free_port())),
        ),
    )
    url = str(cache.ready["url"])
    exporter, search = await together(
        cast.start("exporter", python("shop.redis_exporter", "--redis", url, "--port", str(cast.free_port()))),
        cast.start(
            "search", python("shop.bystander", "--log", str(logs / "search.log"), "--port", str(cast.free_port()))
        ),
    )
    shop = _Shop(
        cast=cast,
        folder=folder,
        url=url,
        port=port,
        targets={"storefront": f"127.0.0.1:{port}", "session-cache": exporter.address, "search": search.address},
        sections={"redis": {"session-cache": {"url": url, "max_memory": "64mb"}}},
    )
    await shop.run(_GOOD)
    return shop


REDIS = Scenario(
    name="redis",
    alert="RedisMemoryHigh",
    open=_open,
    culprit=f"deploy-storefront-{_BAD}",
    release=_BAD,
    needs=(Need(program="redis-server", package="redis-server"),),
    healthy_s=12.0,
    words=Words(
        healthy=f"storefront {_GOOD} is serving visitors",
        breaking=f"Deploying storefront {_BAD}: it keeps rendered pages in session-cache and forgets their time to live",
        asking="removes the pages that nobody has read since",
        helped="The forgotten pages are gone",
        after=f"Rolling storefront back to {_GOOD}, so that it does not fill the cache again",
        truth=f"storefront {_BAD} keeps rendered pages in session-cache and forgets their time to live",
        moved="keys on session-cache",
    ),
)
