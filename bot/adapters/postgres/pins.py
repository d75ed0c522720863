"""Tools as a person last accepted them."""

from collections.abc import Mapping, Sequence

from bot.adapters.postgres.session import Pool, Session, jsonb, wrapped_errors
from bot.core.policy import Pin

FIRST_SIGHT = "first sight"


class PostgresPins:
    """Implements ports.Pins: one truth for every replica."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def compare(
        self,
        server: str,
        tools: Mapping[str, tuple[str, Mapping[str, object]]],
        rivals: Mapping[str, Sequence[str]],
    ) -> Mapping[str, Pin]:
        """
        A tool is accepted at first sight, because a person listed it; from then on it has to stay the same.

        Not so when another server that may offer it was first: a newcomer does not get somebody else's calls.
        """
        async with wrapped_errors(), self._pool.connection() as connection, connection.transaction():
            session = Session(connection)
            await session.many(
                "pin_tool",
                [
                    {
                        "server": server,
                        "tool": name,
                        "sha256": sha256,
                        "described": jsonb(dict(described)),
                        "by": FIRST_SIGHT,
                        "rivals": list(rivals.get(name, ())),
                    }
                    for name, (sha256, described) in tools.items()
                ],
            )
            accepted = {row["tool"]: row["sha256"] for row in await session.rows("pins", server=server)}
        return {
            name: Pin.TAKEN if name not in accepted else Pin.MATCHES if accepted[name] == sha256 else Pin.CHANGED
            for name, (sha256, _) in tools.items()
        }

    async def accepted(self, server: str) -> Mapping[str, Mapping[str, object]]:
        """What was accepted, by tool name: its description and its hash."""
        async with wrapped_errors(), self._pool.connection() as connection:
            rows = await Session(connection).rows("pins", server=server)
        return {row["tool"]: {**row["described"], "sha256": row["sha256"]} for row in rows}

    async def accept(self, server: str, tools: Mapping[str, tuple[str, Mapping[str, object]]], *, by: str) -> None:
        """A person has looked at the difference and takes the tools as they are now."""
        async with wrapped_errors(), self._pool.connection() as connection, connection.transaction():
            await Session(connection).many(
                "accept_tool",
                [
                    {"server": server, "tool": name, "sha256": sha256, "described": jsonb(dict(described)), "by": by}
                    for name, (sha256, described) in tools.items()
                ],
            )
