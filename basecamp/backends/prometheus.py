"""Metrics in Prometheus, through its HTTP API v1 (Prometheus documentation: "HTTP API")."""

from __future__ import annotations

import asyncio
import json
import math
from collections.abc import Sequence
from datetime import datetime
from typing import Any, cast

from basecamp import metrics
from basecamp.backends.http import JsonApi
from basecamp.catalog import check_service_name
from basecamp.errors import BackendError, nearest
from basecamp.metrics import Plan, Shape
from basecamp.results import Series, SeriesList
from basecamp.settings import PrometheusSettings
from basecamp.times import Window, render_time

MAX_SERIES = 120
MAX_POINTS = 500
MAX_METRICS = 80
_GAUGES_PER_QUERY = 20
_PARALLEL = 6

_OWN_SERIES = frozenset({"", "ALERTS", "ALERTS_FOR_STATE"})


class Prometheus:
    """Finds and draws the series of a service, and runs PromQL."""

    def __init__(self, settings: PrometheusSettings) -> None:
        token = settings.bearer_token
        headers = {"Authorization": f"Bearer {token.get_secret_value()}"} if token else {}
        self._api = JsonApi("prometheus", settings.url, timeout_seconds=settings.timeout_seconds, headers=headers)
        self._label = settings.service_label
        self._scrape = settings.scrape_interval_seconds
        self.close = self._api.close

    async def read_metrics(self, service: str, window: Window, step: float) -> SeriesList:
        """Every series of a service as lines: counters as rates, histograms as 95th percentile, gauges as they are.

        Raises BackendError when there are none, or when no query succeeds.
        """
        matcher = f"{self._label}={json.dumps(check_service_name(service))}"
        names = await self._names(service, matcher, window)
        plans = metrics.plan(names, await self._types())
        step, notes = _widen(window, step)
        gate = asyncio.Semaphore(_PARALLEL)

        async def draw(group: Sequence[Plan]) -> list[Series] | BackendError:
            async with gate:
                try:
                    return await self._draw(group, matcher, window, step)
                except BackendError as error:
                    return error

        drawn = await asyncio.gather(*(draw(group) for group in _groups(plans[:MAX_METRICS])))
        failed = [each for each in drawn if isinstance(each, BackendError)]
        if failed and len(failed) == len(drawn):
            raise failed[0]
        notes += [f"left out: {error}" for error in failed]
        if len(plans) > MAX_METRICS:
            notes.append(f"{len(plans) - MAX_METRICS} of {len(plans)} metrics were left out")
        return _capped([one for each in drawn if not isinstance(each, BackendError) for one in each], notes)

    async def query(self, query: str, window: Window | None, at: datetime, step: float | None) -> SeriesList:
        """PromQL over a range, or at one moment without a range. Raises BackendError with Prometheus' words."""
        if window is None:
            data = await self._data("/api/v1/query", {"query": query, "time": render_time(at)}, query, None)
            return _capped([_plain(query, labels, points) for labels, points in _parse(data)], [])
        span = (window.end - window.start).total_seconds()
        step, notes = _widen(window, step or max(1.0, span / 240))
        found = await self._range(query, window, step)
        return _capped([_plain(query, labels, points) for labels, points in found], notes)

    async def check(self) -> str:
        """Ask for the values of the service label. Raises BackendError."""
        path = f"/api/v1/label/{self._label}/values"
        services = cast("list[str]", (await self._api.get(path, {}, query=path)).get("data") or [])
        if not services:
            words = f"no series has the label {self._label!r}; set `service_label` to the label that names a service"
            raise BackendError("prometheus", words)
        return f"{self._api.url}, {len(services)} services by label {self._label!r}"

    async def _names(self, service: str, matcher: str, window: Window) -> set[str]:
        selector = f"{{{matcher}}}"
        params = {"match[]": selector, **_ends(window)}
        answer = await self._api.get("/api/v1/series", params, query=selector, window=window)
        names = {str(each.get("__name__", "")) for each in cast("list[dict[str, str]]", answer.get("data") or [])}
        # What Prometheus writes down about its own alerts and scrapes carries the service's label, but is not its doing.
        names = {name for name in names if name not in _OWN_SERIES and not name.startswith("scrape_")}
        if not names:
            known = await self._api.get(f"/api/v1/label/{self._label}/values", {}, query=selector)
            words = (
                f"no series of {service!r} in this time; {nearest(service, cast('list[str]', known.get('data') or []))}"
            )
            raise BackendError("prometheus", words, query=selector, window=window)
        return names

    async def _types(self) -> dict[str, str]:
        """Metric types by name; without them (metadata is not kept by every compatible server) names decide."""
        try:
            answer = await self._api.get("/api/v1/metadata", {"limit_per_metric": "1"}, query="metadata")
        except BackendError:
            return {}
        data = cast("dict[str, list[dict[str, str]]]", answer.get("data") or {})
        return {name: entries[0].get("type", "") for name, entries in data.items() if entries}

    async def _draw(self, group: Sequence[Plan], matcher: str, window: Window, step: float) -> list[Series]:
        first = group[0]
        # Grafana's $__rate_interval: enough scrapes in every window even when one is missed.
        every = f"[{math.ceil(max(4 * self._scrape, step + self._scrape))}s]"
        match first.shape:
            case Shape.GAUGE:
                names = "|".join(each.metric for each in group)
                found = await self._range(f"{{__name__=~{json.dumps(names)},{matcher}}}", window, step)
                return [_series(labels.get("__name__", ""), labels, points, rate=False) for labels, points in found]
            case Shape.COUNTER:
                found = await self._range(f"rate({first.metric}{{{matcher}}}{every})", window, step)
                return [_series(first.name, labels, points, rate=True) for labels, points in found]
            case Shape.MEAN:
                parts = [f"sum(rate({first.metric}_{part}{{{matcher}}}{every}))" for part in ("sum", "count")]
                found = await self._range(" / ".join(parts), window, step)
                return [_series(first.name, labels, points, rate=False) for labels, points in found]
            case Shape.HISTOGRAM:
                found = await self._range(f"sum by (le) (rate({first.metric}{{{matcher}}}{every}))", window, step)
                buckets = {float(labels["le"]): points for labels, points in found if "le" in labels}
                return [_series(first.name, {}, metrics.quantile_line(0.95, buckets), rate=False)]

    async def _range(self, query: str, window: Window, step: float) -> list[_Line]:
        params = {"query": query, **_ends(window), "step": f"{step:g}"}
        return _parse(await self._data("/api/v1/query_range", params, query, window))

    async def _data(self, path: str, params: dict[str, str], query: str, window: Window | None) -> dict[str, Any]:
        answer = await self._api.get(path, params, query=query, window=window)
        if answer.get("status") != "success":
            raise BackendError("prometheus", str(answer.get("error")), query=query, window=window)
        return cast("dict[str, Any]", answer["data"])


