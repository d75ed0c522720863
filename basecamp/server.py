"""The MCP side; the only file that knows the protocol library (MCP Python SDK 2)."""

from __future__ import annotations

import functools
import inspect
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from importlib.metadata import version
from typing import Annotated, Any

from mcp.server.context import CallNext, HandlerResult, ServerRequestContext
from mcp.server.extension import Extension
from mcp.server.mcpserver import MCPServer
from mcp.server.mcpserver.exceptions import ToolError
from mcp_types import CallToolRequestParams, CallToolResult, TextContent, ToolAnnotations
from pydantic import BaseModel
from starlette.applications import Starlette
from starlette.routing import Route

from basecamp.errors import ActFailed, BasecampError, Refused
from basecamp.gate import WriteGate
from basecamp.grants import META_KEY
from basecamp.tools import Effect, ToolSpec

MCP_PATH = "/mcp"
OUTCOME_KEY = "aiops/outcome"
_INSTRUCTIONS = (
    "Looks at services, logs, metrics and databases for an incident. Times are RFC 3339 UTC. "
    "Begin with list_services; its names are what every `service` argument takes. "
    "Tools that change something act only with an approval grant for exactly that call; preview_write shows what they would do."
)
_log = logging.getLogger(__name__)


def build_server(tools: Sequence[ToolSpec], gate: WriteGate) -> MCPServer[Any]:
    """An MCP server with these tools; those that change something act through the gate."""
    writes = {tool.name: tool for tool in tools if tool.effect is not Effect.READ}
    server: MCPServer[Any] = MCPServer(
        "basecamp-mcp", instructions=_INSTRUCTIONS, version=version("aiops"), extensions=[_Grants(writes, gate)]
    )
    for tool in tools:
        server.add_tool(
            _closed(tool) if tool.name in writes else _open(tool),
            name=tool.name,
            title=tool.title,
            description=inspect.getdoc(tool.run),
            annotations=ToolAnnotations(
                title=tool.title,
                read_only_hint=tool.effect is Effect.READ,
                destructive_hint=tool.effect is Effect.DESTRUCTIVE,
                idempotent_hint=tool.effect is Effect.READ,
                open_world_hint=False,
            ),
        )
    return server


def http_app(server: MCPServer[Any], routes: Sequence[Route], *, host: str) -> Starlette:
    """Streamable HTTP at /mcp beside other routes.

    Stateless with JSON answers: a restart or a second replica behind the same address loses no session.
    """
    app = server.streamable_http_app(streamable_http_path=MCP_PATH, json_response=True, stateless_http=True, host=host)
    app.router.routes.extend(routes)
    return app


async def run_stdio(server: MCPServer[Any]) -> None:
    """Serve one client on standard input and output until it closes them."""
    await server.run_stdio_async()


class _Grants(Extension):
    """Takes every call of a tool that changes something to the gate, arguments as they were sent, and nowhere else."""

    identifier = "dev.aiops/grants"

    def __init__(self, writes: Mapping[str, ToolSpec], gate: WriteGate) -> None:
        self._writes, self._gate = writes, gate

    async def intercept_tool_call(
        self, params: CallToolRequestParams, ctx: ServerRequestContext[Any, Any], call_next: CallNext
    ) -> HandlerResult:
        tool = self._writes.get(params.name)
        if tool is None:
            return await call_next(ctx)
        meta: Mapping[str, Any] = dict(ctx.meta or {})
        try:
            return _answer(await self._gate.act(tool, params.arguments or {}, meta.get(META_KEY)))
        except Refused as error:
            return _failure("refused", error)
        except ActFailed as error:
            return _failure("failed", error)


def _open(tool: ToolSpec) -> Callable[..., Awaitable[CallToolResult]]:
    """A tool that only reads, with our errors as tool errors."""

    async def call(**arguments: Any) -> CallToolResult:
        try:
            return _answer(await tool.run(**arguments))
        except BasecampError as error:
            raise ToolError(str(error)) from error

    return _signed_like(tool, call)


def _closed(tool: ToolSpec) -> Callable[..., Awaitable[CallToolResult]]:
    """The name and schema of a tool that changes something; it does not act, since the gate answers before it."""

    async def call(**_arguments: Any) -> CallToolResult:
        raise ToolError(f"refused: {tool.name} can be reached through the approval gate alone")

    return _signed_like(tool, call)


def _signed_like(
    tool: ToolSpec, call: Callable[..., Awaitable[CallToolResult]]
) -> Callable[..., Awaitable[CallToolResult]]:
    call = functools.wraps(tool.run)(call)
    signature = inspect.signature(tool.run, eval_str=True)
    returned = Annotated[CallToolResult, tool.result]
    call.__dict__["__signature__"] = signature.replace(return_annotation=returned)
    return call


def _answer(result: BaseModel) -> CallToolResult:
    """The result once as structured content and once as compact JSON."""
    text = TextContent(type="text", text=result.model_dump_json())
    return CallToolResult(content=[text], structured_content=result.model_dump(mode="json"))


def _failure(outcome: str, error: BasecampError) -> CallToolResult:
    """An error that says, for people and for programs, whether something may have been changed."""
    text = TextContent(type="text", text=f"{outcome}: {error}")
    return CallToolResult.model_validate({"content": [text], "isError": True, "_meta": {OUTCOME_KEY: outcome}})
