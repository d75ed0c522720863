"""Trying things beside the running bot: replay, eval cases, the classifier."""

import asyncio
import importlib.util
import subprocess
import sys
from collections.abc import Coroutine
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from bot.bootstrap import open_core
from bot.cli.cases import add_cases
from bot.cli.show import print_json
from bot.core.comparison import Answer, Fate, Pair, Totals, verdict
from bot.core.errors import ConfigError, PayloadError
from bot.core.text import clip, one_line
from bot.flows.learning.replay import ReplayReport, ReplayWish
from bot.flows.learning.train_classifier import Training, told_of, why_of
from bot.ports import ClassifierRecord
from bot.settings import Settings, load_settings

Json = Annotated[bool, typer.Option("--json", help="Print JSON on standard output.")]
_BAD = 1
_STYLES = {Fate.WON: "green", Fate.LOST: "red", Fate.FAILED: "yellow", Fate.UNGRADED: "dim", Fate.SAME: ""}


def _run(work: Coroutine[Any, Any, int]) -> None:
    raise typer.Exit(asyncio.run(work))


def add_experiments(app: typer.Typer) -> None:
    """`aiops replay`, `aiops eval` and `aiops classifier`."""
    _add_replay(app)
    _add_eval(app)
    classifier = typer.Typer(help="What past misses have in common.", no_args_is_help=True)
    app.add_typer(classifier, name="classifier")

    @classifier.command("show")
    def classifier_show(json: Json = False) -> None:
        """What the trainings found, the scheduled ones too, and which classifier is in use."""
        raise typer.Exit(asyncio.run(show_classifier(load_settings(), as_json=json)))

    @classifier.command("train")
    def classifier_train(json: Json = False) -> None:
        """Train a classifier from the labels; it is used only when it predicts better than the rate and the one in use."""
        _run(train(load_settings(), as_json=json))


def _add_replay(app: typer.Typer) -> None:
    @app.command("replay")
    def replay_command(
        prompt: Annotated[
            list[str] | None, typer.Option(help="NAME@VERSION instead of the current one; may be repeated.")
        ] = None,
        model: Annotated[str, typer.Option(help="Instead of LLM_MODEL.")] = "",
        analyst: Annotated[str, typer.Option(help="offline: without a model.")] = "",
        since: Annotated[str, typer.Option(help="Only incidents investigated from this day on, as 2026-11-01.")] = "",
        limit: Annotated[int, typer.Option(min=1, help="How many incidents, newest first.")] = 100,
        max_cost_usd: Annotated[float, typer.Option(min=0.0, help="What the run may cost, in US dollars.")] = 1.0,
        json: Json = False,
    ) -> None:
        """Reason again about past incidents and compare with the recorded causes; nothing is posted, no tool is called."""
        if analyst not in {"", "offline"}:
            raise PayloadError(f"--analyst is offline or left out, not {analyst!r}")
        wish = ReplayWish(
            prompts=tuple(prompt or ()),
            model=model,
            offline=analyst == "offline",
            since=_day(since),
            limit=limit,
            max_cost_usd=max_cost_usd,
        )
        _run(replay(load_settings(), wish, as_json=json))


def _add_eval(app: typer.Typer) -> None:
    group = typer.Typer(help="Eval cases: scoring them, and making them of incidents.", no_args_is_help=True)
    app.add_typer(group, name="eval")

    @group.command("run", context_settings={"allow_extra_args": True, "ignore_unknown_options": True})
    def eval_run(context: typer.Context) -> None:
        """Score the analyst on the cases in evals/; takes the options of `python -m evals`."""
        raise typer.Exit(run_evals(context.args))

    add_cases(group)


def _day(text: str) -> datetime | None:
    if not text:
        return None
    try:
        at = datetime.fromisoformat(text)
    except ValueError as error:
        raise PayloadError(f"--since is a day such as 2026-11-01, not {text!r}") from error
    return at if at.tzinfo is not None else at.replace(tzinfo=UTC)


# --- replay ----------------------------------------------------------------------------------------------------------


async def replay(settings: Settings, wish: ReplayWish, *, as_json: bool) -> int:
    """The paired table; 1 when nothing could be compared."""
    async with open_core(settings) as core:
        report = await core.experiments.replay(wish)
    if as_json:
        print_json(_replay_json(report))
    else:
        _print_replay(report)
    return 0 if report.totals.compared else _BAD


def _print_replay(report: ReplayReport) -> None:
    console = Console()
    if not report.pairs and not report.skipped and not report.stopped:
        console.print(
            "There is no investigation with a kept world and a recorded root cause yet, so nothing can be compared."
        )
        return
    table = Table(title=f"new: {report.new}", title_justify="left", box=None, pad_edge=False)
    for column in ("incident", "recorded cause", "old", "grade", "new", "grade", ""):
        table.add_column(column, overflow="fold")
    for pair in report.pairs:
        table.add_row(*_row(pair), style=_STYLES[pair.fate])
    console.print(table)
    for line in _totals(report.totals):
        console.print(Text(line))
    console.print(f"this run has cost {report.spent_usd:.3f} USD")
    for line in report.skipped:
        console.print(Text(f"left out: {line}", "yellow"))
    if report.stopped:
        console.print(Text(f"stopped with {report.left} left to run: {report.stopped}", "yellow"))


def _row(pair: Pair) -> tuple[str, ...]:
    new = clip(pair.failed, 90) if pair.failed else clip(one_line(pair.new.title), 90)
    cells = (pair.incident_id, clip(one_line(pair.cause), 90), clip(one_line(pair.old.title), 90), _grade(pair.old))
    return (*cells, new, "" if pair.failed else _grade(pair.new), pair.fate.value)


