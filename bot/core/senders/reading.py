"""What all families share: walking untrusted JSON, the words for states, and making an alert of what was read."""

import hashlib
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import cast

from bot.core.alert import Alert, AlertStatus, Severity, environment_of, parse_severity
from bot.core.redaction import redact
from bot.core.text import clean, clip, one_line
from bot.core.words import folded

Json = Mapping[str, object]

_DEEPEST = 6
_MOST_OBJECTS = 400
_WORD = re.compile(r"[A-Za-z]+")
_CAMEL = re.compile(r"(?<=[a-z])(?=[A-Z])")
_NEVER = datetime(1971, 1, 1, tzinfo=UTC)
_FAR = datetime(2200, 1, 1, tzinfo=UTC)
# Words of documented states; a text that has one of both kinds ("alert recovered") tells of the end.
_ENDED = frozenset(
    [
        "ok",
        "okay",
        "up",
        "closed",
        "close",
        "clear",
        "cleared",
        "resolve",
        "resolved",
        "recovered",
        "recovery",
        "recover",
        "normal",
        "inactive",
        "success",
        "succeeded",
        "successful",
        "passed",
        "healthy",
        "green",
        "good",
        "archived",
        "completed",
    ]
)
_BEGUN = frozenset(
    [
        "firing",
        "alert",
        "alerting",
        "alarm",
        "open",
        "opened",
        "trigger",
        "triggered",
        "problem",
        "down",
        "critical",
        "error",
        "failed",
        "failure",
        "failing",
        "fatal",
        "active",
        "active",
        "created",
        "warning",
        "warn",
        "outage",
        "unhealthy",
        "red",
        "danger",
        "started",
        "new",
        "reopen",
        "reopened",
        "unresolved",
        "anomalous",
        "nodata",
        "bad",
        "severe",
        "escalated",
        "acknowledged",
        "threats",
        "timed",
        "unknown",
        "pending",
        "regression",
    ]
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """What a payload says of one alert, as far as it says it."""

    name: str
    status: AlertStatus = AlertStatus.FIRING
    severity: Severity = Severity.UNKNOWN
    service: str = ""
    summary: str = ""
    description: str = ""
    labels: Mapping[str, str] = field(default_factory=dict[str, str])
    started: datetime | None = None
    ended: datetime | None = None
    identity: str = ""
    """The sender's own id of the problem, the same for its beginning and its end."""
    link: str = ""


def record(value: object) -> Json:
    """The value if it is a JSON object, else an empty one."""
    return cast("Json", value) if isinstance(value, dict) else {}


def records(value: object) -> list[Json]:
    """The JSON objects in a list; anything else is passed over."""
    return [cast("Json", item) for item in cast("list[object]", value) if isinstance(item, dict)] if isinstance(value, list) else []  # fmt: skip


def unwrapped(value: object) -> Json:
    """An object, also where it stands as JSON inside a text."""
    if isinstance(value, str) and value.lstrip()[:1] == "{":
        try:
            return record(json.loads(value))
        except (ValueError, RecursionError):
            return {}
    return record(value)


def objects(root: Json) -> Iterator[Json]:
    """The payload's objects, outer ones first; texts that hold JSON are opened."""
    level, seen = [root], 0
    for _ in range(_DEEPEST):
        following: list[Json] = []
        for one in level:
            seen += 1
            if seen > _MOST_OBJECTS:
                return
            yield one
            for value in one.values():
                following += records(value) or ([found] if (found := unwrapped(value)) else [])
        level = following


def text(value: object) -> str:
    """A scalar as one line; an object gives the name that it carries; anything else nothing."""
    if isinstance(value, bool) or value is None:
        return ""
    if isinstance(value, dict):
        one = cast("Json", value)
        return next(
            (found for key in ("name", "summary", "value", "label", "slug") if (found := text(one.get(key)))), ""
        )
    return one_line(clean(str(value)))[:2_000] if isinstance(value, str | int | float) else ""


def said(root: Json, *names: str, nested: bool = True) -> str:
    """The first of these keys that has a text, tried in their order, outer objects first; spelling of keys does not matter."""
    walked = list(objects(root)) if nested else [root]
    for name in names:
        wanted = folded(name)
        for one in walked:
            for key, value in one.items():
                if folded(str(key)) == wanted and (found := text(value)):
                    return found
    return ""


def status_of(*texts: str) -> AlertStatus | None:
    """The state that the first telling text speaks of; None when none does."""
    for each in texts:
        last = each.rpartition("->")[2]
        words = {word.lower() for word in _WORD.findall(_CAMEL.sub(" ", last))}
        if words & _ENDED and not words & {"not", "un"}:
            return AlertStatus.RESOLVED
        if words & _BEGUN or words & _ENDED:
            return AlertStatus.FIRING
    return None


def severity_of(*texts: str) -> Severity:
    """The first word or phrase that is known as a severity."""
    for each in texts:
        for word in (each, *_WORD_OR_GRADE.findall(each)):
            known = parse_severity(word)
            if known is not Severity.UNKNOWN:
                return known
    return Severity.UNKNOWN


_WORD_OR_GRADE = re.compile(r"[A-Za-z]+-?\d?")


def labels_of(*values: object) -> dict[str, str]:
    """Labels from an object, from a list of `key:value` texts, or from one text of them with commas between."""
    labels: dict[str, str] = {}
    for value in values:
        if isinstance(value, dict):
            pairs = [(str(key), text(one)) for key, one in cast("Json", value).items() if not isinstance(one, list)]
        else:
            parts = cast("list[object]", value) if isinstance(value, list) else str(value or "").split(",")
            pairs = [
                (key.strip(), one.strip()) for key, colon, one in (text(part).partition(":") for part in parts) if colon
            ]
        for key, one in pairs:
            if key and one and re.fullmatch(r"[\w./-]{1,80}", key):
                labels.setdefault(key, one)
    return labels


def moment(value: object) -> datetime | None:
    """ISO 8601 text, or seconds or milliseconds since 1970; None for anything else and for dates that stand for "never"."""
    given = str(value).strip() if isinstance(value, str | int | float) and not isinstance(value, bool) else ""
    try:
        if re.fullmatch(r"\d{9,13}(?:\.\d+)?", given):
            seconds = float(given)
            found = datetime.fromtimestamp(seconds / 1000 if seconds > 1e11 else seconds, UTC)
        else:
            found = datetime.fromisoformat(given)
    except (ValueError, OverflowError, OSError):
        return None
    found = found if found.tzinfo is not None else found.replace(tzinfo=UTC)
    return found.astimezone(UTC) if _NEVER < found < _FAR else None


def alert_of(one: Reading, now: datetime) -> Alert:
    """Cleaned, without secrets, within the limits of the store."""
    labels = {clean(key): _kept(value, 1_000) for key, value in one.labels.items()}
    said = {"summary": one.summary, "description": one.description}
    notes = {key: _kept(value, 4_000) for key, value in said.items() if value}
    known = one.identity or "\x00".join([one.name, one.service, *(f"{key}={labels[key]}" for key in sorted(labels))])
    return Alert(
        fingerprint=hashlib.sha256(known.encode()).hexdigest()[:16],
        starts_at=one.started or now,
        name=clip(_kept(one.name, 200), 200),
        status=one.status,
        severity=one.severity,
        service=_kept(one.service, 200),
        environment=environment_of(labels),
        summary=one_line(notes.get("summary") or notes.get("description", "")),
        labels=labels,
        annotations=notes,
        ends_at=(one.ended or now) if one.status is AlertStatus.RESOLVED else None,
        generator_url=clip(clean(one.link), 2_000),
    )


def first_of(items: Sequence[str]) -> str:
    """The first that is not empty."""
    return next((item for item in items if item), "")


def _kept(value: str, limit: int) -> str:
    # Clipped last: half a secret would not be known as one.
    return clip(redact(clean(value)), limit)
