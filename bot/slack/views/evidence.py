"""The evidence pack: what was found, by kind; what could not be looked at; the exact queries in a drawer."""

from collections.abc import Mapping, Sequence
from itertools import groupby

from bot.core.evidence import Evidence, EvidenceKind, EvidencePack
from bot.core.posts import EvidencePost
from bot.core.text import plural
from bot.slack.payload import record
from bot.slack.views import blocks as b
from bot.slack.views.message import Message, Room, and_more, fitted
from bot.slack.views.text import Mrkdwn, clock, code, local_time

_KIND_WORDS = {
    EvidenceKind.DIAGNOSTIC: "Diagnostics",
    EvidenceKind.METRIC: "Metrics",
    EvidenceKind.LOG: "Logs",
    EvidenceKind.CHANGE: "Recent changes",
    EvidenceKind.ALERT: "Other alerts",
    EvidenceKind.RUNBOOK: "Runbook",
    EvidenceKind.SIMILAR: "Similar incidents",
    EvidenceKind.TOOL: "Further look-ups",
}
_ORDER = {kind: place for place, kind in enumerate(_KIND_WORDS)}
_OBVIOUS_LABELS = frozenset({"__name__", "service", "job", "instance", "uid"})
_TOP = 8
_TABLE_ROWS = 8
_QUERIES_PER_BLOCK = 20


def evidence_message(post: EvidencePost) -> Message:
    """The notable findings first, one line each with its id; the rest and every query one click away."""
    found = len(post.pack.evidence)
    title = f"Evidence ({found})" if found else "No evidence found"

    def build(room: Room) -> Sequence[b.Block]:
        top, rest = _split(post.pack, min(_TOP, room.items))
        made: list[b.Block] = [b.header(title)]
        if not found:
            made.append(b.paragraph("Nothing notable in the places that could be looked at."))
        made += _groups(top, room, post.incident.service)
        made += _gaps(post.pack, room)
        made += _drawers(post, rest, room)
        made.append(b.context(_small_print(post)))
        return made

    return fitted(_text(post, title), build)


def _text(post: EvidencePost, title: str) -> str:
    best = max(post.pack.evidence, key=lambda item: item.weight, default=None)
    lead = f"{title}: {best.title}" if best is not None else title
    gaps = len(post.pack.gaps)
    return f"{lead}. {plural(gaps, 'place')} could not be looked at." if gaps else lead


def _split(pack: EvidencePack, count: int) -> tuple[list[Evidence], list[Evidence]]:
    by_weight = sorted(pack.evidence, key=lambda item: -item.weight)
    chosen = {item.id for item in by_weight[:count]}
    return (
        [item for item in pack.evidence if item.id in chosen],
        [item for item in pack.evidence if item.id not in chosen],
    )


def _kind(item: Evidence) -> EvidenceKind:
    return item.kind


def _groups(items: Sequence[Evidence], room: Room, service: str) -> list[b.RichText]:
    parts: list[b.RichPart] = []
    for kind, members in groupby(sorted(items, key=lambda item: _ORDER[item.kind]), key=_kind):
        parts.append(b.line(b.word(_KIND_WORDS[kind], 60, bold=True)))
        parts.append(b.bullets([_finding_line(item, room, service) for item in members]))
    return [b.rich(*parts)] if parts else []


def _finding_line(item: Evidence, room: Room, service: str) -> b.RichSection:
    """`E1  finding` on one line, with the service where it is not the incident's own or named already."""
    elements: list[b.RichElement] = [b.word(item.id, 12, mono=True), b.glue("  ")]
    elements.append(b.rich_link(item.url, item.title, room.chars) if item.url else b.word(item.title, room.chars))
    if item.service and item.service != service and item.service not in item.title:
        elements += [b.glue("  ·  "), b.word(item.service, 80)]
    return b.line(*elements)


def _gaps(pack: EvidencePack, room: Room) -> list[b.RichText]:
    if not pack.gaps:
        return []
    shown = pack.gaps[: min(6, room.items)]
    lines = [b.line(b.word(gap.what, room.chars), b.glue(": "), b.word(gap.why, min(room.chars, 200))) for gap in shown]
    lines += and_more(len(pack.gaps) - len(shown), "place")
    return [b.rich(b.line(b.word("Could not look at", 40, bold=True)), b.bullets(lines))]


def _drawers(post: EvidencePost, rest: Sequence[Evidence], room: Room) -> list[b.Block]:
    made: list[b.Block] = []
    pack, service = post.pack, post.incident.service
    if rest:
        shown = rest[: room.items]
        lines = [_finding_line(item, room, service) for item in shown] + and_more(len(rest) - len(shown), "finding")
        made.append(b.drawer(f"{plural(len(rest), 'more finding')}", [b.rich(b.bullets(lines))]))
    rows = _comparison(pack)
    if len(rows) > 1:
        made.append(b.drawer("Before and after", [b.table(("Metric", "Before", "After"), rows)]))
    if pack.evidence:
        shown = pack.evidence[: room.items]
        lines = [
            b.line(
                b.word(item.id, 12, mono=True), b.glue("  "), b.word(item.query or item.source, room.chars, mono=True)
            )
            for item in shown
        ] + and_more(len(pack.evidence) - len(shown), "call")
        chunks = [lines[at : at + _QUERIES_PER_BLOCK] for at in range(0, len(lines), _QUERIES_PER_BLOCK)]
        made.append(b.drawer("Exact queries", [b.rich(b.bullets(chunk)) for chunk in chunks]))
    return made


def _comparison(pack: EvidencePack) -> list[tuple[str, str, str]]:
    """Metrics that carry a number for before and one for after the onset."""
    rows: list[tuple[str, str, str]] = []
    for item in pack.evidence:
        before, after = _number(item.facts, "before"), _number(item.facts, "after")
        if item.kind is EvidenceKind.METRIC and before and after:
            rows.append((f"{item.id} {_series_name(item)}", before, after))
    return rows[:_TABLE_ROWS]


def _series_name(item: Evidence) -> str:
    """The metric with its service and the labels that tell it from its like."""
    metric, labels = item.facts.get("metric"), record(item.facts.get("labels"))
    told = ", ".join(f"{key}={value}" for key, value in sorted(labels.items()) if key not in _OBVIOUS_LABELS)
    return f"{metric} of {item.service}{f' ({told})' if told else ''}" if metric else item.title


def _number(facts: Mapping[str, object], key: str) -> str:
    value = facts.get(key)
    return f"{value:,.4g}" if isinstance(value, int | float) and not isinstance(value, bool) else ""


def _small_print(post: EvidencePost) -> list[Mrkdwn]:
    window = post.pack.window
    return [
        code(post.incident.id, 60),
        Mrkdwn(f"looked at {clock(window.start)} to {clock(window.end)}"),
        Mrkdwn(f"gathered in {post.took_ms / 1000:.1f} s, {local_time(post.gathered_at)}"),
    ]
