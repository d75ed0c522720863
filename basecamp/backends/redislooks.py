"""What is inside a Redis server: INFO in numbers, and its keys by size."""

from __future__ import annotations

import asyncio
import heapq
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from basecamp.backends.redis import RedisLook, RedisServers
from basecamp.results import RedisGroup, RedisInfo, RedisKey, RedisKeyspace, RedisMemory, RedisPersistence

MAX_GROUPS = 50
_SCAN_STEP = 500
_SEPARATOR = b":"
# Redis' glob patterns (KEYS, SCAN MATCH): these have a meaning, and a backslash takes it away.
_GLOB = re.compile(r"([*?\[\]\\^])")
_NO_EXPIRY = -1


async def look_at_info(servers: RedisServers, service: str) -> RedisInfo:
    """INFO of a server. Raises BadRequest or BackendError."""
    async with servers.connect(service) as look:
        info = await look.info()
    return parse_info(info, now=datetime.now(UTC))


async def look_at_memory(servers: RedisServers, service: str, *, limit: int, prefix: str) -> RedisMemory:
    """The biggest keys and groups of keys among those that a bounded SCAN meets. Raises BadRequest or BackendError.

    SCAN walks the hash table, whose order has nothing to do with names: a part of a large database is a fair sample.
    """
    settings = servers.settings(service)
    seconds = settings.max_scan_seconds
    async with servers.connect(service, more_seconds=seconds) as look:
        total = int(await look.ask("DBSIZE"))
        walk = _Walk(prefix=prefix.encode(), limit=limit)
        complete = await _walk(look, walk, most=settings.max_scanned_keys, seconds=seconds)
        keys = await _described(look, walk)
    return RedisMemory(
        total_keys=total,
        scanned_keys=len(walk.seen),
        complete=complete,
        scanned_bytes=walk.held,
        keys=keys,
        groups=walk.rendered_groups(),
        at=datetime.now(UTC),
    )


@dataclass(slots=True)
class _Group:
    keys: int = 0
    held: int = 0
    without_ttl: int = 0


@dataclass(slots=True, kw_only=True)
class _Walk:
    """What a walk over the keys has found so far; keeps the biggest few by name and the rest in sums."""

    prefix: bytes
    limit: int
    seen: set[bytes] = field(default_factory=set[bytes])
    held: int = 0
    groups: dict[bytes, _Group] = field(default_factory=dict[bytes, _Group])
    biggest: list[tuple[int, bytes, int]] = field(default_factory=list[tuple[int, bytes, int]])

    def take(self, key: bytes, size: int, ttl_ms: int) -> None:
        self.held += size
        head, separator, _ = key[len(self.prefix) :].partition(_SEPARATOR)
        group = self.groups.setdefault(self.prefix + head + separator if separator else b"", _Group())
        group.keys += 1
        group.held += size
        group.without_ttl += ttl_ms == _NO_EXPIRY
        heapq.heappush(self.biggest, (size, key, ttl_ms))
        if len(self.biggest) > self.limit:
            heapq.heappop(self.biggest)

    def rendered_groups(self) -> list[RedisGroup]:
        ordered = sorted(self.groups.items(), key=lambda each: (-each[1].held, each[0]))
        return [
            RedisGroup(
                prefix=_shown(prefix),
                keys=group.keys,
                bytes=group.held,
                share=_share(group.held, self.held),
                without_ttl=group.without_ttl,
                share_without_ttl=_share(group.without_ttl, group.keys),
            )
            for prefix, group in ordered[:MAX_GROUPS]
        ]


async def _walk(look: RedisLook, walk: _Walk, *, most: int, seconds: float) -> bool:
    """Walk until all keys were met, or the bound on keys or seconds; whether all were met."""
    clock = asyncio.get_running_loop().time
    until = clock() + seconds
    match = ("MATCH", _GLOB.sub(r"\\\1", walk.prefix.decode()) + "*") if walk.prefix else ()
    cursor = 0
    while True:
        cursor, found = await look.ask("SCAN", cursor, *match, "COUNT", _SCAN_STEP)
        # SCAN may give a key more than once.
        fresh = [key for key in dict.fromkeys(found) if key not in walk.seen][: most - len(walk.seen)]
        walk.seen.update(fresh)
        await _measure(look, walk, fresh)
        if int(cursor) == 0:
            return len(walk.seen) < most
        if len(walk.seen) >= most or clock() >= until:
            return False


async def _measure(look: RedisLook, walk: _Walk, keys: list[bytes]) -> None:
    sizes = await look.ask_all([("MEMORY", "USAGE", key) for key in keys])
    ends = await look.ask_all([("PTTL", key) for key in keys])
    for key, size, ttl_ms in zip(keys, sizes, ends, strict=True):
        # None: it is gone since SCAN met it.
        if size is not None:
            walk.take(key, int(size), int(ttl_ms))


