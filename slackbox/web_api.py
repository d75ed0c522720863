"""The HTTP face of the Web API: arguments in, faults applied, Slack's answers out."""

from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response

from slackbox import interactions, outages, transfers
from slackbox.auth import bearer
from slackbox.box import Box
from slackbox.errors import Refusal
from slackbox.jsons import Json
from slackbox.methods import Call, Method, answer, refusal_body
from slackbox.requests import misplaced_token, read_arguments


@dataclass(frozen=True, slots=True, kw_only=True)
class WebApi:
    box: Box
    table: dict[str, Method]

    async def handle(self, request: Request) -> Response:
        """POST or GET /api/<method>."""
        name = request.path_params["method"]
        if name in transfers.PATHS:
            return await transfers.handle(self.box, request)
        fault = self.box.faults.take(name)
        if fault is not None:
            early = await outages.before(fault, request, self.box)
            if early is not None:
                return early
        args: Json = {}
        extra: dict[str, str] = {}
        status = 200
        try:
            args, body_token = await read_arguments(request)
            token = bearer(request) or (body_token if name != "apps.connections.open" else None)
            misplaced = await misplaced_token(request)
            if misplaced is not None:
                self.box.journal.violation("token_not_in_header", method=name, place=misplaced)
            netloc, verb = request.url.netloc, request.method
            call = Call(box=self.box, method=name, args=args, netloc=netloc, http_verb=verb, token=token)
            body = answer(call, self.table)
        except Refusal as refusal:
            body, status, extra = _refused(refusal)
        self.box.journal.write("call", method=name, args=args, answer=body)
        if fault is not None and fault.kind == "apply_then_drop":
            return await outages.drop(request)
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


def _refused(refusal: Refusal) -> tuple[Json, int, dict[str, str]]:
    body = refusal_body(refusal)
    if refusal.retry_after is not None:
        return body, 429, {"retry-after": str(refusal.retry_after)}
    return body, 200, {}
