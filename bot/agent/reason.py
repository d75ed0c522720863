"""What the model is shown and may call: prompt inputs, wide tools, budgets. Pure."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from bot.agent.findings import call_text, evidence
from bot.core.evidence import Evidence, EvidenceKind, EvidencePack, Window, content_hash
from bot.core.hypothesis import CauseClass, SimilarFound
from bot.core.redaction import redact
from bot.core.runbook import Runbook
from bot.core.text import clean, clip, head_and_tail, one_line
from bot.ports import Brief, Message, ToolCall, ToolSpec

SEARCH = "search_tool_results"
_WIDE = ("list_services", "read_logs", "read_metrics", "query_prometheus", "query_trino")
_MOST_TOOLS = 5
# Characters per token of English and JSON, on the low side.
_CHARS_PER_TOKEN = 3.5
_EXCERPT_SHOWN = 700
_DESCRIPTION_SHOWN = 1_000
CAUSE_CLASSES = tuple(one.value for one in CauseClass)


@dataclass(frozen=True, slots=True, kw_only=True)
class ReasonLimits:
    """What one investigation may spend on reasoning."""

    steps: int = 12
    """Model calls, the first and the repair included."""
    tokens: int = 60_000
    reply_tokens: int = 2_000
    model_timeout_s: float = 60.0
    tool_timeout_s: float = 10.0
    calls_per_step: int = 5
    result_chars: int = 4_000
    """Of a tool's result, head and tail, that the model sees."""
    conclude_share: float = 0.8
    """Of the tokens; beyond it the model is told to conclude."""


def triage_inputs(
    brief: Brief, pack: EvidencePack, similar: SimilarFound, runbook: Runbook | None
) -> Mapping[str, object]:
    """Inputs of the prompt triage."""
    return {
        "alerts": [_alert(brief, place) for place in range(min(5, len(brief.alerts)))],
        "words": redact(brief.text),
        "evidence": [{"id": one.id, "kind": one.kind.value, "text": _shown(one)} for one in pack.evidence],
        "gaps": [f"{gap.what}: {gap.why}" for gap in pack.gaps],
        "runbook": _runbook(runbook),
        "similar": [
            f"{one.organisation} {one.date}, {one.title}. Cause ({one.cause_class}): {clip(one.cause, 300)} Fix: {clip(one.fix, 200)}"
            for one in similar.incidents[:3]
        ],
        "window": f"{pack.window.start:%Y-%m-%d %H:%M:%S} to {pack.window.end:%H:%M:%S}",
        "cause_classes": CAUSE_CLASSES,
    }


def _alert(brief: Brief, place: int) -> str:
    alert = brief.alerts[place]
    labels = ", ".join(f"{key}={value}" for key, value in sorted(alert.labels.items()))
    description = alert.annotations.get("description", "")
    head = f"{alert.name} ({alert.severity}) on {alert.service or 'unknown service'} since {alert.starts_at:%Y-%m-%d %H:%M:%S}Z"
    return redact(f"{head}\n{alert.summary}\n{description}\nlabels: {labels}")


def _shown(one: Evidence) -> str:
    return f"{one.title}\nfrom {one.query}\n{clip(one.excerpt, _EXCERPT_SHOWN)}"


def _runbook(runbook: Runbook | None) -> str:
    if runbook is None:
        return ""
    steps = ", ".join(step.id for step in runbook.steps) or "none"
    parts = [f"id {runbook.id}; steps: {steps}"]
    parts += [
        f"{name}: {clip(one_line(text), 700)}"
        for name in ("Meaning", "Diagnosis", "Mitigation")
        if (text := runbook.sections.get(name))
    ]
    return "\n".join(parts)


def case_text(brief: Brief) -> str:
    """The alert's own wording, which a summary may quote."""
    return "\n".join(_alert(brief, place) for place in range(len(brief.alerts)))


def wide_tools(available: Sequence[ToolSpec]) -> list[ToolSpec]:
    """At most five read-only tools: the broad ones first, then what else is offered, and always the search."""
    by_name = {spec.name: spec for spec in available}
    chosen = [by_name[name] for name in _WIDE if name in by_name]
    if {"query_prometheus", "query_trino"} <= by_name.keys():
        chosen = [spec for spec in chosen if spec.name != "query_trino"]
    rest = [spec for name, spec in sorted(by_name.items()) if name not in _WIDE]
    return [*map(_described, (*chosen, *rest)[: _MOST_TOOLS - 1]), _SEARCH_SPEC]


def _described(spec: ToolSpec) -> ToolSpec:
    """Its server's words are as untrusted as its answers."""
    return replace(spec, description=clip(redact(clean(spec.description)), _DESCRIPTION_SHOWN))


_SEARCH_SPEC = ToolSpec(
    name=SEARCH,
    description="Lines of the full tool results of this investigation that contain a text, case-insensitively.",
    schema={
        "type": "object",
        "properties": {"contains": {"type": "string", "minLength": 2}},
        "required": ["contains"],
        "additionalProperties": False,
    },
    server="aiops",
)


def call_key(call: ToolCall) -> str:
    """Equal for calls that ask the same."""
    return f"{call.name} {json.dumps(dict(call.args), sort_keys=True, default=str)}"


def estimate_tokens(messages: Sequence[Message], tools: Sequence[ToolSpec]) -> int:
    """A cautious guess at a prompt's tokens."""
    chars = sum(len(one.content) + sum(len(call_key(call)) for call in one.tool_calls) for one in messages)
    chars += sum(len(spec.description) + len(json.dumps(dict(spec.schema))) for spec in tools)
    return round(chars / _CHARS_PER_TOKEN)


def with_tool_evidence(
    pack: EvidencePack, call: ToolCall, text: str, *, service: str, at: datetime, limit: int
) -> tuple[EvidencePack, Evidence, str]:
    """The pack with a model's look-up added as citable evidence, that evidence, and the text to show the model."""
    shown = head_and_tail(redact(clean(text)), limit)
    found = evidence(
        kind=EvidenceKind.TOOL,
        source=call.name,
        service=str(call.args.get("service") or service),
        title=f"{call.name} answered: {clip(one_line(shown), 160)}",
        query=call_text(call.name, call.args),
        window=Window(start=at, end=at),
        excerpt=shown,
        weight=0.4,
        facts={},
    )
    # The excerpt is what the model was shown, so that its claims are checked against all of it.
    found = replace(found, id=f"E{len(pack.evidence) + 1}", excerpt=shown, sha256=content_hash(shown))
    return replace(pack, evidence=(*pack.evidence, found)), found, shown
