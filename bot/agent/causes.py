"""
Possible causes, scored from evidence. All pure.

Every change near the onset is a candidate. Time alone never decides: what counts most is whether the change shows up
in what failed, as its version, its service or the names that it touched. Without that, the pack is explained by
capacity, by a dependency, by nothing at all, or honestly not.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from bot.core.evidence import Evidence, EvidenceKind, EvidencePack
from bot.core.hypothesis import CauseClass, Claim, Suspect
from bot.core.runbook import Runbook
from bot.core.text import clip

_MOVED = 0.35
_TELLING = 0.5
WEAK_OVERLAP, _STRONG_OVERLAP = 0.4, 1.2
_RELATION = {"self": 0.7, "dependency": 0.6, "dependent": 0.45, "unrelated": -0.8}
_CLASSES = {
    "deploy": CauseClass.DEPLOY,
    "commit": CauseClass.DEPLOY,
    "config": CauseClass.CONFIG,
    "flag": CauseClass.FEATURE_FLAG,
    "scale": CauseClass.CAPACITY,
    "migration": CauseClass.DATA,
}
_IDENTIFIER = re.compile(r"[A-Za-z]\w*(?:[._/-]\w+)+|[a-z]+[A-Z]\w+|\w*_\w+")
_WORD = re.compile(r"[a-z]{5,}")
_COMMON = frozenset(
    ["about", "after", "again", "alert", "before", "between", "change", "changed", "changes", "check", "config", "could", "deploy", "detail", "error", "errors", "first", "from", "level", "other", "release", "request", "requests", "service", "services", "should", "state", "their", "there", "these", "times", "update", "using", "value", "version", "where", "which", "while"]
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """What the analyst knows beside the pack."""

    service: str
    onset: datetime
    dependencies: tuple[str, ...] = ()
    runbook: Runbook | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """A possible cause with its score (log-odds, up to a constant)."""

    score: float
    cause_class: CauseClass
    title: str
    suspect: Suspect | None
    claims: tuple[Claim, ...]
    check: str
    change: Evidence | None = None
    overlap: float = 0.0


# --- candidates ------------------------------------------------------------------------------------------------------


def blame(
    change: Evidence, changes: Sequence[Evidence], symptoms: Sequence[Evidence], first: datetime | None
) -> Candidate:
    facts = change.facts
    overlap, support = _overlap(change, changes, symptoms)
    score = 1 / (1 + lead_of(change) / 1800) + overlap + _relation(facts)
    own = [one for one in symptoms if one.service == change.service and _after(one, change)]
    score += 0.6 * max((one.weight for one in own), default=0.0)
    if first is not None and _at(change) > first + timedelta(seconds=30):
        # What moved before the change cannot have been moved by it.
        score -= 1.2
    kind = str(facts.get("kind", "deploy"))
    loud = [one for one in own if one.weight >= _TELLING]
    claims = [Claim(text=sentence(change.title[:1].upper() + change.title[1:]), evidence=(change.id,))]
    claims += [Claim(text=sentence(one.title), evidence=(one.id,)) for one in _strongest([*support, *loud], symptoms)]
    version = str(facts.get("version") or "")
    name = f"{change.service} {version}".strip()
    return Candidate(
        score=score,
        cause_class=_CLASSES.get(kind, CauseClass.DEPLOY),
        title=_headline(kind, name, title_of(change)),
        suspect=Suspect(service=change.service, change_id=str(facts.get("change_id"))),
        claims=tuple(claims),
        check=f"If undoing this {kind} on {change.service} does not stop the symptom, or the symptom began before {_at(change):%H:%M:%S}Z, it is not the cause.",
        change=change,
        overlap=overlap,
    )


def _headline(kind: str, name: str, title: str) -> str:
    """`Deploy of checkout 2.31.0`; with the change's own title where that says more than its name."""
    told = set(re.findall(r"[\w.]+", title.casefold())) <= set(re.findall(r"[\w.]+", f"{name} {kind}".casefold()))
    return f"{kind.capitalize()} of {name}" + ("" if told else f": {clip(title, 90)}")


def weakened(one: Candidate, best_overlap: float, loud: float) -> Candidate:
    """A change explains little when nothing moved, or when another one shows up in what failed and this one does not."""
    score = one.score - 3.0 * max(0.0, 0.5 - loud)
    if one.overlap < WEAK_OVERLAP and best_overlap >= _STRONG_OVERLAP:
        score -= 1.5
    return replace(one, score=score)


