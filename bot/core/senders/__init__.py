"""
Payloads of alert senders, read by their documented form where there is one and by the names of their keys where there is none.

One file a family. A payload is JSON from outside: whatever stands there, the answer is alerts or PayloadError.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import cast

from bot.core.alert import Alert
from bot.core.errors import PayloadError
from bot.core.senders import aws, checks, generic, incident_tools, platforms, prometheus, scales
from bot.core.senders.fields import Fields
from bot.core.senders.reading import Json, Reading, alert_of, opened, text, unwrapped


def parse_payload(body: object, now: datetime) -> Sequence[Alert]:
    """
    The alerts of a payload of any sender; `now` stands in for a time that it does not give.

    Raises PayloadError when it is no JSON object or says nothing readable that could name an alert.
    """
    held = opened(body)
    items = cast("list[object]", held) if isinstance(held, list) else [held]
    payloads = [one for item in items if (one := unwrapped(item))]
    if not payloads:
        raise PayloadError("body: must be a JSON object, or a list of them, that describes an alert")
    alerts = [alert_of(reading, now) for payload in payloads for reading in _readings(payload) if reading.name]
    if not alerts:
        known = ", ".join(sorted({text(str(key)[:80]) for payload in payloads for key in payload})[:12])
        raise PayloadError(f"body: no field names the alert; its keys are {known or 'none'}")
    return alerts


def _readings(payload: Json) -> Sequence[Reading]:
    inner = aws.opened(payload)
    for read in (prometheus.read, aws.read, incident_tools.read):
        found = read(inner)
        if found:
            return found
    return [_read(one) for one in generic.each(inner)]


def _read(payload: Json) -> Reading:
    """By the names of keys, and then by what is known of the product that they give away."""
    fields = Fields(payload)
    reading = generic.read_fields(fields)
    for refine in (checks.refined, platforms.refined, scales.graded):
        reading = refine(fields, reading)
    return reading
