"""Kubernetes: look at a service's pods, events, logs and rollouts; roll back, restart, scale, delete one pod."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Annotated

from pydantic import Field

from basecamp.backends.kubernetes import Kubernetes
from basecamp.backends.kubernetes_changes import KubernetesChanges, plan_delete, plan_restart, plan_scale, plan_undo
from basecamp.backends.kubernetes_logs import read_pod_logs
from basecamp.backends.kubernetes_results import ClusterEvents, PodDescriptions, PodLogs, RolloutHistory
from basecamp.errors import BadRequest
from basecamp.results import Preview, WriteOutcome
from basecamp.times import parse_time
from basecamp.tools import Effect, OptionalText, Service, ToolSpec, check_limit

READ_TOOLS = ("k8s_describe_pod", "k8s_events", "k8s_pod_logs", "k8s_rollout_history")
WRITE_TOOLS = ("k8s_rollout_undo", "k8s_rollout_restart", "k8s_delete_pod", "k8s_scale")
MAX_EVENTS = 500
MAX_TAIL = 2000
_KINDS = ("", "Normal", "Warning")
DeploymentUid = Annotated[str, Field(description="uid of the deployment, from k8s_rollout_history or k8s_describe_pod")]
PodUid = Annotated[str, Field(description="uid of the pod, from k8s_describe_pod")]
FromRevision = Annotated[int, Field(description="The revision that is current now; another one by then is refused")]


def kubernetes_read_tools(kubernetes: Kubernetes) -> list[ToolSpec]:
    async def k8s_describe_pod(service: Service, pod: OptionalText = "") -> PodDescriptions:
        """A service's deployment and pods in Kubernetes: states, last state with exit code, restarts, limits, events.

        Without `pod` all pods (at most 20), worst first. `crashing` names pods whose containers cannot start or keep
        ending with an error; `workload.rolled_out` is true when only the newest revision serves, fully available.
        """
        return await kubernetes.describe(service, pod)

    async def k8s_events(
        service: Service, kind: OptionalText = "", since: OptionalText = "", limit: int = 100
    ) -> ClusterEvents:
        """Kubernetes events of a service's deployment, replica sets and pods (gone ones too), newest first.

        `kind` is Normal or Warning; `since` is RFC 3339 UTC; at most 500. Kubernetes keeps events for an hour.
        """
        if kind not in _KINDS:
            raise BadRequest(f"kind is {kind!r}; write Normal or Warning, or leave it out for both")
        after = parse_time(since, name="since") if since else None
        return await kubernetes.events(service, kind, after, check_limit(limit, name="limit", most=MAX_EVENTS))

    async def k8s_pod_logs(
        service: Service, pod: OptionalText = "", container: OptionalText = "", previous: bool = True, tail: int = 200
    ) -> PodLogs:
        """The last lines of a container: of its previous run (the one that crashed), or of the current one.

        Without `pod` and `container` those in most trouble. Secrets are masked. `tail` is at most 2000.
        """
        most = check_limit(tail, name="tail", most=MAX_TAIL)
        return await read_pod_logs(kubernetes, service, pod, container, previous=previous, tail=most)

    async def k8s_rollout_history(service: Service) -> RolloutHistory:
        """Revisions of a service's deployment, newest first: images, change cause, age, what each changed.

        Values of environment variables that look secret are masked. `previous_revision` is the one before the current.
        """
        return await kubernetes.history(service)

    read = Effect.READ
    return [
        ToolSpec(run=k8s_describe_pod, result=PodDescriptions, title="Describe Kubernetes pods", effect=read),
        ToolSpec(run=k8s_events, result=ClusterEvents, title="Kubernetes events", effect=read),
        ToolSpec(run=k8s_pod_logs, result=PodLogs, title="Kubernetes pod logs", effect=read),
        ToolSpec(run=k8s_rollout_history, result=RolloutHistory, title="Kubernetes rollout history", effect=read),
    ]


def kubernetes_write_tools(kubernetes: Kubernetes) -> list[ToolSpec]:
    changes = KubernetesChanges(kubernetes)
    return [*_rollout_tools(kubernetes, changes), _scale_tool(kubernetes, changes), _delete_tool(changes)]


def _write(
    run: Callable[..., Awaitable[WriteOutcome]],
    preview: Callable[..., Awaitable[Preview]],
    title: str,
    effect: Effect,
) -> ToolSpec:
    return ToolSpec(run=run, result=WriteOutcome, title=title, effect=effect, preview=preview)


def _rollout_tools(kubernetes: Kubernetes, changes: KubernetesChanges) -> list[ToolSpec]:
    async def k8s_rollout_undo(
        service: Service, uid: DeploymentUid, from_revision: FromRevision, to_revision: int
    ) -> WriteOutcome:
        """Roll a service's deployment back to an earlier revision.

        Refused when the deployment is another one by then, or is not at `from_revision` any more.
        """
        return await changes.make(service, plan_undo(kubernetes, service, uid, from_revision, to_revision))

    async def preview_undo(service: str, uid: str, from_revision: int, to_revision: int) -> Preview:
        return await changes.preview(service, plan_undo(kubernetes, service, uid, from_revision, to_revision))

    async def k8s_rollout_restart(service: Service, uid: DeploymentUid, from_revision: FromRevision) -> WriteOutcome:
        """Replace every pod of a service's deployment by a new one, one after the other.

        Refused when the deployment is another one by then, or is not at `from_revision` any more.
        """
        return await changes.make(service, plan_restart(kubernetes, service, uid, from_revision))

    async def preview_restart(service: str, uid: str, from_revision: int) -> Preview:
        return await changes.preview(service, plan_restart(kubernetes, service, uid, from_revision))

    return [
        _write(k8s_rollout_undo, preview_undo, "Roll a deployment back", Effect.DESTRUCTIVE),
        _write(k8s_rollout_restart, preview_restart, "Restart a deployment", Effect.DESTRUCTIVE),
    ]


def _scale_tool(kubernetes: Kubernetes, changes: KubernetesChanges) -> ToolSpec:
    async def k8s_scale(
        service: Service,
        uid: DeploymentUid,
        from_replicas: Annotated[int, Field(description="How many it is set to now; another number is refused")],
        replicas: Annotated[int, Field(description="How many it is to have, within the service's configured bounds")],
    ) -> WriteOutcome:
        """Set how many replicas a service's deployment has.

        Refused when the deployment is another one by then, or is not set to `from_replicas` any more.
        """
        return await changes.make(service, plan_scale(kubernetes, service, uid, from_replicas, replicas))

    async def preview(service: str, uid: str, from_replicas: int, replicas: int) -> Preview:
        return await changes.preview(service, plan_scale(kubernetes, service, uid, from_replicas, replicas))

    return _write(k8s_scale, preview, "Scale a deployment", Effect.WRITE)


def _delete_tool(changes: KubernetesChanges) -> ToolSpec:
    async def k8s_delete_pod(service: Service, pod: str, uid: PodUid) -> WriteOutcome:
        """Delete one pod of a service; its replica set makes a new one. Refused when that very pod is gone."""
        return await changes.make(service, plan_delete(service, pod, uid))

    async def preview(service: str, pod: str, uid: str) -> Preview:
        return await changes.preview(service, plan_delete(service, pod, uid))

    return _write(k8s_delete_pod, preview, "Delete a pod", Effect.DESTRUCTIVE)
