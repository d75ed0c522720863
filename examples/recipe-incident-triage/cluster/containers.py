"""One container on a node: what it is doing, what it wrote, and when it does the next thing."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import Enum

from .clock import stamp
from .errors import JsonObject
from .scenario import BackOff, Behaviour


class Phase(Enum):
    """Where a container is between two starts."""

    CREATING = "creating"
    BLOCKED = "blocked"
    RUNNING = "running"
    ENDED = "ended"
    BACKING_OFF = "backing off"


@dataclass(slots=True)
class Run:
    """One run of a container, from start to end."""

    id: str
    behaviour: Behaviour
    started: datetime
    log: list[tuple[datetime, str]] = field(default_factory=list[tuple[datetime, str]])
    finished: datetime | None = None
    exit_code: int = 0
    reason: str = "Completed"

    @property
    def ends(self) -> datetime | None:
        """When it ends by itself."""
        ending = self.behaviour.exit
        return None if ending is None else self.started + timedelta(seconds=ending.after_seconds)

    @property
    def ready_at(self) -> datetime | None:
        """When its readiness probe begins to succeed; containers that end by themselves never get there."""
        if self.behaviour.unready is not None or self.behaviour.exit is not None:
            return None
        return self.started + timedelta(seconds=self.behaviour.ready_after_seconds)

    def write_log(self, until: datetime) -> None:
        """Add the lines that are due, spread over the time until the end or readiness."""
        lines = self.behaviour.logs
        last = self.ends or self.ready_at or self.started
        step = (last - self.started) / len(lines) if lines else timedelta()
        for number in range(len(self.log), len(lines)):
            at = self.started + step * number
            if at > until:
                break
            self.log.append((at, lines[number]))

    def terminated(self) -> JsonObject:
        """ContainerStateTerminated."""
        assert self.finished is not None, "the run has ended"
        return {
            "exitCode": self.exit_code,
            "reason": self.reason,
            "startedAt": stamp(self.started),
            "finishedAt": stamp(self.finished),
            "containerID": self.id,
        }


@dataclass(slots=True)
class Container:
    """A container of one pod."""

    name: str
    image: str
    due: datetime | None
    """When the next thing happens to it; None: nothing more by itself."""
    phase: Phase = Phase.CREATING
    blocked: tuple[str, str] = ("ContainerCreating", "")
    """Reason and message while it waits."""
    restarts: int = 0
    back_off_seconds: float = 0.0
    current: Run | None = None
    previous: Run | None = None
    ready: bool = False
    failures: int = 0

    def next_back_off(self, limits: BackOff) -> float:
        """Seconds until the next start; the first restart is immediate, a long good run forgets the past."""
        assert self.current is not None, "it has run"
        assert self.current.finished is not None, "it has ended"
        ran = (self.current.finished - self.current.started).total_seconds()
        if self.restarts and ran > 2 * limits.most_seconds:
            self.back_off_seconds = 0.0
            return 0.0
        wait = self.back_off_seconds if self.restarts else 0.0
        doubled = wait * 2 if wait else limits.initial_seconds
        self.back_off_seconds = min(doubled, limits.most_seconds)
        return wait

    def status(self) -> JsonObject:
        """ContainerStatus."""
        started = self.phase is Phase.RUNNING
        run = self.current or self.previous
        status: JsonObject = {
            "name": self.name,
            "image": self.image,
            "imageID": f"{self.image.rpartition(':')[0] or self.image}@sha256:{_digest(self.image)}" if run else "",
            "ready": self.ready,
            "restartCount": self.restarts,
            "started": started,
            "state": self._state(),
            "lastState": {"terminated": self.previous.terminated()} if self.previous else {},
        }
        if run is not None:
            status["containerID"] = run.id
        return status

    def _state(self) -> JsonObject:
        if self.phase is Phase.RUNNING and self.current is not None:
            return {"running": {"startedAt": stamp(self.current.started)}}
        if self.phase is Phase.ENDED and self.current is not None:
            return {"terminated": self.current.terminated()}
        reason, message = self.blocked
        return {"waiting": {"reason": reason} | ({"message": message} if message else {})}


Lookup = Mapping[tuple[str, str], Mapping[str, str]]


def environment(container: JsonObject, lookup: Lookup) -> dict[str, str]:
    """The environment of a container. Raises KeyError with the missing object in words.

    `lookup` holds config maps and secrets by kind (configmap, secret) and name.
    """
    values: dict[str, str] = {}
    for source in container.get("envFrom") or ():
        for kind in _KINDS:
            if f"{_FIELDS[kind]}Ref" in source:
                values |= _held(lookup, kind, source[f"{_FIELDS[kind]}Ref"])
    for entry in container.get("env") or ():
        value = _value(entry, lookup)
        if value is not None:
            values[entry["name"]] = value
    return values


def _value(entry: JsonObject, lookup: Lookup) -> str | None:
    given = entry.get("valueFrom") or {}
    for kind, shown in _KINDS.items():
        reference = given.get(f"{_FIELDS[kind]}KeyRef")
        if reference is None:
            continue
        held = _held(lookup, kind, reference)
        if reference["key"] in held:
            return held[reference["key"]]
        if not reference.get("optional"):
            raise KeyError(f"couldn't find key {reference['key']} in {shown} {reference['name']}")
    return entry.get("value")


_FIELDS = {"configmap": "configMap", "secret": "secret"}
_KINDS = {"configmap": "ConfigMap", "secret": "Secret"}


def _held(lookup: Mapping[tuple[str, str], Mapping[str, str]], kind: str, reference: JsonObject) -> Mapping[str, str]:
    found = lookup.get((kind, reference["name"]))
    if found is None and not reference.get("optional"):
        raise KeyError(f'{kind} "{reference["name"]}" not found')
    return found or {}


def _digest(image: str) -> str:
    return hashlib.sha256(image.encode()).hexdigest()
