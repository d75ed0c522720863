"""Every change near the onset as a candidate, scored by what it does and where it shows. All pure."""

import re
from collections.abc import Mapping, Sequence
from typing import cast

from bot.agent.beginnings import beginnings, late, recent
from bot.agent.causes import (
    ALERT_WEIGHT,
    MOVED,
    Candidate,
    Case,
    after,
    at_of,
    by_weight,
    lead_of,
    number_in,
    sentence,
    title_of,
)
from bot.core.changes import (
    Symptom,
    Traits,
    akin,
    backing,
    change_words,
    name_words,
    numbers_shown,
    overlap,
    score,
    shared_words,
    words_of,
)
from bot.core.diffs import Nature, read_change
from bot.core.evidence import Evidence, EvidenceKind
from bot.core.hypothesis import CauseClass, Claim, Suspect
from bot.core.mechanisms import fits
from bot.core.text import clip

_TELLING = 0.5
# Up to the first a diff that was read holds nothing dangerous; up to the second it has to show in what failed to matter.
_HARMLESS, _MILD, _SHOWN = 0.3, 0.45, 0.3
# What does less than this cannot make anything fail, whatever it names.
_STILL = 0.2
_RELATION = {"self": 0.7, "dependency": 0.6, "dependent": 0.45, "unrelated": -0.8}
_CLASSES = {
    "deploy": CauseClass.DEPLOY,
    "commit": CauseClass.DEPLOY,
    "config": CauseClass.CONFIG,
    "flag": CauseClass.FEATURE_FLAG,
    "scale": CauseClass.CAPACITY,
    "migration": CauseClass.DATA,
}
_NAMED_AFTER = 0.3
_MOST_NAMED, _SPOKEN = 3.5, 0.6
_MASKED = re.compile(r"<[\w*]{1,5}>")
_IDENTIFIER = re.compile(r"[A-Za-z]\w*(?:[._/-]\w+)+|[a-z]+[A-Z]\w+|\w*_\w+")


def blame(changes: Sequence[Evidence], symptoms: Sequence[Evidence], case: Case) -> list[Candidate]:
    """A candidate for each change that came before the alert."""
    # A list of changes names every change, so it is no symptom of any.
    symptoms = [one for one in symptoms if one.source != "list_services"]
    natures = {one.id: nature_of(one.facts) for one in changes}
    words = {eid: change_words(nature) for eid, nature in natures.items()}
    seen = [_symptom(one) for one in symptoms]
    seen.append(Symptom(words=words_of(case.words), weight=ALERT_WEIGHT))
    began = beginnings(symptoms)
    told = [(f"{one.title}\n{one.excerpt}", one.weight) for one in symptoms] + [(case.words, ALERT_WEIGHT)]
    found: list[Candidate] = []
    for change in changes:
        if lead_of(change) < 0:
            continue
        at = at_of(change)
        common = words_of(f"{change.service} {case.service}")
        others = [words[one.id] for one in changes if one is not change]
        shared, shown = shared_words(words[change.id], others, seen, common)
        named, support = _named(change, changes, symptoms, natures)
        spoken = _spoken(change, symptoms, natures)
        own = [one for one in symptoms if one.service == change.service and after(one, change)]
        looks = fits(natures[change.id].reasons, told)
        traits = Traits(
            recent=recent(at, began, case.onset),
            relation=_relation(change, words[change.id], spoken, case),
            own=max((one.weight for one in own), default=0.0),
            named=min(_MOST_NAMED, named + _SPOKEN * spoken),
            risk=natures[change.id].risk,
            fits=looks,
            words=shared,
            numbers=numbers_shown(natures[change.id], seen),
            harmless=float(_harmless(natures[change.id], shared, spoken, looks)),
            read=natures[change.id].read,
            late=late(at, began),
        )
        touching = [one for one in symptoms if _words(one) & set(shown)]
        found.append(_candidate(change, traits, natures[change.id], [*support, *touching], own, symptoms))
    return found


def _harmless(nature: Nature, shared: float, spoken: float, looks: float) -> bool:
    if nature.risk > _STILL and spoken >= _TELLING:
        return False
    return nature.read and (nature.risk <= _HARMLESS or (nature.risk <= _MILD and (shared < _SHOWN or looks == 0)))


def nature_of(facts: Mapping[str, object]) -> Nature:
    """What a change does, read when it was gathered; from its words where that was not kept."""
    kept = facts.get("nature")
    if isinstance(kept, Mapping):
        values = cast("Mapping[str, object]", kept)
        return Nature(
            risk=number_in(values, "risk"),
            reasons=tuple(str(one) for one in _list(values.get("reasons"))),
            words=frozenset(str(one) for one in _list(values.get("words"))),
            names=frozenset(str(one) for one in _list(values.get("names"))),
            moved=tuple(pair for one in _list(values.get("moved")) if (pair := _pair(one)) is not None),
            read=bool(values.get("read")),
        )
    return read_change(str(facts.get("kind", "deploy")), str(facts.get("title", "")), str(facts.get("detail", "")))


def _list(value: object) -> Sequence[object]:
    return cast("Sequence[object]", value) if isinstance(value, list | tuple) else ()


def _pair(value: object) -> tuple[float, float] | None:
    numbers = [float(one) for one in _list(value) if isinstance(one, int | float)]
    return (numbers[0], numbers[1]) if len(numbers) == 2 else None