async def _described(look: RedisLook, walk: _Walk) -> list[RedisKey]:
    """The biggest keys with type and idle time, biggest first; without those that went in the meantime."""
    biggest = sorted(walk.biggest, key=lambda each: (-each[0], each[1]))
    kinds = await look.ask_all([("TYPE", key) for _, key, _ in biggest])
    idles = await _idle_seconds(look, [key for _, key, _ in biggest])
    return [
        RedisKey(
            key=_shown(key),
            type=kind.decode() if isinstance(kind, bytes) else str(kind),
            bytes=size,
            idle_seconds=idle,
            ttl_seconds=None if ttl_ms < 0 else ttl_ms // 1000,
            nameable=_is_text(key),
        )
        for (size, key, ttl_ms), kind, idle in zip(biggest, kinds, idles, strict=True)
        if kind not in {b"none", "none"}
    ]


async def _idle_seconds(look: RedisLook, keys: list[bytes]) -> list[int | None]:
    """OBJECT IDLETIME; unknown under an LFU policy, where Redis keeps how often instead of when."""
    policy = str((await look.info()).get("maxmemory_policy", ""))
    if policy.endswith("-lfu"):
        return [None] * len(keys)
    return [
        None if idle is None else int(idle) for idle in await look.ask_all([("OBJECT", "IDLETIME", k) for k in keys])
    ]


def _shown(key: bytes) -> str:
    return key.decode("utf-8", "backslashreplace")


def _is_text(key: bytes) -> bool:
    try:
        key.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def _share(part: int, whole: int) -> float:
    return round(part / whole, 4) if whole else 0.0


def parse_info(info: Mapping[str, Any], *, now: datetime) -> RedisInfo:
    """INFO's fields, as https://redis.io/docs/latest/commands/info/ describes them, to our names; absent ones are 0."""

    def number(name: str) -> int:
        return int(info.get(name, 0) or 0)

    used, limit = number("used_memory"), number("maxmemory")
    hits, misses = number("keyspace_hits"), number("keyspace_misses")
    keyspace = _keyspace(info)
    return RedisInfo(
        version=str(info.get("redis_version", "unknown")),
        role=str(info.get("role", "unknown")),
        uptime_seconds=number("uptime_in_seconds"),
        used_memory_bytes=used,
        used_memory_peak_bytes=number("used_memory_peak"),
        used_memory_dataset_bytes=number("used_memory_dataset"),
        maxmemory_bytes=limit,
        used_ratio=round(used / limit, 4) if limit else None,
        maxmemory_policy=str(info.get("maxmemory_policy", "unknown")),
        fragmentation_ratio=float(info.get("mem_fragmentation_ratio", 0) or 0),
        evicted_keys=number("evicted_keys"),
        expired_keys=number("expired_keys"),
        oom_errors=int(info.get("errorstat_OOM", {}).get("count", 0)),
        keyspace_hits=hits,
        keyspace_misses=misses,
        hit_rate=round(hits / (hits + misses), 4) if hits + misses else None,
        connected_clients=number("connected_clients"),
        blocked_clients=number("blocked_clients"),
        max_clients=number("maxclients") or None,
        rejected_connections=number("rejected_connections"),
        commands_per_second=number("instantaneous_ops_per_sec"),
        connected_replicas=number("connected_slaves"),
        total_keys=sum(each.keys for each in keyspace),
        keys_without_ttl=sum(each.keys - each.with_ttl for each in keyspace),
        keyspace=keyspace,
        persistence=_persistence(info),
        at=now,
    )


def _keyspace(info: Mapping[str, Any]) -> list[RedisKeyspace]:
    return [
        RedisKeyspace(
            db=int(name[2:]),
            keys=int(each["keys"]),
            with_ttl=int(each["expires"]),
            average_ttl_seconds=round(int(each["avg_ttl"]) / 1000, 1),
        )
        for name, each in info.items()
        if re.fullmatch(r"db\d+", name)
    ]


def _persistence(info: Mapping[str, Any]) -> RedisPersistence:
    saved = int(info.get("rdb_last_save_time", 0) or 0)
    return RedisPersistence(
        loading=bool(info.get("loading", 0)),
        last_save_at=datetime.fromtimestamp(saved, UTC) if saved else None,
        last_save_ok=info.get("rdb_last_bgsave_status", "ok") == "ok",
        changes_since_save=int(info.get("rdb_changes_since_last_save", 0) or 0),
        aof_enabled=bool(info.get("aof_enabled", 0)),
        aof_write_ok=info.get("aof_last_write_status", "ok") == "ok",
    )
