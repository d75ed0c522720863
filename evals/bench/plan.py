"""What every measurement is given."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """Where to work, and how long to look."""

    folder: Path
    quick: bool
    say: Callable[[str], None]
    """One line of progress for the person who waits."""

    def pick(self, full: int, quick: int) -> int:
        """A sample size."""
        return quick if self.quick else full
