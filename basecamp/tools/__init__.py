"""The tools of the basecamp-mcp contract, free of any protocol library.

`read.py` looks at catalogue, logs, metrics and data; `diagnostics.py` looks inside systems; `postgres.py`, `redis.py`,
`kubernetes.py` and `slack.py` look and change. A tool that changes something says so by Effect.WRITE or
Effect.DESTRUCTIVE and has a preview; it knows nothing of grants, because it can be run through `WriteGate` alone.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from enum import Enum
from typing import Annotated

from pydantic import BaseModel, BeforeValidator, Field, WithJsonSchema

from basecamp.errors import BadRequest
from basecamp.results import Preview


class Effect(Enum):
    """What calling a tool may do to the world."""

    READ = "read"
    WRITE = "write"
    DESTRUCTIVE = "destructive"


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolSpec:
    """One tool: the function's name, signature and docstring are what a client sees."""

    run: Callable[..., Awaitable[BaseModel]]
    result: type[BaseModel]
    title: str
    effect: Effect
    preview: Callable[..., Awaitable[Preview]] | None = None
    """For a tool that changes something: what it would do with the same arguments, without doing it."""

    def __post_init__(self) -> None:
        if (self.effect is Effect.READ) != (self.preview is None):
            raise TypeError(f"{self.name}: a tool has a preview exactly when it changes something")

    @property
    def name(self) -> str:
        return self.run.__name__


def _none_to_empty(value: object) -> object:
    return "" if value is None else value


# Plain `str` inside, because clients send null for "left out" and the protocol library would read a text that
# looks like JSON (a log line, for one) as JSON for any other annotation.
OptionalText = Annotated[
    str,
    BeforeValidator(_none_to_empty),
    WithJsonSchema({"anyOf": [{"type": "string"}, {"type": "null"}], "default": None}),
]
Service = Annotated[str, Field(description="Name of the service, as list_services gives it")]
Start = Annotated[str, Field(description="Beginning of the range, RFC 3339 UTC, such as 2026-01-31T12:00:00Z")]
End = Annotated[str, Field(description="End of the range, RFC 3339 UTC; at most 24 hours after start")]


def check_limit(value: int, *, name: str, most: int) -> int:
    """A count between 1 and a maximum. Raises BadRequest."""
    if not 1 <= value <= most:
        raise BadRequest(f"{name} is {value}; it must be between 1 and {most}")
    return value


def check_targets(count: int, *, name: str, most: int) -> None:
    """That a call names at least one target and at most as many as are allowed. Raises BadRequest."""
    if not 1 <= count <= most:
        raise BadRequest(f"{name} has {count} entries; between 1 and {most} are allowed (`writes: {{max_targets: …}}`)")
