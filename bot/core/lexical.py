"""BM25 over a corpus held in memory, made to be built again quickly when a few texts change; formulas in `core/bm25.py`."""

import math
from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from bot.core.bm25 import Counted, Floats, Postings, Vocabulary

_CEILING_WORDS = 8


class LexicalIndex:
    """Texts by their words."""

    def __init__(self, texts: Sequence[Counted], vocabulary: Vocabulary, *, k1: float, b: float) -> None:
        """`k1`: how late a repeated word saturates; `b`: how far length counts against a text."""
        self.size = len(texts)
        terms = np.concatenate([text.terms for text in texts]) if texts else np.zeros(0, np.int32)
        times = np.concatenate([text.times for text in texts]) if texts else np.zeros(0, np.float32)
        places = np.repeat(np.arange(self.size, dtype=np.int32), [len(text.terms) for text in texts])
        lengths = np.bincount(places, weights=times, minlength=self.size).astype(np.float32)
        mean = float(lengths.mean()) if self.size and lengths.any() else 1.0
        normal = (times / (1 - b + b * lengths[places] / mean)).astype(np.float32)
        self._postings = Postings(terms, places, normal, size=self.size, vocabulary=vocabulary, k1=k1)

    def idf(self, word: str) -> float:
        """How rare a word is; 0 for a word the corpus does not have."""
        return self._postings.idf(word)

    def scores(self, words: Mapping[str, int], *, k3: float) -> Floats:
        """What each text scores for words and how often each was said; `k3`: how late repetitions in the question saturate."""
        scores = np.zeros(self.size, dtype=np.float32)
        for word, times in words.items():
            self._postings.add(scores, word, times * (k3 + 1) / (times + k3))
        return scores

    def ceiling(self, words: Iterable[str]) -> float:
        """
        What a text with the eight rarest of these words, each once at mean length, would score.

        A word that no text has counts like one that a single text has, so that a question about something else cannot be
        answered by the little it shares; whole identifiers and numbers, which are hardly ever met again, do not count.
        """
        unknown = math.log(1 + max(0.0, self.size - 0.5) / 1.5)
        worth = (self.idf(word) or (0.0 if word.startswith("=") or word.isdigit() else unknown) for word in words)
        return sum(sorted(worth, reverse=True)[:_CEILING_WORDS]) or 1.0

    def holds(self, word: str, place: int) -> bool:
        """Whether a text has a word."""
        return self._postings.holds(word, place)
