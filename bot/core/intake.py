"""
From deliveries to incidents: which alerts are new, which incident they belong to, what must be said.

An alert joins an open incident by the sender's group key, else by service and time, else by likeness of its words, and
when incidents are opening too fast to be read, the storm's incident. Otherwise it opens one.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from bot.core.alert import Alert, AlertStatus, Anchor, Delivery, Severity, Source, worst
from bot.core.text import clip


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownAlert:
    """An alert that is stored already."""

    incident_id: str | None
    status: AlertStatus


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenIncident:
    """What correlation needs to know of an incident that is not resolved."""

    id: str
    group_key: str
    service: str
    environment: str
    title: str
    severity: Severity
    opened_at: datetime
    started_at: datetime
    firing: int
    """How many of its alerts fire now."""
    alert_names: frozenset[str]
    forwarded_names: frozenset[str]
    """Names of firing alerts that are known from a forwarded message only."""
    anchor: Anchor | None
    forwarded: bool
    posted: bool
    """Whether its parent message is in Slack or on the way there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class IntakePolicy:
    """The numbers behind correlation; defaults are sane for one team."""

    window: timedelta = timedelta(minutes=30)
    likeness: float = 0.6
    storm_incidents: int = 30
    storm_window: timedelta = timedelta(minutes=5)
    settle: timedelta = timedelta(seconds=5)
    hold_card: bool = False
    """Alerts are also forwarded into a watched channel: wait for that message before posting a card of our own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedAlert:
    """An alert to be stored or brought up to date."""

    alert: Alert
    incident_id: str | None
    is_new: bool
    source: Source
    times: int = 1
    """In how many deliveries of this batch it came."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedIncident:
    """An incident to be opened."""

    id: str
    title: str
    severity: Severity
    service: str
    environment: str
    group_key: str
    started_at: datetime
    anchor: Anchor | None
    channel: str
    trigger: str
    requested_by: str
    text: str


@dataclass(slots=True, kw_only=True)
class IntakePlan:
    """What one transaction writes. Built up while deliveries are read in order."""

    opened: list[PlannedIncident] = field(default_factory=list[PlannedIncident])
    alerts: dict[tuple[str, datetime], PlannedAlert] = field(default_factory=dict[tuple[str, datetime], PlannedAlert])
    touched: dict[str, OpenIncident] = field(default_factory=dict[str, OpenIncident])
    """Incidents as they stand after this batch."""
    superseded: list[tuple[str, str]] = field(default_factory=list[tuple[str, str]])
    """(incident, alert name): the webhook now tells what so far only a forwarded message told."""
    resolved: set[str] = field(default_factory=set[str])
    anchored: dict[str, Anchor] = field(default_factory=dict[str, Anchor])
    pointers: list[tuple[str, Anchor]] = field(default_factory=list[tuple[str, Anchor]])
    """A forwarded message that came after our own card was posted: tell its thread where the work is."""
    truncated: dict[str, int] = field(default_factory=dict[str, int])
    deliveries: list[tuple[Delivery, tuple[str, ...]]] = field(default_factory=list[tuple[Delivery, tuple[str, ...]]])


def words(text: str) -> frozenset[str]:
    """Lower-case words of a title, for comparing two titles."""
    return frozenset("".join(char if char.isalnum() else " " for char in text.lower()).split())


def likeness(left: str, right: str) -> float:
    """Jaccard similarity of the words of two titles, 0 to 1."""
    a, b = words(left), words(right)
    return len(a & b) / len(a | b) if a and b else 0.0


def title_of(alert: Alert) -> str:
    """The incident's title: the alert's name, and its summary where it has one."""
    return clip(f"{alert.name}: {alert.summary}" if alert.summary else alert.name, 200)


def _by_group(
    alert: Alert, group_key: str, incidents: Sequence[OpenIncident], policy: IntakePolicy
) -> OpenIncident | None:
    del alert, policy
    return next((one for one in incidents if group_key and one.group_key == group_key), None)


