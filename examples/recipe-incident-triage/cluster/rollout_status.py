"""Status and conditions of a deployment, as k8s.io/kubernetes/pkg/controller/deployment/progress.go derives them."""

from datetime import datetime, timedelta

from .clock import parse_stamp, stamp
from .errors import JsonObject

_DONE = "NewReplicaSetAvailable"
_GIVEN_UP = "ProgressDeadlineExceeded"


def build(
    deployment: JsonObject, new: JsonObject | None, old: list[JsonObject], now: datetime, *, unavailable: int
) -> JsonObject:
    """The status of a deployment over its replica sets."""
    sets = [one for one in (new, *old) if one is not None]
    counts = {
        "observedGeneration": deployment["metadata"]["generation"],
        "replicas": _sum(sets, "replicas"),
        "updatedReplicas": _sum([new] if new else [], "replicas"),
        "readyReplicas": _sum(sets, "readyReplicas"),
        "availableReplicas": _sum(sets, "availableReplicas"),
    }
    asked = sum(one["spec"]["replicas"] for one in sets)
    counts["unavailableReplicas"] = max(0, asked - counts["availableReplicas"])
    before: JsonObject = deployment.get("status") or {}
    status: JsonObject = {key: value for key, value in counts.items() if value or key == "observedGeneration"}
    conditions = [_available(counts["availableReplicas"] >= deployment["spec"]["replicas"] - unavailable)]
    progress = _progress(deployment, new, counts, before, now)
    status["conditions"] = [_timed(one, before, now) for one in (*conditions, progress) if one]
    return status


def _sum(sets: list[JsonObject], field: str) -> int:
    return sum(one["status"].get(field, 0) for one in sets)


def _available(enough: bool) -> JsonObject:
    if enough:
        words = "Deployment has minimum availability."
        return _condition("Available", "True", "MinimumReplicasAvailable", words)
    words = "Deployment does not have minimum availability."
    return _condition("Available", "False", "MinimumReplicasUnavailable", words)


def _progress(
    deployment: JsonObject, new: JsonObject | None, counts: JsonObject, before: JsonObject, now: datetime
) -> JsonObject | None:
    held = _find(before, "Progressing")
    if deployment["spec"].get("paused"):
        return _condition("Progressing", "Unknown", "DeploymentPaused", "Deployment is paused")
    if new is None:
        return held
    name = f'ReplicaSet "{new["metadata"]["name"]}"'
    wanted = deployment["spec"]["replicas"]
    if counts["updatedReplicas"] == counts["replicas"] == counts["availableReplicas"] == wanted:
        return _condition("Progressing", "True", _DONE, f"{name} has successfully progressed.")
    if held is None or name not in held["message"] or _has_grown(counts, before):
        changed = _condition("Progressing", "True", "ReplicaSetUpdated", f"{name} is progressing.")
        return {**changed, "lastUpdateTime": stamp(now)}
    deadline = parse_stamp(held["lastUpdateTime"]) + timedelta(seconds=deployment["spec"]["progressDeadlineSeconds"])
    # A pod of a finished rollout that became unready is no rollout standing still.
    if held["reason"] != _DONE and (held["reason"] == _GIVEN_UP or now >= deadline):
        return _condition("Progressing", "False", _GIVEN_UP, f"{name} has timed out progressing.")
    return held


def _has_grown(counts: JsonObject, before: JsonObject) -> bool:
    return any(
        counts[field] > before.get(field, 0) for field in ("updatedReplicas", "readyReplicas", "availableReplicas")
    )


def waiting_since(deployment: JsonObject) -> datetime | None:
    """Since when a rollout has not moved; None when none is under way."""
    held = _find(deployment.get("status") or {}, "Progressing")
    if held is None or held["reason"] in (_DONE, _GIVEN_UP, "DeploymentPaused"):
        return None
    return parse_stamp(held["lastUpdateTime"])


def _condition(kind: str, status: str, reason: str, message: str) -> JsonObject:
    return {"type": kind, "status": status, "reason": reason, "message": message}


def _find(status: JsonObject, kind: str) -> JsonObject | None:
    return next((one for one in status.get("conditions") or () if one["type"] == kind), None)


def _timed(condition: JsonObject, before: JsonObject, now: datetime) -> JsonObject:
    """With its two times: when the status last changed, and when anything did."""
    held = _find(before, condition["type"])
    same = held is not None and held["status"] == condition["status"]
    silent = same and held is not None and held["reason"] == condition["reason"]
    updated = condition.get("lastUpdateTime") or (held["lastUpdateTime"] if silent and held else stamp(now))
    since = held["lastTransitionTime"] if same and held else stamp(now)
    return {**condition, "lastUpdateTime": updated, "lastTransitionTime": since}
