"""Every call that passes the gate, or does not, stands in the audit log."""

import logging

from bot.core.errors import AiopsError
from bot.core.text import clip, disarm
from bot.ports import AuditEntry, Clock, Seen, Store

log = logging.getLogger(__name__)

_MOST_WORDS = 300


async def note_call(seen: Seen, *, store: Store, clock: Clock) -> None:
    """One row a call. Never fails the call: reading is harmless, and a write is written down before it is made."""
    entry = AuditEntry(
        actor=seen.actor,
        action="tool.denied" if seen.outcome == "denied" else "tool.call",
        target=seen.about or seen.server or seen.tool,
        detail={
            "tool": seen.tool,
            "server": seen.server,
            "args": dict(seen.args),
            "outcome": seen.outcome,
            "why": clip(disarm(seen.why), _MOST_WORDS),
            "took_ms": seen.took_ms,
        },
    )
    try:
        async with store.transaction() as tx:
            await tx.audit([entry], now=clock.now())
    except AiopsError as error:
        log.warning("a call of %s is not in the audit log: %s", seen.tool, error)
