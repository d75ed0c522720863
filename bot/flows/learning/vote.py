"""A person says whether a similar incident that was shown was of any use."""

from bot.core.errors import NotFoundError
from bot.core.hypothesis import SimilarIncident
from bot.core.posts import SimilarPost, mark_of
from bot.ports import AuditEntry, Clock, Store


async def vote_similar(
    incident_id: str, mark: str, *, user: str, store: Store, clock: Clock
) -> tuple[SimilarIncident, ...]:
    """
    Note that the one with this mark helped, or with an empty mark that none is related; those that were voted on.

    The last word of each person counts. Raises NotFoundError when the message does not show it any more.
    """
    async with store.transaction() as tx:
        shown = await tx.content_of_post(f"{incident_id}:similar")
        incidents = shown.found.incidents if isinstance(shown, SimilarPost) else ()
        chosen = tuple(one for one in incidents if not mark or mark_of(one) == mark)
        if not chosen:
            raise NotFoundError("The similar incidents have changed since; look at the message again.")
        now = clock.now()
        for one in chosen:
            await tx.vote_similar(incident_id, one.id, user=user, relevant=bool(mark), now=now)
        detail = {"similar": [one.id for one in chosen], "relevant": bool(mark)}
        entry = AuditEntry(actor=user, action="similar.voted", target=incident_id, detail=detail)
        await tx.audit([entry], now=now)
    return chosen
