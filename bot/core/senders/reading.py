"""What all families share: the parts of untrusted JSON, and making an alert of what was read."""

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import islice
from typing import cast

from bot.core.alert import Alert, AlertStatus, Severity, environment_of
from bot.core.redaction import redact
from bot.core.text import clean, clip, one_line

Json = Mapping[str, object]

_NEVER = datetime(1971, 1, 1, tzinfo=UTC)
_FAR = datetime(2200, 1, 1, tzinfo=UTC)
_LONGEST = 2_000
_MOST_LABELS = 500
_LARGEST_PAIR = 4
_JSON = re.compile(r"\s*(?:\{|\[\s*[\[{\"\]])")
_NAMED = ("name", "summary", "value", "label", "slug", "display_name", "displayName", "title")
# A template that the sender did not fill in says nothing: Nagios' $MACRO$, Zabbix' {MACRO} and *UNKNOWN*, ${...}, {{...}}.
_UNFILLED = re.compile(r"\$\w+\$|\{[A-Z][A-Z0-9_.]*\}|\*UNKNOWN\*|\$\{[^{}]*\}|\{\{[^{}]*\}\}|\$[A-Z_]{3,}")
_PAIR_KEYS = ("key", "name", "title", "label", "tag", "field")


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


def opened(value: object) -> object:
    """A text that holds JSON as what it holds; anything else as it is."""
    if not isinstance(value, str) or _JSON.match(value) is None:
        return value
    try:
        held = cast("object", json.loads(value))
    except (ValueError, RecursionError):
        return value
    return cast("object", held) if isinstance(held, dict | list) else value


def unwrapped(value: object) -> Json:
    """An object, also where it stands as JSON inside a text."""
    return record(opened(value))


def pair(one: Json) -> tuple[str, object] | None:
    """What an object stands for that only carries a key and its value: `{"name": "severity", "value": "high"}`."""
    if not 2 <= len(one) <= _LARGEST_PAIR or "value" not in one:
        return None
    key = next((key for name in _PAIR_KEYS if isinstance(key := one.get(name), str) and key), "")
    return (key[:100], one["value"]) if key else None


def text(value: object, *, depth: int = 2) -> str:
    """A scalar as one line; an object gives the name that it carries; anything else nothing."""
    if isinstance(value, bool) or value is None:
        return ""
    if isinstance(value, dict):
        one = cast("Json", value)
        return next((found for key in _NAMED if (found := text(one.get(key), depth=depth - 1))), "") if depth else ""
    if not isinstance(value, str | int | float):
        return ""
    # JSON may hold halves of characters, which nothing can store.
    whole = str(value)[: 4 * _LONGEST].encode("utf-8", "ignore").decode()
    said = one_line(clean(whole))[:_LONGEST]
    return "" if _UNFILLED.fullmatch(said) else said


def labels_of(*values: object) -> dict[str, str]:
    """Labels from an object, from a list of `key:value` texts, or from one text of them with commas between."""
    labels: dict[str, str] = {}
    for value in values:
        if isinstance(value, dict):
            held = islice(cast("Json", value).items(), _MOST_LABELS)
            pairs = [(str(key), text(one)) for key, one in held if not isinstance(one, list)]
        else:
            parts = cast("list[object]", value) if isinstance(value, list) else _commas(value)
            pairs = [_label(part) for part in parts[:_MOST_LABELS]]
        for key, one in pairs:
            if key and one and re.fullmatch(r"[\w./-]{1,80}", key):
                labels.setdefault(key, one)
    return labels


def _commas(value: object) -> list[object]:
    return [*str(value or "")[: 10 * _LONGEST].split(",")]


def _label(part: object) -> tuple[str, str]:
    named = pair(record(part))
    if named is not None:
        return named[0].strip(), text(named[1])
    key, colon, one = text(part).partition(":")
    return (key.strip(), one.strip()) if colon else ("", "")


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
