"""Bring the index of past incidents up to date with the files."""

import asyncio
from collections.abc import Callable, Mapping, Sequence

from bot.core.postmortem import Postmortem
from bot.ports import Embedder, PostmortemIndex

# Symptom and cause are indexed apart: an alert looks like a symptom, a person's question may look like a cause.
SECTIONS = ("symptom", "cause")
_BATCH = 32


def section_text(postmortem: Postmortem, section: str) -> str:
    """What is embedded: a header that places the section, then its text."""
    body = postmortem.symptom if section == "symptom" else f"{postmortem.cause} {postmortem.fix}"
    return f"{postmortem.title}. {postmortem.service_kind}, {', '.join(postmortem.tags)}. {body}"


async def sync_index(
    *, load: Callable[[], Sequence[Postmortem]], embedder: Embedder, index: PostmortemIndex
) -> Mapping[str, int]:
    """Index new and changed files, forget deleted ones; how many of each. Raises ConfigError for a bad file."""
    files = {one.id: one for one in load()}
    indexed = await index.indexed()
    changed = [one for one in files.values() if indexed.get(one.id) != one.sha256]
    gone = [name for name in indexed if name not in files]
    if gone:
        await index.remove(gone)
    await index.announce([one for one in changed if one.id not in indexed])
    for start in range(0, len(changed), _BATCH):
        await _index(changed[start : start + _BATCH], embedder=embedder, index=index)
    return {"indexed": len(changed), "removed": len(gone), "unchanged": len(files) - len(changed)}


async def _index(batch: Sequence[Postmortem], *, embedder: Embedder, index: PostmortemIndex) -> None:
    texts = [section_text(one, section) for one in batch for section in SECTIONS]
    vectors = iter(await embedder.embed(texts))
    for one in batch:
        await index.replace(one, {section: next(vectors) for section in SECTIONS})


class IndexSync:
    """Repeated syncs: one at a time, and nothing is asked of the index while the files are the same objects."""

    def __init__(self, *, load: Callable[[], Sequence[Postmortem]], embedder: Embedder, index: PostmortemIndex) -> None:
        self._load = load
        self._embedder = embedder
        self._index = index
        self._seen: Mapping[str, str] | None = None
        self._one_at_a_time = asyncio.Lock()

    async def run(self) -> Mapping[str, int]:
        """How many were indexed, removed, unchanged. Raises ConfigError for a bad file; the rest stays as it was."""
        async with self._one_at_a_time:
            files = await asyncio.to_thread(self._load)
            now = {one.id: one.sha256 for one in files}
            if now == self._seen:
                return {"indexed": 0, "removed": 0, "unchanged": len(now)}
            done = await sync_index(load=lambda: files, embedder=self._embedder, index=self._index)
            self._seen = now
            return done