def _grade(one: Answer) -> str:
    if one.grade is None:
        return "abstained" if one.abstained else "–"
    return f"{int(one.grade)} ({one.by})"


def _totals(totals: Totals) -> list[str]:
    n, old_s, new_s = totals.compared, totals.took_old_ms / 1000, totals.took_new_ms / 1000
    told = [
        verdict(totals),
        f"n={n}: {totals.won} won, {totals.lost} lost, {totals.same} same",
        f"helpful: {totals.helpful_old} of {n} before, {totals.helpful_new} of {n} now",
        f"cost: {totals.cost_old_usd:.3f} USD before, {totals.cost_new_usd:.3f} USD now",
        f"tokens: {totals.tokens_old:,} before, {totals.tokens_new:,} now",
        f"time in model calls, median: {old_s:.1f} s before, {new_s:.1f} s now",
    ]
    if totals.ungraded:
        told.append(f"{totals.ungraded} not compared: only a person or a judging model can grade them")
    if totals.failed:
        told.append(f"{totals.failed} not compared: the model gave no answer")
    if totals.not_recorded:
        told.append(f"{totals.not_recorded} look-ups were asked for that nobody had made at the time")
    return told


def _replay_json(report: ReplayReport) -> dict[str, Any]:
    return {
        "new": report.new,
        "pairs": [_pair_json(pair) for pair in report.pairs],
        "totals": asdict(report.totals),
        "verdict": verdict(report.totals),
        "skipped": list(report.skipped),
        "stopped": report.stopped,
        "left": report.left,
        "spent_usd": report.spent_usd,
    }


def _pair_json(pair: Pair) -> dict[str, Any]:
    return {
        "incident": pair.incident_id,
        "cause": pair.cause,
        "fate": pair.fate,
        "old": _answer_json(pair.old),
        "new": None if pair.failed else _answer_json(pair.new),
        "failed": pair.failed,
        "not_recorded": list(pair.not_recorded),
    }


def _answer_json(one: Answer) -> dict[str, Any]:
    said = one.said
    return {
        "title": one.title,
        "cause_class": said.cause_class if said else None,
        "component": said.component if said else "",
        "change_id": said.change_id if said else "",
        "grade": one.grade,
        "graded_by": one.by,
        "abstained": one.abstained,
        "cost_usd": one.usage.cost_usd,
        "tokens": one.usage.tokens,
        "took_ms": one.took_ms,
    }


# --- evals -----------------------------------------------------------------------------------------------------------


def run_evals(words: list[str]) -> int:
    """As a program of its own, because the evals stand above everything that ships. Raises ConfigError without them."""
    if importlib.util.find_spec("evals") is None:
        raise ConfigError("The evals live in the repository: clone it and run `aiops eval run` there")
    return subprocess.run([sys.executable, "-m", "evals", *words], check=False).returncode  # noqa: S603 - our own program


# --- the classifier --------------------------------------------------------------------------------------------------


async def train(settings: Settings, *, as_json: bool) -> int:
    """Train and say what came of it; 1 when there are too few labels."""
    async with open_core(settings) as core:
        training = await core.experiments.train()
    if as_json:
        print_json(asdict(training))
    else:
        _print_training(training)
    return 0 if training.new is not None else _BAD


async def show_classifier(settings: Settings, *, as_json: bool) -> int:
    """What the trainings found; 0 even when there was none."""
    async with open_core(settings) as core:
        used, trainings = await core.experiments.show_classifier()
    if as_json:
        print_json(
            {"in_use": _record_json(used) if used else None, "trainings": [_record_json(one) for one in trainings]}
        )
        return 0
    console = Console()
    if not trainings:
        console.print("Nothing was trained so far. `aiops classifier train` does it from 30 graded calls on.")
    for one in trainings:
        # By its moment: a record has no other name of its own.
        in_use = used is not None and one.trained_at == used.trained_at
        console.print(Text(f"{one.trained_at:%Y-%m-%d %H:%M} UTC, {one.quarter}, {one.labels} graded calls", "bold"))
        console.print(Text(f"{'in use: ' if in_use else ''}{why_of(one.body)}", "green" if in_use else ""))
        for sentence in told_of(one.body):
            console.print(Text(f"- {sentence}"))
    return 0


def _record_json(one: ClassifierRecord) -> dict[str, Any]:
    body = {name: value for name, value in one.body.items() if name != "line"}
    times = {"quarter": one.quarter, "trained_at": one.trained_at.isoformat(), "labels": one.labels}
    return {**times, "shipped": one.shipped, "scheduled": one.scheduled, **body}


def _print_training(training: Training) -> None:
    console = Console()
    console.print(Text(training.why, "green" if training.shipped else "yellow"))
    if training.new is None or training.base is None:
        return
    console.print(f"{training.quarter}: {training.labels} graded calls, {training.misses} of them misses")
    table = Table("on calls not seen", "n", "Brier", "macro-F1", box=None, pad_edge=False)
    for name, one in (("classifier", training.new), ("base rate", training.base)):
        table.add_row(name, str(one.n), f"{one.brier:.3f}", f"{one.macro_f1:.3f}")
    console.print(table)
    if training.gain is not None:
        gain, low, high = training.gain
        console.print(f"Brier lower by {gain:.3f} (95 %: {low:+.3f} to {high:+.3f}, n={training.new.n})")
    last = training.last
    if last is not None and last.compared:
        console.print(
            f"Against {last.quarter}: Brier {last.brier_new:.3f} and {last.brier:.3f}, "
            f"macro-F1 {last.macro_f1_new:.3f} and {last.macro_f1:.3f}, n={last.n}"
        )
    for sentence in training.told or ("No corner where misses concentrate more than chance would have it.",):
        console.print(Text(f"- {sentence}"))
