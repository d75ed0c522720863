"""
The tools of every configured MCP server, behind the gate: which server has a tool, and whether it may be called.

A tool name has one home. Offered by two servers it is nobody's, until `mcpServers.<name>.tools` says from which it is taken.
"""

import asyncio
import time
from collections.abc import Mapping, Sequence
from functools import partial
from types import TracebackType
from typing import Self

from bot.adapters.mcp_calls import DeadConnectionError, call, call_alone, call_declining, holds_calls
from bot.adapters.mcp_link import CONNECT_TIMEOUT_S, Connection, Decline, McpServer, why_away
from bot.adapters.tool_gate import DEFAULT_EFFECTS, GRANT, Described, MemoryPins, ToolGate
from bot.core.errors import ToolDeniedError, ToolError, ToolUnavailableError
from bot.core.policy import Actor, Decision, Effect, Ruling, StepFacts
from bot.ports import Answering, Asked, Permit, Pins, Resumed, Seen, ToolResult, ToolSpec, Witness

__all__ = ["McpServer", "McpTools"]


async def _tell_nobody(server: str, tool: str, message: str) -> None:
    """For commands that keep no audit log."""


async def _unseen(seen: Seen) -> None:
    """For commands that keep no audit log."""


class McpTools:
    """Implements ports.Tools. Use as an async context manager, or call `aclose`."""

    def __init__(
        self,
        servers: Sequence[McpServer],
        effects: Mapping[str, Effect] = DEFAULT_EFFECTS,
        pins: Pins | None = None,
        decline: Decline = _tell_nobody,
        witness: Witness = _unseen,
    ) -> None:
        """`decline` is told of every question of a server that nobody is asked, `witness` of calls for the audit log."""
        self._witness = witness
        self._gate = ToolGate(effects, pins or MemoryPins(), {one.name: one.environment for one in servers})
        self._servers = tuple(servers)
        self._connections = [Connection(server, note=self._noted, decline=decline) for server in servers]

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
        """Read tools that are served right now, save those that two servers offer."""
        found: dict[str, ToolSpec] = {}
        for connection, why in zip(self._connections, await self._reach(), strict=True):
            for name, tool in connection.tools.items() if not why else ():
                ruling = self._gate.rule(tool, actor=Actor.TRIAGE_AGENT).ruling
                if ruling is Ruling.ALLOW and len(self._offering(name)) == 1:
                    found[name] = tool.spec
        return tuple(found.values())

    async def contested(self) -> Mapping[str, Sequence[str]]:
        """Tools of our list that more than one server offers, with the servers' names: they are denied."""
        await self._reach()
        names = {one.spec.name for each in self._connections for one in self._gate.listed(each.tools.values())}
        offered = {name: [one.server.name for one in self._offering(name)] for name in sorted(names)}
        return {name: servers for name, servers in offered.items() if len(servers) > 1}

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
        about: str = "",
    ) -> ToolResult:
        """
        Call one read tool; with `beside`, on the server that has that tool. `about` says what for, for the audit log.

        Raises ToolDeniedError for what the gate does not allow, ToolUnavailableError when its server is away or too
        slow, and ToolError with the server's own words when the tool failed. A connection found dead is opened once
        more: reading twice does no harm.
        """
        started = time.monotonic()
        told = partial(self._told, name, args, actor=actor, about=about, started=started)
        try:
            result = await self._read(name, args, started + timeout_s, actor=actor, beside=beside)
        except ToolError as error:
            await told(error)
            raise
        await told(result)
        return result

    async def _read(
        self, name: str, args: Mapping[str, object], deadline: float, *, actor: Actor, beside: str
    ) -> ToolResult:
        # Without asking any server: what is not listed, or not a read, is refused at once.
        _require(self._gate.rule_unseen(name), name)
        connection = await self._home(beside or name, max(0.05, deadline - time.monotonic()))
        try:
            _require(self._gate.rule(connection.tool(name), actor=actor), name)
            return await call_declining(connection, name, args, deadline)
        except DeadConnectionError:
            # A server that comes back may show other tools, so the gate is asked again.
            await connection.session(max(0.05, deadline - time.monotonic()))
            _require(self._gate.rule(connection.tool(name), actor=actor), name)
            return await call_declining(connection, name, args, deadline)

    async def rule(
        self, name: str, *, step: StepFacts | None, environment: str, paused: bool, timeout_s: float
    ) -> Decision:
        """What the gate says to this call, by the server's tools of this moment. Raises ToolUnavailableError."""
        connection = await self._home(name, timeout_s)
        if await why_away(connection, timeout_s, max_age_s=0):
            # The connection was dead; one more try opens a new one.
            await connection.listing(timeout_s, max_age_s=0)
        tool = connection.tool(name)
        return self._gate.rule(tool, actor=Actor.EXECUTOR, environment=environment, paused=paused, step=step)

    async def act(
        self,
        name: str,
        args: Mapping[str, object],
        permit: Permit,
        *,
        timeout_s: float,
        answering: Answering,
        resumed: Resumed | None = None,
    ) -> ToolResult | Asked:
        """
        Make one call of the executor, once, or take up one that its server holds: nothing is repeated here.

        Raises ToolDeniedError when the gate or the server refused (nothing was changed), ToolUnavailableError when it
        is not known whether the call was carried out, ToolError with the server's words when the tool failed.
        """
        deadline = time.monotonic() + timeout_s
        connection = await self._approved_home(name, permit.server, timeout_s)
        if resumed is None or resumed.told.action == "accept":
            step, environment = permit.step, permit.environment
            # A permit is of a call that has begun: the switch was looked at, and held, when that was written down.
            decision = await self.rule(name, step=step, environment=environment, paused=False, timeout_s=timeout_s)
            try:
                _require(decision, name)
            except ToolDeniedError as error:
                started = deadline - timeout_s
                await self._told(name, args, error, actor=Actor.EXECUTOR, about=permit.about, started=started)
                raise
        meta = {GRANT: permit.grant} if permit.grant else None
        session = await connection.session(max(0.05, deadline - time.monotonic()))
        if resumed is not None or holds_calls(session):
            return await call(connection, name, args, deadline, meta=meta, resumed=resumed)
        left = max(0.05, deadline - time.monotonic())
        return await call_alone(connection.server, name, args, left, meta=meta, answering=answering)

    async def home(self, name: str, *, timeout_s: float) -> str:
        """The server that gets calls of this tool. Raises ToolDeniedError when several offer it."""
        return (await self._home(name, timeout_s)).server.name

    async def environment(self, name: str, *, timeout_s: float) -> str:
        """To which environment the server that gets calls of this tool belongs; empty: aiops.yaml does not say."""
        return (await self._home(name, timeout_s)).server.environment

    async def offers(self, name: str, beside: str, *, timeout_s: float) -> bool:
        """Whether the server that has the tool `beside` has `name` as well."""
        return name in (await self._home(beside, timeout_s)).tools

    async def _told(
        self,
        name: str,
        args: Mapping[str, object],
        ended: ToolResult | ToolError,
        *,
        actor: Actor,
        about: str,
        started: float,
    ) -> None:
        """Tell the witness how a call ended."""
        denied = isinstance(ended, ToolDeniedError)
        if not (about or denied):
            return
        homes = self._offering(name)
        seen = Seen(
            actor=actor,
            tool=name,
            server=ended.server if isinstance(ended, ToolResult) else homes[0].server.name if len(homes) == 1 else "",
            args=args,
            about=about,
            outcome="ok" if isinstance(ended, ToolResult) else "denied" if denied else "error",
            why="" if isinstance(ended, ToolResult) else str(ended),
            took_ms=round((time.monotonic() - started) * 1000),
        )
        await self._witness(seen)

    async def _approved_home(self, name: str, approved: str, timeout_s: float) -> Connection:
        connection = await self._home(name, timeout_s)
        if approved and connection.server.name != approved:
            raise ToolDeniedError(f"{name} moved from {approved} to {connection.server.name}; approve again")
        return connection

    async def _home(self, name: str, timeout_s: float) -> Connection:
        """The one connection that has the tool. Raises ToolDeniedError when several have it."""
        waiting = [connection for connection in self._connections if not connection.tools]
        if waiting:
            await asyncio.gather(*(why_away(connection, timeout_s) for connection in waiting))
        found = self._offering(name)
        if len(found) > 1:
            names = " and ".join(one.server.name for one in found)
            raise ToolDeniedError(
                f"{name} is offered by {names}; `mcpServers.<name>.tools` in aiops.yaml says from which it is taken"
            )
        if found:
            return found[0]
        away = [why for why in await self._reach(timeout_s) if why]
        if away:
            raise ToolUnavailableError(f"no server that answers has {name}; {'; '.join(away)}")
        raise ToolUnavailableError(f"no configured MCP server has {name}")

    def _offering(self, name: str) -> Sequence[Connection]:
        return [connection for connection in self._connections if name in connection.tools]

    async def _noted(self, server: str, tools: Sequence[Described]) -> None:
        names = [one.spec.name for one in tools]
        rivals = {
            name: [one.name for one in self._servers if one.name != server and one.may_offer(name)] for name in names
        }
        await self._gate.note(server, tools, rivals)

    async def _reach(self, timeout_s: float = CONNECT_TIMEOUT_S) -> list[str]:
        return list(await asyncio.gather(*(why_away(connection, timeout_s) for connection in self._connections)))


def _require(decision: Decision, name: str) -> None:
    """Raises ToolDeniedError unless the gate allows the call."""
    if decision.ruling is not Ruling.ALLOW:
        raise ToolDeniedError(f"{name} may not be called here: {decision.reason}")