def _overlap(
    change: Evidence, changes: Sequence[Evidence], symptoms: Sequence[Evidence]
) -> tuple[float, list[Evidence]]:
    """How much of what was changed shows up in what failed, and where it does."""
    marks = _marks(change, changes)
    best: dict[str, float] = {}
    support: dict[str, float] = {}
    for one in symptoms:
        text = f"{one.title}\n{one.excerpt}".casefold()
        for mark, worth in marks.items():
            if one.service == change.service and mark == change.service.casefold():
                # A service's own telemetry always names it.
                continue
            if worth > 0 and _contains(text, mark):
                best[mark] = max(best.get(mark, 0.0), worth * one.weight)
                support[one.id] = support.get(one.id, 0.0) + worth * one.weight
    words = sorted((value for mark, value in best.items() if marks[mark] <= 0.2), reverse=True)
    strong = sum(value for mark, value in best.items() if marks[mark] > 0.2)
    ranked = sorted((one for one in symptoms if one.id in support), key=lambda one: (-support[one.id], one.id))
    return min(3.5, strong + sum(words[:3])), [one for one in ranked if support[one.id] >= 0.1]


def _marks(change: Evidence, changes: Sequence[Evidence]) -> dict[str, float]:
    """What would betray the change, with its worth; names that several changes share tell less."""
    facts = change.facts
    version, service = str(facts.get("version") or "").casefold(), change.service.casefold()
    text = f"{facts.get('title', '')} {facts.get('detail', '')}"
    marks: dict[str, float] = {word: 0.15 for word in _WORD.findall(text.casefold()) if word not in _COMMON}
    marks |= {name.casefold(): 0.6 for name in _IDENTIFIER.findall(text) if len(name) >= 4}
    others = [
        f"{one.facts.get('title', '')} {one.facts.get('detail', '')}".casefold() for one in changes if one is not change
    ]
    for mark in marks:
        marks[mark] /= 1 + sum(mark in other for other in others)
    marks[service] = 0.5
    if version and re.search(r"\d", version):
        marks[version] = 1.2 if version.count(".") >= 1 or len(version) >= 6 else 0.3
        marks[f"{service}/{version}"] = 1.2
    return marks


def _contains(text: str, mark: str) -> bool:
    return mark in text and re.search(rf"(?<![\w.]){re.escape(mark)}(?![\w]|\.\d)", text) is not None


def dependencies(symptoms: Sequence[Evidence], case: Case, first: datetime | None) -> list[Candidate]:
    """A dependency that fails itself, no later than the alerting service."""
    found: list[Candidate] = []
    for name in case.dependencies:
        own = [one for one in symptoms if one.service == name and one.weight >= _MOVED and _bad(one)]
        if not own:
            continue
        early = [
            one for one in own if first is None or (when := _when(one)) is None or when <= first + timedelta(seconds=60)
        ]
        score = 0.3 + 0.8 * max(one.weight for one in own) + (0.4 if early else -0.4)
        found.append(
            Candidate(
                score=score,
                cause_class=CauseClass.DEPENDENCY,
                title=f"{name}, which {case.service} depends on, is failing",
                suspect=Suspect(service=name),
                claims=tuple(Claim(text=sentence(one.title), evidence=(one.id,)) for one in own[:3]),
                check=f"If {name} answers normally while {case.service} keeps failing, it is not the cause.",
            )
        )
    return found


def capacity(symptoms: Sequence[Evidence], case: Case, overlap: float) -> Candidate:
    """A limit reached without a change that explains it."""
    full = [one for one in symptoms if one.kind is EvidenceKind.DIAGNOSTIC and _number(one.facts, "share") >= 0.8]
    pressed = [
        one
        for one in symptoms
        if one.facts.get("kind") in {"saturation", "traffic"} and one.facts.get("direction") == "rose"
    ]
    signs = by_weight([*full, *pressed])[:2]
    score = -0.6 + 0.9 * max((one.weight for one in signs), default=0.0) - 0.3 * min(overlap, 2.0)
    score += 0.5 * max((one.weight for one in pressed if one.facts.get("kind") == "traffic"), default=0.0)
    return Candidate(
        score=score,
        cause_class=CauseClass.CAPACITY,
        title=f"No change explains this: {case.service or 'the service'} reached a limit under its normal work",
        suspect=Suspect(service=case.service) if case.service else None,
        claims=tuple(Claim(text=sentence(one.title), evidence=(one.id,)) for one in signs),
        check="If one release or client alone holds what ran out, or load did not rise, it is not capacity.",
    )


