"""
Which class of cause, and whether anything is wrong at all: opensre's synthetic Kubernetes and RDS cases, put to the whole triage graph.

Cluster events, pod states, monitors and database events reach the bot as lines of the service's log, as event exporters ship them;
CloudWatch's metrics as series. The answer key stays out.
"""

import asyncio
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, cast

from bot.core.hypothesis import CauseClass, SimilarFound
from bot.webhook import parse_alertmanager
from evals.benchmarks.table import Benchmark, Row, read_rows, share
from evals.casefile import Case, CaseText, Expected, RecordedCall
from evals.runner import Run, make_desk, run_cases

FOLDER = "rca_opensre_synthetic"
HEALTHY = "healthy"
# Its classes have neither network nor security, and nothing says where it would count them: they count as wrong.
OTHER = "other"
_NEVER = "2026-01-01T00:00:00Z"
_CATEGORIES = {
    CauseClass.CAPACITY: "resource_exhaustion", CauseClass.CONFIG: "configuration_error", CauseClass.FEATURE_FLAG: "configuration_error",
    CauseClass.NETWORK: OTHER, CauseClass.DEPLOY: "code_defect", CauseClass.DEPENDENCY: "dependency_failure",
    CauseClass.DATA: "data_quality", CauseClass.INFRASTRUCTURE: "infrastructure", CauseClass.EXTERNAL: "dependency_failure",
    CauseClass.SECURITY: OTHER, CauseClass.NO_CAUSE: HEALTHY, CauseClass.UNKNOWN: "unknown",
}  # fmt: skip
_STAMP = re.compile(r"^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ)\s+(?:(\w+)\s+)?(.*)$", re.DOTALL)
_UNITS = {"Percent": "%", "Seconds": "s", "Milliseconds": "ms"}
_KINDS = (
    ("latency", re.compile(r"Latency|Lag$")),
    ("saturation", re.compile(r"CPU|Storage|Memory|Connections|QueueDepth|Swap|DiskUsage|TransactionIDs")),
    ("traffic", re.compile(r"IOPS|Throughput|Logs")),
)


def run(data: Path) -> Sequence[Row]:
    """Cause class named, healthy called healthy. Raises BenchmarkError when the data set is absent."""
    cases = list(load(data))
    runs = asyncio.run(run_cases([case_of(one) for one in cases], make_desk()))
    told = [(one["answer"]["root_cause_category"], category(done)) for one, done in zip(cases, runs, strict=True)]
    well = [said for wanted, said in told if wanted == HEALTHY]
    ill = [(wanted, said) for wanted, said in told if wanted != HEALTHY]
    right = sum(wanted == said for wanted, said in told)
    alarm = sum(said == HEALTHY for _, said in ill)
    return [
        share("opensre: class of cause", right, len(told), at_least=0.70),
        share("opensre: healthy called healthy", well.count(HEALTHY), len(well), at_least=0.90),
        share("opensre: sick called healthy", alarm, len(ill)),
    ]


def category(done: Run) -> str:
    """The first hypothesis in the data set's classes."""
    hypotheses = done.assessment.hypotheses
    return _CATEGORIES[hypotheses[0].cause_class] if hypotheses else "unknown"


def load(data: Path) -> Iterator[Mapping[str, Any]]:
    """The cases of every part that is there."""
    for path in sorted((data / FOLDER).glob("scenarios*.jsonl")) or [data / FOLDER / "scenarios.dev.jsonl"]:
        yield from read_rows(path)


def case_of(one: Mapping[str, Any]) -> Case:
    """What the bot would have met."""
    alert = one["alert"]
    notes = {name: str(text) for name, text in alert["commonAnnotations"].items() if text}
    service = notes.get("db_instance") or notes.get("db_instance_identifier") or alert["commonLabels"]["service"]
    lines = sorted(_lines(one["evidence"], service), key=lambda line: line["at"])
    series = _series(one["evidence"])
    end = _end(lines, series)
    onset = end - timedelta(minutes=4)
    labels = {**alert["commonLabels"], "service": service}
    said = " ".join(notes.get(name, "") for name in ("description", "error", "suspected_symptom"))
    payload = {
        "version": "4", "groupKey": "g", "status": "firing", "receiver": "aiops",
        "alerts": [{"status": "firing", "labels": {key: str(value) for key, value in labels.items()},
                    "annotations": {"summary": notes.get("summary", alert["title"]), "description": said.strip()},
                    "startsAt": onset.isoformat(), "fingerprint": "f1"}],
    }  # fmt: skip
    names = sorted({service, *series, *(line["service"] for line in lines)})
    # Replicas stand on their primary; nothing else is told about who depends on whom.
    return Case(
        slug=one["id"],
        text=CaseText(title=one["id"], kind="healthy system", difficulty="hard", asked_after_seconds=300,
                      expected=Expected(service=None, cause_class=CauseClass.UNKNOWN, change_id=None)),
        delivery=parse_alertmanager(json.dumps(payload).encode()).delivery,
        calls=tuple(_calls(names, service, lines, series)),
        similar=SimilarFound(incidents=(), searched=0),
    )  # fmt: skip


