"""One table of everything: cases by kind, each question that is scored, and the public benchmarks; n and 90 % interval each."""

from collections.abc import Sequence
from dataclasses import dataclass

from rich.table import Table

from evals.benchmarks.table import Row, share
from evals.casefile import KINDS
from evals.kept import OFFLINE
from evals.report import Sheet
from evals.scorers import SCORERS, right

_SIGNS = {True: "✓", False: "✗", None: ""}
RECORDED = "recorded"


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One row of the table: what was asked, and each analyst's figure; None where it was not asked."""

    what: str
    rows: tuple[Row | None, ...]

    @property
    def n(self) -> int:
        """Of the first analyst that was asked."""
        return next((row.n for row in self.rows if row is not None), 0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """The sections of the table, each with its title, and who answered, in the order of the columns."""

    analysts: tuple[str, ...]
    sections: tuple[tuple[str, tuple[Line, ...]], ...]
    footer: tuple[str, ...] = ()


def summary(sheets: Sequence[Sheet], public: Sequence[Row] = ()) -> Summary:
    """`public` are the benchmarks' rows; they are answered without a model, and so stand in the first column."""
    kinds = [kind for kind in KINDS if any(run.case.text.kind == kind for sheet in sheets for run in sheet.runs)]
    by_kind = [Line(what=kind, rows=tuple(_right(sheet, kind=kind) for sheet in sheets)) for kind in kinds]
    parts = (("recorded from a running system", True), ("written", False))
    by_kind += [Line(what=name, rows=tuple(_right(sheet, recorded=flag) for sheet in sheets)) for name, flag in parts]
    by_kind.append(Line(what="all cases", rows=tuple(_right(sheet) for sheet in sheets)))
    asked = [Line(what=name, rows=tuple(_scored(sheet, name) for sheet in sheets)) for name in SCORERS]
    blank = (None,) * (len(sheets) - 1)
    sections = [("cases answered rightly, by kind", tuple(by_kind)), ("all cases, by question", tuple(asked))]
    if public:
        sections.append(("public benchmarks", tuple(Line(what=row.name, rows=(row, *blank)) for row in public)))
    return Summary(
        analysts=tuple(sheet.analyst for sheet in sheets),
        sections=tuple(sections),
        footer=tuple(_spent(sheet) for sheet in sheets if sheet.analyst != OFFLINE),
    )


def _right(sheet: Sheet, *, kind: str = "", recorded: bool | None = None) -> Row | None:
    chosen = [
        right(sheet.scores[run.case.slug])
        for run in sheet.runs
        if (not kind or run.case.text.kind == kind)
        and (recorded is None or recorded is (RECORDED in run.case.text.tags))
    ]
    return share(kind, sum(chosen), len(chosen)) if chosen else None


def _scored(sheet: Sheet, name: str) -> Row | None:
    yes, asked = sheet.total(name)
    return share(name, yes, asked) if asked else None


def _spent(sheet: Sheet) -> str:
    left_out = f"; {sheet.skipped} cases left out because the money was spent" if sheet.skipped else ""
    stood_in = sum(run.assessment.analyst == OFFLINE for run in sheet.runs)
    instead = f"; {stood_in} answered by the {OFFLINE}, since the model gave no usable answer" if stood_in else ""
    return f"{sheet.analyst}: {sheet.tokens:,} tokens, {sheet.cost_usd:.2f} USD for {len(sheet.runs)} cases{left_out}{instead}"


def table(told: Summary) -> Table:
    """For the terminal."""
    shown = Table(title="evals", title_justify="left", header_style="bold", caption_justify="left")
    shown.add_column("what", overflow="fold", min_width=26)
    shown.add_column("n", justify="right")
    for analyst in told.analysts:
        shown.add_column(analyst, justify="right", overflow="fold")
        shown.add_column("90 %", justify="right", style="dim")
    shown.add_column("target", justify="right")
    shown.add_column("published by others", overflow="fold")
    for title, lines in told.sections:
        shown.add_section()
        shown.add_row(f"[bold]{title}[/bold]")
        for line in lines:
            cells = [cell for row in line.rows for cell in (_figure(row), _interval(row))]
            first = line.rows[0]
            style = "red" if first is not None and first.met is False else ""
            shown.add_row(line.what, str(line.n), *cells, _target(first), first.reference if first else "", style=style)
    return shown


def markdown(told: Summary) -> str:
    """For a page."""
    heads = " | ".join(f"{analyst} | 90 %" for analyst in told.analysts)
    blocks: list[str] = []
    for title, lines in told.sections:
        block = [f"| {title} | n | {heads} | target | published by others |"]
        block.append(f"|---|--:|{'--:|--:|' * len(told.analysts)}--:|---|")
        for line in lines:
            cells = " | ".join(f"{_figure(row)} | {_interval(row)}" for row in line.rows)
            first = line.rows[0]
            block.append(
                f"| {line.what} | {line.n} | {cells} | {_target(first)} | {first.reference if first else ''} |"
            )
        blocks.append("\n".join(block))
    return "\n\n".join([*blocks, *told.footer])


def _figure(row: Row | None) -> str:
    return "–" if row is None else f"{row.figure:.2f}"


def _interval(row: Row | None) -> str:
    return "" if row is None else f"{row.low:.2f}–{row.high:.2f}"


def _target(row: Row | None) -> str:
    return f"{row.target} {_SIGNS[row.met]}".strip() if row is not None else ""
