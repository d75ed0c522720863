"""
How past incidents are ranked by likeness: words first, meaning beside them, recency and the same service as nudges.

Symptom and cause are indexed apart, because an alert reads like a symptom and a person's question may read like a cause; a
record is as good as its better section. What is found says "same system, same symptom"; it is no probability of a cause.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np

from bot.core.bm25 import Counted, Vocabulary
from bot.core.lexical import LexicalIndex
from bot.core.postmortem import Postmortem
from bot.core.text import plural
from bot.core.words import folded, tokens

SECTIONS = ("symptom", "cause")
# Below this neither the words nor the meaning say enough: "nothing similar" is then the honest answer. Of right first matches
# 99 % stay above it, and seven of ten alerts that nothing in the corpus is like are told so; docs/explanation/accuracy.md.
FLOOR = 0.36
# Judged, not fitted, as the public reports neither say when they are asked for nor share services. They order near equals and
# never lift a record over one that reads clearly more alike: of two alike incidents the one of this service, and then the
# later one, is likelier to have a fix that still holds.
_SAME_SERVICE = 0.15
_RECENT = 0.05
_HALF_LIFE_DAYS = 365.0
_MOST_TERMS = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Likeness:
    """How words and meaning count; fitted on public incident reports by `python -m evals.benchmarks.fit_retrieval`."""

    meaning: float = 0.8
    """The cosine beside the words, both from 0 to 1, in the order ..."""
    share: float = 0.5
    """... and its share in the score that people see and the floor holds against."""
    k1: float = 1.5
    b: float = 0.9
    k3: float = 3.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Ranked:
    """One record and how alike it is."""

    id: str
    score: float
    """0 to 1, without the nudges."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asking:
    """What likeness is measured against."""

    text: str
    service: str
    today: date | None = None
    """Without it, age counts for nothing."""

    @property
    def words(self) -> Counter[str]:
        """How often each word is said."""
        return Counter(tokens(f"{self.text} {self.service}"))


def header(one: Postmortem) -> str:
    """The same words before each section, so that a section alone still says what it belongs to."""
    known = (one.service_kind, one.date, one.severity, one.cause_class, ", ".join(one.tags))
    return f"{one.title}. {', '.join(part for part in known if part)}."


def section_text(one: Postmortem, section: str) -> str:
    """What is embedded."""
    body = one.symptom if section == "symptom" else f"{one.cause} {one.fix}"
    return f"{header(one)} {section.capitalize()}: {body}"


def section_words(one: Postmortem, section: str) -> str:
    """What is indexed by words: date, severity and class are no words of an incident."""
    body = one.symptom if section == "symptom" else f"{one.cause} {one.fix}"
    return f"{one.title} {one.service_kind} {' '.join(one.tags)} {body}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What ranking needs of a record; its texts stay where they are stored."""

    date: str
    services: frozenset[str]
    sections: tuple[Counted, ...]


