"""What the tools answer: the shapes of the basecamp-mcp contract."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, AwareDatetime, BaseModel

ChangeKind = Literal["deploy", "config", "flag", "commit", "scale", "migration"]
# A database answers in the zone of its session; what leaves here is UTC.
UtcTime = Annotated[AwareDatetime, AfterValidator(lambda at: datetime.astimezone(at, UTC))]
Outcome = Literal["changed", "unchanged", "gone", "refused", "failed"]
SeriesKind = Literal["latency", "errors", "traffic", "saturation", "other"]


class Change(BaseModel):
    """Something that people or machines did to a service."""

    id: str
    kind: ChangeKind
    at: UtcTime
    author: str | None
    title: str
    detail: str | None
    version: str | None


class Service(BaseModel):
    name: str
    owner: str | None
    tier: str | None
    depends_on: list[str]
    version: str | None
    changes: list[Change]


class Services(BaseModel):
    services: list[Service]


class LogLine(BaseModel):
    at: UtcTime
    level: str
    service: str
    text: str


class LogLines(BaseModel):
    lines: list[LogLine]
    truncated: bool


class Series(BaseModel):
    """Points are [epoch seconds, value], oldest first; values are finite."""

    name: str
    kind: SeriesKind
    unit: str
    labels: dict[str, str]
    points: list[tuple[float, float]]


class SeriesList(BaseModel):
    series: list[Series]
    truncated: bool = False
    note: str | None = None


class Table(BaseModel):
    columns: list[str]
    rows: list[list[Any]]
    truncated: bool


class Postmortem(BaseModel):
    id: str
    title: str
    date: str | None
    service: str | None
    cause: str
    fix: str
    url: str | None
    score: float


class Postmortems(BaseModel):
    results: list[Postmortem]


class StateCount(BaseModel):
    state: str
    count: int


class ApplicationCount(BaseModel):
    application_name: str
    user: str | None
    state: str
    count: int
    oldest_idle_seconds: float | None
    sample_query: str | None


class Session(BaseModel):
    pid: int
    application_name: str
    user: str | None
    state: str
    wait_event: str | None
    state_seconds: float | None
    transaction_seconds: float | None
    query: str | None


class PgActivity(BaseModel):
    max_connections: int
    reserved: int
    used: int
    by_state: list[StateCount]
    by_application: list[ApplicationCount]
    longest: list[Session]
    at: UtcTime


class PgSession(BaseModel):
    """One client session; process id and start together name it. `protected` says why it is never terminated."""

    pid: int
    started: UtcTime
    application_name: str
    user: str | None
    state: str
    idle_seconds: float | None
    idle_since: UtcTime | None
    client: str
    query: str | None
    protected: str | None


class PgSessions(BaseModel):
    sessions: list[PgSession]
    total: int
    truncated: bool
    at: UtcTime


class PgSetting(BaseModel):
    name: str
    value: str
    unit: str | None
    source: str


class PgSettings(BaseModel):
    settings: list[PgSetting]


class RedisKeyspace(BaseModel):
    db: int
    keys: int
    with_ttl: int
    average_ttl_seconds: float


class RedisPersistence(BaseModel):
    loading: bool
    last_save_at: UtcTime | None
    last_save_ok: bool
    changes_since_save: int
    aof_enabled: bool
    aof_write_ok: bool


class RedisInfo(BaseModel):
    """Amounts are bytes; `maxmemory_bytes` 0 means no limit; `oom_errors` are writes refused for lack of memory."""

    version: str
    role: str
    uptime_seconds: int
    used_memory_bytes: int
    used_memory_peak_bytes: int
    used_memory_dataset_bytes: int
    maxmemory_bytes: int
    used_ratio: float | None
    maxmemory_policy: str
    fragmentation_ratio: float
    evicted_keys: int
    expired_keys: int
    oom_errors: int
    keyspace_hits: int
    keyspace_misses: int
    hit_rate: float | None
    connected_clients: int
    blocked_clients: int
    max_clients: int | None
    rejected_connections: int
    commands_per_second: int
    connected_replicas: int
    total_keys: int
    keys_without_ttl: int
    keyspace: list[RedisKeyspace]
    persistence: RedisPersistence
    at: UtcTime


class RedisKey(BaseModel):
    """`ttl_seconds` is null for a key that never expires; `nameable` is false when the key is no UTF-8 text."""

    key: str
    type: str
    bytes: int
    idle_seconds: int | None
    ttl_seconds: int | None
    nameable: bool


class RedisGroup(BaseModel):
    """Keys with one prefix; `share` is of the bytes that were scanned."""

    prefix: str
    keys: int
    bytes: int
    share: float
    without_ttl: int
    share_without_ttl: float


class RedisMemory(BaseModel):
    total_keys: int
    scanned_keys: int
    complete: bool
    scanned_bytes: int
    keys: list[RedisKey]
    groups: list[RedisGroup]
    at: UtcTime


class Target(BaseModel):
    """One thing that a write would touch: `id` is stable and exact, `label` is for people."""

    id: str
    label: str
    detail: str = ""


class Preview(BaseModel):
    """What a write would do right now, on exactly which targets, and as whom."""

    tool: str
    summary: str
    targets: list[Target]
    reversible: bool
    runs_as: str
    risk: str = ""
    before: dict[str, str] = {}


class TargetOutcome(BaseModel):
    """What became of one target."""

    id: str
    label: str
    outcome: Outcome
    detail: str = ""


class WriteOutcome(BaseModel):
    """What a write did."""

    tool: str
    summary: str
    targets: list[TargetOutcome]
    before: dict[str, str] = {}
    after: dict[str, str] = {}
