"""The deployment controller: one replica set per template, rolled over within maxSurge and maxUnavailable.

The arithmetic is that of k8s.io/kubernetes/pkg/controller/deployment (rolling.go, sync.go, util).
"""

import copy
import hashlib
import json
import math
from datetime import datetime, timedelta

from . import rollout_status
from .clock import parse_stamp
from .errors import JsonObject
from .kinds import DEPLOYMENTS, PODS, REPLICA_SETS
from .recorder import Recorder
from .store import ALPHABET, Store, owner_reference

REVISION = "deployment.kubernetes.io/revision"
REVISION_HISTORY = "deployment.kubernetes.io/revision-history"
_DESIRED, _MOST = "deployment.kubernetes.io/desired-replicas", "deployment.kubernetes.io/max-replicas"
HASH_LABEL = "pod-template-hash"
# Annotations of a deployment that its replica sets do not inherit.
_OWN = {"kubectl.kubernetes.io/last-applied-configuration", REVISION, REVISION_HISTORY, _DESIRED, _MOST}
_SOURCE = "deployment-controller"


class Deployments:
    """Brings the replica sets of every deployment where its spec wants them."""

    def __init__(self, store: Store, recorder: Recorder) -> None:
        self._store = store
        self._recorder = recorder

    def sync(self) -> None:
        for deployment in self._store.all_of(DEPLOYMENTS):
            self._sync_one(deployment)

    def _sync_one(self, deployment: JsonObject) -> None:
        sets = sorted(self._store.owned_by(REPLICA_SETS, deployment), key=_born)
        template = deployment["spec"]["template"]
        new = next((one for one in sets if _same_template(one["spec"]["template"], template)), None)
        old = [one for one in sets if one is not new]
        if deployment["spec"].get("paused"):
            self._scale_while_paused(deployment, sets)
        else:
            new = self._ensure_new(deployment, new, old)
            if deployment["spec"]["strategy"]["type"] == "Recreate":
                self._recreate(deployment, new, old)
            else:
                self._roll(deployment, new, old)
            self._forget_old(deployment, old)
        self._write_status(deployment, new, old)

    def _ensure_new(self, deployment: JsonObject, new: JsonObject | None, old: list[JsonObject]) -> JsonObject:
        wanted = max((revision_of(one) for one in old), default=0) + 1
        if new is None:
            new = self._store.create(REPLICA_SETS, self._replica_set(deployment, wanted))
        else:
            annotations = new["metadata"].setdefault("annotations", {})
            was = revision_of(new)
            if was < wanted:
                past = [part for part in annotations.get(REVISION_HISTORY, "").split(",") if part]
                annotations[REVISION_HISTORY] = ",".join([*past, str(was)])
                annotations[REVISION] = str(wanted)
            annotations |= _inherited(deployment)
            new["spec"]["minReadySeconds"] = deployment["spec"].get("minReadySeconds", 0)
            new = self._store.update(REPLICA_SETS, new)
        annotations = deployment["metadata"].setdefault("annotations", {})
        if annotations.get(REVISION) != new["metadata"]["annotations"][REVISION]:
            annotations[REVISION] = new["metadata"]["annotations"][REVISION]
            deployment.update(self._store.update(DEPLOYMENTS, deployment))
        return new

    def _replica_set(self, deployment: JsonObject, revision: int) -> JsonObject:
        meta, spec = deployment["metadata"], deployment["spec"]
        template = copy.deepcopy(spec["template"])
        digest = template_hash(template)
        template["metadata"]["labels"][HASH_LABEL] = digest
        selector = copy.deepcopy(spec["selector"])
        selector.setdefault("matchLabels", {})[HASH_LABEL] = digest
        return {
            "apiVersion": "apps/v1",
            "kind": "ReplicaSet",
            "metadata": {
                "name": f"{meta['name']}-{digest}",
                "namespace": meta["namespace"],
                "labels": dict(template["metadata"]["labels"]),
                "annotations": {**_inherited(deployment), REVISION: str(revision)},
                "ownerReferences": [owner_reference(deployment)],
            },
            "spec": {
                "replicas": 0,
                "minReadySeconds": spec.get("minReadySeconds", 0),
                "selector": selector,
                "template": template,
            },
            "status": {"replicas": 0},
        }

    def _roll(self, deployment: JsonObject, new: JsonObject, old: list[JsonObject]) -> None:
        wanted = deployment["spec"]["replicas"]
        surge, unavailable = bounds(deployment)
        total = sum(one["spec"]["replicas"] for one in [new, *old])
        held = new["spec"]["replicas"]
        if held > wanted:
            self._scale(deployment, new, wanted)
        elif held < wanted and total < wanted + surge:
            self._scale(deployment, new, held + min(wanted - held, wanted + surge - total))
        self._shrink_old(deployment, new, old, least=wanted - unavailable)

    def _shrink_old(self, deployment: JsonObject, new: JsonObject, old: list[JsonObject], *, least: int) -> None:
        """Unhealthy pods of old replica sets go first; healthy ones as far as enough stay available."""
        total = sum(one["spec"]["replicas"] for one in [new, *old])
        room = total - least - (new["spec"]["replicas"] - _available(new))
        for one in old:
            unhealthy = one["spec"]["replicas"] - _available(one)
            gone = min(room, unhealthy)
            if gone > 0:
                self._scale(deployment, one, one["spec"]["replicas"] - gone)
                room -= gone
        spare = min(room, sum(_available(one) for one in [new, *old]) - least)
        for one in old:
            gone = min(spare, one["spec"]["replicas"])
            if gone > 0:
                self._scale(deployment, one, one["spec"]["replicas"] - gone)
                spare -= gone

    def _recreate(self, deployment: JsonObject, new: JsonObject, old: list[JsonObject]) -> None:
        for one in old:
            self._scale(deployment, one, 0)
        if not any(self._store.owned_by(PODS, one) for one in old):
            self._scale(deployment, new, deployment["spec"]["replicas"])

    def _scale_while_paused(self, deployment: JsonObject, sets: list[JsonObject]) -> None:
        active = [one for one in sets if one["spec"]["replicas"]]
        if len(active) == 1:
            self._scale(deployment, active[0], deployment["spec"]["replicas"])

    def _scale(self, deployment: JsonObject, replica_set: JsonObject, replicas: int) -> None:
        """To a number of pods; changes the object given as well."""
        wanted, (surge, _) = deployment["spec"]["replicas"], bounds(deployment)
        annotations = replica_set["metadata"].setdefault("annotations", {})
        annotations |= {_DESIRED: str(wanted), _MOST: str(wanted + surge)}
        was = replica_set["spec"]["replicas"]
        replica_set["spec"]["replicas"] = replicas
        replica_set.update(self._store.update(REPLICA_SETS, replica_set))
        if was != replicas:
            way = "up" if replicas > was else "down"
            words = f"Scaled {way} replica set {replica_set['metadata']['name']} from {was} to {replicas}"
            self._recorder.record(deployment, "Normal", "ScalingReplicaSet", words, _SOURCE)

    def _forget_old(self, deployment: JsonObject, old: list[JsonObject]) -> None:
        empty = [one for one in old if not one["spec"]["replicas"] and not one["status"].get("replicas")]
        for one in sorted(empty, key=revision_of)[: max(0, len(empty) - deployment["spec"]["revisionHistoryLimit"])]:
            self._store.remove(REPLICA_SETS, one["metadata"]["namespace"], one["metadata"]["name"])

    def _write_status(self, deployment: JsonObject, new: JsonObject | None, old: list[JsonObject]) -> None:
        meta = deployment["metadata"]
        fresh = self._store.find(DEPLOYMENTS, meta["namespace"], meta["name"])
        if fresh is not None:
            fresh["status"] = rollout_status.build(
                fresh, new, old, self._store.clock.now(), unavailable=bounds(fresh)[1]
            )
            self._store.update(DEPLOYMENTS, fresh)

    def next_due(self) -> datetime | None:
        """When a rollout that stands still is given up (progressDeadlineSeconds)."""
        due = list[datetime]()
        for deployment in self._store.all_of(DEPLOYMENTS):
            since = rollout_status.waiting_since(deployment)
            if since is not None:
                due.append(since + timedelta(seconds=deployment["spec"]["progressDeadlineSeconds"]))
        return min((one for one in due if one > self._store.clock.now()), default=None)


