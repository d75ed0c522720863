"""Getting envelopes to the bot: one connection each, a deadline, redelivery of events, a record of what was lost.

Slack's rules: three seconds to acknowledge; an unacknowledged event, or one whose connection died, comes again with the
same event_id and a new envelope_id; commands and interactions are never repeated, the person sees a failure instead.
Events that happen while nobody is connected wait and then come as retries, some of them out of order.
"""

import asyncio
import random
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Protocol

from slackbox import limits
from slackbox.clock import Clock, Timer
from slackbox.faults import EVENTS, Fault, Faults
from slackbox.feed import Feed
from slackbox.journal import Journal
from slackbox.jsons import Json, as_object
from slackbox.quota import EventQuota

TIMEOUT = "timeout"
CONNECTION_FAILED = "connection_failed"
_ACKNOWLEDGED = "acknowledged"


class Line(Protocol):
    """One open Socket Mode connection."""

    @property
    def name(self) -> str: ...

    @property
    def leaving(self) -> bool:
        """It was asked to go; it still carries envelopes when there is no other."""
        ...

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
    accepts_response: bool = False
    finished: Callable[[Answer], None] = lambda _: None
    retries: bool = False
    required: bool = True
    attempt: int = 0
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Sent:
    """An envelope that is on its way on one connection."""

    errand: Errand
    line: Line
    timer: Timer


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """How long an acknowledgement may take, when an event is sent again (seconds), and how many events an hour."""

    ack_seconds: float
    retry_delays: tuple[float, ...]
    events_per_hour: int | None = limits.EVENTS_PER_HOUR


