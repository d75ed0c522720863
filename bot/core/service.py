"""Services and what changed on them, as list_services tells."""

import enum
from dataclasses import dataclass
from datetime import datetime


class ChangeKind(enum.StrEnum):
    """The kinds of change in the basecamp contract."""

    DEPLOY = "deploy"
    CONFIG = "config"
    FLAG = "flag"
    COMMIT = "commit"
    SCALE = "scale"
    MIGRATION = "migration"


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """Something that was changed on a service."""

    id: str
    service: str
    kind: ChangeKind
    at: datetime
    author: str
    title: str
    detail: str
    version: str = ""


_OUTSIDE = frozenset(
    {"external", "vendor", "third-party", "third party", "3rd-party", "partner", "supplier", "provider", "saas"}
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """A monitored thing and what it stands on."""

    name: str
    owner: str
    tier: str
    depends_on: tuple[str, ...]
    version: str
    changes: tuple[Change, ...]

    @property
    def outside(self) -> bool:
        """Whether somebody else runs it, by what its owner or tier is called."""
        return bool({self.owner.casefold(), self.tier.casefold()} & _OUTSIDE)
