from __future__ import annotations

import asyncio
import contextlib
import math
import shutil
import socket
from datetime import UTC, datetime

import pytest
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from starlette.applications import Starlette
from starlette.responses import Response
from starlette.routing import Route

from basecamp.metrics import classify, plan, quantile_of, unit_of
from tests.basecamp.calls import at, call, refused
from tests.basecamp.standins import BOUNDS, prometheus, serving

SCRAPES = 6


def exporter(enough: asyncio.Event) -> Starlette:
    """Ten good requests of 0.2 s and a failed one per scrape; seven connections."""
    registry = CollectorRegistry()
    requests = Counter("shop_requests", "Requests", ["outcome"], registry=registry)
    duration = Histogram("shop_request_duration_seconds", "Duration", buckets=BOUNDS, registry=registry)
    Gauge("shop_db_connections", "Connections", registry=registry).set(7)
    scrapes = 0

    async def metrics(_request) -> Response:
        nonlocal scrapes
        scrapes += 1
        requests.labels("ok").inc(10)
        requests.labels("error").inc()
        for _ in range(10):
            duration.observe(0.2)
        if scrapes >= SCRAPES:
            enough.set()
        return Response(generate_latest(registry), media_type="text/plain; version=0.0.4")

    return Starlette(routes=[Route("/metrics", metrics)])


@contextlib.asynccontextmanager
async def real_prometheus(folder):
    program = shutil.which("prometheus")
    assert program, "the mark external_service decides whether this is asked for"
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    enough = asyncio.Event()
    async with serving(exporter(enough)) as target:
        (folder / "prometheus.yml").write_text(
            "global: {scrape_interval: 1s, scrape_timeout: 1s}\n"
            "scrape_configs:\n"
            "- job_name: shop\n"
            f"  static_configs: [{{targets: ['{target.removeprefix('http://')}'], labels: {{service: shop}}}}]\n"
        )
        process = await asyncio.create_subprocess_exec(
            program,
            f"--config.file={folder}/prometheus.yml",
            f"--storage.tsdb.path={folder}/tsdb",
            f"--web.listen-address=127.0.0.1:{port}",
            "--log.level=error",
        )
        try:
            await asyncio.wait_for(enough.wait(), 40)
            yield f"http://127.0.0.1:{port}"
        finally:
            process.terminate()
            await asyncio.wait_for(process.wait(), 20)


@pytest.fixture(params=["stand-in", pytest.param("real", marks=pytest.mark.external_service("prometheus"))])
def backend(request, tmp_path):
    """The same promises hold for the stand-in and for Prometheus itself."""
    if request.param == "real":
        return real_prometheus(tmp_path)
    return serving(prometheus())


async def test_a_service_is_drawn_from_prometheus(backend, connected):
    async with backend as address:
        text = f"prometheus: {{url: {address}, scrape_interval_seconds: 1}}\n"
        async with connected(text) as client:
            now = datetime.now(UTC)
            window = {"start": at(-30, now), "end": at(0, now)}
            result = await call(client, "read_metrics", service="shop", step="1s", **window)
            series = {(each["name"], each["labels"].get("outcome")): each for each in result["series"]}

            errors = series["shop_requests_total", "error"]
            assert (errors["kind"], errors["unit"]) == ("errors", "1/s")
            assert errors["points"][-1][1] == pytest.approx(1, rel=0.3)
            assert series["shop_requests_total", "ok"]["kind"] == "traffic"

            latency = series["shop_request_duration_seconds_p95", None]
            assert (latency["kind"], latency["unit"]) == ("latency", "s")
            assert latency["points"][-1][1] == pytest.approx(0.2425, rel=0.01)

            connections = series["shop_db_connections", None]
            assert (connections["kind"], connections["unit"]) == ("saturation", "1")
            assert {value for _, value in connections["points"]} == {7}
            assert abs(connections["points"][-1][0] - now.timestamp()) <= 2

            assert not any(name.endswith(("_created", "_sum", "_bucket")) for name, _ in series)
            assert result["truncated"] is False

            ranged = await call(client, "query_prometheus", query='shop_db_connections{service="shop"}', **window)
            assert ranged["series"][0]["name"] == "shop_db_connections"
            instant = await call(client, "query_prometheus", query='shop_db_connections{service="shop"}')
            assert [value for _, value in instant["series"][0]["points"]] == [7]

            words = await refused(client, "query_prometheus", query="sum(by", **window)
            assert "bad_data" in words
            assert "Query: sum(by" in words
            assert f"{window['start']} to {window['end']}" in words

            words = await refused(client, "read_metrics", service="shap", step="1s", **window)
            assert "did you mean 'shop'?" in words


