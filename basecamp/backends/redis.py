"""Redis servers under diagnosis: how full they are, and what fills them.

Nothing here blocks the server: keys are walked by SCAN in small steps, bounded in number and time; KEYS is never used.
The only file that knows the client library (redis-py, asynchronous).
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, cast
from urllib.parse import unquote, urlsplit

from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError, ResponseError

from basecamp.errors import BackendError, BadRequest, nearest
from basecamp.redaction import mask
from basecamp.settings import RedisSettings

Reply = Any


# One step for the server: no one can write the key between the look and the removal. Not MULTI: while memory is full Redis
# lets nothing be queued there, not even a removal.
_UNLINK_IF = """
local kind = redis.call('TYPE', KEYS[1]).ok
if kind ~= ARGV[1] then return {kind, 0} end
local held = redis.call('MEMORY', 'USAGE', KEYS[1])
redis.call('UNLINK', KEYS[1])
return {kind, held}
"""


@dataclass(slots=True, kw_only=True)
class RedisLook:
    """A connection to one server that remembers which command it is at, so that an error can say so."""

    client: Redis
    running: str = "connect"

    async def ask(self, *command: str | bytes | int) -> Reply:
        """The reply to one command. Raises RedisError, which `RedisServers.connect` turns into a BackendError."""
        self.running = str(command[0])
        return await cast("Any", self.client.execute_command(*command))

    async def ask_all(self, commands: Sequence[tuple[str | bytes | int, ...]]) -> list[Reply]:
        """Replies in order, sent together; None for a command that the server answered with an error."""
        if not commands:
            return []
        self.running = str(commands[0][0])
        async with self.client.pipeline(transaction=False) as pipeline:
            for command in commands:
                pipeline.execute_command(*command)
            replies = await pipeline.execute(raise_on_error=False)
        if all(isinstance(reply, ResponseError) for reply in replies):
            raise replies[0]
        return [None if isinstance(reply, ResponseError) else reply for reply in replies]

    async def info(self) -> dict[str, Any]:
        """All of INFO."""
        return cast("dict[str, Any]", await self.ask("INFO", "everything"))

    async def unlink_if(self, key: str, kind: str) -> tuple[str, int]:
        """Remove a key when it is of this type: (the type it had, or "none", and the bytes it held when removed)."""
        found, held = await self.ask("EVAL", _UNLINK_IF, 1, key, kind)
        return _text(found), int(held)


class RedisServers:
    """Looks at servers by the name of the service they are."""

    def __init__(self, servers: Mapping[str, RedisSettings]) -> None:
        self._servers = dict(servers)

    @property
    def names(self) -> list[str]:
        return list(self._servers)

    def settings(self, service: str) -> RedisSettings:
        """Raises BadRequest for an unknown server."""
        if service not in self._servers:
            raise BadRequest(f"no Redis server is configured for {service!r}; {nearest(service, self.names)}")
        return self._servers[service]

    def runs_as(self, service: str) -> str:
        """Which user does it where, without its password. Raises BadRequest for an unknown server."""
        parts = urlsplit(self.settings(service).url.get_secret_value())
        user = unquote(parts.username) if parts.username else "default"
        if parts.scheme == "unix":
            return f"Redis user {user}@{parts.path}"
        return f"Redis user {user}@{parts.hostname}:{parts.port or 6379}/{parts.path.strip('/') or '0'}"

    async def check(self, service: str) -> str:
        """Connect and say what is there. Raises BackendError."""
        async with self.connect(service) as look:
            info = await look.info()
        return f"{self.runs_as(service)}, Redis {info.get('redis_version', 'of unknown version')}"

    @asynccontextmanager
    async def connect(self, service: str, *, more_seconds: float = 0.0) -> AsyncGenerator[RedisLook]:
        """A connection for one look or change, never tried a second time. Raises BadRequest or BackendError."""
        settings = self.settings(service)
        url, seconds = settings.url.get_secret_value(), settings.timeout_seconds
        look = RedisLook(client=_client(settings))
        try:
            async with asyncio.timeout(3 * seconds + more_seconds), look.client:
                yield look
        except TimeoutError as error:
            words = f"no answer from {self.runs_as(service)} within {3 * seconds + more_seconds:g} s"
            raise BackendError(f"redis {service}", words, query=look.running) from error
        except (RedisError, OSError) as error:
            words = mask(str(error) or type(error).__name__, url, *_secrets(url))
            raise BackendError(f"redis {service}", words, query=look.running) from None


def _client(settings: RedisSettings) -> Redis:
    url = settings.url.get_secret_value()
    tls: dict[str, Any] = (
        {"ssl_ca_certs": str(settings.ca_file)} if settings.ca_file and url.startswith("rediss:") else {}
    )
    return Redis.from_url(
        url,
        socket_timeout=settings.timeout_seconds,
        socket_connect_timeout=settings.timeout_seconds,
        # A command whose answer was lost may have been carried out; it is for a person to look, not for us to repeat.
        retry=Retry(NoBackoff(), 0),
        client_name="basecamp-mcp",
        protocol=2,
        **tls,
    )


def _secrets(url: str) -> tuple[str, ...]:
    password = urlsplit(url).password
    return (password, unquote(password)) if password else ()


def _text(reply: Reply) -> str:
    return reply.decode() if isinstance(reply, bytes) else str(reply)
