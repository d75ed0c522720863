"""A plant with valves behind a real MCP server: something to look at, and something that must not be done twice."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from mcp.server import MCPServer
from mcp.server.mcpserver import Context
from mcp.server.mcpserver.exceptions import ToolError
from mcp.types import (
    CallToolResult,
    ElicitRequest,
    ElicitRequestFormParams,
    ElicitRequestURLParams,
    InputRequiredResult,
    TextContent,
    ToolAnnotations,
)
from starlette.responses import Response

from tests.support.openai_endpoint import serving

RUNBOOK = """---
id: pressure-high
title: Pressure is too high
alerts: [PressureHigh]
severity: critical
owner: plant
reviewed: 2026-11-01
ai_executable: true
environments: [default]
parameters:
  most: {type: integer, description: How many valves may stay open, default: "2", min: 0, max: 10}
limits: {max_steps: 10, max_duration: 30m, max_targets: 5}
---
## Meaning
Too many valves are open.

## Impact
The vessel bursts.

## Diagnosis

```step
id: look
title: Which valves are open
tool: read_valves
args: {vessel: "{{ service }}"}
effect: read
```

## Mitigation

```step
id: shut
title: Close the leaking valves
tool: close_valves
args:
  valves: "{{ steps.look.open | selectattr('leaking') | map(attribute='id') | list }}"
effect: destructive
when: steps.look.open | length > params.most
bounds: ["args.valves | length <= 5"]
expect:
  tool: read_valves
  args: {vessel: "{{ service }}"}
  that: result.open | length <= params.most
  title: few enough valves are open
  within: 10s
  every: 1s
rollback:
  title: Open them again
  tool: open_valves
  args: {valves: "{{ steps.look.open | selectattr('leaking') | map(attribute='id') | list }}"}
  effect: write
  expect: {tool: read_valves, args: {vessel: "{{ service }}"}, that: result.open | length > params.most, within: 5s, every: 1s}
```