def nothing(symptoms: Sequence[Evidence], pack: EvidencePack, case: Case) -> Candidate:
    """Nothing moved: the system is healthy, or healed itself."""
    loudest = loudest_of(symptoms)
    blind = sum(gap.what.split(" ")[0] in {"metrics", "logs", "MCP", "changes"} for gap in pack.gaps)
    score = 1.5 - 4 * max(0.0, loudest - 0.3) - 0.9 * blind
    quiet = by_weight(one for one in symptoms if one.kind is EvidenceKind.DIAGNOSTIC)[:2]
    return Candidate(
        score=score,
        cause_class=CauseClass.NO_CAUSE,
        title=f"Nothing moved around the alert: {case.service or 'the service'} looks healthy or healed itself",
        suspect=None,
        claims=tuple(Claim(text=sentence(one.title), evidence=(one.id,)) for one in quiet),
        check="If the alert's own expression still holds now, something is wrong that this evidence does not show.",
    )


def unknown(symptoms: Sequence[Evidence], pack: EvidencePack, case: Case) -> Candidate:
    """Something may be wrong and the evidence does not tell what."""
    loudest = by_weight(symptoms)[:2]
    return Candidate(
        score=0.1 + 0.3 * min(len(pack.gaps), 4),
        cause_class=CauseClass.UNKNOWN,
        title="The evidence does not tell the cause; none of the changes seen explains it",
        suspect=Suspect(service=case.service) if case.service else None,
        claims=tuple(Claim(text=sentence(one.title), evidence=(one.id,)) for one in loudest),
        check="A change, fault or load that shows up in what failed would name the cause.",
    )


# --- reading evidence ------------------------------------------------------------------------------------------------


def by_weight(found: Iterable[Evidence]) -> list[Evidence]:
    # Of equally loud findings a direct look tells more than a metric, and a metric more than a log line.
    bonus = {EvidenceKind.DIAGNOSTIC: 0.1, EvidenceKind.METRIC: 0.05}
    return sorted(found, key=lambda one: (-one.weight - bonus.get(one.kind, 0.0), one.id))


def _strongest(support: Sequence[Evidence], symptoms: Sequence[Evidence]) -> list[Evidence]:
    """Where the change shows up, then the loudest symptom; each once, three at most."""
    # A quiet line that merely names the change is no support as long as something loud names it too.
    telling = [one for one in support if one.weight >= _MOVED] or support[:1]
    ordered = dict.fromkeys([*[one.id for one in telling[:2]], *[one.id for one in by_weight(symptoms)[:2]]])
    known = {one.id: one for one in symptoms}
    return [known[eid] for eid in list(ordered)[:3]]


def loudest_of(symptoms: Iterable[Evidence]) -> float:
    return max((one.weight for one in symptoms if one.kind is not EvidenceKind.ALERT), default=0.0)


def first_symptom(symptoms: Sequence[Evidence]) -> datetime | None:
    """When the strongest signals first moved."""
    moved = [one for one in symptoms if one.kind in {EvidenceKind.METRIC, EvidenceKind.LOG} and one.weight >= 0.5]
    times = [when for one in by_weight(moved)[:3] if (when := _when(one)) is not None]
    return min(times, default=None)


def _when(one: Evidence) -> datetime | None:
    value = one.facts.get("at") or one.facts.get("first_at")
    return datetime.fromisoformat(value) if isinstance(value, str) else None


def _at(change: Evidence) -> datetime:
    return datetime.fromisoformat(str(change.facts["at"]))


def _after(one: Evidence, change: Evidence) -> bool:
    when = _when(one)
    return when is not None and when >= _at(change) - timedelta(seconds=30)


def _bad(one: Evidence) -> bool:
    if one.kind is EvidenceKind.LOG:
        return one.facts.get("level") in {"error", "fatal", "critical", "panic"}
    return (
        one.kind is EvidenceKind.DIAGNOSTIC
        or one.facts.get("kind") in {"errors", "latency", "saturation"}
        or "errors" in one.facts
    )


def lead_of(change: Evidence) -> float:
    return _number(change.facts, "seconds_before_alert")


def _relation(facts: Mapping[str, object]) -> float:
    kind = str(facts.get("relation", "unrelated"))
    value = _RELATION.get(kind, 0.0)
    return value / max(1.0, _number(facts, "distance")) if kind in {"dependency", "dependent"} else value


def _number(facts: Mapping[str, object], key: str) -> float:
    value = facts.get(key)
    return float(value) if isinstance(value, int | float) else 0.0


def title_of(change: Evidence) -> str:
    return str(change.facts.get("title") or change.title)


def sentence(text: str) -> str:
    """A finding as a sentence of its own."""
    text = text.strip()
    return text if text.endswith((".", "!", "?", "…")) else f"{text}."
