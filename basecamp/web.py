"""The plain HTTP side: CI systems record changes, people and probes ask for health."""

from __future__ import annotations

import hmac
import uuid
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, SecretStr, ValidationError
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from basecamp.bootstrap import Basecamp
from basecamp.catalog import check_service_name
from basecamp.database import ChangeLog
from basecamp.errors import BackendError, BadRequest, nearest
from basecamp.results import Change, ChangeKind
from basecamp.times import parse_time, render_time

MAX_BODY = 64 * 1024
_RECENT = timedelta(hours=24)
Handler = Callable[[Request], Awaitable[Response]]


class _NotJson(BadRequest):
    """The body does not say that it is JSON."""


class _TooLarge(BadRequest):
    """The body is longer than allowed."""


_STATUS: dict[type[BadRequest], int] = {_TooLarge: 413, _NotJson: 415}


def _parse_at(value: object) -> datetime:
    try:
        return parse_time(str(value), name="it")
    except BadRequest as error:
        raise ValueError(str(error)) from error


def _check_service(value: str) -> str:
    try:
        return check_service_name(value)
    except BadRequest as error:
        raise ValueError(str(error)) from error


def _check_text(value: str) -> str:
    if "\0" in value:
        raise ValueError("holds a NUL character, which PostgreSQL cannot store")
    return value


Text = Annotated[str, AfterValidator(_check_text)]


class NewChange(BaseModel):
    """The body of POST /changes."""

    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True)

    id: Text | None = Field(default=None, min_length=1, max_length=200)
    service: Annotated[str, AfterValidator(_check_service)]
    kind: ChangeKind
    at: Annotated[datetime, BeforeValidator(_parse_at)] | None = None
    author: Text | None = Field(default=None, max_length=200)
    title: Text = Field(min_length=1, max_length=500)
    detail: Text | None = Field(default=None, max_length=20_000)
    version: Text | None = Field(default=None, max_length=200)


def routes(basecamp: Basecamp) -> list[Route]:
    """The routes beside /mcp."""
    changes, auth = basecamp.changes, basecamp.settings.auth

    async def health(_request: Request) -> Response:
        """Liveness and what is served; backends are not asked, so their trouble is not ours."""
        absent = [{"backend": each.backend, "tools": each.tools, "why": each.mend} for each in basecamp.absent]
        return JSONResponse({"status": "ok", "tools": [tool.name for tool in basecamp.tools], "absent": absent})

    async def post(request: Request) -> Response:
        return await _record(request, _present(changes))

    async def get(request: Request) -> Response:
        return await _list(request, _present(changes))

    return [
        Route("/healthz", health, methods=["GET"]),
        Route("/changes", _guarded(post, auth.changes_token), methods=["POST"]),
        Route("/changes", _guarded(get, auth.changes_token), methods=["GET"]),
    ]


class BearerGuard:
    """Asks for a bearer token on one path; other paths pass."""

    def __init__(self, app: ASGIApp, *, path: str, token: SecretStr) -> None:
        self._app, self._path, self._token = app, path, token

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        guarded = scope["type"] == "http" and scope["path"].rstrip("/") == self._path
        if guarded and not _authorised(Request(scope), self._token):
            await _unauthorised()(scope, receive, send)
            return
        await self._app(scope, receive, send)


def parse_change(body: bytes, *, now: datetime) -> tuple[str, Change]:
    """(service, change) from a posted body. Raises BadRequest that names the field."""
    try:
        parsed = NewChange.model_validate_json(body)
    except ValidationError as error:
        raise BadRequest("; ".join(_reason(each) for each in error.errors())) from error
    return parsed.service, Change(
        id=parsed.id or f"chg-{uuid.uuid4()}",
        kind=parsed.kind,
        at=parsed.at or now,
        author=parsed.author,
        title=parsed.title,
        detail=parsed.detail,
        version=parsed.version,
    )


def _reason(error: Any) -> str:
    name = str(error["loc"][0]) if error["loc"] else ""
    if error["type"] == "extra_forbidden":
        return f"{name}: is not a field of a change; {nearest(name, NewChange.model_fields)}"
    message = str(error["msg"]).removeprefix("Value error, ")
    return f"{name}: {message}" if name else f"the body: {message}; send one JSON object"


async def _record(request: Request, changes: ChangeLog) -> Response:
    # A web page can send other types here from a visitor's browser without being asked first (CORS).
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
        raise _NotJson("send the change with `Content-Type: application/json`")
    service, change = parse_change(await _body(request), now=datetime.now(UTC))
    stored, new = await changes.record(service, change)
    return JSONResponse(_json(stored["service"], Change.model_validate(stored)), status_code=201 if new else 200)


async def _list(request: Request, changes: ChangeLog) -> Response:
    unknown = [key for key in request.query_params if key not in {"service", "since"}]
    if unknown:
        raise BadRequest(f"{unknown[0]}: is not a parameter; {nearest(unknown[0], ['service', 'since'])}")
    service, since = request.query_params.get("service"), request.query_params.get("since")
    if service is not None:
        check_service_name(service)
    # A plus sign that was not percent-encoded arrives as a space; it can only have been one of an offset.
    after = parse_time(since.replace(" ", "+"), name="since") if since else datetime.now(UTC) - _RECENT
    found = await changes.since(after, service)
    return JSONResponse({"changes": [_json(service, change) for service, change in found], "since": render_time(after)})


def _json(service: str, change: Change) -> dict[str, Any]:
    return {"service": service, **change.model_dump(mode="json")}


async def _body(request: Request) -> bytes:
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > MAX_BODY:
            raise _TooLarge(f"the body is larger than {MAX_BODY} bytes")
    return bytes(body)


def _present(changes: ChangeLog | None) -> ChangeLog:
    if changes is None:
        raise BackendError("basecamp database", "is not configured; set `database_url:`")
    return changes


def _guarded(handler: Handler, token: SecretStr | None) -> Handler:
    """The handler behind an optional bearer token, with our errors as statuses."""

    async def guarded(request: Request) -> Response:
        if token is not None and not _authorised(request, token):
            return _unauthorised()
        try:
            return await handler(request)
        except BadRequest as error:
            return JSONResponse({"error": str(error)}, status_code=_STATUS.get(type(error), 400))
        except BackendError as error:
            return JSONResponse({"error": str(error)}, status_code=503, headers={"Retry-After": "5"})

    return guarded


def _authorised(request: Request, token: SecretStr) -> bool:
    given = request.headers.get("authorization", "").encode()
    return hmac.compare_digest(given, f"Bearer {token.get_secret_value()}".encode())


def _unauthorised() -> Response:
    reason = {"error": "send `Authorization: Bearer <token>` with the token of the `auth:` section"}
    return JSONResponse(reason, status_code=401, headers={"WWW-Authenticate": "Bearer"})
