"""The rule loop's query language, against answers worked out by hand and against Prometheus itself."""

import asyncio
import contextlib
import re
from collections.abc import AsyncIterator

import httpx
import pytest
from shop.prometheus_api import PrometheusApi
from shop.samples import SampleStore

from tests.demo.shop_parts import program, real_prometheus, result_of

SERIES = {
    'requests_total{service="shop",code="200"}': [(second, second * 2.0) for second in range(0, 300, 10)],
    'requests_total{service="shop",code="500"}': [(second, float(second % 170)) for second in range(0, 300, 10)],
    'requests_total{service="search",code="200"}': [(second, second * 1.0) for second in range(60, 300, 10)],
    'sessions{service="db",state="idle"}': [(second, 3.0 + second / 10) for second in range(0, 300, 10)],
    'sessions{service="db",state="active"}': [(second, 1.0) for second in range(0, 300, 10)],
    'slots{service="db"}': [(second, 20.0) for second in range(0, 300, 10)],
    'latency_bucket{service="shop",le="0.1"}': [(second, second * 5.0) for second in range(0, 300, 10)],
    'latency_bucket{service="shop",le="0.5"}': [(second, second * 9.0) for second in range(0, 300, 10)],
    'latency_bucket{service="shop",le="+Inf"}': [(second, second * 10.0) for second in range(0, 300, 10)],
}
QUERIES = [
    'requests_total{code!="200"}',
    '{__name__=~"sess.*|slots",service="db"}',
    'requests_total{service!~"se.*",code=~"2.."}',
    "rate(requests_total[1m])",
    "increase(requests_total[100s])",
    "sum by (service) (rate(requests_total[2m]))",
    "sum(rate(requests_total[2m])) without (code)",
    'sum by (service) (sessions) / on (service) max by (service) (slots{service="db"}) > 0.8',
    'sum by (service) (rate(requests_total{code="500"}[1m])) / sum by (service) (rate(requests_total[1m]))',
    "avg(sessions) + 2 * count(sessions) - -1",
    'sessions{state="idle"} > bool 20',
    "requests_total > 100",
    "histogram_quantile(0.95, sum by (le, service) (rate(latency_bucket[1m])))",
    "max_over_time(sessions[1m]) - min_over_time(sessions[1m])",
    '(sessions{state="idle"} - ignoring(state) slots) < 0',
    "2 + 3 * 4",
]
#: A whole minute in the past of the day the suite runs would move; blocks may have any date.
EPOCH = 1_760_000_400


def labels_of(text: str) -> tuple[tuple[str, str], ...]:
    name, _, rest = text.partition("{")
    return tuple(sorted({"__name__": name, **dict(re.findall(r'(\w+)="([^"]*)"', rest))}.items()))


def filled_store() -> SampleStore:
    store = SampleStore(retention=1e9)
    for second in range(0, 300, 10):
        now = {labels_of(name): dict(points)[second] for name, points in SERIES.items() if second in dict(points)}
        store.append("target", EPOCH + second, now)
    return store


@contextlib.asynccontextmanager
async def own_api() -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(PrometheusApi(filled_store()).build_app())
    async with httpx.AsyncClient(transport=transport, base_url="http://own") as client:
        yield client


async def test_a_rate_and_a_share_have_the_values_worked_out_by_hand():
    async with own_api() as client:
        rate = await result_of(
            client, "/api/v1/query", query='rate(requests_total{service="shop",code="200"}[1m])', time=EPOCH + 200
        )
        share = await result_of(client, "/api/v1/query", query=QUERIES[7], time=EPOCH + 200)

    assert rate["result"] == [{"metric": {"service": "shop", "code": "200"}, "value": [EPOCH + 200, "2"]}]
    assert share["result"] == [{"metric": {"service": "db"}, "value": [EPOCH + 200, "1.2"]}]


async def test_a_series_that_left_its_target_is_gone_at_once():
    store = filled_store()
    store.append("target", EPOCH + 300, {labels_of('slots{service="db"}'): 20.0})
    transport = httpx.ASGITransport(PrometheusApi(store).build_app())
    async with httpx.AsyncClient(transport=transport, base_url="http://own") as client:
        now = await result_of(client, "/api/v1/query", query='{service="db"}', time=EPOCH + 301)
        before = await result_of(client, "/api/v1/query", query='{service="db"}', time=EPOCH + 299)

    assert [found["metric"]["__name__"] for found in now["result"]] == ["slots"]
    assert len(before["result"]) == 3


