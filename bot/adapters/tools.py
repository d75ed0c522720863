"""
The tools of every configured MCP server, behind the gate. The only file that knows the MCP library.

Each server has one task that opens the connection, holds it, and closes it: the library's cancel scopes must be left
by the task that entered them. Calls run in the callers' tasks over the shared session.
"""

import asyncio
import json
import logging
import time
from collections.abc import Coroutine, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Self, cast

from mcp import Client, MCPError, StdioServerParameters
from mcp.client.streamable_http import streamable_http_client
from mcp.shared._httpx_utils import create_mcp_http_client
from mcp.types import CallToolResult, RequestParamsMeta, TextContent, Tool

from bot.adapters.tool_gate import DEFAULT_EFFECTS, GRANT, OUTCOME, Described, MemoryPins, ToolGate
from bot.core.errors import ToolDeniedError, ToolError, ToolUnavailableError
from bot.core.policy import Actor, Decision, Effect, Ruling, StepFacts
from bot.core.redaction import redact
from bot.core.text import clean, clip, one_line
from bot.ports import Permit, Pins, ToolResult, ToolSpec

logger = logging.getLogger(__name__)

_CONNECT_TIMEOUT_S = 5.0
_CLOSE_TIMEOUT_S = 5.0
_FIRST_BACKOFF_S = 0.5
_LONGEST_BACKOFF_S = 5.0
_LISTING_MAX_AGE_S = 60.0
_MOST_PAGES = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class McpServer:
    """One configured server: `url` and `headers` for streamable HTTP, or `command`, `args` and `env` for stdio."""

    name: str
    url: str = ""
    headers: Mapping[str, str] = field(default_factory=dict[str, str])
    command: str = ""
    args: tuple[str, ...] = ()
    env: Mapping[str, str] = field(default_factory=dict[str, str])


@dataclass(frozen=True, slots=True, kw_only=True)
class _Session:
    """An open connection. `over` is set by whoever notices that it is of no use any more."""

    client: Client
    over: asyncio.Event


