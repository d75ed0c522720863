"""Changes to a Redis server: remove named keys, and set the two settings that decide what happens when memory is short."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from basecamp.backends.redis import RedisLook, RedisServers
from basecamp.errors import BackendError, BadRequest, nearest
from basecamp.results import Preview, Target, TargetOutcome, WriteOutcome
from basecamp.sizes import parse_memory, render_bytes

UNLINK = "redis_unlink"
CONFIG_SET = "redis_config_set"
POLICY, MEMORY = "maxmemory-policy", "maxmemory"
# redis.conf, "MAXMEMORY POLICY".
POLICIES = (
    "noeviction", "allkeys-lru", "allkeys-lfu", "allkeys-random",
    "volatile-lru", "volatile-lfu", "volatile-random", "volatile-ttl",
)  # fmt: skip
# The answers of TYPE for the types that Redis has of its own; a module's type is named after the module.
TYPES = ("string", "list", "set", "zset", "hash", "stream")
_FREE_SECONDS = 3.0
_POLL_SECONDS = 0.05
_NOT_KEPT = "Lost when the server restarts, unless its configuration file is changed too."


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyName:
    """Exactly one key of one type."""

    key: str
    type: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfigChange:
    """One setting, the value it is to have, and the one it must have now ("" for any)."""

    name: str
    value: str
    current: str


async def preview_unlink(servers: RedisServers, service: str, names: Sequence[KeyName]) -> Preview:
    """Which of the named keys would be removed, and how much they hold. Raises BadRequest or BackendError."""
    async with servers.connect(service) as look:
        kinds = await look.ask_all([("TYPE", name.key) for name in names])
        sizes = await look.ask_all([("MEMORY", "USAGE", name.key) for name in names])
        ends = await look.ask_all([("TTL", name.key) for name in names])
        before = await _memory(look)
    found = [
        (name, int(size or 0), int(end))
        for name, kind, size, end in zip(names, kinds, sizes, ends, strict=True)
        if _word(kind) == name.type
    ]
    gone = f" ({len(names) - len(found)} are gone or of another type)" if len(found) < len(names) else ""
    return Preview(
        tool=UNLINK,
        summary=f"remove {len(found)} of {len(names)} named keys on {service}, "
        f"{render_bytes(sum(size for _, size, _ in found))} in all{gone}",
        targets=[
            Target(id=name.key, label=f"{name.key} ({name.type})", detail=f"{render_bytes(size)}, {_expiry(end)}")
            for name, size, end in found
        ],
        reversible=False,
        runs_as=servers.runs_as(service),
        risk="What these keys hold is lost." if found else "",
        before=before,
    )


async def unlink(servers: RedisServers, service: str, names: Sequence[KeyName]) -> WriteOutcome:
    """Remove the named keys, each only while it has its type. Raises BadRequest or BackendError."""
    async with servers.connect(service, more_seconds=_FREE_SECONDS) as look:
        before = await _memory(look)
        done = [await _unlink_one(look, name) for name in names]
        await _wait_until_freed(look)
        after = await _memory(look)
    freed = sum(size for _, size in done)
    counts = Counter(target.outcome for target, _ in done)
    others = "".join(f", {count} {outcome}" for outcome, count in counts.items() if outcome != "changed")
    return WriteOutcome(
        tool=UNLINK,
        summary=f"removed {counts['changed']} of {len(names)} keys on {service}, {render_bytes(freed)}{others}",
        targets=[target for target, _ in done],
        before=before,
        after={**after, "freed_bytes": str(freed)},
    )


async def _unlink_one(look: RedisLook, name: KeyName) -> tuple[TargetOutcome, int]:
    label = f"{name.key} ({name.type})"
    kind, held = await look.unlink_if(name.key, name.type)
    if kind != name.type:
        detail = "no such key" if kind == "none" else f"it is a {kind} now"
        return TargetOutcome(id=name.key, label=label, outcome="gone", detail=detail), 0
    return TargetOutcome(id=name.key, label=label, outcome="changed", detail=f"freed {held} bytes"), held


async def _wait_until_freed(look: RedisLook) -> None:
    """UNLINK frees in a thread of the server's; at most 3 s, after which `used_memory` is simply what it is."""
    clock = asyncio.get_running_loop().time
    until = clock() + _FREE_SECONDS
    while await _pending(look) and clock() < until:  # noqa: ASYNC110 - a server is asked; it does not tell
        await asyncio.sleep(_POLL_SECONDS)


async def _pending(look: RedisLook) -> int:
    return int((await look.info()).get("lazyfree_pending_objects", 0))


def parse_change(servers: RedisServers, service: str, name: str, value: str, current: str) -> ConfigChange:
    """A change within what is allowed for the server. Raises BadRequest."""
    settings = servers.settings(service)
    if name == POLICY:
        return ConfigChange(name=name, value=_policy(value), current=_policy(current) if current else "")
    if name == MEMORY:
        known = str(_amount(current)) if current else ""
        return ConfigChange(name=name, value=str(_limit(service, settings.max_memory, value)), current=known)
    raise BadRequest(f"{name!r} may not be set; {nearest(name, (POLICY, MEMORY))}")