def _words(one: Evidence) -> frozenset[str]:
    """What a finding says, without what stands for masked values: `<text>` is no word of any system."""
    return words_of(_MASKED.sub(" ", f"{one.title} {one.excerpt}"))


def _symptom(one: Evidence) -> Symptom:
    before, after_ = one.facts.get("before"), one.facts.get("after")
    levels = None
    if "metric" in one.facts and isinstance(before, int | float) and isinstance(after_, int | float):
        levels = (float(before), float(after_))
    return Symptom(words=_words(one), weight=one.weight, levels=levels)


def _candidate(
    change: Evidence,
    traits: Traits,
    nature: Nature,
    support: Sequence[Evidence],
    own: Sequence[Evidence],
    symptoms: Sequence[Evidence],
) -> Candidate:
    kind = str(change.facts.get("kind", "deploy"))
    loud = [one for one in own if one.weight >= _TELLING]
    claims = [Claim(text=sentence(change.title[:1].upper() + change.title[1:]), evidence=(change.id,))]
    claims += [Claim(text=sentence(one.title), evidence=(one.id,)) for one in _strongest([*support, *loud], symptoms)]
    version = str(change.facts.get("version") or "")
    name = f"{change.service} {version}".strip()
    return Candidate(
        score=score(traits),
        cause_class=_CLASSES.get(kind, CauseClass.DEPLOY),
        title=_headline(kind, name, title_of(change)),
        suspect=Suspect(service=change.service, change_id=str(change.facts.get("change_id"))),
        claims=tuple(claims),
        check=f"If undoing this {kind} on {change.service} does not stop the symptom, or the symptom began before {at_of(change):%H:%M:%S}Z, it is not the cause.",
        change=change,
        overlap=overlap(traits),
        backing=backing(traits),
        traits=traits,
        reasons=nature.reasons,
    )


def _headline(kind: str, name: str, title: str) -> str:
    """`Deploy of checkout 2.31.0`; with the change's own title where that says more than its name."""
    told = set(re.findall(r"[\w.]+", title.casefold())) <= set(re.findall(r"[\w.]+", f"{name} {kind}".casefold()))
    return f"{kind.capitalize()} of {name}" + ("" if told else f": {clip(title, 90)}")


def _spoken(change: Evidence, symptoms: Sequence[Evidence], natures: Mapping[str, Nature]) -> float:
    """
    0 to 1: the loudest log line that names something which only this change uses otherwise than before.

    `undefined method copay_for` is about the change that calls `copay_for`. Metrics have names for everything, so they do not count.
    """
    others = [nature.names for eid, nature in natures.items() if eid != change.id]
    said = [(f"{one.title}\n{one.excerpt}".casefold(), one.weight) for one in symptoms if one.kind is EvidenceKind.LOG]
    return max(
        (
            weight / (1 + sum(name in other for other in others))
            for name in natures[change.id].names
            for text, weight in said
            if _contains(text, name.casefold())
        ),
        default=0.0,
    )


def _named(
    change: Evidence, changes: Sequence[Evidence], symptoms: Sequence[Evidence], natures: Mapping[str, Nature]
) -> tuple[float, list[Evidence]]:
    """How loudly the change's version, service and identifiers stand in what failed, and where."""
    marks = _marks(change, changes, natures[change.id])
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
    ranked = sorted((one for one in symptoms if one.id in support), key=lambda one: (-support[one.id], one.id))
    return min(_MOST_NAMED, sum(best.values())), [one for one in ranked if support[one.id] >= 0.1]


def _marks(change: Evidence, changes: Sequence[Evidence], nature: Nature) -> dict[str, float]:
    """Names that would betray the change, with their worth; those that several changes share tell less."""
    facts = change.facts
    version, service = str(facts.get("version") or "").casefold(), change.service.casefold()
    # A diff is full of names that its change does not touch; its words are weighed elsewhere.
    text = f"{facts.get('title', '')} {'' if nature.read else facts.get('detail', '')}"
    marks = {name.casefold(): 0.6 for name in _IDENTIFIER.findall(text) if len(name) >= 4}
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


def _strongest(support: Sequence[Evidence], symptoms: Sequence[Evidence]) -> list[Evidence]:
    """Where the change shows up, then the loudest symptom; each once, three at most."""
    # A quiet line that merely names the change is no support as long as something loud names it too.
    telling = [one for one in support if one.weight >= MOVED] or support[:1]
    ordered = dict.fromkeys([*[one.id for one in telling[:2]], *[one.id for one in by_weight(symptoms)[:2]]])
    known = {one.id: one for one in symptoms}
    return [known[eid] for eid in list(ordered)[:3]]


def _relation(change: Evidence, words: frozenset[str], spoken: float, case: Case) -> float:
    kind = str(change.facts.get("relation", "unrelated"))
    if kind == "unrelated" and (spoken >= _TELLING or _kin(change.service, words, case)):
        return _NAMED_AFTER
    value = _RELATION.get(kind, 0.0)
    distance = number_in(change.facts, "distance")
    return value / max(1.0, distance) if kind in {"dependency", "dependent"} else value


def _kin(service: str, words: frozenset[str], case: Case) -> bool:
    """
    Whether a change of a service that nobody calls is about the alerting one all the same.

    A network policy, a queue or a role is filed under a platform and named after whom it is for; a database is another service than
    its replica, and is called alike.
    """
    return bool(name_words(case.service) & words) or any(akin(service, one, case.service) for one in case.dependencies)
