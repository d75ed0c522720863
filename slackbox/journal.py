"""Everything that passed, in order: kept in memory and, when asked, as JSON lines in a file."""

import json
import re
from pathlib import Path
from typing import TextIO

from slackbox.clock import Clock
from slackbox.feed import Feed
from slackbox.jsons import Json

_SECRET = re.compile(r"\b(xox[a-z]|xapp)-[A-Za-z0-9-]{4,}")


class Journal:
    """Append-only list of entries `{n, at, kind, …}`. Tokens never reach it."""

    def __init__(self, clock: Clock, feed: Feed, path: Path | None = None) -> None:
        self._clock = clock
        self._feed = feed
        self._entries: list[Json] = []
        self._file: TextIO | None = path.open("a", encoding="utf-8") if path else None

    def write(self, kind: str, **what: object) -> None:
        """Record one entry. Anything that looks like a Slack token is masked."""
        entry = {"n": len(self._entries) + 1, "at": self._clock.now().isoformat(), "kind": kind, **what}
        line = _SECRET.sub(r"\1-***", json.dumps(entry, ensure_ascii=False, default=str))
        self._entries.append(json.loads(line))
        if self._file is not None:
            self._file.write(line + "\n")
            self._file.flush()
        self._feed.publish({"type": "journal"})

    def violation(self, rule: str, **what: object) -> None:
        """Record that the bot did something Slack tolerates or hides but a test should not."""
        self.write("violation", rule=rule, **what)

    def entries(self, kind: str | None = None) -> list[Json]:
        """All entries, oldest first, or only those of one kind."""
        return [entry for entry in self._entries if kind is None or entry["kind"] == kind]

    def close(self) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None