def bounds(deployment: JsonObject) -> tuple[int, int]:
    """How far a rollout may go: maxSurge (rounded up) and maxUnavailable (rounded down) as numbers of pods; never both zero."""
    strategy, replicas = deployment["spec"]["strategy"], deployment["spec"]["replicas"]
    if strategy["type"] != "RollingUpdate":
        return 0, replicas
    surge = _resolve(strategy["rollingUpdate"]["maxSurge"], replicas, up=True)
    unavailable = _resolve(strategy["rollingUpdate"]["maxUnavailable"], replicas, up=False)
    return (0, 1) if surge == unavailable == 0 else (surge, min(unavailable, replicas))


def _resolve(value: int | str, replicas: int, *, up: bool) -> int:
    if isinstance(value, int):
        return value
    share = replicas * int(value.removesuffix("%")) / 100
    return math.ceil(share) if up else math.floor(share)


def revision_of(obj: JsonObject) -> int:
    return int((obj["metadata"].get("annotations") or {}).get(REVISION, 0))


def template_hash(template: JsonObject) -> str:
    """The name part of a replica set; any stable digest in the usual alphabet does."""
    digest = hashlib.sha256(json.dumps(template, sort_keys=True).encode()).digest()
    return "".join(ALPHABET[byte % len(ALPHABET)] for byte in digest[:10])


def _same_template(held: JsonObject, wanted: JsonObject) -> bool:
    bare = copy.deepcopy(held)
    bare["metadata"]["labels"].pop(HASH_LABEL, None)
    return bare == wanted


def _inherited(deployment: JsonObject) -> dict[str, str]:
    annotations: dict[str, str] = deployment["metadata"].get("annotations") or {}
    return {key: value for key, value in annotations.items() if key not in _OWN}


def _available(replica_set: JsonObject) -> int:
    return replica_set["status"].get("availableReplicas", 0)


def _born(obj: JsonObject) -> tuple[datetime, str]:
    return parse_stamp(obj["metadata"]["creationTimestamp"]), obj["metadata"]["name"]
