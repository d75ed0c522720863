"""Labels that came from no message, by the form or the command line, get a link into their incident's thread."""

import logging
from collections.abc import Awaitable, Callable
from datetime import timedelta

from bot.core.alert import Anchor
from bot.core.errors import ChatError
from bot.ports import Clock, Store

log = logging.getLogger(__name__)

# A thread that gives no link for a week gives none any more.
_TRIED_FOR = timedelta(days=7)
_AT_ONCE = 10


async def link_labels(permalink: Callable[[Anchor], Awaitable[str]], *, store: Store, clock: Clock) -> int:
    """How many got their link; what Slack refuses is left for the next time. Raises ChatUnavailableError."""
    async with store.transaction() as tx:
        unlinked = await tx.unlinked_labels(since=clock.now() - _TRIED_FOR, limit=_AT_ONCE)
    linked = 0
    for incident_id, thread in unlinked:
        try:
            address = await permalink(thread)
        except ChatError as error:
            log.debug("no link to the thread of %s: %s", incident_id, error)
            continue
        async with store.transaction() as tx:
            linked += await tx.link_label(incident_id, address)
    return linked
