"""Vectors of benchmarks are made once, and again when what made them changes or the file is broken."""

import numpy as np
import pytest

from evals.benchmarks import vectors
from evals.benchmarks.vectors import Embedding

TEXTS = ["the disk is full", "a certificate expired", "the disk is full"]


@pytest.fixture
def embedding(tmp_path):
    made: list[Embedding] = []

    def make():
        made.append(Embedding(tmp_path / "vectors.npz"))
        return made[-1]

    yield make
    for one in made:
        one.close()


async def never(_texts):
    raise AssertionError("asked the model for what was kept")


def test_a_text_is_embedded_once_and_found_again_by_the_next_run(embedding, monkeypatch):
    first = embedding().of(TEXTS)
    again = embedding()
    monkeypatch.setattr(again._embedder, "embed", never)

    assert np.array_equal(again.of(TEXTS), first)
    assert np.array_equal(first[0], first[2])
    assert np.linalg.norm(first, axis=1) == pytest.approx(1.0, abs=1e-5)
    with pytest.raises(AssertionError, match="asked the model"):
        again.of(["something new"])


def test_vectors_of_another_model_or_library_are_not_used(embedding, monkeypatch):
    embedding().of(TEXTS[:1])
    monkeypatch.setattr(vectors, "version", lambda _name: "9.9")
    other = embedding()
    monkeypatch.setattr(other._embedder, "embed", never)

    with pytest.raises(AssertionError, match="asked the model"):
        other.of(TEXTS[:1])


def test_a_broken_file_is_made_again(embedding, tmp_path, caplog):
    (tmp_path / "vectors.npz").write_bytes(b"no archive")

    assert embedding().of(TEXTS[:1]).shape == (1, 384)
    assert "cannot be read and is made again" in caplog.text
    assert embedding().of(TEXTS[:1]).shape == (1, 384)
