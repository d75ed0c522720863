"""Logs in Grafana Loki, through GET /loki/api/v1/query_range (Loki HTTP API reference)."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any, cast

from basecamp.backends.http import JsonApi
from basecamp.catalog import check_service_name
from basecamp.errors import BackendError
from basecamp.logrecords import clip, find_level, parse_line
from basecamp.results import LogLine, LogLines
from basecamp.settings import LokiSettings
from basecamp.times import Window


class Loki:
    """Reads the lines of a service in a time range, newest kept when there are too many."""

    def __init__(self, settings: LokiSettings) -> None:
        headers: dict[str, str] = {}
        if settings.tenant:
            headers["X-Scope-OrgID"] = settings.tenant
        if settings.bearer_token:
            headers["Authorization"] = f"Bearer {settings.bearer_token.get_secret_value()}"
        self._api = JsonApi("loki", settings.url, timeout_seconds=settings.timeout_seconds, headers=headers)
        self._label = settings.service_label
        self.close = self._api.close

    async def read(self, service: str, window: Window, contains: str, limit: int) -> LogLines:
        """Lines of one service, oldest first. Raises BackendError with the LogQL query and Loki's words."""
        # A Go string literal, which LogQL uses, accepts the escapes that JSON writes.
        query = f"{{{self._label}={json.dumps(check_service_name(service))}}}"
        if contains:
            query += f" |= {json.dumps(contains, ensure_ascii=False)}"
        params = {
            "query": query,
            "start": str(_nanoseconds(window.start)),
            "end": str(_nanoseconds(window.end)),
            "limit": str(limit + 1),
            "direction": "backward",
        }
        answer = await self._api.get("/loki/api/v1/query_range", params, query=query, window=window)
        found = sorted(_entries(answer, query, window), key=lambda entry: entry[0])
        kept = found[-limit:]
        return LogLines(lines=[_line(service, *entry) for entry in kept], truncated=len(found) > limit)

    async def check(self) -> str:
        """Ask for the labels, which every Loki knows. Raises BackendError."""
        answer = await self._api.get("/loki/api/v1/labels", {}, query="labels")
        labels = cast("list[str]", answer.get("data") or [])
        if labels and self._label not in labels:
            raise BackendError("loki", f"no stream has the label {self._label!r}; labels there: {', '.join(labels)}")
        return f"{self._api.url}, {len(labels)} labels"


def _entries(answer: dict[str, Any], query: str, window: Window) -> list[tuple[int, str, str]]:
    """(nanoseconds, line, level label) of every line; Loki groups them by stream."""
    data = cast("dict[str, Any]", answer.get("data") or {})
    if data.get("resultType") != "streams":
        words = f"answered a {data.get('resultType')!r} result where streams were expected"
        raise BackendError("loki", words, query=query, window=window)
    entries: list[tuple[int, str, str]] = []
    for stream in cast("list[dict[str, Any]]", data.get("result") or []):
        labels = cast("dict[str, str]", stream.get("stream") or {})
        level = labels.get("level") or labels.get("detected_level") or ""
        entries += [
            (int(value[0]), str(value[1]), level) for value in cast("list[list[str]]", stream.get("values") or [])
        ]
    return entries


def _line(service: str, nanoseconds: int, text: str, label: str) -> LogLine:
    # Whole microseconds: a float of nanoseconds would be off by some of them.
    seconds, rest = divmod(nanoseconds // 1000, 1_000_000)
    at = datetime.fromtimestamp(seconds, tz=UTC).replace(microsecond=rest)
    record = parse_line(text)
    level = find_level(f"level={label}") if label else "unknown"
    if level == "unknown":
        level = record.level if record else find_level(text)
    return LogLine(at=at, level=level, service=service, text=clip(record.text if record else text))


def _nanoseconds(at: datetime) -> int:
    whole = int(at.replace(microsecond=0).timestamp())
    return whole * 1_000_000_000 + at.microsecond * 1000
