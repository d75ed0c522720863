"""Keep what an investigation knew, in the transaction that freezes what it came to."""

from datetime import datetime

from bot.agent.world import with_results
from bot.core.incident import Investigation
from bot.ports import Concluded, Transaction


async def keep_world(tx: Transaction, investigation: Investigation, event: Concluded, *, now: datetime) -> None:
    """Write the world with every tool's answer; the first one counts, as with the assessment."""
    if not event.world:
        return
    results = await tx.tool_results(investigation.id)
    await tx.put_world(investigation.id, with_results(event.world, results), now=now)
