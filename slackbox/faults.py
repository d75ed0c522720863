"""Faults that a test switches on: each applies to one method for a number of calls."""

from dataclasses import dataclass

from slackbox.errors import WorldError, nearest

KINDS = frozenset({"apply_then_drop", "drop", "slow", "status", "malformed", "ratelimited", "duplicate"})
ANY_METHOD = "*"
EVENTS = "events"


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """What goes wrong. `ms` is for slow, `status` for status, `retry_after` seconds for ratelimited."""

    method: str
    kind: str
    ms: int = 0
    status: int = 503
    retry_after: int = 1


class Faults:
    def __init__(self) -> None:
        self._armed: list[tuple[Fault, int]] = []

    def arm(self, fault: Fault, times: int = 1) -> None:
        """Let a fault happen on the next `times` calls. Raises WorldError for an unknown kind."""
        if fault.kind not in KINDS:
            raise WorldError(f"There is no fault {fault.kind!r}. {nearest(fault.kind, KINDS)}")
        if times > 0:
            self._armed.append((fault, times))

    def take(self, method: str) -> Fault | None:
        """The fault for this call, used up by one; None when there is none."""
        for position, (fault, times) in enumerate(self._armed):
            if fault.method in {method, ANY_METHOD}:
                self._armed[position : position + 1] = [(fault, times - 1)] if times > 1 else []
                return fault
        return None

    def clear(self) -> None:
        self._armed.clear()
