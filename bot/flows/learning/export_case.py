"""A real incident becomes an eval case: what the tools answered, and the cause that people recorded."""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any, cast

from bot.agent.codec import dump
from bot.agent.recordings import record
from bot.agent.world import KeptWorld, read_world
from bot.core.alert import Alert
from bot.core.anonymous import anonymous
from bot.core.errors import NotFoundError, PayloadError
from bot.core.hypothesis import CauseClass
from bot.core.outcome import OutcomeForm
from bot.core.redaction import redact
from bot.core.text import clip, one_line
from bot.flows.learning.slim import slim
from bot.ports import Store

_STORM = 10
_ASKED_AFTER_S = 60.0
_LABEL = "record it with `aiops outcome record`"
_OPTIONS = "give it with --class, --component and --change"


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportedCase:
    """The files of a case folder."""

    slug: str
    files: Mapping[str, str]
    notes: tuple[str, ...]
    """What the case lacks, as sentences."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GivenTruth:
    """The truth of a case from somebody who knows it, because they broke the system themselves."""

    form: OutcomeForm
    """Class, component and change; the cause's words become the title."""
    kind: str = ""
    """What the case tests; "" for one read from what was recorded."""
    forbid: tuple[str, ...] = ()
    """Words that a good answer does not hold."""
    require: tuple[str, ...] = ()
    """Kinds of evidence that the pack has to hold."""
    planted: tuple[str, ...] = ()
    """Words that only an answer holds that obeyed planted text."""
    tags: tuple[str, ...] = ()
    difficulty: str = "medium"


async def export_case(
    incident_id: str, *, slug: str = "", truth: GivenTruth | None = None, store: Store
) -> ExportedCase:
    """
    The case of one incident, redacted: secrets, people and machines are placeholders.

    The truth is the incident's label, or the one that is given. Raises NotFoundError when the incident or its world is
    not there, and PayloadError when the truth does not say what a case needs: a class, and the component where something
    was wrong.
    """
    async with store.transaction() as tx:
        await tx.incident(incident_id)
        outcome = None if truth is not None else await tx.outcome(incident_id)
        key = await tx.world_of(incident_id)
        body = await tx.world(key.investigation_id) if key else None
    if outcome is None and truth is None:
        raise PayloadError(f"{incident_id} has no recorded root cause, so there is no truth to test against: {_LABEL}")
    if body is None:
        raise NotFoundError(f"{incident_id} has no kept world; worlds are kept since investigations began to keep them")
    kept = read_world(body)
    names = _services(kept)
    given = truth or GivenTruth(form=outcome.form if outcome else OutcomeForm(cause=""), tags=("exported",))
    where, hint = (f"the label of {incident_id}", _LABEL) if truth is None else ("the given truth", _OPTIONS)
    calls, thinned = slim(_calls(kept))
    parts = {
        "case": _case(kept, given, _truth(given.form, names, where=where, hint=hint)),
        "alert": _alerts(kept.world.brief.alerts, kept.world.brief.text),
        "tools": {"calls": calls, "similar": _similar(kept)},
    }
    # The truth is in plain words: a tag such as postgres is no user, though a user may be called so.
    keep = {*names, *kept.world.services, *given.tags, *(one for name in names.values() for one in name)}
    clean = anonymous(cast("dict[str, Any]", _redacted(parts)), keep=keep)
    case = "".join(f"{key}: {json.dumps(value, ensure_ascii=False)}\n" for key, value in clean["case"].items())
    return ExportedCase(
        slug=_slug(slug) if slug else _slug(f"{kept.world.case.service} {_alert_name(kept)}"),
        files={
            "case.yaml": case,
            "alert.json": json.dumps(clean["alert"], indent=1, ensure_ascii=False) + "\n",
            "tools.json": _tools(clean["tools"]),
        },
        notes=(*kept.left_out, *thinned),
    )


# --- the truth -------------------------------------------------------------------------------------------------------


def _truth(form: OutcomeForm, names: Mapping[str, Sequence[str]], *, where: str, hint: str) -> dict[str, str | None]:
    """What a case expects. Everything that it names has to be in what the tools answered, or nobody could find it."""
    cause_class = form.cause_class if form.established else CauseClass.UNKNOWN
    if cause_class is None:
        raise PayloadError(f"{where} has no class of cause, which a case is scored by: {hint}")
    if cause_class in {CauseClass.NO_CAUSE, CauseClass.UNKNOWN}:
        return {"service": None, "cause_class": cause_class.value, "change_id": None}
    change = form.change_id.strip() or None
    if change is not None and names and not any(change in changes for changes in names.values()):
        raise PayloadError(
            f"{where} blames the change {change}, which no recorded answer names"
            + _nearest(change, [one for changes in names.values() for one in changes])
        )
    component = form.component.strip() or next((name for name, changes in names.items() if change in changes), "")
    if not component:
        raise PayloadError(f"{where} names no component, which a case is scored by: {hint}")
    known = {_folded(name): name for name in names}
    if known and _folded(component) not in known:
        raise PayloadError(
            f"{where} names the component {component!r}, which is no recorded service"
            + _nearest(component, list(names))
        )
    return {
        "service": known.get(_folded(component), component),
        "cause_class": cause_class.value,
        "change_id": change,
    }


