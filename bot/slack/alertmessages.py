"""
Alerts that senders posted in Slack, read back into alerts: Alertmanager's own receiver here, others in `alertforms`.

The title has the form `[FIRING:2] <values of the group labels> (<values of the other common labels>)` by default
(https://github.com/prometheus/alertmanager/blob/main/template/default.tmpl, `__subject`); widely used templates put
`label="value"` pairs into the brackets and `• *label:* value` lines into the text. The sender is not trusted: whatever
stands there, the answer is a delivery or None.
"""

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from bot.core.alert import (
    Alert,
    AlertStatus,
    Anchor,
    Delivery,
    Severity,
    Source,
    environment_of,
    parse_severity,
    service_of,
)
from bot.core.senders.reading import Reading, alert_of
from bot.core.text import clean, clip, one_line
from bot.slack.alertforms import read_form
from bot.slack.payload import Json, first_link, moment, readable, record, records, text_of, unescaped, words_of

_SUBJECT: Final = re.compile(r"\[\s*(FIRING|RESOLVED)\s*(?::\s*(\d{1,6}))?[^\]\n]{0,40}\]\s*(.*)", re.IGNORECASE)
_BRACKETS: Final = re.compile(r"^(?P<head>.*?)\s*\((?P<inner>.*)\)\s*$")
_PAIR: Final = re.compile(r"([A-Za-z_]\w{0,80})\s*=\s*\"([^\"]{0,500})\"")
_BULLET: Final = re.compile(r"^\s*[•◦▪\-–]\s*\*?([A-Za-z_]\w{0,80})\s*(?::\s*\*|\*\s*:|:|=)\s*`?([^`]{0,500}?)`?\s*$")
_PROSE: Final = re.compile(
    r"\*?\b(summary|description|message|alert)\s*(?::\s*\*|\*\s*:|:)\s*(.{1,2000})", re.IGNORECASE
)
_DETAILS: Final = re.compile(r"\s*\*?(?:details|labels)\s*(?::\s*\*|\*\s*:|:)\s*$", re.IGNORECASE)
_TRAILING_SEVERITY: Final = re.compile(r"\s+-\s+`(\w{1,20})`\s*$")
_TEXT_LIMIT: Final = 20_000
_VALUE_LIMIT: Final = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class _Subject:
    status: AlertStatus
    count: int
    head: str
    inner: str


@dataclass(frozen=True, slots=True, kw_only=True)
class _Details:
    labels: Mapping[str, str]
    prose: Mapping[str, str]
    severity: Severity


def parse_alert_message(channel: str, message: Json) -> Delivery | None:
    """The delivery that an alert sender's message stands for; None when it is anything else.

    Both forms of a bot's message are read: a modern app's (bot_id, no subtype) and an incoming webhook's (bot_message).
    """
    started = moment(text_of(message, "ts"))
    if started is None or not (text_of(message, "bot_id") or text_of(message, "subtype") == "bot_message"):
        return None
    attachments = records(message.get("attachments"))
    for attachment in (*attachments, message):
        subject = _subject(attachment)
        if subject is not None:
            return _delivery(channel, message, attachment, subject, started)
    reading = read_form(message)
    return _formed(channel, message, reading, started) if reading is not None else None


def _formed(channel: str, message: Json, reading: Reading, started: datetime) -> Delivery:
    """What another sender's app posted; its id, or else its name, is what an end and a beginning have in common."""
    edited = moment(text_of(record(message.get("edited")), "ts")) or started
    alert = alert_of(
        replace(reading, identity=f"{channel}\n{reading.identity or reading.name}", started=started, ended=edited),
        edited,
    )
    return Delivery(
        source=Source.SLACK,
        alerts=(alert,),
        group_key=f"slack:{alert.fingerprint}",
        external_url=unescaped(reading.link),
        anchor=Anchor(channel=channel, ts=text_of(message, "ts")),
        text=clip(clean(words_of(message)), 4_000),
    )


def _subject(holder: Json) -> _Subject | None:
    for key in ("title", "fallback", "pretext", "text"):
        lines = _tidy(text_of(holder, key)).strip().splitlines()
        found = _SUBJECT.match(lines[0].strip("* ")) if lines else None
        if found is not None:
            rest = found[3].partition(" | http")[0].strip()
            split = _BRACKETS.match(rest)
            return _Subject(
                status=AlertStatus.FIRING if found[1].upper() == "FIRING" else AlertStatus.RESOLVED,
                count=int(found[2] or 1),
                head=one_line(split["head"] if split else rest),
                inner=one_line(split["inner"] if split else ""),
            )
    return None


