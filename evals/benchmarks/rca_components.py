"""Which component is at fault: PetShop (metrics and a call graph) and Nezha (metrics of pods), answered as an investigation does."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from bot.agent.roots import rank_roots
from bot.core.components import Calls
from bot.core.metrics import Series, rank_changes
from evals.benchmarks.table import Benchmark, Row, read_rows, share

PETSHOP, NEZHA = "rca_petshop", "rca_nezha_metrics"
_KINDS = {"latency": "latency", "availability": "errors", "requests": "traffic"}
# A bucket of five minutes is dated to its middle.
_MIDDLE_S = 150
_POD_KINDS = {
    "CpuUsageRate(%)": "saturation", "MemoryUsageRate(%)": "saturation", "PodClientLatencyP95(s)": "latency",
    "PodServerLatencyP95(s)": "latency", "PodWorkload(Ops)": "traffic", "NetworkReceiveBytes": "traffic",
    "NetworkTransmitBytes": "traffic", "SyscallRead": "other", "SyscallWrite": "other",
}  # fmt: skip
# Who calls whom in Online Boutique, from the architecture diagram in the README of GoogleCloudPlatform/microservices-demo.
BOUTIQUE: Calls = {
    "frontend": (
        "adservice", "cartservice", "checkoutservice", "currencyservice", "productcatalogservice",
        "recommendationservice", "shippingservice",
    ),
    "checkoutservice": (
        "cartservice", "currencyservice", "emailservice", "paymentservice", "productcatalogservice", "shippingservice",
    ),
    "recommendationservice": ("productcatalogservice",),
}  # fmt: skip
# Where users come in, and so what is alerted on: the data says which fault was injected, not which alert it would have raised.
ENTRIES = {"OnlineBoutique": "frontend", "TrainTicket": "ts-ui-dashboard"}
_START = datetime(2022, 1, 1, tzinfo=UTC)


def run(data: Path) -> Sequence[Row]:
    """Top-1 and top-3 of both data sets. Raises BenchmarkError when one is absent."""
    pet = [_place(named, right) for named, right in petshop(data)]
    mapped = [_place(named, right) for named, right in nezha(data, "OnlineBoutique", BOUTIQUE)]
    bare = [_place(named, right) for named, right in nezha(data, "OnlineBoutique", {})]
    train = [_place(named, right) for named, right in nezha(data, "TrainTicket", {})]
    traversal, robust = "graph traversal .73/.85, Hardt et al. 2023", "robust z .54/.62"
    return [
        _row("PetShop: component first", pet, 1, 0.75, traversal),
        _row("PetShop: component in first three", pet, 3, 0.90, traversal),
        _row("Nezha Online Boutique, metrics only: first", bare, 1, 0.65, robust),
        _row("Nezha Online Boutique, metrics only: first three", bare, 3, 0.80, robust),
        _row("Nezha Online Boutique, metrics and call graph: first", mapped, 1, None, ""),
        _row("Nezha Online Boutique, metrics and call graph: first three", mapped, 3, None, ""),
        _row("Nezha Train-Ticket, metrics only: first three", train, 3, None, ""),
    ]


def _row(name: str, places: Sequence[int], most: int, target: float | None, reference: str) -> Row:
    right = sum(place < most for place in places)
    return share(name, right, len(places), at_least=target, reference=reference)


def _place(named: Sequence[str], right: str) -> int:
    return named.index(right) if right in named else len(named)


def petshop(data: Path) -> Iterator[tuple[list[str], str]]:
    """The components as ranked, and the one at fault, for each injected issue."""
    normal: dict[str, Mapping[str, Any]] = {}
    edges: dict[str, list[list[str]]] = {}
    for path in sorted((data / PETSHOP).glob("normal.*.jsonl")):
        for row in read_rows(path):
            if "edges" in row:
                edges[row["scenario"]] = row["edges"]
            else:
                normal[row["scenario"]] = row
    for path in sorted((data / PETSHOP).glob("issues*.jsonl")) or [data / PETSHOP / "issues.dev.jsonl"]:
        for issue in read_rows(path):
            yield _petshop(issue, normal, edges.get(issue["scenario"], [])), issue["root_cause"]["node"]


def _petshop(issue: Mapping[str, Any], normal: Mapping[str, Mapping[str, Any]], edges: list[list[str]]) -> list[str]:
    calls: dict[str, list[str]] = {}
    for caller, callee in edges:
        calls.setdefault(caller, []).append(callee)
    # Two kinds of traffic have no normal operation in the data; the others' serves for their noise.
    known = normal.get(issue["scenario"])
    past = [known] if known is not None else list(normal.values())
    series = [_petshop_series(name, values, issue, past) for name, values in issue["series"].items()]
    wanted = issue["target"]
    return ranked(series, calls, wanted["node"], datetime.fromtimestamp(wanted["timestamp"], UTC))


def ranked(series: Sequence[Series], calls: Calls, service: str, alerted: datetime) -> list[str]:
    """Component names, likeliest first, as an investigation of an alert on `service` orders them."""
    moved = rank_changes(series, onset=alerted)
    return [one.name for one in rank_roots(series, moved, calls, service, alerted).components]


def _name(metric: str, aggregate: str) -> str:
    # Availability is turned into its opposite, the share that failed.
    return f"{'failed' if metric == 'availability' else metric}_{aggregate}"


def _petshop_series(
    name: str, values: Sequence[float | None], issue: Mapping[str, Any], past: Sequence[Mapping[str, Any]]
) -> Series:
    node, metric, aggregate = name.split("|")
    points: list[tuple[float, float]] = []
    for normal in past:
        old = normal["series"].get(name, [])
        start = issue["timestamps"][0] - 86_400 - 300 * len(old) * (1 + len(points))
        points += [(start + 300 * place, value) for place, value in enumerate(old) if value is not None]
    times = [time + _MIDDLE_S for time in issue["timestamps"]]
    points += [(time, value) for time, value in zip(times, values, strict=True) if value is not None]
    kind = _KINDS[metric]
    if kind == "errors":
        points = [(time, 100 - value) for time, value in points]
    return Series(
        service=node, name=_name(metric, aggregate), kind=kind, unit="%" if kind == "errors" else "", labels={},
        points=sorted(points),
    )  # fmt: skip


def nezha(data: Path, system: str, calls: Calls) -> Iterator[tuple[list[str], str]]:
    """The components as ranked, and the one at fault, for each injected fault."""
    for path in sorted((data / NEZHA).glob(f"faults_{system}*.jsonl")) or [data / NEZHA / f"faults_{system}.jsonl"]:
        for fault in read_rows(path):
            series = [
                Series(service=service, name=name, kind=kind, unit="", labels={}, points=_points(metrics, name))
                for service, metrics in fault["metrics"].items()
                for name, kind in _POD_KINDS.items()
                if name in metrics
            ]
            yield ranked(series, calls, ENTRIES[system], _START), fault["root_cause_service"]


def _points(metrics: Mapping[str, Any], name: str) -> list[tuple[float, float]]:
    pairs = zip(metrics["t"], metrics[name], strict=True)
    return sorted(((_START + timedelta(seconds=at)).timestamp(), value) for at, value in pairs if value is not None)


BENCHMARK = Benchmark(name="components", run=run)
