"""What the Kubernetes tools answer."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel

from basecamp.results import UtcTime


class Condition(BaseModel):
    type: str
    status: str
    reason: str | None
    message: str | None
    since: UtcTime | None


class ContainerState(BaseModel):
    """One state of a container; exit code and signal only when it has terminated."""

    state: Literal["waiting", "running", "terminated"]
    reason: str | None = None
    message: str | None = None
    exit_code: int | None = None
    signal: int | None = None
    started_at: UtcTime | None = None
    finished_at: UtcTime | None = None


class Container(BaseModel):
    """A container of a pod; `env` holds names only."""

    name: str
    image: str
    init: bool
    ready: bool
    started: bool | None
    restarts: int
    env: list[str]
    limits: dict[str, str]
    requests: dict[str, str]
    state: ContainerState | None
    last_state: ContainerState | None


class ClusterEvent(BaseModel):
    """Something that happened `count` times to an object, the last time at `at`."""

    at: UtcTime
    first_at: UtcTime
    type: str
    reason: str
    object: str
    message: str
    count: int
    source: str


class Pod(BaseModel):
    name: str
    uid: str
    phase: str
    ready: bool
    reason: str | None
    node: str | None
    owner: str | None
    revision: int | None
    created_at: UtcTime
    age_seconds: int
    restarts: int
    labels: dict[str, str]
    conditions: list[Condition]
    containers: list[Container]
    events: list[ClusterEvent]


class Workload(BaseModel):
    """A deployment; `rolled_out` when only the newest revision serves, with all its replicas available."""

    kind: Literal["Deployment"] = "Deployment"
    name: str
    uid: str
    resource_version: str
    revision: int | None
    generation: int
    observed_generation: int
    replicas: int
    updated: int
    ready: int
    available: int
    unavailable: int
    paused: bool
    rolled_out: bool
    images: dict[str, str]
    change_cause: str | None
    conditions: list[Condition]


class PodDescriptions(BaseModel):
    service: str
    namespace: str
    at: UtcTime
    workload: Workload | None
    crashing: list[str]
    restarts: int
    pods: list[Pod]
    truncated: bool


class ClusterEvents(BaseModel):
    service: str
    namespace: str
    events: list[ClusterEvent]
    truncated: bool


class PodLogLine(BaseModel):
    at: UtcTime | None
    text: str


class PodLogs(BaseModel):
    """Lines of one run of one container, oldest first; `previous` says which run was really read."""

    service: str
    pod: str
    uid: str
    container: str
    previous: bool
    lines: list[PodLogLine]
    truncated: bool
    note: str | None


class TemplateChange(BaseModel):
    """What one revision has otherwise than the one before; values that look secret are masked."""

    container: str
    field: Literal["image", "env", "limits", "requests", "command", "args", "other"]
    name: str
    before: str | None
    after: str | None


class Revision(BaseModel):
    revision: int
    current: bool
    replica_set: str
    replica_set_uid: str
    replicas: int
    ready: int
    images: dict[str, str]
    change_cause: str | None
    created_at: UtcTime
    age_seconds: int
    changes: list[TemplateChange]


class RolloutHistory(BaseModel):
    """Revisions of a deployment, newest first."""

    service: str
    namespace: str
    deployment: str
    uid: str
    resource_version: str
    current_revision: int
    previous_revision: int | None
    revisions: list[Revision]
