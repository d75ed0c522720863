"""Runbooks and the audit log on the command line."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, cast

from rich.console import Console
from rich.markdown import Markdown
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from bot.adapters.postgres.audit import Verified
from bot.adapters.runbooks import load_runbooks
from bot.bootstrap import open_core, runbook_folders, tool_effects
from bot.cli.show import print_json
from bot.core.audit import Head, differs, parse_head
from bot.core.errors import NotFoundError, PayloadError
from bot.core.runbook import Runbook
from bot.settings import Settings

_BAD = 1


async def list_runbooks(settings: Settings, *, as_json: bool) -> int:
    """Every runbook that loads; those that do not are named on standard error."""
    loaded = load_runbooks(runbook_folders(settings), effects=tool_effects(settings))
    if as_json:
        print_json([runbook_json(one) for one in loaded.runbooks])
    else:
        Console().print(_table(loaded.runbooks))
    for problem in loaded.problems:
        Console(stderr=True).print(Text(problem, "red"))
    return _BAD if loaded.problems else 0


async def show_runbook(settings: Settings, name: str, *, as_json: bool) -> int:
    """One runbook as people read it. Raises NotFoundError."""
    loaded = load_runbooks(runbook_folders(settings), effects=tool_effects(settings))
    found = _named(loaded.runbooks, name)
    if as_json:
        print_json(
            {
                **runbook_json(found),
                "sections": dict(found.sections),
                "steps": [_step_json(found, one.id) for one in found.steps],
            }
        )
        return 0
    Console().print(Panel(Markdown(_body(found.source)), title=f"{found.id} v{found.version}", title_align="left"))
    return 0


async def check_runbooks(settings: Settings, *, as_json: bool) -> int:
    """Validate every file: unknown tools, missing post-conditions, unbounded targets, bad expressions."""
    loaded = load_runbooks(runbook_folders(settings), effects=tool_effects(settings))
    if as_json:
        print_json({"ok": [one.id for one in loaded.runbooks], "problems": list(loaded.problems)})
    else:
        console = Console()
        for one in loaded.runbooks:
            steps = len(one.steps)
            kind = "AI-executable" if one.ai_executable else "for people"
            console.print(Text.assemble(("ok    ", "green"), f"{one.path}: {one.id}, {steps} steps, {kind}"))
        for problem in loaded.problems:
            console.print(Text.assemble(("FAIL  ", "bold red"), problem))
    return _BAD if loaded.problems else 0


async def run_runbook(
    settings: Settings, name: str, *, incident: str, parameters: list[str], reason: str, user: str, as_json: bool
) -> int:
    """
    Plan a run, which a running `serve` follows; every step that changes something asks in Slack.

    Raises PayloadError for a parameter that is not NAME=VALUE or is outside its bounds.
    """
    given = dict(_pair(one) for one in parameters)
    async with open_core(settings) as core:
        started = await core.plan(name, incident, given, reason, user)
    if as_json:
        print_json({"run": started.run_id, "incident": started.incident_id, "level": started.level})
    elif started.run_id:
        Console().print(f"{started.run_id} is planned for {started.incident_id}; its thread shows how it goes.")
    else:
        Console().print(f"{name} is being followed for {started.incident_id} already.")
    return 0 if started.run_id else _BAD


async def tail_audit(settings: Settings, *, limit: int, target: str, action: str, as_json: bool) -> int:
    """The newest entries, oldest of them first, as one reads a log."""
    async with open_core(settings) as core:
        rows = list(reversed(await core.audit.tail(limit=limit, target=target, action=action)))
    if as_json:
        print_json([{**row, "at": _iso(row)} for row in rows])
        return 0
    table = Table(box=None, pad_edge=False)
    for column in ("at", "actor", "action", "target", "detail"):
        table.add_column(column, overflow="fold")
    for row in rows:
        table.add_row(_iso(row)[:19], str(row["actor"]), str(row["action"]), str(row["target"]), _brief(row))
    Console().print(table)
    return 0


async def verify_audit(settings: Settings, *, head: str, as_json: bool) -> int:
    """
    Walk the chain; 1 when a link is bad, which is named, or when it does not hold the head that was posted.

    Raises PayloadError for a head that is not PLACE:HASH.
    """
    posted = parse_head(head) if head else None
    async with open_core(settings) as core:
        found = await core.audit.verify()
        role, safe = await core.audit.role()
        other = differs(posted, await core.audit.link(posted.place), await core.audit.head()) if posted else ""
    broken = found.broken
    bad = _BAD if broken or other else 0
    if as_json:
        told = {
            "whole": broken is None,
            "entries": found.head.place,
            "head": found.head.hash,
            "broken": {"place": broken.place, "entry": broken.entry, "why": broken.why} if broken else None,
            "role": role,
            "append_only_by_grants": safe,
        }
        print_json({**told, "posted_head": str(posted), "differs": other} if posted else told)
        return bad
    _say_chain(found, posted, other)
    if not bad:
        Console().print(
            f"The bot works as {role}, which can only add to it."
            if safe
            else f"The bot works as {role}, which owns the log: only a trigger keeps it from changing entries (docs/how-to/database.md)."
        )
    return bad


def _say_chain(found: Verified, posted: Head | None, other: str) -> None:
    console, broken = Console(), found.broken
    if broken is not None:
        console.print(
            Text(f"The chain is broken at entry {broken.entry} (link {broken.place}): {broken.why}.", "bold red")
        )
        console.print(f"The {found.head.place} links before it are whole; the last good hash is {found.head.hash}")
    else:
        console.print(Text(f"The chain is whole: {found.head.place} entries, head {found.head.hash}", "green"))
    if other:
        console.print(Text(f"It is not the log whose head was posted: {other}.", "bold red"))
    elif posted is not None:
        console.print(Text(f"It holds the head that was posted for link {posted.place}.", "green"))


def runbook_json(one: Runbook) -> dict[str, Any]:
    """One runbook's head."""
    return {
        "id": one.id,
        "title": one.title,
        "version": one.version,
        "sha256": one.sha256,
        "alerts": list(one.alerts),
        "severity": one.severity,
        "owner": one.owner,
        "reviewed": one.reviewed,
        "ai_executable": one.ai_executable,
        "environments": list(one.environments),
        "parameters": [
            {"name": p.name, "type": p.kind, "description": p.description, "default": p.default} for p in one.parameters
        ],
        "path": one.path,
    }


