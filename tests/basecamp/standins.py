"""Stand-ins that speak the HTTP protocols of Prometheus, Loki and Trino strictly enough to refuse what those refuse."""

from __future__ import annotations

import asyncio
import contextlib
import json
import re
import socket
from collections.abc import AsyncIterator
from datetime import datetime

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

BOUNDS = (0.1, 0.25, 0.5)


class _Quiet(uvicorn.Server):
    @contextlib.contextmanager
    def capture_signals(self):
        yield


@contextlib.asynccontextmanager
async def serving(app: Starlette) -> AsyncIterator[str]:
    """The address of an app that is served on a free port."""
    listener = socket.create_server(("127.0.0.1", 0))
    server = _Quiet(uvicorn.Config(app, log_config=None, access_log=False, timeout_graceful_shutdown=1))
    task = asyncio.create_task(server.serve(sockets=[listener]))
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        server.should_exit = True
        await asyncio.wait_for(task, 10)
        listener.close()


# Prometheus: ten good requests of 0.2 s and one failed one per second, seven of ten connections in use.

_SAMPLES: dict[tuple[str, tuple[tuple[str, str], ...]], float | None] = {
    ("shop_requests_total", (("outcome", "ok"),)): 10.0,
    ("shop_requests_total", (("outcome", "error"),)): 1.0,
    ("shop_request_duration_seconds_count", ()): 10.0,
    ("shop_request_duration_seconds_sum", ()): 2.0,
    **{
        ("shop_request_duration_seconds_bucket", (("le", bound),)): 0.0 if bound == "0.1" else 10.0
        for bound in ("0.1", "0.25", "0.5", "+Inf")
    },
    ("shop_db_connections", ()): None,
}
_SELECTOR = r"(?P<name>[a-z_]*)\{(?P<matchers>[^}]*)\}"
_QUERY = re.compile(rf"(?P<sum>sum by \(le\) \()?(?P<rate>rate\()?{_SELECTOR}(?:\[\d+s\]\))?\)?")


def prometheus() -> Starlette:
    async def series(request: Request) -> Response:
        found = _select(request.query_params["match[]"])
        return _success([{"__name__": name, "service": "shop", **dict(labels)} for name, labels in found])

    async def metadata(_request: Request) -> Response:
        types = {
            "shop_requests": "counter",
            "shop_request_duration_seconds": "histogram",
            "shop_db_connections": "gauge",
        }
        return _success({name: [{"type": kind, "help": "", "unit": ""}] for name, kind in types.items()})

    async def values(request: Request) -> Response:
        return _success(["shop"] if request.path_params["label"] == "service" else [])

    async def query(request: Request) -> Response:
        return _evaluate(request.query_params.get("query", ""), [_time(request.query_params["time"])], "vector")

    async def query_range(request: Request) -> Response:
        given = request.query_params
        start, end, step = _time(given["start"]), _time(given["end"]), float(given["step"])
        if end < start or step <= 0:
            return _bad_data("invalid parameter: end timestamp must not be before start time")
        if (end - start) / step > 11000:
            return _bad_data("exceeded maximum resolution of 11,000 points per timeseries.")
        moments = [start + index * step for index in range(int((end - start) / step) + 1)]
        return _evaluate(given.get("query", ""), moments, "matrix")

    return Starlette(
        routes=[
            Route("/api/v1/series", series),
            Route("/api/v1/metadata", metadata),
            Route("/api/v1/label/{label}/values", values),
            Route("/api/v1/query", query),
            Route("/api/v1/query_range", query_range),
        ]
    )


