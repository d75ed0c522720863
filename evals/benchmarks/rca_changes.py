"""
Which change is to blame, or none: RootCauseBench's frozen incidents, put to the whole triage graph with recorded tools.

Alert, logs, metrics, traces, commits, deploys and flags become an Alertmanager payload and tool answers as a server would give them; the
ground truth stays out. The change named is the first hypothesis's; none named, or another cause put first, is an abstention.
"""

import asyncio
import json
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from bot.core.hypothesis import CauseClass, SimilarFound
from bot.webhook import parse_alertmanager
from evals.benchmarks.table import Benchmark, Row, read_rows, share
from evals.casefile import Case, CaseText, Expected, RecordedCall
from evals.runner import Run, make_desk, run_cases

FOLDER = "rca_rootcausebench"
NONE = "none"
# A commit that no deploy names is filed under the repository, as change feeds do.
REPOSITORY = "repository"
_KINDS = (
    ("errors", re.compile(r"err|fail|5xx|4xx|reject|drop|killed|crash|restart|exhaust|timeout|denied", re.IGNORECASE)),
    ("latency", re.compile(r"latency|duration|_ms$|_ms_|seconds|lag|delay|p9\d|p50|wait|pause", re.IGNORECASE)),
    ("saturation", re.compile(r"cpu|mem|rss|heap|disk|pool|queue|util|(?<!un)used|in_use|conns|depth|thrott|pending|buffer|full|expir", re.IGNORECASE)),
    ("traffic", re.compile(r"request|rps|qps|per_sec|throughput|_rate$|quer|messages|lps|bytes|connections", re.IGNORECASE)),
)  # fmt: skip


def run(data: Path) -> Sequence[Row]:
    """Culprits named, decoys blamed, right abstentions. Raises BenchmarkError when the data set is absent."""
    incidents = list(load(data))
    desk = make_desk()
    runs = asyncio.run(run_cases([case_of(one) for one in incidents], desk))
    told = rows([(one["ground_truth"], named(done)) for one, done in zip(incidents, runs, strict=True)])
    bare = [without_culprit(one) for one in incidents if one["ground_truth"]["root_cause_commit"] != NONE]
    answers = [named(done) for done in asyncio.run(run_cases([case_of(one) for one in bare], desk))]
    blamed = len(answers) - answers.count(NONE)
    return [*told, share("RootCauseBench, culprit taken out: innocent change blamed", blamed, len(answers))]


def without_culprit(incident: Mapping[str, Any]) -> Mapping[str, Any]:
    """The same incident as if nobody had told of the change that caused it: nothing that is left is to blame."""
    guilty = incident["ground_truth"]["root_cause_commit"]
    commits = [one for one in incident["context.commits"] if one["sha"] != guilty]
    deploys = [one for one in incident["context.deploys"] if one["commit_sha"] != guilty]
    truth = {**incident["ground_truth"], "root_cause_commit": NONE}
    return {**incident, "context.commits": commits, "context.deploys": deploys, "ground_truth": truth}


def rows(told: Sequence[tuple[Mapping[str, Any], str]]) -> list[Row]:
    """The figures of (ground truth, change named)."""
    guilty = [(truth, said) for truth, said in told if truth["root_cause_commit"] != NONE]
    quiet = [said for truth, said in told if truth["root_cause_commit"] == NONE]
    hit = sum(same(said, truth["root_cause_commit"]) for truth, said in guilty)
    decoy = sum(any(same(said, one) for one in truth.get("decoy_deploy_commits") or ()) for truth, said in told)
    wrong = sum(said != NONE and not same(said, truth["root_cause_commit"]) for truth, said in told)
    heuristic = "latest deploy 7/24 with 17 decoys; models .29 to 1.00"
    right = hit + quiet.count(NONE)
    return [
        share("RootCauseBench: right answer, culprit or none", right, len(told), at_least=0.65, reference=heuristic),
        share("RootCauseBench: culprit named", hit, len(guilty), at_least=0.65, reference=heuristic),
        share("RootCauseBench: decoy blamed", decoy, len(told), at_most=0.10, reference="latest deploy 17/24"),
        share("RootCauseBench: any innocent change blamed", wrong, len(told)),
        share("RootCauseBench: abstains where no change is to blame", quiet.count(NONE), len(quiet), at_least=0.80),
    ]


