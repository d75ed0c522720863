"""What a test does to the network, to Slack's health and to time: faults, dead connections, the virtual clock."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from slackbox.box import Box
from slackbox.clock import VirtualClock
from slackbox.errors import WorldError, nearest
from slackbox.faults import Fault, refuse_unknown_method
from slackbox.jsons import Json
from slackbox.methods import method_table

_FAULT_NUMBERS = ("ms", "status", "retry_after")
_FAULT_FIELDS = ("method", "kind", "times", "seconds", "error", *_FAULT_NUMBERS)


def arm(box: Box, fault: Fault, *, times: int | None = None, seconds: float | None = None) -> None:
    """Arm a fault. Raises WorldError for an unknown method or kind, naming the nearest."""
    refuse_unknown_method(fault, method_table())
    box.faults.arm(fault, times, seconds)


def arm_from(box: Box, body: Json) -> None:
    """Arm a fault that arrived as JSON. Raises WorldError that names the field that is wrong."""
    refuse_others(body, _FAULT_FIELDS)
    more: dict[str, Any] = {name: whole(body, name) for name in _FAULT_NUMBERS if body.get(name) is not None}
    if body.get("error") is not None:
        more["error"] = word(body, "error")
    fault = Fault(method=word(body, "method"), kind=word(body, "kind"), **more)
    times = None if body.get("times") is None else whole(body, "times")
    seconds = None if body.get("seconds") is None else number(body, "seconds")
    arm(box, fault, times=times, seconds=seconds)


async def settle(box: Box, timeout_s: float = 10) -> bool:
    """Wait until no envelope waits for its acknowledgement or redelivery. False after `timeout_s` real seconds."""
    return await box.feed.until(lambda: None if box.delivery.waiting else True, timeout_s) is True


def describe_clock(box: Box) -> Json:
    """What time it is, and whether a test may move it."""
    return {"now": box.clock.now().isoformat(), "virtual": isinstance(box.clock, VirtualClock)}


async def pass_time(box: Box, seconds: float) -> None:
    """Move the virtual clock. Raises WorldError when time is real or would go back."""
    clock = _virtual(box)
    try:
        await clock.run(seconds)
    except ValueError as error:
        raise WorldError(str(error)) from error


async def pass_time_until(box: Box, when: datetime) -> None:
    """Move the virtual clock to a point in time. Raises WorldError when time is real, or that is past or has no zone."""
    clock = _virtual(box)
    try:
        await clock.run_until(when)
    except ValueError as error:
        raise WorldError(str(error)) from error


async def move_clock(box: Box, body: Json) -> Json:
    """Move the virtual clock by {"advance": seconds} or to {"to": ISO 8601}. Returns describe_clock."""
    refuse_others(body, ("advance", "to"))
    if (body.get("advance") is None) == (body.get("to") is None):
        raise WorldError('Give either {"advance": seconds} or {"to": "2026-11-30T09:00:00+00:00"}.')
    if body.get("to") is None:
        await pass_time(box, number(body, "advance"))
    else:
        await pass_time_until(box, _moment(word(body, "to")))
    return describe_clock(box)


async def sleep(box: Box, body: Json) -> Json:
    """Answer when so much of the workspace's time has passed: another process's way to share the clock."""
    refuse_others(body, ("seconds",))
    await box.clock.sleep(number(body, "seconds"))
    return describe_clock(box)


def refuse_others(body: Json, known: Iterable[str]) -> None:
    """Raises WorldError for a field that this call does not have, naming the nearest."""
    names = tuple(known)
    for name in body:
        if name not in names:
            raise WorldError(f"This call has no {name!r}. {nearest(name, names)}")


def word(body: Json, name: str) -> str:
    """A field that must be there and be text."""
    value = body.get(name)
    if not isinstance(value, str) or not value:
        raise WorldError(f"{name} must be text, not {value!r}.")
    return value


def number(body: Json, name: str) -> float:
    """A field that must be there and be a number."""
    value = body.get(name)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise WorldError(f"{name} must be a number, not {value!r}.")
    return float(value)


def whole(body: Json, name: str) -> int:
    """A field that must be there and be a whole number."""
    value = number(body, name)
    if not value.is_integer():
        raise WorldError(f"{name} must be a whole number, not {value:g}.")
    return int(value)


def switch(body: Json, name: str, *, default: bool) -> bool:
    """A field that is true or false, or absent."""
    value = body.get(name, default)
    if not isinstance(value, bool):
        raise WorldError(f"{name} must be true or false, not {value!r}.")
    return value


def _virtual(box: Box) -> VirtualClock:
    if not isinstance(box.clock, VirtualClock):
        raise WorldError("Time is real here. Start with --virtual-clock, or with clock=VirtualClock() in a test.")
    return box.clock


def _moment(text: str) -> datetime:
    try:
        return datetime.fromisoformat(text)
    except ValueError as error:
        raise WorldError(f"{text!r} is not a time; write for example 2026-11-30T09:00:00+00:00.") from error
