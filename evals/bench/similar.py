"""The three most similar of 10,000 and of 100,000 past incidents, embedding included, and keeping such an index up to date."""

import asyncio
import contextlib
import ctypes
import gc
import os
import re
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from typing import LiteralString

import numpy as np
import numpy.typing as npt
import psycopg
from pgvector import HalfVector
from pgvector.psycopg import register_vector_async
from psycopg import AsyncCursor

from bot.adapters.embeddings import SentenceEmbedder, resolve_model
from bot.adapters.postgres.migrate import migrate
from bot.adapters.postgres.postmortem_index import PgPostmortemIndex
from bot.adapters.postgres.rows import to_json
from bot.adapters.postgres.session import jsonb, make_pool
from bot.adapters.postmortems import PostmortemFiles, load_postmortems
from bot.core.postmortem import Postmortem
from bot.core.similar import SECTIONS, section_text
from bot.flows.find_similar import SimilarIncidents
from bot.flows.sync_index import sync_index
from evals.bench.corpus import as_markdown, recombined, sentences
from evals.bench.corpus import questions as asked_of
from evals.bench.database import postgres
from evals.bench.figures import Figure, count, spread
from evals.bench.plan import Plan
from evals.bench.programs import ROOT, BenchError

Vector = npt.NDArray[np.float64]

_K = 3
_EMBEDDED = 64
# Nothing of the corpus reads like these, nor do they read like one another.
_STRANGE = (
    "Zeppelin mooring mast lost its beacon",
    "Walrus swallowed the tide gauge",
    "Cheese cellar hygrometer froze at noon",
    "Observatory dome jammed during an eclipse",
    "Carousel horses ran backwards after greasing",
)
_NUMBERED = re.compile(r"\(\d+\)")
_DATED = re.compile(r"\d{4}-\d\d-\d\d")


async def measure(plan: Plan) -> list[Figure]:
    """Fill an index, ask one question after another, then add files beside it; again with ten times as many."""
    embedder = SentenceEmbedder(resolve_model(None))
    try:
        # As `aiops serve` does after it is ready: neither the first search nor its memory is that of loading the model.
        await embedder.embed(["ready"])
        small = await _among(plan, plan.pick(10_000, 500), embedder, questions=plan.pick(300, 30), p95_ms=60)
        rate = await _rate(embedder)
        large = await _among(plan, plan.pick(100_000, 1_000), embedder, questions=plan.pick(100, 10))
    finally:
        embedder.close()
    told = count("embedding sections of postmortems", rate, "1/s", samples=_EMBEDDED, note="two sections a file")
    return [*small, told, *large]


async def _among(
    plan: Plan, size: int, embedder: SentenceEmbedder, *, questions: int, p95_ms: float | None = None
) -> list[Figure]:
    real = load_postmortems([ROOT / "postmortems"]).postmortems
    folder = plan.folder / f"postmortems-{size}"
    async with postgres(plan.folder / f"pg-{size}") as server:
        dsn = await server.create("similar")
        await migrate(dsn)
        pool = make_pool(dsn, max_size=4, name="similar")
        await pool.open()
        try:
            index = PgPostmortemIndex(pool, model=embedder.name)
            plan.say(f"similar: filling an index of {size:,} postmortems")
            # In a process of its own: the search would grow unseen into what filling has left behind.
            with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as beside:
                await asyncio.get_running_loop().run_in_executor(beside, _prepare, size, folder, dsn)
            before_mb = _resident_mb()
            search = SimilarIncidents(index=index, embedder=embedder)
            plan.say(f"similar: asking among {size:,}")
            first_s, times = await _ask(search, asked_of(real, questions), size)
            # As the running bot does it: files that did not change are not read again.
            files = PostmortemFiles([folder])
            await asyncio.to_thread(files.load)
            all_mb = _resident_mb()
            sync = partial(sync_index, load=files.load, embedder=embedder, index=index)
            plan.say(f"similar: one more file beside {size:,}")
            added = [await _added(real, folder, sync, search, place) for place in range(plan.pick(5, 2))]
        finally:
            await pool.close()
    note = f"exact scan; the first search after the start also reads them: {first_s:.1f} s"
    limit_s = 5 if p95_ms is not None else None
    return [
        spread(f"top-{_K} similar among {size:,}, embedding included", times, "ms", p95_at_most=p95_ms, note=note),
        count(
            f"resident memory that {size:,} postmortems take in the bot",
            all_mb - before_mb,
            "MB",
            note=f"words and files; texts and vectors stay in PostgreSQL; the whole process, torch included: {all_mb:,.0f} MB",
        ),
        spread(f"one new file beside {size:,}: read, embedded, found by a search", added, "s", p95_at_most=limit_s),
    ]


