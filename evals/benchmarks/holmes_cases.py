"""HolmesGPT's eval cases as this package reads them: a question, what a right answer holds, and tools that answer from the record."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

from bot.core.errors import ToolUnavailableError
from bot.core.redaction import redact
from bot.core.text import clean
from bot.ports import ToolResult, ToolSpec
from evals.benchmarks.table import BenchmarkError

Json = Mapping[str, Any]

# Arguments that narrow or shape an answer but do not say what it is about; the nearest recording stands in for others.
_SHAPING = frozenset(
    {
        "limit",
        "start",
        "end",
        "step",
        "start_time",
        "end_time",
        "filter",
        "exclude_filter",
        "type_filter",
        "description",
    }
    | {"jq_expr", "query", "name_filter"}
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Recording:
    """What a tool answered once. `params` is None where the recording stands for any arguments."""

    tool: str
    toolset: str
    params: Mapping[str, object] | None
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """One case."""

    id: str
    text: str
    facts: tuple[str, ...]
    """What has to be in a right answer, every one of them."""
    recordings: tuple[Recording, ...]


def questions(rows: Iterable[Json]) -> list[Question]:
    """The cases that can be answered without a cluster: with recorded outputs, and not skipped by their authors."""
    return [_question(row) for row in rows if row["recorded_outputs"] and not row["skip"]]


def _question(row: Json) -> Question:
    expected = row["expected_output"]
    return Question(
        id=row["id"],
        text=redact(clean(_text(row))),
        facts=tuple(one.strip() for one in ([expected] if isinstance(expected, str) else expected)),
        recordings=tuple(_recording(row["id"], name, text) for name, text in row["recorded_outputs"].items()),
    )


def _text(row: Json) -> str:
    asked = row["user_prompt"]
    if asked is None:
        return _alert(row)
    # Several wordings of one question stand in a list; the first is asked.
    words = str(cast("list[object]", asked)[0] if isinstance(asked, list) else asked)
    earlier = [
        f"{turn['role']}: {turn['content']}"
        for turn in row.get("conversation_history") or ()
        if turn["role"] in {"user", "assistant"} and turn.get("content")
    ]
    return "\n".join(["Said before:", *earlier, "", "Asked now:", words]) if earlier else words


def _alert(row: Json) -> str:
    """An alert to explain instead of a question."""
    request, issue = cast("Json", row["investigate_request"] or {}), cast("Json", row["issue_data"] or {})
    told: dict[str, object] = {
        key: request.get(key) for key in ("title", "description", "subject", "source", "context")
    }
    told |= {f"issue_{key}": issue.get(key) for key in ("description", "labels", "annotations", "raw")}
    told["instructions"] = cast("Json", row["resource_instructions"] or {}).get("instructions")
    body = json.dumps({key: value for key, value in told.items() if value}, indent=1, ensure_ascii=False)
    return f"Why does this alert fire? Name the cause.\n{body}"


def _recording(case: str, name: str, text: str) -> Recording:
    """A header line of JSON, then what the tool returned. Raises BenchmarkError for another form."""
    head, _, answer = text.partition("\n")
    try:
        header = json.loads(head)
        return Recording(
            tool=header["tool_name"], toolset=header["toolset_name"], params=header.get("match_params"), text=answer
        )
    except (ValueError, KeyError, TypeError) as error:
        raise BenchmarkError(f"{case}: recorded output {name} has no header: {error}") from error


class HolmesTools:
    """
    Implements ports.Tools over recordings.

    A call is answered by the recording of the same tool that names the same things; of several, by the one whose other
    arguments agree most. The answer begins with the call that was recorded, so that nobody takes it for another.
    """

    def __init__(self, recordings: Sequence[Recording]) -> None:
        self._recordings = tuple(recordings)

    async def available(self) -> Sequence[ToolSpec]:
        """One spec a tool, with the names of the arguments that its recordings have, never their values."""
        return [self._spec(name) for name in dict.fromkeys(one.tool for one in self._recordings)]

    async def call(self, name: str, args: Mapping[str, object], *, timeout_s: float) -> ToolResult:
        """The recorded answer. Raises ToolUnavailableError when nothing alike was recorded."""
        del timeout_s
        fitting = [one for one in self._recordings if one.tool == name and _fits(one, args)]
        if not fitting:
            raise ToolUnavailableError(f"{name} was not recorded for these arguments")
        chosen = max(fitting, key=lambda one: _agreeing(one, args))
        asked = json.dumps(chosen.params) if chosen.params is not None else "any arguments"
        text = f"recorded for {asked}\n{chosen.text}"
        return ToolResult(
            tool=name, server=chosen.toolset, args=dict(args), structured={"text": text}, text=text, took_ms=0
        )

    async def health(self) -> Mapping[str, str]:
        """Always well."""
        return {"record": ""}

    def _spec(self, name: str) -> ToolSpec:
        own = [one for one in self._recordings if one.tool == name]
        params = dict.fromkeys(key for one in own for key in one.params or ())
        schema = {"type": "object", "properties": {key: {"type": _type(own, key)} for key in params}}
        toolset = own[0].toolset
        return ToolSpec(name=name, description=f"{name} of {toolset}", schema=schema, server=toolset)


def _fits(recording: Recording, args: Mapping[str, object]) -> bool:
    known = recording.params or {}
    return all(_same(args.get(key), value) for key, value in known.items() if key not in _SHAPING)


def _agreeing(recording: Recording, args: Mapping[str, object]) -> int:
    known = recording.params or {}
    return sum(_same(args.get(key), known.get(key)) for key in {*known, *args})


def _same(asked: object, recorded: object) -> bool:
    """Kinds are named in the singular and in the plural, in capitals or not."""
    if asked is None or recorded is None:
        return asked is recorded
    return str(asked).casefold().rstrip("s") == str(recorded).casefold().rstrip("s")


def _type(recordings: Sequence[Recording], key: str) -> str:
    values = [one.params[key] for one in recordings if one.params and key in one.params]
    return "integer" if values and all(isinstance(one, int) for one in values) else "string"
