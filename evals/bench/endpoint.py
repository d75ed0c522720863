"""
An OpenAI-compatible chat endpoint that answers at once, so that what is left of a triage is our own time.

The model `plain` answers at the first call. `looking` is uncertain at first, then asks for two look-ups at a time
until there have been six, then answers. `GET /busy` tells how long the endpoint itself has been at work.
"""

import asyncio
import json
import time
from collections.abc import Mapping, Sequence
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from evals.bench.serving import serving, stopped

LOOK_UPS = 6
CALLS = {"plain": 1, "looking": 2 + LOOK_UPS // 2}
"""Model calls that one triage takes."""


def answer(verdict: str) -> str:
    """A reply in the form that the prompts ask for; its claims say nothing that evidence could contradict."""
    hypotheses = [
        {
            "title": title,
            "cause_class": cause_class,
            "suspect": None,
            "claims": [{"text": "The evidence shows what the alert says.", "evidence": ["E1"]}],
            "confidence": confidence,
            "disconfirming_check": "If the symptom goes on after the change is undone.",
        }
        for title, cause_class, confidence in (
            ("A recent change broke the service", "deploy", 0.6),
            ("No change explains this", "unknown", 0.2),
        )
    ]
    return json.dumps(
        {
            "summary": "The service fails as the alert says.",
            "hypotheses": hypotheses,
            "first_action": {"text": "Look at the newest change.", "runbook": None, "step": None},
            "ruled_out": [],
            "verdict": verdict,
        }
    )


def reply(model: str, messages: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """The assistant's message that comes next in a conversation."""
    looked = sum(message["role"] == "tool" for message in messages)
    if not model.endswith("looking"):
        return {"role": "assistant", "content": answer("confident")}
    if sum(message["role"] == "assistant" for message in messages) == 0:
        return {"role": "assistant", "content": answer("uncertain")}
    if looked >= LOOK_UPS:
        return {"role": "assistant", "content": answer("confident")}
    calls = [
        {
            "id": f"call_{place}",
            "type": "function",
            # A different moment each time, because an identical call would be refused.
            "function": {
                "name": "list_services",
                "arguments": json.dumps({"since": f"2026-01-{place + 1:02d}T00:00:00Z"}),
            },
        }
        for place in (looked, looked + 1)
    ]
    return {"role": "assistant", "content": None, "tool_calls": calls}


class Endpoint:
    """Counts its own time."""

    def __init__(self) -> None:
        self._busy_s = 0.0

    async def chat(self, request: Request) -> Response:
        """POST /v1/chat/completions."""
        started = time.perf_counter()
        body = await request.json()
        message = reply(body["model"], body["messages"])
        tokens = {"prompt_tokens": 1_000, "completion_tokens": 200, "total_tokens": 1_200}
        finish = "tool_calls" if "tool_calls" in message else "stop"
        response = JSONResponse(
            {
                "id": "chatcmpl-1",
                "object": "chat.completion",
                "created": 1_780_000_000,
                "model": body["model"],
                "choices": [{"index": 0, "message": message, "finish_reason": finish}],
                "usage": tokens,
            }
        )
        self._busy_s += time.perf_counter() - started
        return response

    async def busy(self, request: Request) -> Response:
        """GET /busy."""
        del request
        return JSONResponse({"seconds": self._busy_s})


async def _serve() -> None:
    endpoint = Endpoint()
    app = Starlette(
        routes=[Route("/v1/chat/completions", endpoint.chat, methods=["POST"]), Route("/busy", endpoint.busy)]
    )
    async with serving(app) as port:
        print(json.dumps({"url": f"http://127.0.0.1:{port}"}), flush=True)
        await stopped()


if __name__ == "__main__":
    asyncio.run(_serve())