def same(said: str, sha: str) -> bool:
    """Whether a change id names this commit."""
    return said.removeprefix("commit-") == sha[:12]


def answers(said: str, blamed: str) -> bool:
    """Whether the change that was named is the one to blame, or none is where none is."""
    return said == NONE if blamed == NONE else same(said, blamed)


def named(run: Run) -> str:
    """The change that the first hypothesis blames; none when it blames none."""
    top = run.assessment.hypotheses[0] if run.assessment.hypotheses else None
    return top.suspect.change_id or NONE if top is not None and top.suspect is not None else NONE


def load(data: Path) -> Iterator[Mapping[str, Any]]:
    """The incidents of every part that is there."""
    for path in sorted((data / FOLDER).glob("scenarios*.jsonl")) or [data / FOLDER / "scenarios.dev.jsonl"]:
        yield from read_rows(path)


def case_of(incident: Mapping[str, Any]) -> Case:
    """What the bot would have met."""
    parsed = parse_alertmanager(json.dumps(_payload(incident["alert"])).encode())
    truth = incident["ground_truth"]
    blamed = truth["root_cause_commit"]
    expected = Expected(
        service=truth["first_failing_service"],
        cause_class=CauseClass.DEPLOY if blamed != NONE else CauseClass.EXTERNAL,
        change_id=f"commit-{blamed[:12]}" if blamed != NONE else None,
    )
    return Case(
        slug=incident["id"],
        text=CaseText(title=incident["id"], kind="decoy near onset", difficulty="hard", expected=expected,
                      asked_after_seconds=300),
        delivery=parsed.delivery,
        calls=tuple(_calls(incident)),
        similar=SimilarFound(incidents=(), searched=0),
    )  # fmt: skip


def _payload(alert: Mapping[str, Any]) -> dict[str, Any]:
    said = f"{alert['metric']} is {alert['observed']}, threshold {alert['threshold']}. {alert.get('detail') or ''}"
    one = {
        "status": "firing",
        "labels": {"alertname": alert["monitor"], "service": alert["service"], "severity": alert["severity"]},
        "annotations": {"summary": alert["summary"], "description": said.strip()},
        "startsAt": alert["fired_at"],
        "fingerprint": "f1",
    }
    return {"version": "4", "groupKey": "g", "status": "firing", "receiver": "aiops", "alerts": [one]}


def _calls(incident: Mapping[str, Any]) -> Iterator[RecordedCall]:
    depends, services = _graph(incident)
    changes = _changes(incident, services)
    rows_ = [
        {"name": name, "depends_on": sorted(depends.get(name, ())), "changes": changes.get(name, [])}
        for name in sorted({*services, *changes})
    ]
    yield RecordedCall(tool="list_services", answer={"services": rows_})
    series: dict[str, dict[str, list[tuple[float, float]]]] = {}
    header = incident["metrics"][0]
    for row in incident["metrics"][1:]:
        cell = dict(zip(header, row, strict=True))
        at = datetime.fromisoformat(cell["timestamp"]).timestamp()
        series.setdefault(cell["service"], {}).setdefault(cell["metric"], []).append((at, float(cell["value"])))
    for name in sorted({*services, *changes}):
        found: list[dict[str, Any]] = [
            {"name": metric, "kind": kind_of(metric), "unit": "", "labels": {}, "points": sorted(points)}
            for metric, points in sorted(series.get(name, {}).items())
        ]
        yield RecordedCall(tool="read_metrics", args={"service": name}, answer={"series": found})
        lines = [_line(one) for one in incident["logs"] if one["service"] == name]
        yield RecordedCall(tool="read_logs", args={"service": name}, answer={"lines": lines})
    yield RecordedCall(tool="read_traces", answer={"edges": _edges(incident)})


