"""Everything that can go wrong on purpose.

BasecampError
├── ConfigError      a file of the operator's is wrong; the message names file, line and the mend
├── BadRequest       the caller's arguments are wrong; nothing was asked of a backend
├── Refused          a call that would change something is not allowed; nothing was changed
├── ActFailed        a call that changes something failed after it had begun; something may have been changed
└── BackendError     a backend refused, failed or did not answer in time
    └── DatabaseAway basecamp's own database cannot be reached
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from basecamp.grants import Grant
    from basecamp.times import Window


class BasecampError(Exception):
    """The root of the tree; the message is a sentence for people."""


class ConfigError(BasecampError):
    """A configuration or catalogue file cannot be used."""


class BadRequest(BasecampError):
    """The arguments of a call cannot be used."""


class Refused(BasecampError):
    """A call that would change something is not allowed. `grant` is there once its signature was found right."""

    def __init__(self, reason: str, *, grant: Grant | None = None) -> None:
        self.grant = grant
        super().__init__(reason)


class ActFailed(BasecampError):
    """A call that changes something failed after it had begun."""


class BackendError(BasecampError):
    """A backend did not give an answer; says which query, over which time range, and the backend's own words."""

    def __init__(self, backend: str, words: str, *, query: str | None = None, window: Window | None = None) -> None:
        self.backend = backend
        self.words = words
        parts = [f"{backend}: {words.strip() or 'no explanation was given'}"]
        if query is not None:
            parts.append(f"Query: {query}")
        if window is not None:
            parts.append(f"Time range: {window}")
        super().__init__(" | ".join(parts))


class DatabaseAway(BackendError):
    """The database that keeps changes and postmortem vectors cannot be reached."""


def nearest(name: str, known: Iterable[str]) -> str:
    """Say which known name was probably meant, or list them; always a clause that can follow a sentence."""
    names = sorted(known)
    close = difflib.get_close_matches(name, names, n=1, cutoff=0.5)
    if close:
        return f"did you mean {close[0]!r}?"
    return f"known names: {', '.join(names)}" if names else "none are known"
