"""
Alerts that other senders' apps posted: Grafana, Datadog, PagerDuty, CloudWatch, Sentry, Opsgenie and whoever posts like them.

They have three things in common: an attachment with a colour, fields of a title and a value, and a word for the state in the title.
A message is taken for an alert when it has a state, by its words or its colour; talk of a bot is left alone. Its parts are given
the names that `bot.core.senders.generic` knows, so that a message is read as the payload it was made of.
"""

import re
from collections.abc import Mapping
from typing import Final

from bot.core.alert import AlertStatus, Severity
from bot.core.senders import generic
from bot.core.senders.reading import Reading
from bot.core.senders.states import severity_of, status_of
from bot.core.text import clean, one_line
from bot.slack.payload import Json, first_link, readable, record, records, text_of, words_of

# Slack's three names, and what they are when sent as numbers by apps that follow Slack's palette.
_COLOURS: Final = {
    "danger": (AlertStatus.FIRING, Severity.CRITICAL),
    "warning": (AlertStatus.FIRING, Severity.WARNING),
    "good": (AlertStatus.RESOLVED, Severity.UNKNOWN),
}
_HUES: Final = re.compile(r"#?([0-9a-f]{2})([0-9a-f]{2})([0-9a-f]{2})", re.IGNORECASE)
_STATE: Final = re.compile(
    r"^\W*(?:\[?\s*)(firing|alerting|triggered|re-triggered|alarm|no data|warn|error|critical|problem|down|open|acknowledged|resolved|recovered|ok|"
    r"up|closed|normal)\b\s*(?::\s*\d+)?\s*[\]:|\-–]+\s*",
    re.IGNORECASE,
)
_TRAILING: Final = re.compile(
    r"\s+(?:was\s+)?(?:triggered|resolved|recovered|acknowledged|opened|closed)\s*$", re.IGNORECASE
)
# How senders head the fields that say what is what, beside the names that `generic` knows already.
_FIELDS: Final = {
    "alarmname": "alarm_name",
    "alarmreason": "reason",
    "alarmdescription": "description",
    "currentstate": "state",
    "monitorname": "monitor_name",
    "findingtype": "check",
    "detailtype": "detail_type",
}
_LIMIT: Final = 20_000


def read_form(message: Json) -> Reading | None:
    """What the message says of an alert; None when it is none."""
    for attachment in records(message.get("attachments")):
        found = _attachment(message, attachment)
        if found is not None:
            return found
    # A line of text alone: what has blocks is laid out for people, as our own answers are.
    return None if message.get("blocks") else _plain(message)


def _attachment(message: Json, attachment: Json) -> Reading | None:
    fields = _fields(attachment)
    title = _title(attachment, fields)
    if not title:
        return None
    coloured = _coloured(text_of(attachment, "color"))
    stated = _STATE.match(title)
    said = status_of(fields.get("state", ""), fields.get("status", ""), stated[1] if stated else "")
    if said is None and coloured is None and not records(attachment.get("fields")):
        return None
    name = _TRAILING.sub("", _STATE.sub("", title)).strip()
    body = {
        **fields,
        "title": name,
        "text": _tidy(text_of(attachment, "text")),
        "pretext": _tidy(text_of(message, "text")),
    }
    reading = generic.read(body)
    status = said or (coloured[0] if coloured else reading.status)
    by_colour = coloured[1] if coloured else Severity.UNKNOWN
    grade = severity_of(*(fields.get(key, "") for key in ("severity", "priority", "level", "urgency")))
    known = fields.get("alarm_name") or fields.get("monitor_name") or fields.get("alertname")
    return Reading(
        name=known or name or title,
        status=status,
        severity=grade if grade is not Severity.UNKNOWN else by_colour,
        service=reading.service,
        summary=fields.get("description") or fields.get("reason") or body["text"] or body["pretext"],
        description=fields.get("reason", ""),
        labels={key: value for key, value in fields.items() if re.fullmatch(r"[\w.-]{1,80}", key)},
        identity=text_of(attachment, "callback_id"),
        link=text_of(attachment, "title_link") or first_link(text_of(attachment, "text")),
    )


def _plain(message: Json) -> Reading | None:
    """A line that begins with its state: `[Triggered] ...`, `ALARM: ...`."""
    line = next(iter(_tidy(words_of(message)).splitlines()), "").strip("* ")
    stated = _STATE.match(line)
    name = line[stated.end() :].strip() if stated is not None else ""
    if stated is None or not name:
        return None
    status = status_of(stated[1]) or AlertStatus.FIRING
    return Reading(
        name=name,
        status=status,
        severity=severity_of(stated[1]),
        summary=line,
        link=first_link(text_of(message, "text")),
    )


def _title(attachment: Json, fields: Mapping[str, str]) -> str:
    headed = [text_of(attachment, key) for key in ("title", "fallback", "pretext")]
    blocks = [text_of(record(block.get("text")), "text") for block in records(attachment.get("blocks"))]
    lone = [text_of(field, "title") for field in records(attachment.get("fields")) if not text_of(field, "value")]
    kind = fields.get("detail_type", "")
    candidates = [kind, *headed, *lone, *blocks, text_of(attachment, "text")]
    return next((line for each in candidates if (line := one_line(_tidy(each)).strip("*` "))), "")


def _fields(attachment: Json) -> dict[str, str]:
    """Titles with their values; where titles are missing, values that follow one another in pairs."""
    found: dict[str, str] = {}
    bare: list[str] = []
    for field in records(attachment.get("fields")):
        title, value = one_line(_tidy(text_of(field, "title"))), one_line(_tidy(text_of(field, "value"))).strip("`*_ ")
        if title and value:
            found.setdefault(_key(title), value)
        elif value:
            bare.append(value)
    if len(bare) > 1:
        for title, value in zip(bare[::2], bare[1::2], strict=False):
            found.setdefault(_key(title), value)
    return {**_block_fields(attachment), **found}


def _block_fields(attachment: Json) -> dict[str, str]:
    """Section blocks give a field as one text: a title, a line break, the value."""
    texts = [
        _tidy(text_of(field, "text"))
        for block in records(attachment.get("blocks"))
        for field in records(block.get("fields"))
    ]
    parts = [text.partition("\n") for text in texts]
    return {_key(title.strip("*: ")): one_line(value).strip("`*_ ") for title, _, value in parts if value.strip()}


def _key(title: str) -> str:
    folded = re.sub(r"[^a-z0-9]+", "_", title.lower()).strip("_")
    return _FIELDS.get(folded.replace("_", ""), folded)


def _coloured(colour: str) -> tuple[AlertStatus, Severity] | None:
    if colour in _COLOURS:
        return _COLOURS[colour]
    hue = _HUES.fullmatch(colour)
    if hue is None:
        return None
    red, green, blue = (int(part, 16) for part in hue.groups())
    if red > 150 and red > 1.5 * max(green, blue):
        return _COLOURS["danger"]
    if red > 150 and green > 1.5 * blue:
        return _COLOURS["warning"]
    return _COLOURS["good"] if green > 1.2 * max(red, blue) else None


def _tidy(text: str) -> str:
    return clean(readable(text[:_LIMIT])).replace("`", "")