class _Connection:
    """One server: opened when first wanted, reopened with back-off after a failure."""

    def __init__(self, server: McpServer, gate: ToolGate) -> None:
        self.server = server
        self._gate = gate
        self.tools: Mapping[str, Described] = {}
        """As listed last; kept while the server is away, so that its tools are known to be its."""
        self._listed_at = 0.0
        self._session: _Session | None = None
        self._why = ""
        self._failures = 0
        self._retry_at = 0.0
        self._owner: asyncio.Task[None] | None = None
        self._attempt: asyncio.Event | None = None

    async def session(self, timeout_s: float) -> _Session:
        """The open connection. Raises ToolUnavailableError at once during a back-off, else after one attempt."""
        if self._session is not None and not self._session.over.is_set():
            return self._session
        if self._attempt is None:
            if time.monotonic() < self._retry_at:
                raise self._away()
            self._attempt = asyncio.Event()
            self._owner = asyncio.create_task(self._own(self._attempt, self._owner), name=f"mcp:{self.server.name}")
        try:
            async with asyncio.timeout(timeout_s):
                await self._attempt.wait()
        except TimeoutError:
            raise ToolUnavailableError(f"{self.server.name}: no connection within {timeout_s:g} s") from None
        if self._session is None or self._session.over.is_set():
            raise self._away()
        return self._session

    async def listing(self, timeout_s: float, max_age_s: float = _LISTING_MAX_AGE_S) -> Mapping[str, Described]:
        """The server's tools, listed again when the list is older than that. Raises ToolUnavailableError."""
        session = await self.session(timeout_s)
        if time.monotonic() - self._listed_at > max_age_s:
            try:
                async with asyncio.timeout(timeout_s):
                    await self._list(session.client)
            except (TimeoutError, MCPError, OSError) as error:
                session.over.set()
                raise ToolUnavailableError(f"{self.server.name}: {_words(error)}") from error
        return self.tools

    def tool(self, name: str) -> Described:
        """One tool as listed last. Raises ToolUnavailableError when it is not there (any more)."""
        if name not in self.tools:
            raise ToolUnavailableError(f"{self.server.name} has no {name}")
        return self.tools[name]

    async def close(self) -> None:
        """End the connection and wait until it is closed."""
        if self._session is not None:
            self._session.over.set()
        if self._owner is None:
            return
        _, late = await asyncio.wait({self._owner}, timeout=_CLOSE_TIMEOUT_S)
        for task in late:
            task.cancel()
        await asyncio.gather(self._owner, return_exceptions=True)

    async def _own(self, attempt: asyncio.Event, former: asyncio.Task[None] | None) -> None:
        """Open, tell, hold until over, close: all in this one task."""
        if former is not None:
            await asyncio.wait({former}, timeout=_CLOSE_TIMEOUT_S)
        opened = False
        try:
            async with AsyncExitStack() as stack:
                async with asyncio.timeout(_CONNECT_TIMEOUT_S):
                    client = await self._open(stack)
                    await self._list(client)
                session = _Session(client=client, over=asyncio.Event())
                self._session, self._why, self._failures, opened = session, "", 0, True
                self._told(attempt)
                await session.over.wait()
        except Exception as error:  # noqa: BLE001 - outermost loop of the connection's task: any failure means "away"
            logger.warning("MCP server %s %s: %s", self.server.name, "lost" if opened else "away", _words(error))
            self._failed(error)
        finally:
            self._session = None
            self._told(attempt)

    def _told(self, attempt: asyncio.Event) -> None:
        attempt.set()
        if self._attempt is attempt:
            self._attempt = None

    async def _open(self, stack: AsyncExitStack) -> Client:
        server = self.server
        if server.command:
            command = StdioServerParameters(command=server.command, args=list(server.args), env=dict(server.env))
            return await stack.enter_async_context(Client(command, cache=None))
        http = await stack.enter_async_context(create_mcp_http_client(headers=dict(server.headers)))
        transport = streamable_http_client(server.url, http_client=http)
        return await stack.enter_async_context(Client(transport, cache=None))

    async def _list(self, client: Client) -> None:
        tools: dict[str, Described] = {}
        cursor: str | None = None
        for _ in range(_MOST_PAGES):
            page = await client.list_tools(cursor=cursor)
            tools.update({tool.name: _described(tool, self.server.name) for tool in page.tools})
            cursor = page.next_cursor
            if not cursor:
                break
        await self._gate.note(self.server.name, list(tools.values()))
        self.tools, self._listed_at = tools, time.monotonic()

    def _failed(self, error: BaseException) -> None:
        self._failures += 1
        wait = min(_LONGEST_BACKOFF_S, _FIRST_BACKOFF_S * 2 ** (self._failures - 1))
        self._why, self._retry_at = _words(error), time.monotonic() + wait

    def _away(self) -> ToolUnavailableError:
        return ToolUnavailableError(f"{self.server.name} is away: {self._why or 'the connection was closed'}")


