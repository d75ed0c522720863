"""
A scripted OpenAI-compatible chat endpoint on an ephemeral loopback port.

Replies are queued and served in order; the last one is not repeated: an unscripted request answers 500 and is logged,
so a test that pays for one call too many sees it.
"""

import asyncio
import json
from collections import deque
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from tests.support.ports import listening_socket


@dataclass(frozen=True, kw_only=True)
class Reply:
    """One scripted answer. `hang` keeps the request open until the endpoint stops."""

    text: str | None = None
    tool_calls: tuple[tuple[str, str], ...] = ()
    """Tool name and its arguments as a JSON text (possibly malformed)."""
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    error: str = ""
    hang: bool = False
    raw: str | None = None
    """A whole body instead of a chat completion."""
    finish_reason: str = "stop"


def says(value: object) -> Reply:
    """An answer whose text is this string, or this value as JSON."""
    return Reply(text=value if isinstance(value, str) else json.dumps(value))


def calls(*wanted: tuple[str, Mapping[str, object]]) -> Reply:
    """An answer that asks for tools."""
    return Reply(tool_calls=tuple((name, json.dumps(args)) for name, args in wanted), finish_reason="tool_calls")


def rate_limited(retry_after_s: float) -> Reply:
    """429 with Retry-After."""
    return Reply(status=429, headers={"Retry-After": str(retry_after_s)}, error="slow down")


def broken(status: int = 500, error: str = "internal error") -> Reply:
    """A failure status."""
    return Reply(status=status, error=error)


HANG = Reply(hang=True)

Answer = Reply | Callable[[dict], Reply]


@dataclass
class OpenAiEndpoint:
    """The queue of answers and the log of requests."""

    url: str = ""
    requests: list[dict] = field(default_factory=list)
    """Parsed bodies, with `authorization` added from the header."""
    _queue: deque[Answer] = field(default_factory=deque)
    _stop: asyncio.Event = field(default_factory=asyncio.Event)
    _arrived: asyncio.Condition = field(default_factory=asyncio.Condition)

    def queue(self, *answers: Answer) -> None:
        """Add answers; a callable is given the request's body and returns a Reply."""
        self._queue.extend(answers)

    def clear(self) -> None:
        """Forget answers that were not asked for."""
        self._queue.clear()

    @property
    def left(self) -> int:
        """How many scripted answers have not been asked for."""
        return len(self._queue)

    async def received(self, count: int) -> None:
        """Wait until this many requests have arrived; bound it with a timeout."""
        async with self._arrived:
            await self._arrived.wait_for(lambda: len(self.requests) >= count)

    async def chat(self, request: Request) -> Response:
        body = await request.json()
        self.requests.append({**body, "authorization": request.headers.get("authorization", "")})
        async with self._arrived:
            self._arrived.notify_all()
        answer = self._queue.popleft() if self._queue else broken(500, "the script has no more answers")
        reply = answer(body) if callable(answer) else answer
        if reply.hang:
            await self._stop.wait()
        if reply.raw is not None:
            return Response(reply.raw, status_code=reply.status, media_type="application/json")
        if reply.status != 200:
            error = {"error": {"message": reply.error, "type": "scripted", "code": str(reply.status)}}
            return JSONResponse(error, status_code=reply.status, headers=dict(reply.headers))
        return JSONResponse(self._completion(body, reply))

    def _completion(self, body: dict, reply: Reply) -> dict:
        message: dict[str, object] = {"role": "assistant", "content": reply.text}
        if reply.tool_calls:
            message["tool_calls"] = [
                {
                    "id": f"call_{len(self.requests)}_{place}",
                    "type": "function",
                    "function": {"name": name, "arguments": args},
                }
                for place, (name, args) in enumerate(reply.tool_calls)
            ]
        return {
            "id": f"chatcmpl-{len(self.requests)}",
            "object": "chat.completion",
            "created": 1_780_000_000,
            "model": body["model"],
            "choices": [{"index": 0, "message": message, "finish_reason": reply.finish_reason}],
            "usage": {
                "prompt_tokens": len(json.dumps(body["messages"])) // 4,
                "completion_tokens": len(reply.text or "") // 4 + 1,
                "total_tokens": len(json.dumps(body["messages"])) // 4 + len(reply.text or "") // 4 + 1,
            },
        }

    def stop(self) -> None:
        """Let hanging requests go."""
        self._stop.set()


@asynccontextmanager
async def openai_endpoint() -> AsyncIterator[OpenAiEndpoint]:
    """Run the endpoint in this loop; `url` is what goes into base_url."""
    endpoint = OpenAiEndpoint()
    app = Starlette(routes=[Route("/v1/chat/completions", endpoint.chat, methods=["POST"])])
    async with serving(app) as port:
        endpoint.url = f"http://127.0.0.1:{port}/v1"
        try:
            yield endpoint
        finally:
            endpoint.stop()


@asynccontextmanager
async def serving(app: object, port: int = 0) -> AsyncIterator[int]:
    """Serve an ASGI app on loopback in this loop and say on which port; stopped and awaited on leaving."""
    listener = listening_socket(port)
    config = uvicorn.Config(app, log_level="warning", timeout_graceful_shutdown=1, lifespan="auto", ws="none")
    server = uvicorn.Server(config)
    task = asyncio.create_task(server.serve(sockets=[listener]))
    try:
        async with asyncio.timeout(10):
            while not server.started:
                if task.done():
                    task.result()
                await asyncio.sleep(0)
        yield listener.getsockname()[1]
    finally:
        server.should_exit = True
        async with asyncio.timeout(10):
            await task
        listener.close()