def _policy(text: str) -> str:
    if text not in POLICIES:
        raise BadRequest(f"{POLICY} {text!r} is not known; {nearest(text, POLICIES)}")
    return text


def _limit(service: str, bound: int | None, text: str) -> int:
    if bound is None:
        raise BadRequest(f"maxmemory of {service!r} may not be set: its `redis:` settings give no max_memory")
    wanted = _amount(text)
    if not 0 < wanted <= bound:
        raise BadRequest(f"maxmemory {wanted} is not between 1 and {bound}, the max_memory of {service!r}")
    return wanted


def _amount(text: str) -> int:
    try:
        return parse_memory(text)
    except ValueError as error:
        raise BadRequest(f"maxmemory {error}") from error


async def preview_config_set(servers: RedisServers, service: str, change: ConfigChange) -> Preview:
    """What the setting is and would be. Raises BadRequest or BackendError."""
    async with servers.connect(service) as look:
        now = await _setting(look, service, change.name)
        refusal = await _too_small(look, change)
    stands = _matches(change, now) and now != change.value and not refusal
    notes = {
        refusal: bool(refusal),
        f"it is {now} by now, not {change.current}": not _matches(change, now),
        "it has that value already": now == change.value,
    }
    note = "; ".join(text for text, applies in notes.items() if applies)
    return Preview(
        tool=CONFIG_SET,
        summary=f"set {change.name} on {service} from {now} to {change.value}{f' (no: {note})' if note else ''}",
        targets=[Target(id=change.name, label=f"{change.name} {now} → {change.value}")] if stands else [],
        # No limit at all cannot be set, so it cannot be set back either.
        reversible=not (change.name == MEMORY and now == "0"),
        runs_as=servers.runs_as(service),
        risk=_risk(change) if stands else "",
        before={change.name: now},
    )


async def config_set(servers: RedisServers, service: str, change: ConfigChange) -> WriteOutcome:
    """Set it and read it back. Raises BadRequest or BackendError."""
    async with servers.connect(service) as look:
        before = await _setting(look, service, change.name)
        outcome, detail = await _set(look, change, before)
        after = await _setting(look, service, change.name)
    label = f"{change.name} {before} → {change.value}"
    target = TargetOutcome.model_validate({"id": change.name, "label": label, "outcome": outcome, "detail": detail})
    return WriteOutcome(
        tool=CONFIG_SET,
        summary=f"{change.name} on {service}: {before} → {after} ({detail})",
        targets=[target],
        before={change.name: before},
        after={change.name: after},
    )


async def _set(look: RedisLook, change: ConfigChange, before: str) -> tuple[str, str]:
    """(outcome, detail)."""
    if not _matches(change, before):
        return "gone", f"it is {before} by now, not {change.current}"
    if before == change.value:
        return "unchanged", "it had that value already"
    refusal = await _too_small(look, change)
    if refusal:
        return "refused", refusal
    await look.ask("CONFIG", "SET", change.name, change.value)
    return "changed", "set"


async def _too_small(look: RedisLook, change: ConfigChange) -> str:
    """Why a limit may not be set that is below what is used: the server would throw keys away at once."""
    if change.name != MEMORY:
        return ""
    used = int((await look.info()).get("used_memory", 0))
    return f"{used} bytes are used now, so a limit of {change.value} would evict" if used > int(change.value) else ""


async def _setting(look: RedisLook, service: str, name: str) -> str:
    reply = await look.ask("CONFIG", "GET", name)
    words = [_word(each) for each in reply]
    values = dict(zip(words[::2], words[1::2], strict=True))
    if name not in values:
        raise BackendError(f"redis {service}", f"has no setting {name!r}", query=f"CONFIG GET {name}")
    return values[name]


async def _memory(look: RedisLook) -> dict[str, str]:
    return {"used_memory_bytes": str((await look.info()).get("used_memory", 0))}


def _matches(change: ConfigChange, now: str) -> bool:
    return change.current in {"", now}


def _risk(change: ConfigChange) -> str:
    if change.name == MEMORY:
        return f"The server may use up to {render_bytes(int(change.value))}; its machine must have that. {_NOT_KEPT}"
    if change.value == "noeviction":
        return f"Writes fail with OOM when memory is full. {_NOT_KEPT}"
    which = "any key, with or without expiry," if change.value.startswith("allkeys-") else "keys with an expiry"
    return f"As soon as memory is short the server removes {which} and their data is lost. {_NOT_KEPT}"


def _expiry(seconds: int) -> str:
    return "never expires" if seconds < 0 else f"expires in {seconds} s"


def _word(reply: object) -> str:
    return reply.decode("utf-8", "backslashreplace") if isinstance(reply, bytes) else str(reply)
