"""The replica set controller: as many pods as asked for."""

from datetime import datetime, timedelta

from . import errors
from .clock import parse_stamp, stamp
from .errors import JsonObject
from .kinds import PODS, REPLICA_SETS
from .recorder import Recorder
from .store import Store, owner_reference
from .validation import prepare

_SOURCE = "replicaset-controller"


class ReplicaSets:
    """Brings pods and status of every replica set where its spec wants them."""

    def __init__(self, store: Store, recorder: Recorder) -> None:
        self._store = store
        self._recorder = recorder

    def sync(self) -> None:
        for replica_set in self._store.all_of(REPLICA_SETS):
            pods = [pod for pod in self._store.owned_by(PODS, replica_set) if _active(pod)]
            missing = replica_set["spec"]["replicas"] - len(pods)
            pods.extend([self._create_pod(replica_set) for _ in range(missing)])
            if missing < 0:
                doomed = sorted(pods, key=_deletion_rank)[:-missing]
                for pod in doomed:
                    self._delete_pod(replica_set, pod)
                pods = [pod for pod in pods if pod not in doomed]
            self._write_status(replica_set, pods)

    def _create_pod(self, replica_set: JsonObject) -> JsonObject:
        template, meta = replica_set["spec"]["template"], replica_set["metadata"]
        pod = {
            "metadata": {
                **template["metadata"],
                "generateName": f"{meta['name']}-",
                "name": f"{meta['name']}-{self._store.random_suffix()}",
                "namespace": meta["namespace"],
                "ownerReferences": [owner_reference(replica_set)],
            },
            "spec": template["spec"],
        }
        prepare(PODS, pod)
        made = self._store.create(PODS, pod)
        words = f"Created pod: {made['metadata']['name']}"
        self._recorder.record(replica_set, "Normal", "SuccessfulCreate", words, _SOURCE)
        return made

    def _delete_pod(self, replica_set: JsonObject, pod: JsonObject) -> None:
        mark_for_deletion(self._store, pod)
        words = f"Deleted pod: {pod['metadata']['name']}"
        self._recorder.record(replica_set, "Normal", "SuccessfulDelete", words, _SOURCE)

    def _write_status(self, replica_set: JsonObject, pods: list[JsonObject]) -> None:
        now = self._store.clock.now()
        patience = replica_set["spec"].get("minReadySeconds", 0)
        replica_set["status"] = {
            "replicas": len(pods),
            "fullyLabeledReplicas": len(pods),
            "readyReplicas": sum(ready_since(pod) is not None for pod in pods),
            "availableReplicas": sum(is_available(pod, patience, now) for pod in pods),
            "observedGeneration": replica_set["metadata"]["generation"],
        }
        replica_set["status"] = {
            key: value for key, value in replica_set["status"].items() if value or key == "replicas"
        }
        self._store.update(REPLICA_SETS, replica_set)

    def next_due(self) -> datetime | None:
        """When a ready pod becomes an available one (minReadySeconds)."""
        now, due = self._store.clock.now(), list[datetime]()
        for replica_set in self._store.all_of(REPLICA_SETS):
            patience = replica_set["spec"].get("minReadySeconds", 0)
            for pod in self._store.owned_by(PODS, replica_set) if patience else ():
                since = ready_since(pod)
                if since is not None and since + timedelta(seconds=patience) > now:
                    due.append(since + timedelta(seconds=patience))
        return min(due, default=None)


def mark_for_deletion(store: Store, pod: JsonObject, grace_seconds: int | None = None) -> JsonObject:
    """Ask the kubelet to end a pod; it goes once its containers have stopped."""
    meta = pod["metadata"]
    if meta.get("deletionTimestamp"):
        return pod
    grace = pod["spec"].get("terminationGracePeriodSeconds", 30) if grace_seconds is None else grace_seconds
    meta["deletionTimestamp"] = stamp(store.clock.now() + timedelta(seconds=grace))
    meta["deletionGracePeriodSeconds"] = grace
    try:
        return store.update(PODS, pod)
    except errors.ApiError:
        return pod  # it has gone meanwhile, which is what was wanted


def ready_since(pod: JsonObject) -> datetime | None:
    """Since when a pod has been ready; None when it is not."""
    for condition in pod["status"].get("conditions") or ():
        if condition["type"] == "Ready" and condition["status"] == "True":
            return parse_stamp(condition["lastTransitionTime"])
    return None


def is_available(pod: JsonObject, patience_seconds: int, now: datetime) -> bool:
    since = ready_since(pod)
    return since is not None and since + timedelta(seconds=patience_seconds) <= now


def _active(pod: JsonObject) -> bool:
    return pod["status"].get("phase") not in ("Succeeded", "Failed") and not pod["metadata"].get("deletionTimestamp")


def _deletion_rank(pod: JsonObject) -> tuple[bool, bool, int, float]:
    """Who goes first: unscheduled, not ready, often restarted, young."""
    restarts = sum(one["restartCount"] for one in pod["status"].get("containerStatuses") or ())
    born = parse_stamp(pod["metadata"]["creationTimestamp"]).timestamp()
    return (bool(pod["spec"].get("nodeName")), ready_since(pod) is not None, -restarts, -born)
