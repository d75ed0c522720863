"""
Releases that no change log tells of: a start line with a version, or sessions that belong to one.

Change logs are away, late or forgotten; the systems themselves say what runs. All pure.
"""

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import timedelta
from typing import cast

from bot.agent.causes import RELEASE_NAME, Candidate, Case, at_of, loudest_of, number_in, sentence
from bot.agent.findings import evidence
from bot.agent.subject import Subject
from bot.core.evidence import Evidence, EvidenceKind, Window
from bot.core.hypothesis import CauseClass, Claim, Suspect
from bot.core.loglines import LogRecord
from bot.core.service import Service
from bot.core.text import clip, one_line
from bot.core.weights import WEIGHTS

# Three numbers, or two after a `v` or the word: times, shares and addresses have their own forms.
_THREE = r"\d{1,5}\.\d{1,5}\.\d{1,5}(?:[-+][0-9A-Za-z][\w.]{0,30})?"
_VERSION = rf"(?:v?({_THREE})|v(\d{{1,5}}\.\d{{1,5}}))"
_ENDS = r"(?![\w.:%])(?!\s*(?:s|ms|secs?|seconds?|minutes?|h|hours?|MB|GB|%)\b)"
_VERB = r"(?:start(?:s|ed|ing)?|boot(?:s|ed|ing)?|launch(?:es|ed|ing)?|running|deployed|upgraded|version)"
_STARTS = re.compile(
    rf"\b{_VERB}\b[^\n]{{0,60}}?(?<![\w.:/]){_VERSION}{_ENDS}|(?<![\w.:/]){_VERSION}{_ENDS}[^\n]{{0,20}}?\b{_VERB}\b",
    re.IGNORECASE,
)
_LONGEST_LINE = 400
# Things whose versions are no release of the service that logs them.
_OTHERS = re.compile(
    r"\b(?:TLS|HTTPS?|SSL|IP|python|java|jdk|jvm|node|nodejs|go|ruby|php|dotnet|linux|kernel|protocol|postgres\w*|redis|kafka|schema|driver|client|library|"
    r"tomcat|jetty|netty|spring|uvicorn|gunicorn|nginx|envoy|puma|werkzeug|django|flask|express|rails|grpc)\b",
    re.IGNORECASE,
)
_RELEASES = frozenset({"deploy", "commit"})
_WITHIN = timedelta(hours=1)
_AFTER = timedelta(seconds=60)
_LOUD = 0.5
_LINE_WEIGHT, _LINE_STRENGTH, _SESSION_STRENGTH = 0.4, 0.5, 0.9


def from_logs(
    records: Sequence[LogRecord],
    queries: Mapping[str, str],
    told: Collection[tuple[str, str]],
    subject: Subject,
    window: Window,
) -> list[Evidence]:
    """The last start of another version of each service in the hour before the alert; `told` are services with versions that the catalogue or its changes speak of."""
    found: list[Evidence] = []
    for service in dict.fromkeys(one.service for one in records):
        own = [one for one in records if one.service == service]
        starts = [(one, version) for one in own if (version := _started(one.text)) and _near(one, subject)]
        if not starts:
            continue
        last, version = max(starts, key=lambda pair: pair[0].at)
        before = [one for one in own if one.at < last.at]
        # What was not seen running before may have run as this version for months; what had it before was only restarted.
        other = before and (service, version) not in told
        if other and not any(_speaks_of(version, one.text) for one in before):
            found.append(
                _finding(
                    last, version, queries.get(service, next(iter(queries.values()), "read_logs")), subject, window
                )
            )
    return found


def told_of(services: Iterable[Service]) -> frozenset[tuple[str, str]]:
    """Services with the versions that the catalogue and its changes speak of."""
    return frozenset(
        (one.name, version.removeprefix("v"))
        for one in services
        for version in (one.version, *(change.version for change in one.changes))
    )


def _near(one: LogRecord, subject: Subject) -> bool:
    return subject.onset - _WITHIN <= one.at <= subject.onset + _AFTER


