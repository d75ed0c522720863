"""
Connections to MCP servers; together with mcp_calls.py the only place that knows the MCP library.

Each server has one task that opens the connection, holds it, and closes it: the library's cancel scopes must be left
by the task that entered them. Calls run in the callers' tasks over the shared session.
"""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from typing import cast

from httpx2 import Timeout
from mcp import Client, MCPError, StdioServerParameters
from mcp.client.session import ClientRequestContext, ElicitationFnT
from mcp.client.streamable_http import streamable_http_client
from mcp.shared._httpx_utils import create_mcp_http_client
from mcp.types import CallToolResult, ElicitRequestParams, ElicitResult, Tool

from bot.adapters.tool_gate import Described
from bot.core.errors import ToolError, ToolUnavailableError
from bot.core.redaction import redact
from bot.core.text import clean, clip, one_line
from bot.ports import ToolSpec

logger = logging.getLogger(__name__)

CONNECT_TIMEOUT_S = 5.0
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
    tools: frozenset[str] | None = None
    """Only these tools are taken from it; None: all that it offers."""
    environment: str = ""
    """What its writes change belongs to this environment; empty: not said."""

    def may_offer(self, tool: str) -> bool:
        """Whether the configuration takes that tool from it."""
        return self.tools is None or tool in self.tools


Note = Callable[[str, Sequence[Described]], Awaitable[None]]
"""Called with a server's name and its tools whenever they were listed."""
Decline = Callable[[str, str, str], Awaitable[None]]
"""Called with server, tool (empty when it is not known which) and the server's words, when a question of it is declined."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """An open connection. `over` is set by whoever notices that it is of no use any more."""

    client: Client
    over: asyncio.Event


class Connection:
    """One server: opened when first wanted, reopened with back-off after a failure."""

    def __init__(self, server: McpServer, *, note: Note, decline: Decline) -> None:
        self.server = server
        self.decline = decline
        self._note = note
        self.tools: Mapping[str, Described] = {}
        """As listed last; kept while the server is away, so that its tools are known to be its."""
        self._listed_at = 0.0
        self._session: Session | None = None
        self._why = ""
        self._failures = 0
        self._retry_at = 0.0
        self._owner: asyncio.Task[None] | None = None
        self._attempt: asyncio.Event | None = None

    async def session(self, timeout_s: float) -> Session:
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
                raise ToolUnavailableError(f"{self.server.name}: {words(error)}") from error
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
                async with asyncio.timeout(CONNECT_TIMEOUT_S):
                    client = await open_client(self.server, stack, self._declining)
                    await self._list(client)
                session = Session(client=client, over=asyncio.Event())
                self._session, self._why, self._failures, opened = session, "", 0, True
                self._told(attempt)
                await session.over.wait()
        except Exception as error:  # noqa: BLE001 - outermost loop of the connection's task: any failure means "away"
            logger.warning("MCP server %s %s: %s", self.server.name, "lost" if opened else "away", words(error))
            self._failed(error)
        finally:
            self._session = None
            self._told(attempt)

    def _told(self, attempt: asyncio.Event) -> None:
        attempt.set()
        if self._attempt is attempt:
            self._attempt = None

    async def _declining(self, context: ClientRequestContext, params: ElicitRequestParams) -> ElicitResult:  # noqa: ARG002 - the library passes it by name
        """On the shared connection a question belongs to no call that anybody could name."""
        await self.decline(self.server.name, "", params.message)
        return ElicitResult(action="decline")

    async def _list(self, client: Client) -> None:
        tools: dict[str, Described] = {}
        cursor: str | None = None
        for _ in range(_MOST_PAGES):
            page = await client.list_tools(cursor=cursor)
            named = [tool for tool in page.tools if self.server.may_offer(tool.name)]
            tools.update({tool.name: _described(tool, self.server.name) for tool in named})
            cursor = page.next_cursor
            if not cursor:
                break
        await self._note(self.server.name, list(tools.values()))
        self.tools, self._listed_at = tools, time.monotonic()

    def _failed(self, error: BaseException) -> None:
        self._failures += 1
        wait = min(_LONGEST_BACKOFF_S, _FIRST_BACKOFF_S * 2 ** (self._failures - 1))
        self._why, self._retry_at = words(error), time.monotonic() + wait

    def _away(self) -> ToolUnavailableError:
        return ToolUnavailableError(f"{self.server.name} is away: {self._why or 'the connection was closed'}")


async def why_away(connection: Connection, timeout_s: float, max_age_s: float = _LISTING_MAX_AGE_S) -> str:
    """Empty when the server answers, else what is wrong."""
    try:
        await connection.listing(timeout_s, max_age_s)
    except ToolUnavailableError as error:
        return str(error)
    return ""


async def open_client(
    server: McpServer, stack: AsyncExitStack, asked: ElicitationFnT, *, legacy: bool = False
) -> Client:
    """A client that lives as long as the stack; `asked` answers the requests of the server's own."""
    mode = "legacy" if legacy else "auto"
    if server.command:
        command = StdioServerParameters(command=server.command, args=list(server.args), env=dict(server.env))
        client = Client(command, cache=None, mode=mode, elicitation_callback=asked)
        return _naming_misfits(await stack.enter_async_context(client))
    http = await stack.enter_async_context(create_mcp_http_client(headers=dict(server.headers)))
    if legacy:
        # The server says nothing while a person is asked; the wait has its own bounds.
        http.timeout = Timeout(30.0, read=None)
    transport = streamable_http_client(server.url, http_client=http)
    client = Client(transport, cache=None, mode=mode, elicitation_callback=asked)
    return _naming_misfits(await stack.enter_async_context(client))


def _naming_misfits(client: Client) -> Client:
    """
    An answer that does not fit the tool's output schema becomes a ToolError.

    The library raises a RuntimeError for it, as it does for a connection that is gone; but this server is alive.
    """
    check = client.session.validate_tool_result

    async def checked(name: str, result: CallToolResult) -> None:
        try:
            await check(name, result)
        except RuntimeError as error:
            # The library's words go on with the whole schema and the whole answer.
            why, _, _ = str(error.__cause__ or error).partition("\n\n")
            said = clip(redact(one_line(clean(why))), 300)
            raise ToolError(f"{name} answered what does not fit its own output schema: {said}") from error

    client.session.validate_tool_result = checked
    return client


def _described(tool: Tool, server: str) -> Described:
    notes = tool.annotations
    reads = notes is not None and notes.read_only_hint is True
    spec = ToolSpec(name=tool.name, description=tool.description or "", schema=tool.input_schema, server=server)
    return Described(
        spec=spec,
        says_it_writes=notes is not None and notes.read_only_hint is False,
        says_it_destroys=notes is not None and notes.destructive_hint is True and not reads,
    )


def words(error: BaseException) -> str:
    """The innermost reason, in one line: task groups wrap what happened."""
    while isinstance(error, BaseExceptionGroup):
        error = cast("BaseExceptionGroup[BaseException]", error).exceptions[0]
    if isinstance(error, TimeoutError):
        return "no answer in time"
    return clip(redact(one_line(clean(str(error)))) or type(error).__name__, 300)
