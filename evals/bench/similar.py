"""The three most similar of 10,000 past incidents, embedding included, and bringing such an index up to date."""

import asyncio
import os
import re
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import numpy.typing as npt

from bot.adapters.embeddings import SentenceEmbedder, resolve_model
from bot.adapters.postgres.migrate import migrate
from bot.adapters.postgres.postmortem_index import PgPostmortemIndex
from bot.adapters.postgres.session import make_pool
from bot.adapters.postmortems import PostmortemFiles, load_postmortems
from bot.core.postmortem import Postmortem
from bot.core.similar import SECTIONS, Asking, Records, section_text
from bot.flows.find_similar import SimilarIncidents
from bot.flows.sync_index import sync_index
from evals.bench.corpus import as_markdown, questions, recombined, sentences
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


async def measure(plan: Plan) -> list[Figure]:
    """Fill the index, ask one question after another, then add files beside it."""
    real = load_postmortems([ROOT / "postmortems"])
    corpus = recombined(real, plan.pick(10_000, 500))
    folder = plan.folder / "postmortems"
    await asyncio.to_thread(_write, folder, corpus)
    embedder = SentenceEmbedder(resolve_model(None))
    async with postgres(plan.folder / "pg") as server:
        dsn = await server.create("similar")
        await migrate(dsn)
        pool = make_pool(dsn, max_size=4, name="similar")
        await pool.open()
        try:
            index = PgPostmortemIndex(pool, model=embedder.name)
            plan.say(f"similar: filling an index of {len(corpus)} postmortems")
            await _fill(corpus, embedder, index)
            before_mb = _resident_mb()
            search = SimilarIncidents(index=index, embedder=embedder)
            plan.say("similar: asking")
            first_s, times = await _ask(search, questions(real, plan.pick(300, 30)), len(corpus))
            rate = await _rate(corpus, embedder)
            # As the running bot does it: files that did not change are not read again.
            files = PostmortemFiles([folder])
            await asyncio.to_thread(files.load)
            sync = partial(sync_index, load=files.load, embedder=embedder, index=index)
            held_mb = _resident_mb() - before_mb
            plan.say("similar: one more file beside them")
            added = [await _added(real, folder, sync, search, place) for place in range(plan.pick(5, 2))]
        finally:
            await pool.close()
            embedder.close()
    plan.say("similar: words of ten times as many")
    large = await asyncio.to_thread(_by_words, real, plan.pick(100_000, 1_000), questions(real, plan.pick(100, 10)))
    size = f"{len(corpus):,}"
    note = f"the first search after a change of the corpus also reads it: {first_s:.1f} s"
    return [
        spread(f"top-{_K} similar among {size}, embedding included", times, "ms", p95_at_most=60, note=note),
        count(
            f"memory that {size} postmortems take in the bot",
            held_mb,
            "MB",
            samples=1,
            note="words, texts and files; vectors stay in PostgreSQL",
        ),
        count("embedding sections of postmortems", rate, "1/s", samples=_EMBEDDED, note="two sections a file"),
        spread(f"one new file beside {size}: read, embedded, found by a search", added, "s", p95_at_most=5),
        *large,
    ]


def _by_words(real: Sequence[Postmortem], size: int, texts: Sequence[str]) -> list[Figure]:
    """The side that stays in memory, at ten times the corpus: what it holds and how long a search by words takes."""
    corpus = recombined(real, size, seed=11)
    before_mb = _resident_mb()
    records = Records().changed(corpus, [])
    held_mb = _resident_mb() - before_mb
    times: list[float] = []
    for text in texts:
        asking = Asking(text=text, service="")
        began = time.perf_counter()
        words = records.by_words(asking, 50)
        for one in records.rank(asking, words, {})[:_K]:
            records.why(one.id, asking, {})
        times.append((time.perf_counter() - began) * 1000)
    return [
        spread(f"top-{_K} similar among {size:,}, by words alone", times, "ms"),
        count(
            f"memory that the words of {size:,} postmortems take", held_mb, "MB", samples=1, note="beside their texts"
        ),
    ]


def _resident_mb() -> float:
    """What the process holds now."""
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


def _write(folder: Path, corpus: Sequence[Postmortem]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for one in corpus:
        (folder / f"{one.id}.md").write_text(as_markdown(one), encoding="utf-8")


async def _fill(corpus: Sequence[Postmortem], embedder: SentenceEmbedder, index: PgPostmortemIndex) -> None:
    """
    Index without embedding every text, which would take longer than all other measurements together.

    A section's vector is the mean of its sentences' vectors, and there are few different sentences.
    """
    parts = {one.id: {section: sentences(section_text(one, section)) for section in SECTIONS} for one in corpus}
    distinct = sorted({part for own in parts.values() for section in own.values() for part in section})
    # Titles are numbered, so their sentences are all different; they are left out of the mean.
    known = [part for part in distinct if not _NUMBERED.search(part)]
    vectors = dict(zip(known, np.asarray(await embedder.embed(known)), strict=True))
    for one in corpus:
        await index.replace(one, {name: _mean(section, vectors) for name, section in parts[one.id].items()})


def _mean(parts: Sequence[str], vectors: Mapping[str, Vector]) -> list[float]:
    found = np.sum([vectors[part] for part in parts if part in vectors], axis=0)
    return [float(value) for value in found / np.linalg.norm(found)]


async def _rate(corpus: Sequence[Postmortem], embedder: SentenceEmbedder) -> float:
    """Sections embedded in a second."""
    texts = [section_text(one, section) for one in corpus[: _EMBEDDED // len(SECTIONS)] for section in SECTIONS]
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