class Delivery:
    def __init__(self, *, clock: Clock, journal: Journal, feed: Feed, faults: Faults, pace: Pace, seed: int) -> None:
        self._clock = clock
        self._journal = journal
        self._feed = feed
        self._faults = faults
        self._pace = pace
        self._random = random.Random(seed)
        self._quota = EventQuota(clock, pace.events_per_hour)
        self._lines: list[Line] = []
        self._open: dict[str, _Sent] = {}
        self._ended: dict[str, str] = {}
        self._queued: list[Errand] = []
        self._resting: list[Errand] = []
        self._held: tuple[Errand, Timer] | None = None
        self.unacked: list[Json] = []

    @property
    def connections(self) -> int:
        return len(self._lines)

    @property
    def waiting(self) -> int:
        """Envelopes sent, held back, queued or to be sent again that are not acknowledged yet."""
        return len(self._open) + len(self._queued) + len(self._resting) + (self._held is not None)

    def attach(self, line: Line) -> None:
        """A connection opened: it may carry envelopes, and what was queued goes out."""
        self._lines.append(line)
        queued, self._queued = self._queued, []
        for errand in self._disorder(queued):
            self._send(errand)
        self._feed.publish({"type": "connections", "count": self.connections})

    def detach(self, line: Line) -> None:
        """A connection ended: events that were on their way on it go out again on another."""
        if line in self._lines:
            self._lines.remove(line)
        for envelope in [name for name, sent in self._open.items() if sent.line is line and sent.errand.retries]:
            sent = self._open.pop(envelope)
            sent.timer.cancel()
            self._fail(envelope, sent.errand, CONNECTION_FAILED)
        self._feed.publish({"type": "connections", "count": self.connections})

    def tell(self, payload: Json) -> None:
        """Deliver an event; it is repeated until acknowledged or given up."""
        if not self._quota.admit():
            self._refuse(payload)
            return
        errand = Errand(kind="events_api", payload=payload, retries=True)
        if self._held is not None:
            self._send(errand)
            self._release()
            return
        fault = self._faults.take(EVENTS)
        if fault is None:
            self._send(errand)
        else:
            self._mishandle(errand, fault)

    async def ask(self, kind: str, payload: Json, *, accepts_response: bool) -> Answer:
        """Deliver a command or an interaction once and wait for the acknowledgement or the deadline."""
        if not self._lines:
            self._lose(Errand(kind=kind, payload=payload), "no_connection")
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
        sent = self._open.pop(envelope, None)
        if sent is None:
            self._blame(envelope)
            return
        self._ended[envelope] = _ACKNOWLEDGED
        sent.timer.cancel()
        if payload and not sent.errand.accepts_response:
            self._journal.violation("ack_payload_not_accepted", envelope_id=envelope, envelope_type=sent.errand.kind)
        sent.errand.finished(Answer(acked=True, payload=payload))
        self._feed.publish({"type": "ack"})

    def forgive(self) -> list[Json]:
        """Take what was given up off the record. Returns it."""
        lost, self.unacked = self.unacked, []
        return lost

    def _blame(self, envelope: str) -> None:
        """An acknowledgement of nothing that waits for one. Nobody is to blame when the envelope's connection died."""
        match self._ended.get(envelope):
            case None:
                self._journal.violation("unknown_envelope_id", envelope_id=envelope)
            case "acknowledged":
                self._journal.violation("second_ack", envelope_id=envelope)
            case "timeout":
                self._journal.violation("late_ack", envelope_id=envelope)
            case _:
                pass

    def _mishandle(self, errand: Errand, fault: Fault) -> None:
        self._journal.write("fault", method=EVENTS, fault=fault.kind, event_id=errand.payload.get("event_id"))
        match fault.kind:
            case "duplicate":
                self._send(errand)
                self._send(replace(errand, attempt=0, reason=""))
            case "reorder":
                self._held = errand, self._clock.call_later(limits.REORDER_SECONDS, self._release)
            case "slow":
                self._rest(errand, fault.ms / 1000)
            case _:
                self._send(errand, lost=True)

    def _release(self) -> None:
        held, self._held = self._held, None
        if held is not None:
            errand, timer = held
            timer.cancel()
            self._send(errand)

    def _rest(self, errand: Errand, seconds: float) -> None:
        self._resting.append(errand)

        def wake() -> None:
            self._resting.remove(errand)
            self._send(errand)

        self._clock.call_later(seconds, wake)

    def _disorder(self, queued: list[Errand]) -> list[Errand]:
        """Some neighbours change places: Slack keeps no order over a reconnect."""
        for place in range(len(queued) - 1):
            if self._random.random() < limits.GAP_SWAP_CHANCE:
                queued[place], queued[place + 1] = queued[place + 1], queued[place]
        return queued

    def _send(self, errand: Errand, *, lost: bool = False) -> None:
        if not self._lines:
            self._queue(errand)
            return
        line = self._random.choice([each for each in self._lines if not each.leaving] or self._lines)
        envelope = str(uuid.UUID(int=self._random.getrandbits(128), version=4))
        frame: Json = {
            "envelope_id": envelope,
            "type": errand.kind,
            "payload": errand.payload,
            "accepts_response_payload": errand.accepts_response,
        }
        if errand.kind == "events_api":
            frame |= {"retry_attempt": errand.attempt, "retry_reason": errand.reason}
        timer = self._clock.call_later(self._pace.ack_seconds, lambda: self._late(envelope))
        self._open[envelope] = _Sent(errand=errand, line=line, timer=timer)
        self._journal.write("envelope", connection=line.name, frame=frame, **({"lost": True} if lost else {}))
        if not lost:
            line.send(frame)

    def _queue(self, errand: Errand) -> None:
        """Nobody is connected: the first try has failed, and the next comes with the next connection."""
        if errand.attempt == 0 and errand.retries:
            errand.attempt, errand.reason = 1, CONNECTION_FAILED
        self._queued.append(errand)
        self._journal.write("queued", event_id=errand.payload.get("event_id"), attempt=errand.attempt)

    def _late(self, envelope: str) -> None:
        sent = self._open.pop(envelope, None)
        if sent is not None:
            self._journal.write("timeout", envelope_id=envelope, attempt=sent.errand.attempt)
            self._fail(envelope, sent.errand, TIMEOUT)

    def _fail(self, envelope: str, errand: Errand, reason: str) -> None:
        """An envelope was not acknowledged: its errand is sent again or given up."""
        self._ended[envelope] = reason
        if not errand.retries or errand.attempt >= len(self._pace.retry_delays):
            self._lose(errand, reason)
            errand.finished(Answer(acked=False))
            return
        delay = self._pace.retry_delays[errand.attempt]
        errand.attempt += 1
        errand.reason = reason
        if delay > 0:
            self._rest(errand, delay)
        else:
            self._send(errand)

    def _lose(self, errand: Errand, reason: str) -> None:
        if not errand.required:
            return
        lost = {"kind": errand.kind, "reason": reason, "attempts": errand.attempt + 1, "payload": errand.payload}
        self.unacked.append(lost)
        self._journal.write("unacked", envelope_type=errand.kind, reason=reason, payload=errand.payload)
        self._feed.publish({"type": "unacked"})

    def _refuse(self, payload: Json) -> None:
        """Over the quota: the event is not sent, and once a minute the app is told so."""
        self._journal.write("quota", event_id=payload.get("event_id"))
        minute = self._quota.announce()
        if minute is None:
            return
        notice = {name: payload.get(name) for name in ("token", "team_id", "api_app_id")}
        notice |= {"type": "app_rate_limited", "minute_rate_limited": minute}
        # An app need not listen for this one, so nobody is blamed when it is not acknowledged.
        self._send(Errand(kind="events_api", payload=notice, required=False))
