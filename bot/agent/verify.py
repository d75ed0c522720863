"""
Claims are checked against the evidence that they cite, in code.

A claim survives when every id exists and every number, version, time and quoted name in it stands in the cited
evidence. Pure; nothing here asks a model.
"""

import difflib
import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from bot.agent.draft import Draft, DraftHypothesis, Known
from bot.core.evidence import Evidence, EvidenceKind, EvidencePack
from bot.core.hypothesis import CauseClass, Claim, FirstAction, Suspect
from bot.core.text import clip, one_line

_TIME = re.compile(r"\b(?:\d{4}-\d\d-\d\d[T ])?(\d{1,2}:\d\d(?::\d\d)?)(?:\.\d+)?(?:\s?Z|\s?UTC)?\b")
_DATE = re.compile(r"\b\d{4}-\d\d-\d\d\b")
_VERSION = re.compile(r"\bv?(\d+(?:\.\d+){2,}(?:[-+][\w.]+)?)\b")
_NUMBER = re.compile(
    r"(?<![\w.#/-])[-+]?(\d{1,3}(?:,\d{3})+(?:\.\d+)?|\d+(?:\.\d+)?)"
    r"(?:\s?(%|percent|ms|milliseconds?|s|secs?|seconds?|min|minutes?|h|hours?)(?![A-Za-z]))?(?![\w]|\.\d)"
)
_QUOTED = re.compile(r"`([^`\n]{2,120})`|\"([^\"\n]{2,120})\"|“([^”\n]{2,120})”|(?<!\w)'([^'\n]{2,120})'(?!\w)")
_REFERENCE = re.compile(r"\[?\bE\d+\b\]?")
_UNITS = {
    **dict.fromkeys(("ms", "millisecond", "milliseconds"), 0.001),
    **dict.fromkeys(("min", "minute", "minutes"), 60.0),
    **dict.fromkeys(("h", "hour", "hours"), 3600.0),
}
_LONGEST_CLAIM = 400
# "Nothing is wrong" and "I cannot tell" may have nothing to point at.
_CLAIMLESS = frozenset({CauseClass.NO_CAUSE, CauseClass.UNKNOWN})


@dataclass(frozen=True, slots=True, kw_only=True)
class Verified:
    """What survived."""

    draft: Draft
    problems: tuple[str, ...]
    """What was wrong, in sentences a model can act on."""
    grounding: tuple[float, ...]
    """Per surviving hypothesis, the share of its claims that stood."""


def verify(draft: Draft, pack: EvidencePack, known: Known, *, case_text: str = "") -> Verified:
    """
    Drop every claim that its evidence does not show, and every name that does not exist.

    `case_text` is the alert's own wording, which the summary may quote too.
    """
    problems: list[str] = []
    texts = {item.id: _Haystack(_text(item)) for item in pack.evidence}
    whole = _Haystack("\n".join([case_text, *(one.text for one in texts.values())]))
    judged = [_hypothesis(one, pack, texts, whole, known, problems) for one in draft.hypotheses]
    kept = [(one, share) for one, share in judged if one is not None]
    ruled_out = tuple(one for one in draft.ruled_out if not _missing(one, whole))
    clean = Draft(
        summary=_summary(draft, [one for one, _ in kept], whole, problems),
        hypotheses=tuple(one for one, _ in kept),
        first_action=_first_action(draft.first_action, known, problems),
        ruled_out=ruled_out,
    )
    return Verified(draft=clean, problems=tuple(problems), grounding=tuple(share for _, share in kept))


def _text(item: Evidence) -> str:
    facts = json.dumps(dict(item.facts), ensure_ascii=False, default=str)
    when = f"{item.start.isoformat()} {item.end.isoformat()}"
    return f"{item.title}\n{item.excerpt}\n{item.query}\n{item.source} {item.service}\n{facts}\n{when}"


def _hypothesis(
    one: DraftHypothesis,
    pack: EvidencePack,
    texts: dict[str, "_Haystack"],
    whole: "_Haystack",
    known: Known,
    problems: list[str],
) -> tuple[DraftHypothesis | None, float]:
    claims = tuple(claim for claim in one.claims if _stands(claim, texts, problems))
    share = len(claims) / len(one.claims) if one.claims else 0.0
    if not one.claims and one.cause_class not in _CLAIMLESS:
        problems.append(f'the hypothesis "{clip(one.title, 80)}" makes no claim that cites evidence')
    suspect = _suspect(one.suspect, pack, known, problems)
    title = one_line(one.title)
    if unseen := _missing(title, whole):
        problems.append(f'the title "{clip(title, 80)}" names {unseen[0]}, which no evidence shows')
        title = f"{one.cause_class.replace('_', ' ')} on {suspect.service}" if suspect else str(one.cause_class)
    if not claims and one.claims and suspect is None and one.suspect is not None:
        # Neither its claims nor its suspect exist: nothing of it is left to show.
        return None, 0.0
    return replace(one, title=clip(title, 160), claims=claims, suspect=suspect), share


