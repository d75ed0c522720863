"""The cluster as a whole: the store, what keeps it moving, and time."""

import asyncio
import contextlib
import copy
import random
from datetime import datetime, timedelta

from .clock import Clock, ManualClock
from .deployments import Deployments
from .errors import ApiError, JsonObject
from .kinds import BY_KIND, DEPLOYMENTS, NAMESPACES, NODES, PODS
from .kubelet import Kubelet
from .patches import STRATEGIC_PATCH, apply_patch
from .recorder import EVENTS_KEPT, Recorder
from .replicasets import ReplicaSets, mark_for_deletion
from .scenario import Happening, Scenario, ScenarioError, seconds
from .store import Store
from .validation import prepare

CHANGE_CAUSE = "kubernetes.io/change-cause"
_MOST_ROUNDS = 1000


class _Switch:
    """A clock that can be exchanged: the past is played on a manual one."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock

    def now(self) -> datetime:
        return self.clock.now()


class World:
    """Objects, controllers and clock. `settle` does what is due; `run` does so for ever."""

    def __init__(self, scenario: Scenario, clock: Clock) -> None:
        self.scenario = scenario
        self._clock = _Switch(clock)
        self.store = Store(self._clock, random.Random(scenario.cluster.seed))
        self.recorder = Recorder(self.store)
        self.kubelet = Kubelet(self.store, self.recorder, scenario)
        self._deployments = Deployments(self.store, self.recorder)
        self._replica_sets = ReplicaSets(self.store, self.recorder)
        self._coming: list[tuple[datetime, Happening]] = []
        self._play_the_past(clock)

    def now(self) -> datetime:
        return self._clock.now()

    def _play_the_past(self, clock: Clock) -> None:
        """From the time when the objects were made up to now, then go on with the clock given."""
        start = clock.now()
        first = ManualClock(min(start + seconds(self.scenario.created), start))
        self._coming = sorted(
            ((start + seconds(one.at), one) for one in self.scenario.happenings), key=lambda one: one[0]
        )
        self._clock.clock = first
        self.kubelet.quiet_until = start - EVENTS_KEPT
        self._create_objects()
        self.run_until(first, start)
        self._clock.clock = clock

    def _create_objects(self) -> None:
        namespaces = {"default", "kube-system", self.scenario.namespace}
        given = [copy.deepcopy(one) for one in self.scenario.objects]
        namespaces |= {(one.get("metadata") or {}).get("namespace", "default") for one in given}
        for name in sorted(namespaces):
            self.store.create(NAMESPACES, _namespace(name))
        for name in self.scenario.cluster.nodes:
            self.store.create(NODES, _node(name, self.scenario.cluster.version))
        for obj in given:
            resource = BY_KIND.get(str(obj.get("kind")))
            if resource is None or resource.api_version != obj.get("apiVersion"):
                raise ScenarioError(
                    f"objects: {obj.get('apiVersion')}/{obj.get('kind')} is not known; known kinds: {', '.join(BY_KIND)}"
                )
            if resource.namespaced:
                obj.setdefault("metadata", {}).setdefault("namespace", self.scenario.namespace)
            try:
                prepare(resource, obj)
                self.store.create(resource, obj)
            except ApiError as error:
                raise ScenarioError(f"objects: {error}") from error

    def settle(self) -> None:
        """Let every controller do what is due now, until nothing changes any more."""
        self._happen()
        for _ in range(_MOST_ROUNDS):
            before = self.store.version
            self._deployments.sync()
            self._replica_sets.sync()
            self.kubelet.sync()
            self._collect_garbage()
            if self.store.version == before:
                return
        raise RuntimeError("the controllers do not come to rest")

    def next_due(self) -> datetime | None:
        """When something happens by itself next."""
        due = [self.kubelet.next_due(), self._deployments.next_due(), self._replica_sets.next_due()]
        return min([*(one for one in due if one), *(at for at, _ in self._coming[:1])], default=None)

    def run_until(self, clock: ManualClock, end: datetime) -> None:
        """Play everything up to a time, each thing at its own moment."""
        self.settle()
        while (due := self.next_due()) is not None and due <= end:
            clock.move_to(due)
            self.settle()
        clock.move_to(end)
        self.recorder.forget_old()
        self.settle()

    def advance(self, duration_seconds: float) -> None:
        """With a manual clock: play so many seconds."""
        clock = self._clock.clock
        assert isinstance(clock, ManualClock), "only a manual clock can be moved"
        self.run_until(clock, clock.now() + timedelta(seconds=duration_seconds))

    async def run(self) -> None:
        """Keep the cluster moving until cancelled; wakes at every write and whenever something is due."""
        changed, stop = self.store.subscribe()
        try:
            while True:
                changed.clear()
                self.settle()
                self.recorder.forget_old()
                due = self.next_due()
                wait = None if due is None else max(0.0, (due - self.now()).total_seconds())
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(wait):
                        await changed.wait()
                # A pause as controllers have it, so that a burst of writes is one round, and readers get their turn.
                await asyncio.sleep(0)
        finally:
            stop()

    def _happen(self) -> None:
        while self._coming and self._coming[0][0] <= self.now():
            _, happening = self._coming.pop(0)
            namespace = self.scenario.namespace
            try:
                deployment = self.store.get(DEPLOYMENTS, namespace, happening.deployment)
                patched = apply_patch(STRATEGIC_PATCH, happening.patch, deployment)
                if happening.change_cause is not None:
                    patched["metadata"].setdefault("annotations", {})[CHANGE_CAUSE] = happening.change_cause
                prepare(DEPLOYMENTS, patched)
                self.store.update(DEPLOYMENTS, patched)
            except ApiError as error:
                raise ScenarioError(f"happenings: {happening.deployment}: {error}") from error

    def _collect_garbage(self) -> None:
        """Objects whose owners are all gone go too."""
        alive = {obj["metadata"]["uid"] for _, obj in self.store.everything()}
        for resource, obj in self.store.everything():
            owners = obj["metadata"].get("ownerReferences") or []
            if not owners or any(one["uid"] in alive for one in owners):
                continue
            if resource is PODS:
                mark_for_deletion(self.store, copy.deepcopy(obj))
            else:
                self.store.remove(resource, obj["metadata"].get("namespace", ""), obj["metadata"]["name"])


def _namespace(name: str) -> JsonObject:
    return {
        "apiVersion": "v1",
        "kind": "Namespace",
        "metadata": {"name": name, "labels": {"kubernetes.io/metadata.name": name}},
        "status": {"phase": "Active"},
    }


def _node(name: str, version: str) -> JsonObject:
    return {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {"name": name, "labels": {"kubernetes.io/hostname": name, "kubernetes.io/os": "linux"}},
        "status": {
            "capacity": {"cpu": "8", "memory": "32Gi", "pods": "110"},
            "allocatable": {"cpu": "8", "memory": "31Gi", "pods": "110"},
            "conditions": [
                {
                    "type": "Ready",
                    "status": "True",
                    "reason": "KubeletReady",
                    "message": "kubelet is posting ready status",
                }
            ],
            "nodeInfo": {"kubeletVersion": version, "containerRuntimeVersion": "containerd://1.7.27"},
        },
    }
