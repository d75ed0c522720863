"""The status of a pod over its containers."""

from datetime import datetime
from typing import Any

from .clock import stamp
from .containers import Container, Phase
from .errors import JsonObject
from .validation import quality


def build(pod: JsonObject, containers: list[Container], now: datetime) -> JsonObject:
    """PodStatus: phase, conditions and one status per container."""
    before: JsonObject = pod["status"]
    ready = all(one.ready for one in containers)
    phase = _phase(containers)
    unready = [one.name for one in containers if not one.ready]
    not_ready = None if ready else ("ContainersNotReady", f"containers with unready status: [{' '.join(unready)}]")
    sandbox = any(one.phase is not Phase.CREATING for one in containers)
    conditions = [
        _condition("PodReadyToStartContainers", sandbox, None),
        _condition("Initialized", True, None),
        _condition("Ready", ready, not_ready),
        _condition("ContainersReady", ready, not_ready),
        _condition("PodScheduled", True, None),
    ]
    return {
        "phase": phase,
        "conditions": [_timed(one, before, now) for one in conditions],
        "hostIP": "192.168.49.2",
        "podIP": before["podIP"],
        "podIPs": [{"ip": before["podIP"]}],
        "startTime": before.get("startTime") or stamp(now),
        "containerStatuses": [one.status() for one in containers],
        "qosClass": before.get("qosClass") or quality(pod["spec"]),
    }


def _phase(containers: list[Container]) -> str:
    """Pending until every container has run once; then Running, or how they all ended."""
    if any(one.current is None and one.previous is None for one in containers):
        return "Pending"
    ended = [one.current for one in containers if one.phase is Phase.ENDED and one.due is None and one.current]
    if len(ended) < len(containers):
        return "Running"
    return "Succeeded" if all(run.exit_code == 0 for run in ended) else "Failed"


def _condition(kind: str, holds: bool, why: tuple[str, str] | None) -> JsonObject:
    condition: JsonObject = {"type": kind, "status": "True" if holds else "False", "lastProbeTime": None}
    return condition | ({"reason": why[0], "message": why[1]} if why else {})


def _timed(condition: JsonObject, before: JsonObject, now: datetime) -> JsonObject:
    held: list[Any] = before.get("conditions") or []
    same = next((one for one in held if one["type"] == condition["type"]), None)
    if same is not None and same["status"] == condition["status"]:
        return {**condition, "lastTransitionTime": same["lastTransitionTime"]}
    return {**condition, "lastTransitionTime": stamp(now)}
