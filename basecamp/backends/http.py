"""One HTTP client for the JSON APIs of Prometheus and Loki: bounded in time and size, errors in the backend's words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

import httpx

from basecamp.errors import BackendError
from basecamp.redaction import split_userinfo
from basecamp.times import Window

MAX_BODY = 32 * 1024 * 1024
Params = Mapping[str, str | list[str]]


class JsonApi:
    """GETs that answer JSON."""

    def __init__(self, backend: str, url: str, *, timeout_seconds: float, headers: Mapping[str, str]) -> None:
        self.url, userinfo = split_userinfo(url)
        self._backend = backend
        self._timeout = timeout_seconds
        # The operator's addresses are used as written; proxies of the environment would be a surprise here.
        self._client = httpx.AsyncClient(
            base_url=self.url, auth=userinfo, timeout=timeout_seconds, headers=dict(headers), trust_env=False
        )

    async def close(self) -> None:
        await self._client.aclose()

    async def get(
        self, path: str, params: Params, *, query: str | None = None, window: Window | None = None
    ) -> dict[str, Any]:
        """The JSON object at a path. Raises BackendError with query, range and the backend's words."""

        def failed(words: str) -> BackendError:
            return BackendError(self._backend, words, query=query, window=window)

        try:
            body, status = await self._fetch(path, params)
        except httpx.TimeoutException as error:
            raise failed(f"no answer from {self.url} within {self._timeout:g} s") from error
        except httpx.HTTPError as error:
            raise failed(f"{self.url} cannot be reached ({error or type(error).__name__})") from error
        if len(body) > MAX_BODY:
            raise failed(f"the answer is larger than {MAX_BODY // 2**20} MiB; ask for less")
        response = httpx.Response(status, content=body)
        try:
            parsed: Any = response.json()
        except ValueError:
            parsed = None
        if status != 200 or not isinstance(parsed, dict):
            raise failed(_words(status, parsed, response.text))
        return cast("dict[str, Any]", parsed)

    async def _fetch(self, path: str, params: Params) -> tuple[bytes, int]:
        body = bytearray()
        async with self._client.stream("GET", path, params=dict(params)) as response:
            async for chunk in response.aiter_bytes():
                body += chunk
                if len(body) > MAX_BODY:
                    break
            return bytes(body), response.status_code


def _words(status: int, parsed: Any, text: str) -> str:
    """What the backend said: Prometheus and Loki put it into `error`, proxies into the text."""
    if isinstance(parsed, dict):
        fields = cast("dict[str, Any]", parsed)
        said = fields.get("error") or fields.get("message")
        if said:
            kind = fields.get("errorType")
            return f"{kind}: {said}" if kind else str(said)
    return f"HTTP {status}: {' '.join(text.split())[:500]}"
