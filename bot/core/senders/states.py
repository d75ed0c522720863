"""The words of senders: for states, for severities, and for both in front of a title."""

import re
from typing import NamedTuple

from bot.core.alert import AlertStatus, Severity, parse_severity

# Words of documented states; a text that has one of both kinds ("alert recovered") tells of the end.
_ENDED = frozenset(
    (
        "ok", "okay", "up", "closed", "close", "closes", "clear", "cleared", "clears", "resolve", "resolved", "resolves", "recovered",
        "recovery", "recover", "recovers", "normal", "normalized", "inactive", "success", "succeeded", "successful", "passed", "passing",
        "healthy", "green", "good", "archived", "completed", "fixed", "solved", "restored", "restore", "deactivated", "canceled",
        "cancelled", "ended", "dismissed", "operational", "online", "available",
    )
)  # fmt: skip
_BEGUN = frozenset(
    (
        "firing", "fired", "fires", "alert", "alerting", "alarm", "open", "opened", "opens", "trigger", "triggered", "problem", "down",
        "critical", "error", "failed", "failure", "failing", "fatal", "active", "activated", "created", "warning", "warn", "outage",
        "unhealthy", "red", "danger", "started", "new", "reopen", "reopened", "unresolved", "anomalous", "nodata", "bad", "severe",
        "escalated", "acknowledged", "threats", "timed", "unknown", "pending", "regression", "breached", "violated", "violation",
        "degraded", "trouble", "investigating", "identified", "monitoring", "unreachable", "offline", "unavailable", "missing", "late", "occurred", "raised", "set",
    )
)  # fmt: skip
_WORD = re.compile(r"[A-Za-z]+")
_CAMEL = re.compile(r"(?<=[a-z])(?=[A-Z])")
_DENIED = frozenset(["not", "un"])
# A state is a few words; in a longer text only how it begins and ends tells, as in a title.
_MOST_WORDS = 5
_LONGEST = 500

_GRADE = re.compile(r"\b(p|prio|priority|s|sev|severity)[-_ ]?([0-5])\b", re.IGNORECASE)
_BRACKETED = re.compile(r"\W{0,3}?[\[({]([^\[\](){}]{1,60}(?:\{[^{}]{0,200}\}[^\[\](){}]{0,60})?)[\])}]\s*[:|–-]?\s*")
_HEADED = re.compile(
    r"\W{0,3}(new (?:alert|problem|incident)|problem|(?:re-?)?triggered|firing|alarm|alerting|opened|closed|"
    r"(?:resolved|updated problem)(?: in [\w ]{1,40})?|recovered|recovery|cleared|ok|acknowledged)\s*(?::|\s[–|-])\s+",
    re.IGNORECASE,
)
_ENDING = re.compile(
    r"\b(?:(?:is|was|has|been|have|now|again)\s+)+(?:back\s+)?(?:to\s+)?(\w+)(?:\s+again)?\s*[.!]?\s*$", re.IGNORECASE
)
_BEGINNING = re.compile(r"\W{0,3}(\w+)(?:\s+(?:on|for|at|from)\b|\s*[:|–-]\s|\s*$)", re.IGNORECASE)
_LAST = re.compile(r"\b(resolved|recovered|cleared|closed|triggered|back to normal)\s*[.!]?\s*$", re.IGNORECASE)
_BESIDE_STATES = frozenset(["on", "in", "re", "no", "data", "test", "p", "sev", "s", "monitor", "priority", "severity"])


class Title(NamedTuple):
    """A title without the marks in front of it, and what the marks say."""

    name: str
    status: AlertStatus | None = None
    severity: Severity = Severity.UNKNOWN


def status_of(*texts: str) -> AlertStatus | None:
    """The state that the first telling text speaks of; None when none does."""
    for each in texts:
        last = each[:_LONGEST].rpartition("->")[2]
        words = [word.lower() for word in _WORD.findall(_CAMEL.sub(" ", last))]
        found = _told(words) if len(words) <= _MOST_WORDS else _told_by_title(last)
        if found is not None:
            return found
    return None


def status_of_title(*texts: str) -> AlertStatus | None:
    """The same for titles, in which a word for a state may be about something else: `Success rate is low`."""
    return next((found for each in texts if (found := _told_by_title(each[:_LONGEST])) is not None), None)


def is_state(word: str) -> bool:
    """Whether it is a word for a state, in lower case."""
    return word in _ENDED or word in _BEGUN


def severity_of(*texts: str) -> Severity:
    """The first word or phrase that is known as a severity."""
    for each in texts:
        grades = [f"{grade[0]}{number}" if grade[0] == "p" else f"sev{number}" for grade, number in _grades(each)]
        for word in (each, *grades, *_WORD.findall(_CAMEL.sub(" ", each[:_LONGEST]))):
            known = parse_severity(word)
            if known is not Severity.UNKNOWN:
                return known
    return Severity.UNKNOWN


def split_title(title: str) -> Title:
    """`[P2] [Triggered] Lag` is Lag; brackets that say anything else stay. Without marks the title tells by how it begins and ends."""
    rest, status, severity = title, None, Severity.UNKNOWN
    while (mark := _mark(rest)) is not None:
        words, end = mark
        status = status or status_of(words)
        severity = severity if severity is not Severity.UNKNOWN else severity_of(_grade_in(words))
        rest = rest[end:]
    return Title(rest.strip() or title, status or status_of_title(title), severity)


def _mark(title: str) -> tuple[str, int] | None:
    headed = _HEADED.match(title)
    if headed is not None:
        return headed[1], headed.end()
    found = _BRACKETED.match(title)
    if found is None:
        return None
    words = found[1].partition(" on ")[0]
    telling = [word for word in _WORD.findall(words) if word.lower() not in _BESIDE_STATES]
    return (words, found.end()) if (telling or _grades(words)) and all(_is_mark(word) for word in telling) else None


def _is_mark(word: str) -> bool:
    return is_state(word.lower()) or parse_severity(word) is not Severity.UNKNOWN


def _grade_in(words: str) -> str:
    """What of a mark grades: an end (`OK`) does not, although it is a word on some scales."""
    if status_of(words) is AlertStatus.RESOLVED and not _grades(words):
        return ""
    return words


def _grades(text: str) -> list[tuple[str, str]]:
    return [(kind.lower(), number) for kind, number in _GRADE.findall(text[:_LONGEST])]


def _told(words: list[str]) -> AlertStatus | None:
    if _ENDED.intersection(words) and not _DENIED.intersection(words):
        return AlertStatus.RESOLVED
    return AlertStatus.FIRING if (_BEGUN | _ENDED).intersection(words) else None


def _told_by_title(title: str) -> AlertStatus | None:
    found = [each[1] for pattern in (_ENDING, _LAST) if (each := pattern.search(title)) is not None]
    first = _BEGINNING.match(title)
    found += [first[1]] if first is not None else []
    return next((told for word in found if (told := _told(word.lower().split()[-1:])) is not None), None)
