"""
BM25 over a small corpus held in memory.

Okapi BM25 as in Robertson and Zaragoza, "The Probabilistic Relevance Framework: BM25 and Beyond" (2009), section 3,
with the idf of Lucene, which is never negative: log(1 + (N - n + 0.5) / (n + 0.5)).
"""

import math
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

_K1 = 1.2
_B = 0.75
_WORD = re.compile(r"[a-z0-9]+(?:[._-][a-z0-9]+)*")
_PARTS = re.compile(r"[._-]")
_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z][a-z])")
_STOP_WORDS = """
a about above after again all almost also although always am among an and another any are around as at away back
be became because become been before began being below between both but by came can could did do does done down
during each either else even ever every few first for found from full gave get given go goes got had has have he
her here him his how however if in instead into is it its itself just keep kept left less like made make many
may me might more most much must my near never new next no none nor not nothing now of off often on once one
only or other our out over own per put rather said same saw say second see seen set several shall she should
since so some soon still stood such take taken than that the their them then there these they third this those
three through time times to together too took toward two under until up upon us use used uses using very via was
way we well went were what when where whether which while who whole whose why will with within without would yet
you your alert alerts firing summary description severity service services critical warning appeared rose fell
reached oldest
"""
# One thing, several spellings.
_SAME = {
    "pg": "postgresql",
    "postgre": "postgresql",
    "postgres": "postgresql",
    "psql": "postgresql",
    "k8s": "kubernetes",
    "kube": "kubernetes",
    "kubernete": "kubernetes",
    "db": "database",
    "conn": "connection",
    "cert": "certificate",
    "tls": "certificate",
    "ssl": "certificate",
    "oom": "memory",
    "latencie": "latency",
}


_STOP = frozenset(_STOP_WORDS.split())


def tokens(text: str) -> list[str]:
    """Lower-case words without stop words; identifiers give themselves and their parts; plurals lose their s."""
    found: list[str] = []
    for word in _WORD.findall(_CAMEL.sub(" ", text).lower()):
        parts = [part for part in _PARTS.split(word) if part]
        wanted = [word, *parts] if len(parts) > 1 else parts
        found.extend(_stem(one) for one in wanted if len(one) > 1 and one not in _STOP)
    return found


def _stem(word: str) -> str:
    word = _singular(word)
    return _SAME.get(word, word)


def _singular(word: str) -> str:
    if len(word) > 4 and word.endswith("ies"):
        return word[:-3] + "y"
    if len(word) > 3 and word.endswith("s") and not word.endswith(("ss", "us", "is")):
        return word[:-1]
    return word


@dataclass(frozen=True, slots=True, kw_only=True)
class LexicalMatch:
    """One document and why it matched."""

    place: int
    score: float
    """Share of the best score the query could have reached, 0 to 1."""
    terms: tuple[str, ...]
    """Shared words, rarest first."""


class LexicalIndex:
    """An inverted index; building is linear in the text, a search is linear in the postings of the query's words."""

    def __init__(self, texts: Sequence[str]) -> None:
        counts = [Counter(tokens(text)) for text in texts]
        self._lengths = [sum(count.values()) for count in counts]
        self._mean = (sum(self._lengths) / len(self._lengths)) if counts else 1.0
        self._postings: dict[str, list[tuple[int, int]]] = {}
        for place, count in enumerate(counts):
            for term, times in count.items():
                self._postings.setdefault(term, []).append((place, times))
        self._size = len(counts)

    def __len__(self) -> int:
        return self._size

    def idf(self, term: str) -> float:
        """How rare a word is; 0 for a word the corpus does not have."""
        found = len(self._postings.get(term, ()))
        return math.log(1 + (self._size - found + 0.5) / (found + 0.5)) if found else 0.0

    def search(self, text: str, k: int) -> list[LexicalMatch]:
        """The k best documents, best first."""
        query = {term: idf for term in set(tokens(text)) if (idf := self.idf(term)) > 0}
        scores: dict[int, float] = {}
        terms: dict[int, list[str]] = {}
        for term, idf in query.items():
            for place, times in self._postings[term]:
                scores[place] = scores.get(place, 0.0) + idf * self._weight(place, times)
                terms.setdefault(place, []).append(term)
        ceiling = _ceiling(query)
        best = sorted(scores, key=lambda place: (-scores[place], place))[:k]
        return [
            LexicalMatch(
                place=place,
                score=min(1.0, scores[place] / ceiling),
                terms=tuple(sorted(terms[place], key=lambda term: (-query[term], term))),
            )
            for place in best
        ]

    def _weight(self, place: int, times: int) -> float:
        length = 1 - _B + _B * self._lengths[place] / self._mean
        return times * (_K1 + 1) / (times + _K1 * length)


def _ceiling(query: Mapping[str, float]) -> float:
    """What a document with the query's eight rarest words, each once at mean length, would score."""
    return sum(sorted(query.values(), reverse=True)[:8]) or 1.0
