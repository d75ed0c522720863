"""Label and field selectors.

Grammar of label selectors: k8s.io/apimachinery/pkg/labels (`a=b`, `a==b`, `a!=b`, `a in (x,y)`, `a notin (x)`, `a`, `!a`).
"""

import re
from collections.abc import Callable, Mapping
from typing import Any

from .errors import JsonObject, bad_request

_KEY = r"[A-Za-z0-9][A-Za-z0-9._/-]*"
_SET = re.compile(rf"(?P<key>{_KEY})\s+(?P<operator>in|notin)\s+\((?P<values>[^)]*)\)")
_EQUAL = re.compile(rf"(?P<key>{_KEY})\s*(?P<operator>==|=|!=)\s*(?P<value>[A-Za-z0-9._-]*)")
_EXISTS = re.compile(rf"(?P<not>!?)\s*(?P<key>{_KEY})")
Matches = Callable[[JsonObject], bool]
_Labels = Mapping[str, str]

# Fields that a list can be filtered by, per kind; `metadata.name` and `metadata.namespace` go for all of them.
_FIELDS: dict[str, tuple[str, ...]] = {
    "Pod": ("spec.nodeName", "spec.restartPolicy", "status.phase", "status.podIP"),
    "Event": (
        *(f"involvedObject.{part}" for part in ("kind", "name", "namespace", "uid", "apiVersion", "fieldPath")),
        *("reason", "type", "source", "reportingComponent"),
    ),
    "ReplicaSet": ("status.replicas",),
    "Node": ("spec.unschedulable",),
    "Namespace": ("status.phase",),
    "Secret": ("type",),
}


def parse_label_selector(text: str) -> Callable[[_Labels], bool]:
    """A predicate over labels. Raises ApiError (400)."""
    terms = [_label_term(part.strip()) for part in _split(text) if part.strip()]
    return lambda labels: all(term(labels) for term in terms)


def _split(text: str) -> list[str]:
    """At commas that are not inside parentheses."""
    return re.split(r",(?![^(]*\))", text)


def _label_term(text: str) -> Callable[[_Labels], bool]:
    if found := _SET.fullmatch(text):
        key, values = found["key"], {value.strip() for value in found["values"].split(",")}
        if found["operator"] == "in":
            return lambda labels: labels.get(key) in values
        return lambda labels: labels.get(key) not in values
    if found := _EQUAL.fullmatch(text):
        key, value = found["key"], found["value"]
        if found["operator"] == "!=":
            return lambda labels: labels.get(key) != value
        return lambda labels: labels.get(key) == value
    if found := _EXISTS.fullmatch(text):
        key, wanted = found["key"], not found["not"]
        return lambda labels: (key in labels) is wanted
    raise bad_request(f"unable to parse requirement: found {text!r}, expected: a label selector such as app=shop")


def parse_field_selector(text: str, kind: str) -> Matches:
    """A predicate over objects. Raises ApiError (400) for a field that this kind cannot be filtered by."""
    terms = [_field_term(part.strip(), kind) for part in text.split(",") if part.strip()]
    return lambda obj: all(term(obj) for term in terms)


def _field_term(text: str, kind: str) -> Matches:
    found = re.fullmatch(r"(?P<path>[A-Za-z.]+)(?P<operator>==|=|!=)(?P<value>.*)", text)
    if not found:
        raise bad_request(f"invalid selector: '{text}'; can't understand '{text}'")
    path, value = found["path"], found["value"]
    if path not in ("metadata.name", "metadata.namespace", *_FIELDS.get(kind, ())):
        raise bad_request(f"field label not supported: {path}")
    equal = found["operator"] != "!="
    return lambda obj: (_field(obj, path) == value) is equal


def _field(obj: JsonObject, path: str) -> str:
    value: Any = obj
    for part in path.split("."):
        value = value.get(part) if isinstance(value, dict) else None
    return "" if value is None else str(value)


def matches_selector(selector: JsonObject | None, labels: _Labels) -> bool:
    """A LabelSelector object (matchLabels, matchExpressions) against labels; an absent one matches nothing."""
    if selector is None:
        return False
    if any(labels.get(key) != value for key, value in (selector.get("matchLabels") or {}).items()):
        return False
    return all(_expression(one, labels) for one in selector.get("matchExpressions") or ())


def _expression(expression: JsonObject, labels: _Labels) -> bool:
    key, values = expression["key"], expression.get("values") or []
    checks = {
        "In": labels.get(key) in values,
        "NotIn": labels.get(key) not in values,
        "Exists": key in labels,
        "DoesNotExist": key not in labels,
    }
    return checks.get(expression["operator"], False)


def render_selector(selector: JsonObject | None) -> str:
    """A LabelSelector as `kubectl` and the Scale object write it: a=b,c=d."""
    return ",".join(f"{key}={value}" for key, value in sorted(((selector or {}).get("matchLabels") or {}).items()))