async def test_too_fine_a_step_is_widened_and_said(connected):
    async with serving(prometheus()) as address, connected(f"prometheus: {{url: {address}}}\n") as client:
        result = await call(client, "read_metrics", service="shop", start=at(0), end=at(36_000), step="1s")
    assert result["truncated"] is True
    assert "widened from 1 s to 72 s" in result["note"]
    assert max(len(each["points"]) for each in result["series"]) == 501


async def test_a_prometheus_that_is_away_is_named_without_its_password(connected):
    async with connected("prometheus: {url: 'http://bot:hunter2@127.0.0.1:9'}\n") as client:
        words = await refused(client, "read_metrics", service="shop", start=at(0), end=at(60))
    assert "http://127.0.0.1:9 cannot be reached" in words
    assert "hunter2" not in words


@pytest.mark.parametrize("step", ["0s", "-1", "soon", ""])
async def test_a_step_that_is_no_duration_is_refused(connected, step):
    async with connected("prometheus: {url: http://127.0.0.1:9}\n") as client:
        words = await refused(client, "read_metrics", service="shop", start=at(0), end=at(60), step=step)
    assert "write a positive duration" in words


@pytest.mark.parametrize(
    ("name", "labels", "kind"),
    [
        ("pg_stat_activity_count", {}, "saturation"),
        ("http_requests_total", {"code": "503"}, "errors"),
        ("http_requests_total", {"code": "200"}, "traffic"),
        ("http_request_duration_seconds_p95", {}, "latency"),
        ("http_request_duration_seconds_count", {}, "traffic"),
        ("process_resident_memory_bytes", {}, "saturation"),
        ("checkout_payment_failures_total", {}, "errors"),
        ("checkout_build_info", {}, "other"),
    ],
)
def test_names_and_labels_tell_the_golden_signal(name, labels, kind):
    assert classify(name, labels) == kind


@pytest.mark.parametrize(
    ("name", "rate", "unit"),
    [
        ("x_seconds", False, "s"),
        ("x_bytes_total", True, "bytes/s"),
        ("x_seconds_count", True, "1/s"),
        ("x_total", True, "1/s"),
        ("x_ratio", False, "ratio"),
        ("x", False, "1"),
    ],
)
def test_the_suffix_gives_the_unit(name, rate, unit):
    assert unit_of(name, rate=rate) == unit


def test_a_gauge_whose_name_ends_like_a_counter_stays_a_gauge():
    shapes = {each.metric: each.shape.name for each in plan(["pg_stat_activity_count"], {})}
    assert shapes == {"pg_stat_activity_count": "GAUGE"}


@pytest.mark.parametrize(
    ("cumulative", "expected"),
    [
        ({0.1: 0, 0.25: 10, math.inf: 10}, 0.2425),
        ({0.1: 10, math.inf: 10}, 0.095),
        ({0.1: 5, math.inf: 10}, 0.1),
        ({0.1: 0, math.inf: 0}, None),
        ({0.1: 5, 0.2: 9}, None),
    ],
)
def test_a_quantile_is_interpolated_inside_its_bucket(cumulative, expected):
    assert quantile_of(0.95, cumulative) == pytest.approx(expected)
