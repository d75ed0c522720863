"""Services that run in Kubernetes: which objects are a service's, and what they say."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from basecamp.backends.kubernetes_client import ApiRefusal, JsonObject, KubernetesApi
from basecamp.backends.kubernetes_results import (
    ClusterEvents,
    Pod,
    PodDescriptions,
    RolloutHistory,
)
from basecamp.backends.kubernetes_revisions import HASH_LABEL, describe_revisions
from basecamp.backends.kubernetes_views import (
    describe_events,
    describe_pod,
    describe_workload,
    is_crashing,
    owner_uid,
    revision_of,
    rows,
    section,
    worst_first,
)
from basecamp.errors import BackendError, BadRequest, nearest
from basecamp.settings import KubernetesSettings

_PAGE = 500
_MOST_PAGES = 10
_MOST_PODS = 20
DEPLOYMENT_PATH = "/apis/apps/v1/namespaces/{namespace}/deployments/{name}"


def _utc_now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """The objects of one service at one time; without a deployment for a service that is only a selector."""

    service: str
    namespace: str
    at: datetime
    deployment: JsonObject | None
    replica_sets: list[JsonObject]
    pods: list[JsonObject]
    events: list[JsonObject] = field(default_factory=list[JsonObject])
    truncated: bool = False

    def described_pods(self) -> list[Pod]:
        """Worst first."""
        sets = {one["metadata"]["uid"]: one for one in self.replica_sets}
        pods = [describe_pod(pod, sets, self.events, self.at) for pod in self.pods]
        return sorted(pods, key=worst_first)

    def need_deployment(self) -> JsonObject:
        """Raises BadRequest for a service without one."""
        if self.deployment is None:
            words = f"{self.service!r} is known by a selector only; set `deployment:` to use rollout tools on it"
            raise BadRequest(words)
        return self.deployment


class Kubernetes:
    """Looks at services by name."""

    def __init__(self, services: Mapping[str, KubernetesSettings], clock: Callable[[], datetime] = _utc_now) -> None:
        self._services = dict(services)
        self._clock = clock
        self._apis: dict[tuple[object, ...], KubernetesApi] = {}

    @property
    def names(self) -> list[str]:
        return list(self._services)

    def now(self) -> datetime:
        return self._clock()

    async def close(self) -> None:
        for api in self._apis.values():
            await api.close()

    def place(self, service: str) -> tuple[KubernetesSettings, KubernetesApi]:
        """Where a service runs. Raises BadRequest with the nearest known name."""
        settings = self._services.get(service)
        if settings is None:
            raise BadRequest(f"no Kubernetes workload is configured for {service!r}; {nearest(service, self.names)}")
        key = (settings.kubeconfig, settings.context, settings.timeout_seconds)
        if key not in self._apis:
            self._apis[key] = KubernetesApi(
                kubeconfig=settings.kubeconfig, context=settings.context, timeout_seconds=settings.timeout_seconds
            )
        return settings, self._apis[key]

    async def check(self, service: str) -> str:
        """Say where the workload is and who we are there. Raises BackendError."""
        snapshot = await self.load(service)
        settings, api = self.place(service)
        version = await api.get(backend_of(service), "/version")
        name = snapshot.deployment["metadata"]["name"] if snapshot.deployment else settings.selector
        what = f"{settings.namespace}/{name}, {len(snapshot.pods)} pods"
        return f"{what}, Kubernetes {version.get('gitVersion')}, as {await self.identity(service)}"

    async def identity(self, service: str) -> str:
        """The user that the API server sees; older servers (before 1.28) do not tell, then what our settings say."""
        _, api = self.place(service)
        path = "/apis/authentication.k8s.io/v1/selfsubjectreviews"
        body: JsonObject = {"apiVersion": "authentication.k8s.io/v1", "kind": "SelfSubjectReview"}
        try:
            answer = await api.call(backend_of(service), "POST", path, body=body)
        except ApiRefusal:
            return api.identity
        return str(section(answer, "status", "userInfo").get("username") or api.identity)

    async def describe(self, service: str, pod: str) -> PodDescriptions:
        """Raises BadRequest for a pod that is not the service's, BackendError."""
        snapshot = await self.load(service, events=True)
        pods = snapshot.described_pods()
        chosen = [find_pod(service, pods, pod)] if pod else pods[:_MOST_PODS]
        return PodDescriptions(
            service=service,
            namespace=snapshot.namespace,
            at=snapshot.at,
            workload=describe_workload(snapshot.deployment) if snapshot.deployment else None,
            crashing=[one.name for one in pods if is_crashing(one)],
            restarts=sum(one.restarts for one in pods),
            pods=chosen,
            truncated=snapshot.truncated or (not pod and len(pods) > len(chosen)),
        )

    async def events(self, service: str, kind: str, since: datetime | None, limit: int) -> ClusterEvents:
        """Events of the deployment, its replica sets and pods, gone ones included. Raises BackendError."""
        snapshot = await self.load(service, events=True)
        found = describe_events(snapshot.events)
        chosen = [one for one in found if kind in ("", one.type) and (since is None or one.at >= since)]
        return ClusterEvents(
            service=service,
            namespace=snapshot.namespace,
            events=chosen[:limit],
            truncated=snapshot.truncated or len(chosen) > limit,
        )

    async def history(self, service: str) -> RolloutHistory:
        """Raises BadRequest for a service without a deployment, BackendError."""
        snapshot = await self.load(service)
        deployment = snapshot.need_deployment()
        current = revision_of(deployment) or 0
        revisions = describe_revisions(snapshot.replica_sets, current, snapshot.at)
        return RolloutHistory(
            service=service,
            namespace=snapshot.namespace,
            deployment=deployment["metadata"]["name"],
            uid=deployment["metadata"]["uid"],
            resource_version=deployment["metadata"]["resourceVersion"],
            current_revision=current,
            previous_revision=next((one.revision for one in revisions if one.revision < current), None),
            revisions=revisions,
        )

    async def load(self, service: str, *, events: bool = False) -> Snapshot:
        """The objects of a service as they are now. Raises BadRequest, BackendError."""
        settings, api = self.place(service)
        backend, space = backend_of(service), settings.namespace
        deployment: JsonObject | None = None
        selector = settings.selector or ""
        if not selector:
            path = DEPLOYMENT_PATH.format(namespace=space, name=settings.deployment or service)
            deployment = await api.get(backend, path)
            selector = _selector_text(service, deployment)
        by_labels = {"labelSelector": selector}
        nothing = _Listed([], cut=False)
        sets, pods, happened = await asyncio.gather(
            _list(api, backend, f"/apis/apps/v1/namespaces/{space}/replicasets", by_labels),
            _list(api, backend, f"/api/v1/namespaces/{space}/pods", by_labels),
            _list(api, backend, f"/api/v1/namespaces/{space}/events", {}) if events else _ready(nothing),
        )
        uid = deployment["metadata"]["uid"] if deployment else None
        own_sets = [one for one in sets.items if uid is None or owner_uid(one) == uid]
        set_uids = {one["metadata"]["uid"] for one in own_sets}
        own_pods = [one for one in pods.items if uid is None or owner_uid(one) in set_uids]
        return Snapshot(
            service=service,
            namespace=space,
            at=self._clock(),
            deployment=deployment,
            replica_sets=own_sets,
            pods=own_pods,
            events=_own_events(happened.items, [*([deployment] if deployment else []), *own_sets, *own_pods]),
            truncated=sets.cut or pods.cut or happened.cut,
        )