def _prepare(size: int, folder: Path, dsn: str) -> None:
    """Write the files and fill the index."""
    corpus = recombined(load_postmortems([ROOT / "postmortems"]).postmortems, size)
    _write(folder, corpus)
    embedder = SentenceEmbedder(resolve_model(None))
    try:
        asyncio.run(_fill(corpus, embedder, dsn))
    finally:
        embedder.close()


def _resident_mb() -> float:
    """What the process holds now; memory that it has freed is given back first where the C library can."""
    gc.collect()
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL("libc.so.6").malloc_trim(0)
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


def _write(folder: Path, corpus: Sequence[Postmortem]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for one in corpus:
        (folder / f"{one.id}.md").write_text(as_markdown(one), encoding="utf-8")


async def _fill(corpus: Sequence[Postmortem], embedder: SentenceEmbedder, dsn: str) -> None:
    """
    Index without embedding every text, which would take longer than all other measurements together.

    A section's vector is the mean of its sentences' vectors, and there are few different sentences.
    """
    distinct = {part for one in corpus for section in SECTIONS for part in sentences(section_text(one, section))}
    # Titles are numbered and dates differ, so such sentences are all different; they are left out of the mean.
    known = sorted(part for part in distinct if not _NUMBERED.search(part) and not _DATED.search(part))
    vectors = dict(zip(known, np.asarray(await embedder.embed(known)), strict=True))
    async with await psycopg.AsyncConnection.connect(dsn) as connection:
        await register_vector_async(connection)
        async with connection.cursor() as cursor:
            await _copy(
                cursor,
                "copy aiops.postmortem (id, body, sha256, model) from stdin",
                ((one.id, jsonb(to_json(one)), one.sha256, embedder.name) for one in corpus),
            )
            await _copy(
                cursor,
                "copy aiops.postmortem_vector (postmortem_id, section, embedding, model) from stdin",
                (
                    (one.id, name, HalfVector(_mean(sentences(section_text(one, name)), vectors)), embedder.name)
                    for one in corpus
                    for name in SECTIONS
                ),
            )
        await connection.commit()
        await connection.set_autocommit(True)
        # As autovacuum would have done by the time that somebody asks.
        await connection.execute("vacuum analyze aiops.postmortem, aiops.postmortem_vector")


async def _copy(cursor: AsyncCursor, statement: LiteralString, rows: Iterable[Sequence[object]]) -> None:
    async with cursor.copy(statement) as copy:
        for row in rows:
            await copy.write_row(row)


def _mean(parts: Sequence[str], vectors: Mapping[str, Vector]) -> list[float]:
    found = np.sum([vectors[part] for part in parts if part in vectors], axis=0)
    return [float(value) for value in found / np.linalg.norm(found)]


async def _rate(embedder: SentenceEmbedder) -> float:
    """Sections embedded in a second."""
    corpus = recombined(load_postmortems([ROOT / "postmortems"]).postmortems, _EMBEDDED // len(SECTIONS), seed=3)
    texts = [section_text(one, section) for one in corpus for section in SECTIONS]
    began = time.perf_counter()
    await embedder.embed(texts)
    return len(texts) / (time.perf_counter() - began)


async def _ask(search: SimilarIncidents, texts: Sequence[str], size: int) -> tuple[float, list[float]]:
    """Seconds of the first search, then milliseconds of each."""
    began = time.perf_counter()
    found = await search.search(texts[0], service="", k=_K)
    first_s = time.perf_counter() - began
    if found.searched != size or not found.incidents:
        raise BenchError(
            f"the search went over {found.searched} of {size} postmortems: {found.note or 'nothing found'}"
        )
    times: list[float] = []
    for text in texts:
        began = time.perf_counter()
        await search.search(text, service="", k=_K)
        times.append((time.perf_counter() - began) * 1000)
    return first_s, times


async def _added(
    real: Sequence[Postmortem],
    folder: Path,
    sync: Callable[[], Awaitable[object]],
    search: SimilarIncidents,
    place: int,
) -> float:
    """As the running bot does it: the folder is read, what is new is embedded, and the next search knows it."""
    words = _STRANGE[place % len(_STRANGE)]
    (shape,) = recombined(real, 1, seed=place)
    new = replace(shape, id=f"new-{place}", title=words, symptom=f"{words}. {shape.symptom}")
    began = time.perf_counter()
    await asyncio.to_thread(_write, folder, [new])
    await sync()
    found = await search.search(words, service="", k=_K)
    if new.id not in {one.id for one in found.incidents}:
        raise BenchError(f"{new.id} was indexed and is not among the three most similar to its own title")
    return time.perf_counter() - began
