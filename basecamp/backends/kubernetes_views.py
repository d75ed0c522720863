"""From the API server's objects to what the tools answer; pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Literal, cast

from basecamp.backends.kubernetes_masking import mask_text
from basecamp.backends.kubernetes_results import (
    ClusterEvent,
    Condition,
    Container,
    ContainerState,
    Pod,
    Workload,
)

JsonObject = dict[str, Any]
REVISION = "deployment.kubernetes.io/revision"
CHANGE_CAUSE = "kubernetes.io/change-cause"
_BROKEN = frozenset(
    {
        "CrashLoopBackOff", "CreateContainerConfigError", "CreateContainerError", "ErrImagePull", "ImagePullBackOff",
        "InvalidImageName", "RunContainerError", "ErrImageNeverPull",
    }
)  # fmt: skip
_MOST_MESSAGE = 1000
_POD_EVENTS = 10


def section(obj: Mapping[str, Any], *path: str) -> JsonObject:
    """A nested object; an absent or null one is empty."""
    value: Any = obj
    for part in path:
        value = cast("Mapping[str, Any]", value).get(part) or {}
    return cast("JsonObject", value)


def rows(obj: Mapping[str, Any], name: str) -> list[JsonObject]:
    """A list of objects; an absent or null one is empty."""
    return cast("list[JsonObject]", obj.get(name) or [])


def parse_time(text: Any) -> datetime | None:
    return datetime.fromisoformat(text).astimezone(UTC) if isinstance(text, str) and text else None


def born(obj: JsonObject) -> datetime:
    return parse_time(section(obj, "metadata").get("creationTimestamp")) or datetime.fromtimestamp(0, UTC)


def annotation(obj: JsonObject, name: str) -> str | None:
    return section(obj, "metadata", "annotations").get(name)


def revision_of(obj: JsonObject) -> int | None:
    text = annotation(obj, REVISION)
    return int(text) if text is not None and text.isdecimal() else None


def owner_uid(obj: JsonObject) -> str | None:
    """The uid of the controller of an object."""
    return next((one["uid"] for one in rows(obj["metadata"], "ownerReferences") if one.get("controller")), None)


def describe_workload(deployment: JsonObject) -> Workload:
    meta, spec, status = deployment["metadata"], deployment["spec"], section(deployment, "status")
    wanted = int(spec.get("replicas", 1))
    total, updated = int(status.get("replicas", 0)), int(status.get("updatedReplicas", 0))
    available, observed = int(status.get("availableReplicas", 0)), int(status.get("observedGeneration", 0))
    return Workload(
        name=meta["name"],
        uid=meta["uid"],
        resource_version=meta["resourceVersion"],
        revision=revision_of(deployment),
        generation=meta.get("generation", 0),
        observed_generation=observed,
        replicas=wanted,
        updated=updated,
        ready=status.get("readyReplicas", 0),
        available=available,
        unavailable=status.get("unavailableReplicas", 0),
        paused=bool(spec.get("paused")),
        rolled_out=observed >= meta.get("generation", 0) and wanted == updated == total == available,
        images=images(spec["template"]),
        change_cause=annotation(deployment, CHANGE_CAUSE),
        conditions=_conditions(status),
    )


def images(template: JsonObject) -> dict[str, str]:
    return {one["name"]: one["image"] for one in rows(template["spec"], "containers")}


def describe_pod(
    pod: JsonObject, replica_sets: Mapping[str, JsonObject], events: Iterable[JsonObject], now: datetime
) -> Pod:
    """`replica_sets` by uid; `events` may be of anything."""
    meta, spec, status = pod["metadata"], pod["spec"], section(pod, "status")
    containers = [
        *_containers(rows(spec, "initContainers"), rows(status, "initContainerStatuses"), init=True),
        *_containers(rows(spec, "containers"), rows(status, "containerStatuses"), init=False),
    ]
    owner = next((one for one in rows(meta, "ownerReferences") if one.get("controller")), None)
    replica_set = replica_sets.get(owner["uid"]) if owner else None
    own = [event for event in events if section(event, "involvedObject").get("uid") == meta["uid"]]
    return Pod(
        name=meta["name"],
        uid=meta["uid"],
        phase=status.get("phase", "Unknown"),
        ready=any(one["type"] == "Ready" and one["status"] == "True" for one in rows(status, "conditions")),
        reason=_reason(pod, containers),
        node=spec.get("nodeName"),
        owner=f"{owner['kind']}/{owner['name']}" if owner else None,
        revision=revision_of(replica_set) if replica_set else None,
        created_at=born(pod),
        age_seconds=max(0, int((now - born(pod)).total_seconds())),
        restarts=sum(one.restarts for one in containers),
        labels=meta.get("labels") or {},
        conditions=_conditions(status),
        containers=containers,
        events=describe_events(own)[:_POD_EVENTS],
    )


def _reason(pod: JsonObject, containers: Sequence[Container]) -> str | None:
    """The word that `kubectl get pods` would show, when it is not just the phase."""
    if pod["metadata"].get("deletionTimestamp"):
        return "Terminating"
    for container in containers:
        if container.state is not None and container.state.state != "running" and container.state.reason:
            if container.init and container.state.exit_code == 0:
                continue
            return container.state.reason
    return section(pod, "status").get("reason")


def _containers(specs: list[JsonObject], statuses: list[JsonObject], *, init: bool) -> list[Container]:
    by_name = {one["name"]: one for one in statuses}
    found: list[Container] = []
    for spec in specs:
        status: JsonObject = by_name.get(spec["name"], {})
        found.append(
            Container(
                name=spec["name"],
                image=spec["image"],
                init=init,
                ready=bool(status.get("ready")),
                started=status.get("started"),
                restarts=status.get("restartCount", 0),
                env=[one["name"] for one in rows(spec, "env")],
                limits=_quantities(spec, "limits"),
                requests=_quantities(spec, "requests"),
                state=_state(section(status, "state")),
                last_state=_state(section(status, "lastState")),
            )
        )
    return found


def _quantities(spec: JsonObject, kind: str) -> dict[str, str]:
    return {name: str(value) for name, value in section(spec, "resources", kind).items()}


def _state(state: JsonObject) -> ContainerState | None:
    names: tuple[Literal["waiting", "running", "terminated"], ...] = ("waiting", "running", "terminated")
    for name in names:
        if name in state:
            held = section(state, name)
            return ContainerState(
                state=name,
                reason=held.get("reason"),
                message=_clipped(held.get("message")),
                exit_code=held.get("exitCode"),
                signal=held.get("signal"),
                started_at=parse_time(held.get("startedAt")),
                finished_at=parse_time(held.get("finishedAt")),
            )
    return None


def _conditions(status: JsonObject) -> list[Condition]:
    return [
        Condition(
            type=one["type"],
            status=one["status"],
            reason=one.get("reason"),
            message=_clipped(one.get("message")),
            since=parse_time(one.get("lastTransitionTime")),
        )
        for one in rows(status, "conditions")
    ]


def _clipped(text: str | None) -> str | None:
    """Other people's words: masked, then cut."""
    return mask_text(text)[:_MOST_MESSAGE] if text else None


