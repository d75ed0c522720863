"""The most similar past incidents: lexical first, dense beside it, a floor under both."""

import asyncio
import logging

from bot.core.errors import AiopsError
from bot.core.hypothesis import SimilarFound, SimilarIncident
from bot.core.postmortem import Postmortem
from bot.core.similar import FLOOR, Asking, Known, Ranked, Records
from bot.ports import Clock, Embedder, PostmortemIndex, Watermark

log = logging.getLogger(__name__)

_CANDIDATES = 50
# Texts read at a time: neither are all held at once, nor does everything else wait while they are taken apart.
_BATCH = 500


class SimilarIncidents:
    """The SimilarSearch port over the index; keeps the words in memory, not the texts, and follows the index change by change."""

    def __init__(self, *, index: PostmortemIndex, embedder: Embedder, clock: Clock | None = None) -> None:
        self._index = index
        self._embedder = embedder
        self._clock = clock
        self._mark: Watermark | None = None
        self._stamps: dict[str, str] = {}
        self._records = Records()
        self._following: asyncio.Task[None] | None = None

    async def search(self, text: str, *, service: str, k: int) -> SimilarFound:
        """The k most similar above the floor, best first."""
        asking = Asking(text=text, service=service, today=self._clock.now().date() if self._clock is not None else None)
        # Embedding takes longest and runs in a thread of its own: following the index and ranking by words go on meanwhile.
        embedding = asyncio.create_task(self._embedded(text))
        try:
            await self.refresh()
            records = self._records
            words = records.by_words(asking, _CANDIDATES)
        except BaseException:
            embedding.cancel()
            raise
        vector, note = await embedding
        if not len(records):
            return SimilarFound(incidents=(), searched=0, note="the index of past incidents is empty")
        alike = dict(await self._index.nearest(vector, _CANDIDATES, also=list(words))) if vector else {}
        if vector and self._mark is not None and self._mark.unfinished:
            note = "some by words alone, the index is being built"
        best = [one for one in records.rank(asking, words, alike)[:k] if one.score >= FLOOR]
        texts = {one.id: one for one in await self._index.read([one.id for one in best])} if best else {}
        return SimilarFound(
            incidents=tuple(
                _incident(texts[one.id], one, records.why(one.id, asking, alike)) for one in best if one.id in texts
            ),
            searched=len(records),
            note=note,
        )

    async def count(self) -> int:
        """How many past incidents there are to search."""
        return (await self._index.watermark()).count

    async def refresh(self) -> None:
        """Bring the lexical side up to the index; only what changed is read."""
        if self._following is None or self._following.done():
            self._following = asyncio.create_task(self._follow())
        # A search that runs out of time does not take the work along: the next one finds it further on.
        await asyncio.shield(self._following)

    async def _follow(self) -> None:
        mark = await self._index.watermark()
        if mark == self._mark:
            return
        stamps = await self._index.stamps()
        changed = [name for name, stamp in stamps.items() if self._stamps.get(name) != stamp]
        gone = [name for name in self._stamps if name not in stamps]
        put: dict[str, Known] = {}
        for start in range(0, len(changed), _BATCH):
            texts = await self._index.read(changed[start : start + _BATCH])
            put |= await asyncio.to_thread(self._records.counted, texts)
        self._records = await asyncio.to_thread(self._records.with_counted, put, gone)
        self._stamps, self._mark = dict(stamps), mark

    async def _embedded(self, text: str) -> tuple[list[float], str]:
        try:
            (vector,) = await self._embedder.embed([text])
        except AiopsError as error:
            log.warning("similar incidents by words alone: %s", error)
            return [], f"by words alone: {error}"
        return list(vector), ""


def _incident(one: Postmortem, ranked: Ranked, why: str) -> SimilarIncident:
    return SimilarIncident(
        id=one.id,
        title=one.title,
        date=one.date,
        organisation=one.organisation,
        service_kind=one.service_kind,
        cause_class=one.cause_class,
        cause=one.cause,
        fix=one.fix,
        url=one.source,
        score=round(ranked.score, 3),
        why=why,
    )