class McpTools:
    """Implements ports.Tools. Use as an async context manager, or call `aclose`."""

    def __init__(
        self,
        servers: Sequence[McpServer],
        effects: Mapping[str, Effect] = DEFAULT_EFFECTS,
        pins: Pins | None = None,
    ) -> None:
        self._gate = ToolGate(effects, pins or MemoryPins())
        self._connections = [_Connection(server, self._gate) for server in servers]

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Close every connection."""
        await asyncio.gather(*(connection.close() for connection in self._connections))

    async def available(self) -> Sequence[ToolSpec]:
        """Read tools that are served right now; of two servers with the same tool the first configured has it."""
        found: dict[str, ToolSpec] = {}
        for connection, why in zip(self._connections, await self._reach(), strict=True):
            for name, tool in connection.tools.items() if not why else ():
                ruling = self._gate.rule(tool, actor=Actor.TRIAGE_AGENT).ruling
                if name not in found and ruling is Ruling.ALLOW:
                    found[name] = tool.spec
        return tuple(found.values())

    async def health(self) -> Mapping[str, str]:
        """Server name to an empty string when it answers, else to what is wrong."""
        names = [connection.server.name for connection in self._connections]
        return dict(zip(names, await self._reach(), strict=True))

    async def listed(self) -> Mapping[str, Sequence[Described]]:
        """Server name to those of its tools that our list names, as the server describes them now."""
        await self._reach()
        return {one.server.name: self._gate.listed(one.tools.values()) for one in self._connections}

    async def call(
        self,
        name: str,
        args: Mapping[str, object],
        *,
        timeout_s: float,
        actor: Actor = Actor.TRIAGE_AGENT,
        beside: str = "",
    ) -> ToolResult:
        """
        Call one read tool; with `beside`, on the server that has that tool.

        Raises ToolDeniedError for what the gate does not allow, ToolUnavailableError when its server is away or too
        slow, and ToolError with the server's own words when the tool failed. A connection found dead is opened once
        more: reading twice does no harm.
        """
        # Without asking any server: what is not listed, or not a read, is refused at once.
        _require(self._gate.rule_unseen(name), name)
        deadline = time.monotonic() + timeout_s
        connection = await self._home(beside or name, timeout_s)
        try:
            _require(self._gate.rule(connection.tool(name), actor=actor), name)
            return await _call(connection, name, args, deadline)
        except _DeadConnectionError:
            # A server that comes back may show other tools, so the gate is asked again.
            await connection.session(max(0.05, deadline - time.monotonic()))
            _require(self._gate.rule(connection.tool(name), actor=actor), name)
            return await _call(connection, name, args, deadline)

    async def rule(
        self, name: str, *, step: StepFacts | None, environment: str, paused: bool, timeout_s: float
    ) -> Decision:
        """What the gate says to this call, by the server's tools of this moment. Raises ToolUnavailableError."""
        connection = await self._home(name, timeout_s)
        if await _why_away(connection, timeout_s, max_age_s=0):
            # The connection was dead; one more try opens a new one.
            await connection.listing(timeout_s, max_age_s=0)
        tool = connection.tool(name)
        return self._gate.rule(tool, actor=Actor.EXECUTOR, environment=environment, paused=paused, step=step)

    async def act(self, name: str, args: Mapping[str, object], permit: Permit, *, timeout_s: float) -> ToolResult:
        """
        Make one call of the executor, once: nothing is repeated here, whatever happens.

        Raises ToolDeniedError when the gate or the server refused (nothing was changed), ToolUnavailableError when it
        is not known whether the call was carried out, ToolError with the server's words when the tool failed.
        """
        deadline = time.monotonic() + timeout_s
        step, environment, paused = permit.step, permit.environment, permit.paused
        decision = await self.rule(name, step=step, environment=environment, paused=paused, timeout_s=timeout_s)
        _require(decision, name)
        connection = await self._home(name, timeout_s)
        return await _call(connection, name, args, deadline, meta={GRANT: permit.grant} if permit.grant else None)

    async def offers(self, name: str, beside: str, *, timeout_s: float) -> bool:
        """Whether the server that has the tool `beside` has `name` as well."""
        return name in (await self._home(beside, timeout_s)).tools

    async def _home(self, name: str, timeout_s: float) -> _Connection:
        """The first configured connection that has the tool."""
        waiting = [connection for connection in self._connections if not connection.tools]
        if waiting:
            await asyncio.gather(*(_why_away(connection, timeout_s) for connection in waiting))
        for connection in self._connections:
            if name in connection.tools:
                return connection
        away = [why for why in await self._reach(timeout_s) if why]
        if away:
            raise ToolUnavailableError(f"no server that answers has {name}; {'; '.join(away)}")
        raise ToolUnavailableError(f"no configured MCP server has {name}")

    async def _reach(self, timeout_s: float = _CONNECT_TIMEOUT_S) -> list[str]:
        return list(await asyncio.gather(*(_why_away(connection, timeout_s) for connection in self._connections)))


def _require(decision: Decision, name: str) -> None:
    """Raises ToolDeniedError unless the gate allows the call."""
    if decision.ruling is not Ruling.ALLOW:
        raise ToolDeniedError(f"{name} may not be called here: {decision.reason}")


