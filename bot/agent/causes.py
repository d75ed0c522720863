"""
Possible causes, scored from evidence. All pure.

Changes are weighed in `blame.py`. Beside them the pack may be explained by a runbook's sign, by a dependency that fails itself, by
load, by something operational that the systems name themselves, by nothing at all, or honestly not.
"""

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from bot.core.changes import Traits, akin
from bot.core.evidence import Evidence, EvidenceKind, EvidencePack
from bot.core.hypothesis import CauseClass, Claim, Suspect
from bot.core.metrics import share_of, tells_up
from bot.core.runbook import Runbook
from bot.core.signs import Sign, signs_in
from bot.core.weights import WEIGHTS

# What is quieter than this did not move.
MOVED = 0.35
WEAK_OVERLAP, _STRONG_OVERLAP = 0.4, 1.2
# Alerts tell what failed in a few words, so they count as loud as a clear metric; more when logs or metrics say the same.
ALERT_WEIGHT, _TOLD_TWICE = 0.7, 0.2
_LOAD_STRENGTH = 0.7
# At this score two thirds of what could speak for a cause do.
_TWO_THIRDS = 2.0
_MOST = 0.5
_DANGEROUS = 0.5
# `checkout/2.31.0`: the service and the release, as sessions carry them.
RELEASE_NAME = re.compile(
    r"^(?P<name>[A-Za-z][\w-]{0,80}?)[/ @:-]v?(?P<version>\d{1,5}\.\d{1,5}(?:\.\d{1,5})?[\w.+-]{0,30})$"
)
# Of a resource, what is used little.
_LITTLE = 0.5
_DIRECT = frozenset({EvidenceKind.DIAGNOSTIC, EvidenceKind.METRIC})


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """What the analyst knows beside the pack."""

    service: str
    onset: datetime
    dependencies: tuple[str, ...] = ()
    outside: tuple[str, ...] = ()
    """Services that somebody else runs."""
    runbook: Runbook | None = None
    words: str = ""
    """What the alerts and people said."""
    past: Mapping[CauseClass, int] = field(default_factory=dict[CauseClass, int])
    """How many of the service's labelled and imported incidents had which cause; empty without a past."""


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
    """How much of a change shows in what failed."""
    backing: float | None = None
    """0 to 1: what speaks for a change beyond its being there; None for what is no change, whose score says so."""
    traits: Traits | None = None
    reasons: tuple[str, ...] = ()
    """What a change does, in words."""


def support(one: Candidate) -> float:
    """
    0 to 1: how much speaks for a candidate by itself, however little speaks for the others.

    A share says only which candidate is best. One that nothing speaks for is best, too, where nothing speaks for any.
    """
    return one.backing if one.backing is not None else 1 - math.exp(-max(0.0, one.score) / _TWO_THIRDS)


# --- candidates ------------------------------------------------------------------------------------------------------


def weakened(one: Candidate, best_overlap: float, loud: float) -> Candidate:
    """A change explains little when nothing moved, or when another one shows up in what failed and this one does not."""
    score = one.score - 3.0 * max(0.0, 0.5 - loud)
    if one.overlap < WEAK_OVERLAP and best_overlap >= _STRONG_OVERLAP:
        score -= 1.5
    return replace(one, score=score)


def dependencies(
    symptoms: Sequence[Evidence], case: Case, first: datetime | None, blamed: Sequence[Candidate]
) -> list[Candidate]:
    """A dependency that fails itself, no later than the alerting service; less likely where a dangerous change of it tells why."""
    found: list[Candidate] = []
    idle = {(one.service, one.facts["metric"]) for one in symptoms if _idle(one)}
    for name in case.dependencies:
        own = [
            one
            for one in symptoms
            if one.service == name
            and one.weight >= MOVED
            and _bad(one)
            and (name, one.facts.get("metric", one.facts.get("series"))) not in idle
        ]
        if not own:
            continue
        early = [
            one for one in own if first is None or (when := _when(one)) is None or when <= first + timedelta(seconds=60)
        ]
        score = WEIGHTS.dependency_base + WEIGHTS.dependency * max(one.weight for one in own) + (0.4 if early else -0.4)
        score += WEIGHTS.root * max((one.weight for one in own if "root" in one.facts), default=0.0)
        score += WEIGHTS.down * any(_down(one) for one in own)
        score -= WEIGHTS.explained * _explained(name, case, blamed)
        found.append(
            Candidate(
                score=score,
                cause_class=_whose(name, case),
                title=f"{name}, which {case.service} depends on{_by_others(name, case)}, is failing",
                suspect=Suspect(service=name),
                claims=tuple(Claim(text=sentence(one.title), evidence=(one.id,)) for one in own[:3]),
                check=f"If {name} answers normally while {case.service} keeps failing, it is not the cause.",
            )
        )
    return found


