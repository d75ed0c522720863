"""Scores as a table in the terminal and as Markdown between two markers of a page."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from rich.table import Table

from evals.runner import Run
from evals.scorers import SCORERS, Scores, right, top_class

_SIGNS = {True: "✓", False: "✗", None: "–"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Sheet:
    """One analyst's runs with their scores, in the order of the cases."""

    analyst: str
    runs: Sequence[Run]
    scores: Mapping[str, Scores]
    skipped: int = 0
    """Cases that were left out because the money was spent."""

    def total(self, name: str) -> tuple[int, int]:
        """How often a scorer said yes, of how often it applied."""
        answers = [scores[name] for scores in self.scores.values() if scores[name] is not None]
        return sum(answer is True for answer in answers), len(answers)

    @property
    def right(self) -> int:
        """How many cases were answered rightly as a whole."""
        return sum(right(scores) for scores in self.scores.values())

    @property
    def cost_usd(self) -> float:
        return sum(run.assessment.usage.cost_usd for run in self.runs)

    @property
    def tokens(self) -> int:
        return sum(run.assessment.usage.tokens for run in self.runs)


def table(sheet: Sheet) -> Table:
    """For the terminal: one row per case, one column per scorer."""
    shown = Table(title=f"{sheet.analyst}: {headline(sheet)}", title_justify="left", header_style="bold")
    shown.add_column("case", overflow="fold", min_width=24)
    for name in SCORERS:
        shown.add_column(name, justify="center")
    for name in ("tokens", "usd") if sheet.tokens else ():
        shown.add_column(name, justify="right")
    for run in sheet.runs:
        scores = sheet.scores[run.case.slug]
        usage = run.assessment.usage
        signs = [_SIGNS[scores[name]] for name in SCORERS]
        style = "" if right(scores) else "red"
        case = f"{run.case.slug}\n[dim]{run.case.text.kind}[/dim]"
        shown.add_row(case, *signs, *_spent(sheet, usage.tokens, usage.cost_usd), style=style)
    shown.add_section()
    totals = [f"{yes}/{asked}" for yes, asked in map(sheet.total, SCORERS)]
    shown.add_row("all", *totals, *_spent(sheet, sheet.tokens, sheet.cost_usd))
    return shown


def _spent(sheet: Sheet, tokens: int, cost_usd: float) -> tuple[str, ...]:
    """Two cells where a model was asked, none where not."""
    return (f"{tokens:,}", f"{cost_usd:.3f}") if sheet.tokens else ()


def headline(sheet: Sheet) -> str:
    """The result in half a sentence."""
    left_out = f", {sheet.skipped} left out because the money was spent" if sheet.skipped else ""
    return f"{sheet.right} of {len(sheet.runs)} cases right{left_out}"


def markdown(sheets: Sequence[Sheet], *, at: datetime) -> str:
    """For the page."""
    lines = [f"Run on {at:%Y-%m-%d} with {len(sheets[0].runs)} cases. ✓ right, ✗ wrong, – does not apply."]
    for sheet in sheets:
        lines += ["", f"### {sheet.analyst}: {headline(sheet)}", ""]
        lines.append(f"| case | kind | {' | '.join(SCORERS)} | first hypothesis |")
        lines.append(f"|---|---|{':-:|' * len(SCORERS)}---|")
        lines += [_row(sheet, run) for run in sheet.runs]
        totals = " | ".join(f"{yes}/{asked}" for yes, asked in map(sheet.total, SCORERS))
        spent = f"{sheet.tokens:,} tokens, {sheet.cost_usd:.2f} USD" if sheet.tokens else ""
        lines.append(f"| **all** | | {totals} | {spent} |")
    return "\n".join(lines)


def _row(sheet: Sheet, run: Run) -> str:
    signs = " | ".join(_SIGNS[sheet.scores[run.case.slug][name]] for name in SCORERS)
    top = run.assessment.hypotheses[0] if run.assessment.hypotheses else None
    said = f"{top_class(run)}, {top.confidence.value:.0%}" if top else "none"
    if top and top.suspect:
        said += f", {top.suspect.service}" + (f" {top.suspect.change_id}" if top.suspect.change_id else "")
    return f"| {run.case.slug} | {run.case.text.kind} | {signs} | {said} |"


def misses(sheet: Sheet) -> list[str]:
    """What each wrong case said instead, one line each."""
    told: list[str] = []
    for run in sheet.runs:
        scores = sheet.scores[run.case.slug]
        if right(scores) or not run.assessment.hypotheses:
            continue
        expected, top = run.case.text.expected, run.assessment.hypotheses[0]
        told.append(
            f"{run.case.slug}: expected {expected.cause_class} {expected.service or ''} {expected.change_id or ''}".rstrip()
            + f"; said {top.cause_class}: {top.title} ({top.confidence.value:.0%})"
        )
    return told