def _started(text: str) -> str:
    match = _STARTS.search(text[:_LONGEST_LINE])
    if match is None:
        return ""
    version = next(one for one in match.groups() if one)
    return "" if _OTHERS.search(match.string[: match.end()]) else version


def _speaks_of(version: str, text: str) -> bool:
    return re.search(rf"(?<![\w.]){re.escape(version)}(?![\w.])", text) is not None


def _finding(line: LogRecord, version: str, query: str, subject: Subject, window: Window) -> Evidence:
    lead = round((subject.onset - line.at).total_seconds())
    when = f"{lead} s before the alert" if lead >= 0 else f"{-lead} s after the alert"
    said = f"{line.service} says at {line.at:%H:%M:%S}Z, {when}, that it starts {version}"
    return evidence(
        kind=EvidenceKind.LOG,
        source="read_logs",
        service=line.service,
        title=said,
        query=query,
        window=window,
        excerpt=f"{said}\nexample: {clip(one_line(line.text), 600)}",
        weight=_LINE_WEIGHT,
        facts={"starts": version, "at": line.at.isoformat(), "level": line.level.lower() or "log"},
    )


def _info(one: Evidence) -> tuple[str, str] | None:
    """`checkout_build_info{version="2.31.0"}` appeared: the field's way to tell which version runs."""
    labels = one.facts.get("labels")
    name = str(one.facts.get("metric", ""))
    if (
        not name.endswith("_build_info")
        or _OTHERS.search(name.replace("_", " "))
        or one.facts.get("direction") != "appeared"
    ):
        return None
    version = cast("Mapping[str, object]", labels).get("version") if isinstance(labels, Mapping) else None
    return (one.service, version.removeprefix("v")) if isinstance(version, str) and version else None


def unrecorded(symptoms: Sequence[Evidence], changes: Sequence[Evidence], case: Case) -> list[Candidate]:
    """A release that the systems show and that no change tells of."""
    told = {(one.service, str(one.facts.get("version", "")).removeprefix("v")) for one in changes}
    best: dict[tuple[str, str], tuple[float, list[Evidence]]] = {}
    for one in symptoms:
        named = _release(one)
        if named is None or named in told or any(_tells(change, named[0], case) for change in changes):
            continue
        strength = _SESSION_STRENGTH * one.weight if "application" in one.facts else _LINE_STRENGTH
        loud, seen = best.get(named, (0.0, []))
        best[named] = max(loud, strength), [*seen, one]
    moved = loudest_of(symptoms)
    return [_candidate(name, version, loud, moved, seen, case) for (name, version), (loud, seen) in best.items()]


def _tells(change: Evidence, service: str, case: Case) -> bool:
    """Whether a change that the log tells of may be the release, under a version by another name."""
    lead = case.onset - at_of(change)
    return change.service == service and change.facts.get("kind") in _RELEASES and timedelta() <= lead <= _WITHIN


def _release(one: Evidence) -> tuple[str, str] | None:
    """The service and version that a finding names."""
    if "starts" in one.facts:
        return one.service, str(one.facts["starts"])
    if (told := _info(one)) is not None:
        return told
    match = RELEASE_NAME.match(str(one.facts.get("application", "")))
    # Who holds hardly anything of what ran out has released nothing that matters.
    if match is None or one.weight < _LOUD or number_in(one.facts, "share") < _LOUD:
        return None
    return match["name"], match["version"]


def _candidate(name: str, version: str, loud: float, moved: float, seen: Iterable[Evidence], case: Case) -> Candidate:
    return Candidate(
        # As with recorded changes, a release explains little when nothing moved.
        score=WEIGHTS.sign_base + WEIGHTS.sign * (loud - max(0.0, _LOUD - moved)),
        cause_class=CauseClass.DEPLOY,
        title=f"{name} {version}, a release that no change log tells of",
        suspect=Suspect(service=name),
        claims=tuple(Claim(text=sentence(one.title), evidence=(one.id,)) for one in list(seen)[:3]),
        check=f"If {name} ran {version} long before {case.service or 'the trouble'} began to fail, the release is not the cause.",
    )