def _tidy(text: str) -> str:
    return clean(readable(text[:_TEXT_LIMIT]))


def _delivery(channel: str, message: Json, attachment: Json, subject: _Subject, started: datetime) -> Delivery:
    details = _details(attachment, subject)
    name = details.labels.get("alertname") or _first_word(subject)
    labels = {"alertname": name, **details.labels}
    link = text_of(attachment, "title_link")
    edited = moment(text_of(record(message.get("edited")), "ts"))
    fingerprint = _fingerprint(channel, subject)
    alert = Alert(
        fingerprint=fingerprint,
        starts_at=started,
        name=name,
        status=subject.status,
        severity=details.severity,
        service=service_of(labels),
        environment=environment_of(labels),
        summary=_summary(details, subject, name),
        labels=labels,
        annotations=dict(details.prose),
        ends_at=(edited or started) if subject.status is AlertStatus.RESOLVED else None,
        generator_url=first_link(text_of(attachment, "text")) or unescaped(link),
    )
    return Delivery(
        source=Source.SLACK,
        alerts=(alert,),
        group_key=f"slack:{fingerprint}",
        external_url=unescaped(link),
        anchor=Anchor(channel=channel, ts=text_of(message, "ts")),
        text=clip(clean(words_of(message)), 4_000),
    )


def _fingerprint(channel: str, subject: _Subject) -> str:
    """The same for a FIRING message and its RESOLVED one.

    What stands before the brackets are the group's labels and stays; what stands in them are the labels that its alerts
    share, and these change as alerts come and go. They count only where nothing stands before them.
    """
    return hashlib.sha256(f"{channel}\n{subject.head or subject.inner}".encode()).hexdigest()[:16]


def _first_word(subject: _Subject) -> str:
    """Group labels come sorted with alertname first, so the title's first word is the alert's name."""
    return clip(next(iter((subject.head or subject.inner).split()), "alert"), 200)


def _details(attachment: Json, subject: _Subject) -> _Details:
    lines = _lines(attachment)
    labels = _shared_labels(lines)
    for key, value in _PAIR.findall(subject.inner):
        labels.setdefault(key, clip(value, _VALUE_LIMIT))
    prose = _prose(lines)
    words = [labels.get("severity", "")]
    trailing = _TRAILING_SEVERITY.search(prose.get("alert", ""))
    if trailing is not None:
        prose["alert"] = prose["alert"][: trailing.start()]
        words.append(trailing[1])
    if not _PAIR.search(subject.inner):
        words += subject.inner.split()
    known = (parse_severity(word) for word in words)
    severity = next((each for each in known if each is not Severity.UNKNOWN), Severity.UNKNOWN)
    return _Details(
        labels=labels, prose={key: value.replace("`", "") for key, value in prose.items()}, severity=severity
    )


def _lines(attachment: Json) -> list[str]:
    lines = _tidy(text_of(attachment, "text")).splitlines()
    for field in records(attachment.get("fields")):
        title, value = _tidy(text_of(field, "title")), _tidy(text_of(field, "value"))
        if title and value:
            # A field is a label when its title is one word, else prose.
            lines.append(f"• {title.lower()}: {value}" if re.fullmatch(r"\w+", title) else f"{title}: {value}")
    return lines


def _shared_labels(lines: Sequence[str]) -> dict[str, str]:
    """Labels that have one value throughout; those that differ between the alerts of the message say nothing of all."""
    seen: dict[str, set[str]] = {}
    for line in lines:
        found = _BULLET.match(line)
        if found is not None and found[2].strip():
            seen.setdefault(found[1], set()).add(clip(found[2].strip(), _VALUE_LIMIT))
    return {key: next(iter(values)) for key, values in seen.items() if len(values) == 1}


def _prose(lines: Sequence[str]) -> dict[str, str]:
    """The first summary, description, message and alert line."""
    prose: dict[str, str] = {}
    for line in lines:
        found = None if _BULLET.match(line) else _PROSE.search(line)
        if found is not None:
            prose.setdefault(found[1].lower(), one_line(_DETAILS.sub("", found[2])))
    return prose


def _summary(details: _Details, subject: _Subject, name: str) -> str:
    spoken = next(
        (details.prose[key] for key in ("summary", "description", "message", "alert") if details.prose.get(key)), ""
    )
    rest = one_line(f"{subject.head} {subject.inner}".removeprefix(name))
    return clip(details.labels.get("summary") or spoken or rest, 500)