def _near(alert: Alert, incident: OpenIncident, policy: IntakePolicy) -> bool:
    return abs(alert.starts_at - incident.started_at) <= policy.window and (
        not alert.environment or not incident.environment or alert.environment == incident.environment
    )


def _by_service(
    alert: Alert, group_key: str, incidents: Sequence[OpenIncident], policy: IntakePolicy
) -> OpenIncident | None:
    del group_key
    return next(
        (one for one in incidents if alert.service and one.service == alert.service and _near(alert, one, policy)), None
    )


def _by_words(
    alert: Alert, group_key: str, incidents: Sequence[OpenIncident], policy: IntakePolicy
) -> OpenIncident | None:
    del group_key
    title = title_of(alert)
    near = [
        one
        for one in incidents
        if _near(alert, one, policy) and (not alert.service or not one.service or one.service == alert.service)
    ]
    best = max(near, key=lambda one: likeness(title, one.title), default=None)
    return best if best is not None and likeness(title, best.title) >= policy.likeness else None


def find_incident(
    alert: Alert, group_key: str, incidents: Sequence[OpenIncident], *, policy: IntakePolicy, now: datetime
) -> OpenIncident | None:
    """The open incident that an alert belongs to, if any; newest incidents are preferred."""
    newest_first = sorted(incidents, key=lambda one: one.opened_at, reverse=True)
    for rule in (_by_group, _by_service, _by_words):
        found = rule(alert, group_key, newest_first, policy)
        if found is not None:
            return found
    storm = [one for one in newest_first if now - one.opened_at <= policy.storm_window]
    if len(storm) >= policy.storm_incidents:
        return max(storm, key=lambda one: (one.firing, likeness(title_of(alert), one.title)))
    return None


def _is_firing(status: AlertStatus | None) -> int:
    return int(status is AlertStatus.FIRING)


