"""
Any sender, by what its keys are called: monitors, checks, error trackers and cloud consoles that have no form of their own here.

Senders name the same few things in like words (`keys`). A key that is spelled as usual is believed first, then one that is made up
of the usual words, then whatever is readable: an alert that is refused is an alert lost.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from itertools import islice
from typing import cast

from bot.core.alert import AlertStatus, Severity, service_of
from bot.core.senders import keys
from bot.core.senders.fields import Fields, parts_of, spoken
from bot.core.senders.reading import Json, Reading, first_of, labels_of, moment, record
from bot.core.senders.states import Title, is_state, severity_of, split_title, status_of

# Lists of these are alerts, each with its own name, when nothing around them names one.
_LISTS = ("alerts", "incidents", "problems", "findings", "violations", "events", "messages", "notifications")
_TITLES = ("message_title", "title", "subject", "summary")
_MOST_AROUND = 50
_LETTER = re.compile(r"[^\W\d_]|\d\.\d")
_WORD = re.compile(r"[^\W\d_]+")
_CAMEL = re.compile(r"(?<=[a-z])(?=[A-Z])")
_ADDRESS = re.compile(r"(?:[a-z][a-z0-9+.-]{1,20}://|mailto:|[\w.+-]{1,80}@)\S*", re.IGNORECASE)
_OPAQUE = re.compile(r"[0-9a-fA-F-]{16,}|[A-Za-z0-9+/=_-]{32,}|[\d\sTZ:.,+/-]+|v?\d[\w.-]*")
# Robusta and others: namespace/Kind/name.
_OBJECT = re.compile(r"[\w.-]+/[A-Z][A-Za-z]+/([\w.-]+)")


def read(payload: Json) -> Reading:
    """What can be made out; an empty name when nothing is readable."""
    return read_fields(Fields(payload))


def read_fields(fields: Fields) -> Reading:
    """The same for a payload whose keys are known already."""
    labels = _labels(fields)
    title = title_of(fields, labels)
    watched = service_in(fields, labels)
    return Reading(
        name=title.name,
        status=_state(fields, title),
        severity=_severity(fields, labels, title),
        service=watched,
        summary=_different(title.name, fields.each(*keys.SUMMARIES)),
        description=fields.said("description", "message_body", "output", "text", "incident_reason"),
        labels=labels,
        started=next((found for each in fields.each(*keys.STARTED) if (found := moment(each))), None),
        identity=fields.said(*keys.IDENTITIES) or _identity(fields, title.name, watched, labels),
        link=fields.said(*keys.LINKS),
    )


def each(payload: Json) -> Sequence[Json]:
    """The alerts of a payload that only lists them; else the payload itself."""
    for name, value in payload.items():
        listed = [one for item in _items(value) if (one := record(item))] if name.lower() in _LISTS else []
        if listed and not Fields({key: one for key, one in payload.items() if key != name}).said(*keys.NAMES):
            scalars = ((key, one) for key, one in payload.items() if not isinstance(one, list | dict))
            around = dict(islice(scalars, _MOST_AROUND))
            return [{**around, **one} for one in listed]
    return [payload]


def service(payload: Json, labels: Mapping[str, str]) -> str:
    """By labels, then by the keys that name what is watched."""
    return service_of(labels) or service_in(Fields(payload), labels)


def all_labels(payload: Json) -> dict[str, str]:
    """Every object or list of labels, outer ones first."""
    return _labels(Fields(payload))


def title_of(fields: Fields, labels: Mapping[str, str]) -> Title:
    """The name and what its marks say."""
    return split_title(labels.get("alertname") or _name(fields))


def service_in(fields: Fields, labels: Mapping[str, str]) -> str:
    """The monitored thing."""
    found = (
        service_of(labels)
        or _named(fields.texts(*keys.SERVICES))
        or _named(labels.get(key, "") for key in ("host", "instance"))
        or _named(fields.like(keys.watches))
        or _named(fields.texts(*keys.LAST_SERVICES))
        or next(fields.texts(*keys.ADDRESSES), "")
        or labels.get("team", "")
    )
    named = _OBJECT.fullmatch(found)
    return named[1] if named is not None else found


def _named(texts: Iterable[str]) -> str:
    """A number alone is an id, an address only where a name is looked for."""
    return next((text for text in texts if _LETTER.search(text) and not _ADDRESS.match(text)), "")


def _items(value: object) -> Sequence[object]:
    return cast("list[object]", value) if isinstance(value, list) else ()


def _labels(fields: Fields) -> dict[str, str]:
    return labels_of(*(value for name in keys.LABELS for value in fields.values(name)))


def _name(fields: Fields) -> str:
    named = [
        found
        for name in keys.NAMES
        for found in fields.texts(name, within=keys.may_name if name in keys.NAMES_OF_ANYTHING else None)
    ]
    return (
        next((found for found in named if not _is_bare(found)), "")
        or next(fields.like(keys.names_topic), "")
        or next(fields.like(keys.names_something), "")
        or next((found for found in fields.like(keys.tells) if _is_readable(found)), "")
        or _readable(fields)
        or first_of(named)
    )


def _identity(fields: Fields, name: str, service: str, labels: Mapping[str, str]) -> str:
    """What an end has in common with its beginning where the sender gives the problem no id."""
    kept = [f"{key}={labels[key]}" for key in sorted(labels) if not keys.changes(parts_of(key))]
    return "\0".join([fields.said(*keys.SHARED_IDENTITIES), name, service, *kept])


def _is_bare(name: str) -> bool:
    """`incident.opened`, `Problem`: tells what kind of thing it is, not which."""
    words = [word.lower() for word in _WORD.findall(_CAMEL.sub(" ", name[:200]))]
    return len(words) <= 3 and all(word in keys.TOPICS or is_state(word) for word in words)


def _readable(fields: Fields) -> str:
    """The first sentence, else the first word, that is no id, address, time or state."""
    texts = [text for one in fields.raw() if keys.says_anything(one.words) and _is_readable(text := spoken(one.value))]
    return first_of([*(text for text in texts if " " in text), *texts])


def _is_readable(text: str) -> bool:
    if sum(map(len, _WORD.findall(text[:200]))) < 2 or _ADDRESS.fullmatch(text) or _OPAQUE.fullmatch(text):
        return False
    return " " in text or (status_of(text) is None and severity_of(text) is Severity.UNKNOWN)


def _state(fields: Fields, title: Title) -> AlertStatus:
    """What its state fields say, then its titles, then times of an end; an alert that says nothing is firing."""
    ended = [one for one in fields.raw() if one.value is not None and one.value is not False]
    return (
        status_of(*fields.each(*keys.STATES))
        or title.status
        or next(filter(None, (split_title(each).status for each in fields.each(*_TITLES))), None)
        or status_of(*fields.like(keys.states))
        or (AlertStatus.RESOLVED if any(keys.is_over(one.words) and one.value is True for one in ended) else None)
        or (AlertStatus.RESOLVED if any(keys.ends(one.words) and moment(one.value) for one in ended) else None)
        or AlertStatus.FIRING
    )


def _severity(fields: Fields, labels: Mapping[str, str], title: Title) -> Severity:
    known = severity_of(labels.get("severity", ""), _grade(fields.said("priority")), *fields.each(*keys.SEVERITIES))
    for found in (known, title.severity, severity_of(*fields.like(keys.grades))):
        if found is not Severity.UNKNOWN:
            return found
    return severity_of(*fields.each(*keys.COLOURS))


def _grade(priority: str) -> str:
    """Priorities that are only a number count from 1, the highest."""
    return f"p{priority}" if priority in {"1", "2", "3", "4", "5"} else ""


def _different(name: str, texts: Iterable[str]) -> str:
    """The first that says more than the name, with or without its marks."""
    return next((text for text in texts if name not in {text, split_title(text).name}), "")