class _DeadConnectionError(ToolUnavailableError):
    """The session is gone: the server restarted or the pipe broke."""


async def _why_away(connection: _Connection, timeout_s: float, max_age_s: float = _LISTING_MAX_AGE_S) -> str:
    try:
        await connection.listing(timeout_s, max_age_s)
    except ToolUnavailableError as error:
        return str(error)
    return ""


async def _call(
    connection: _Connection,
    name: str,
    args: Mapping[str, object],
    deadline: float,
    meta: Mapping[str, str] | None = None,
) -> ToolResult:
    started = time.monotonic()
    session = await connection.session(max(0.05, deadline - started))
    try:
        async with asyncio.timeout(max(0.05, deadline - time.monotonic())):
            more = cast("RequestParamsMeta", dict(meta)) if meta else None
            answer = await _unless_over(session, session.client.call_tool(name, dict(args), meta=more))
    except TimeoutError:
        waited = time.monotonic() - started
        raise ToolUnavailableError(f"{connection.server.name}: {name} gave no answer within {waited:.1f} s") from None
    except MCPError as error:
        if _is_protocol_answer(error):
            raise ToolError(f"{name}: {_words(error)}") from error
        session.over.set()
        raise _DeadConnectionError(f"{connection.server.name}: {_words(error)}") from error
    except (OSError, RuntimeError) as error:
        session.over.set()
        raise _DeadConnectionError(f"{connection.server.name}: {_words(error)}") from error
    return _result(answer, name, connection.server.name, args, round((time.monotonic() - started) * 1000))


async def _unless_over(session: _Session, call: Coroutine[Any, Any, CallToolResult]) -> CallToolResult:
    """Await a call, but not longer than its connection lives."""
    task = asyncio.create_task(call)
    over = asyncio.create_task(session.over.wait())
    try:
        await asyncio.wait({task, over}, return_when=asyncio.FIRST_COMPLETED)
        if not task.done():
            raise OSError("the connection was closed during the call")
        return task.result()
    finally:
        task.cancel()
        over.cancel()


def _is_protocol_answer(error: MCPError) -> bool:
    """JSON-RPC's own codes for a bad request or a missing method mean that the server is alive and said no."""
    return error.code in {-32602, -32601, -32603}


def _result(answer: CallToolResult, name: str, server: str, args: Mapping[str, object], took_ms: int) -> ToolResult:
    text = "\n".join(block.text for block in answer.content if isinstance(block, TextContent))
    if answer.is_error:
        kind = ToolDeniedError if (answer.meta or {}).get(OUTCOME) == "refused" else ToolError
        raise kind(redact(clean(text)) or f"{name} failed and {server} gave no reason")
    found = _structured(answer.structured_content, text)
    said = text or json.dumps(found)
    return ToolResult(tool=name, server=server, args=dict(args), structured=found, text=said, took_ms=took_ms)


def _structured(content: object, text: str) -> Mapping[str, object]:
    """Servers without structured content often send JSON as text."""
    if content is None:
        try:
            content = cast("object", json.loads(text))
        except ValueError:
            return {}
    return cast("Mapping[str, object]", content) if isinstance(content, dict) else {"result": content}


def _described(tool: Tool, server: str) -> Described:
    notes = tool.annotations
    reads = notes is not None and notes.read_only_hint is True
    spec = ToolSpec(name=tool.name, description=tool.description or "", schema=tool.input_schema, server=server)
    return Described(
        spec=spec,
        says_it_writes=notes is not None and notes.read_only_hint is False,
        says_it_destroys=notes is not None and notes.destructive_hint is True and not reads,
    )


def _words(error: BaseException) -> str:
    """The innermost reason, in one line: task groups wrap what happened."""
    while isinstance(error, BaseExceptionGroup):
        error = cast("BaseExceptionGroup[BaseException]", error).exceptions[0]
    if isinstance(error, TimeoutError):
        return "no answer in time"
    return clip(redact(one_line(clean(str(error)))) or type(error).__name__, 300)
