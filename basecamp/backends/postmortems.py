"""Past incidents by likeness: Markdown files, their vectors in PostgreSQL (pgvector), found by exact scan."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from basecamp.backends.embeddings import MODEL, Embedder
from basecamp.database import Connection, Database
from basecamp.errors import BackendError, ConfigError
from basecamp.postmortemfiles import PostmortemFile, load_postmortem
from basecamp.results import Postmortem, Postmortems
from basecamp.sql import query_named

_BATCH = 64
_log = logging.getLogger(__name__)
_Stamp = tuple[int, int]


class PostmortemSearch:
    """Searches the files of some folders; a changed file is read again before the next search."""

    def __init__(self, folders: Sequence[Path], database: Database, embedder: Embedder) -> None:
        self._folders = [folder.resolve() for folder in folders]
        self._database = database
        self._embedder = embedder
        self._read: dict[Path, tuple[_Stamp, PostmortemFile]] = {}
        self._syncing = asyncio.Lock()

    async def search(self, query: str, k: int) -> Postmortems:
        """The k most alike, best first. Raises BackendError naming the query."""
        try:
            await self.sync()
            (vector,) = await self._embedder.embed([query])
            arguments = {"embedding": json.dumps(vector), "corpora": self._corpora, "model": MODEL, "k": k}
            async with self._database.connect() as connection:
                rows = await (await connection.execute(query_named("similar_postmortems"), arguments)).fetchall()
        except BackendError as error:
            raise BackendError(error.backend, error.words, query=f"postmortems like {query!r}") from error
        return Postmortems(results=[Postmortem.model_validate(row) for row in rows])

    async def sync(self) -> int:
        """Bring the table up to date with the files; how many were embedded."""
        async with self._syncing:
            count = 0
            for folder in self._folders:
                count += await self._sync_folder(folder)
            return count

    async def check(self) -> str:
        """Say how many files can be searched. Raises BackendError naming those that cannot."""
        self._embedder.check()
        files, broken = 0, list[str]()
        for folder in self._folders:
            found, errors = await asyncio.to_thread(self._load_folder, folder)
            files += len(found)
            broken += errors
        if broken:
            raise BackendError("postmortems", f"{len(broken)} files cannot be read: {'; '.join(broken[:3])}")
        return f"{files} files"

    @property
    def _corpora(self) -> list[str]:
        return [str(folder) for folder in self._folders]

    async def _sync_folder(self, folder: Path) -> int:
        files, errors = await asyncio.to_thread(self._load_folder, folder)
        for error in errors:
            _log.warning("postmortem left out: %s", error)
        scope = {"corpus": str(folder), "model": MODEL}
        async with self._database.connect() as connection:
            rows = await (await connection.execute(query_named("known_postmortems"), scope)).fetchall()
        known = {str(row["path"]): str(row["sha256"]) for row in rows}
        new = [each for each in files if known.get(each.path) != each.sha256]
        for at in range(0, len(new), _BATCH):
            batch = new[at : at + _BATCH]
            vectors = await self._embedder.embed([each.symptom for each in batch])
            async with self._database.connect() as connection:
                await _save(connection, folder, batch, vectors)
        gone = sorted(set(known) - {each.path for each in files})
        if gone:
            async with self._database.connect() as connection:
                await connection.execute(query_named("forget_postmortems"), {**scope, "paths": gone})
        return len(new)

    def _load_folder(self, folder: Path) -> tuple[list[PostmortemFile], list[str]]:
        if not folder.is_dir():
            raise BackendError("postmortems", f"{folder} is not a folder; create it or mend `postmortems:`")
        found: list[PostmortemFile] = []
        errors: list[str] = []
        for file in sorted(folder.rglob("*.md")):
            if file.name.lower() == "readme.md":
                continue
            try:
                found.append(self._load(file, folder))
            except (ConfigError, OSError) as error:
                errors.append(str(error))
        return found, errors

    def _load(self, file: Path, folder: Path) -> PostmortemFile:
        stat = file.stat()
        stamp = (stat.st_mtime_ns, stat.st_size)
        cached = self._read.get(file)
        if cached is None or cached[0] != stamp:
            cached = (stamp, load_postmortem(file, folder))
            self._read[file] = cached
        return cached[1]


async def _save(
    connection: Connection, folder: Path, files: Sequence[PostmortemFile], vectors: Sequence[Sequence[float]]
) -> None:
    for file, vector in zip(files, vectors, strict=True):
        values = {**asdict(file), "corpus": str(folder), "model": MODEL, "embedding": json.dumps(vector)}
        await connection.execute(query_named("save_postmortem"), values)
