"""BM25F over documents with several fields, held in memory; formulas in `core/bm25.py`."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from bot.core.bm25 import Floats, Numbers, Postings, Vocabulary

_K1 = 0.9
# A field that is nearly empty must not make its words count for very much.
_LEAST_LENGTH = 0.05


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """How much a word of this field counts, and how far a long field counts against it (0 to 1)."""

    weight: float
    length: float


class FieldIndex:
    """Documents by the words of their fields: frequencies are weighted and normalised by field before they are summed."""

    def __init__(self, documents: Sequence[Mapping[str, str]], fields: Mapping[str, Field]) -> None:
        self.size = len(documents)
        vocabulary = Vocabulary()
        parts = [_field(documents, name, field, vocabulary) for name, field in fields.items()]
        terms, places, times = (np.concatenate([part[at] for part in parts]) for at in range(3))
        keys, inverse = np.unique(terms.astype(np.int64) * max(1, self.size) + places, return_inverse=True)
        summed = np.bincount(inverse, weights=times, minlength=len(keys)).astype(np.float32)
        terms, places = np.divmod(keys, max(1, self.size))
        self._postings = Postings(
            terms.astype(np.int32), places.astype(np.int32), summed, size=self.size, vocabulary=vocabulary, k1=_K1
        )

    @property
    def rarest(self) -> float:
        """The idf of a word that no document has."""
        return self._postings.rarest

    def idf(self, term: str) -> float:
        """How rare a word is; 0 for a word that no document has."""
        return self._postings.idf(term)

    def scores(self, query: Mapping[str, float]) -> Floats:
        """What each document scores for words with weights."""
        scores = np.zeros(self.size, dtype=np.float32)
        for term, weight in query.items():
            self._postings.add(scores, term, weight)
        return scores

    def holds(self, term: str, place: int) -> bool:
        """Whether a document has a word."""
        return self._postings.holds(term, place)


def _field(
    documents: Sequence[Mapping[str, str]], name: str, field: Field, vocabulary: Vocabulary
) -> tuple[Numbers, Numbers, Floats]:
    """Words, places and weighted frequencies of one field."""
    counted = [vocabulary.counted(document.get(name, "")) for document in documents]
    lengths = np.array([one.times.sum() for one in counted], dtype=np.float32)
    mean = float(lengths.mean()) if len(lengths) and lengths.any() else 1.0
    scale = field.weight / np.maximum(1 - field.length + field.length * lengths / mean, _LEAST_LENGTH)
    places = np.repeat(np.arange(len(counted), dtype=np.int32), [len(one.terms) for one in counted])
    terms = np.concatenate([one.terms for one in counted]) if counted else np.zeros(0, np.int32)
    times = np.concatenate([one.times for one in counted]) if counted else np.zeros(0, np.float32)
    return terms, places, (times * scale[places]).astype(np.float32)
