"""
Payloads of alert senders, webhooks and Slack messages, put to the bot's own parsers: are name, status, severity and service read?

Where the data set says what is right (Alertmanager's form and those like it), names, their number and the status are held against
it; severity and service where the payload names them beyond doubt (`payload_truth`). Everywhere the fields must be read when the
payload carries them: a name always; a severity or a service when one of the words for them stands beside a value in the payload.
"""

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast

from bot.core.alert import Alert, AlertStatus, Severity
from bot.core.errors import PayloadError
from bot.slack.alertmessages import parse_alert_message
from bot.webhook import parse_sender
from evals.benchmarks.payload_truth import SERVICE_KEYS, SEVERITY_KEYS, parts, service_of, severity_of
from evals.benchmarks.table import Benchmark, Row, read_rows, share

FOLDER = "alert_payloads"
_NOW = datetime(2026, 1, 1, tzinfo=UTC)
_TS = "1767225600.000100"
_SEVERITY_KEYS, _SERVICE_KEYS = frozenset(SEVERITY_KEYS), frozenset(SERVICE_KEYS)
_EMPTY = ("", "null", "none", "{}", "[]", "0")


def run(data: Path) -> Sequence[Row]:
    """One figure a field. Raises BenchmarkError when the data set is absent."""
    parts = sorted((data / FOLDER).glob("payloads.*.jsonl")) or [data / FOLDER / "payloads.dev.jsonl"]
    payloads = [row for part in parts for row in read_rows(part)]
    return rows([(row, parsed(row)) for row in payloads])


def rows(read: Sequence[tuple[Mapping[str, Any], Sequence[Alert]]]) -> list[Row]:
    """The figures of (payload, alerts)."""
    known = [(row["expected"], alerts) for row, alerts in read if row.get("expected")]
    graded = [alerts for row, alerts in read if carries(row["payload"], _SEVERITY_KEYS)]
    placed = [alerts for row, alerts in read if carries(row["payload"], _SERVICE_KEYS)]
    severities = [right for one in read if (right := same_severity(*one)) is not None]
    services = [right for one in read if (right := same_service(*one)) is not None]
    severity = sum(any(one.severity is not Severity.UNKNOWN for one in alerts) for alerts in graded)
    return [
        share("alert payloads: read", sum(bool(alerts) for _, alerts in read), len(read), at_least=1.0),
        share("alert payloads: names right, where known", sum(same_names(*one) for one in known), len(known), at_least=1.0),
        share("alert payloads: status right, where known", sum(same_status(*one) for one in known), len(known), at_least=1.0),
        share("alert payloads: severity right, where named beyond doubt", sum(severities), len(severities), at_least=1.0),
        share("alert payloads: service right, where named beyond doubt", sum(services), len(services), at_least=1.0),
        share("alert payloads: named", sum(bool(alerts) and all(one.name for one in alerts) for _, alerts in read), len(read), at_least=1.0),
        share("alert payloads: severity read, where given", severity, len(graded), at_least=1.0),
        share("alert payloads: service read, where given", sum(any(one.service for one in alerts) for alerts in placed), len(placed), at_least=1.0),
    ]  # fmt: skip


def parsed(row: Mapping[str, Any]) -> Sequence[Alert]:
    """As it would have come in; nothing when it is refused."""
    if row["kind"] == "slack_message":
        delivery = parse_alert_message("C0ALERTS", {"bot_id": "B0SENDER", **row["payload"], "ts": _TS})
        return delivery.alerts if delivery is not None else ()
    try:
        return parse_sender(json.dumps(row["payload"]).encode(), now=_NOW).delivery.alerts
    except PayloadError:
        return ()


def same_names(expected: Mapping[str, Any], alerts: Sequence[Alert]) -> bool:
    """A Slack message stands for its whole group."""
    return {one.name for one in alerts} == set(expected["alertnames"]) and len(alerts) in {expected["n_alerts"], 1}


def same_status(expected: Mapping[str, Any], alerts: Sequence[Alert]) -> bool:
    """Firing as a whole when one alert fires; where the group says nothing, its alerts' count tells."""
    fires = any(one.status is AlertStatus.FIRING for one in alerts)
    said = expected.get("status")
    return bool(alerts) and fires == (said == "firing" if said else bool(expected["firing"]))


def same_severity(row: Mapping[str, Any], alerts: Sequence[Alert]) -> bool | None:
    """Every alert has the severity that its part of the payload names; None when none is named beyond doubt."""
    said = [(severity_of(part), one) for part, one in zip(parts(row["payload"], len(alerts)), alerts, strict=True)]
    known = [expected is one.severity for expected, one in said if expected is not None]
    return all(known) if known else None


def same_service(row: Mapping[str, Any], alerts: Sequence[Alert]) -> bool | None:
    """The same for the service."""
    said = [(service_of(part), one) for part, one in zip(parts(row["payload"], len(alerts)), alerts, strict=True)]
    known = [expected == one.service for expected, one in said if expected is not None]
    return all(known) if known else None


def carries(value: Any, keys: frozenset[str]) -> bool:
    """Whether one of these keys has a value that says something, at any depth."""
    if isinstance(value, dict):
        held = cast("dict[str, Any]", value)
        return any(
            (key.lower() in keys and not isinstance(one, dict | list) and str(one).lower() not in _EMPTY)
            or carries(one, keys)
            for key, one in held.items()
        )
    return isinstance(value, list) and any(carries(one, keys) for one in cast("list[Any]", value))


BENCHMARK = Benchmark(name="alert payloads", run=run)
