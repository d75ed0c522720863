"""A stand-in for Loki's push API that refuses what Loki with its default limits refuses."""

import json
import time
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from tests.support.openai_endpoint import serving

# https://grafana.com/docs/loki/latest/configure/#limits_config, defaults of Loki 3.
MOST_LABELS = 15
LONGEST_LABEL_NAME = 1024
LONGEST_LABEL_VALUE = 2048
LONGEST_LINE = 256 * 1024
MOST_STRUCTURED = 128
LARGEST_STRUCTURED = 64 * 1024
LARGEST_BODY = 4 * 1024 * 1024
FUTURE_S = 600
OLDEST_S = 168 * 3600


@dataclass
class LokiStandIn:
    """What was accepted, and how it should misbehave."""

    entries: list[tuple[dict, int, str, dict]] = field(default_factory=list)
    refusals: list[str] = field(default_factory=list)
    away: int = 0
    """So many requests get a 503."""
    hates: str = ""
    """Entries with this text are refused."""
    replaced: int = 0
    """Entries that the shipper put a note in the place of."""
    answers: list[int] = field(default_factory=list)
    """What the next requests get instead of being looked at; 0: they are looked at."""
    apply_then_fail: int = 0
    """So many requests are stored and then answered with a 500."""

    async def push(self, request: Request) -> Response:
        if self.away:
            self.away -= 1
            return PlainTextResponse("empty ring", 503)
        if self.answers and (status := self.answers.pop(0)):
            return PlainTextResponse("told to", status)
        body = await request.body()
        try:
            found = self._read(request, body)
        except ValueError as error:
            self.refusals.append(str(error))
            return PlainTextResponse(str(error), 400)
        self.entries += found
        if self.apply_then_fail:
            self.apply_then_fail -= 1
            return PlainTextResponse("context canceled", 500)
        return Response(status_code=204)

    def _read(self, request: Request, body: bytes) -> list[tuple[dict, int, str, dict]]:
        if not request.headers.get("content-type", "").startswith("application/json"):
            raise ValueError("content type must be application/json or application/x-protobuf")
        if len(body) > LARGEST_BODY:
            raise ValueError("message larger than max")
        streams = json.loads(body).get("streams")
        if not isinstance(streams, list) or not streams:
            raise ValueError("at least one stream is required")
        return [entry for stream in streams for entry in self._stream(stream)]

    def _stream(self, stream: dict) -> list[tuple[dict, int, str, dict]]:
        labels = stream.get("stream")
        if set(stream) != {"stream", "values"} or not isinstance(labels, dict) or not labels:
            raise ValueError("error at least one label pair is required per stream")
        if len(labels) > MOST_LABELS:
            raise ValueError("entry for stream has too many label names")
        for name, value in labels.items():
            if not name.isidentifier() or len(name) > LONGEST_LABEL_NAME or not isinstance(value, str):
                raise ValueError(f"invalid label {name}")
            if len(value) > LONGEST_LABEL_VALUE:
                raise ValueError(f"label value too long: {name}")
        made = []
        for value in stream["values"]:
            at, line, metadata = (*value, {})[:3]
            if not isinstance(at, str) or not at.isdigit() or not isinstance(line, str):
                raise ValueError('a value is ["<unix epoch in nanoseconds>", "<log line>", {…}]')
            self._check(int(at), line)
            if any(not isinstance(each, str) for each in metadata.values()) or len(metadata) > MOST_STRUCTURED:
                raise ValueError("invalid structured metadata")
            if sum(len(key) + len(each) for key, each in metadata.items()) > LARGEST_STRUCTURED:
                raise ValueError("structured metadata too large")
            made.append((labels, int(at), line, metadata))
        return made

    def _check(self, at: int, line: str) -> None:
        if at > (time.time() + FUTURE_S) * 1e9:
            raise ValueError("entry has timestamp too new")
        if at < (time.time() - OLDEST_S) * 1e9:
            raise ValueError("entry has timestamp too old")
        if len(line.encode()) > LONGEST_LINE:
            raise ValueError("max entry size exceeded")
        if self.hates and self.hates in line:
            raise ValueError(f"entry holds {self.hates}")


@asynccontextmanager
async def loki_stand_in():
    """A running stand-in and its address."""
    loki = LokiStandIn()
    app = Starlette(routes=[Route("/loki/api/v1/push", loki.push, methods=["POST"])])
    async with serving(app) as port:
        yield loki, f"http://127.0.0.1:{port}"
