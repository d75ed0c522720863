"""A recording stand-in for the flows, and a clock that tests turn."""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields

from bot.core.alert import Anchor, Delivery
from bot.core.errors import NotFoundError, StoreUnavailableError
from bot.flows import Acting, Flows
from bot.flows.learning.labels import Labels
from bot.flows.learning.reports import Reports
from bot.ports import InboxItem
from tests.slack import samples


@dataclass
class World:
    """What the flows were asked to do. Events are kept like the inbox keeps them: once per id."""

    deliveries: list[Delivery] = field(default_factory=list)
    events: dict[str, InboxItem] = field(default_factory=dict)
    due: list[InboxItem] = field(default_factory=list)
    done: list[str] = field(default_factory=list)
    failed: list[tuple[str, str]] = field(default_factory=list)
    seen: dict[str, str] = field(default_factory=dict)
    triages: list[tuple[str, str, str, Anchor | None]] = field(default_factory=list)
    runs: list[tuple[str, str]] = field(default_factory=list)
    store_away: int = 0

    async def receive(self, delivery: Delivery) -> list[str]:
        self.deliveries.append(delivery)
        return ["INC-8"]

    async def remember_event(self, event_id: str, kind: str, body: Mapping[str, object]) -> bool:
        if self.store_away:
            self.store_away -= 1
            raise StoreUnavailableError("PostgreSQL is away.")
        if event_id in self.events:
            return False
        self.events[event_id] = InboxItem(event_id=event_id, kind=kind, body=body, attempts=0)
        self.due.append(self.events[event_id])
        return True

    async def next_event(self) -> InboxItem | None:
        return self.due.pop(0) if self.due else None

    async def event_done(self, event_id: str) -> None:
        self.done.append(event_id)

    async def event_failed(self, item: InboxItem, why: str) -> None:
        self.failed.append((item.event_id, why))

    async def last_seen(self, channel: str) -> str | None:
        return self.seen.get(channel)

    async def set_last_seen(self, channel: str, ts: str) -> None:
        self.seen[channel] = ts

    async def start_triage(self, text: str, *, channel: str, user: str, anchor: Anchor | None = None) -> str:
        self.triages.append((text, channel, user, anchor))
        return "INC-9"

    async def run_again(self, incident_id: str, *, user: str) -> bool:
        if incident_id != "INC-7":
            raise NotFoundError(f"There is no incident {incident_id}.")
        self.runs.append((incident_id, user))
        return len(self.runs) == 1

    async def status(self):
        return samples.status_report()

    async def similar(self, text: str):
        return samples.similar()

    async def _unused(self, *args: object) -> None:
        raise AssertionError("the Slack face does not use this flow")

    async def paused(self):
        return None

    async def pending(self):
        return ()

    async def incident_at(self, anchor: Anchor) -> None:
        return None

    async def offer_update(self, message: object, words: str, *, user: str) -> bool:
        return False

    async def recorded(self, limit: int) -> tuple[()]:
        return ()

    async def message_deleted(self, channel: str, ts: str) -> int:
        return 0

    def labels(self) -> Labels:
        """No thread is an incident's here; tests/learning uses the real ones."""
        return Labels(**{each.name: getattr(self, each.name, self._unused) for each in fields(Labels)})

    def reports(self) -> Reports:
        """The digest's doors; tests/learning uses the real ones."""
        return Reports(**{each.name: getattr(self, each.name, self._unused) for each in fields(Reports)})

    def acting(self) -> Acting:
        """The executor's doors; tests/acting uses the real ones."""
        return Acting(**{each.name: getattr(self, each.name, self._unused) for each in fields(Acting)})

    def flows(self) -> Flows:
        """Flows bound to this world; what the Slack face has no business with fails the test."""
        return Flows(**{each.name: getattr(self, each.name, self._unused) for each in fields(Flows)})