def _explained(name: str, case: Case, blamed: Sequence[Candidate]) -> float:
    """0 to 1: the most dangerous change of a service, or of one that it is a part of, shortly before it began to fail."""
    return max(
        (
            one.traits.risk * one.traits.recent * (1 - one.traits.late)
            for one in blamed
            if one.traits is not None
            and one.suspect is not None
            and one.traits.risk >= _DANGEROUS
            and akin(one.suspect.service, name, case.service)
        ),
        default=0.0,
    )


def capacity(symptoms: Sequence[Evidence], case: Case, overlap: float) -> Candidate:
    """A limit reached without a change that explains it."""
    full = [one for one in symptoms if one.kind in _DIRECT and number_in(one.facts, "share") >= 0.8]
    pressed = [
        one
        for one in symptoms
        if one.facts.get("kind") in {"saturation", "traffic"} and one.facts.get("direction") == "rose"
    ]
    load = [one for one in symptoms if "load" in one.facts]
    signs = by_weight([*load, *full, *pressed])[:2]
    score = WEIGHTS.capacity_base + WEIGHTS.capacity * max((one.weight for one in signs), default=0.0)
    score -= 0.3 * min(overlap, 2.0)
    score += 0.5 * max((one.weight for one in pressed if one.facts.get("kind") == "traffic"), default=0.0)
    if load:
        rise = max(number_in(one.facts, "load") for one in load)
        score = max(
            score, WEIGHTS.sign_base + WEIGHTS.sign * _LOAD_STRENGTH * min(1.0, math.log2(max(rise, 1.0)) / 1.5)
        )
    return Candidate(
        score=score,
        cause_class=CauseClass.CAPACITY,
        title=f"No change explains this: {case.service or 'the service'} reached a limit under its normal work",
        suspect=Suspect(service=case.service) if case.service else None,
        claims=tuple(Claim(text=sentence(one.title), evidence=(one.id,)) for one in signs),
        check="If one release or client alone holds what ran out, or load did not rise, it is not capacity.",
    )


def operations(symptoms: Sequence[Evidence], case: Case) -> list[Candidate]:
    """Causes that the systems name themselves and that no change makes: certificates, machines, networks, providers, quotas, input."""
    best: dict[str, tuple[float, Sign, list[Evidence]]] = {}
    for one in by_weight(symptoms):
        for sign in signs_in(f"{one.title}\n{one.excerpt}"):
            loud, _, seen = best.get(sign.name, (0.0, sign, []))
            best[sign.name] = (max(loud, sign.strength * one.weight), sign, [*seen, one])
    for sign in signs_in(case.words):
        loud, _, seen = best.get(sign.name, (0.0, sign, []))
        best[sign.name] = (max(loud, ALERT_WEIGHT * sign.strength) + _TOLD_TWICE * bool(seen), sign, seen)
    return [_operational(loud, sign, seen, case) for loud, sign, seen in best.values() if seen]


def _operational(loud: float, sign: Sign, seen: Sequence[Evidence], case: Case) -> Candidate:
    where = seen[0].service or case.service
    below = where in case.dependencies
    # What is quieter by half is not quoted beside it: anybody can get a line logged once.
    telling = [one for one in seen if 2 * one.weight >= max(other.weight for other in seen)]
    name = (
        f"{where}, which {case.service} depends on{_by_others(where, case)}: {sign.name}"
        if below
        else f"No change explains this: {sign.name}"
    )
    return Candidate(
        score=WEIGHTS.sign_base + WEIGHTS.sign * loud,
        # Seen from the alerting service it is the dependency that fails, whatever ails it.
        cause_class=_whose(where, case) if below else sign.cause_class,
        title=name,
        suspect=Suspect(service=where),
        claims=tuple(Claim(text=sentence(one.title), evidence=(one.id,)) for one in telling[:3]),
        check=sign.check,
    )


def _whose(name: str, case: Case) -> CauseClass:
    return CauseClass.EXTERNAL if name in case.outside else CauseClass.DEPENDENCY


def _by_others(name: str, case: Case) -> str:
    return " and somebody else runs" if name in case.outside else ""


