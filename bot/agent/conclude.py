"""From a verified draft to the assessment that is posted: calibrated, labelled, with honest notes. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from bot.agent.draft import Draft, DraftHypothesis
from bot.agent.verify import Verified
from bot.core.confidence import Features, calibrate
from bot.core.evidence import EvidencePack
from bot.core.hypothesis import Assessment, CauseClass, Hypothesis, PromptRef, SimilarFound, Usage
from bot.core.text import plural
from bot.ports import Experience

OFFLINE = "offline analyst"
# With this many gaps the picture counts as blind.
_BLIND = 6


@dataclass(frozen=True, slots=True, kw_only=True)
class Circumstances:
    """How an answer came about."""

    analyst: str
    """The model's name, or "offline analyst"."""
    notes: tuple[str, ...]
    usage: Usage
    prompt: PromptRef | None
    experience: Experience | None = None
    """None: nothing is known of the past, as on the first day."""


def assess(
    verified: Verified, baseline: Draft, pack: EvidencePack, similar: SimilarFound, how: Circumstances
) -> Assessment:
    """Calibrate every hypothesis; `baseline` is the offline analyst's answer to the same pack."""
    drafts = verified.draft.hypotheses
    features = [_features(place, verified, baseline, pack, similar, how) for place in range(len(drafts))]
    hypotheses: list[Hypothesis] = []
    for place, (one, known) in enumerate(zip(drafts, features, strict=True), start=1):
        confidence = calibrate(known, how.experience.calibration if how.experience else None, first=place == 1)
        if hypotheses and confidence.value > hypotheses[-1].confidence.value:
            # The order is the answer's own; a lower rank never shows the higher number.
            confidence = replace(confidence, value=hypotheses[-1].confidence.value)
        hypotheses.append(
            Hypothesis(
                rank=place,
                title=one.title,
                cause_class=one.cause_class,
                suspect=one.suspect,
                claims=one.claims,
                confidence=confidence,
                disconfirming_check=one.disconfirming_check,
            )
        )
    return Assessment(
        summary=verified.draft.summary,
        hypotheses=tuple(hypotheses),
        first_action=verified.draft.first_action,
        ruled_out=verified.draft.ruled_out,
        similar=similar,
        analyst=how.analyst,
        notes=how.notes,
        usage=how.usage,
        prompt=how.prompt,
        features=features[0].as_dict() if features else None,
    )


def _features(
    place: int, verified: Verified, baseline: Draft, pack: EvidencePack, similar: SimilarFound, how: Circumstances
) -> Features:
    drafts = verified.draft.hypotheses
    one = drafts[place]
    others = [other.raw for index, other in enumerate(drafts) if index != place]
    nearest = similar.incidents[0] if similar.incidents else None
    compared = how.analyst != OFFLINE and place == 0 and bool(baseline.hypotheses)
    return Features(
        raw=one.raw,
        grounding=verified.grounding[place],
        agreement=float(_agree(one, baseline.hypotheses[0])) if compared else None,
        margin=max(0.0, one.raw - max(others, default=0.0)),
        gaps=min(1.0, len(pack.gaps) / _BLIND),
        similarity=nearest.score if nearest else 0.0,
        similar_agrees=float(nearest.cause_class == one.cause_class.value) if nearest else None,
        history=how.experience.history if how.experience else None,
        support=one.support,
        unnamed=_unnamed(one) if how.analyst == OFFLINE else None,
    )


def _unnamed(one: DraftHypothesis) -> float:
    """How little a hypothesis commits itself to what people could undo; that nothing is wrong is an answer, too."""
    if one.cause_class is CauseClass.UNKNOWN:
        return 1.0
    named = one.cause_class is CauseClass.NO_CAUSE or (one.suspect is not None and one.suspect.change_id is not None)
    return 0.0 if named else 0.5


def _agree(one: DraftHypothesis, other: DraftHypothesis) -> bool:
    same_change = one.suspect is not None and one.suspect == other.suspect and one.suspect.change_id is not None
    service = one.suspect.service if one.suspect else None
    return same_change or (
        one.cause_class is other.cause_class and service == (other.suspect.service if other.suspect else None)
    )


def dropped_note(problems: Sequence[str]) -> tuple[str, ...]:
    """One honest line about what verification took away."""
    if not problems:
        return ()
    return (f"{plural(len(problems), 'statement')} of the model left out: the evidence does not show it.",)
