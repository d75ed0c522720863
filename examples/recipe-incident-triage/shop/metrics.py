"""The metrics every service of the shop has, under its own name."""

from collections.abc import Sequence

import prometheus_client
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

_BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5)


class RequestMetrics:
    """Counts and times of requests: `<service>_requests_total`, `<service>_request_duration_seconds`, `…_build_info`."""

    def __init__(self, service: str, version: str, outcomes: Sequence[str]) -> None:
        # Otherwise every counter brings a `_created` gauge along that no rule reads.
        prometheus_client.disable_created_metrics()
        self.registry = CollectorRegistry()
        self._service = service
        prefix = service.replace("-", "_")
        self._requests = Counter(
            f"{prefix}_requests_total", "Requests by outcome.", ["service", "outcome"], registry=self.registry
        )
        self._seconds = Histogram(
            f"{prefix}_request_duration_seconds",
            "Time from request to answer.",
            ["service"],
            buckets=_BUCKETS,
            registry=self.registry,
        )
        build = Gauge(f"{prefix}_build_info", "The running release.", ["service", "version"], registry=self.registry)
        build.labels(service, version).set(1)
        # rate() sees nothing of a counter's first value, so every outcome exists before it first happens.
        for outcome in outcomes:
            self._requests.labels(service, outcome)

    def observe(self, outcome: str, seconds: float) -> None:
        self._requests.labels(self._service, outcome).inc()
        self._seconds.labels(self._service).observe(seconds)

    def app(self) -> Starlette:
        """The HTTP application with `/metrics`."""

        async def metrics(_request: Request) -> Response:
            return metrics_response(self.registry)

        return Starlette(routes=[Route("/metrics", metrics)])


def metrics_response(registry: CollectorRegistry) -> Response:
    """Text exposition format 0.0.4: the one every Prometheus can read, with `_total` in its type lines."""
    text = prometheus_client.generate_latest(registry)
    return Response(text, media_type="text/plain; version=0.0.4; charset=utf-8")
