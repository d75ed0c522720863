"""Minting grants as the bot does, with the library alone, so that basecamp's own code is not its own witness."""

from __future__ import annotations

import hashlib
import json
import time
import uuid
from typing import Any

import jwt
from mcp import Client

KEY = "test-key-of-at-least-thirty-two-bytes"
ENVIRON = {"AIOPS_APPROVAL_KEY": KEY}


def args_hash(arguments: dict[str, Any]) -> str:
    text = json.dumps(arguments, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()


def claims(tool: str, arguments: dict[str, Any], /, **changed: Any) -> dict[str, Any]:
    now = int(time.time())
    return {
        "iss": "aiops",
        "tool": tool,
        "args_sha256": args_hash(arguments),
        "run": "run-1",
        "step": "mitigate",
        "approver": "U0ALICE",
        "jti": str(uuid.uuid4()),
        "iat": now,
        "exp": now + 300,
        **changed,
    }


def mint(tool: str, arguments: dict[str, Any], /, *, key: str = KEY, **changed: Any) -> str:
    return jwt.encode(claims(tool, arguments, **changed), key, algorithm="HS256")


async def write(client: Client, tool: str, token: object = None, **arguments: Any):
    """The whole answer of a tool that changes something; with a fresh good grant unless one is given."""
    given = mint(tool, arguments) if token is None else token
    return await client.call_tool(tool, arguments, meta={"aiops/grant": given})


async def written(client: Client, tool: str, **arguments: Any) -> dict[str, Any]:
    """What a granted call did."""
    answer = await write(client, tool, **arguments)
    assert not answer.is_error, answer.content[0].text
    return answer.structured_content


def outcomes(result: dict[str, Any]) -> dict[str, str]:
    return {target["id"]: target["outcome"] for target in result["targets"]}
