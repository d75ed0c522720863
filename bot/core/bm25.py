"""
What both indexes of words share: numbers for words, postings, rarity and saturation, held in memory.

Robertson and Zaragoza, "The Probabilistic Relevance Framework: BM25 and Beyond" (2009), sections 3.4 and 3.5: how often a word
stands in a text is normalised by the text's length before it saturates. The idf is Lucene's, which is never negative:
log(1 + (N - n + 0.5) / (n + 0.5)).
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bot.core.words import tokens

Floats = NDArray[np.float32]
Numbers = NDArray[np.int32]


@dataclass(frozen=True, slots=True)
class Counted:
    """A text as numbers of words and how often each stands in it; small, so that it can be kept when the index is not."""

    terms: Numbers
    times: Floats


class Vocabulary:
    """Words to numbers; grows and never forgets."""

    def __init__(self) -> None:
        self._numbers: dict[str, int] = {}

    def __len__(self) -> int:
        return len(self._numbers)

    def counted(self, text: str) -> Counted:
        """The slow part of indexing: once a text."""
        return self.numbered(Counter(tokens(text)))

    def numbered(self, count: Mapping[str, int]) -> Counted:
        """Words that were counted already."""
        numbers = [self._numbers.setdefault(word, len(self._numbers)) for word in count]
        return Counted(np.array(numbers, dtype=np.int32), np.array(list(count.values()), dtype=np.float32))

    def number(self, word: str) -> int | None:
        """The number of a word that some text had."""
        return self._numbers.get(word)


class Postings:
    """An inverted index in three arrays; a search costs the postings of the query's words."""

    def __init__(self, terms: Numbers, places: Numbers, times: Floats, *, size: int, vocabulary: Vocabulary, k1: float) -> None:  # fmt: skip
        """One entry a word and text, in order of texts; `times` is normalised by length; `k1` says how late it saturates."""
        self.size = size
        self._vocabulary = vocabulary
        # In as few bytes as hold them: numpy sorts numbers of two bytes by counting, ten times as fast.
        order = np.argsort(terms.astype(np.min_scalar_type(len(vocabulary))), kind="stable")
        found = np.bincount(terms, minlength=len(vocabulary))
        self._places = places[order]
        self._starts = np.concatenate([[0], np.cumsum(found)])
        self._idf = np.log(1 + (size - found + 0.5) / (found + 0.5)).astype(np.float32)
        self._worth = (times * (k1 + 1) / (times + k1) * self._idf[terms])[order].astype(np.float32)
        self.rarest = float(np.log(1 + (size + 0.5) / 0.5))

    def _of(self, word: str) -> slice:
        number = self._vocabulary.number(word)
        if number is None or number >= len(self._idf):
            return slice(0, 0)
        return slice(int(self._starts[number]), int(self._starts[number + 1]))

    def idf(self, word: str) -> float:
        """How rare a word is; 0 for a word the corpus does not have."""
        at = self._of(word)
        return float(self._idf[self._vocabulary.number(word) or 0]) if at.stop > at.start else 0.0

    def add(self, scores: Floats, word: str, weight: float) -> None:
        """Add what the word is worth to each text that has it."""
        at = self._of(word)
        scores[self._places[at]] += self._worth[at] * weight

    def holds(self, word: str, place: int) -> bool:
        """Whether a text has a word."""
        places = self._places[self._of(word)]
        at = int(np.searchsorted(places, place))
        return at < len(places) and int(places[at]) == place
