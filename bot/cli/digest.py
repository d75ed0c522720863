"""The weekly eval digest in the terminal: the numbers, a small chart, what went wrong, what is missing."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from bot.bootstrap import open_core
from bot.cli.show import print_json
from bot.core import figures
from bot.core.digest import Digest, Group, facts, headline, judge_words, model_words, week_words
from bot.core.scores import Bin, Week
from bot.settings import Settings, load_settings

_KINDS = (("helpful", "green"), ("missed", "yellow"), ("harmful", "red"), ("abstained", "blue"), ("open", "dim"))
_WIDEST = 50


def add_digest(app: typer.Typer) -> None:
    """`aiops digest`."""

    @app.command("digest")
    def digest_command(
        week: Annotated[str, typer.Option(help="An ISO week as 2026-W48; without it this week so far.")] = "",
        json: Annotated[bool, typer.Option("--json", help="Print JSON on standard output.")] = False,
    ) -> None:
        """How often the bot was right, over the 12 weeks that end with a week; posts nothing."""
        raise typer.Exit(asyncio.run(show_digest(load_settings(), week, as_json=json)))


async def show_digest(settings: Settings, week: str, *, as_json: bool) -> int:
    """Raises PayloadError for what is no ISO week, or one that has not begun."""
    async with open_core(settings) as core:
        digest = await core.reports.digest(week.strip().upper())
    if as_json:
        print_json(digest_json(digest))
    else:
        print_digest(digest, Console())
    return 0


def digest_json(digest: Digest) -> Mapping[str, Any]:
    """Everything, by the names of `Digest` and `Scores`; shares between 0 and 1, times in ISO 8601."""
    weeks = [{"week": week.name, **asdict(week), "start": week.start.isoformat()} for week in digest.scores.weeks]
    made = asdict(digest)
    times = {name: getattr(digest.scores, name).isoformat() for name in ("since", "until")}
    scores = made["scores"] | {"weeks": weeks} | times
    return {"headline": headline(digest), **made, "made_at": digest.made_at.isoformat(), "scores": scores}


def print_digest(digest: Digest, console: Console) -> None:
    """Verdict first, as in Slack."""
    console.print(Text(headline(digest), "bold"))
    console.print(Text(f"digest of {week_words(digest)}", "dim"))
    if not digest.empty:
        said, warning = model_words(digest)
        if said:
            console.print(Text(f"Warning: {said}" if warning else said, "bold red" if warning else ""))
        _print_facts(facts(digest), console)
        _print_chart(digest.scores.weeks, console)
        _print_misses(digest, console)
        _print_open(digest, console)
        _print_facts(_details(digest), console)
        _print_bins(digest.scores.reliability, console)
        _print_groups("Helpful by class of alert", digest.classes, console)
        _print_groups("Helpful by analyst", digest.analysts, console)
        if digest.classifier:
            _print_lines("What misses have in common", digest.classifier, console)
        _print_lines("Changed this week", digest.changes or ("nothing",), console)
    console.print()
    console.print(
        Text(f"model cost this week {figures.dollars(digest.cost_usd)}; {digest.index}; audit log {digest.audit_head}")
    )


def _print_facts(pairs: Sequence[tuple[str, str]], console: Console) -> None:
    table = Table(box=None, show_header=False, pad_edge=False)
    table.add_column(style="dim", overflow="fold")
    table.add_column(overflow="fold")
    for label, words in pairs:
        table.add_row(Text(label), Text(words))
    console.print()
    console.print(table)


def _print_chart(weeks: Sequence[Week], console: Console) -> None:
    """One line a week, one character a hypothesis; scaled down when a week has more than fit."""
    most = max((sum(_counts(week)) for week in weeks), default=0)
    if most == 0:
        return
    scale = max(1, -(-most // _WIDEST))
    console.print()
    for week in weeks:
        line = Text(f"{week.name}  ")
        for (_, style), count in zip(_KINDS, _counts(week), strict=True):
            line.append("█" * -(-count // scale), style)
        counts = ", ".join(f"{count} {name}" for (name, _), count in zip(_KINDS, _counts(week), strict=True) if count)
        line.append(f"  {counts}" if counts else "–", "dim")
        console.print(line)
    if scale > 1:
        console.print(Text(f"one block: up to {scale} hypotheses", "dim"))


def _counts(week: Week) -> tuple[int, ...]:
    return (week.helpful, week.missed, week.harmful, week.abstained, week.open)


def _print_misses(digest: Digest, console: Console) -> None:
    if not digest.misses:
        return
    table = Table(title="Worst misses", title_justify="left", box=None, pad_edge=False)
    for column in ("incident", "said", "sure", "it was", "grade"):
        table.add_column(column, overflow="fold")
    for one in digest.misses:
        cells = (one.incident_id, one.said, figures.share(one.confidence), one.actual or "–", str(one.grade))
        table.add_row(*map(Text, cells))
    console.print()
    console.print(table)


def _print_open(digest: Digest, console: Console) -> None:
    if not digest.unlabelled_count:
        return
    lines = [f"{one.incident_id}  {one.title}" for one in digest.unlabelled]
    hidden = digest.unlabelled_count - len(digest.unlabelled)
    if hidden > 0:
        lines.append(f"{hidden} more: aiops outcome list --unlabelled")
    _print_lines(f"Root cause missing ({digest.unlabelled_count})", lines, console)


def _print_lines(title: str, lines: Sequence[str], console: Console) -> None:
    console.print()
    console.print(Text(title, "bold"))
    for line in lines:
        console.print(Text(f"  {line}"))


def _details(digest: Digest) -> list[tuple[str, str]]:
    scores, actions = digest.scores, digest.scores.actions
    return [
        ("Exact", figures.rate_words(scores.exact)),
        ("Brier score (0 is perfect)", figures.figure_words(scores.brier, figures.decimal)),
        ("Skill against the base rate", figures.figure_words(scores.skill, figures.decimal)),
        ("Judge and people", judge_words(digest)),
        ("Alert to evidence", figures.spread_words(scores.evidence_seconds, figures.seconds)),
        ("Alert to hypothesis", figures.spread_words(scores.hypothesis_seconds, figures.seconds)),
        ("Mean model cost per incident", figures.figure_words(scores.cost_mean_usd, figures.dollars)),
        ("Model cost per incident", figures.spread_words(scores.cost_usd, figures.dollars)),
        ("Approvals asked", str(actions.asked)),
        ("Approvals denied", figures.rate_words(actions.rejected)),
        ("Approvals expired", figures.rate_words(actions.expired)),
        ("Runbook runs that worked", figures.rate_words(actions.succeeded)),
        ("Similar incidents useful", figures.rate_words(scores.similar_relevant)),
    ]


def _print_bins(bins: Sequence[Bin], console: Console) -> None:
    if not bins:
        return
    table = Table(title="Is the confidence right?", title_justify="left", box=None, pad_edge=False)
    for column in ("confidence", "mean", "helped", "90 % interval", "n"):
        table.add_column(column, justify="right")
    for one in bins:
        held, helped = one.helped.interval, one.helped.value
        table.add_row(
            f"{figures.share(one.lowest)} to {figures.share(one.highest)}",
            figures.share(one.said),
            figures.share(helped) if helped is not None else "–",
            f"{figures.share(held.low)} to {figures.share(held.high)}" if held else "–",
            str(one.helped.n),
        )
    console.print()
    console.print(table)


def _print_groups(title: str, groups: Sequence[Group], console: Console) -> None:
    if groups:
        _print_lines(title, [f"{one.name}: {figures.rate_words(one.helpful)}" for one in groups], console)