def _step_json(runbook: Runbook, step_id: str) -> dict[str, Any]:
    step = runbook.step(step_id)
    assert step is not None, "asked for by its own id"
    return {
        "id": step.id,
        "title": step.title,
        "tool": step.tool,
        "effect": step.effect,
        "line": step.line,
        "when": step.when,
        "reversible": step.rollback is not None,
    }


def _table(runbooks: tuple[Runbook, ...]) -> Table:
    table = Table(box=None, pad_edge=False)
    for column in ("id", "title", "version", "AI", "strongest step", "alerts"):
        table.add_column(column)
    for one in runbooks:
        strongest = max((step.effect for step in one.steps), key=("read", "write", "destructive").index, default="–")
        table.add_row(
            one.id, one.title, one.version, "yes" if one.ai_executable else "no", str(strongest), ", ".join(one.alerts)
        )
    return table


def _named(runbooks: tuple[Runbook, ...], name: str) -> Runbook:
    found = next((one for one in runbooks if one.id == name), None)
    if found is None:
        raise NotFoundError(f"There is no runbook {name!r}. Known: {', '.join(one.id for one in runbooks) or 'none'}.")
    return found


def _body(source: str) -> str:
    """The file without its front matter."""
    return source.split("\n---", 1)[-1].lstrip("-\n")


def _pair(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals or not name:
        raise PayloadError(f"{text!r} is not NAME=VALUE, as in --param min_idle_seconds=30")
    return name, value


def _iso(row: Mapping[str, object]) -> str:
    at = row["at"]
    return at.isoformat() if isinstance(at, datetime) else str(at)


def _brief(row: Mapping[str, object]) -> str:
    detail = cast("Mapping[str, object]", row["detail"])
    return ", ".join(f"{key}={str(value)[:60]}" for key, value in detail.items() if value not in ("", [], {}))[:300]
