"""
What past misses have in common: the examples, the folds that keep tomorrow out of yesterday, the plain words. Pure.

A miss is a graded call below 65. Nothing here needs a learning library; the fitting stands in adapters/classifier.py.
"""

import math
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import combinations

from bot.core.confidence import features_from
from bot.core.grading import Agreement, counting, judge_agreement
from bot.core.outcome import Call

FEWEST_LABELS = 30
FEWEST_IN_CELL = 5
"""A share of fewer calls says next to nothing: Wilson's 90 % interval of 4 of 4 still reaches down to 0.6."""
FALSE_DISCOVERIES = 0.10
"""The share of cells that may be named for nothing (Benjamini and Hochberg, JRSS B 57, 1995)."""
_FIRST_SHARE = 0.4
_BLOCKS, _GROUPS = 3, 3

NUMBERS: Mapping[str, tuple[str, str]] = {
    "confidence": ("a high shown confidence", "a low shown confidence"),
    "raw": ("a high number of the model's own", "a low number of the model's own"),
    "score": ("a high feature score", "a low feature score"),
    "grounding": ("claims that all stand on evidence", "claims that were dropped"),
    "margin": ("a clear lead over the second hypothesis", "a second hypothesis close behind"),
    "gaps": ("many gaps in the evidence", "hardly any gap in the evidence"),
    "similarity": ("a past incident that reads alike", "no past incident that reads alike"),
    "agreement": ("agreement of model and offline analyst", "disagreement of model and offline analyst"),
    "history": ("a service on which calls went well before", "a service on which calls went badly before"),
    "similar_agrees": ("a past incident of the same class", "a past incident of another class"),
    "names a change": ("a change that is blamed", "no change that is blamed"),
    "has a runbook": ("a matched runbook", "no matched runbook"),
    "class deploy": ("a deploy that is blamed", "no deploy that is blamed"),
    "class config": ("a configuration that is blamed", "no configuration that is blamed"),
    "class capacity": ("capacity that is blamed", "no capacity that is blamed"),
    "class dependency": ("a dependency that is blamed", "no dependency that is blamed"),
    "class no_cause": ("the claim that nothing is wrong", "the claim that something is wrong"),
}
"""The structured features, and how a large or a small one is told."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Example:
    """One graded call as the classifier sees it."""

    incident_id: str
    at: datetime
    known_at: datetime
    """When its grade was known: before that it may teach nothing."""
    service: str
    text: str
    numbers: tuple[float, ...]
    """In the order of NUMBERS."""
    traits: Mapping[str, str]
    """What it is called by when misses are counted: class, service, alert."""
    miss: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Fold:
    """Places in the list of examples."""

    train: tuple[int, ...]
    test: tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Concentration:
    """A corner where misses are more frequent than elsewhere."""

    traits: Mapping[str, str]
    missed: int
    n: int
    all_missed: int
    all_n: int
    p_value: float
    """Hypergeometric: how likely so many misses are when the corner is drawn at random."""

    @property
    def words(self) -> str:
        """Half a sentence for people."""
        return (
            f"{describe(self.traits)}: {self.missed} of {self.n} missed (all calls: {self.all_missed} of {self.all_n})"
        )


def examples(calls: Sequence[Call], *, judge: Agreement | None = None) -> tuple[Example, ...]:
    """The calls that count in the headline, oldest first; `judge` is the agreement over all time, else that of these calls."""
    counted = counting(calls, judge or judge_agreement(calls))
    return tuple(_example(call) for call in sorted(counted, key=lambda one: (one.at, one.incident_id)))


def _example(call: Call) -> Example:
    known = features_from(call.features)
    numbers = {
        "confidence": call.confidence,
        "raw": call.raw,
        "score": call.score,
        "grounding": known.grounding,
        "margin": known.margin,
        "gaps": known.gaps,
        "similarity": known.similarity,
        # What nobody could compare lies between agreeing and not.
        "agreement": 0.5 if known.agreement is None else known.agreement,
        "history": 0.5 if known.history is None else known.history,
        "similar_agrees": 0.5 if known.similar_agrees is None else known.similar_agrees,
        "names a change": float(bool(call.change_id)),
        "has a runbook": float(bool(call.runbook)),
    }
    classes = [name.removeprefix("class ") for name in NUMBERS if name.startswith("class ")]
    numbers |= {f"class {name}": float(call.cause_class.value == name) for name in classes}
    traits = {"class": call.cause_class.value, "service": call.service, "alert": call.alert_class}
    return Example(
        incident_id=call.incident_id,
        at=call.at,
        known_at=max(call.at, call.labelled_at or call.at),
        service=call.service,
        text=f"{call.title}. {call.hypothesis}",
        numbers=tuple(numbers[name] for name in NUMBERS),
        traits={name: value for name, value in traits.items() if value},
        miss=not call.helpful,
    )


# --- folds -----------------------------------------------------------------------------------------------------------


def folds(known: Sequence[Example], *, blocks: int = _BLOCKS, groups: int = _GROUPS) -> tuple[Fold, ...]:
    """
    Each later block of time, once per group of services, is judged by what was known before it about other services.

    The first 40 % only teach. A label that came in after a block began teaches nothing about that block. With a single
    service there is nothing to hold out but time.
    """
    order = sorted(range(len(known)), key=lambda place: (known[place].at, known[place].incident_id))
    first = math.ceil(_FIRST_SHARE * len(order))
    grouped = _grouped([one.service for one in known], groups)
    rest = order[first:]
    made: list[Fold] = []
    for block in range(blocks):
        tested = rest[block * len(rest) // blocks : (block + 1) * len(rest) // blocks]
        if not tested:
            continue
        begins = known[tested[0]].at
        before = [place for place in order if known[place].known_at < begins]
        for group in sorted(set(grouped.values())):
            test = [place for place in tested if grouped[known[place].service] == group]
            alone = len(set(grouped.values())) == 1
            train = [place for place in before if alone or grouped[known[place].service] != group]
            if test and train:
                made.append(Fold(train=tuple(train), test=tuple(test)))
    return tuple(made)


def _grouped(services: Sequence[str], groups: int) -> dict[str, int]:
    """Services spread over groups of about the same number of calls."""
    sizes = [0] * max(1, min(groups, len(set(services))))
    found: dict[str, int] = {}
    for service, count in sorted(Counter(services).items(), key=lambda one: (-one[1], one[0])):
        smallest = sizes.index(min(sizes))
        found[service] = smallest
        sizes[smallest] += count
    return found


# --- plain words -----------------------------------------------------------------------------------------------------


def concentrations(known: Sequence[Example], themes: Sequence[str] = (), *, most: int = 3) -> tuple[Concentration, ...]:
    """
    Where misses concentrate: corners of one or two traits that hold more of them than chance would put there.

    `themes` name what each example reads like ("" for nothing); they count as a trait. Corners of the same calls are
    told once, with the fewest traits; of corners inside one another, only the clearest.
    """
    traits = [
        {**one.traits, "theme": theme} if theme else dict(one.traits)
        for one, theme in zip(known, themes or [""] * len(known), strict=True)
    ]
    cells: dict[tuple[tuple[str, str], ...], list[int]] = {}
    for place, own in enumerate(traits):
        items = sorted(own.items())
        for corner in (*combinations(items, 1), *combinations(items, 2)):
            cells.setdefault(corner, []).append(place)
    all_missed, all_n = sum(one.miss for one in known), len(known)
    judged: list[tuple[Concentration, frozenset[int]]] = []
    for corner, places in cells.items():
        if len(places) < FEWEST_IN_CELL or len(places) == all_n:
            continue
        missed = sum(known[place].miss for place in places)
        tail = _at_least(missed, len(places), all_missed, all_n)
        one = Concentration(
            traits=dict(corner), missed=missed, n=len(places), all_missed=all_missed, all_n=all_n, p_value=tail
        )
        judged.append((one, frozenset(places)))
    return _told(_discovered(judged), most)


def _discovered(judged: list[tuple[Concentration, frozenset[int]]]) -> list[tuple[Concentration, frozenset[int]]]:
    # A corner of the same calls is the same test, so it is counted once.
    distinct: dict[frozenset[int], Concentration] = {}
    for one, places in sorted(judged, key=lambda item: (len(item[0].traits), sorted(item[0].traits))):
        distinct.setdefault(places, one)
    ranked = sorted(distinct.items(), key=lambda item: (item[1].p_value, -item[1].n, sorted(item[1].traits.items())))
    last = max(
        (
            rank
            for rank, (_, one) in enumerate(ranked, start=1)
            if one.p_value <= FALSE_DISCOVERIES * rank / len(ranked)
        ),
        default=0,
    )
    return [(one, places) for places, one in ranked[:last]]


def _told(found: list[tuple[Concentration, frozenset[int]]], most: int) -> tuple[Concentration, ...]:
    told: list[tuple[Concentration, frozenset[int]]] = []
    for one, places in found:
        if not any(_same_story(places, other) for _, other in told):
            told.append((one, places))
    return tuple(one for one, _ in told[:most])


def _same_story(one: frozenset[int], other: frozenset[int]) -> bool:
    return one <= other or other <= one or len(one & other) > len(one | other) / 2


def _at_least(missed: int, n: int, all_missed: int, all_n: int) -> float:
    whole = math.comb(all_n, n)
    ways = sum(
        math.comb(all_missed, k) * math.comb(all_n - all_missed, n - k) for k in range(missed, min(n, all_missed) + 1)
    )
    return ways / whole


def describe(traits: Mapping[str, str]) -> str:
    """A corner in words: "calls that blame a dependency, on payments"."""
    said = "calls"
    if "class" in traits:
        said += f" that blame {traits['class'].replace('_', ' ')}"
    if "service" in traits:
        said += f" on {traits['service']}"
    if "alert" in traits:
        said += f" for {traits['alert']}"
    if "theme" in traits:
        said += f" that read like “{traits['theme']}”"
    return said


_WORD = re.compile(r"[a-z][a-z-]{3,}")
_PLAIN = frozenset(
    {"that", "this", "with", "from", "have", "than", "were", "been", "into", "over", "which", "when", "more"}
)


def theme_names(texts: Sequence[str], clusters: Sequence[int]) -> dict[int, str]:
    """Each cluster by the three words that it has and the rest has not."""
    words = [frozenset(_WORD.findall(text.lower())) - _PLAIN for text in texts]
    everywhere = Counter(word for own in words for word in own)
    named: dict[int, str] = {}
    for cluster in sorted(set(clusters)):
        inside = [own for own, number in zip(words, clusters, strict=True) if number == cluster]
        here = Counter(word for own in inside for word in own)
        # Share inside minus share outside: frequent here, rare there.
        outside = max(1, len(words) - len(inside))
        told = {word: count / len(inside) - (everywhere[word] - count) / outside for word, count in here.items()}
        best = sorted(told, key=lambda word: (-told[word], word))[:3]
        named[cluster] = " ".join(word for word in best if told[word] > 0.2)
    return named


# --- a fitted line ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class MissLine:
    """A logistic line over the numbers and the text's vector, as it is stored."""

    numbers: Mapping[str, float]
    vector: tuple[float, ...]
    offset: float
    embedder: str
    """Vectors of another model mean nothing to it."""

    def chance(self, numbers: Sequence[float], vector: Sequence[float]) -> float:
        """Probability of a miss, 0 to 1."""
        total = self.offset
        total += sum(self.numbers.get(name, 0.0) * value for name, value in zip(NUMBERS, numbers, strict=True))
        total += sum(weight * value for weight, value in zip(self.vector, vector, strict=True))
        return 1 / (1 + math.exp(-min(max(total, -30.0), 30.0)))


