"""
BM25 over a corpus held in memory, made to be built again quickly when a few texts change.

Okapi BM25 as in Robertson and Zaragoza, "The Probabilistic Relevance Framework: BM25 and Beyond" (2009), section 3, with the
saturation of the query's own repetitions (k3) and the idf of Lucene, which is never negative: log(1 + (N - n + 0.5) / (n + 0.5)).
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bot.core.words import tokens

Floats = NDArray[np.float32]
Numbers = NDArray[np.int32]

_K1 = 1.5
_B = 0.9
_K3 = 3.0


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
        count = Counter(tokens(text))
        numbers = [self._numbers.setdefault(word, len(self._numbers)) for word in count]
        return Counted(np.array(numbers, dtype=np.int32), np.array(list(count.values()), dtype=np.float32))

    def number(self, word: str) -> int | None:
        """The number of a word that some text had."""
        return self._numbers.get(word)


class LexicalIndex:
    """An inverted index in three arrays; a search costs the postings of the query's words."""

    def __init__(self, texts: Sequence[Counted], vocabulary: Vocabulary) -> None:
        self.size = len(texts)
        self._vocabulary = vocabulary
        lengths = np.array([text.times.sum() for text in texts], dtype=np.float32)
        mean = float(lengths.mean()) if self.size and lengths.any() else 1.0
        held = [len(text.terms) for text in texts]
        terms = np.concatenate([text.terms for text in texts]) if texts else np.zeros(0, np.int32)
        times = np.concatenate([text.times for text in texts]) if texts else np.zeros(0, np.float32)
        places = np.repeat(np.arange(self.size, dtype=np.int32), held)
        worth = times * (_K1 + 1) / (times + _K1 * (1 - _B + _B * lengths[places] / mean))
        order = np.argsort(terms, kind="stable")
        self._places = places[order]
        found = np.bincount(terms, minlength=len(vocabulary))
        self._starts = np.concatenate([[0], np.cumsum(found)])
        idf = np.log(1 + (self.size - found + 0.5) / (found + 0.5)).astype(np.float32)
        self._worth = (worth[order] * idf[terms[order]]).astype(np.float32)
        self._idf = idf
        self.rarest = float(np.log(1 + (self.size + 0.5) / 0.5))

    def idf(self, word: str) -> float:
        """How rare a word is; 0 for a word the corpus does not have."""
        number = self._vocabulary.number(word)
        if number is None or number >= len(self._idf) or self._starts[number] == self._starts[number + 1]:
            return 0.0
        return float(self._idf[number])

    def scores(self, words: Mapping[str, int]) -> Floats:
        """What each text scores for words and how often each was said."""
        scores = np.zeros(self.size, dtype=np.float32)
        for word, times in words.items():
            number = self._vocabulary.number(word)
            if number is not None and number < len(self._idf):
                at = slice(self._starts[number], self._starts[number + 1])
                scores[self._places[at]] += self._worth[at] * (times * (_K3 + 1) / (times + _K3))
        return scores

    def ceiling(self, words: Mapping[str, int]) -> float:
        """What a text with the eight rarest of these words, each once at mean length, would score."""
        return sum(sorted((self.idf(word) for word in words), reverse=True)[:8]) or 1.0

    def holds(self, word: str, place: int) -> bool:
        """Whether a text has a word."""
        number = self._vocabulary.number(word)
        if number is None or number >= len(self._idf):
            return False
        places = self._places[self._starts[number] : self._starts[number + 1]]
        at = int(np.searchsorted(places, place))
        return at < len(places) and int(places[at]) == place