def _calls(
    names: Sequence[str], service: str, lines: Sequence[Mapping[str, Any]], series: Mapping[str, list[dict[str, Any]]]
) -> Iterator[RecordedCall]:
    rows: list[dict[str, Any]] = [{"name": name, "depends_on": [], "changes": []} for name in names]
    yield RecordedCall(tool="list_services", answer={"services": rows})
    for name in names:
        # Events about a service are filed under it, whoever wrote them.
        own = list(lines) if name == service else []
        yield RecordedCall(tool="read_logs", args={"service": name}, answer={"lines": own})
        yield RecordedCall(tool="read_metrics", args={"service": name}, answer={"series": series.get(name, [])})


def _end(lines: Sequence[Mapping[str, Any]], series: Mapping[str, list[dict[str, Any]]]) -> datetime:
    moments = [datetime.fromisoformat(line["at"]) for line in lines]
    moments += [
        datetime.fromtimestamp(point[0], UTC) for some in series.values() for one in some for point in one["points"]
    ]
    return max(moments)


def _series(evidence: Mapping[str, Any]) -> dict[str, list[dict[str, Any]]]:
    found: dict[str, list[dict[str, Any]]] = {}
    for one in _many(evidence, "aws_cloudwatch_metrics", "metric_data_results"):
        name = one["metric_name"]
        times = [datetime.fromisoformat(at).timestamp() for at in one["timestamps"]]
        found.setdefault(one["dimensions"][0]["Value"], []).append(
            {
                "name": name,
                "kind": next((kind for kind, pattern in _KINDS if pattern.search(name)), "other"),
                "unit": _UNITS.get(one.get("unit", ""), ""),
                "labels": {},
                "points": sorted(zip(times, one["values"], strict=True)),
            }
        )
    return found


def _part(found: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    return cast("Mapping[str, Any]", found.get(name) or {}) if name else found


def _many(found: Mapping[str, Any], name: str, key: str) -> list[Mapping[str, Any]]:
    """The list under `key` of a part of the evidence; empty when either is absent."""
    return cast("list[Mapping[str, Any]]", _part(found, name).get(key) or [])


def _lines(found: Mapping[str, Any], service: str) -> list[dict[str, Any]]:
    said = list(_said(found))
    ends = [
        str(_part(found, name).get("end_time") or "") for name in ("aws_performance_insights", "aws_cloudwatch_metrics")
    ]
    now = max((at for at, _, _ in said), default=max(ends) or _NEVER)
    said += [(now, level, text) for level, text in _states(found)]
    return [{"at": at, "level": level, "service": service, "text": text} for at, level, text in said]


def _said(found: Mapping[str, Any]) -> Iterator[tuple[str, str, str]]:
    """Moment, level and text of what was written down as it happened."""
    for event in _many(found, "eks_events", "warning_events"):
        times = f"({event['count']} times)"
        yield event["last_time"], "warn", f"{event['reason']} {event['involved_object']}: {event['message']} {times}"
    for one in _many(found, "datadog_logs", "logs"):
        yield one["timestamp"], one.get("status") or "info", one["message"]
    for one in _many(found, "aws_rds_events", "events"):
        yield one["date"], "notice", one["message"]
    for line in str(_part(found, "eks_pod_logs").get("logs") or "").splitlines():
        if match := _STAMP.match(line):
            yield match[1], (match[2] or "info").lower(), match[3]


def _states(found: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """How pods, deployments, nodes and monitors stand now, as their exporters say it."""
    for pod in _many(found, "eks_pods", "pods"):
        for one in pod["containers"]:
            why = one["state"].get("message") or one["state"].get("reason") or ""
            said = f"pod {pod['name']} {pod['phase']}, ready {one['ready']}, {one['restart_count']} restarts {why}"
            yield ("info" if one["ready"] else "warn"), said.strip()
    for one in _many(found, "eks_deployments", "deployments"):
        yield (
            ("info" if one["ready"] == one["desired"] else "warn"),
            f"{one['ready']} of {one['desired']} replicas ready",
        )
    nodes = _many(found, "eks_node_health", "nodes")
    if nodes:
        ready = sum(str(one["ready"]) == "True" for one in nodes)
        pressed = [
            one["name"]
            for one in nodes
            for kind in ("memory", "disk", "pid")
            if str(one.get(f"{kind}_pressure")) == "True"
        ]
        yield (
            ("warn" if pressed or ready < len(nodes) else "info"),
            f"{ready} of {len(nodes)} nodes ready {'pressure on ' + pressed[0] if pressed else ''}",
        )
    for one in _many(found, "datadog_monitors", "monitors"):
        yield ("info" if one["overall_state"] == "OK" else "warn"), f"monitor {one['name']} is {one['overall_state']}"
    for one in _many(found, "aws_performance_insights", "top_sql"):
        waits = ", ".join(wait["name"] for wait in _many(one, "", "wait_events"))
        yield "info", f"statement with load {one['db_load_avg']} waits for {waits}: {one['statement'][:120]}"


BENCHMARK = Benchmark(name="healthy", run=run)