class _Planner:
    """Reads deliveries in order; later ones see the incidents that earlier ones opened."""

    def __init__(
        self,
        known: Mapping[tuple[str, datetime], KnownAlert],
        incidents: Sequence[OpenIncident],
        ids: Sequence[str],
        policy: IntakePolicy,
        now: datetime,
    ) -> None:
        self._known = known
        self._incidents = {one.id: one for one in incidents}
        self._ids = iter(ids)
        self._policy = policy
        self._now = now
        self.plan = IntakePlan()

    def read(self, delivery: Delivery) -> None:
        """Place every alert of one delivery."""
        touched: dict[str, None] = {}
        for alert in delivery.alerts:
            incident_id = self._place(alert, delivery)
            if incident_id is not None:
                touched[incident_id] = None
        for incident_id in touched:
            if delivery.truncated:
                self.plan.truncated[incident_id] = self.plan.truncated.get(incident_id, 0) + delivery.truncated
            if delivery.anchor is not None:
                self._anchor(incident_id, delivery.anchor)
        self.plan.deliveries.append((delivery, tuple(touched)))

    def _place(self, alert: Alert, delivery: Delivery) -> str | None:
        planned = self.plan.alerts.get(alert.key)
        known = self._known.get(alert.key)
        incident_id = planned.incident_id if planned else known.incident_id if known else None
        before = planned.alert.status if planned else known.status if known else None
        if before is AlertStatus.RESOLVED and alert.status is AlertStatus.FIRING:
            # Replicas of Alertmanager may deliver out of order: the same alert never fires again once it is resolved.
            return incident_id
        if incident_id is None and alert.status is AlertStatus.FIRING:
            incident_id = self._join_or_open(alert, delivery)
        if incident_id is not None and before is None and self._told_otherwise(incident_id, alert, delivery):
            return incident_id
        is_new = planned.is_new if planned else known is None
        self.plan.alerts[alert.key] = PlannedAlert(
            alert=alert,
            incident_id=incident_id,
            is_new=is_new,
            source=delivery.source,
            times=planned.times + 1 if planned else 1,
        )
        if incident_id is not None:
            self._follow(incident_id, alert, before, delivery.source)
        return incident_id

    def _told_otherwise(self, incident_id: str, alert: Alert, delivery: Delivery) -> bool:
        """Whether a forwarded message only repeats an alert that the webhook has delivered with all its labels."""
        incident = self._incidents.get(incident_id)
        return delivery.source is Source.SLACK and incident is not None and alert.name in incident.alert_names

    def _join_or_open(self, alert: Alert, delivery: Delivery) -> str:
        joined = find_incident(
            alert, delivery.group_key, list(self._incidents.values()), policy=self._policy, now=self._now
        )
        return joined.id if joined is not None else self._open(alert, delivery)

    def _open(self, alert: Alert, delivery: Delivery) -> str:
        planned = PlannedIncident(
            id=next(self._ids),
            title=title_of(alert),
            severity=alert.severity,
            service=alert.service,
            environment=alert.environment,
            group_key=delivery.group_key,
            started_at=alert.starts_at,
            anchor=delivery.anchor,
            channel=delivery.anchor.channel if delivery.anchor else delivery.channel,
            trigger=delivery.source.value,
            requested_by=delivery.requested_by,
            text=delivery.text,
        )
        self.plan.opened.append(planned)
        self._incidents[planned.id] = OpenIncident(
            id=planned.id,
            group_key=planned.group_key,
            service=planned.service,
            environment=planned.environment,
            title=planned.title,
            severity=planned.severity,
            opened_at=self._now,
            started_at=planned.started_at,
            firing=0,
            alert_names=frozenset(),
            forwarded_names=frozenset(),
            anchor=planned.anchor,
            forwarded=planned.anchor is not None,
            posted=False,
        )
        return planned.id

    def _follow(self, incident_id: str, alert: Alert, before: AlertStatus | None, source: Source) -> None:
        incident = self._incidents.get(incident_id)
        if incident is None:
            # Its incident is closed; only the alert's own row is brought up to date.
            return
        firing = incident.firing + _is_firing(alert.status) - _is_firing(before)
        forwarded_names = incident.forwarded_names
        if source is Source.SLACK and alert.status is AlertStatus.FIRING:
            forwarded_names |= {alert.name}
        elif alert.name in forwarded_names:
            forwarded_names -= {alert.name}
            if source is not Source.SLACK:
                self.plan.superseded.append((incident_id, alert.name))
                firing -= 1
        self._incidents[incident_id] = self.plan.touched[incident_id] = replace(
            incident,
            firing=firing,
            severity=worst([incident.severity, alert.severity]),
            alert_names=incident.alert_names | {alert.name},
            forwarded_names=forwarded_names,
        )
        if firing > 0:
            self.plan.resolved.discard(incident_id)
        else:
            self.plan.resolved.add(incident_id)

    def _anchor(self, incident_id: str, anchor: Anchor) -> None:
        incident = self._incidents.get(incident_id)
        if incident is None or incident.anchor == anchor:
            return
        if incident.anchor is None and not incident.posted:
            self._incidents[incident_id] = replace(incident, anchor=anchor, forwarded=True)
            self.plan.anchored[incident_id] = anchor
        elif not incident.forwarded:
            self.plan.pointers.append((incident_id, anchor))


def plan_intake(
    deliveries: Sequence[Delivery],
    *,
    known: Mapping[tuple[str, datetime], KnownAlert],
    incidents: Sequence[OpenIncident],
    ids: Sequence[str],
    policy: IntakePolicy,
    now: datetime,
) -> IntakePlan:
    """Decide what a batch of deliveries means. `ids` are fresh incident ids, at least as many as there are alerts."""
    planner = _Planner(known, incidents, ids, policy, now)
    for delivery in deliveries:
        planner.read(delivery)
    return planner.plan
