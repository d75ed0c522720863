"""Requests to one Kubernetes API server, through kubernetes_asyncio; the only file that knows that library.

Answers are read as plain JSON: models generated for one version refuse objects of another.
"""

from __future__ import annotations

import asyncio
import importlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, cast

import aiohttp
import yaml

from basecamp.errors import BackendError

JsonObject = dict[str, Any]
JSON_PATCH = "application/json-patch+json"
_LIBRARY = "kubernetes_asyncio"
_MOST_BYTES = 16 * 1024 * 1024


class ApiRefusal(BackendError):
    """The API server refused; `code` is the HTTP status, `reason` the Status object's."""

    def __init__(self, backend: str, code: int, reason: str, words: str, *, query: str) -> None:
        self.code = code
        self.reason = reason
        super().__init__(backend, words, query=query)


class KubernetesApi:
    """One API server as one user; opened at the first request."""

    def __init__(self, *, kubeconfig: Path | None, context: str | None, timeout_seconds: float) -> None:
        self._kubeconfig = kubeconfig
        self._context = context
        self._timeout = timeout_seconds
        self._client: Any = None
        self._opening = asyncio.Lock()

    @property
    def identity(self) -> str:
        """Who we are as far as the configuration says."""
        if self._kubeconfig is None:
            return "the service account of this pod"
        return f"context {self._context} of {self._kubeconfig}" if self._context else f"{self._kubeconfig}"

    async def close(self) -> None:
        async with self._opening:
            client, self._client = self._client, None
            if client is not None:
                await client.close()

    async def get(self, backend: str, path: str, params: Mapping[str, str] | None = None) -> JsonObject:
        """A GET that answers an object. Raises BackendError."""
        return await self.call(backend, "GET", path, params)

    async def call(
        self,
        backend: str,
        method: str,
        path: str,
        params: Mapping[str, str] | None = None,
        *,
        body: JsonObject | Sequence[JsonObject] | None = None,
        content_type: str = "application/json",
    ) -> JsonObject:
        """A request that answers an object. Raises BackendError, ApiRefusal for what the server says no to."""
        text = await self.text(backend, method, path, params, body=body, content_type=content_type)
        try:
            parsed: Any = json.loads(text)
        except ValueError:
            parsed = None
        if not isinstance(parsed, dict):
            raise BackendError(backend, f"the answer is no JSON object: {text[:200]}", query=f"{method} {path}")
        return cast("JsonObject", parsed)

    async def text(
        self,
        backend: str,
        method: str,
        path: str,
        params: Mapping[str, str] | None = None,
        *,
        body: JsonObject | Sequence[JsonObject] | None = None,
        content_type: str = "application/json",
    ) -> str:
        """A request that answers text. Raises BackendError, ApiRefusal for what the server says no to."""
        query = f"{method} {path}"
        try:
            async with asyncio.timeout(self._timeout):
                status, answer = await self._send(backend, method, path, params, body, content_type)
                if status == 401:
                    await self._renew(backend)
                    status, answer = await self._send(backend, method, path, params, body, content_type)
        except TimeoutError as error:
            raise BackendError(backend, f"no answer within {self._timeout:g} s", query=query) from error
        except (aiohttp.ClientError, OSError) as error:
            words = f"the API server cannot be reached ({error or type(error).__name__})"
            raise BackendError(backend, words, query=query) from error
        if len(answer) > _MOST_BYTES:
            raise BackendError(backend, f"the answer is larger than {_MOST_BYTES // 2**20} MiB", query=query)
        text = answer.decode(errors="replace")
        if not 200 <= status < 300:
            raise _refusal(backend, status, text, query)
        return text

    async def _send(
        self,
        backend: str,
        method: str,
        path: str,
        params: Mapping[str, str] | None,
        body: JsonObject | Sequence[JsonObject] | None,
        content_type: str,
    ) -> tuple[int, bytes]:
        client = await self._open(backend)
        answer = await client.call_api(
            path,
            method,
            query_params=list((params or {}).items()),
            header_params={"Accept": "application/json", "Content-Type": content_type},
            body=body,
            auth_settings=["BearerToken"],
            _preload_content=False,
        )
        async with answer:
            return int(answer.status), bytes(await _read(answer.content))

    async def _open(self, backend: str) -> Any:
        async with self._opening:
            if self._client is None:
                self._client = await self._connect(backend)
            return self._client

    async def _renew(self, backend: str) -> None:
        """After a token has run out: the configuration may hold, or make, a newer one."""
        async with self._opening:
            if self._client is not None:
                newer = await self._connect(backend)
                self._client.configuration.api_key = newer.configuration.api_key
                await newer.close()

    async def _connect(self, backend: str) -> Any:
        # Importing takes half a second, so it must not hold up the event loop.
        library: Any = await asyncio.to_thread(importlib.import_module, f"{_LIBRARY}.client")
        config: Any = await asyncio.to_thread(importlib.import_module, f"{_LIBRARY}.config")
        try:
            if self._kubeconfig is not None:
                return await config.new_client_from_config(
                    config_file=str(self._kubeconfig), context=self._context, persist_config=False
                )
            configuration: Any = library.Configuration()
            config.load_incluster_config(client_configuration=configuration)
        except (config.ConfigException, yaml.YAMLError, OSError, ValueError, KeyError, TypeError) as error:
            where = self._kubeconfig or "no kubeconfig is set, and this is no pod with a service account"
            raise BackendError(backend, f"{where}: {' '.join(str(error).split())}") from error
        return library.ApiClient(configuration)


async def _read(content: aiohttp.StreamReader) -> bytearray:
    """The body, but not much more than we accept."""
    body = bytearray()
    async for chunk in content.iter_chunked(65536):
        body += chunk
        if len(body) > _MOST_BYTES:
            break
    return body


def _refusal(backend: str, status: int, text: str, query: str) -> ApiRefusal:
    """In the server's own words when it sent a Status object."""
    try:
        parsed: Any = json.loads(text)
    except ValueError:
        parsed = None
    fields = cast("JsonObject", parsed) if isinstance(parsed, dict) else {}
    reason = str(fields.get("reason") or "")
    message = str(fields.get("message") or " ".join(text.split())[:500])
    return ApiRefusal(backend, status, reason, f"{status} {reason or 'refused'}: {message}", query=query)
