"""The MCP side; the only file that knows the protocol library (MCP Python SDK 2)."""

from __future__ import annotations

import functools
import inspect
import logging
from collections.abc import Awaitable, Callable, Sequence
from importlib.metadata import version
from typing import Annotated, Any

from mcp.server.mcpserver import MCPServer
from mcp.server.mcpserver.exceptions import ToolError
from mcp_types import CallToolResult, TextContent, ToolAnnotations
from starlette.applications import Starlette
from starlette.routing import Route

from basecamp.errors import BasecampError
from basecamp.tools import Effect, ToolSpec

MCP_PATH = "/mcp"
_INSTRUCTIONS = (
    "Looks at services, logs, metrics and databases for an incident. Times are RFC 3339 UTC. "
    "Begin with list_services; its names are what every `service` argument takes."
)
_log = logging.getLogger(__name__)


def build_server(tools: Sequence[ToolSpec]) -> MCPServer[Any]:
    """An MCP server with these tools."""
    server: MCPServer[Any] = MCPServer("basecamp-mcp", instructions=_INSTRUCTIONS, version=version("aiops"))
    for tool in tools:
        server.add_tool(
            _adapted(tool),
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


def _adapted(tool: ToolSpec) -> Callable[..., Awaitable[CallToolResult]]:
    """The tool with our errors as tool errors, and its result once as structured content and once as compact JSON."""

    @functools.wraps(tool.run)
    async def call(**arguments: Any) -> CallToolResult:
        try:
            result = await tool.run(**arguments)
        except BasecampError as error:
            raise ToolError(str(error)) from error
        text = TextContent(type="text", text=result.model_dump_json())
        return CallToolResult(content=[text], structured_content=result.model_dump(mode="json"))

    signature = inspect.signature(tool.run, eval_str=True)
    returned = Annotated[CallToolResult, tool.result]
    call.__dict__["__signature__"] = signature.replace(return_annotation=returned)
    return call