def _stands(claim: Claim, texts: dict[str, "_Haystack"], problems: list[str]) -> bool:
    said = clip(claim.text, 80)
    if not claim.evidence:
        problems.append(f'the claim "{said}" cites no evidence')
        return False
    unknown = [eid for eid in claim.evidence if eid not in texts]
    if unknown:
        problems.append(f'the claim "{said}" cites {unknown[0]}, and there is no such evidence')
        return False
    if len(claim.text) > _LONGEST_CLAIM:
        problems.append(f'the claim "{said}" is longer than {_LONGEST_CLAIM} characters')
        return False
    cited = _Haystack("\n".join(texts[eid].text for eid in claim.evidence))
    if unseen := _missing(claim.text, cited):
        problems.append(f'the claim "{said}" says {unseen[0]}, which {", ".join(claim.evidence)} does not show')
        return False
    return True


def _suspect(suspect: Suspect | None, pack: EvidencePack, known: Known, problems: list[str]) -> Suspect | None:
    if suspect is None:
        return None
    changes = {str(item.facts.get("change_id")): item for item in pack.evidence if item.kind is EvidenceKind.CHANGE}
    change_id = suspect.change_id
    if change_id is not None and change_id not in changes:
        problems.append(f"there is no change {change_id} in the evidence{_nearest(change_id, changes)}")
        change_id = None
    if change_id is not None and changes[change_id].service != suspect.service:
        problems.append(f"the change {change_id} is on {changes[change_id].service}, not on {suspect.service}")
        return Suspect(service=changes[change_id].service, change_id=change_id)
    seen = known.services | {item.service for item in pack.evidence if item.kind is not EvidenceKind.SIMILAR}
    if suspect.service not in seen:
        problems.append(f"there is no service {suspect.service}{_nearest(suspect.service, seen)}")
        return None
    return Suspect(service=suspect.service, change_id=change_id)


def _first_action(action: FirstAction | None, known: Known, problems: list[str]) -> FirstAction | None:
    if action is None or action.runbook is None:
        return replace(action, step=None) if action else None
    steps = known.runbooks.get(action.runbook)
    if steps is None:
        problems.append(f"there is no runbook {action.runbook}{_nearest(action.runbook, known.runbooks)}")
        return replace(action, runbook=None, step=None)
    if action.step is not None and action.step not in steps:
        problems.append(f"the runbook {action.runbook} has no step {action.step}{_nearest(action.step, steps)}")
        return replace(action, step=None)
    return action


def _summary(draft: Draft, kept: Sequence[DraftHypothesis], whole: "_Haystack", problems: list[str]) -> str:
    unseen = _missing(draft.summary, whole)
    if not unseen:
        return clip(one_line(draft.summary), 400)
    problems.append(f"the summary says {unseen[0]}, which no evidence shows")
    return clip(next((claim.text for one in kept for claim in one.claims), kept[0].title if kept else ""), 400)


def _nearest(name: str, names: Iterable[str]) -> str:
    close = difflib.get_close_matches(name, list(names), n=1, cutoff=0.5)
    return f" (nearest: {close[0]})" if close else ""


# --- what a text says ------------------------------------------------------------------------------------------------


class _Haystack:
    """Evidence text prepared for look-ups."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.folded = _fold(text)

    @cached_property
    def numbers(self) -> tuple[float, ...]:
        """Every number of the text, whatever it is part of."""
        return tuple(
            float(found.replace(",", ""))
            for found in re.findall(r"\d{1,3}(?:,\d{3})+(?:\.\d+)?|\d+(?:\.\d+)?", self.text)
        )


def _fold(text: str) -> str:
    return one_line(text).casefold()


def _missing(text: str, where: _Haystack) -> list[str]:
    """The numbers, versions, times and quoted names of a text that are not in the haystack."""
    left = _REFERENCE.sub(" ", text)
    missing: list[str] = []
    for match in _QUOTED.finditer(left):
        name = next(part for part in match.groups() if part)
        if _fold(name) not in where.folded:
            missing.append(f"“{name}”")
    for pattern, group in ((_TIME, 1), (_DATE, 0), (_VERSION, 1)):
        missing += [match[group] for match in pattern.finditer(left) if not _has_token(match[group], where)]
        left = pattern.sub(" ", left)
    missing += [match[0].strip() for match in _NUMBER.finditer(left) if not _has_number(match, where)]
    return missing


def _has_token(token: str, where: _Haystack) -> bool:
    # 9:01 may stand for 09:01:10, but 2.31.0 may not stand for 2.31.01 or 12.31.0.
    after = r"(?!\d)" if ":" in token else r"(?![\d]|\.\d)"
    return re.search(rf"(?<![\d.]){'0?' if ':' in token else ''}{re.escape(token)}{after}", where.text) is not None


def _has_number(match: re.Match[str], where: _Haystack) -> bool:
    digits = match[1].replace(",", "")
    value, unit = float(digits), (match[2] or "").lower()
    precision = 0.5 * 10 ** -(len(digits.partition(".")[2]))
    scales = [1.0]
    if unit in {"%", "percent"}:
        scales.append(0.01)
    elif unit in _UNITS:
        scales.append(_UNITS[unit])
    return any(
        abs(number / scale - value) <= precision * (1.0 if _rounds(number, scale) else 1e-9)
        for scale in scales
        for number in where.numbers
    )


def _rounds(number: float, scale: float) -> bool:
    """Whole numbers in the evidence are exact; only fractions and converted units may be rounded."""
    return scale != 1.0 or number != int(number)
