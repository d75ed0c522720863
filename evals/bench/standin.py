"""
A stand-in for Prometheus: the five calls of its HTTP API v1 that basecamp makes, over made-up series.

Every service has the same six series. `POST /faults` makes a service's errors, latency and pool rise from a moment on.
It computes points on request and keeps nothing, so its own time is small and even.
"""

import argparse
import asyncio
import json
import math
import re
from collections.abc import Mapping, Sequence
from datetime import datetime

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from evals.bench.serving import serving, stopped

SERIES: Mapping[str, tuple[str, float, float]] = {
    "http_requests_total": ("counter", 40.0, 1.0),
    "http_request_errors_total": ("counter", 0.05, 120.0),
    "http_request_duration_p95_seconds": ("gauge", 0.12, 9.0),
    "pool_connections_in_use": ("gauge", 6.0, 4.0),
    "queue_backlog": ("gauge", 3.0, 1.0),
    "process_resident_memory_bytes": ("gauge", 2.4e8, 1.0),
}
"""Metric to its type, its usual level (per second for counters), and the factor by which a fault raises it."""

_SERVICE = re.compile(r'service="([^"]+)"')
_NAMES = re.compile(r'__name__=~"([^"]+)"|^rate\((\w+)\{')


def level(metric: str, service: str, at: float, fault: float | None) -> float:
    """The value at a moment: a usual level with a ripple, times the factor once the fault has begun."""
    _, usual, factor = SERIES[metric]
    phase = sum(service.encode()) + len(metric)
    ripple = 1 + 0.04 * math.sin(at / 47 + phase) + 0.02 * math.sin(at / 11 + 2 * phase)
    return usual * ripple * (factor if fault is not None and at >= fault else 1.0)


class Prometheus:
    """The answers."""

    def __init__(self, services: Sequence[str]) -> None:
        self._services = list(services)
        self._faults: dict[str, float] = {}

    async def fault(self, request: Request) -> Response:
        """POST /faults {service, at}."""
        body = await request.json()
        self._faults[body["service"]] = float(body["at"])
        return JSONResponse({})

    async def series(self, request: Request) -> Response:
        """Which series match."""
        service = self._service(request.query_params["match[]"])
        found = [{"__name__": name, "service": service} for name in SERIES] if service else []
        return _success(found)

    async def metadata(self, request: Request) -> Response:
        """Types by metric name."""
        del request
        return _success({name: [{"type": kind}] for name, (kind, _, _) in SERIES.items()})

    async def labels(self, request: Request) -> Response:
        """Values of the label service."""
        del request
        return _success(self._services)

    async def query_range(self, request: Request) -> Response:
        """A matrix."""
        asked = request.query_params
        service, names = self._service(asked["query"]), _NAMES.search(asked["query"])
        wanted = (names[1] or names[2]).split("|") if names and service else []
        start, end = (datetime.fromisoformat(asked[key]).timestamp() for key in ("start", "end"))
        times = [start + place * float(asked["step"]) for place in range(int((end - start) / float(asked["step"])) + 1)]
        fault = self._faults.get(service)
        result = [
            {
                "metric": {"service": service} | ({} if "rate(" in asked["query"] else {"__name__": name}),
                "values": [[at, f"{level(name, service, at, fault):.6g}"] for at in times],
            }
            for name in wanted
            if name in SERIES
        ]
        return _success({"resultType": "matrix", "result": result})

    def _service(self, selector: str) -> str:
        found = _SERVICE.search(selector)
        return found[1] if found and found[1] in self._services else ""


def _success(data: object) -> Response:
    return JSONResponse({"status": "success", "data": data})


def build(services: Sequence[str]) -> Starlette:
    """The HTTP application."""
    stand_in = Prometheus(services)
    return Starlette(
        routes=[
            Route("/faults", stand_in.fault, methods=["POST"]),
            Route("/api/v1/series", stand_in.series),
            Route("/api/v1/metadata", stand_in.metadata),
            Route("/api/v1/label/service/values", stand_in.labels),
            Route("/api/v1/query_range", stand_in.query_range),
        ]
    )


async def _serve(services: Sequence[str]) -> None:
    async with serving(build(services)) as port:
        print(json.dumps({"url": f"http://127.0.0.1:{port}"}), flush=True)
        await stopped()


def main() -> None:
    """`python -m evals.bench.standin --services a,b,c`."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--services", required=True)
    asyncio.run(_serve(parser.parse_args().services.split(",")))


if __name__ == "__main__":
    main()
