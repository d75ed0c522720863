"""Reading the audit log, walking its chain, and shipping it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import cast

from bot.adapters.postgres.session import Pool, Session, wrapped_errors
from bot.core.audit import GENESIS, Broken, Head, Seal, walk
from bot.ports import AuditDestination, AuditLine

_STRETCH = 5_000
_BATCH = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Verified:
    """The chain from its beginning to its head, or the first link that is bad."""

    head: Head
    broken: Broken | None


class PostgresAudit:
    """The audit log as PostgreSQL keeps it."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def tail(self, *, limit: int, target: str = "", action: str = "") -> Sequence[Mapping[str, object]]:
        """The newest entries, newest first; of one target, or of one action or family of actions."""
        async with wrapped_errors(), self._pool.connection() as connection:
            return await Session(connection).rows("audit_tail", limit=limit, target=target, action=action)

    async def role(self) -> tuple[str, bool]:
        """As whom the bot works, and whether the log is out of its reach by the database's own rights."""
        async with wrapped_errors(), self._pool.connection() as connection:
            row = await Session(connection).row("acting_role")
        assert row is not None, "a select without a table always gives a row"
        return row["role"], row["audit_is_safe"]

    async def head(self) -> Head:
        """Where the chain ends."""
        async with wrapped_errors(), self._pool.connection() as connection:
            row = await Session(connection).row("audit_head")
        return Head(place=row["place"], hash=row["hash"]) if row else Head(place=0, hash=GENESIS)

    async def link(self, place: int) -> Head | None:
        """The seal at this place of the chain; None past its end."""
        async with wrapped_errors(), self._pool.connection() as connection:
            row = await Session(connection).row("audit_link", place=place)
        return Head(place=row["place"], hash=row["hash"]) if row else None

    async def began(self) -> datetime | None:
        """When the first entry was written, in UTC; None while there is none."""
        async with wrapped_errors(), self._pool.connection() as connection:
            row = await Session(connection).row("audit_began")
        return row["at"] if row else None

    async def verify(self) -> Verified:
        """Walk the whole chain in stretches; every hash is made again here, not by the database."""
        head = Head(place=0, hash=GENESIS)
        async with wrapped_errors(), self._pool.connection() as connection, connection.transaction():
            session = Session(connection)
            unsealed = await session.row("audit_unsealed")
            while rows := await session.rows("audit_walk", after=head.place, limit=_STRETCH):
                seals = [
                    Seal(
                        place=row["place"],
                        entry=row["audit_id"],
                        prev_hash=row["prev_hash"],
                        hash=row["hash"],
                        payload=row["payload"],
                    )
                    for row in rows
                ]
                found = walk(seals, head)
                if isinstance(found, Broken):
                    return Verified(head=found.good, broken=found)
                head = found
        if unsealed is not None:
            broken = Broken(place=head.place + 1, entry=unsealed["id"], why="it was never sealed", good=head)
            return Verified(head=head, broken=broken)
        return Verified(head=head, broken=None)

    async def ship(self, destination: AuditDestination) -> int:
        """
        Send the next entries and remember how far it got; how many were sent.

        The cursor moves in the same transaction that holds it, after the destination took the entries: what cannot be
        sent now is sent later, and after a crash an entry may be sent twice, never not at all. Raises what the
        destination raises.
        """
        async with wrapped_errors(), self._pool.connection() as connection, connection.transaction():
            session = Session(connection)
            await session.execute("start_audit_cursor", destination=destination.name)
            cursor = await session.row("audit_cursor", destination=destination.name)
            if cursor is None:
                # Another process is at it.
                return 0
            rows = await session.rows("audit_entries", after=cursor["place"], limit=_BATCH)
            if not rows:
                return 0
            sent = await destination.send([_line(row) for row in rows])
            await session.execute("move_audit_cursor", destination=destination.name, place=rows[sent - 1]["place"])
            return sent


def _line(row: Mapping[str, object]) -> AuditLine:
    at = row["at"]
    assert isinstance(at, datetime), "a timestamptz column"
    return AuditLine(
        place=int(str(row["place"])),
        entry=int(str(row["id"])),
        at=at,
        actor=str(row["actor"]),
        action=str(row["action"]),
        target=str(row["target"]),
        detail=cast("Mapping[str, object]", row["detail"]),
        hash=str(row["hash"]),
        incident=str(row["incident"]),
    )
