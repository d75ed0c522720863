"""What recording a root cause needs from the store beside the labels themselves."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from bot.core.alert import Anchor
from bot.core.hypothesis import Assessment, CauseClass
from bot.core.outcome import Outcome, OutcomeForm
from bot.core.posts import Content
from bot.ports.learning import PastIncident


@dataclass(frozen=True, slots=True, kw_only=True)
class Labelled:
    """A labelled incident, as far as its record is made from it."""

    incident_id: str
    title: str
    service: str
    severity: str
    started_at: datetime
    told: tuple[str, ...]
    """Names and summaries of its alerts, and what the person said who asked for it."""
    form: OutcomeForm
    link: str
    """Into its thread; empty while there is none."""
    mark: str
    """Changes with everything that the record is made from."""


class LabelTransaction(Protocol):
    """The part of a transaction that labels and their messages need."""

    async def lock_label(self, incident_id: str) -> None:
        """One writer of an incident's label at a time, until the transaction ends. Raises NotFoundError."""
        ...

    async def first_assessment(self, incident_id: str) -> Assessment | None:
        """What the first investigation that concluded came to: the one that is graded. None without one."""
        ...

    async def recorded_outcomes(self, *, limit: int) -> Sequence[Outcome]:
        """The labels that stand, newest first."""
        ...

    async def content_of_post(self, operation: str) -> Content | None:
        """What a message should read now; None when there is no such message."""
        ...

    async def touch_card(self, incident_id: str, *, now: datetime) -> None:
        """The alert card shows what was recorded, so it is edited."""
        ...

    async def unremembered_labels(self, *, model: str, limit: int) -> Sequence[Labelled]:
        """Incidents with an established cause whose record in the index of this model is missing or older, oldest first."""
        ...

    async def unremembered_history(self, *, model: str, limit: int) -> Sequence[tuple[PastIncident, str]]:
        """The same for imported incidents, each with its mark."""
        ...

    async def outlived_records(self) -> Sequence[str]:
        """Ids of records whose label does not stand any more."""
        ...

    async def unlinked_labels(self, *, since: datetime, limit: int) -> Sequence[tuple[str, Anchor]]:
        """Incidents whose label was recorded since then and has no link, each with its thread; newest first."""
        ...

    async def link_label(self, incident_id: str, link: str) -> int:
        """Give the label that stands its link; 0 when it has one."""
        ...

    async def cause_counts(self, service: str) -> Mapping[CauseClass, int]:
        """How many of a service's labelled and imported incidents had which cause, where it is known."""
        ...

    async def lock_intake(self) -> None:
        """Keep alerts from joining incidents until the transaction ends; taken before an incident's own lock."""
        ...

    async def close_incident(self, incident_id: str, *, only_quiet: bool, now: datetime) -> bool:
        """Resolve an incident and cancel its queued investigation; False when it is over, or `only_quiet` and alerts fire."""
        ...
