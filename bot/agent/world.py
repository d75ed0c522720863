"""
What an investigation knew and what it came to, kept so that the reasoning can be run again on the same facts. Pure.

A world is stored as plain JSON: everything that the model and the analyst were given, redacted once more as a whole,
every tool's answer, and the assessment with its prompt, analyst and usage.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, cast

from pydantic import ValidationError

from bot.agent.codec import Json, dump, load
from bot.agent.mind import World
from bot.core.errors import PayloadError
from bot.core.evidence import EvidenceKind
from bot.core.grading import Said
from bot.core.hypothesis import Assessment
from bot.core.redaction import redact
from bot.core.text import clip
from bot.ports import ToolCallEntry

FORMAT = 1
MOST_CHARS = 1_000_000
"""Of tool answers in one world."""


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptWorld:
    """One investigation, as it can be run again."""

    world: World
    """As it was gathered; what the model looked up itself is among the results, not in the pack."""
    assessment: Assessment
    """What it came to, with prompt, analyst and usage."""
    results: tuple[ToolCallEntry, ...] = ()
    """What every tool answered, in the order of the calls, the model's own look-ups included."""
    left_out: tuple[str, ...] = ()
    """Answers that were too large to keep, as sentences."""


def world_body(world: World, assessment: Assessment, offline: Said | None) -> Json:
    """
    The world as JSON, before the tools' answers are added; `offline` is what the offline analyst blamed on the same facts.

    With it a model can be held against the analyst on the very same incidents.
    """
    pack = world.pack
    gathered = replace(pack, evidence=tuple(one for one in pack.evidence if one.kind is not EvidenceKind.TOOL))
    body: Json = {
        "format": FORMAT,
        "world": dump(replace(world, pack=gathered)),
        "assessment": dump(assessment),
        "offline": dump(offline) if offline is not None else None,
    }
    return cast("Json", _redacted(body))


def with_results(body: Mapping[str, object], calls: Sequence[ToolCallEntry], *, most: int = MOST_CHARS) -> Json:
    """
    The body with the tools' answers, which the journal has redacted already.

    Answers are kept whole or not at all, because half an answer cannot be read: short ones first, so that as many as
    possible fit. What is left out is named.
    """
    kept: set[int] = set()
    room = most
    for place, call in sorted(enumerate(calls), key=lambda one: len(one[1].text)):
        if len(call.text) <= room:
            kept.add(place)
            room -= len(call.text)
    left_out = [_too_large(call) for place, call in enumerate(calls) if place not in kept]
    results = [dump(call) for place, call in enumerate(calls) if place in kept]
    return {**body, "results": results, "left_out": left_out}


def read_world(body: Mapping[str, object]) -> KeptWorld:
    """The value that was kept. Raises PayloadError when another version wrote something that cannot be read now."""
    if body.get("format") != FORMAT:
        raise PayloadError(f"the stored world has the format {body.get('format')!r}; this version reads {FORMAT}")
    try:
        return KeptWorld(
            world=load(World, body["world"]),
            assessment=load(Assessment, body["assessment"]),
            results=tuple(load(ToolCallEntry, one) for one in cast("list[object]", body.get("results") or [])),
            left_out=tuple(str(one) for one in cast("list[object]", body.get("left_out") or [])),
        )
    except KeyError as error:
        raise PayloadError(f"the stored world lacks {error.args[0]!r}") from error
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = ".".join(map(str, first["loc"]))
        raise PayloadError(f"the stored world cannot be read at {where}: {first['msg'].lower()}") from error


def _too_large(call: ToolCallEntry) -> str:
    asked = clip(json.dumps(dict(call.args), default=str, sort_keys=True), 200)
    return f"the answer of {call.tool}{asked} is left out: {len(call.text):,} characters"


def _redacted(value: Any) -> Any:
    if isinstance(value, str):
        return redact(value)
    if isinstance(value, dict):
        return {key: _redacted(one) for key, one in cast("dict[str, Any]", value).items()}
    if isinstance(value, list):
        return [_redacted(one) for one in cast("list[Any]", value)]
    return value