def macro_f1(called: Sequence[bool], real: Sequence[bool]) -> float:
    """Mean of the F1 of misses and of the rest; F1 is 0 where neither was ever called nor real."""
    pairs = list(zip(called, real, strict=True))
    return (_f1(pairs, of=True) + _f1(pairs, of=False)) / 2


def _f1(pairs: Sequence[tuple[bool, bool]], *, of: bool) -> float:
    """Harmonic mean of precision and recall."""
    either = sum((said is of) + (was is of) for said, was in pairs)
    return 2 * sum(said is of and was is of for said, was in pairs) / either if either else 0.0


def telling(strengths: Mapping[str, float], *, most: int = 3, least: float = 0.1) -> tuple[str, ...]:
    """The numbers that go with misses, strongest first; strengths are in log-odds per standard deviation."""
    ranked = sorted(strengths.items(), key=lambda one: (-abs(one[1]), one[0]))
    return tuple(
        f"misses go with {NUMBERS[name][0] if strength > 0 else NUMBERS[name][1]}"
        for name, strength in ranked[:most]
        if abs(strength) >= least
    )


def too_few(labels: int) -> str:
    """Why nothing is trained."""
    return f"A classifier needs {FEWEST_LABELS} graded calls and has {labels}; nothing was trained."


def quarter_of(at: datetime) -> str:
    """The calendar quarter, such as 2026-Q4."""
    return f"{at.year}-Q{(at.month + 2) // 3}"