def describe_events(events: Iterable[JsonObject]) -> list[ClusterEvent]:
    """Newest first. Events of both API groups come in the core form, the newer ones with `series` and `eventTime`."""
    found = [_event(event) for event in events]
    return sorted(found, key=lambda one: one.at, reverse=True)


def _event(event: JsonObject) -> ClusterEvent:
    about, series = section(event, "involvedObject"), section(event, "series")
    first = parse_time(event.get("firstTimestamp")) or parse_time(event.get("eventTime")) or born(event)
    last = parse_time(series.get("lastObservedTime")) or parse_time(event.get("lastTimestamp")) or first
    return ClusterEvent(
        at=last,
        first_at=first,
        type=event.get("type") or "Normal",
        reason=event.get("reason") or "",
        object=f"{about.get('kind')}/{about.get('name')}",
        message=_clipped(event.get("message")) or "",
        count=series.get("count") or event.get("count") or 1,
        source=section(event, "source").get("component") or event.get("reportingComponent") or "",
    )


def is_crashing(pod: Pod) -> bool:
    """A container cannot start, or ended with an error and is not ready; pods that are being ended are not counted."""
    if pod.reason == "Terminating" or pod.phase == "Succeeded":
        return False
    return any(_broken(container) for container in pod.containers)


def _broken(container: Container) -> bool:
    state, last = container.state, container.last_state
    if state is not None and state.state == "waiting" and state.reason in _BROKEN:
        return True
    if state is not None and state.state == "terminated":
        return bool(state.exit_code)
    return not container.ready and not container.init and last is not None and bool(last.exit_code)


def worst_first(pod: Pod) -> tuple[bool, bool, int, float]:
    """Sort key: crashing, not ready, often restarted, young."""
    return (not is_crashing(pod), pod.ready, -pod.restarts, -pod.created_at.timestamp())
