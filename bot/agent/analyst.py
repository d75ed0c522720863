"""The offline analyst: ranks causes from the evidence pack alone, without a model. Pure."""

import math
import re
from collections.abc import Sequence
from dataclasses import replace

from bot.agent.blame import blame
from bot.agent.causes import (
    WEAK_OVERLAP,
    Candidate,
    Case,
    by_weight,
    capacity,
    dependencies,
    first_symptom,
    lead_of,
    loudest_of,
    nothing,
    operations,
    sentence,
    signatures,
    support,
    title_of,
    unknown,
    weakened,
)
from bot.agent.draft import Draft, DraftHypothesis
from bot.agent.releases import unrecorded
from bot.core.base_rates import nudge
from bot.core.evidence import Evidence, EvidenceKind, EvidencePack
from bot.core.hypothesis import CauseClass, FirstAction
from bot.core.text import clip, one_line, plural
from bot.core.weights import SURENESS, WEIGHTS

_SYMPTOMS = frozenset({EvidenceKind.DIAGNOSTIC, EvidenceKind.METRIC, EvidenceKind.LOG, EvidenceKind.ALERT})
_UNDO = {
    "deploy": "Roll back {service} to the release before {version}",
    "commit": "Revert {change} on {service} and release",
    "config": "Put the former configuration of {service} back (undo {change})",
    "flag": "Turn the flag changed by {change} on {service} back",
    "scale": "Put {service} back to its former size (undo {change})",
    "migration": "Stop or undo the migration {change} on {service}",
}


def analyse(pack: EvidencePack, case: Case) -> Draft:
    """Two or three different hypotheses, likeliest first, each with cited claims; the same pack gives the same answer."""
    symptoms = [one for one in pack.evidence if one.kind in _SYMPTOMS]
    changes = [one for one in pack.evidence if one.kind is EvidenceKind.CHANGE]
    ranked = candidates(pack, case)
    blamed = [one for one in ranked if one.change is not None]
    chosen = _distinct(ranked)
    shares = _shares([one.score for one in ranked])
    raws = {id(one): share for one, share in zip(ranked, shares, strict=True)}
    return Draft(
        summary=_summary(symptoms, chosen[0], case, len(pack.gaps)),
        hypotheses=tuple(_draft(one, raws[id(one)]) for one in chosen),
        first_action=_first_action(chosen[0], case),
        ruled_out=_ruled_out(blamed, changes, chosen),
    )


def candidates(pack: EvidencePack, case: Case) -> list[Candidate]:
    """Everything that may explain the pack, best first; that no change does is always among it."""
    symptoms = [one for one in pack.evidence if one.kind in _SYMPTOMS]
    changes = [one for one in pack.evidence if one.kind is EvidenceKind.CHANGE]
    first = first_symptom(symptoms)
    blamed = blame(changes, symptoms, case)
    overlap = max((one.overlap for one in blamed), default=0.0)
    blamed = [weakened(one, overlap, loudest_of(symptoms)) for one in blamed]
    others = [
        *signatures(symptoms, case),
        *operations(symptoms, case),
        *unrecorded(symptoms, changes, case),
        *dependencies(symptoms, case, first, blamed),
        capacity(symptoms, case, overlap),
        nothing(symptoms, pack, case),
        unknown(symptoms, pack, case, blamed),
    ]
    weighed = [replace(one, score=one.score + nudge(case.past, one.cause_class)) for one in (*blamed, *others)]
    return sorted(weighed, key=lambda one: (-one.score, one.title))


def _distinct(ranked: Sequence[Candidate]) -> list[Candidate]:
    """The best three that blame different things; one of them blames no change."""
    chosen: list[Candidate] = []
    for one in ranked:
        alike = any(one.cause_class is other.cause_class and one.suspect == other.suspect for other in chosen)
        if not alike and (len(chosen) < 2 or one.score > -0.5):
            chosen.append(one)
        if len(chosen) == 3:
            break
    if not any(one.claims for one in chosen):
        # Nothing was seen, so there is nothing to tell two guesses apart.
        return chosen[:1]
    if all(one.change is not None for one in chosen):
        chosen = [*chosen[:2], next(one for one in ranked if one.change is None)]
    return chosen


def _shares(scores: Sequence[float]) -> list[float]:
    """Softmax; the sharpness is how much a point of score decides."""
    top = max(scores)
    powers = [math.exp(WEIGHTS.sharpness * (score - top)) for score in scores]
    return [min(SURENESS.surest, power / sum(powers)) for power in powers]


def _draft(one: Candidate, raw: float) -> DraftHypothesis:
    return DraftHypothesis(
        title=one.title,
        cause_class=one.cause_class,
        suspect=one.suspect,
        claims=one.claims,
        raw=round(raw, 3),
        support=round(support(one), 3),
        disconfirming_check=one.check,
    )


def _summary(symptoms: Sequence[Evidence], top: Candidate, case: Case, gaps: int) -> str:
    loudest = by_weight(one for one in symptoms if one.kind is not EvidenceKind.ALERT)
    if not loudest and gaps:
        return f"Hardly anything could be looked at ({plural(gaps, 'source')} out of reach), so no cause can be named."
    if top.cause_class is CauseClass.NO_CAUSE or not loudest:
        return f"No symptom of {case.service or 'the service'} stands out around the alert."
    second = next((one for one in loudest if one.kind is not loudest[0].kind), None)
    told = [loudest[0]] if second is None else [loudest[0], second]
    return " ".join(sentence(clip(one.title, 200)) for one in told)


def _first_action(top: Candidate, case: Case) -> FirstAction:
    runbook = case.runbook.id if case.runbook else None
    if top.change is not None:
        facts = top.change.facts
        text = _UNDO[str(facts.get("kind", "deploy"))].format(
            service=top.change.service,
            version=facts.get("version") or facts.get("change_id"),
            change=facts.get("change_id"),
        )
        return FirstAction(text=text + (f", as runbook {runbook} says." if runbook else "."), runbook=runbook)
    if top.cause_class is CauseClass.NO_CAUSE:
        return FirstAction(text="Watch whether the alert clears; act only if it does not.", runbook=runbook)
    mitigation = case.runbook.sections.get("Mitigation", "") if case.runbook else ""
    told = re.split(r"(?<=[.!?])\s", one_line(mitigation))[0] if mitigation.strip() else ""
    where = top.suspect.service if top.suspect else case.service
    return FirstAction(
        text=clip(told, 300) or f"Look closer at {where or 'the service'} before changing anything.", runbook=runbook
    )


def _ruled_out(
    blamed: Sequence[Candidate], changes: Sequence[Evidence], chosen: Sequence[Candidate]
) -> tuple[str, ...]:
    named = {id(one.change) for one in chosen if one.change is not None}
    late = [f"{_short(one)}: it came after the alert." for one in changes if lead_of(one) < 0]
    weak = [
        f"{_short(one.change)}: no version, service or name of it shows up in what failed."
        for one in sorted(blamed, key=lambda one: -one.score)
        if one.change is not None and id(one.change) not in named and one.overlap < WEAK_OVERLAP
    ]
    return tuple((*weak, *late)[:4])


def _short(change: Evidence) -> str:
    return f"{change.facts.get('kind')} on {change.service} ({clip(title_of(change), 80)})"
