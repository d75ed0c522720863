"""What the tools answer: the shapes of the basecamp-mcp contract."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, AwareDatetime, BaseModel

ChangeKind = Literal["deploy", "config", "flag", "commit", "scale", "migration"]
# A database answers in the zone of its session; what leaves here is UTC.
UtcTime = Annotated[AwareDatetime, AfterValidator(lambda at: datetime.astimezone(at, UTC))]
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


class PgSetting(BaseModel):
    name: str
    value: str
    unit: str | None
    source: str


class PgSettings(BaseModel):
    settings: list[PgSetting]