## Verify
The gauge is green.
"""

READ = ToolAnnotations(read_only_hint=True)
WRITE = ToolAnnotations(read_only_hint=False, destructive_hint=False)
DESTROY = ToolAnnotations(read_only_hint=False, destructive_hint=True)


@dataclass
class Plant:
    """The state that tools look at and change, and what the tools were asked."""

    open: dict[str, bool] = field(default_factory=lambda: {"v1": True, "v2": True, "v3": True, "v4": False})
    """Open valves, and whether each leaks."""
    stuck: bool = False
    """Closing changes nothing."""
    bursts: bool = False
    """Closing makes as many others give way."""
    refuse: str = ""
    fail: str = ""
    jammed: str = ""
    """Why opening fails."""
    hang: asyncio.Event | None = None
    """Closing answers only once this is set."""
    act_then_hang: bool = False
    between: Callable[[], None] | None = None
    """Called whenever a preview is asked for, before it is worked out."""
    writes: list[tuple[str, tuple[str, ...]]] = field(default_factory=list)
    """Writes that were carried out."""
    grants: list[str] = field(default_factory=list)
    reads: int = 0
    asks: list[Mapping[str, object]] = field(default_factory=list)
    """What closing asks before it acts, in one round: each has `message` and `schema`, or `message` and `url`."""
    rounds: int = 1
    """How often it asks."""
    reading_asks: bool = False
    legacy: bool = False
    """Speaks the protocol from before calls could be held, where a question comes while the call is open."""
    told: list[tuple[str, Mapping[str, object]]] = field(default_factory=list)
    """What the server was told: action and content."""
    says: Mapping[str, object] = field(default_factory=dict)
    """What a reading answers besides the open valves."""
    schemas: Mapping[str, Mapping[str, object]] = field(default_factory=dict)
    """Output schemas that tools declare, whatever they answer."""
    preview: bool = True
    built: MCPServer | None = None
    offered: dict[str, tuple[Callable[..., object], ToolAnnotations]] = field(default_factory=dict)

    async def ask(self, ctx: Context) -> InputRequiredResult | str:
        """An empty text: go on; another one: it was told no."""
        if self.legacy:
            return await self._ask_openly(ctx)
        rounds = int(ctx.request_state or 0)
        if rounds:
            replies = ctx.input_responses or {}
            assert set(replies) == {str(n) for n in range(len(self.asks))}
            self.told += [(reply.action, dict(reply.content or {})) for _, reply in sorted(replies.items())]
            if any(reply.action != "accept" for reply in replies.values()):
                return "somebody said no"
        if rounds >= self.rounds:
            return ""
        wanted = {str(n): ElicitRequest(params=_params(one)) for n, one in enumerate(self.asks)}
        return InputRequiredResult(input_requests=wanted, request_state=str(rounds + 1))

    async def _ask_openly(self, ctx: Context) -> str:
        for _ in range(self.rounds):
            for one in self.asks:
                params = _params(one)
                session, about = ctx.request_context.session, ctx.request_id
                if isinstance(params, ElicitRequestURLParams):
                    reply = await session.elicit_url(params.message, params.url, "id", related_request_id=about)
                else:
                    reply = await session.elicit_form(
                        params.message, dict(params.requested_schema), related_request_id=about
                    )
                self.told.append((reply.action, dict(reply.content or {})))
                if reply.action != "accept":
                    return "somebody said no"
        return ""

    def redescribe(self, name: str, said: str) -> None:
        """The server changes what it says of a tool, as an update of it would."""
        assert self.built is not None
        function, annotations = self.offered[name]
        self.built.remove_tool(name)
        self.built.add_tool(function, name=name, description=said, annotations=annotations)

    def server(self) -> MCPServer:
        server = self.built = MCPServer("plant")

        @server.tool(annotations=READ)
        async def read_valves(vessel: str, ctx: Context) -> CallToolResult | InputRequiredResult:
            """Which valves of a vessel are open."""
            self.reads += 1
            if self.reading_asks:
                said = await self.ask(ctx)
                if not isinstance(said, str):
                    return said
            found = {"vessel": vessel, "open": [{"id": one, "leaking": leaks} for one, leaks in self.open.items()]}
            found |= self.says
            return CallToolResult(content=[TextContent(type="text", text="read")], structured_content=found)

        async def preview_write(tool: str, arguments: dict) -> dict:
            """What a write would do."""
            if self.between is not None:
                self.between()
            chosen = [one for one in arguments["valves"] if (one in self.open) == (tool == "close_valves")]
            return {
                "tool": tool,
                "summary": f"would move {len(chosen)} valves",
                "targets": [{"id": one, "label": f"valve {one}", "detail": "leaks"} for one in chosen],
                "reversible": True,
                "runs_as": "plant operator",
            }

        if self.preview:
            server.tool(annotations=READ)(preview_write)

        @server.tool(annotations=DESTROY)
        async def close_valves(valves: list[str], ctx: Context) -> CallToolResult | InputRequiredResult:
            """Close valves."""
            meta = ctx.request_context.meta
            self.grants.append(str((meta or {}).get("aiops/grant", "")))
            if self.asks:
                said = await self.ask(ctx)
                if not isinstance(said, str):
                    return said
                if said:
                    text = TextContent(type="text", text=f"refused: {said}")
                    return CallToolResult(content=[text], is_error=True, _meta={"aiops/outcome": "refused"})
            if self.refuse:
                text = TextContent(type="text", text=f"refused: {self.refuse}")
                return CallToolResult(content=[text], is_error=True, _meta={"aiops/outcome": "refused"})
            if self.fail:
                raise ToolError(self.fail)
            if self.hang is not None and not self.act_then_hang:
                await self.hang.wait()
            self.writes.append(("close_valves", tuple(valves)))
            before = len(self.open)
            if not self.stuck:
                for one in valves:
                    self.open.pop(one, None)
            if self.bursts:
                self.open |= {f"burst {one}": False for one in valves}
            if self.hang is not None and self.act_then_hang:
                await self.hang.wait()
            return CallToolResult(
                content=[TextContent(type="text", text="closed")],
                structured_content={
                    "summary": f"closed {len(valves)} valves",
                    "before": {"open": str(before)},
                    "after": {"open": str(len(self.open))},
                },
            )

        @server.tool(annotations=WRITE)
        async def open_valves(valves: list[str]) -> dict:
            """Open valves."""
            if self.jammed:
                raise ToolError(self.jammed)
            self.writes.append(("open_valves", tuple(valves)))
            self.open.update(dict.fromkeys(valves, True))
            return {"summary": f"opened {len(valves)} valves"}

        for name, schema in self.schemas.items():
            tool = server._tool_manager.get_tool(name)
            assert tool is not None
            tool.fn_metadata.output_schema = dict(schema)
        self.offered = {"close_valves": (close_valves, DESTROY), "open_valves": (open_valves, WRITE)}
        return server


EFFECTS = {"read_valves": "read", "preview_write": "read", "close_valves": "destructive", "open_valves": "write"}


def _params(one: Mapping[str, object]) -> ElicitRequestFormParams | ElicitRequestURLParams:
    message = str(one["message"])
    if "url" in one:
        return ElicitRequestURLParams(message=message, url=str(one["url"]))
    return ElicitRequestFormParams(message=message, requested_schema=dict(one["schema"]))  # type: ignore[call-overload]


def _without_discovery(app: Callable[..., Awaitable[None]]) -> Callable[..., Awaitable[None]]:
    """Answers `server/discover` as a server from before there was one does, so that clients shake hands."""

    async def older(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http" or scope["method"] != "POST":
            await app(scope, receive, send)
            return
        body, more = b"", True
        while more:
            message = await receive()
            body, more = body + message.get("body", b""), message.get("more_body", False)
        asked = json.loads(body or b"{}")
        if asked.get("method") == "server/discover":
            error = {"code": -32601, "message": "Method not found"}
            answer = Response(json.dumps({"jsonrpc": "2.0", "id": asked["id"], "error": error}))
            answer.headers["content-type"] = "application/json"
            await answer(scope, receive, send)
            return
        parts = iter([{"type": "http.request", "body": body, "more_body": False}])

        async def again() -> Any:
            return next(parts, None) or await receive()

        await app(scope, again, send)

    return older


@asynccontextmanager
async def running_plant(plant: Plant, port: int = 0) -> AsyncIterator[str]:
    """The plant's MCP address."""
    if plant.legacy:
        app: Any = _without_discovery(plant.server().streamable_http_app())
    else:
        app = plant.server().streamable_http_app(json_response=True, stateless_http=True)
    async with serving(app, port) as listening:
        yield f"http://127.0.0.1:{listening}/mcp"
