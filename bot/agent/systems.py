"""What Redis and Kubernetes look like when a runbook's diagnostics ask them: one sentence each that can be read at 2 am. Pure."""

import json
from collections.abc import Mapping, Sequence
from typing import Any, cast

from bot.agent import shapes
from bot.agent.findings import evidence
from bot.core.evidence import Evidence, EvidenceKind, Window
from bot.core.text import clip, data_size, plural
from bot.ports import ToolResult

_NEARLY_FULL = 0.8
_MOST_GROUPS = 2
_MOST_KEYS = 5
_MOST_PODS = 3
_MOST_LINES = 20
_YOUNG_S = 7200


def redis_info(result: ToolResult, service: str, query: str, window: Window) -> list[Evidence]:
    """How full the server is, what it does when it is full, and whether it has refused writes."""
    read = shapes.redis_info(result.structured)
    ratio = read.used_ratio
    limit = (
        f" of {data_size(read.maxmemory_bytes)} used ({ratio:.0%})" if ratio is not None else " used, without a limit"
    )
    refused = f", {plural(read.oom_errors, 'write')} refused for lack of memory" if read.oom_errors else ""
    said = f"{service}: {data_size(read.used_memory_bytes)}{limit}, policy {read.maxmemory_policy}{refused}"
    full = ratio is not None and ratio >= _NEARLY_FULL
    facts: dict[str, object] = {"policy": read.maxmemory_policy, "refused": read.oom_errors}
    if ratio is not None:
        facts["share"] = round(ratio, 3)
    rest = (
        f"{said}\nevicted {read.evicted_keys}, expired {read.expired_keys}, hits {read.keyspace_hits}, "
        f"misses {read.keyspace_misses}, clients {read.connected_clients}, blocked {read.blocked_clients}, "
        f"fragmentation {read.fragmentation_ratio:g}, Redis {read.version}"
    )
    return [diagnostic("redis_info", service, said, query, window, rest, 0.95 if full else 0.3, facts)]


def redis_memory(result: ToolResult, service: str, query: str, window: Window) -> list[Evidence]:
    """Which groups of keys hold most of the memory, and the largest keys by name."""
    read = shapes.redis_memory(result.structured)
    # Asked for one prefix, the shares are of that prefix alone and say nothing about the server.
    asked = str(result.args.get("prefix") or "")
    groups = [] if asked else sorted(read.groups, key=lambda each: -each.share)[:_MOST_GROUPS]
    found = [_group(one, service, query, window) for one in groups if one.share >= 0.25]
    if not read.keys:
        return found
    listed = [
        f"{one.key} ({data_size(one.bytes)}, {'never expires' if one.ttl_seconds is None else f'expires in {one.ttl_seconds} s'}"
        + (f", idle {one.idle_seconds} s)" if one.idle_seconds is not None else ")")
        for one in read.keys
    ]
    named = f" named {asked}…" if asked else ""
    said = f"{service}: the largest keys{named} are {', '.join(listed[:2])}"
    excerpt = f"{said}\n" + "\n".join(listed[: _MOST_KEYS * 4])
    facts = {"keys": [one.key for one in read.keys[:_MOST_KEYS]]}
    return [*found, diagnostic("redis_memory", service, said, query, window, excerpt, 0.4, facts)]


def _group(one: shapes.RedisGroup, service: str, query: str, window: Window) -> Evidence:
    forever = one.share_without_ttl > 0.9
    name = f"keys named {one.prefix}…" if one.prefix else "keys without a prefix"
    some = f"{one.without_ttl} of them never expire" if one.without_ttl else "all of them expire"
    end = "none of them expires" if one.without_ttl == one.keys else some
    said = f"{service}: {one.keys} {name} hold {one.share:.0%} of the memory ({data_size(one.bytes)}); {end}"
    facts = {"prefix": one.prefix, "keys": one.keys, "of_memory": round(one.share, 3), "without_ttl": one.without_ttl}
    weight = 0.9 if forever and one.share > 0.5 else 0.35
    return diagnostic("redis_memory", service, said, query, window, said, weight, facts)


