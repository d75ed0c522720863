"""Root causes on the command line: record, list, show, import."""

import asyncio
from pathlib import Path

from rich.console import Console
from rich.table import Table
from rich.text import Text

from bot.bootstrap import open_core
from bot.cli.show import incident_json, outcome_json, outcome_text, print_incidents, print_json
from bot.core.errors import PayloadError
from bot.core.outcome import Grade, Outcome, OutcomeForm, OutcomeSource
from bot.core.root_cause import CAUSE_LIMIT, Label
from bot.core.text import clip, one_line
from bot.flows.learning.history import cause_class_of
from bot.flows.learning.import_history import Imported
from bot.settings import Settings

_BAD = 1
_LARGEST_BYTES = 50_000_000
_GRADES = {"exact": Grade.EXACT, "near": Grade.NEAR, "area": Grade.AREA, "wrong": Grade.WRONG}


def form_from(
    *,
    cause: str,
    cause_class: str,
    component: str,
    change: str,
    grade: str,
    fixed_by: str,
    fix_worked: str,
    links: list[str],
    no_cause: bool,
) -> OutcomeForm:
    """The options as a form. Raises PayloadError with the nearest name."""
    return OutcomeForm(
        cause=cause,
        cause_class=cause_class_of(cause_class) if cause_class else None,
        component=component,
        change_id=change,
        grade=_grade(grade),
        fixed_by=fixed_by,
        fix_worked=_worked(fix_worked),
        links=tuple(links),
        established=not no_cause,
    )


def _grade(word: str) -> Grade | None:
    if not word:
        return None
    named = _GRADES.get(word.strip().lower())
    number = next((grade for grade in Grade if str(int(grade)) == word.strip()), None)
    if named is None and number is None:
        raise PayloadError(f"--grade is exact (100), near (65), area (35) or wrong (0), not {clip(word, 40)!r}")
    return named if named is not None else number


def _worked(word: str) -> bool | None:
    said = word.strip().lower()
    if said not in {"", "yes", "no"}:
        raise PayloadError(f"--fix-worked is yes or no, not {clip(word, 40)!r}")
    return {"yes": True, "no": False}.get(said)


async def record(settings: Settings, incident_id: str, form: OutcomeForm, *, by: str, as_json: bool) -> int:
    """Record a root cause; a running `serve` shows it in the thread. Raises NotFoundError, PayloadError."""
    async with open_core(settings) as core:
        done = await core.labels.record(
            Label(incident_id=incident_id.strip().upper(), form=form, author=by, source=OutcomeSource.COMMAND)
        )
    if as_json:
        print_json({"incident": done.outcome.incident_id, "new": done.new, "outcome": outcome_json(done.outcome)})
        return 0
    console = Console()
    if not done.new:
        console.print("This is what stands already; nothing was changed.")
    if done.cut:
        console.print(f"Of the cause the first {CAUSE_LIMIT:,} characters are kept.")
    console.print(outcome_text(done.outcome))
    return 0


async def list_outcomes(settings: Settings, *, unlabelled: bool, limit: int, as_json: bool) -> int:
    """The labels that stand, or the incidents without one; newest first."""
    async with open_core(settings) as core:
        if unlabelled:
            incidents = await core.labels.unlabelled(limit)
            print_json([incident_json(one) for one in incidents]) if as_json else print_incidents(incidents)
            return 0
        outcomes = await core.labels.recorded(limit)
    if as_json:
        print_json([{"incident": one.incident_id, **outcome_json(one)} for one in outcomes])
        return 0
    if not outcomes:
        Console().print("No root cause is recorded yet.")
        return 0
    table = Table("incident", "grade", "by", "recorded (UTC)", "root cause", box=None)
    for one in outcomes:
        grade = "–" if one.grade is None else f"{int(one.grade)} ({one.graded_by})"
        table.add_row(one.incident_id, grade, Text(one.author), f"{one.recorded_at:%Y-%m-%d %H:%M}", Text(_brief(one)))
    Console().print(table)
    return 0


def _brief(one: Outcome) -> str:
    return clip(one_line(one.form.cause), 120) if one.form.established else "no root cause established"


async def show_outcome(settings: Settings, incident_id: str, *, as_json: bool) -> int:
    """Every version of an incident's label, oldest first. Raises NotFoundError."""
    async with open_core(settings) as core:
        versions = await core.labels.history(incident_id.strip().upper())
    if as_json:
        print_json([outcome_json(one) for one in versions])
        return 0
    if not versions:
        Console().print(f"No root cause is recorded for {incident_id.strip().upper()}.")
    for one in versions:
        Console().print(outcome_text(one))
    return 0


async def import_file(settings: Settings, path: Path, *, by: str, as_json: bool) -> int:
    """Past incidents from a CSV or JSON lines file; 1 when a row was left out. Raises PayloadError."""
    text = await asyncio.to_thread(_read, path)
    async with open_core(settings) as core:
        try:
            done = await core.labels.import_history(text, jsonl=_is_jsonl(path), name=path.name, by=by)
        except PayloadError as error:
            raise PayloadError(f"{path}: {error}") from error
    _print_import(path, done, as_json=as_json)
    return _BAD if done.bad else 0


def _is_jsonl(path: Path) -> bool:
    kind = path.suffix.lower()
    if kind not in {".csv", ".jsonl", ".ndjson"}:
        raise PayloadError(f"{path}: past incidents are read from .csv or .jsonl files")
    return kind != ".csv"


def _read(path: Path) -> str:
    _is_jsonl(path)
    try:
        if path.stat().st_size > _LARGEST_BYTES:
            raise PayloadError(f"{path}: it is larger than {_LARGEST_BYTES // 1_000_000} MB; split it")
        return path.read_text(encoding="utf-8", errors="strict")
    except OSError as error:
        raise PayloadError(f"{path}: cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise PayloadError(f"{path}: it is not UTF-8 (byte {error.start})") from error


def _print_import(path: Path, done: Imported, *, as_json: bool) -> None:
    if as_json:
        bad = [{"line": one.line, "why": one.why} for one in done.bad]
        print_json({"written": done.written, "unchanged": done.unchanged, "bad": bad, "notes": list(done.notes)})
        return
    Console().print(f"{done.written} written, {done.unchanged} unchanged, {len(done.bad)} left out")
    problems = Console(stderr=True, soft_wrap=True)
    for note in done.notes:
        problems.print(Text(f"{path}: {note}", "yellow"))
    for one in done.bad:
        problems.print(Text(f"{path}:{one.line}: {one.why}", "red"))
