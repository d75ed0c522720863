"""Redis: how full a server is and of what, removing named keys, and its two memory settings."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from basecamp.backends import redischanges, redislooks
from basecamp.backends.redis import RedisServers
from basecamp.backends.redischanges import TYPES, KeyName
from basecamp.errors import BadRequest, nearest
from basecamp.results import Preview, RedisInfo, RedisMemory, WriteOutcome
from basecamp.tools import Effect, OptionalText, Service, ToolSpec, check_limit, check_targets

REDIS_TOOLS = ("redis_info", "redis_memory", "redis_unlink", "redis_config_set")
MAX_KEYS = 200
MAX_KEY_CHARACTERS = 1024


class KeyRef(BaseModel):
    """One key, as redis_memory names it."""

    model_config = ConfigDict(extra="forbid")

    key: str = Field(description="The key's whole name")
    type: str = Field(description="Its type: string, list, set, zset, hash or stream")


NamedKeys = Annotated[list[KeyRef], Field(description="The keys, each with the type that redis_memory gives")]
SettingName = Annotated[str, Field(description="maxmemory-policy or maxmemory")]
SettingValue = Annotated[str, Field(description="A policy such as allkeys-lru; for maxmemory bytes, or such as 256mb")]


def redis_tools(servers: RedisServers, *, max_targets: int) -> list[ToolSpec]:
    return [*_read_tools(servers), _unlink_tool(servers, max_targets), _config_tool(servers)]


def _read_tools(servers: RedisServers) -> list[ToolSpec]:
    async def redis_info(service: Service) -> RedisInfo:
        """How a Redis server does: memory and its limit, policy, evictions, clients, hit rate, keys, persistence.

        `used_ratio` is used memory by its limit (null without one); `oom_errors` counts writes refused for lack of it.
        """
        return await redislooks.look_at_info(servers, service)

    async def redis_memory(service: Service, limit: int = 20, prefix: OptionalText = "") -> RedisMemory:
        """What fills a Redis server: its biggest keys with type, idle time and expiry, and groups by key prefix.

        Looks at a bounded number of keys; `complete` is false when there are more. `prefix` narrows to keys that begin
        so, grouped by what follows up to the next colon. `limit` is at most 200.
        """
        most = check_limit(limit, name="limit", most=MAX_KEYS)
        if len(prefix) > MAX_KEY_CHARACTERS:
            raise BadRequest(f"prefix has {len(prefix)} characters; at most {MAX_KEY_CHARACTERS} are allowed")
        return await redislooks.look_at_memory(servers, service, limit=most, prefix=prefix)

    return [
        ToolSpec(run=redis_info, result=RedisInfo, title="Redis state", effect=Effect.READ),
        ToolSpec(run=redis_memory, result=RedisMemory, title="Redis memory by key", effect=Effect.READ),
    ]


def _unlink_tool(servers: RedisServers, max_targets: int) -> ToolSpec:
    def checked(keys: list[KeyRef]) -> list[KeyName]:
        check_targets(len(keys), name="keys", most=max_targets)
        names: list[KeyName] = []
        for index, each in enumerate(keys):
            if not 0 < len(each.key) <= MAX_KEY_CHARACTERS:
                raise BadRequest(f"keys[{index}].key must have 1 to {MAX_KEY_CHARACTERS} characters")
            if each.type not in TYPES:
                raise BadRequest(f"keys[{index}].type is {each.type!r}; {nearest(each.type, TYPES)}")
            if any(each.key == name.key for name in names):
                raise BadRequest(f"keys[{index}] names {each.key!r} a second time")
            names.append(KeyName(key=each.key, type=each.type))
        return names

    async def redis_unlink(service: Service, keys: NamedKeys) -> WriteOutcome:
        """Remove these keys from a Redis server, each only while it still has its type. What they hold is lost."""
        return await redischanges.unlink(servers, service, checked(keys))

    async def preview(service: str, keys: list[KeyRef]) -> Preview:
        return await redischanges.preview_unlink(servers, service, checked(keys))

    title = "Remove Redis keys"
    return ToolSpec(run=redis_unlink, result=WriteOutcome, title=title, effect=Effect.DESTRUCTIVE, preview=preview)


def _config_tool(servers: RedisServers) -> ToolSpec:
    async def redis_config_set(
        service: Service, name: SettingName, value: SettingValue, current: OptionalText = ""
    ) -> WriteOutcome:
        """Set maxmemory-policy or maxmemory of a Redis server; `before` in the answer is what to set it back to.

        With `current` it is set only while it still has that value. maxmemory never goes above the configured bound,
        nor below what is used now.
        """
        return await redischanges.config_set(
            servers, service, redischanges.parse_change(servers, service, name, value, current)
        )

    async def preview(service: str, name: str, value: str, current: OptionalText = "") -> Preview:
        return await redischanges.preview_config_set(
            servers, service, redischanges.parse_change(servers, service, name, value, current)
        )

    title = "Set a Redis memory setting"
    return ToolSpec(run=redis_config_set, result=WriteOutcome, title=title, effect=Effect.WRITE, preview=preview)
