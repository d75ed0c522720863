"""
What a payload itself says about severity and service, read by rules of its own, so that the bot's reading can be held against it.

Only words that leave no doubt count: a severity on one of the usual scales, and a service under a key that means nothing else.
Where a payload says two different things, or a bare number whose scale depends on the sender, nothing is known.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, cast

from bot.core.alert import Severity

# Keys in the order in which they are believed.
SEVERITY_KEYS = ("severity", "priority", "level", "urgency")
SERVICE_KEYS = ("service", "service_name", "app", "component", "deployment", "job")
_SCALES = {
    Severity.CRITICAL: ("critical", "crit", "fatal", "p0", "p1", "sev0", "sev1"),
    Severity.ERROR: ("error", "high", "major", "p2", "sev2"),
    Severity.WARNING: ("warning", "warn", "medium", "moderate", "p3", "sev3"),
    Severity.INFO: ("info", "informational", "low", "debug", "notice", "p4", "p5", "sev4"),
}
_SEVERITIES = {word: severity for severity, words in _SCALES.items() for word in words}
# What a sender looked up and sent along is about other things than the alert.
_BESIDE = frozenset({"evidence", "_meta", "commonlabels", "grouplabels", "commonannotations"})
_EMPTY = frozenset({"", "null", "none", "n/a", "unknown", "[]", "{}"})

Json = Mapping[str, Any]


def parts(payload: Json, alerts: int) -> Sequence[Json]:
    """What each alert was read from: its labels with the group's in Alertmanager's form, else the whole payload for all."""
    group = _group(payload)
    if group is not None and len(group["alerts"]) == alerts:
        common: Json = group.get("commonLabels") or {}
        return [{**common, **one["labels"]} for one in group["alerts"]]
    return [payload] * alerts


def severity_of(part: Json) -> Severity | None:
    """The severity that the part names in plain words; None when it names none, or several."""
    for key in SEVERITY_KEYS:
        words = _values(part, key)
        if key == "priority":
            # Datadog and Opsgenie: "P1 is highest, P5 lowest"; as a number it is the same scale.
            words = {f"p{word}" if word in "12345" else word for word in words}
        named = {_SEVERITIES.get(word.lower()) for word in words}
        if named:
            return named.pop() if len(named) == 1 else None
    return None


def service_of(part: Json) -> str | None:
    """The service that the part names; None when it names none, or several under the same key."""
    for key in SERVICE_KEYS:
        words = _values(part, key)
        if words:
            return words.pop() if len(words) == 1 else None
    return None


def _group(value: Any) -> Json | None:
    """The Alertmanager-like object in a payload, at any depth."""
    if not isinstance(value, dict):
        return None
    held = cast("dict[str, Any]", value)
    alerts = held.get("alerts")
    if isinstance(alerts, list) and all(_has_labels(one) for one in cast("list[Any]", alerts)):
        return held
    return next((found for one in held.values() if (found := _group(one)) is not None), None)


def _has_labels(alert: Any) -> bool:
    return isinstance(alert, dict) and isinstance(cast("Json", alert).get("labels"), dict)


def _values(part: Json, key: str) -> set[str]:
    return {word for word in _found(part, key) if word.lower() not in _EMPTY}


def _found(value: Any, key: str) -> Iterator[str]:
    if isinstance(value, list):
        for one in cast("list[Any]", value):
            yield from _found(one, key)
    if not isinstance(value, dict):
        return
    for name, one in cast("dict[str, Any]", value).items():
        if name.lower() in _BESIDE:
            continue
        if name.lower() == key and not isinstance(one, list):
            # An object stands for itself by its name, as PagerDuty's references do by `summary`.
            named = cast("Json", one).get("summary") or cast("Json", one).get("name") if isinstance(one, dict) else one
            yield str(named).strip()
        else:
            yield from _found(one, key)
