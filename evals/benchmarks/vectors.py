"""Vectors for benchmarks: the product's embedder, run to the end of a list."""

import asyncio
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from bot.adapters.embeddings import EmbeddingError, SentenceEmbedder, resolve_model
from bot.core.errors import ConfigError
from evals.benchmarks.table import BenchmarkError

Vectors = NDArray[np.float32]


class Embedding:
    """One model for a whole benchmark. Raises BenchmarkError when there is none."""

    def __init__(self) -> None:
        try:
            self._embedder = SentenceEmbedder(resolve_model(None))
        except ConfigError as error:
            raise BenchmarkError(str(error)) from error
        self._known: dict[str, Sequence[float]] = {}

    def of(self, texts: Sequence[str]) -> Vectors:
        """One unit vector per text; a text is embedded once."""
        new = list(dict.fromkeys(text for text in texts if text not in self._known))
        if new:
            try:
                self._known.update(zip(new, asyncio.run(self._embed(new)), strict=True))
            except EmbeddingError as error:
                raise BenchmarkError(str(error)) from error
        return np.array([self._known[text] for text in texts], dtype=np.float32)

    async def _embed(self, texts: Sequence[str]) -> Sequence[Sequence[float]]:
        return await self._embedder.embed(texts)

    def close(self) -> None:
        """Let the model go."""
        self._embedder.close()
