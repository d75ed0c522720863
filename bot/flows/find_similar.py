"""The most similar past incidents: lexical first, dense beside it, a floor under both."""

import asyncio
import logging
from collections.abc import Mapping, Sequence

from bot.core.errors import AiopsError
from bot.core.hypothesis import SimilarFound, SimilarIncident
from bot.core.lexical import LexicalIndex, LexicalMatch
from bot.core.postmortem import Postmortem
from bot.core.text import plural
from bot.ports import Embedder, PostmortemIndex, Watermark

log = logging.getLogger(__name__)

_CANDIDATES = 20
# Below this neither the words nor the meaning say enough: "nothing similar" is then the honest answer.
_FLOOR = 0.30
_DENSE_SHARE = 0.6


class SimilarIncidents:
    """The SimilarSearch port over the index; keeps the lexical side in memory until the corpus changes."""

    def __init__(self, *, index: PostmortemIndex, embedder: Embedder) -> None:
        self._index = index
        self._embedder = embedder
        self._mark: Watermark | None = None
        self._corpus: Sequence[Postmortem] = ()
        self._by_id: Mapping[str, Postmortem] = {}
        self._lexical = LexicalIndex([])

    async def search(self, text: str, *, service: str, k: int) -> SimilarFound:
        """The k most similar above the floor, best first."""
        await self._refresh()
        if not self._corpus:
            return SimilarFound(incidents=(), searched=0, note="the index of past incidents is empty")
        dense, note = await self._dense(text)
        lexical = {
            self._corpus[match.place].id: match for match in self._lexical.search(f"{text} {service}", _CANDIDATES)
        }
        scored = sorted(
            ((_fused(lexical.get(name), dense.get(name), bool(dense)), name) for name in {*lexical, *dense}),
            reverse=True,
        )
        return SimilarFound(
            incidents=tuple(
                _incident(self._by_id[name], score, lexical.get(name), dense.get(name))
                for score, name in scored[:k]
                if score >= _FLOOR and name in self._by_id
            ),
            searched=len(self._corpus),
            note=note,
        )

    async def count(self) -> int:
        """How many past incidents there are to search."""
        return (await self._index.watermark()).count

    async def _refresh(self) -> None:
        mark = await self._index.watermark()
        if mark == self._mark:
            return
        self._corpus = await self._index.everything()
        self._by_id = {one.id: one for one in self._corpus}
        self._lexical = await asyncio.to_thread(LexicalIndex, [_text(one) for one in self._corpus])
        self._mark = mark

    async def _dense(self, text: str) -> tuple[dict[str, float], str]:
        try:
            (vector,) = await self._embedder.embed([text])
            nearest = await self._index.nearest(vector, _CANDIDATES)
        except AiopsError as error:
            log.warning("similar incidents by words alone: %s", error)
            return {}, f"by words alone: {error}"
        unfinished = self._mark is not None and self._mark.unfinished
        return dict(nearest), "by words alone, the index is being built" if unfinished else ""


def _text(one: Postmortem) -> str:
    return f"{one.title} {one.service_kind} {' '.join(one.tags)} {one.symptom} {one.cause} {one.fix}"


def _fused(lexical: LexicalMatch | None, dense: float | None, has_dense: bool) -> float:
    words = lexical.score if lexical else 0.0
    if not has_dense:
        return words
    return _DENSE_SHARE * max(0.0, dense or 0.0) + (1 - _DENSE_SHARE) * words


def _incident(one: Postmortem, score: float, lexical: LexicalMatch | None, dense: float | None) -> SimilarIncident:
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
        score=round(score, 3),
        why=_why(lexical, dense),
    )


def _why(lexical: LexicalMatch | None, dense: float | None) -> str:
    reasons: list[str] = []
    if lexical and lexical.terms:
        shown = ", ".join(lexical.terms[:5])
        more = len(lexical.terms) - 5
        reasons.append(f"shares {shown}" + (f" and {plural(more, 'more word')}" if more > 0 else ""))
    if dense is not None and dense >= _FLOOR:
        reasons.append(f"reads alike ({dense:.2f})")
    return "; ".join(reasons) or "weak match"
