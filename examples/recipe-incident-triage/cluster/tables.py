"""Lists as `meta.k8s.io/v1` Tables, which is what `kubectl get` prints."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from .clock import age, parse_stamp
from .errors import JsonObject
from .kinds import DEPLOYMENTS, EVENTS, NAMESPACES, NODES, PODS, REPLICA_SETS, Resource
from .selectors import render_selector

_Row = Callable[[JsonObject, datetime], list[Any]]


@dataclass(frozen=True, slots=True)
class _Column:
    name: str
    type: str = "string"
    format: str = ""
    priority: int = 0

    def definition(self) -> JsonObject:
        return {
            "name": self.name,
            "type": self.type,
            "format": self.format,
            "description": self.name,
            "priority": self.priority,
        }


_NAME, _AGE = _Column("Name", format="name"), _Column("Age")


def render_table(
    resource: Resource, objects: Sequence[JsonObject], now: datetime, *, include: str, metadata: JsonObject
) -> JsonObject:
    """A Table. `include` says what each row carries of its object: Metadata, Object or None."""
    columns, row = _PRINTERS.get(resource.plural, ((_NAME, _AGE), _plain))
    return {
        "kind": "Table",
        "apiVersion": "meta.k8s.io/v1",
        "metadata": metadata,
        "columnDefinitions": [column.definition() for column in columns],
        "rows": [{"cells": row(one, now), "object": _carried(one, include)} for one in objects],
    }


def _carried(obj: JsonObject, include: str) -> JsonObject | None:
    if include == "None":
        return None
    if include == "Object":
        return obj
    return {"kind": "PartialObjectMetadata", "apiVersion": "meta.k8s.io/v1", "metadata": obj["metadata"]}


def _born(obj: JsonObject, now: datetime) -> str:
    return age(parse_stamp(obj["metadata"]["creationTimestamp"]), now)


def _plain(obj: JsonObject, now: datetime) -> list[Any]:
    return [obj["metadata"]["name"], _born(obj, now)]


_POD_COLUMNS = (
    _NAME, _Column("Ready"), _Column("Status"), _Column("Restarts"), _AGE, _Column("IP", priority=1),
    _Column("Node", priority=1), _Column("Nominated Node", priority=1), _Column("Readiness Gates", priority=1),
)  # fmt: skip


def _pod(obj: JsonObject, now: datetime) -> list[Any]:
    statuses: list[JsonObject] = obj["status"].get("containerStatuses") or []
    ready = sum(one["ready"] for one in statuses)
    return [
        obj["metadata"]["name"],
        f"{ready}/{len(obj['spec']['containers'])}",
        pod_word(obj),
        _restarts(statuses, now),
        _born(obj, now),
        obj["status"].get("podIP") or "<none>",
        obj["spec"].get("nodeName") or "<none>",
        "<none>",
        "<none>",
    ]


def pod_word(pod: JsonObject) -> str:
    """The word that `kubectl get pods` shows as status."""
    if pod["metadata"].get("deletionTimestamp"):
        return "Terminating"
    word = pod["status"].get("reason") or pod["status"].get("phase", "Unknown")
    for status in reversed(pod["status"].get("containerStatuses") or []):
        state = status["state"]
        reason = (state.get("waiting") or state.get("terminated") or {}).get("reason")
        word = reason or word
    return word


def _restarts(statuses: Sequence[JsonObject], now: datetime) -> str:
    count = sum(one["restartCount"] for one in statuses)
    last = [parse_stamp(ended["finishedAt"]) for one in statuses if (ended := one["lastState"].get("terminated"))]
    return f"{count} ({age(max(last), now)} ago)" if count and last else str(count)


_WORKLOAD = (_Column("Containers", priority=1), _Column("Images", priority=1), _Column("Selector", priority=1))


def _workload(obj: JsonObject) -> list[str]:
    containers = obj["spec"]["template"]["spec"]["containers"]
    return [
        ",".join(one["name"] for one in containers),
        ",".join(one["image"] for one in containers),
        render_selector(obj["spec"]["selector"]),
    ]


def _deployment(obj: JsonObject, now: datetime) -> list[Any]:
    status = obj.get("status") or {}
    ready = f"{status.get('readyReplicas', 0)}/{obj['spec']['replicas']}"
    counts = [status.get("updatedReplicas", 0), status.get("availableReplicas", 0)]
    return [obj["metadata"]["name"], ready, *counts, _born(obj, now), *_workload(obj)]


def _replica_set(obj: JsonObject, now: datetime) -> list[Any]:
    status = obj.get("status") or {}
    counts = [obj["spec"]["replicas"], status.get("replicas", 0), status.get("readyReplicas", 0)]
    return [obj["metadata"]["name"], *counts, _born(obj, now), *_workload(obj)]


def _event(obj: JsonObject, now: datetime) -> list[Any]:
    about = obj["involvedObject"]
    last = age(parse_stamp(obj["lastTimestamp"]), now) if obj.get("lastTimestamp") else "<unknown>"
    first = age(parse_stamp(obj["firstTimestamp"]), now) if obj.get("firstTimestamp") else "<unknown>"
    source = obj.get("source") or {}
    return [
        last,
        obj["type"],
        obj["reason"],
        f"{about['kind'].lower()}/{about['name']}",
        about.get("fieldPath", ""),
        ", ".join(source[key] for key in ("component", "host") if source.get(key)),
        obj["message"].strip(),
        first,
        obj.get("count", 1),
        obj["metadata"]["name"],
    ]


def _node(obj: JsonObject, now: datetime) -> list[Any]:
    return [obj["metadata"]["name"], "Ready", "<none>", _born(obj, now), obj["status"]["nodeInfo"]["kubeletVersion"]]


def _namespace(obj: JsonObject, now: datetime) -> list[Any]:
    return [obj["metadata"]["name"], (obj.get("status") or {}).get("phase", "Active"), _born(obj, now)]


_DEPLOYMENT_COLUMNS = (_NAME, _Column("Ready"), _Column("Up-to-date"), _Column("Available"), _AGE, *_WORKLOAD)
_REPLICA_SET_COLUMNS = (
    _NAME, _Column("Desired", "integer"), _Column("Current", "integer"), _Column("Ready", "integer"), _AGE, *_WORKLOAD,
)  # fmt: skip
_EVENT_COLUMNS = (
    _Column("Last Seen"), _Column("Type"), _Column("Reason"), _Column("Object"), _Column("Subobject", priority=1),
    _Column("Source", priority=1), _Column("Message"), _Column("First Seen", priority=1), _Column("Count", priority=1),
    _Column("Name", priority=1),
)  # fmt: skip
_PRINTERS: dict[str, tuple[tuple[_Column, ...], _Row]] = {
    PODS.plural: (_POD_COLUMNS, _pod),
    DEPLOYMENTS.plural: (_DEPLOYMENT_COLUMNS, _deployment),
    REPLICA_SETS.plural: (_REPLICA_SET_COLUMNS, _replica_set),
    EVENTS.plural: (_EVENT_COLUMNS, _event),
    NODES.plural: ((_NAME, _Column("Status"), _Column("Roles"), _AGE, _Column("Version")), _node),
    NAMESPACES.plural: ((_NAME, _Column("Status"), _AGE), _namespace),
}