class Records:
    """A corpus that changes a little at a time: a record's words are counted once, the index is put together anew."""

    def __init__(self, likeness: Likeness | None = None) -> None:
        self._likeness = likeness or Likeness()
        self._vocabulary = Vocabulary()
        self._held: Mapping[str, Known] = {}
        self._places: Mapping[str, int] = {}
        self._ids: list[str] = []
        self._index = LexicalIndex([], self._vocabulary, k1=self._likeness.k1, b=self._likeness.b)

    def __len__(self) -> int:
        return len(self._held)

    def counted(self, put: Sequence[Postmortem]) -> dict[str, Known]:
        """Records by their words, for `with_counted`; the slow part, which can be done for some of them at a time."""
        return {
            one.id: Known(
                date=one.date,
                services=frozenset({folded(one.service_kind), *(folded(tag) for tag in one.tags)}),
                sections=tuple(self._vocabulary.counted(section_words(one, part)) for part in SECTIONS),
            )
            for one in put
        }

    def changed(self, put: Sequence[Postmortem], gone: Sequence[str]) -> "Records":
        """Another corpus with records in, new or changed, and others out; this one stays as it is."""
        return self.with_counted(self.counted(put), gone)

    def with_counted(self, put: Mapping[str, Known], gone: Sequence[str]) -> "Records":
        """As `changed`, with records that `counted` of this corpus has made."""
        new, likeness = Records(self._likeness), self._likeness
        new._vocabulary = self._vocabulary
        lost = set(gone)
        new._held = {name: one for name, one in self._held.items() if name not in lost} | dict(put)
        new._ids = sorted(new._held)
        new._places = {name: place * len(SECTIONS) for place, name in enumerate(new._ids)}
        texts = [part for name in new._ids for part in new._held[name].sections]
        new._index = LexicalIndex(texts, self._vocabulary, k1=likeness.k1, b=likeness.b)
        return new

    def weighed(self, likeness: Likeness) -> "Records":
        """The same corpus, ranked otherwise."""
        new = Records(likeness)
        new._vocabulary, new._held = self._vocabulary, self._held
        return new.changed([], [])

    def by_words(self, asking: Asking, k: int) -> dict[str, float]:
        """The k best by words alone, with the BM25 of their better section."""
        each = self._index.scores(asking.words, k3=self._likeness.k3)
        scores = np.maximum.reduce([each[part :: len(SECTIONS)] for part in range(len(SECTIONS))])
        # Only those that can be among the k are put in order.
        least = np.partition(scores, -k)[-k] if k < len(scores) else 0.0
        found = np.flatnonzero((scores > 0) & (scores >= least))
        # Stable, so that equal scores keep the order of ids.
        best = found[np.argsort(-scores[found], kind="stable")][:k]
        return {self._ids[place]: float(scores[place]) for place in best.tolist()}

    def rank(self, asking: Asking, words: Mapping[str, float], alike: Mapping[str, float]) -> list[Ranked]:
        """Candidates of either side, best first; `alike` is the cosine of the better section, empty without vectors."""
        most, ceiling = max(words.values(), default=0.0) or 1.0, self._index.ceiling(set(tokens(asking.text)))
        share, found = self._likeness.share, list[tuple[float, Ranked]]()
        # What is asked about again and again orders what is alike; whether anything is alike at all hangs on each word once.
        once = self._index.scores(dict.fromkeys(asking.words, 1), k3=0.0)
        for name in sorted({*words, *alike} & self._held.keys()):
            by_words, by_meaning = words.get(name, 0.0), max(0.0, alike.get(name, 0.0))
            place = self._places[name]
            shown = min(1.0, float(once[place : place + len(SECTIONS)].max()) / ceiling)
            score = share * by_meaning + (1 - share) * shown if alike else shown
            order = by_words / most + self._likeness.meaning * by_meaning + _nudge(self._held[name], asking)
            found.append((order, Ranked(id=name, score=score)))
        return [one for _, one in sorted(found, key=lambda each: -each[0])]

    def why(self, name: str, asking: Asking, alike: Mapping[str, float]) -> str:
        """What speaks for a record, and how old it is."""
        one, place = self._held[name], self._places[name]
        shared = [
            word
            for word in asking.words
            if not word.startswith("=") and any(self._index.holds(word, place + part) for part in range(len(SECTIONS)))
        ]
        shared.sort(key=lambda word: (-self._index.idf(word), word))
        reasons = ["same service"] if _same_service(one, asking.service) else []
        if shared:
            more = len(shared) - _MOST_TERMS
            rest = f" and {plural(more, 'more word')}" if more > 0 else ""
            reasons.append(f"shares {', '.join(shared[:_MOST_TERMS])}{rest}")
        if alike.get(name, 0.0) >= FLOOR:
            reasons.append(f"reads alike ({alike[name]:.2f})")
        if (days := _age(one, asking.today)) is not None:
            reasons.append(_ago(days))
        return "; ".join(reasons) or "weak match"


def _nudge(one: Known, asking: Asking) -> float:
    days = _age(one, asking.today)
    recent = 0.0 if days is None else _RECENT * 0.5 ** (days / _HALF_LIFE_DAYS)
    return recent + (_SAME_SERVICE if _same_service(one, asking.service) else 0.0)


def _same_service(one: Known, service: str) -> bool:
    return bool(service) and folded(service) in one.services


def _age(one: Known, today: date | None) -> int | None:
    """Days since it happened."""
    try:
        return max(0, (today - date.fromisoformat(one.date)).days) if today is not None else None
    except ValueError:
        return None


def _ago(days: int) -> str:
    if days < 60:
        return f"{plural(days, 'day')} ago"
    return f"{plural(days // 30, 'month')} ago" if days < 730 else f"{plural(days // 365, 'year')} ago"
