"""Everything that passed, in order: kept in memory and, when asked, as JSON lines in a file."""

import json
import re
from pathlib import Path
from typing import Final, TextIO

from slackbox.clock import Clock
from slackbox.errors import SlackboxError
from slackbox.feed import Feed
from slackbox.jsons import Json

_TOKEN = re.compile(r"(xox[a-z]|xapp)-[A-Za-z0-9-]{4,}")
_TICKET = re.compile(r"\bticket=[A-Za-z0-9._-]+")

# What a person sees and that it changed; everything else the feed says is about slackbox itself.
RENDERED: Final = frozenset({"message", "changed", "deleted", "ephemeral", "views", "status", "channel"})


class Journal:
    """Append-only list of entries `{n, at, kind, …}`. Tokens, one-time tickets and bytes never reach it.

    Raises SlackboxError when the file at `path` cannot be written.
    """

    def __init__(self, clock: Clock, feed: Feed, path: Path | None = None) -> None:
        self._clock = clock
        self._feed = feed
        # As lines, which are the record: most are never looked at again, and reading one costs more than writing it.
        self._lines: list[tuple[str, str]] = []
        self._read: dict[int, Json] = {}
        self._file: TextIO | None = _open(path) if path else None
        feed.observe(self._render)

    def write(self, kind: str, **what: object) -> None:
        """Record one entry as it is now. Anything that looks like a Slack token is masked, bytes are only counted."""
        entry = {"n": len(self._lines) + 1, "at": self._clock.now().isoformat(), "kind": kind, **what}
        line = _mask(json.dumps(entry, ensure_ascii=False, default=_plain))
        self._lines.append((kind, line))
        if self._file is not None:
            self._file.write(line + "\n")
            self._file.flush()
        self._feed.publish({"type": "journal", "kind": kind})

    def violation(self, rule: str, **what: object) -> None:
        """Record that the bot did something Slack tolerates or hides but a test should not."""
        self.write("violation", rule=rule, **what)

    def entries(self, kind: str | None = None) -> list[Json]:
        """All entries, oldest first, or only those of one kind."""
        return [self._entry(place) for place, (each, _) in enumerate(self._lines) if kind in {None, each}]

    def close(self) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None

    def _entry(self, place: int) -> Json:
        if place not in self._read:
            self._read[place] = json.loads(self._lines[place][1])
        return self._read[place]

    def _render(self, change: Json) -> None:
        if change["type"] in RENDERED:
            self.write("render", change=change)


def _open(path: Path) -> TextIO:
    try:
        return path.open("a", encoding="utf-8")
    except OSError as error:
        raise SlackboxError(f"The journal {path} cannot be written: {error.strerror}.") from error


def _mask(line: str) -> str:
    # Looking for a word first is many times faster than the pattern, and most lines have neither.
    if "xox" in line or "xapp-" in line:
        line = _TOKEN.sub(r"\1-***", line)
    return _TICKET.sub("ticket=***", line) if "ticket=" in line else line


def _plain(value: object) -> str:
    """What JSON has no form for."""
    if isinstance(value, bytes | bytearray):
        return f"<{len(value)} bytes>"
    return str(value)
