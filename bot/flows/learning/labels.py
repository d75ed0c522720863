"""What the doors can ask about labels, with the adapters bound in."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from bot.core.alert import Anchor
from bot.core.hypothesis import Hypothesis, SimilarIncident
from bot.core.incident import Incident
from bot.core.outcome import MessageRef, Outcome
from bot.core.root_cause import Label
from bot.flows.learning.import_history import Imported
from bot.flows.learning.record_outcome import Recorded
from bot.ports import Store


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """What a form is filled with beforehand."""

    incident: Incident
    hypothesis: Hypothesis | None
    """The one that is graded."""
    standing: Outcome | None
    """The label that stands, for a correction."""


class ImportHistory(Protocol):
    """Take in past incidents: the file's text, whether it is JSON lines, its name, and who imports it."""

    def __call__(self, text: str, *, jsonl: bool, name: str, by: str) -> Awaitable[Imported]: ...


class OfferUpdate(Protocol):
    """Offer an edited message's new words; False when no label was taken from it."""

    def __call__(self, message: MessageRef, words: str, *, user: str) -> Awaitable[bool]: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Labels:
    """Recording root causes; people come by user id."""

    draft: Callable[[str], Awaitable[Draft]]
    """By incident. Raises NotFoundError."""
    incident_at: Callable[[Anchor], Awaitable[Incident | None]]
    """The incident of a thread."""
    record: Callable[[Label], Awaitable[Recorded]]
    offer_update: OfferUpdate
    take_over: Callable[[str, str], Awaitable[Recorded]]
    """Operation of the offer, and user."""
    withdraw: Callable[[str, str], Awaitable[bool]]
    """Incident and user: what was recorded was no root cause. False when nothing is. Raises NotAllowedError."""
    message_deleted: Callable[[str, str], Awaitable[int]]
    """Channel and ts."""
    vote: Callable[[str, str, str], Awaitable[tuple[SimilarIncident, ...]]]
    """Incident, mark of the similar one that helped ("": none is related), and user."""
    history: Callable[[str], Awaitable[Sequence[Outcome]]]
    """Every version of an incident's label, oldest first. Raises NotFoundError."""
    recorded: Callable[[int], Awaitable[Sequence[Outcome]]]
    """The labels that stand, newest first."""
    unlabelled: Callable[[int], Awaitable[Sequence[Incident]]]
    """Resolved incidents with a hypothesis and without a label, newest first."""
    import_history: ImportHistory
    ask: Callable[[], Awaitable[int]]
    """Ask about incidents that are over, and remind once."""
    link: Callable[[Callable[[Anchor], Awaitable[str]]], Awaitable[int]]
    """Give labels without a message a link into their thread; how to get one is handed in."""
    judge_next: Callable[[], Awaitable[bool]]
    """Let the judge grade one label; False when there is none, or no model."""


async def draft_outcome(incident_id: str, *, store: Store) -> Draft:
    """What is known about an incident whose cause is to be recorded. Raises NotFoundError."""
    async with store.transaction() as tx:
        incident = await tx.incident(incident_id)
        assessment = await tx.first_assessment(incident.id)
        standing = await tx.outcome(incident.id)
    hypotheses = assessment.hypotheses if assessment else ()
    return Draft(
        incident=incident,
        hypothesis=min(hypotheses, key=lambda one: one.rank) if hypotheses else None,
        standing=standing,
    )


async def incident_at(anchor: Anchor, *, store: Store) -> Incident | None:
    """The incident whose thread hangs under a message."""
    async with store.transaction() as tx:
        return await tx.incident_by_anchor(anchor)


async def label_history(incident_id: str, *, store: Store) -> Sequence[Outcome]:
    """Every version, oldest first. Raises NotFoundError."""
    async with store.transaction() as tx:
        incident = await tx.incident(incident_id)
        return await tx.outcomes(incident.id)


async def list_recorded(limit: int, *, store: Store) -> Sequence[Outcome]:
    """The labels that stand, newest first."""
    async with store.transaction() as tx:
        return await tx.recorded_outcomes(limit=limit)


async def list_unlabelled(limit: int, *, store: Store) -> Sequence[Incident]:
    """What nobody has said the cause of, newest first."""
    async with store.transaction() as tx:
        return await tx.unlabelled(limit=limit)


async def judge_nothing() -> bool:
    """Without a model there is no judge, and what only text can decide stays ungraded."""
    return False