def backend_of(service: str) -> str:
    return f"kubernetes {service}"


def find_pod(service: str, pods: Sequence[Pod], name: str) -> Pod:
    """Raises BadRequest with the nearest pod of the service."""
    found = next((one for one in pods if one.name == name), None)
    if found is None:
        hint = nearest(name, [one.name for one in pods])
        raise BadRequest(f"{service!r} has no pod {name!r}; {hint[:500]}")
    return found


@dataclass(frozen=True, slots=True)
class _Listed:
    """Objects of a list; `cut` when there were more than we read."""

    items: list[JsonObject]
    cut: bool


async def _ready(listed: _Listed) -> _Listed:
    return listed


async def _list(api: KubernetesApi, backend: str, path: str, params: Mapping[str, str]) -> _Listed:
    found: list[JsonObject] = []
    token = ""
    for _ in range(_MOST_PAGES):
        page = {**params, "limit": str(_PAGE), **({"continue": token} if token else {})}
        answer = await api.get(backend, path, page)
        found.extend(rows(answer, "items"))
        token = str(section(answer, "metadata").get("continue") or "")
        if not token:
            return _Listed(found, cut=False)
    return _Listed(found, cut=True)


def _selector_text(service: str, deployment: JsonObject) -> str:
    """The deployment's own selector as a query."""
    selector = section(deployment, "spec", "selector")
    terms = [f"{key}={value}" for key, value in section(selector, "matchLabels").items()]
    for one in rows(selector, "matchExpressions"):
        key, values = one["key"], ",".join(one.get("values") or [])
        forms = {
            "In": f"{key} in ({values})",
            "NotIn": f"{key} notin ({values})",
            "Exists": key,
            "DoesNotExist": f"!{key}",
        }
        terms.append(forms[one["operator"]])
    if not terms:
        # An empty selector would list every pod of the namespace.
        raise BackendError(backend_of(service), "the deployment has no selector")
    return ",".join(terms)


def _own_events(events: Sequence[JsonObject], owners: Sequence[JsonObject]) -> list[JsonObject]:
    """Events about these objects, and about pods that are gone but were made by one of the replica sets."""
    uids = {one["metadata"]["uid"] for one in owners}
    prefixes = tuple(
        f"{one['metadata']['name']}-" for one in owners if HASH_LABEL in section(one, "metadata", "labels")
    )
    found: list[JsonObject] = []
    for event in events:
        about = section(event, "involvedObject")
        gone = about.get("kind") == "Pod" and str(about.get("name")).startswith(prefixes)
        if about.get("uid") in uids or (prefixes and gone):
            found.append(event)
    return found
