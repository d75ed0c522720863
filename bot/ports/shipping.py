"""Sending the audit log on."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditLine:
    """One sealed audit entry."""

    place: int
    entry: int
    at: datetime
    actor: str
    action: str
    target: str
    detail: Mapping[str, object]
    hash: str
    incident: str = ""
    """The incident that it belongs to; empty for what belongs to none."""


class AuditDestination(Protocol):
    """Where the audit log is shipped to."""

    @property
    def name(self) -> str:
        """Names the cursor."""
        ...

    async def send(self, lines: Sequence[AuditLine]) -> int:
        """Send some, from the first on; how many were taken (at least one). Raises AiopsError when none was."""
        ...
