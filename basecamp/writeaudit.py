"""The audit file: one JSON line for every call of a tool that changes something, and the memory of used grants.

A grant is used when its line `acting` is on the disk, which is before the tool acts; a process that dies in between
leaves the grant used. Several processes may share one file: each takes its lock and reads what the others wrote.

Single use can be proven only as far back as the file reaches. So a file says when it begun, and a grant from before
that is refused: moving, emptying or damaging the file closes grants, it never opens one a second time.
"""

from __future__ import annotations

import asyncio
import fcntl
import json
import logging
import os
import threading
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, BinaryIO, cast

from basecamp.errors import ConfigError, Refused
from basecamp.grants import CLOCK_SKEW_SECONDS, Grant
from basecamp.times import render_time

Entry = Mapping[str, Any]
Clock = Callable[[], datetime]
_log = logging.getLogger(__name__)


class AuditFile:
    """Appends lines; each is on the disk when the call returns. Raises OSError when that cannot be promised."""

    def __init__(self, file: Path, clock: Clock) -> None:
        self.file = file
        self._clock = clock
        self._lock = threading.Lock()
        self._identity: tuple[int, int] | None = None
        self._read_to = 0
        self._begun = 0.0
        self._used: dict[str, int] = {}

    async def open(self) -> None:
        """Begin the file or read the used grants from it. Raises ConfigError when it cannot be written."""
        try:
            await asyncio.to_thread(self._open)
        except OSError as error:
            raise ConfigError(f"{self.file}: cannot be written ({error.strerror}); set `audit: {{file: …}}`") from error

    async def append(self, event: str, entry: Entry) -> None:
        """Write one line."""
        await asyncio.to_thread(self.append_now, event, entry)

    async def use(self, grant: Grant, entry: Entry) -> None:
        """Use up a grant and write the line `acting`, as one step among all processes. Raises Refused."""
        await asyncio.to_thread(self._use, grant, entry)

    def append_now(self, event: str, entry: Entry) -> None:
        """Write one line, for a caller that may not wait for another turn."""
        with self._held() as stream:
            self._write(stream, event, entry)

    def unusable(self) -> str | None:
        """Why the file could not be written, looked at without touching it; None when it could be."""
        place = self.file if self.file.exists() else self.file.parent
        return None if os.access(place, os.R_OK | os.W_OK) else f"{place} cannot be written; set `audit: {{file: …}}`"

    def _open(self) -> None:
        with self._held():
            pass

    def _use(self, grant: Grant, entry: Entry) -> None:
        with self._held() as stream:
            now = self._clock().timestamp()
            self._used = {jti: end for jti, end in self._used.items() if end + CLOCK_SKEW_SECONDS >= now}
            if grant.jti in self._used:
                raise Refused("the approval grant is used already; each is good for one call", grant=grant)
            # Grants count whole seconds.
            if grant.issued_at < int(self._begun):
                since = render_time(datetime.fromtimestamp(int(self._begun), UTC))
                reason = f"the approval grant is older than what the audit file can vouch for ({since}); approve again"
                raise Refused(reason, grant=grant)
            self._write(stream, "acting", entry)
            self._used[grant.jti] = grant.expires_at

    @contextmanager
    def _held(self) -> Generator[BinaryIO]:
        """The file, locked against threads and processes, with all that others wrote taken in."""
        with self._lock:
            while True:
                with os.fdopen(os.open(self.file, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o600), "r+b") as stream:
                    fcntl.flock(stream, fcntl.LOCK_EX)
                    if not self._is_in_place(stream):
                        # Moved away between opening and locking: its name is another file's now.
                        continue
                    self._catch_up(stream)
                    yield stream
                    return

    def _is_in_place(self, stream: BinaryIO) -> bool:
        try:
            return os.path.samestat(os.fstat(stream.fileno()), self.file.stat())
        except FileNotFoundError:
            return False

    def _catch_up(self, stream: BinaryIO) -> None:
        status = os.fstat(stream.fileno())
        if self._identity != (status.st_dev, status.st_ino) or status.st_size < self._read_to:
            self._identity, self._read_to = (status.st_dev, status.st_ino), 0
        if status.st_size == 0:
            self._write(stream, "begun", {})
            self._sync_folder()
        stream.seek(self._read_to)
        line, expected = b"\n", "begun" if self._read_to == 0 else None
        for line in stream:
            event = self._take_in(line)
            if event is None or expected not in {None, event}:
                self._distrust(f"{self.file}: a line cannot be read, or the beginning is missing")
            expected = None
        if not line.endswith(b"\n"):
            # A process died while it wrote; what follows must not be glued to its half line.
            stream.write(b"\n")
            stream.flush()
        self._read_to = stream.seek(0, os.SEEK_END)

    def _take_in(self, line: bytes) -> str | None:
        """The event of a line, with what it says remembered; None when it is not one of ours."""
        try:
            entry = cast("dict[str, Any]", json.loads(line))
            event = str(entry["event"])
            if event == "begun":
                self._begun = max(self._begun, datetime.fromisoformat(entry["at"]).timestamp())
            elif event == "acting":
                self._used[str(entry["grant"]["jti"])] = int(entry["grant"]["exp"])
        except (ValueError, KeyError, TypeError):
            return None
        return event

    def _distrust(self, reason: str) -> None:
        _log.warning("%s; grants from before now are refused", reason)
        self._begun = max(self._begun, self._clock().timestamp())

    def _write(self, stream: BinaryIO, event: str, entry: Entry) -> None:
        at = render_time(self._clock())
        line = json.dumps({"at": at, "event": event, **entry}, ensure_ascii=True, separators=(",", ":"))
        stream.write(line.encode("ascii") + b"\n")
        stream.flush()
        os.fsync(stream.fileno())

    def _sync_folder(self) -> None:
        folder = os.open(self.file.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
