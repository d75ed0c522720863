"""The HTTP face of the Web API: arguments in, faults applied, Slack's answers out."""

import asyncio
from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response

from slackbox import interactions
from slackbox.box import Box
from slackbox.errors import Refusal
from slackbox.faults import Fault
from slackbox.jsons import Json
from slackbox.methods import Call, Method, answer, refusal_body
from slackbox.requests import read_arguments
from slackbox.socketmode import TRANSPORT


@dataclass(frozen=True, slots=True, kw_only=True)
class WebApi:
    box: Box
    table: dict[str, Method]

    async def handle(self, request: Request) -> Response:
        """POST or GET /api/<method>."""
        name = request.path_params["method"]
        fault = self.box.faults.take(name)
        if fault is not None:
            self.box.journal.write("fault", method=name, fault=fault.kind)
            early = await _before(fault, request)
            if early is not None:
                return early
        args: Json = {}
        extra: dict[str, str] = {}
        status = 200
        try:
            args, body_token = await read_arguments(request)
            token = _bearer(request) or (body_token if name != "apps.connections.open" else None)
            call = Call(box=self.box, method=name, args=args, netloc=request.url.netloc)
            body = answer(call, self.table, token)
        except Refusal as refusal:
            body, status, extra = _refused(refusal)
        self.box.journal.write("call", method=name, args=args, answer=body)
        if fault is not None and fault.kind == "apply_then_drop":
            return await drop(request)
        return JSONResponse(body, status, headers=self._headers(name) | extra)

    async def handle_response_url(self, request: Request) -> Response:
        """POST /_response/<id>: a post to a response address."""
        try:
            args, _ = await read_arguments(request)
            interactions.use_response_url(self.box, request.path_params["name"], args)
        except Refusal as refusal:
            self.box.journal.write("response_url", answer=refusal.code)
            return JSONResponse(refusal_body(refusal), 404 if refusal.code in {"expired_url", "used_url"} else 200)
        self.box.journal.write("response_url", args=args, answer="ok")
        return PlainTextResponse("ok")

    def _headers(self, name: str) -> dict[str, str]:
        method = self.table.get(name)
        return {
            "x-oauth-scopes": ",".join(self.box.manifest.scopes),
            "x-accepted-oauth-scopes": ",".join(method.scopes) if method else "",
        }


def _bearer(request: Request) -> str | None:
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else None


def _refused(refusal: Refusal) -> tuple[Json, int, dict[str, str]]:
    body = refusal_body(refusal)
    if refusal.retry_after is not None:
        return body, 429, {"retry-after": str(refusal.retry_after)}
    return body, 200, {}


async def _before(fault: Fault, request: Request) -> Response | None:
    """What a fault does before the method runs; None when the method is to run."""
    match fault.kind:
        case "slow":
            await asyncio.sleep(fault.ms / 1000)
        case "status":
            return PlainTextResponse("upstream failure", fault.status)
        case "malformed":
            return Response('{"ok": tru', media_type="application/json")
        case "ratelimited":
            body, status, headers = _refused(Refusal("ratelimited", retry_after=fault.retry_after))
            return JSONResponse(body, status, headers=headers)
        case "drop":
            return await drop(request)
        case _:
            pass
    return None


async def drop(request: Request) -> Response:
    """Cut the connection without an answer. The returned response goes nowhere."""
    transport = request.scope["state"].get(TRANSPORT)
    if isinstance(transport, asyncio.Transport):
        transport.abort()
        while (await request.receive())["type"] != "http.disconnect":
            continue
    return Response(status_code=500)
