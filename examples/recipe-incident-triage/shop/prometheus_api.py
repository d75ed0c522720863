"""The part of Prometheus' HTTP API that a reader of metrics uses, over the samples in memory.

Source of the forms: prometheus.io/docs/prometheus/latest/querying/api/.
"""

import math
import time
from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime
from typing import Any

from starlette.applications import Starlette
from starlette.datastructures import FormData, QueryParams
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from .evaluation import Evaluator, Vector
from .promql import BadQueryError, Expression, Selector, parse_duration, parse_expression
from .samples import NAME, Labels, Matcher, SampleStore

_MOST_POINTS = 11_000
_Arguments = QueryParams | FormData


class PrometheusApi:
    """Answers queries; `build_app` gives its HTTP application."""

    def __init__(self, store: SampleStore) -> None:
        self._store = store

    def build_app(self) -> Starlette:
        both = ["GET", "POST"]
        return Starlette(
            routes=[
                Route("/api/v1/query", _answering(self._query), methods=both),
                Route("/api/v1/query_range", _answering(self._query_range), methods=both),
                Route("/api/v1/series", _answering(self._series), methods=both),
                Route("/api/v1/labels", _answering(self._labels), methods=both),
                Route("/api/v1/label/{name}/values", _answering(self._label_values)),
                Route("/api/v1/metadata", _answering(self._metadata)),
                Route("/-/ready", _ready),
                Route("/-/healthy", _ready),
            ]
        )

    def _query(self, arguments: _Arguments, _path: Mapping[str, str]) -> object:
        at = _time(arguments, "time", time.time())
        value = Evaluator(self._store).value(parse_expression(_text(arguments, "query")), at)
        if not isinstance(value, dict):
            return {"resultType": "scalar", "result": _point(at, value)}
        result = [{"metric": dict(labels), "value": _point(at, number)} for labels, number in value.items()]
        return {"resultType": "vector", "result": result}

    def _query_range(self, arguments: _Arguments, _path: Mapping[str, str]) -> object:
        start, end = _time(arguments, "start"), _time(arguments, "end")
        step = _step(arguments)
        if end < start:
            raise BadQueryError('invalid parameter "end": end timestamp must not be before start time')
        if (end - start) / step > _MOST_POINTS:
            raise BadQueryError(
                "exceeded maximum resolution of 11,000 points per timeseries. "
                "Try decreasing the query resolution (?step=XX)"
            )
        matrix = self._matrix(parse_expression(_text(arguments, "query")), start, end, step)
        result = [{"metric": dict(labels), "values": points} for labels, points in matrix.items()]
        return {"resultType": "matrix", "result": result}

    def _matrix(self, expression: Expression, start: float, end: float, step: float) -> dict[Labels, list[list[Any]]]:
        evaluator = Evaluator(self._store)
        matrix: dict[Labels, list[list[Any]]] = {}
        for number in range(int((end - start) / step + 1e-9) + 1):
            at = start + number * step
            value = evaluator.value(expression, at)
            vector: Vector = value if isinstance(value, dict) else {(): value}
            for labels, held in vector.items():
                matrix.setdefault(labels, []).append(_point(at, held))
        return matrix

    def _series(self, arguments: _Arguments, _path: Mapping[str, str]) -> object:
        if not arguments.getlist("match[]"):
            raise BadQueryError("no match[] parameter provided")
        return [dict(labels) for labels in self._seen(arguments)]

    def _labels(self, arguments: _Arguments, _path: Mapping[str, str]) -> object:
        return sorted({name for labels in self._seen(arguments) for name, _ in labels})

    def _label_values(self, arguments: _Arguments, path: Mapping[str, str]) -> object:
        return sorted({value for labels in self._seen(arguments) for name, value in labels if name == path["name"]})

    def _seen(self, arguments: _Arguments) -> list[Labels]:
        selectors = [_selector(str(text)) for text in arguments.getlist("match[]")]
        return self._store.seen_between(
            selectors, _time(arguments, "start", -math.inf), _time(arguments, "end", math.inf)
        )

    def _metadata(self, arguments: _Arguments, _path: Mapping[str, str]) -> object:
        wanted = arguments.get("metric")
        return {
            name: [{"type": info.type, "help": info.help, "unit": info.unit}]
            for name, info in self._store.metadata.items()
            if wanted is None or name == wanted
        }


def _answering(
    answer: Callable[[_Arguments, Mapping[str, str]], object],
) -> Callable[[Request], Awaitable[Response]]:
    async def endpoint(request: Request) -> Response:
        arguments = await request.form() if request.method == "POST" else request.query_params
        try:
            return JSONResponse({"status": "success", "data": answer(arguments, request.path_params)})
        except BadQueryError as error:
            body = {"status": "error", "errorType": "bad_data", "error": str(error)}
            return JSONResponse(body, status_code=400)

    return endpoint


async def _ready(_request: Request) -> Response:
    return PlainTextResponse("Ready.\n")


def _text(arguments: _Arguments, name: str) -> str:
    value = arguments.get(name)
    if not isinstance(value, str) or not value.strip():
        raise BadQueryError(f'invalid parameter "{name}": unknown position: parse error: no expression found in input')
    return value


def _time(arguments: _Arguments, name: str, default: float | None = None) -> float:
    """Epoch seconds or RFC 3339."""
    value = arguments.get(name)
    if value is None and default is not None:
        return default
    text = str(value or "")
    try:
        return float(text)
    except ValueError:
        pass
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None:
        raise BadQueryError(f'invalid parameter "{name}": cannot parse {text!r} to a valid timestamp')
    return moment.timestamp()


def _step(arguments: _Arguments) -> float:
    text = str(arguments.get("step") or "")
    try:
        step = float(text)
    except ValueError:
        step = parse_duration(text)
    if not step > 0:
        raise BadQueryError('invalid parameter "step": zero or negative query resolution step widths are not accepted')
    return step


def _selector(text: str) -> tuple[Matcher, ...]:
    tree = parse_expression(text)
    if not isinstance(tree, Selector) or tree.range_seconds is not None:
        raise BadQueryError(f'match[] must be a plain selector such as {NAME} or x{{a="b"}}, not {text!r}')
    return tree.matchers


def _point(at: float, value: float) -> list[Any]:
    return [at, _number(value)]


def _number(value: float) -> str:
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "+Inf" if value > 0 else "-Inf"
    return str(int(value)) if value.is_integer() and abs(value) < 1e15 else repr(value)
