"""The investigation pack on the command line: what was said, what was true, and which evidence held it."""

from collections.abc import Sequence

from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from bot.bootstrap import open_core
from bot.cli.show import print_json
from bot.core.review import Reviewed
from bot.flows.learning.autonomy import Review
from bot.settings import Settings


async def review_outcomes(settings: Settings, names: Sequence[str], *, as_json: bool) -> int:
    """By alert class, by incident ids, or everything that has a standing. Raises NotFoundError."""
    incidents = [name.upper() for name in names if name.upper().startswith("INC-")]
    async with open_core(settings) as core:
        if incidents and len(incidents) == len(names):
            found: Sequence[Review] = [await core.learning.review_named(incidents)]
        else:
            found = await core.learning.review_class(" ".join(names))
    if as_json:
        print_json([_json(one) for one in found])
        return 0
    console = Console()
    if not found:
        console.print("No root cause has been recorded for an alert so far, so there is nothing to review.")
    for one in found:
        _print(one, console)
    return 0


def _print(found: Review, console: Console) -> None:
    standing = found.standing
    if standing is not None:
        runbook = f" with {standing.runbook}" if standing.runbook else ""
        console.print(Text(f"{standing.alert_class}{runbook}: {standing.level}", "bold"))
        console.print(Text(f"since {standing.since:%Y-%m-%d %H:%M} UTC: {standing.why}"))
    if not found.pack:
        console.print(Text("No misses.", "green"))
        return
    table = Table(show_lines=True)
    table.add_column("")
    for one in found.pack:
        table.add_column(one.incident_id, overflow="fold")
    for title, cells in _rows(found.pack):
        table.add_row(title, *(Text(cell) for cell in cells))
    console.print(table)
    for one in found.pack:
        console.print(Text(f"{one.incident_id}: retrieved", "bold"))
        for line in (*one.retrieved, *(f"not looked at: {gap.what} ({gap.why})" for gap in one.gaps)):
            console.print(Padding(Text(line), (0, 0, 0, 2)))


def _rows(pack: Sequence[Reviewed]) -> Sequence[tuple[str, Sequence[str]]]:
    return (
        ("said", [f"{one.said} ({one.confidence:.0%})" for one in pack]),
        ("it was", [one.actual for one in pack]),
        ("grade", ["not graded" if one.grade is None else str(int(one.grade)) for one in pack]),
        ("evidence", [one.finding for one in pack]),
        ("prompt", [one.prompt for one in pack]),
        ("when", [f"{one.at:%Y-%m-%d %H:%M} UTC" for one in pack]),
    )


def _json(found: Review) -> dict[str, object]:
    standing = found.standing
    return {
        "alert_class": standing.alert_class if standing else "",
        "runbook": standing.runbook if standing else "",
        "level": standing.level if standing else "",
        "why": standing.why if standing else "",
        "lower_bound": standing.lower_bound if standing else None,
        "labels": standing.labels if standing else None,
        "incidents": [_incident_json(one) for one in found.pack],
    }


def _incident_json(one: Reviewed) -> dict[str, object]:
    return {
        "id": one.incident_id,
        "at": one.at.isoformat(),
        "prompt": one.prompt,
        "said": one.said,
        "confidence": one.confidence,
        "actual": one.actual,
        "component": one.component,
        "change_id": one.change_id,
        "grade": one.grade,
        "finding": one.finding,
        "pointers": [{"id": p.id, "title": p.title, "cited": p.cited, "why": p.why} for p in one.pointers],
        "retrieved": list(one.retrieved),
        "gaps": [{"what": gap.what, "why": gap.why} for gap in one.gaps],
    }
