"""Scheduler and kubelet: pods get a node, their containers start, crash, back off, become ready and end."""

import base64
from collections.abc import Mapping
from datetime import datetime, timedelta

from .containers import Container, Phase, Run, environment
from .errors import JsonObject
from .kinds import CONFIG_MAPS, NODES, PODS, SECRETS
from .pod_status import build
from .recorder import Recorder
from .scenario import Scenario
from .store import Store

_PROBE = timedelta(seconds=10)


class Kubelet:
    """Runs the pods of all nodes."""

    def __init__(self, store: Store, recorder: Recorder, scenario: Scenario) -> None:
        self._store = store
        self._recorder = recorder
        self._scenario = scenario
        self._pods: dict[str, dict[str, Container]] = {}
        self._stopping: dict[str, datetime] = {}
        self._addresses = 0
        self.quiet_until: datetime | None = None
        """Until then probes that fail are not asked again: of a far past nobody keeps the events."""

    def sync(self) -> None:
        """Do all that is due by now."""
        pods = self._store.all_of(PODS)
        for pod in pods:
            if pod["metadata"].get("deletionTimestamp"):
                self._stop(pod)
                continue
            if not pod["spec"].get("nodeName"):
                pod = self._schedule(pod)  # noqa: PLW2901 - the same pod, now with a node
            for container in self._containers(pod).values():
                self._advance(pod, container)
            self._write_status(pod)
        alive = {pod["metadata"]["uid"] for pod in pods}
        for uid in [uid for uid in self._pods if uid not in alive]:
            self._pods.pop(uid)
            self._stopping.pop(uid, None)

    def next_due(self) -> datetime | None:
        """When the next thing happens by itself."""
        due = [one.due for pod in self._pods.values() for one in pod.values() if one.due is not None]
        return min([*due, *self._stopping.values()], default=None)

    def find_container(self, uid: str, name: str) -> Container | None:
        """A container of a pod, with its logs written up to now."""
        found = self._pods.get(uid, {}).get(name)
        if found is not None and found.current is not None and found.phase is Phase.RUNNING:
            found.current.write_log(self._store.clock.now())
        return found

    def _schedule(self, pod: JsonObject) -> JsonObject:
        nodes = [node["metadata"]["name"] for node in self._store.all_of(NODES)]
        load = dict.fromkeys(nodes, 0)
        for other in self._store.all_of(PODS):
            if other["spec"].get("nodeName") in load:
                load[other["spec"]["nodeName"]] += 1
        node = min(nodes, key=lambda name: (load[name], name))
        pod["spec"]["nodeName"] = node
        self._addresses += 1
        pod["status"]["podIP"] = f"10.244.{self._addresses // 250 + 1}.{self._addresses % 250 + 2}"
        pod = self._store.update(PODS, pod)
        words = f"Successfully assigned {pod['metadata']['namespace']}/{pod['metadata']['name']} to {node}"
        self._recorder.record(pod, "Normal", "Scheduled", words, "default-scheduler")
        return pod

    def _containers(self, pod: JsonObject) -> dict[str, Container]:
        uid = pod["metadata"]["uid"]
        if uid not in self._pods:
            start = self._store.clock.now() + timedelta(seconds=self._scenario.cluster.start_seconds)
            self._pods[uid] = {
                one["name"]: Container(name=one["name"], image=one["image"], due=start)
                for one in pod["spec"]["containers"]
            }
        containers = self._pods[uid]
        for one in pod["spec"]["containers"]:
            if containers[one["name"]].image != one["image"]:
                # The image is the one field of a running container that may be changed: it restarts with the new one.
                self._replace(containers[one["name"]], one["image"])
        return containers

    def _replace(self, container: Container, image: str) -> None:
        container.image, container.due = image, self._store.clock.now()
        if container.phase is Phase.RUNNING:
            self._end(container, self._store.clock.now(), 143, "Error")

    def _advance(self, pod: JsonObject, container: Container) -> None:
        now = self._store.clock.now()
        while container.due is not None and container.due <= now:
            if container.phase is Phase.RUNNING:
                self._while_running(pod, container)
            elif container.phase is Phase.ENDED:
                self._after_the_end(pod, container)
            else:
                self._start(pod, container)

    def _start(self, pod: JsonObject, container: Container) -> None:
        at = container.due
        assert at is not None, "it is due"
        spec = next(one for one in pod["spec"]["containers"] if one["name"] == container.name)
        field = f"spec.containers{{{container.name}}}"
        try:
            env = environment(spec, self._configuration(pod["metadata"]["namespace"]))
        except KeyError as error:
            self._block(pod, container, "CreateContainerConfigError", str(error.args[0]), f"Error: {error.args[0]}")
            return
        behaviour = self._scenario.behaviour(spec, env)
        if behaviour is None:
            self._cannot_pull(pod, container, field)
            return
        if container.phase is Phase.BACKING_OFF:
            container.restarts += 1
        container.current = Run(f"containerd://{self._store.random_suffix(64)}", behaviour, at)
        container.phase, container.failures = Phase.RUNNING, 0
        container.due = container.current.ends or container.current.ready_at
        if behaviour.unready is not None:
            container.due = at + timedelta(seconds=behaviour.ready_after_seconds)
        pulled = f'Container image "{container.image}" already present on machine'
        for reason, words in (
            ("Pulled", pulled),
            ("Created", f"Created container: {container.name}"),
            ("Started", f"Started container {container.name}"),
        ):
            self._recorder.record(pod, "Normal", reason, words, "kubelet", field=field)

    def _cannot_pull(self, pod: JsonObject, container: Container, field: str) -> None:
        image = container.image
        why = f'failed to pull and unpack image "{image}": failed to resolve reference "{image}": {image}: not found'
        if container.failures:
            words = f'Back-off pulling image "{image}"'
            self._recorder.record(pod, "Normal", "BackOff", words, "kubelet", field=field)
            self._block(pod, container, "ImagePullBackOff", words, "Error: ImagePullBackOff")
        else:
            self._recorder.record(pod, "Normal", "Pulling", f'Pulling image "{image}"', "kubelet", field=field)
            self._block(pod, container, "ErrImagePull", why, f'Failed to pull image "{image}": {why}')

    def _block(self, pod: JsonObject, container: Container, reason: str, message: str, event: str) -> None:
        limits, field = self._scenario.cluster.back_off, f"spec.containers{{{container.name}}}"
        assert container.due is not None, "it was due"
        if container.phase is not Phase.BACKING_OFF:
            container.phase = Phase.BLOCKED
        container.blocked, container.failures = (reason, message), container.failures + 1
        wait = min(limits.initial_seconds * 2 ** min(container.failures - 1, 20), limits.most_seconds)
        container.due += timedelta(seconds=wait)
        self._recorder.record(pod, "Warning", "Failed", event, "kubelet", field=field)

    def _while_running(self, pod: JsonObject, container: Container) -> None:
        run, at = container.current, container.due
        assert run is not None, "it is running"
        assert at is not None, "it is due"
        run.write_log(at)
        if run.ends is not None and run.ends <= at:
            ending = run.behaviour.exit
            assert ending is not None, "it ends by itself"
            self._end(container, at, ending.code, ending.reason)
        elif run.behaviour.unready is not None:
            words = f"Readiness probe failed: {run.behaviour.unready}"
            field = f"spec.containers{{{container.name}}}"
            self._recorder.record(pod, "Warning", "Unhealthy", words, "kubelet", field=field)
            container.due = max(at + _PROBE, self.quiet_until or at)
        else:
            container.ready, container.due = True, None

    @staticmethod
    def _end(container: Container, at: datetime, code: int, reason: str) -> None:
        run = container.current
        assert run is not None, "it was running"
        run.write_log(at)
        run.finished, run.exit_code, run.reason = at, code, reason
        container.phase, container.ready, container.due = Phase.ENDED, False, at + timedelta(milliseconds=100)

    def _after_the_end(self, pod: JsonObject, container: Container) -> None:
        """Restart or not (restartPolicy), now or after a while."""
        run, policy = container.current, pod["spec"]["restartPolicy"]
        assert run is not None, "it has run"
        assert run.finished is not None, "it has ended"
        assert container.due is not None, "it is due"
        if policy == "Never" or (policy == "OnFailure" and run.exit_code == 0):
            container.due = None
            return
        wait = container.next_back_off(self._scenario.cluster.back_off)
        container.previous, container.current = run, None
        container.phase = Phase.BACKING_OFF
        container.due = max(container.due, run.finished + timedelta(seconds=wait))
        container.blocked = ("ContainerCreating", "")
        if wait:
            meta = pod["metadata"]
            shown = _duration(wait)
            whom = f"container={container.name} pod={meta['name']}_{meta['namespace']}({meta['uid']})"
            container.blocked = ("CrashLoopBackOff", f"back-off {shown} restarting failed {whom}")
            words = f"Back-off restarting failed container {container.name} in pod {whom.partition('pod=')[2]}"
            field = f"spec.containers{{{container.name}}}"
            self._recorder.record(pod, "Warning", "BackOff", words, "kubelet", field=field)

    def _stop(self, pod: JsonObject) -> None:
        """End the containers of a pod that is to go, then the pod."""
        meta, now = pod["metadata"], self._store.clock.now()
        uid = meta["uid"]
        if uid not in self._stopping:
            grace = timedelta(seconds=min(meta["deletionGracePeriodSeconds"], self._scenario.cluster.stop_seconds))
            self._stopping[uid] = now + grace
            for container in self._pods.get(uid, {}).values():
                container.due = None
                if container.phase is Phase.RUNNING:
                    field = f"spec.containers{{{container.name}}}"
                    words = f"Stopping container {container.name}"
                    self._recorder.record(pod, "Normal", "Killing", words, "kubelet", field=field)
        if self._stopping[uid] <= now:
            self._store.remove(PODS, meta["namespace"], meta["name"])
            self._stopping.pop(uid)
            self._pods.pop(uid, None)

    def _configuration(self, namespace: str) -> Mapping[tuple[str, str], Mapping[str, str]]:
        maps = {
            ("configmap", one["metadata"]["name"]): one.get("data") or {}
            for one in self._store.all_of(CONFIG_MAPS, namespace)
        }
        secrets = {
            ("secret", one["metadata"]["name"]): {
                key: base64.b64decode(value).decode(errors="replace") for key, value in (one.get("data") or {}).items()
            }
            for one in self._store.all_of(SECRETS, namespace)
        }
        return {**maps, **secrets}

    def _write_status(self, pod: JsonObject) -> None:
        fresh = self._store.find(PODS, pod["metadata"]["namespace"], pod["metadata"]["name"])
        if fresh is None or fresh["metadata"]["uid"] != pod["metadata"]["uid"]:
            return
        now = self._store.clock.now()
        containers = self._pods[pod["metadata"]["uid"]]
        fresh["status"] = build(fresh, [containers[one["name"]] for one in fresh["spec"]["containers"]], now)
        self._store.update(PODS, fresh)


def _duration(seconds: float) -> str:
    """Go's form of a duration: 10s, 1m20s, 5m0s."""
    minutes, rest = divmod(seconds, 60)
    return f"{int(minutes)}m{rest:g}s" if minutes else f"{rest:g}s"
