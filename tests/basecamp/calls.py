"""Calling tools and reading what they answer."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from mcp import Client

NOON = datetime(2026, 1, 31, 12, 0, tzinfo=UTC)


def at(seconds: float, origin: datetime = NOON) -> str:
    return (origin + timedelta(seconds=seconds)).isoformat().replace("+00:00", "Z")


async def call(client: Client, tool: str, /, **arguments: Any) -> dict[str, Any]:
    result = await client.call_tool(tool, arguments)
    assert not result.is_error, result.content[0].text
    assert result.structured_content is not None
    return result.structured_content


async def refused(client: Client, tool: str, /, **arguments: Any) -> str:
    result = await client.call_tool(tool, arguments)
    assert result.is_error, result.structured_content
    return result.content[0].text