def pods(result: ToolResult, service: str, query: str, window: Window) -> list[Evidence]:
    """Which pods crash, with which exit code, and how many replicas still serve."""
    read = shapes.pods(result.structured)
    crashing = [one for one in read.pods if one.name in read.crashing]
    serving = f"{read.workload.available} of {read.workload.replicas} replicas available" if read.workload else ""
    if crashing:
        listed = ", ".join(f"{one.name} ({_ending(one)})" for one in crashing[:_MOST_PODS])
        said = f"{service}: {len(crashing)} of {plural(len(read.pods), 'pod')} crash: {listed}"
    else:
        said = f"{service}: {plural(len(read.pods), 'pod')}, none crashes"
    said = f"{said}; {serving}" if serving else said
    told = [f"{one.name}: {one.phase}, {'ready' if one.ready else 'not ready'}, {_ending(one)}" for one in read.pods]
    told += [
        f"{event.reason} × {event.count} on {one.name}: {clip(event.message, 160)}"
        for one in crashing[:_MOST_PODS]
        for event in one.events
    ]
    facts = {"crashing": len(crashing), "pods": len(read.pods)}
    weight = 0.95 if crashing else 0.3
    return [diagnostic("k8s_describe_pod", service, said, query, window, "\n".join([said, *told]), weight, facts)]


def _ending(pod: shapes.PodSeen) -> str:
    """`exit code 1, Error, 3 restarts`."""
    ends = [one.last_state for one in pod.containers if one.last_state is not None]
    said = [f"exit code {one.exit_code}" for one in ends[:1] if one.exit_code is not None]
    said += [one.reason for one in ends[:1] if one.reason]
    return ", ".join([*said, plural(pod.restarts, "restart")])


def pod_logs(result: ToolResult, service: str, query: str, window: Window) -> list[Evidence]:
    """The last words of a container."""
    read = shapes.pod_logs(result.structured)
    lines = [one.text for one in read.lines if one.text.strip()]
    run = "the run that crashed" if read.previous else "the current run"
    if not lines:
        said = f"{service}: {read.pod} has logged nothing in {run}"
        return [diagnostic("k8s_pod_logs", service, said, query, window, said, 0.3, {"previous": read.previous})]
    said = f"{service}: {run} of {read.pod} ended with “{clip(_message(lines[-1]), 160)}”"
    excerpt = "\n".join([said, *lines[-_MOST_LINES:]])
    weight = 0.9 if read.previous else 0.4
    return [diagnostic("k8s_pod_logs", service, said, query, window, excerpt, weight, {"previous": read.previous})]


def _message(line: str) -> str:
    """The message of a JSON line, with its level; any other line as it is."""
    try:
        fields: Any = json.loads(line)
    except ValueError:
        return line
    if not isinstance(fields, dict):
        return line
    held = cast("Mapping[str, object]", fields)
    message = held.get("msg") or held.get("message")
    return f"{held.get('level', '')} {message}".strip() if message else line


def rollout(result: ToolResult, service: str, query: str, window: Window) -> list[Evidence]:
    """Which revision serves, how young it is, and what it has otherwise than the one before."""
    read = shapes.rollout(result.structured)
    current = next((one for one in read.revisions if one.current), None)
    if current is None:
        said = f"{service}: revision {read.current_revision} serves"
        return [diagnostic("k8s_rollout_history", service, said, query, window, said, 0.3, {})]
    what = f"; it changed {_changes(current.changes)}" if current.changes else ""
    said = f"{service}: revision {_revision(current)} is {_age(current.age_seconds)} old{what}"
    told = [
        f"revision {_revision(one)}, {_age(one.age_seconds)} old, {_changes(one.changes)}" for one in read.revisions
    ]
    facts = {
        "revision": read.current_revision,
        "previous_revision": read.previous_revision,
        "age_seconds": current.age_seconds,
    }
    weight = 0.85 if current.age_seconds < _YOUNG_S else 0.35
    return [diagnostic("k8s_rollout_history", service, said, query, window, "\n".join([said, *told]), weight, facts)]


def _revision(one: shapes.RevisionSeen) -> str:
    return f"{one.revision} ({one.change_cause})" if one.change_cause else str(one.revision)


def _changes(changes: Sequence[shapes.TemplateChange]) -> str:
    told = [
        f"{one.field}{f' {one.name}' if one.name and one.field != 'image' else ''} {one.before or 'unset'} → {one.after or 'unset'}"
        for one in changes[:4]
    ]
    return ", ".join(told) or "nothing that is shown"


def _age(seconds: float) -> str:
    for limit, size, unit in ((120, 1, "s"), (7200, 60, "min"), (172_800, 3600, "h")):
        if seconds < limit:
            return f"{round(seconds / size)} {unit}"
    return f"{round(seconds / 86_400)} days"


def diagnostic(
    source: str,
    service: str,
    title: str,
    query: str,
    window: Window,
    excerpt: str,
    weight: float,
    facts: Mapping[str, object],
) -> Evidence:
    """A finding of a look at one system."""
    return evidence(
        kind=EvidenceKind.DIAGNOSTIC,
        source=source,
        service=service,
        title=title,
        query=query,
        window=window,
        excerpt=excerpt,
        weight=weight,
        facts=facts,
    )
