"""The cluster's state for Prometheus, under the names and labels that kube-state-metrics gives it."""

from collections.abc import Iterable

from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from .clock import parse_stamp
from .errors import JsonObject
from .kinds import DEPLOYMENTS, PODS
from .store import Store, controller_of

_POD, _CONTAINER = ["namespace", "pod", "uid"], ["namespace", "pod", "uid", "container"]
_PHASES = ("Pending", "Running", "Succeeded", "Failed", "Unknown")
_WAITING = ("ContainerCreating", "CrashLoopBackOff", "CreateContainerConfigError", "ErrImagePull", "ImagePullBackOff")
_ENDED = ("Completed", "Error", "OOMKilled")
_DEPLOYMENT_COUNTS = {
    "spec_replicas": ("spec", "replicas"),
    "status_replicas": ("status", "replicas"),
    "status_replicas_ready": ("status", "readyReplicas"),
    "status_replicas_available": ("status", "availableReplicas"),
    "status_replicas_unavailable": ("status", "unavailableReplicas"),
    "status_replicas_updated": ("status", "updatedReplicas"),
    "status_observed_generation": ("status", "observedGeneration"),
}


class StateCollector(Collector):
    """Reads the store at every scrape."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def collect(self) -> Iterable[Metric]:
        pods = self._store.all_of(PODS)
        yield from _pods(pods)
        yield from _containers(pods)
        yield from _deployments(self._store.all_of(DEPLOYMENTS))


def build_metrics_app(store: Store) -> Starlette:
    """`GET /metrics`."""
    registry = CollectorRegistry()
    registry.register(StateCollector(store))

    async def metrics(_request: Request) -> Response:
        return Response(generate_latest(registry), headers={"Content-Type": CONTENT_TYPE_LATEST})

    return Starlette(routes=[Route("/metrics", metrics)])


def _of(pod: JsonObject) -> list[str]:
    return [pod["metadata"]["namespace"], pod["metadata"]["name"], pod["metadata"]["uid"]]


def _pods(pods: list[JsonObject]) -> Iterable[Metric]:
    phase = GaugeMetricFamily("kube_pod_status_phase", "The pods current phase.", labels=[*_POD, "phase"])
    ready = GaugeMetricFamily("kube_pod_status_ready", "Whether the pod is ready.", labels=[*_POD, "condition"])
    owner = GaugeMetricFamily("kube_pod_owner", "The pod's owner.", labels=[*_POD, "owner_kind", "owner_name"])
    labels = GaugeMetricFamily("kube_pod_labels", "The pod's label app.", labels=[*_POD, "label_app"])
    born = GaugeMetricFamily("kube_pod_created", "Unix creation timestamp.", labels=_POD)
    for pod in pods:
        for name in _PHASES:
            phase.add_metric([*_of(pod), name], float(pod["status"].get("phase") == name))
        conditions = {one["type"]: one["status"] for one in pod["status"].get("conditions") or ()}
        for word in ("true", "false", "unknown"):
            ready.add_metric([*_of(pod), word], float(conditions.get("Ready", "Unknown").lower() == word))
        reference = controller_of(pod)
        owner.add_metric([*_of(pod), reference.get("kind", "<none>"), reference.get("name", "<none>")], 1)
        labels.add_metric([*_of(pod), (pod["metadata"].get("labels") or {}).get("app", "")], 1)
        born.add_metric(_of(pod), parse_stamp(pod["metadata"]["creationTimestamp"]).timestamp())
    yield from (phase, ready, owner, labels, born)


def _containers(pods: list[JsonObject]) -> Iterable[Metric]:
    prefix = "kube_pod_container_status"
    restarts = CounterMetricFamily(f"{prefix}_restarts", "Container restarts.", labels=_CONTAINER)
    waiting = GaugeMetricFamily(f"{prefix}_waiting_reason", "Why it waits.", labels=[*_CONTAINER, "reason"])
    ended = GaugeMetricFamily(f"{prefix}_last_terminated_reason", "Why it ended last.", labels=[*_CONTAINER, "reason"])
    code = GaugeMetricFamily(f"{prefix}_last_terminated_exitcode", "How it ended last.", labels=_CONTAINER)
    ready = GaugeMetricFamily(f"{prefix}_ready", "Whether it is ready.", labels=_CONTAINER)
    running = GaugeMetricFamily(f"{prefix}_running", "Whether it runs.", labels=_CONTAINER)
    for pod in pods:
        for status in pod["status"].get("containerStatuses") or ():
            of = [*_of(pod), status["name"]]
            restarts.add_metric(of, status["restartCount"])
            ready.add_metric(of, float(status["ready"]))
            running.add_metric(of, float("running" in status["state"]))
            why = (status["state"].get("waiting") or {}).get("reason")
            if why in _WAITING:
                waiting.add_metric([*of, why], 1)
            last = status["lastState"].get("terminated")
            if last is not None:
                code.add_metric(of, last["exitCode"])
                if last["reason"] in _ENDED:
                    ended.add_metric([*of, last["reason"]], 1)
    yield from (restarts, waiting, ended, code, ready, running)


def _deployments(deployments: list[JsonObject]) -> Iterable[Metric]:
    labels = ["namespace", "deployment"]
    for name, (part, field) in _DEPLOYMENT_COUNTS.items():
        family = GaugeMetricFamily(f"kube_deployment_{name}", f"The deployment's {field}.", labels=labels)
        for one in deployments:
            of = [one["metadata"]["namespace"], one["metadata"]["name"]]
            family.add_metric(of, (one.get(part) or {}).get(field, 0))
        yield family
    condition = GaugeMetricFamily(
        "kube_deployment_status_condition", "Conditions.", labels=[*labels, "condition", "status"]
    )
    for one in deployments:
        for held in (one.get("status") or {}).get("conditions") or ():
            for word in ("true", "false", "unknown"):
                of = [one["metadata"]["namespace"], one["metadata"]["name"], held["type"], word]
                condition.add_metric(of, float(held["status"].lower() == word))
    yield condition