_Line = tuple[dict[str, str], list[metrics.Point]]


def _ends(window: Window) -> dict[str, str]:
    return {"start": render_time(window.start), "end": render_time(window.end)}


def _widen(window: Window, step: float) -> tuple[float, list[str]]:
    """A step that keeps every line within the cap of points, and a note when it is not the one asked for."""
    least = math.ceil((window.end - window.start).total_seconds() / MAX_POINTS)
    if step >= least:
        return step, []
    return float(least), [f"the step was widened from {step:g} s to {least} s"]


def _groups(plans: Sequence[Plan]) -> list[list[Plan]]:
    """Gauges go together in one query; everything else loses its name in rate() and goes alone."""
    gauges = [each for each in plans if each.shape is Shape.GAUGE]
    together = [gauges[at : at + _GAUGES_PER_QUERY] for at in range(0, len(gauges), _GAUGES_PER_QUERY)]
    return together + [[each] for each in plans if each.shape is not Shape.GAUGE]


def _parse(data: dict[str, Any]) -> list[_Line]:
    result: Any = data.get("result")
    match data.get("resultType"):
        case "matrix":
            return [(each["metric"], metrics.finite(each.get("values") or [])) for each in result]
        case "vector":
            return [(each["metric"], metrics.finite([each["value"]])) for each in result if "value" in each]
        case "scalar":
            return [({}, metrics.finite([result]))]
        case other:
            raise BackendError("prometheus", f"answers of the type {other!r} hold no numbers")


def _plain(query: str, labels: dict[str, str], points: list[metrics.Point]) -> Series:
    """A line of someone's own PromQL; the query stands for a name that an expression has lost."""
    return _series(labels.get("__name__") or query, labels, points, rate="rate(" in query or "increase(" in query)


def _series(name: str, labels: dict[str, str], points: list[metrics.Point], *, rate: bool) -> Series:
    own = {key: value for key, value in labels.items() if key != "__name__"}
    return Series(
        name=name,
        kind=metrics.classify(name, own),
        unit=metrics.unit_of(name, rate=rate),
        labels=own,
        points=points,
    )


def _capped(series: list[Series], notes: list[str]) -> SeriesList:
    ordered = metrics.order(each for each in series if each.points)
    if len(ordered) > MAX_SERIES:
        notes = [*notes, f"{len(ordered) - MAX_SERIES} of {len(ordered)} series were left out"]
    return SeriesList(series=ordered[:MAX_SERIES], truncated=bool(notes), note="; ".join(notes) or None)
