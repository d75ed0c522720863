"""
Ships audit entries to Loki's push API (https://grafana.com/docs/loki/latest/reference/loki-http-api/#ingest-logs).

Labels stay few (app and kind), as Loki wants them; ids go into structured metadata.
"""

import json
import logging
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta

import httpx

from bot.core.errors import AiopsError
from bot.core.text import clip, one_line
from bot.ports import AuditLine

# Loki's defaults (limits_config): a line of at most 256 KiB, structured metadata of at most 64 KiB and 128 entries.
_LONGEST_LINE = 256 * 1024 - 1024
_LONGEST_VALUE = 1_000
_LONGEST_LABEL = 100
# A request may hold 4 MiB (server.grpc_server_max_recv_msg_size); this keeps a margin.
_LARGEST_REQUEST = 1_000_000
# limits_config, defaults: reject_old_samples_max_age is 168 h, creation_grace_period 10 min. Both keep a margin here.
_OLDEST = timedelta(hours=167)
_NEWEST = timedelta(minutes=9)
# What Loki says of the entries themselves; everything else is about Loki's own state, and is tried again.
_REFUSED = frozenset({httpx.codes.BAD_REQUEST, httpx.codes.REQUEST_ENTITY_TOO_LARGE})

log = logging.getLogger(__name__)


def _utc_now() -> datetime:
    return datetime.now(UTC)


def _nobody(count: int) -> None:
    del count


class LokiAwayError(AiopsError):
    """Loki did not take the entries; they stay where they are."""


class LokiShipper:
    """Implements ports.AuditDestination."""

    def __init__(
        self,
        url: str,
        *,
        timeout_s: float = 10.0,
        tenant: str = "",
        now: Callable[[], datetime] = _utc_now,
        on_refused: Callable[[int], None] = _nobody,
    ) -> None:
        """`now` is what Loki's own limits are counted from; `on_refused` is told how many entries Loki would not have."""
        self._now = now
        self._on_refused = on_refused
        self._url = f"{url.rstrip('/')}/loki/api/v1/push"
        self._headers = {"X-Scope-OrgID": tenant} if tenant else {}
        self._client = httpx.AsyncClient(timeout=timeout_s, trust_env="127.0.0.1" not in url and "localhost" not in url)

    @property
    def name(self) -> str:
        """The cursor's name: another Loki starts from the beginning."""
        return f"loki {self._url}"

    async def aclose(self) -> None:
        """Close the connections."""
        await self._client.aclose()

    async def send(self, lines: Sequence[AuditLine]) -> int:
        """
        Push as many as fit into one request; how many. Raises LokiAwayError with Loki's words.

        An entry that Loki will not have is replaced by a short one that names it, so that it never holds up the rest.
        """
        return await self._taken(_fitting(lines))

    async def _taken(self, lines: Sequence[AuditLine]) -> int:
        """How many of them, from the first on; a refused request is halved until the entry at fault is found."""
        why = await self._push(push_body(lines, now=self._now()))
        if not why:
            return len(lines)
        if len(lines) == 1:
            await self._mark(lines[0], why)
            return 1
        half = len(lines) // 2
        await self._taken(lines[:half])
        try:
            return half + await self._taken(lines[half:])
        except LokiAwayError as error:
            log.warning("the rest of a batch waits: %s", error)
            return half

    async def _push(self, body: Mapping[str, object]) -> str:
        """Empty when it was taken, else why the entries were refused. Raises LokiAwayError for all other failures."""
        try:
            answer = await self._client.post(self._url, json=body, headers=self._headers)
        except httpx.HTTPError as error:
            raise LokiAwayError(f"Loki cannot be reached: {type(error).__name__}") from error
        if answer.status_code == int(httpx.codes.NO_CONTENT):
            return ""
        said = f"{answer.status_code} {clip(one_line(answer.text), 300)}"
        if answer.status_code in _REFUSED:
            return said
        raise LokiAwayError(f"Loki did not take the audit entries: {said}")

    async def _mark(self, line: AuditLine, why: str) -> None:
        """
        Put a short entry in the place of one that was refused.

        Raises LokiAwayError when Loki refuses even that: then it is not the entry that is at fault.
        """
        refused = await self._push(_marker(line, now=self._now()))
        if refused:
            raise LokiAwayError(f"Loki refuses every audit entry: {refused}")
        log.warning("Loki refused audit entry %d; a note stands in its place: %s", line.entry, why)
        self._on_refused(1)


def _kind(line: AuditLine) -> str:
    return clip(line.action.partition(".")[0], _LONGEST_LABEL)


def push_body(lines: Sequence[AuditLine], *, now: datetime) -> Mapping[str, object]:
    """Streams by kind, entries by time; a Loki stream takes its entries in order."""
    kinds: dict[str, list[AuditLine]] = {}
    for line in lines:
        kinds.setdefault(_kind(line), []).append(line)
    return {
        "streams": [
            {
                "stream": {"app": "aiops", "kind": kind},
                "values": [_value(line, now) for line in sorted(members, key=lambda one: (one.at, one.place))],
            }
            for kind, members in kinds.items()
        ]
    }


def _value(line: AuditLine, now: datetime) -> list[object]:
    """Loki refuses what is too old or too new for it: such an entry stands at the nearest time that it takes."""
    at = min(max(line.at, now - _OLDEST), now + _NEWEST)
    metadata = _metadata(line)
    if at != line.at:
        metadata["moved"] = "the entry's own time is in its line"
    return [_nanoseconds(at), _text(line), metadata]


def _marker(line: AuditLine, *, now: datetime) -> Mapping[str, object]:
    """Without Loki's words: they may quote what it would not have."""
    body = {
        "at": line.at.isoformat(),
        "entry": line.entry,
        "refused": "Loki did not take this entry; read it with aiops audit tail",
    }
    value = [_nanoseconds(now), json.dumps(body, ensure_ascii=False), {"hash": line.hash, "place": str(line.place)}]
    return {"streams": [{"stream": {"app": "aiops", "kind": _kind(line)}, "values": [value]}]}


def _metadata(line: AuditLine) -> dict[str, str]:
    found = {
        "target": clip(line.target, _LONGEST_VALUE),
        "action": clip(line.action, _LONGEST_VALUE),
        "hash": line.hash,
        "place": str(line.place),
    }
    return {**found, "incident": line.incident} if line.incident else found


def _nanoseconds(at: datetime) -> str:
    return str(round(at.timestamp() * 1_000_000) * 1_000)


def _text(line: AuditLine) -> str:
    body = {
        "at": line.at.isoformat(),
        "actor": line.actor,
        "action": line.action,
        "target": line.target,
        "detail": dict(line.detail),
        "entry": line.entry,
    }
    text = json.dumps(body, ensure_ascii=False, separators=(",", ":"), default=str)
    if len(text.encode()) <= _LONGEST_LINE:
        return text
    return json.dumps({**body, "detail": "too long for Loki; read it with aiops audit tail"}, ensure_ascii=False)


def _fitting(lines: Sequence[AuditLine]) -> Sequence[AuditLine]:
    total = 0
    for place, line in enumerate(lines):
        total += len(_text(line).encode()) + 500
        if total > _LARGEST_REQUEST and place > 0:
            return lines[:place]
    return lines
