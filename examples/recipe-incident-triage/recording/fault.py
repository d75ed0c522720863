"""What a recording needs to know: how the system is broken, what CI tells of it, and the truth."""

import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

import yaml
from recipe.scenario import Scenario
from recipe.stage import Stage

Deed = Callable[[Stage], Awaitable[None]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Truth:
    """What `aiops eval record` is told; it was written before anybody looked at an answer."""

    title: str
    cause_class: str
    component: str = ""
    change: str = ""
    kind: str
    forbid: Sequence[str] = ()
    require: Sequence[str] = ("metric", "log")
    planted: Sequence[str] = ()
    tags: Sequence[str] = ()

    def options(self) -> list[str]:
        """As words of the command line."""
        words = ["--title", self.title, "--class", self.cause_class, "--kind", self.kind]
        for name, value in (("--component", self.component), ("--change", self.change)):
            words += [name, value] if value else []
        for name, values in (
            ("--forbid", self.forbid),
            ("--require", self.require),
            ("--planted", self.planted),
            ("--tag", self.tags),
        ):
            words += [word for value in values for word in (name, value)]
        return words


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """One way to break the system."""

    slug: str
    base: Scenario
    """Whose programs, services, rules and changes are taken where nothing else is said."""
    truth: Truth
    break_it: Deed
    once_alerted: Deed | None = None
    """Done when the alert's card is posted, while the investigation waits for the incident to settle."""
    unrecorded: Sequence[str] = ()
    """Ids of changes that CI does not tell of, or that do not happen."""
    also: Sequence[Mapping[str, Any]] = ()
    """Further changes; `at` is in seconds from the moment of the fault."""
    services: Sequence[Mapping[str, Any]] = ()
    """Further entries of the catalogue: name, title, needs."""
    rules: Sequence[Mapping[str, Any]] = ()
    """Alert rules instead of the base's."""
    healthy_s: float = 20.0
    alert_s: float = 150.0
    settle_s: float = 5.0
    """How long the incident gathers alerts before the bot looks."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StagedScenario(Scenario):
    """A scenario whose files were written for one recording."""

    where: Path = field(default_factory=Path)

    @property
    def folder(self) -> Path:
        return self.where


def staged(fault: Fault, where: Path) -> StagedScenario:
    """Write catalogue, rules and changes of a fault into a folder, and the scenario that reads them there."""
    where.mkdir(parents=True, exist_ok=True)
    base = fault.base
    added = "".join(f"---\n{yaml.safe_dump(_entity(one), sort_keys=False)}" for one in fault.services)
    (where / "catalog-info.yaml").write_text(base.catalog.read_text(encoding="utf-8") + added, encoding="utf-8")
    rules = base.rules.read_text(encoding="utf-8")
    if fault.rules:
        group = {"name": "recording", "interval": "1s", "rules": [dict(one) for one in fault.rules]}
        rules = yaml.safe_dump({"groups": [group]}, sort_keys=False)
    (where / "rules.yml").write_text(rules, encoding="utf-8")
    changes = [one for one in base.changes() if one["id"] not in fault.unrecorded]
    (where / "changes.json").write_text(json.dumps([*changes, *map(dict, fault.also)]), encoding="utf-8")
    given = {one.name: getattr(base, one.name) for one in fields(base)}
    return StagedScenario(**{**given, "healthy_s": fault.healthy_s, "alert_s": fault.alert_s, "where": where})


def _entity(one: Mapping[str, Any]) -> dict[str, Any]:
    spec: dict[str, Any] = {"type": "service", "lifecycle": "production", "owner": f"group:{one['name']}"}
    if one.get("needs"):
        spec["dependsOn"] = [f"component:{name}" for name in one["needs"]]
    return {
        "apiVersion": "backstage.io/v1alpha1",
        "kind": "Component",
        "metadata": {"name": one["name"], "title": one["title"], "annotations": {"aiops.dev/tier": "2"}},
        "spec": spec,
    }


def rule(
    name: str, expr: str, *, service: str, summary: str, hold: str = "5s", severity: str = "warning"
) -> dict[str, Any]:
    """One alert rule, as Prometheus reads it."""
    return {
        "alert": name,
        "expr": expr,
        "for": hold,
        "labels": {"severity": severity, "service": service},
        "annotations": {"summary": summary},
    }
