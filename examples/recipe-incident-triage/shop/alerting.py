"""Alert rules: the file Prometheus reads, and the state each alert goes through."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from difflib import get_close_matches
from enum import StrEnum
from pathlib import Path
from typing import Any, cast

import yaml

from .evaluation import Evaluator
from .promql import BadQueryError, Expression, parse_duration, parse_expression
from .samples import NAME, Labels

_RULE_KEYS = ("alert", "expr", "for", "labels", "annotations")
_GROUP_KEYS = ("name", "interval", "rules")
_TEMPLATE = re.compile(r"\{\{\s*(?P<what>[^}]*?)\s*\}\}")
_LABEL = re.compile(r"\$labels\.(\w+)")
_VALUE = re.compile(r"\$value(?:\s*\|\s*(humanize|humanizePercentage))?")


class RulesError(Exception):
    """The rules file cannot be used."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertRule:
    name: str
    text: str
    expression: Expression
    hold_seconds: float
    labels: Mapping[str, str]
    annotations: Mapping[str, str]


class AlertState(StrEnum):
    PENDING = "pending"
    FIRING = "firing"
    RESOLVED = "resolved"


@dataclass(frozen=True, slots=True, kw_only=True)
class Alert:
    """One alert; times are epoch seconds. `fired_at` and `resolved_at` are 0 until they happen."""

    rule: AlertRule
    labels: Labels
    annotations: Mapping[str, str]
    value: float
    active_at: float
    state: AlertState = AlertState.PENDING
    fired_at: float = 0.0
    resolved_at: float = 0.0

    @property
    def fingerprint(self) -> str:
        return fingerprint(self.labels)


def fingerprint(labels: Labels) -> str:
    """FNV-1a (64 bit) over sorted name, 0xff, value, 0xff: what Alertmanager prints as an alert's fingerprint.

    Source: `LabelSet.Fingerprint` in github.com/prometheus/common/model.
    """
    total = 0xCBF29CE484222325
    for name, value in sorted(labels):
        for byte in name.encode() + b"\xff" + value.encode() + b"\xff":
            total = ((total ^ byte) * 0x100000001B3) & 0xFFFFFFFFFFFFFFFF
    return f"{total:016x}"


def load_rules(path: Path) -> list[AlertRule]:
    """Read the alert rules of a Prometheus rules file. Raises `RulesError` that names file, group, rule and fault."""
    try:
        content: Any = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, yaml.YAMLError) as error:
        raise RulesError(f"cannot read rules from {path}: {error}") from error
    rules: list[AlertRule] = []
    for group in _children(_mapping(content, str(path), ("groups",)), "groups", str(path)):
        group_name = str(_mapping(group, f"{path}: a group", _GROUP_KEYS).get("name"))
        where = f"{path}: group {group_name!r}"
        rules.extend(_rule(entry, where) for entry in _children(cast("dict[str, Any]", group), "rules", where))
    return rules


def _rule(entry: object, where: str) -> AlertRule:
    fields = _mapping(entry, f"{where}: a rule", _RULE_KEYS)
    name, text = str(fields.get("alert", "")), str(fields.get("expr", ""))
    where = f"{where}: alert {name!r}"
    if not name or not text:
        raise RulesError(f"{where} needs both `alert` and `expr`")
    labels = _texts(fields.get("labels"), where)
    annotations = _texts(fields.get("annotations"), where)
    try:
        expression = parse_expression(text)
        hold_seconds = parse_duration(str(fields.get("for", "0s")))
        for template in (*labels.values(), *annotations.values()):
            _render(template, {}, 0.0)
    except BadQueryError as error:
        raise RulesError(f"{where}: {error}") from error
    return AlertRule(
        name=name,
        text=text.strip(),
        expression=expression,
        hold_seconds=hold_seconds,
        labels=labels,
        annotations=annotations,
    )


def _mapping(value: object, where: str, allowed: Sequence[str]) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise RulesError(f"{where} must be a mapping with {', '.join(allowed)}")
    fields = cast("dict[str, Any]", value)
    for key in fields:
        if key not in allowed:
            near = get_close_matches(str(key), allowed, n=1)
            hint = f"; did you mean {near[0]!r}?" if near else f"; known are {', '.join(allowed)}"
            raise RulesError(f"{where}: unknown key {key!r}{hint}")
    return fields


def _children(fields: Mapping[str, Any], key: str, where: str) -> list[object]:
    value = fields.get(key)
    if not isinstance(value, list):
        raise RulesError(f"{where}: `{key}` must be a list")
    return cast("list[object]", value)


def _texts(value: object, where: str) -> dict[str, str]:
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise RulesError(f"{where}: labels and annotations must be mappings")
    return {str(key): str(text) for key, text in cast("dict[object, object]", value).items()}


def _render(template: str, labels: Mapping[str, str], value: float) -> str:
    def replaced(found: re.Match[str]) -> str:
        if label := _LABEL.fullmatch(found["what"]):
            return labels.get(label[1], "")
        if number := _VALUE.fullmatch(found["what"]):
            return f"{value * 100:.4g}%" if number[1] == "humanizePercentage" else f"{value:.4g}"
        raise BadQueryError(f"template {found[0]!r} is not supported; use $labels.<name>, $value or a humanize of it")

    return _TEMPLATE.sub(replaced, template)


class AlertBook:
    """The alerts of all rules. An alert waits for its rule's `for`, fires, and resolves when the expression is empty."""

    def __init__(self, rules: Sequence[AlertRule]) -> None:
        self._rules = rules
        self._active: dict[Labels, Alert] = {}

    def evaluate(self, evaluator: Evaluator, at: float) -> list[Alert]:
        """Evaluate every rule at epoch second `at`; gives the alerts that are firing or have just resolved.

        Raises `BadQueryError` when an expression cannot be evaluated over what is there.
        """
        present: dict[Labels, Alert] = {}
        for rule in self._rules:
            for labels, value in evaluator.vector(rule.expression, at).items():
                alert = self._seen(rule, dict(labels), value, at)
                present[alert.labels] = alert
        resolved = [
            replace(alert, state=AlertState.RESOLVED, resolved_at=at)
            for labels, alert in self._active.items()
            if labels not in present and alert.state is AlertState.FIRING
        ]
        self._active = present
        return [alert for alert in present.values() if alert.state is AlertState.FIRING] + resolved

    def _seen(self, rule: AlertRule, labels: dict[str, str], value: float, at: float) -> Alert:
        labels.pop(NAME, None)
        own = {name: _render(text, labels, value) for name, text in rule.labels.items()}
        identity: Labels = tuple(sorted({**labels, **own, "alertname": rule.name}.items()))
        before = self._active.get(identity)
        alert = Alert(
            rule=rule,
            labels=identity,
            annotations={name: _render(text, labels, value) for name, text in rule.annotations.items()},
            value=value,
            active_at=before.active_at if before else at,
        )
        if before is not None and before.state is AlertState.FIRING:
            return replace(alert, state=AlertState.FIRING, fired_at=before.fired_at)
        if at - alert.active_at >= rule.hold_seconds:
            return replace(alert, state=AlertState.FIRING, fired_at=at)
        return alert
