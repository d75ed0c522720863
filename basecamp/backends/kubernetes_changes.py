"""What may be changed in Kubernetes: one deployment or one pod, and only as long as it is what was looked at.

Each change is planned from the state now, then sent with that state's guards in the same request (JSON patch `test`,
RFC 6902; preconditions of a delete), so that nothing can move between looking and acting.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal

from basecamp.backends.kubernetes import DEPLOYMENT_PATH, Kubernetes, Snapshot, backend_of
from basecamp.backends.kubernetes_client import JSON_PATCH, ApiRefusal, JsonObject
from basecamp.backends.kubernetes_results import Pod
from basecamp.backends.kubernetes_revisions import bare_template
from basecamp.backends.kubernetes_views import (
    CHANGE_CAUSE,
    REVISION,
    annotation,
    describe_workload,
    is_crashing,
    owner_uid,
    revision_of,
    section,
)
from basecamp.errors import BackendError, BadRequest
from basecamp.results import Preview, Target, TargetOutcome, WriteOutcome
from basecamp.times import render_time

RESTARTED_AT = "kubectl.kubernetes.io/restartedAt"
_SETTLE_SECONDS = 5.0
_LOOK_SECONDS = 0.2
# Statuses by which the API server says that a guard did not hold: gone, a conflict, and a `test` that failed.
_GUARD_FAILED = (404, 409, 422)


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """A change that can be made now: what is sent, on what, and what it means for people."""

    tool: str
    summary: str
    main: Target
    affected: list[Target] = field(default_factory=list[Target])
    method: Literal["PATCH", "DELETE"] = "PATCH"
    path: str
    body: JsonObject | list[JsonObject]
    reversible: bool = True
    risk: str = ""
    before: dict[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Moot:
    """A change that cannot be made any more, because its target is not what was looked at."""

    tool: str
    target: Target
    outcome: Literal["gone", "refused", "unchanged"]
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Intent:
    """What somebody wants: which tool, on the object with which uid, and how to plan it on the state of a moment."""

    tool: str
    uid: str
    planning: Callable[[Snapshot], Plan | Moot]


class KubernetesChanges:
    """Plans, previews and makes changes to the deployments and pods of services."""

    def __init__(self, kubernetes: Kubernetes) -> None:
        self._kubernetes = kubernetes

    async def preview(self, service: str, intent: Intent) -> Preview:
        """What would be done now; the API server tries it out too (dryRun=All). Raises BadRequest, BackendError."""
        plan = await self._plan(service, intent)
        runs_as = await self._kubernetes.identity(service)
        if isinstance(plan, Moot):
            summary = f"nothing would change: {plan.why}"
            return Preview(tool=plan.tool, summary=summary, targets=[], reversible=True, runs_as=runs_as)
        await self._send(service, plan, dry_run=True)
        return Preview(
            tool=plan.tool,
            summary=plan.summary,
            targets=[plan.main, *plan.affected],
            reversible=plan.reversible,
            runs_as=runs_as,
            risk=plan.risk,
            before=plan.before,
        )

    async def make(self, service: str, intent: Intent) -> WriteOutcome:
        """Make the change. Raises BadRequest before anything is changed, BackendError."""
        plan = await self._plan(service, intent)
        if isinstance(plan, Moot):
            return _nothing_done(plan)
        try:
            await self._send(service, plan, dry_run=False)
        except ApiRefusal as error:
            if error.code not in _GUARD_FAILED:
                raise
            now = await self._plan(service, intent)
            if isinstance(now, Moot):
                return _nothing_done(now)
            raise
        after = {"deleted": plan.main.id} if plan.method == "DELETE" else await self._settled(service)
        done = TargetOutcome(id=plan.main.id, label=plan.main.label, outcome="changed", detail=plan.main.detail)
        return WriteOutcome(tool=plan.tool, summary=plan.summary, targets=[done], before=plan.before, after=after)

    async def _plan(self, service: str, intent: Intent) -> Plan | Moot:
        try:
            snapshot = await self._kubernetes.load(service)
        except ApiRefusal as error:
            if error.code != 404:
                raise
            target = Target(id=intent.uid, label=f"workload of {service}")
            return Moot(tool=intent.tool, target=target, outcome="gone", why=error.words)
        return intent.planning(snapshot)

    async def _send(self, service: str, plan: Plan, *, dry_run: bool) -> None:
        _, api = self._kubernetes.place(service)
        content_type = JSON_PATCH if plan.method == "PATCH" else "application/json"
        params = {"dryRun": "All"} if dry_run else {}
        await api.call(backend_of(service), plan.method, plan.path, params, body=plan.body, content_type=content_type)

    async def _settled(self, service: str) -> dict[str, str]:
        """The deployment once its controller has seen the change, or as it is after some seconds."""
        end = asyncio.get_running_loop().time() + _SETTLE_SECONDS
        while True:
            try:
                snapshot = await self._kubernetes.load(service)
            except BackendError as error:
                return {"unknown": f"the change was accepted, but looking afterwards failed: {error.words}"}
            deployment = snapshot.need_deployment()
            seen = section(deployment, "status").get("observedGeneration", 0)
            if seen >= deployment["metadata"]["generation"] or asyncio.get_running_loop().time() >= end:
                return _state(snapshot)
            await asyncio.sleep(_LOOK_SECONDS)


def _nothing_done(moot: Moot) -> WriteOutcome:
    target = TargetOutcome(id=moot.target.id, label=moot.target.label, outcome=moot.outcome, detail=moot.why)
    return WriteOutcome(tool=moot.tool, summary=f"nothing was changed: {moot.why}", targets=[target])


def plan_undo(kubernetes: Kubernetes, service: str, uid: str, from_revision: int, to_revision: int) -> Intent:
    """Back to the pod template of an earlier revision, as `kubectl rollout undo --to-revision` does it."""

    def planning(snapshot: Snapshot) -> Plan | Moot:
        if from_revision == to_revision:
            raise BadRequest(f"to_revision and from_revision are both {to_revision}; there is nothing to undo")
        deployment = snapshot.need_deployment()
        if moot := _guard("k8s_rollout_undo", snapshot, uid, from_revision):
            return moot
        known = {number: one for one in snapshot.replica_sets if (number := revision_of(one)) is not None}
        if to_revision not in known:
            listed = ", ".join(str(number) for number in sorted(known))
            raise BadRequest(f"{service!r} has no revision {to_revision}; there are: {listed or 'none'}")
        chosen = known[to_revision]
        template = bare_template(chosen)
        if template == deployment["spec"]["template"]:
            why = f"the pod template is already that of revision {to_revision}"
            return Moot(tool="k8s_rollout_undo", target=_deployment_target(snapshot), outcome="unchanged", why=why)
        kept = chosen["metadata"]["uid"]
        replaced = _replaced(kubernetes, service, snapshot, [one for one in snapshot.pods if owner_uid(one) != kept])
        what = ", ".join(one["image"] for one in template["spec"]["containers"])
        return Plan(
            tool="k8s_rollout_undo",
            summary=f"roll {_place(snapshot)} back from revision {from_revision} to {to_revision} ({what})",
            main=_deployment_target(snapshot),
            affected=replaced,
            path=_path(snapshot),
            body=[
                *_tests(deployment),
                {"op": "replace", "path": "/spec/template", "value": template},
                *_change_cause(deployment, annotation(chosen, CHANGE_CAUSE)),
            ],
            risk="the older version must be able to live with data and migrations of the newer one",
            before=_state(snapshot),
        )

    return Intent(tool="k8s_rollout_undo", uid=uid, planning=planning)


def plan_restart(kubernetes: Kubernetes, service: str, uid: str, from_revision: int) -> Intent:
    """Replace every pod by a new one of the same template, as `kubectl rollout restart` does it."""

    def planning(snapshot: Snapshot) -> Plan | Moot:
        deployment = snapshot.need_deployment()
        if moot := _guard("k8s_rollout_restart", snapshot, uid, from_revision):
            return moot
        annotations = section(deployment, "spec", "template", "metadata", "annotations")
        stamped = {**annotations, RESTARTED_AT: render_time(kubernetes.now().replace(microsecond=0))}
        return Plan(
            tool="k8s_rollout_restart",
            summary=f"restart {_place(snapshot)}: replace its pods one after the other",
            main=_deployment_target(snapshot),
            affected=_replaced(kubernetes, service, snapshot, snapshot.pods),
            path=_path(snapshot),
            body=[
                *_tests(deployment),
                {"op": "add", "path": "/spec/template/metadata/annotations", "value": stamped},
            ],
            risk="pods that are healthy now are replaced too; logs of the old ones are lost",
            before=_state(snapshot),
        )

    return Intent(tool="k8s_rollout_restart", uid=uid, planning=planning)


def plan_scale(kubernetes: Kubernetes, service: str, uid: str, from_replicas: int, replicas: int) -> Intent:
    """Another number of replicas, within the configured bounds."""
    settings, _ = kubernetes.place(service)
    if not settings.min_replicas <= replicas <= settings.max_replicas:
        bounds = f"min_replicas {settings.min_replicas} and max_replicas {settings.max_replicas}"
        raise BadRequest(f"replicas is {replicas}; for {service!r} it must be between {bounds}")

    def planning(snapshot: Snapshot) -> Plan | Moot:
        deployment = snapshot.need_deployment()
        target = _deployment_target(snapshot)
        if deployment["metadata"]["uid"] != uid:
            return _gone("k8s_scale", snapshot, uid)
        now = deployment["spec"].get("replicas", 1)
        if now == replicas:
            why = f"{_place(snapshot)} already has {replicas} replicas"
            return Moot(tool="k8s_scale", target=target, outcome="unchanged", why=why)
        if now != from_replicas:
            why = f"{_place(snapshot)} has {now} replicas now, not {from_replicas}"
            return Moot(tool="k8s_scale", target=target, outcome="refused", why=why)
        less = now - replicas
        detail = f"{less} fewer; Kubernetes chooses which pods end" if less > 0 else f"{-less} more"
        return Plan(
            tool="k8s_scale",
            summary=f"scale {_place(snapshot)} from {now} to {replicas} replicas",
            main=target.model_copy(update={"detail": detail}),
            path=_path(snapshot),
            body=[
                {"op": "test", "path": "/metadata/uid", "value": uid},
                {"op": "test", "path": "/spec/replicas", "value": now},
                {"op": "replace", "path": "/spec/replicas", "value": replicas},
            ],
            risk="an autoscaler of this deployment, if there is one, sets its own number again",
            before=_state(snapshot),
        )

    return Intent(tool="k8s_scale", uid=uid, planning=planning)


def plan_delete(service: str, pod: str, uid: str) -> Intent:
    """End one pod; its controller makes another."""

    def planning(snapshot: Snapshot) -> Plan | Moot:
        described = {one.name: one for one in snapshot.described_pods()}
        found = described.get(pod)
        if found is None or found.uid != uid:
            target = Target(id=uid, label=f"Pod {snapshot.namespace}/{pod}")
            other = "a newer pod has its name" if found else f"{service!r} has no such pod now"
            why = f"pod {pod} with uid {uid} is gone ({other})"
            return Moot(tool="k8s_delete_pod", target=target, outcome="gone", why=why)
        unowned = "; nothing will make another one in its place" if found.owner is None else ""
        return Plan(
            tool="k8s_delete_pod",
            summary=f"delete pod {snapshot.namespace}/{pod}{unowned}",
            main=_pod_target(snapshot, found),
            method="DELETE",
            path=f"/api/v1/namespaces/{snapshot.namespace}/pods/{pod}",
            body={"apiVersion": "v1", "kind": "DeleteOptions", "preconditions": {"uid": uid}},
            reversible=False,
            risk=f"its restart count and the log of its previous run are lost{unowned}",
            before={"phase": found.phase, "reason": found.reason or "", "restarts": str(found.restarts)},
        )

    return Intent(tool="k8s_delete_pod", uid=uid, planning=planning)


def _guard(tool: str, snapshot: Snapshot, uid: str, from_revision: int) -> Moot | None:
    """Why a rollout change must not be made, if so. Raises BadRequest for a paused deployment."""
    deployment = snapshot.need_deployment()
    if deployment["metadata"]["uid"] != uid:
        return _gone(tool, snapshot, uid)
    if (current := revision_of(deployment)) != from_revision:
        why = f"{_place(snapshot)} is at revision {current} now, not {from_revision}"
        return Moot(tool=tool, target=_deployment_target(snapshot), outcome="refused", why=why)
    if deployment["spec"].get("paused"):
        raise BadRequest(f"{_place(snapshot)} is paused; resume it first (kubectl rollout resume)")
    return None


def _gone(tool: str, snapshot: Snapshot, uid: str) -> Moot:
    why = f"the deployment with uid {uid} is gone; {_place(snapshot)} is another one now"
    return Moot(tool=tool, target=Target(id=uid, label=f"Deployment {_place(snapshot)}"), outcome="gone", why=why)


def _tests(deployment: JsonObject) -> list[JsonObject]:
    """Guards that the server checks itself: the same deployment, the same spec (generation), the same revision."""
    escaped = REVISION.replace("~", "~0").replace("/", "~1")
    meta = deployment["metadata"]
    return [
        {"op": "test", "path": "/metadata/uid", "value": meta["uid"]},
        {"op": "test", "path": "/metadata/generation", "value": meta["generation"]},
        {"op": "test", "path": f"/metadata/annotations/{escaped}", "value": annotation(deployment, REVISION)},
    ]


def _change_cause(deployment: JsonObject, cause: str | None) -> list[JsonObject]:
    """The change cause goes back with the template, or the new revision would carry the bad one's."""
    path = "/metadata/annotations/" + CHANGE_CAUSE.replace("/", "~1")
    if cause is not None:
        return [{"op": "add", "path": path, "value": cause}]
    return [{"op": "remove", "path": path}] if annotation(deployment, CHANGE_CAUSE) is not None else []


