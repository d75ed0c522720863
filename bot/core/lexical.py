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

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Places = NDArray[np.int32]

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
    """An inverted index; building is linear in the text, a search in the postings of the query's words."""

    def __init__(self, texts: Sequence[str]) -> None:
        counts = [Counter(tokens(text)) for text in texts]
        lengths = np.array([count.total() for count in counts], dtype=np.float32)
        mean = float(lengths.mean()) if counts else 1.0
        gathered: dict[str, tuple[list[int], list[int]]] = {}
        for place, count in enumerate(counts):
            for term, times in count.items():
                places, often = gathered.setdefault(term, ([], []))
                places.append(place)
                often.append(times)
        self._size = len(counts)
        self._postings = {term: _posting(*found, lengths, mean) for term, found in gathered.items()}

    def __len__(self) -> int:
        return self._size

    def idf(self, term: str) -> float:
        """How rare a word is; 0 for a word the corpus does not have."""
        if term not in self._postings:
            return 0.0
        found = len(self._postings[term][0])
        return math.log(1 + (self._size - found + 0.5) / (found + 0.5))

    def search(self, text: str, k: int) -> list[LexicalMatch]:
        """The k best documents, best first."""
        query = {term: idf for term in set(tokens(text)) if (idf := self.idf(term)) > 0}
        scores = np.zeros(self._size, dtype=np.float32)
        for term, idf in query.items():
            places, weights = self._postings[term]
            scores[places] += idf * weights
        ceiling = _ceiling(query)
        # Stable, so that equal scores keep the corpus' order.
        best = np.argsort(-scores, kind="stable")[:k]
        return [
            LexicalMatch(place=place, score=min(1.0, float(scores[place]) / ceiling), terms=self._shared(place, query))
            for place in best.tolist()
            if scores[place] > 0
        ]

    def _shared(self, place: int, query: Mapping[str, float]) -> tuple[str, ...]:
        shared = [term for term in query if _holds(self._postings[term][0], place)]
        return tuple(sorted(shared, key=lambda term: (-query[term], term)))


def _posting(places: list[int], often: list[int], lengths: Floats, mean: float) -> tuple[Places, Floats]:
    """Where a word stands, and what it is worth there before its rarity is counted in."""
    at = np.array(places, dtype=np.int32)
    times = np.array(often, dtype=np.float32)
    weights = times * (_K1 + 1) / (times + _K1 * (1 - _B + _B * lengths[at] / mean))
    return at, weights.astype(np.float32)


def _holds(places: Places, place: int) -> bool:
    found = int(np.searchsorted(places, place))
    return found < len(places) and int(places[found]) == place


def _ceiling(query: Mapping[str, float]) -> float:
    """What a document with the query's eight rarest words, each once at mean length, would score."""
    return sum(sorted(query.values(), reverse=True)[:8]) or 1.0