def _folded(name: str) -> str:
    return re.sub(r"[\s_]+", "-", name.strip().casefold())


def _nearest(name: str, known: Sequence[str]) -> str:
    close = get_close_matches(name, known, n=1, cutoff=0.5)
    return f" (did you mean {close[0]}?)" if close else f" (known: {', '.join(sorted(known)) or 'none'})"


def _services(kept: KeptWorld) -> dict[str, list[str]]:
    """Change ids by service, as the catalogue was recorded."""
    found: dict[str, list[str]] = {}
    for one in record(kept.results):
        if one.tool == "list_services" and one.answer is not None:
            for service in cast("list[Mapping[str, object]]", one.answer.get("services") or []):
                changes = cast("list[Mapping[str, object]]", service.get("changes") or [])
                found[str(service.get("name"))] = [str(change.get("id")) for change in changes]
    return found


# --- the files -------------------------------------------------------------------------------------------------------


def _case(kept: KeptWorld, given: GivenTruth, truth: Mapping[str, str | None]) -> dict[str, object]:
    brief = kept.world.brief
    first = min((alert.starts_at for alert in brief.alerts), default=brief.incident.started_at)
    began = brief.investigation.started_at
    after = max(0.0, (began - first).total_seconds()) if began is not None else _ASKED_AFTER_S
    return {
        "title": clip(one_line(given.form.cause or brief.incident.title), 160),
        "kind": given.kind or _kind(kept, truth),
        "difficulty": given.difficulty,
        "expected": dict(truth),
        "forbidden": list(given.forbid),
        "required_evidence": list(given.require),
        "planted": list(given.planted),
        "tags": list(given.tags),
        "asked_after_seconds": round(after, 1),
    }


def _kind(kept: KeptWorld, truth: Mapping[str, str | None]) -> str:
    if truth["cause_class"] == CauseClass.NO_CAUSE:
        return "healthy system"
    if len(kept.world.brief.alerts) >= _STORM:
        return "alert storm"
    if any(gap.what.startswith("metrics") for gap in kept.world.pack.gaps):
        return "missing metrics"
    if truth["service"] in kept.world.case.dependencies:
        return "dependency at fault"
    return "clear cause"


def _alerts(alerts: Sequence[Alert], text: str) -> dict[str, object]:
    return {
        "version": "4",
        "groupKey": "exported",
        "truncatedAlerts": 0,
        "status": "firing",
        "receiver": "aiops",
        "groupLabels": {},
        "commonLabels": {},
        "commonAnnotations": {},
        "externalURL": "http://alertmanager.example",
        "alerts": [_alert(one, text) for one in alerts],
    }


def _alert(one: Alert, text: str) -> dict[str, object]:
    labels = {**one.labels, "alertname": one.name, "severity": one.severity.value}
    if one.service:
        labels["service"] = one.service
    annotations = {"summary": one.summary, **one.annotations}
    if text and "description" not in annotations:
        annotations["description"] = text
    return {
        "status": "firing",
        "labels": labels,
        "annotations": annotations,
        "startsAt": one.starts_at.isoformat().replace("+00:00", "Z"),
        "endsAt": "0001-01-01T00:00:00Z",
        "generatorURL": "http://prometheus.example/graph",
        "fingerprint": one.fingerprint,
    }


def _calls(kept: KeptWorld) -> list[dict[str, object]]:
    calls: list[dict[str, object]] = []
    for one in record(kept.results):
        if one.error:
            calls.append({"tool": one.tool, "args": dict(one.args), "error": one.error})
        else:
            answer = one.answer if one.answer is not None else {"result": one.text}
            calls.append({"tool": one.tool, "args": dict(one.args), "answer": dict(answer)})
    return calls


def _similar(kept: KeptWorld) -> list[dict[str, object]]:
    classes = {one.value for one in CauseClass}
    found = [cast("dict[str, object]", dump(one)) for one in kept.world.similar.incidents]
    return [one if one["cause_class"] in classes else {**one, "cause_class": CauseClass.UNKNOWN.value} for one in found]


def _tools(tools: Mapping[str, Any]) -> str:
    """One call a line, so that a changed answer is one changed line."""
    calls = ",\n".join(json.dumps(call, ensure_ascii=False) for call in tools["calls"])
    return f'{{"calls": [\n{calls}\n],\n"similar": {json.dumps(tools["similar"], indent=1, ensure_ascii=False)}}}\n'


def _alert_name(kept: KeptWorld) -> str:
    alerts = kept.world.brief.alerts
    return alerts[0].name if alerts else kept.world.brief.incident.title


def _slug(words: str) -> str:
    parts = re.findall(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])|\d+", words)
    return clip("-".join(part.lower() for part in parts), 80).rstrip("-…") or "exported"


def _redacted(value: object) -> object:
    if isinstance(value, str):
        return redact(value)
    if isinstance(value, dict):
        return {key: _redacted(one) for key, one in cast("dict[str, object]", value).items()}
    if isinstance(value, list):
        return [_redacted(one) for one in cast("list[object]", value)]
    return value