def _replaced(kubernetes: Kubernetes, service: str, snapshot: Snapshot, pods: list[JsonObject]) -> list[Target]:
    """The pods that a change replaces. Raises BadRequest for more than the bound."""
    settings, _ = kubernetes.place(service)
    uids = {one["metadata"]["uid"] for one in pods}
    if len(uids) > settings.max_targets:
        words = f"{len(uids)} pods would be replaced; max_targets of {service!r} is {settings.max_targets}"
        raise BadRequest(words)
    return [_pod_target(snapshot, one) for one in snapshot.described_pods() if one.uid in uids]


def _deployment_target(snapshot: Snapshot) -> Target:
    workload = describe_workload(snapshot.need_deployment())
    detail = f"revision {workload.revision}, {workload.ready} of {workload.replicas} ready"
    return Target(id=workload.uid, label=f"Deployment {_place(snapshot)}", detail=detail)


def _pod_target(snapshot: Snapshot, pod: Pod) -> Target:
    word = pod.reason or pod.phase
    state = "crashing" if is_crashing(pod) else "ready" if pod.ready else "not ready"
    image = ", ".join(one.image for one in pod.containers if not one.init)
    detail = f"{word}, {state}, {pod.restarts} restarts, {image}"
    return Target(id=pod.uid, label=f"Pod {snapshot.namespace}/{pod.name}", detail=detail)


def _state(snapshot: Snapshot) -> dict[str, str]:
    """A deployment in words, for before and after."""
    deployment = snapshot.need_deployment()
    workload = describe_workload(deployment)
    current = next((one for one in snapshot.replica_sets if revision_of(one) == workload.revision), None)
    return {
        "revision": str(workload.revision),
        "replica_set": current["metadata"]["name"] if current else "",
        "replicas": str(workload.replicas),
        "ready": str(workload.ready),
        **{f"image {name}": image for name, image in workload.images.items()},
    }


def _place(snapshot: Snapshot) -> str:
    return f"{snapshot.namespace}/{snapshot.need_deployment()['metadata']['name']}"


def _path(snapshot: Snapshot) -> str:
    name = snapshot.need_deployment()["metadata"]["name"]
    return DEPLOYMENT_PATH.format(namespace=snapshot.namespace, name=name)
