"""
BM25F over documents with several fields, held in memory.

Robertson and Zaragoza, "The Probabilistic Relevance Framework: BM25 and Beyond" (2009), section 3.5: term frequencies of the
fields are weighted and normalised by length before they saturate. The idf is Lucene's, which is never negative:
log(1 + (N - n + 0.5) / (n + 0.5)).
"""

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bot.core.words import tokens

Floats = NDArray[np.float32]
Places = NDArray[np.int32]

_K1 = 0.9


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """How much a word of this field counts, and how far a long field counts against it (0 to 1)."""

    weight: float
    length: float


class FieldIndex:
    """An inverted index; a search costs the postings of the query's words."""

    def __init__(self, documents: Sequence[Mapping[str, str]], fields: Mapping[str, Field]) -> None:
        self.size = len(documents)
        gathered: dict[str, dict[int, float]] = {}
        for name, field in fields.items():
            counts = [Counter(tokens(document.get(name, ""))) for document in documents]
            mean = sum(count.total() for count in counts) / max(1, self.size) or 1.0
            for place, count in enumerate(counts):
                scale = field.weight / max(1 - field.length + field.length * count.total() / mean, 0.05)
                for term, times in count.items():
                    held = gathered.setdefault(term, {})
                    held[place] = held.get(place, 0.0) + times * scale
        self._postings = {term: _posting(held) for term, held in gathered.items()}
        self.rarest = math.log(1 + (self.size + 0.5) / 0.5)

    def idf(self, term: str) -> float:
        """How rare a word is; a word that no document has is the rarest."""
        posting = self._postings.get(term)
        if posting is None:
            return self.rarest
        found = len(posting[0])
        return math.log(1 + (self.size - found + 0.5) / (found + 0.5))

    def scores(self, query: Mapping[str, float]) -> Floats:
        """What each document scores for words with weights."""
        scores = np.zeros(self.size, dtype=np.float32)
        for term, weight in query.items():
            posting = self._postings.get(term)
            if posting is not None:
                places, worth = posting
                scores[places] += weight * self.idf(term) * worth
        return scores

    def holds(self, term: str, place: int) -> bool:
        """Whether a document has a word."""
        posting = self._postings.get(term)
        if posting is None:
            return False
        at = int(np.searchsorted(posting[0], place))
        return at < len(posting[0]) and int(posting[0][at]) == place


def _posting(held: Mapping[int, float]) -> tuple[Places, Floats]:
    """Where a word stands in order of place, and what it is worth there before its rarity is counted in."""
    at = np.array(sorted(held), dtype=np.int32)
    often = np.array([held[int(place)] for place in at], dtype=np.float32)
    return at, (often * (_K1 + 1) / (often + _K1)).astype(np.float32)