def _time(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return datetime.fromisoformat(text).timestamp()


def _select(selector: str):
    match = re.fullmatch(_SELECTOR, selector)
    if match is None:
        return None
    wanted = dict(re.findall(r'(\w+)=~?"([^"]*)"', match["matchers"]))
    if wanted.pop("service", "shop") != "shop":
        return []
    name = wanted.pop("__name__", match["name"]) or ".*"
    return [key for key in _SAMPLES if re.fullmatch(name, key[0])]


def _evaluate(text: str, moments: list[float], kind: str) -> Response:
    match = _QUERY.fullmatch(text)
    if match is None:
        return _bad_data(f'invalid parameter "query": parse error in {text!r}')
    selector = re.search(_SELECTOR, text)
    result = []
    for name, labels in _select(selector.group()) or []:
        slope = _SAMPLES[name, labels]

        def at(moment: float, slope: float | None = slope) -> str:
            if slope is None:
                return "7"
            return str(slope) if match["rate"] else str(slope * (moment - 1_700_000_000))

        metric = dict(labels) if match["sum"] else {"service": "shop", **dict(labels)}
        if not match["rate"]:
            metric["__name__"] = name
        points = [[moment, at(moment)] for moment in moments]
        result.append({"metric": metric, **({"values": points} if kind == "matrix" else {"value": points[0]})})
    return _success({"resultType": kind, "result": result})


def _success(data: object) -> Response:
    return JSONResponse({"status": "success", "data": data})


def _bad_data(words: str) -> Response:
    return JSONResponse({"status": "error", "errorType": "bad_data", "error": words}, status_code=400)


# Loki


def loki(lines: list[tuple[int, str]], seen: list[dict[str, str]]) -> Starlette:
    """Holds lines of {service="shop"}; checks parameters as Loki's HTTP API does."""

    async def query_range(request: Request) -> Response:
        given = dict(request.query_params)
        seen.append(given)
        match = re.fullmatch(r'\{service="([^"]+)"\}(?: \|= ("(?:[^"\\]|\\.)*"))?', given["query"])
        if match is None:
            return PlainTextResponse(f"parse error : syntax error in {given['query']}", status_code=400)
        if not re.fullmatch(r"\d{19}", given["start"]) or not re.fullmatch(r"\d{19}", given["end"]):
            return PlainTextResponse("could not parse 'start' parameter", status_code=400)
        if given["direction"] not in {"forward", "backward"} or not 0 < int(given["limit"]) <= 5000:
            return PlainTextResponse("max entries limit per query exceeded", status_code=400)
        needle = json.loads(match[2]) if match[2] else ""
        start, end = int(given["start"]), int(given["end"])
        found = [each for each in lines if match[1] == "shop" and start <= each[0] < end and needle in each[1]]
        found = sorted(found, reverse=given["direction"] == "backward")[: int(given["limit"])]
        stream = {"stream": {"service": "shop"}, "values": [[str(at), text] for at, text in found]}
        return _success({"resultType": "streams", "result": [stream] if found else []})

    async def labels(_request: Request) -> Response:
        return _success(["service"])

    return Starlette(routes=[Route("/loki/api/v1/query_range", query_range), Route("/loki/api/v1/labels", labels)])


# Trino


class Trino:
    """The statement protocol: POST /v1/statement, then GET nextUri until it is gone; DELETE cancels."""

    def __init__(self) -> None:
        self.statements: list[str] = []
        self.headers: list[dict[str, str]] = []
        self.cancelled = asyncio.Event()
        self.app = Starlette(
            routes=[
                Route("/v1/statement", self._post, methods=["POST"]),
                Route("/v1/statement/executing/{page:int}", self._get, methods=["GET"]),
                Route("/v1/statement/executing/{page:int}", self._delete, methods=["DELETE"]),
            ]
        )

    async def _post(self, request: Request) -> Response:
        if "x-trino-user" not in request.headers:
            return PlainTextResponse("User must be set", status_code=401)
        self.statements.append((await request.body()).decode())
        self.headers.append(dict(request.headers))
        return JSONResponse(self._page(request, 0, "QUEUED"))

    async def _get(self, request: Request) -> Response:
        page = request.path_params["page"]
        statement = self.statements[-1]
        if "missing" in statement:
            error = {
                "message": "line 1:15: Table 'lake.shop.missing' does not exist",
                "errorCode": 46,
                "errorName": "TABLE_NOT_FOUND",
                "errorType": "USER_ERROR",
                "failureInfo": {"type": "io.trino.spi.TrinoException"},
            }
            return JSONResponse({**self._page(request, None, "FAILED"), "error": error})
        if "forever" in statement:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self.cancelled.wait(), 0.5)
            return JSONResponse(self._page(request, page, "QUEUED"))
        if page >= 3:
            return JSONResponse(self._page(request, None, "FINISHED"))
        rows = [[page * 2, f"order {page * 2}"], [page * 2 + 1, None]]
        columns = [_column("id", "bigint"), _column("title", "varchar")]
        return JSONResponse({**self._page(request, page, "RUNNING"), "columns": columns, "data": rows})

    async def _delete(self, _request: Request) -> Response:
        self.cancelled.set()
        return Response(status_code=204)

    @staticmethod
    def _page(request: Request, page: int | None, state: str) -> dict[str, object]:
        base = str(request.base_url).rstrip("/")
        body = {"id": "20260131_1", "infoUri": f"{base}/ui/query.html", "stats": {"state": state}, "warnings": []}
        return body if page is None else {**body, "nextUri": f"{base}/v1/statement/executing/{page + 1}"}


def _column(name: str, kind: str) -> dict[str, object]:
    arguments = [{"kind": "LONG", "value": 2147483647}] if kind == "varchar" else []
    return {"name": name, "type": kind, "typeSignature": {"rawType": kind, "arguments": arguments}}
