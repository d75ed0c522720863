"""Getting envelopes to the bot: one connection each, a deadline, redelivery of events, a record of what was lost.

Slack's rules: three seconds to acknowledge; an unacknowledged event comes again with the same event_id and a new
envelope_id; commands and interactions are never repeated, the person sees a failure instead.
"""

import asyncio
import random
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

from slackbox.clock import Clock, Timer
from slackbox.feed import Feed
from slackbox.journal import Journal
from slackbox.jsons import Json, as_object


class Line(Protocol):
    """One open Socket Mode connection."""

    @property
    def name(self) -> str: ...

    def send(self, frame: Json) -> None: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """How the bot answered: acknowledged within the deadline or not, and the payload of the acknowledgement."""

    acked: bool
    payload: Json = field(default_factory=dict[str, object])


@dataclass(slots=True, kw_only=True)
class Errand:
    """One thing the bot must be told; an event keeps its errand over its redeliveries."""

    kind: str
    payload: Json
    accepts_response: bool
    finished: Callable[[Answer], None]
    retries: bool = False
    attempt: int = 0
    reason: str = ""
    timer: Timer | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """How long an acknowledgement may take and when an event is sent again, in seconds."""

    ack_seconds: float
    retry_delays: tuple[float, ...]


class Delivery:
    def __init__(self, *, clock: Clock, journal: Journal, feed: Feed, pace: Pace, seed: int) -> None:
        self._clock = clock
        self._journal = journal
        self._feed = feed
        self._pace = pace
        self._random = random.Random(seed)
        self._lines: list[Line] = []
        self._open: dict[str, Errand] = {}
        self._settled: set[str] = set()
        self._queued: list[Errand] = []
        self.unacked: list[Json] = []

    @property
    def connections(self) -> int:
        return len(self._lines)

    @property
    def waiting(self) -> int:
        """Envelopes sent or queued that are not acknowledged yet."""
        return len(self._open) + len(self._queued)

    def attach(self, line: Line) -> None:
        """A connection opened: it may carry envelopes, and what was queued goes out."""
        self._lines.append(line)
        queued, self._queued = self._queued, []
        for errand in queued:
            self._send(errand)
        self._feed.publish({"type": "connections", "count": self.connections})

    def detach(self, line: Line) -> None:
        if line in self._lines:
            self._lines.remove(line)
        self._feed.publish({"type": "connections", "count": self.connections})

    def tell(self, payload: Json) -> None:
        """Deliver an event; it is repeated until acknowledged or given up."""
        self._send(
            Errand(kind="events_api", payload=payload, accepts_response=False, finished=lambda _: None, retries=True)
        )

    async def ask(self, kind: str, payload: Json, *, accepts_response: bool) -> Answer:
        """Deliver a command or an interaction once and wait for the acknowledgement or the deadline."""
        if not self._lines:
            self._lose(
                Errand(kind=kind, payload=payload, accepts_response=False, finished=lambda _: None), "no_connection"
            )
            return Answer(acked=False)
        answered: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()

        def finished(answer: Answer) -> None:
            if not answered.done():
                answered.set_result(answer)

        self._send(Errand(kind=kind, payload=payload, accepts_response=accepts_response, finished=finished))
        return await answered

    def acknowledge(self, line: Line, frame: Json) -> None:
        """Take an acknowledgement from the bot. Wrong ones are recorded as violations."""
        envelope = str(frame.get("envelope_id", ""))
        payload = as_object(frame.get("payload")) or {}
        self._journal.write("ack", envelope_id=envelope, payload=payload, connection=line.name)
        errand = self._open.pop(envelope, None)
        if errand is None:
            rule = "second_ack" if envelope in self._settled else "unknown_envelope_id"
            self._journal.violation(rule, envelope_id=envelope)
            return
        self._settled.add(envelope)
        if errand.timer is not None:
            errand.timer.cancel()
        if payload and not errand.accepts_response:
            self._journal.violation("ack_payload_not_accepted", envelope_id=envelope, envelope_type=errand.kind)
        errand.finished(Answer(acked=True, payload=payload))
        self._feed.publish({"type": "ack"})

    def _send(self, errand: Errand) -> None:
        if not self._lines:
            self._queued.append(errand)
            return
        line = self._random.choice(self._lines)
        envelope = str(uuid.UUID(int=self._random.getrandbits(128), version=4))
        frame: Json = {
            "envelope_id": envelope,
            "type": errand.kind,
            "payload": errand.payload,
            "accepts_response_payload": errand.accepts_response,
        }
        if errand.kind == "events_api":
            frame |= {"retry_attempt": errand.attempt, "retry_reason": errand.reason}
        self._open[envelope] = errand
        self._journal.write("envelope", connection=line.name, frame=frame)
        errand.timer = self._clock.call_later(self._pace.ack_seconds, lambda: self._late(envelope))
        line.send(frame)

    def _late(self, envelope: str) -> None:
        errand = self._open.pop(envelope, None)
        if errand is None:
            return
        self._settled.add(envelope)
        self._journal.write("timeout", envelope_id=envelope, attempt=errand.attempt)
        if not errand.retries or errand.attempt >= len(self._pace.retry_delays):
            self._lose(errand, "timeout")
            errand.finished(Answer(acked=False))
            return
        delay = self._pace.retry_delays[errand.attempt]
        errand.attempt += 1
        errand.reason = "timeout"
        self._clock.call_later(delay, lambda: self._send(errand))

    def _lose(self, errand: Errand, reason: str) -> None:
        lost = {"kind": errand.kind, "reason": reason, "attempts": errand.attempt + 1, "payload": errand.payload}
        self.unacked.append(lost)
        self._journal.write("unacked", envelope_type=errand.kind, reason=reason, payload=errand.payload)
        self._feed.publish({"type": "unacked"})
