"""Take in a team's past incidents from before the bot: no hypothesis, so they teach retrieval and base rates only."""

from dataclasses import dataclass

from bot.flows.learning.history import BadRow, parse_history
from bot.ports import AuditEntry, Clock, Store

_BATCH = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Imported:
    """How an import ended."""

    written: int
    """New, or changed since the last import."""
    unchanged: int
    bad: tuple[BadRow, ...]
    notes: tuple[str, ...]


async def import_history(text: str, *, jsonl: bool, name: str, by: str, store: Store, clock: Clock) -> Imported:
    """
    Keep every row that can be used; importing the same file again changes nothing.

    Raises PayloadError for a file that cannot be read as rows at all.
    """
    history = parse_history(text, jsonl=jsonl, now=clock.now())
    written = 0
    for start in range(0, len(history.rows), _BATCH):
        async with store.transaction() as tx:
            for row in history.rows[start : start + _BATCH]:
                written += await tx.put_past_incident(row, by=by, now=clock.now())
    counts = {"written": written, "unchanged": len(history.rows) - written, "bad": len(history.bad)}
    async with store.transaction() as tx:
        entry = AuditEntry(actor=by, action="outcome.imported", target=name, detail=counts)
        await tx.audit([entry], now=clock.now())
    return Imported(written=written, unchanged=len(history.rows) - written, bad=history.bad, notes=history.notes)
