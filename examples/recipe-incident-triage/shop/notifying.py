"""Sends alerts to a webhook in groups, in the form Alertmanager sends them (payload version 4)."""

import asyncio
import logging
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote_plus

import httpx

from . import process
from .alerting import Alert, AlertState
from .samples import Labels

_log = logging.getLogger(__name__)

_RECEIVER = "aiops"
_GROUP_BY = ("service",)
_NEVER = "0001-01-01T00:00:00Z"
_FIRST_PAUSE_SECONDS = 0.25
_LONGEST_PAUSE_SECONDS = 5.0


def webhook_payload(group: Labels, alerts: Sequence[Alert], *, external_url: str) -> dict[str, Any]:
    """Alertmanager's webhook body. Source: prometheus.io/docs/alerting/latest/configuration/#webhook_config."""
    firing = any(alert.state is AlertState.FIRING for alert in alerts)
    pairs = ", ".join(f'{name}="{value}"' for name, value in group)
    return {
        "version": "4",
        "groupKey": f"{{}}:{{{pairs}}}",
        "truncatedAlerts": 0,
        "status": "firing" if firing else "resolved",
        "receiver": _RECEIVER,
        "groupLabels": dict(group),
        "commonLabels": _common(dict(alert.labels) for alert in alerts),
        "commonAnnotations": _common(alert.annotations for alert in alerts),
        "externalURL": external_url,
        "alerts": [_alert_form(alert, external_url) for alert in alerts],
    }


def _alert_form(alert: Alert, external_url: str) -> dict[str, Any]:
    return {
        "status": str(alert.state),
        "labels": dict(alert.labels),
        "annotations": dict(alert.annotations),
        "startsAt": _rfc3339(alert.fired_at),
        "endsAt": _rfc3339(alert.resolved_at) if alert.state is AlertState.RESOLVED else _NEVER,
        "generatorURL": f"{external_url}/graph?g0.expr={quote_plus(alert.rule.text)}&g0.tab=1",
        "fingerprint": alert.fingerprint,
    }


def _common(mappings: Iterable[Mapping[str, str]]) -> dict[str, str]:
    first, *others = mappings
    return {name: value for name, value in first.items() if all(other.get(name) == value for other in others)}


def _rfc3339(epoch_seconds: float) -> str:
    return datetime.fromtimestamp(epoch_seconds, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


@dataclass(slots=True)
class _Group:
    alerts: dict[str, Alert] = field(default_factory=dict[str, Alert])
    #: Fingerprint, state and start of what the receiver has accepted.
    told: frozenset[tuple[str, AlertState, float]] = frozenset()

    def wanted(self) -> frozenset[tuple[str, AlertState, float]]:
        return frozenset((alert.fingerprint, alert.state, alert.fired_at) for alert in self.alerts.values())


class Notifier:
    """Tells the webhook about each change of a group, again and again until it answers 2xx."""

    def __init__(self, client: httpx.AsyncClient, url: str, *, external_url: str, token: str = "") -> None:
        self._client = client
        self._url = url
        self._external_url = external_url
        self._headers = {"Authorization": f"Bearer {token}"} if token else {}
        self._groups: dict[Labels, _Group] = defaultdict(_Group)
        self._changed = asyncio.Event()

    def offer(self, alerts: Iterable[Alert]) -> None:
        """Take the firing and just resolved alerts of one evaluation."""
        for alert in alerts:
            key = tuple(label for label in alert.labels if label[0] in _GROUP_BY)
            self._groups[key].alerts[alert.fingerprint] = alert
        if any(self._is_due(group) for group in self._groups.values()):
            self._changed.set()

    @staticmethod
    def _is_due(group: _Group) -> bool:
        return group.wanted() != group.told

    async def run(self, stop: asyncio.Event) -> None:
        """Send until `stop`; the payload is made anew for each try, so the receiver always gets the latest state."""
        pause = _FIRST_PAUSE_SECONDS
        while not stop.is_set():
            if not await _either(self._changed, stop):
                return
            self._changed.clear()
            if await self._send_due():
                pause = _FIRST_PAUSE_SECONDS
                continue
            self._changed.set()
            if await process.stopped_within(stop, pause):
                return
            pause = min(pause * 2, _LONGEST_PAUSE_SECONDS)

    async def _send_due(self) -> bool:
        """Send every group that is due; false when one was not accepted."""
        due = [(key, group) for key, group in self._groups.items() if self._is_due(group)]
        results = [await self._send(key, group) for key, group in due]
        return all(results)

    async def _send(self, key: Labels, group: _Group) -> bool:
        sent = dict(group.alerts)
        wanted = group.wanted()
        if not group.told and all(alert.state is AlertState.RESOLVED for alert in sent.values()):
            # It came and went while the receiver was away: nobody was told, so nothing is over for them.
            _forget_resolved(group, sent)
            return True
        body = webhook_payload(key, list(sent.values()), external_url=self._external_url)
        try:
            answer = await self._client.post(self._url, json=body, headers=self._headers)
            answer.raise_for_status()
        except httpx.HTTPError as error:
            _log.warning("webhook %s did not take group %s, trying again: %r", self._url, body["groupKey"], error)
            return False
        _log.info("webhook took group %s as %s", body["groupKey"], body["status"])
        group.told = wanted
        _forget_resolved(group, sent)
        return True


def _forget_resolved(group: _Group, sent: Mapping[str, Alert]) -> None:
    for name, alert in sent.items():
        if alert.state is AlertState.RESOLVED and group.alerts.get(name) is alert:
            del group.alerts[name]
    group.told = frozenset(entry for entry in group.told if entry[0] in group.alerts)


async def _either(event: asyncio.Event, stop: asyncio.Event) -> bool:
    """Wait for one of the two; true when it was `event`."""
    waiting = {asyncio.create_task(event.wait()), asyncio.create_task(stop.wait())}
    try:
        await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in waiting:
            task.cancel()
    return event.is_set() and not stop.is_set()