async def test_series_labels_and_values_can_be_listed():
    async with own_api() as client:
        series = await result_of(client, "/api/v1/series", **{"match[]": '{service="db"}'})
        labels = await result_of(client, "/api/v1/labels", **{"match[]": '{service="db"}'})
        values = await result_of(client, "/api/v1/label/service/values")
        ready = await client.get("/-/ready")

    assert {"__name__": "slots", "service": "db"} in series
    assert labels == ["__name__", "service", "state"]
    assert values == ["db", "search", "shop"]
    assert ready.status_code == 200


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ("topk(3, sessions)", "topk"),
        ("rate(sessions)", "rate"),
        ("sessions[5m]", "range"),
        ("sum by (service) (sessions", "end of expression"),
        ("sessions and slots", "and"),
        ('{service=~".*"}', "empty"),
        ("sessions / on (service) group_left () slots", "group_left"),
        ("slots / on (service) sessions", "duplicate"),
        ('x{a=~"("}', "regular expression"),
        ("sessions offset 5m", "offset"),
        ("a ; b", ";"),
        ("", "query"),
    ],
)
async def test_what_is_not_supported_is_refused_in_prometheus_form(query, names):
    async with own_api() as client:
        answer = await client.get("/api/v1/query", params={"query": query, "time": EPOCH + 200})

    assert answer.status_code == 400
    assert (answer.json()["status"], answer.json()["errorType"]) == ("error", "bad_data")
    assert names in answer.json()["error"]


@pytest.mark.parametrize("parameters", [{"step": "0"}, {"step": "x"}, {"end": str(EPOCH - 1)}, {"step": "0.001"}])
async def test_a_range_query_refuses_senseless_steps_and_times(parameters):
    asked = {"query": "slots", "start": str(EPOCH), "end": str(EPOCH + 100), "step": "10s", **parameters}
    async with own_api() as client:
        answer = await client.post("/api/v1/query_range", data=asked)

    assert (answer.status_code, answer.json()["errorType"]) == (400, "bad_data")


def values_of(data: dict) -> dict[tuple[tuple[str, str], ...], list[float]]:
    """The numbers of a result by its labels, so that two servers' answers can be compared."""
    if data["resultType"] == "scalar":
        return {(): [float(data["result"][1])]}
    return {
        tuple(sorted(found["metric"].items())): [float(value) for _, value in found.get("values", [found.get("value")])]
        for found in data["result"]
    }


def about(values: dict) -> dict:
    return {labels: pytest.approx(numbers, rel=1e-9, nan_ok=True) for labels, numbers in values.items()}


def times(data: dict) -> list[list[float]]:
    ordered = sorted(data["result"], key=lambda found: sorted(found["metric"].items()))
    return [[at for at, _ in found["values"]] for found in ordered]


@pytest.mark.external_service("prometheus")
async def test_every_supported_form_has_the_same_answer_in_prometheus(tmp_path):
    """Never asked at a sample's own time: there Prometheus 2 and 3 count the edge of a range differently."""
    lines = [f"{name} {value} {EPOCH + second}" for name, points in SERIES.items() for second, value in points]
    (tmp_path / "samples.om").write_text("\n".join([*lines, "# EOF", ""]))
    filling = await asyncio.create_subprocess_exec(
        *(program("promtool"), "tsdb", "create-blocks-from", "openmetrics"),
        *(str(tmp_path / "samples.om"), str(tmp_path / "data")),
        stdout=asyncio.subprocess.DEVNULL,
    )
    assert await asyncio.wait_for(filling.wait(), 20) == 0
    (tmp_path / "empty.yml").write_text("{}\n")
    async with contextlib.AsyncExitStack() as stack:
        own = await stack.enter_async_context(own_api())
        real = await real_prometheus(stack, tmp_path / "empty.yml", tmp_path / "data")
        for query in QUERIES:
            for second in (57, 203, 293):
                asked = {"query": query, "time": EPOCH + second}
                expected = await result_of(real, "/api/v1/query", **asked)
                assert values_of(await result_of(own, "/api/v1/query", **asked)) == about(values_of(expected)), asked
            asked = {"query": query, "start": EPOCH + 7, "end": EPOCH + 280, "step": "20s"}
            expected = await result_of(real, "/api/v1/query_range", **asked)
            answered = await result_of(own, "/api/v1/query_range", **asked)
            assert values_of(answered) == about(values_of(expected)), asked
            assert times(answered) == times(expected), asked
