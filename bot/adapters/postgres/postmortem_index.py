"""The PostmortemIndex port: pgvector, halfvec, by cosine; an exact scan unless there are so many that HNSW pays."""

from collections.abc import Mapping, Sequence

from pgvector import HalfVector

from bot.adapters.postgres.rows import from_json, to_json
from bot.adapters.postgres.session import Pool, Session, jsonb, wrapped_errors
from bot.core.postmortem import Postmortem
from bot.ports import Watermark


class PgPostmortemIndex:
    """Vectors of one embedding model; rows of another model are not seen and are replaced on sync."""

    def __init__(self, pool: Pool, *, model: str) -> None:
        self._pool = pool
        self._model = model

    async def indexed(self) -> Mapping[str, str]:
        """Postmortem id to the hash that is indexed."""
        async with wrapped_errors(), self._pool.connection() as connection:
            rows = await Session(connection).rows("indexed_postmortems", model=self._model)
        return {row["id"]: row["sha256"] for row in rows}

    async def announce(self, postmortems: Sequence[Postmortem]) -> None:
        """Texts without vectors yet; an empty hash marks them as unfinished."""
        async with wrapped_errors(), self._pool.connection() as connection, connection.transaction():
            await Session(connection).many(
                "put_postmortem",
                [
                    {
                        "id": one.id,
                        "body": jsonb(to_json(one)),
                        "sha256": "",
                        "model": self._model,
                        "origin": one.origin.value,
                    }
                    for one in postmortems
                ],
            )

    async def replace(self, postmortem: Postmortem, vectors: Mapping[str, Sequence[float]]) -> None:
        """Store one postmortem with its vectors in one transaction."""
        async with wrapped_errors(), self._pool.connection() as connection, connection.transaction():
            session = Session(connection)
            await session.execute(
                "put_postmortem",
                id=postmortem.id,
                body=jsonb(to_json(postmortem)),
                sha256=postmortem.sha256,
                model=self._model,
                origin=postmortem.origin.value,
            )
            await session.execute("drop_vectors", id=postmortem.id)
            await session.many(
                "put_vector",
                [
                    {
                        "id": postmortem.id,
                        "section": section,
                        "embedding": _halved(vector),
                        "model": self._model,
                    }
                    for section, vector in vectors.items()
                ],
            )

    async def remove(self, ids: Sequence[str]) -> None:
        """Forget some."""
        async with wrapped_errors(), self._pool.connection() as connection, connection.transaction():
            await Session(connection).execute("remove_postmortems", ids=list(ids))

    async def watermark(self) -> Watermark:
        """How much there is and how new."""
        async with wrapped_errors(), self._pool.connection() as connection:
            row = await Session(connection).row("index_watermark", model=self._model)
        assert row is not None, "a select of aggregates always gives a row"
        return Watermark(count=row["count"], newest=row["newest"], unfinished=row["unfinished"])

    async def nearest(
        self, vector: Sequence[float], k: int, *, also: Sequence[str] = ()
    ) -> Sequence[tuple[str, float]]:
        """About k nearest and those of `also`, best first."""
        async with wrapped_errors(), self._pool.connection() as connection:
            session = Session(connection)
            await session.execute("scan_on_when_filtered")
            rows = await session.rows(
                "nearest_postmortems", vector=_halved(vector), model=self._model, k=k, also=list(also)
            )
        return [(row["id"], float(row["score"])) for row in rows]

    async def stamps(self) -> Mapping[str, str]:
        """Id to when it was written."""
        async with wrapped_errors(), self._pool.connection() as connection:
            rows = await Session(connection).rows("postmortem_stamps", model=self._model)
        return {row["id"]: row["stamp"] for row in rows}

    async def read(self, ids: Sequence[str]) -> Sequence[Postmortem]:
        """Those that are there."""
        async with wrapped_errors(), self._pool.connection() as connection:
            rows = await Session(connection).rows("read_postmortems", ids=list(ids))
        return [from_json(Postmortem, row["body"]) for row in rows]

    async def unfinished(self, *, limit: int) -> Sequence[Postmortem]:
        """Without vectors yet."""
        async with wrapped_errors(), self._pool.connection() as connection:
            rows = await Session(connection).rows("unfinished_postmortems", model=self._model, limit=limit)
        return [from_json(Postmortem, row["body"]) for row in rows]


def _halved(vector: Sequence[float]) -> str:
    """As text, which the statement casts: to register the type would ask the catalogue before each search."""
    return HalfVector(list(vector)).to_text()
