"""What an investigation is about: the alert, its moment, and the services around it."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from bot.core.alert import AlertStatus
from bot.core.evidence import Window
from bot.core.service import Service
from bot.ports import Brief

BEFORE = timedelta(minutes=30)
AFTER = timedelta(minutes=5)
_MOST_NEIGHBOURS = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Relation:
    """How a service stands to the alerting one."""

    kind: str
    """self, dependency, dependent or unrelated."""
    distance: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """One incident as the gatherers see it."""

    service: str
    environment: str
    onset: datetime
    window: Window
    labels: Mapping[str, str]
    alert_names: tuple[str, ...]
    text: str
    """Alert names, summaries and people's words, for matching and similarity."""


def subject_of(brief: Brief, now: datetime) -> Subject:
    """Anchored on the earliest alert that still fires, or else the earliest of all."""
    firing = [alert for alert in brief.alerts if alert.status is AlertStatus.FIRING]
    alerts = firing or list(brief.alerts)
    first = min(alerts, key=lambda alert: alert.starts_at, default=None)
    onset = first.starts_at if first else brief.incident.started_at
    service = (first.service if first else "") or brief.incident.service
    parts = [brief.incident.title, brief.text]
    for alert in alerts:
        parts += [alert.name, alert.summary, alert.annotations.get("description", "")]
    return Subject(
        service=service,
        environment=(first.environment if first else "") or brief.incident.environment,
        onset=onset,
        window=Window.around(onset, before=BEFORE, after=AFTER, now=now),
        labels=dict(first.labels) if first else {},
        alert_names=tuple(dict.fromkeys(alert.name for alert in alerts)),
        text="\n".join(dict.fromkeys(part for part in parts if part)),
    )


def named_service(text: str, services: Sequence[Service]) -> str:
    """The first known service that a text names as a word; empty when it names none."""
    found = [(match.start(), one.name) for one in services if (match := _word(one.name).search(text))]
    return min(found)[1] if found else ""


def _word(name: str) -> re.Pattern[str]:
    return re.compile(rf"(?<![\w-]){re.escape(name)}(?![\w-])", re.IGNORECASE)


def relations(service: str, services: Sequence[Service]) -> dict[str, Relation]:
    """Every known service with its relation to `service`: transitive dependencies, direct and transitive dependents."""
    depends = {one.name: tuple(one.depends_on) for one in services}
    needed: dict[str, list[str]] = {}
    for name, targets in depends.items():
        for target in targets:
            needed.setdefault(target, []).append(name)
    known = {name: Relation(kind="unrelated", distance=9) for name in depends}
    known.update(_reach(service, needed, "dependent"))
    known.update(_reach(service, depends, "dependency"))
    known[service] = Relation(kind="self", distance=0)
    return known


def _reach(start: str, edges: Mapping[str, Iterable[str]], kind: str) -> dict[str, Relation]:
    found: dict[str, Relation] = {}
    level, distance = [start], 0
    while level:
        distance += 1
        level = list(
            dict.fromkeys(name for at in level for name in edges.get(at, ()) if name not in found and name != start)
        )
        found.update({name: Relation(kind=kind, distance=distance) for name in level})
    return found


def neighbours(known: Mapping[str, Relation], *, dependencies: int = _MOST_NEIGHBOURS) -> list[str]:
    """The alerting service, then its nearest dependencies, that many at most, and dependents: what is worth reading of."""
    close = sorted(known.items(), key=lambda item: (item[1].distance, item[1].kind, item[0]))
    chosen = [name for name, relation in close if relation.kind == "self"]
    for kind, most in (("dependency", dependencies), ("dependent", _MOST_NEIGHBOURS)):
        chosen += [name for name, relation in close if relation.kind == kind][:most]
    return [name for name in chosen if name]


def nearness(known: Mapping[str, Relation]) -> dict[str, float]:
    """0 to 1 per service: how much what moves there may have to do with the alerting one."""
    factors = {"self": 1.0, "dependency": 0.9, "dependent": 0.9, "unrelated": 0.5}
    return {name: factors[one.kind] * 0.93 ** max(0, one.distance - 1) for name, one in known.items()}
