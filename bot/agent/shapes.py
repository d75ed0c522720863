"""Tool results of the basecamp contract, turned into core values. An unexpected shape is a ShapeError, never a crash."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Annotated, Literal, TypeVar

from pydantic import AwareDatetime, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from bot.core.errors import ToolError
from bot.core.loglines import LogRecord
from bot.core.metrics import Series
from bot.core.redaction import redact
from bot.core.service import Change, ChangeKind, Service
from bot.core.text import clean

_Model = TypeVar("_Model", bound=BaseModel)


class ShapeError(ToolError):
    """A tool answered in another shape than its contract says."""


def _text(value: object) -> object:
    # Here, before anything is masked or clipped: half a secret would not be known as one.
    return "" if value is None else redact(clean(value)) if isinstance(value, str) else value


Text = Annotated[str, BeforeValidator(_text)]


class _Lenient(BaseModel):
    """Servers may add fields; those that are read must fit."""

    model_config = ConfigDict(extra="ignore", frozen=True)


class _ChangeRow(_Lenient):
    id: Text
    kind: Literal["deploy", "config", "flag", "commit", "scale", "migration"]
    at: AwareDatetime
    author: Text = ""
    title: Text = ""
    detail: Text = ""
    version: Text = ""


class _ServiceRow(_Lenient):
    name: Text
    owner: Text = ""
    tier: Text = ""
    depends_on: list[Text] = Field(default_factory=list[str])
    version: Text = ""
    changes: list[_ChangeRow] = Field(default_factory=list[_ChangeRow])


class _Services(_Lenient):
    services: list[_ServiceRow]


class _SeriesRow(_Lenient):
    name: Text
    kind: Text = "other"
    unit: Text = ""
    labels: dict[str, Text] = Field(default_factory=dict[str, str])
    points: list[tuple[float, float | None]]


class _SeriesList(_Lenient):
    series: list[_SeriesRow]
    truncated: bool = False


class _LineRow(_Lenient):
    at: AwareDatetime
    level: Text = ""
    service: Text = ""
    text: Text


class _Lines(_Lenient):
    lines: list[_LineRow]
    truncated: bool = False


class StateCount(_Lenient):
    state: Text
    count: int


class ApplicationCount(_Lenient):
    application_name: Text = ""
    user: Text = ""
    state: Text = ""
    count: int
    oldest_idle_seconds: float | None = None
    sample_query: Text = ""


class Activity(_Lenient):
    """What pg_activity answers."""

    max_connections: int
    reserved: int = 0
    used: int
    by_state: list[StateCount] = Field(default_factory=list[StateCount])
    by_application: list[ApplicationCount] = Field(default_factory=list[ApplicationCount])


class Setting(_Lenient):
    name: Text
    value: Text
    unit: Text = ""
    source: Text = ""


class Settings(_Lenient):
    """What pg_settings answers."""

    settings: list[Setting]


class Edge(_Lenient):
    caller: Text
    callee: Text
    calls: float
    errors: float = 0
    p95_ms: float | None = None


class Traces(_Lenient):
    """What read_traces answers."""

    edges: list[Edge]


class RedisInfo(_Lenient):
    """What redis_info answers, in bytes; `used_ratio` is null without a limit."""

    version: Text = ""
    used_memory_bytes: int
    maxmemory_bytes: int = 0
    used_ratio: float | None = None
    maxmemory_policy: Text = ""
    fragmentation_ratio: float = 0.0
    evicted_keys: int = 0
    expired_keys: int = 0
    oom_errors: int = 0
    keyspace_hits: int = 0
    keyspace_misses: int = 0
    connected_clients: int = 0
    blocked_clients: int = 0


class RedisKey(_Lenient):
    key: Text
    bytes: int
    idle_seconds: int | None = None
    ttl_seconds: int | None = None


class RedisGroup(_Lenient):
    prefix: Text
    keys: int
    bytes: int
    share: float
    without_ttl: int = 0
    share_without_ttl: float = 0.0


class RedisMemory(_Lenient):
    """What redis_memory answers."""

    keys: list[RedisKey] = Field(default_factory=list[RedisKey])
    groups: list[RedisGroup] = Field(default_factory=list[RedisGroup])


class ContainerEnd(_Lenient):
    reason: Text = ""
    exit_code: int | None = None


class ContainerSeen(_Lenient):
    last_state: ContainerEnd | None = None


class PodEvent(_Lenient):
    reason: Text = ""
    message: Text = ""
    count: int = 1


class PodSeen(_Lenient):
    name: Text
    phase: Text = ""
    ready: bool = False
    restarts: int = 0
    containers: list[ContainerSeen] = Field(default_factory=list[ContainerSeen])
    events: list[PodEvent] = Field(default_factory=list[PodEvent])


class WorkloadSeen(_Lenient):
    replicas: int
    available: int


class Pods(_Lenient):
    """What k8s_describe_pod answers."""

    workload: WorkloadSeen | None = None
    crashing: list[Text] = Field(default_factory=list[str])
    pods: list[PodSeen] = Field(default_factory=list[PodSeen])


class PodLogLine(_Lenient):
    text: Text = ""


class PodLogs(_Lenient):
    """What k8s_pod_logs answers."""

    pod: Text
    previous: bool = False
    lines: list[PodLogLine] = Field(default_factory=list[PodLogLine])


class TemplateChange(_Lenient):
    field: Text
    name: Text = ""
    before: Text = ""
    after: Text = ""


class RevisionSeen(_Lenient):
    revision: int
    current: bool = False
    change_cause: Text = ""
    age_seconds: float = 0.0
    changes: list[TemplateChange] = Field(default_factory=list[TemplateChange])


class Rollout(_Lenient):
    """What k8s_rollout_history answers."""

    current_revision: int
    previous_revision: int | None = None
    revisions: list[RevisionSeen] = Field(default_factory=list[RevisionSeen])


def services(structured: Mapping[str, object]) -> list[Service]:
    """What list_services answered."""
    return [
        Service(
            name=row.name,
            owner=row.owner,
            tier=row.tier,
            depends_on=tuple(row.depends_on),
            version=row.version,
            changes=tuple(_change(row.name, change) for change in row.changes),
        )
        for row in _read(_Services, structured, "list_services").services
    ]


def _change(service: str, row: _ChangeRow) -> Change:
    return Change(
        id=row.id,
        service=service,
        kind=ChangeKind(row.kind),
        at=row.at.astimezone(UTC),
        author=row.author,
        title=row.title,
        detail=row.detail,
        version=row.version,
    )


def series(structured: Mapping[str, object], service: str, *, tool: str = "read_metrics") -> list[Series]:
    """What read_metrics or query_prometheus answered; points without a value are left out."""
    return [
        Series(
            service=service,
            name=row.name,
            kind=row.kind,
            unit=row.unit,
            labels=row.labels,
            points=[(time, value) for time, value in row.points if value is not None],
        )
        for row in _read(_SeriesList, structured, tool).series
    ]


def records(structured: Mapping[str, object], service: str) -> list[LogRecord]:
    """What read_logs answered, oldest first."""
    rows = _read(_Lines, structured, "read_logs").lines
    found = [
        LogRecord(at=row.at.astimezone(UTC), level=row.level, service=row.service or service, text=row.text)
        for row in rows
    ]
    return sorted(found, key=_when)


def _when(record: LogRecord) -> datetime:
    return record.at


def activity(structured: Mapping[str, object]) -> Activity:
    """What pg_activity answered."""
    return _read(Activity, structured, "pg_activity")


def settings(structured: Mapping[str, object]) -> Settings:
    """What pg_settings answered."""
    return _read(Settings, structured, "pg_settings")


def traces(structured: Mapping[str, object]) -> Traces:
    """What read_traces answered."""
    return _read(Traces, structured, "read_traces")


def redis_info(structured: Mapping[str, object]) -> RedisInfo:
    """What redis_info answered."""
    return _read(RedisInfo, structured, "redis_info")


def redis_memory(structured: Mapping[str, object]) -> RedisMemory:
    """What redis_memory answered."""
    return _read(RedisMemory, structured, "redis_memory")


def pods(structured: Mapping[str, object]) -> Pods:
    """What k8s_describe_pod answered."""
    return _read(Pods, structured, "k8s_describe_pod")


def pod_logs(structured: Mapping[str, object]) -> PodLogs:
    """What k8s_pod_logs answered."""
    return _read(PodLogs, structured, "k8s_pod_logs")


def rollout(structured: Mapping[str, object]) -> Rollout:
    """What k8s_rollout_history answered."""
    return _read(Rollout, structured, "k8s_rollout_history")


def _read(shape: type[_Model], structured: Mapping[str, object], tool: str) -> _Model:
    try:
        return shape.model_validate(structured)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(str(part) for part in first["loc"]) or "result"
        raise ShapeError(f"{tool} answered in an unexpected shape: {where}: {first['msg']}") from error
