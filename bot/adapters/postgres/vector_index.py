"""An approximate index (HNSW) over the vectors of past incidents, while there are so many that an exact scan is slow."""

import logging

from psycopg import AsyncConnection
from psycopg.rows import DictRow, dict_row

from bot.adapters.postgres.session import Session, wrapped_errors

log = logging.getLogger(__name__)

# Vectors, two a record. Below this an exact scan takes tens of milliseconds and finds everything.
HNSW_ABOVE = 200_000
# The index goes only when the number is clearly lower again, so that it is not built and dropped in turns.
_DROP_BELOW = 0.9


async def tune_vector_index(dsn: str, *, above: int = HNSW_ABOVE) -> str:
    """
    Build the index when there are more vectors than `above`, drop it when there are clearly fewer; what was done, or nothing.

    Minutes of work at first, on a connection of its own, beside searches. Raises StoreError, as where the login may not.
    """
    async with (
        wrapped_errors(),
        await AsyncConnection[DictRow].connect(
            dsn, autocommit=True, connect_timeout=5, row_factory=dict_row
        ) as connection,
    ):
        session = Session(connection)
        lock = await session.row("lock_vector_index")
        if lock is None or not lock["mine"]:
            return ""
        state = await session.row("vector_index_state")
        assert state is not None, "a select of aggregates always gives a row"
        many, valid = state["vectors"] > above, state["valid"]
        if valid is False or (valid and state["vectors"] < above * _DROP_BELOW):
            await session.execute("drop_vector_index")
        if many and not valid:
            await session.execute("make_vector_index")
            log.info("an approximate index over %d vectors was built", state["vectors"])
            return "built"
        return "dropped" if valid and state["vectors"] < above * _DROP_BELOW else ""
