"""Bring the index of past incidents up to date with the files, and take closed incidents in."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import replace

from bot.core.errors import AiopsError
from bot.core.postmortem import IndexState, LoadedPostmortems, Postmortem
from bot.core.similar import SECTIONS, section_text
from bot.ports import Clock, Embedder, PostmortemIndex, Watermark

log = logging.getLogger(__name__)

_BATCH = 32
# Of records from no file, in one run: a large import must not keep changed files waiting.
_RECORDS = 64


async def sync_index(
    *, load: Callable[[], LoadedPostmortems], embedder: Embedder, index: PostmortemIndex
) -> Mapping[str, int]:
    """Index new and changed files, forget deleted ones and those that cannot be used any more; how many of each."""
    files = {one.id: one for one in load().postmortems}
    indexed = await index.indexed()
    changed = [one for one in files.values() if indexed.get(one.id) != one.sha256]
    gone = [name for name in indexed if name not in files]
    if gone:
        await index.remove(gone)
    # Found by words before their vectors are made, which takes longer.
    await index.announce([one for one in changed if one.id not in indexed])
    await _embed(changed, embedder=embedder, index=index)
    return {"indexed": len(changed), "removed": len(gone), "unchanged": len(files) - len(changed)}


async def _embed(changed: Sequence[Postmortem], *, embedder: Embedder, index: PostmortemIndex) -> None:
    for start in range(0, len(changed), _BATCH):
        batch = changed[start : start + _BATCH]
        texts = [section_text(one, section) for one in batch for section in SECTIONS]
        vectors = iter(await embedder.embed(texts))
        for one in batch:
            await index.replace(one, {section: next(vectors) for section in SECTIONS})


class IndexSync:
    """Repeated syncs: one at a time, and nothing is asked of the index while the files are the same objects."""

    def __init__(
        self,
        *,
        load: Callable[[], LoadedPostmortems],
        embedder: Embedder,
        index: PostmortemIndex,
        clock: Clock,
        follow: Callable[[], Awaitable[None]] | None = None,
        remember: Callable[[], Awaitable[int]] | None = None,
    ) -> None:
        """
        `follow` is called after each run, so that the first search after a change need not do it.

        `remember` brings the texts of labelled and imported incidents into the index; how many changed.
        """
        self._load = load
        self._embedder = embedder
        self._index = index
        self._clock = clock
        self._follow = follow
        self._remember = remember
        self._seen: Mapping[str, str] | None = None
        self._one_at_a_time = asyncio.Lock()
        self._mark: Watermark | None = None
        self._state = IndexState()

    def state(self) -> IndexState:
        """How fresh the index is, as of the last run."""
        return self._state

    async def run(self) -> Mapping[str, int]:
        """How many were indexed, removed, unchanged. Raises ConfigError for a folder that is not there."""
        async with self._one_at_a_time:
            try:
                return await self._run()
            except AiopsError as error:
                self._state = replace(self._state, problem=str(error))
                raise

    def _tell(self, problems: Sequence[str]) -> None:
        """Once, not every two seconds."""
        for problem in problems:
            if problem not in self._state.left_out:
                log.warning("a postmortem is left out: %s", problem)
        self._state = replace(self._state, left_out=tuple(problems))

    async def _run(self) -> Mapping[str, int]:
        remembered = await self._remember() if self._remember is not None else 0
        # What is new, and what a process left that ended between words and vectors.
        await _embed(await self._index.unfinished(limit=_RECORDS), embedder=self._embedder, index=self._index)
        files = await asyncio.to_thread(self._load)
        now = {one.id: one.sha256 for one in files.postmortems}
        self._tell(files.problems)
        # A database that was restored or emptied holds something else than this process has put there.
        if now == self._seen and await self._index.watermark() == self._mark:
            done: Mapping[str, int] = {"indexed": 0, "removed": 0, "unchanged": len(now)}
        else:
            known = self._seen or {}
            behind = sum(known.get(name) != now.get(name) for name in {*known, *now})
            self._state = replace(self._state, files=len(now), behind=behind, problem="")
            done = await sync_index(load=lambda: files, embedder=self._embedder, index=self._index)
            self._seen, self._mark = now, await self._index.watermark()
        self._state = IndexState(files=len(now), current_at=self._clock.now(), left_out=files.problems)
        if self._follow is not None:
            await self._follow()
        return done if self._remember is None else {**done, "incidents": remembered}
