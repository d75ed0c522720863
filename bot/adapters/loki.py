"""
Ships audit entries to Loki's push API (https://grafana.com/docs/loki/latest/reference/loki-http-api/#ingest-logs).

Labels stay few (app and kind), as Loki wants them; ids go into structured metadata.
"""

import json
from collections.abc import Mapping, Sequence

import httpx

from bot.core.errors import AiopsError
from bot.core.text import clip
from bot.ports import AuditLine

# Loki's defaults (limits_config): a line of at most 256 KiB, structured metadata of at most 64 KiB and 128 entries.
_LONGEST_LINE = 256 * 1024 - 1024
_LONGEST_VALUE = 1_000
# A request may hold 4 MiB (server.grpc_server_max_recv_msg_size); this keeps a margin.
_LARGEST_REQUEST = 1_000_000


class LokiAwayError(AiopsError):
    """Loki did not take the entries; they stay where they are."""


class LokiShipper:
    """Implements ports.AuditDestination."""

    def __init__(self, url: str, *, timeout_s: float = 10.0, tenant: str = "") -> None:
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
        """Push as many as fit into one request; how many. Raises LokiAwayError with Loki's words."""
        chosen = _fitting(lines)
        try:
            answer = await self._client.post(self._url, json=push_body(chosen), headers=self._headers)
        except httpx.HTTPError as error:
            raise LokiAwayError(f"Loki cannot be reached: {type(error).__name__}") from error
        if answer.status_code != int(httpx.codes.NO_CONTENT):
            raise LokiAwayError(
                f"Loki refused {len(chosen)} audit entries: {answer.status_code} {clip(answer.text, 300)}"
            )
        return len(chosen)


def push_body(lines: Sequence[AuditLine]) -> Mapping[str, object]:
    """Streams by kind, entries by time; a Loki stream takes its entries in order."""
    kinds: dict[str, list[AuditLine]] = {}
    for line in lines:
        kinds.setdefault(line.action.partition(".")[0], []).append(line)
    return {
        "streams": [
            {
                "stream": {"app": "aiops", "kind": kind},
                "values": [_value(line) for line in sorted(members, key=lambda one: (one.at, one.place))],
            }
            for kind, members in kinds.items()
        ]
    }


def _value(line: AuditLine) -> list[object]:
    metadata = {
        "target": clip(line.target, _LONGEST_VALUE),
        "action": clip(line.action, _LONGEST_VALUE),
        "hash": line.hash,
        "place": str(line.place),
    }
    return [str(round(line.at.timestamp() * 1_000_000) * 1_000), _text(line), metadata]


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
