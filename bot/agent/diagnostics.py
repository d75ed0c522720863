"""Diagnostics of a runbook become findings: one per fact worth reading, plain JSON for tools nobody described here."""

import json
from collections.abc import Callable, Mapping

from bot.agent import shapes, systems
from bot.core.evidence import Evidence, Window
from bot.core.metrics import number
from bot.core.redaction import redact
from bot.core.runbook import Signature, Step
from bot.core.text import clean, clip, one_line
from bot.ports import ToolResult

_NEARLY_FULL = 0.8
_MOST_GROUPS = 4
# Timeouts that would end forgotten sessions; 0 means that they are off.
_IDLE_TIMEOUTS = ("idle_in_transaction_session_timeout", "idle_session_timeout", "statement_timeout")


def from_diagnostic(result: ToolResult, service: str, query: str, window: Window, title: str) -> list[Evidence]:
    """Findings of one diagnostic call. Raises ShapeError when the tool answered in another shape than its contract."""
    reader = _READERS.get(result.tool)
    if reader is not None:
        return reader(result, service, query, window)
    text = json.dumps(dict(result.structured), ensure_ascii=False, default=str) if result.structured else result.text
    text = redact(clean(text))
    said = f"{title or result.tool}: {clip(text, 160)}"
    return [systems.diagnostic(result.tool, service, said, query, window, text, 0.4, {})]


def from_signature(
    signature: Signature, step: Step, result: ToolResult, service: str, query: str, window: Window
) -> Evidence:
    """A runbook's pattern that the diagnostics fit, and the cause that its authors say it points to."""
    said = f"{service}: the runbook's sign of \u201c{signature.cause}\u201d holds in {step.title}"
    facts = {
        "signature": signature.cause,
        "cause_class": signature.cause_class.value,
        "weight": signature.weight,
        "step": step.id,
    }
    excerpt = f"{said}\nsign: {one_line(signature.when)}"
    return systems.diagnostic(result.tool, service, said, query, window, excerpt, 0.5 + 0.4 * signature.weight, facts)


def _activity(result: ToolResult, service: str, query: str, window: Window) -> list[Evidence]:
    read = shapes.activity(result.structured)
    usable = max(0, read.max_connections - read.reserved)
    states = ", ".join(f"{one.count} {one.state}" for one in read.by_state)
    # Superusers sit on reserved slots, so there can be more sessions than usable connections.
    extra = f"{read.used} sessions in all, " if read.used > usable else ""
    said = (
        f"{service}: {min(read.used, usable)} of {usable} usable connections are taken "
        f"({extra}max_connections {read.max_connections}, {read.reserved} reserved)"
    )
    share = read.used / usable if usable else 0.0
    facts = {"used": read.used, "usable": usable, "max_connections": read.max_connections, "share": round(share, 3)}
    weight = 0.95 if share >= _NEARLY_FULL else 0.3
    found = [
        systems.diagnostic("pg_activity", service, said, query, window, f"{said}\nby state: {states}", weight, facts)
    ]
    groups = sorted(read.by_application, key=lambda one: (-one.count, one.application_name, one.state))
    named = [one for one in groups if one.application_name][:_MOST_GROUPS]
    full = share >= _NEARLY_FULL
    return found + [_sessions(one, read.used, full, service, query, window) for one in named]


def _sessions(
    one: shapes.ApplicationCount, used: int, full: bool, service: str, query: str, window: Window
) -> Evidence:
    oldest = f", oldest idle {number(round(one.oldest_idle_seconds))} s" if one.oldest_idle_seconds is not None else ""
    state = f"{one.state} " if one.state else ""
    noun = "session belongs" if one.count == 1 else "sessions belong"
    said = f"{service}: {one.count} {state}{noun} to {one.application_name}{oldest}"
    share = one.count / used if used else 0.0
    facts = {
        "application": one.application_name,
        "state": one.state,
        "count": one.count,
        "of": used,
        "share": round(share, 3),
        "oldest_idle_seconds": one.oldest_idle_seconds,
    }
    # Who holds the sessions matters when they run out.
    weight = (0.9 if one.state.startswith("idle") else 0.6) * (0.25 + 0.75 * share) * (1.0 if full else 0.3)
    excerpt = f"{said}\n{one.count} of {used} sessions, user {one.user}\nlast statement: {one.sample_query}"
    return systems.diagnostic("pg_activity", service, said, query, window, excerpt, weight, facts)


def _settings(result: ToolResult, service: str, query: str, window: Window) -> list[Evidence]:
    read = shapes.settings(result.structured)
    values = {one.name: f"{one.value}{f' {one.unit}' if one.unit else ''}" for one in read.settings}
    off = [name for name in _IDLE_TIMEOUTS if values.get(name, "").split(" ")[0] == "0"]
    limit = f"max_connections is {values['max_connections']}" if "max_connections" in values else "settings read"
    said = f"{service}: {limit}" + (f"; off (0): {', '.join(off)}" if off else "")
    excerpt = "\n".join(f"{one.name} = {values[one.name]} (from {one.source})" for one in read.settings)
    return [systems.diagnostic("pg_settings", service, said, query, window, excerpt, 0.35, {"settings": values})]


_READERS: Mapping[str, Callable[[ToolResult, str, str, Window], list[Evidence]]] = {
    "pg_activity": _activity,
    "pg_settings": _settings,
    "redis_info": systems.redis_info,
    "redis_memory": systems.redis_memory,
    "k8s_describe_pod": systems.pods,
    "k8s_pod_logs": systems.pod_logs,
    "k8s_rollout_history": systems.rollout,
}