def kind_of(metric: str) -> str:
    """What a metrics server would be configured to call it, guessed from its name."""
    return next((kind for kind, pattern in _KINDS if pattern.search(metric)), "other")


def _line(record: Mapping[str, Any]) -> dict[str, Any]:
    more = " ".join(
        f"{key}={value}" for key, value in record.items()
        if key not in {"timestamp", "service", "severity_text", "msg", "trace_id", "span_id"}
    )  # fmt: skip
    text = f"{record['msg']} {more}".strip()
    return {"at": record["timestamp"], "level": record["severity_text"], "service": record["service"], "text": text}


def _parents(incident: Mapping[str, Any]) -> Iterator[tuple[str, str, Mapping[str, Any]]]:
    spans = {(one.get("trace_id"), one["span_id"]): one for one in incident["traces"]}
    loose = {one["span_id"]: one for one in incident["traces"]}
    for one in incident["traces"]:
        above = spans.get((one.get("trace_id"), one.get("parent_id"))) or loose.get(one.get("parent_id") or "")
        if above is not None:
            yield above["service"], one.get("peer.service") or one["service"], one


def _graph(incident: Mapping[str, Any]) -> tuple[dict[str, set[str]], set[str]]:
    """Who depends on whom, as traces show, and every service that sends telemetry."""
    depends: dict[str, set[str]] = {}
    for caller, callee, _ in _parents(incident):
        if caller != callee:
            depends.setdefault(caller, set()).add(callee)
    seen = {row[1] for row in incident["metrics"][1:]} | {one["service"] for one in incident["logs"]}
    return depends, seen | {one["service"] for one in incident["traces"]} | {incident["alert"]["service"]}


def _edges(incident: Mapping[str, Any]) -> list[dict[str, Any]]:
    calls: Counter[tuple[str, str]] = Counter()
    failed: Counter[tuple[str, str]] = Counter()
    for caller, callee, span in _parents(incident):
        if caller != callee:
            calls[caller, callee] += 1
            failed[caller, callee] += span["status"] != "OK"
    return [
        {"caller": caller, "callee": callee, "calls": count, "errors": failed[caller, callee]}
        for (caller, callee), count in sorted(calls.items())
    ]


def _changes(incident: Mapping[str, Any], services: set[str]) -> dict[str, list[dict[str, Any]]]:
    """Commits under the service that deployed them or in whose folder they are, at the time they went out; and flags."""
    found: dict[str, list[dict[str, Any]]] = {}
    deploys = {one["commit_sha"]: one for one in incident["context.deploys"]}
    for commit in incident["context.commits"]:
        deploy = deploys.get(commit["sha"])
        owner = deploy["service"] if deploy else _owner(commit["files_changed"], services)
        detail = f"files: {', '.join(commit['files_changed'])}\n{commit['diff'] or ''}"
        found.setdefault(owner, []).append(
            {
                "id": f"commit-{commit['sha'][:12]}",
                "kind": "commit",
                "at": deploy["timestamp"] if deploy else commit["timestamp"],
                "author": commit["author"],
                "title": commit["message"],
                "detail": detail,
                "version": deploy["version"] if deploy else "",
            }
        )
    for place, flag in enumerate(incident["context.flags"], start=1):
        change = {"id": f"flag-{place}", "kind": "flag", "at": flag["timestamp"], "author": flag["actor"],
                  "title": f"{flag['flag']} {flag['change']}", "detail": ""}  # fmt: skip
        found.setdefault(flag["service"], []).append(change)
    return found


def _owner(files: Sequence[str], services: set[str]) -> str:
    """The service in whose folder the files are, by the folder's own name; the repository when there is none."""
    folders = {part for name in files for part in name.split("/")[:-1]}
    fitting = sorted(one for one in services if one in folders or one.removesuffix("service") in folders)
    return fitting[0] if len(fitting) == 1 else REPOSITORY


BENCHMARK = Benchmark(name="changes", run=run)
