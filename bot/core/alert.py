"""Alerts as senders describe them, and the deliveries they arrive in."""

import enum
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime


class AlertStatus(enum.StrEnum):
    """Alertmanager's two words."""

    FIRING = "firing"
    RESOLVED = "resolved"


class Severity(enum.StrEnum):
    """From worst to least; senders' words are mapped onto these."""

    CRITICAL = "critical"
    ERROR = "error"
    WARNING = "warning"
    INFO = "info"
    UNKNOWN = "unknown"


_SEVERITY_WORDS = {
    "critical": Severity.CRITICAL,
    "crit": Severity.CRITICAL,
    "fatal": Severity.CRITICAL,
    "emergency": Severity.CRITICAL,
    "page": Severity.CRITICAL,
    "p1": Severity.CRITICAL,
    "sev1": Severity.CRITICAL,
    "s1": Severity.CRITICAL,
    "sev0": Severity.CRITICAL,
    "p0": Severity.CRITICAL,
    "disaster": Severity.CRITICAL,
    "blocker": Severity.CRITICAL,
    "highest": Severity.CRITICAL,
    "immediate": Severity.CRITICAL,
    "emerg": Severity.CRITICAL,
    "panic": Severity.CRITICAL,
    "danger": Severity.CRITICAL,
    "error": Severity.ERROR,
    "high": Severity.ERROR,
    "major": Severity.ERROR,
    "p2": Severity.ERROR,
    "sev2": Severity.ERROR,
    "s2": Severity.ERROR,
    "urgent": Severity.ERROR,
    "err": Severity.ERROR,
    "severe": Severity.ERROR,
    "serious": Severity.ERROR,
    "warning": Severity.WARNING,
    "warn": Severity.WARNING,
    "medium": Severity.WARNING,
    "minor": Severity.WARNING,
    "ticket": Severity.WARNING,
    "p3": Severity.WARNING,
    "sev3": Severity.WARNING,
    "s3": Severity.WARNING,
    "moderate": Severity.WARNING,
    "average": Severity.WARNING,
    "trouble": Severity.WARNING,
    "degraded": Severity.WARNING,
    "unusual": Severity.WARNING,
    "info": Severity.INFO,
    "informational": Severity.INFO,
    "information": Severity.INFO,
    "lowest": Severity.INFO,
    "trivial": Severity.INFO,
    "verbose": Severity.INFO,
    "low": Severity.INFO,
    "p4": Severity.INFO,
    "p5": Severity.INFO,
    "sev4": Severity.INFO,
    "s4": Severity.INFO,
    "notice": Severity.INFO,
    "debug": Severity.INFO,
    "ok": Severity.INFO,
    "success": Severity.INFO,
    "good": Severity.INFO,
    "none": Severity.INFO,
}

_SEVERITY_ORDER = (Severity.CRITICAL, Severity.ERROR, Severity.WARNING, Severity.INFO, Severity.UNKNOWN)

# Labels that name the monitored thing, most specific meaning first. `job` is how Prometheus names a scrape target.
_SERVICE_LABELS = ("service", "service_name", "app", "app_kubernetes_io_name", "component", "deployment", "job")
_ENVIRONMENT_LABELS = ("environment", "env", "stage", "cluster")


def parse_severity(word: str) -> Severity:
    """Map a sender's severity word onto ours; words nobody knows become UNKNOWN."""
    return _SEVERITY_WORDS.get(word.strip().lower(), Severity.UNKNOWN)


def worst(severities: list[Severity]) -> Severity:
    """The highest severity of a list; UNKNOWN for an empty one."""
    return min(severities, key=_SEVERITY_ORDER.index, default=Severity.UNKNOWN)


def service_of(labels: Mapping[str, str]) -> str:
    """The monitored service that labels speak of; an empty string when none does."""
    return next((labels[name] for name in _SERVICE_LABELS if labels.get(name)), "")


def environment_of(labels: Mapping[str, str]) -> str:
    """The environment that labels speak of; an empty string when none does."""
    return next((labels[name] for name in _ENVIRONMENT_LABELS if labels.get(name)), "")


@dataclass(frozen=True, slots=True, kw_only=True)
class Alert:
    """One firing signal. Identity is fingerprint and starts_at: the same signal firing again later is another alert."""

    fingerprint: str
    starts_at: datetime
    name: str
    status: AlertStatus
    severity: Severity
    service: str
    environment: str
    summary: str
    labels: Mapping[str, str]
    annotations: Mapping[str, str]
    ends_at: datetime | None = None
    generator_url: str = ""

    @property
    def key(self) -> tuple[str, datetime]:
        """What makes two deliveries the same alert."""
        return (self.fingerprint, self.starts_at)


class Source(enum.StrEnum):
    """The door an alert came in by."""

    ALERTMANAGER = "alertmanager"
    WEBHOOK = "webhook"
    """Any other sender's webhook."""
    SLACK = "slack"
    MANUAL = "manual"
    ANOMALY = "anomaly"
    """No sender: the bot's own sweep over golden signals."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Anchor:
    """A Slack message that a thread hangs under."""

    channel: str
    ts: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """One parsed message from a sender: a group of alerts and where it came from."""

    source: Source
    alerts: tuple[Alert, ...]
    group_key: str = ""
    receiver: str = ""
    truncated: int = 0
    external_url: str = ""
    anchor: Anchor | None = None
    requested_by: str = ""
    text: str = ""
    channel: str = ""
    """Where to post; empty means the configured channel."""