def signatures(symptoms: Sequence[Evidence], case: Case) -> list[Candidate]:
    """Causes whose signs the runbook's authors wrote down, and that hold."""
    found: dict[str, list[Evidence]] = {}
    for one in symptoms:
        if "signature" in one.facts:
            found.setdefault(str(one.facts["signature"]), []).append(one)
    return [
        Candidate(
            score=WEIGHTS.sign_base + WEIGHTS.sign * max(number_in(one.facts, "weight") for one in seen),
            cause_class=_class_of(str(seen[0].facts.get("cause_class", ""))),
            title=cause[:1].upper() + cause[1:],
            suspect=Suspect(service=_released(seen, symptoms) or seen[0].service or case.service),
            claims=tuple(Claim(text=sentence(one.title), evidence=(one.id,)) for one in by_weight(seen)[:3]),
            check=f"If the sign no longer holds and {case.service or 'the service'} keeps failing, it is not the cause.",
        )
        for cause, seen in found.items()
    ]


def _released(seen: Sequence[Evidence], symptoms: Sequence[Evidence]) -> str:
    """Whose release a sign of a release is about: who holds most of what ran out, by the name that its sessions carry."""
    if str(seen[0].facts.get("cause_class", "")) != CauseClass.DEPLOY:
        return ""
    holders = [
        (one.weight, match["name"])
        for one in symptoms
        if number_in(one.facts, "share") >= _MOST
        and (match := RELEASE_NAME.match(str(one.facts.get("application", ""))))
    ]
    return max(holders, default=(0.0, ""))[1]


def _class_of(value: str) -> CauseClass:
    return CauseClass(value) if value in set(CauseClass) else CauseClass.UNKNOWN


def nothing(symptoms: Sequence[Evidence], pack: EvidencePack, case: Case) -> Candidate:
    """Nothing moved: the system is healthy, or healed itself."""
    loudest = loudest_of(symptoms)
    blind = sum(gap.what.split(" ")[0] in {"metrics", "logs", "MCP", "changes"} for gap in pack.gaps)
    score = WEIGHTS.quiet - WEIGHTS.loud * max(0.0, loudest - 0.3) - 0.9 * blind
    over = [one for one in symptoms if "healed" in one.facts]
    if over:
        # The systems say themselves that it is over.
        score = max(
            score, WEIGHTS.sign_base + WEIGHTS.sign * min(1.0, sum(number_in(one.facts, "healed") for one in over))
        )
    quiet = over or by_weight(one for one in symptoms if one.kind is EvidenceKind.DIAGNOSTIC)[:2]
    return Candidate(
        score=score,
        cause_class=CauseClass.NO_CAUSE,
        title=f"Nothing moved around the alert: {case.service or 'the service'} looks healthy or healed itself",
        suspect=None,
        claims=tuple(Claim(text=sentence(one.title), evidence=(one.id,)) for one in quiet),
        check="If the alert's own expression still holds now, something is wrong that this evidence does not show.",
    )


def unknown(symptoms: Sequence[Evidence], pack: EvidencePack, case: Case, blamed: Sequence[Candidate]) -> Candidate:
    """Something may be wrong and the evidence does not tell what; likelier when diffs were read and none of them is dangerous."""
    loudest = by_weight(symptoms)[:2]
    near = [one.traits for one in blamed if one.traits is not None and one.traits.relation > 0]
    read = any(one.harmless for one in near)
    return Candidate(
        score=0.1 + 0.3 * min(len(pack.gaps), 4) + WEIGHTS.unexplained * read,
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


def at_of(change: Evidence) -> datetime:
    return datetime.fromisoformat(str(change.facts["at"]))


def after(one: Evidence, change: Evidence) -> bool:
    when = _when(one)
    return when is not None and when >= at_of(change) - timedelta(seconds=30)


def _down(one: Evidence) -> bool:
    """Its own exporter or the scrape of it says that it is not there."""
    return tells_up(str(one.facts.get("metric", ""))) and (one.facts.get("before"), one.facts.get("after")) == (1, 0)


def _bad(one: Evidence) -> bool:
    if one.kind is EvidenceKind.LOG:
        return one.facts.get("level") in {"error", "fatal", "critical", "panic"}
    return (
        one.kind is EvidenceKind.DIAGNOSTIC
        or _down(one)
        or one.facts.get("kind") in {"errors", "latency", "saturation"}
        or "errors" in one.facts
    )


def _idle(one: Evidence) -> bool:
    """A resource that is used more than before, and little all the same."""
    share = share_of(str(one.facts.get("metric", "")), "", number_in(one.facts, "after"))
    return one.facts.get("kind") == "saturation" and share is not None and share < _LITTLE


def lead_of(change: Evidence) -> float:
    return number_in(change.facts, "seconds_before_alert")


def number_in(facts: Mapping[str, object], key: str) -> float:
    value = facts.get(key)
    return float(value) if isinstance(value, int | float) else 0.0


def title_of(change: Evidence) -> str:
    return str(change.facts.get("title") or change.title)


def sentence(text: str) -> str:
    """A finding as a sentence of its own."""
    text = text.strip()
    return text if text.endswith((".", "!", "?", "…")) else f"{text}."
