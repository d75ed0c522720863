"""Faults that a test switches on: each hits one method, a family of methods or the events, for a number of calls or a time."""

import fnmatch
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from http import HTTPStatus

from slackbox.clock import Clock
from slackbox.errors import WorldError, nearest

ANY_METHOD = "*"
EVENTS = "events"
CALL_KINDS = frozenset({"apply_then_drop", "drop", "slow", "status", "malformed", "error", "ratelimited"})
EVENT_KINDS = frozenset({"duplicate", "reorder", "slow", "drop"})
KINDS = CALL_KINDS | EVENT_KINDS


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """What goes wrong.

    `method` is a name, a family such as `views.*`, `*` for any method, or `events`. `ms` is for slow, `status` for
    status, `retry_after` (seconds) for ratelimited and `error` is Slack's code for error.
    """

    method: str
    kind: str
    ms: int = 0
    status: int = 503
    retry_after: int = 1
    error: str = "internal_error"


@dataclass(slots=True, kw_only=True)
class _Armed:
    fault: Fault
    times: int | None
    until: datetime | None


class Faults:
    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._armed: list[_Armed] = []

    def arm(self, fault: Fault, times: int | None = None, seconds: float | None = None) -> None:
        """Let a fault happen on the next `times` calls, for `seconds` seconds, or until whichever ends first.

        Without either it happens once. Raises WorldError for a kind that is unknown or does not suit the method, and
        for a number that makes no sense.
        """
        _refuse_kind(fault)
        _refuse_numbers(fault)
        if times is None and seconds is None:
            times = 1
        if times is not None and times < 1:
            raise WorldError(f"A fault must hit at least one call; times is {times}.")
        if seconds is not None and seconds <= 0:
            raise WorldError(f"A fault must last longer than nothing; seconds is {seconds:g}.")
        until = None if seconds is None else self._clock.now() + timedelta(seconds=seconds)
        self._armed.append(_Armed(fault=fault, times=times, until=until))

    def take(self, method: str) -> Fault | None:
        """The fault for this call, used up by one; None when there is none."""
        self._forget_past()
        for armed in self._armed:
            if _hits(armed.fault.method, method):
                if armed.times is not None:
                    armed.times -= 1
                return armed.fault
        return None

    def clear(self) -> int:
        """End every fault at once. Returns how many there were."""
        self._forget_past()
        count = len(self._armed)
        self._armed.clear()
        return count

    def _forget_past(self) -> None:
        now = self._clock.now()
        self._armed = [each for each in self._armed if each.times != 0 and (each.until is None or now < each.until)]


def refuse_unknown_method(fault: Fault, known: Collection[str]) -> None:
    """Raises WorldError when no method has this name, so that a misspelt fault does not pass for a survived one."""
    if fault.method != EVENTS and not any(_hits(fault.method, name) for name in known):
        raise WorldError(f"There is no method {fault.method!r}. {nearest(fault.method, {*known, EVENTS})}")


def _hits(pattern: str, method: str) -> bool:
    # `*` stands for Web API methods; the events go wrong only when they are named.
    return pattern == EVENTS if method == EVENTS else fnmatch.fnmatchcase(method, pattern)


def _refuse_kind(fault: Fault) -> None:
    if fault.kind not in KINDS:
        raise WorldError(f"There is no fault {fault.kind!r}. {nearest(fault.kind, KINDS)}")
    suited = EVENT_KINDS if fault.method == EVENTS else CALL_KINDS
    if fault.kind not in suited:
        raise WorldError(f"The fault {fault.kind!r} cannot hit {fault.method}. There is: {', '.join(sorted(suited))}.")


def _refuse_numbers(fault: Fault) -> None:
    if fault.ms < 0 or fault.retry_after < 0:
        raise WorldError(
            f"A fault cannot wait for less than nothing; ms is {fault.ms}, retry_after {fault.retry_after}."
        )
    if not HTTPStatus.BAD_REQUEST <= fault.status < 600:
        raise WorldError(f"The status of a fault must be an HTTP error, 400 to 599; it is {fault.status}.")
