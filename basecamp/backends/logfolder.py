"""Logs in a folder: `<service>.log` and `<service>-*.log`, read without loading whole files."""

from __future__ import annotations

import asyncio
import heapq
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import BinaryIO

from basecamp.catalog import check_service_name
from basecamp.errors import BackendError
from basecamp.logrecords import LogRecord, join_records, parse_line
from basecamp.results import LogLine, LogLines
from basecamp.times import Window

MAX_BYTES = 64 * 1024 * 1024
_MAX_LINE = 64 * 1024
# Threads and processes that share a file may write a little out of order.
_DISORDER = timedelta(seconds=5)


class LogFolder:
    """Reads the records of a service in a time range, newest kept when there are too many."""

    def __init__(self, folder: Path, known_services: Callable[[], Iterable[str]]) -> None:
        self.folder = folder
        self._known_services = known_services

    async def read(self, service: str, window: Window, contains: str, limit: int) -> LogLines:
        """Records of one service, oldest first. Raises BackendError naming the folder."""
        return await asyncio.to_thread(self._read, check_service_name(service), window, contains, limit)

    async def check(self) -> str:
        """Say what is there. Raises BackendError."""
        count = await asyncio.to_thread(lambda: len(self._all_files()))
        return f"{count} log file{'s' if count != 1 else ''} in {self.folder}"

    def files_of(self, service: str) -> list[Path]:
        """The files that belong to a service and not to another whose name merely begins the same."""
        longer = [name for name in self._known_services() if name.startswith(f"{service}-")]
        return [
            file
            for file in self._all_files()
            if file.stem == service
            or (
                file.stem.startswith(f"{service}-")
                and not any(file.stem == name or file.stem.startswith(f"{name}-") for name in longer)
            )
        ]

    def _all_files(self) -> list[Path]:
        if not self.folder.is_dir():
            raise BackendError("logs", f"{self.folder} is not a folder; create it or mend `logs: {{folder: …}}`")
        return sorted(self.folder.glob("*.log"))

    def _read(self, service: str, window: Window, contains: str, limit: int) -> LogLines:
        query = f"{self.folder}/{service}.log" + (f" containing {contains!r}" if contains else "")
        files = self.files_of(service)
        if not files:
            names = ", ".join(file.name for file in self._all_files()) or "none"
            raise BackendError("logs", f"no file for {service!r}; files there: {names}", query=query, window=window)
        budget = _Budget(MAX_BYTES)
        try:
            found = [_matching(file, window, contains, limit + 1, budget) for file in files]
        except OSError as error:
            raise BackendError("logs", str(error), query=query, window=window) from error
        merged = list(heapq.merge(*found, key=lambda record: record.at))
        kept = merged[-limit:]
        return LogLines(
            lines=[LogLine(at=each.at, level=each.level, service=service, text=each.text) for each in kept],
            truncated=len(merged) > limit or budget.spent,
        )


class _Budget:
    """How many bytes one call may still read."""

    def __init__(self, size: int) -> None:
        self._left = size

    @property
    def spent(self) -> bool:
        return self._left <= 0

    def take(self, size: int) -> None:
        self._left -= size


def _matching(file: Path, window: Window, contains: str, limit: int, budget: _Budget) -> list[LogRecord]:
    kept: deque[LogRecord] = deque(maxlen=limit)
    with file.open("rb") as stream:
        stream.seek(_offset_of(stream, window))
        for record in join_records(_lines(stream, budget)):
            if record.at >= window.end + _DISORDER:
                break
            if window.start <= record.at < window.end and contains in record.text:
                kept.append(record)
    return sorted(kept, key=lambda record: record.at)


def _lines(stream: BinaryIO, budget: _Budget) -> Iterator[str]:
    while not budget.spent and (raw := stream.readline(_MAX_LINE)):
        budget.take(len(raw))
        yield raw.decode("utf-8", errors="replace").rstrip("\r\n")


def _offset_of(stream: BinaryIO, window: Window) -> int:
    """A place in the file not after the first record of the window, found by halving."""
    goal = window.start - _DISORDER
    low, high = 0, stream.seek(0, 2)
    while high - low > _MAX_LINE:
        middle = (low + high) // 2
        at = _first_record_after(stream, middle, high)
        if at is None or at.at >= goal:
            high = middle
        else:
            low = middle
    return low


def _first_record_after(stream: BinaryIO, offset: int, end: int) -> LogRecord | None:
    stream.seek(offset)
    stream.readline(_MAX_LINE)
    while stream.tell() < end and (raw := stream.readline(_MAX_LINE)):
        record = parse_line(raw.decode("utf-8", errors="replace").rstrip("\r\n"))
        if record is not None:
            return record
    return None
