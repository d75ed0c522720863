"""One table of all benchmarks: figure, n, 90 % interval, target, and what others published."""

import argparse
import json
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

from rich.table import Table

from evals.bench.report import console
from evals.benchmarks.table import DATA_VARIABLE, Asking, Benchmark, BenchmarkError, Row, benchmarks, data_folder

_SIGNS = {True: "✓", False: "✗", None: ""}
BEGIN, END = "<!-- benchmarks: begin -->", "<!-- benchmarks: end -->"


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What the benchmarks said, and why those that said nothing did not."""

    rows: Sequence[Row]
    skipped: Sequence[str]


def run_all(data: Path, known: Sequence[Benchmark], asking: Asking | None = None) -> Told:
    """Run one after another; one that cannot be used is a sentence."""
    rows: list[Row] = []
    skipped: list[str] = []
    if not data.is_dir():
        return Told(rows=(), skipped=(f"Benchmarks skipped: {data} is not there; {DATA_VARIABLE} names the folder.",))
    for one in known:
        try:
            rows += one.run(data) if one.ask is None else one.ask(data, asking or Asking())
        except BenchmarkError as error:
            skipped.append(f"Benchmark {one.name} skipped: {error}")
    return Told(rows=rows, skipped=skipped)


def table(rows: Sequence[Row]) -> Table:
    """For the terminal."""
    shown = Table(title="benchmarks", title_justify="left", header_style="bold")
    shown.add_column("benchmark", overflow="fold", min_width=34)
    for name in ("figure", "n", "90 % interval", "target", ""):
        shown.add_column(name, justify="right")
    shown.add_column("published by others", overflow="fold")
    for row in rows:
        style = "red" if row.met is False else ""
        shown.add_row(row.name, _number(row.figure), str(row.n), _interval(row), row.target, _SIGNS[row.met], row.reference, style=style)  # fmt: skip
    return shown


def markdown(rows: Sequence[Row], *, at: datetime) -> str:
    """For the page."""
    lines = [
        f"Run on {at:%Y-%m-%d} on the development parts.",
        "",
        "| benchmark | figure | n | 90 % interval | target | met | published by others |",
        "|---|--:|--:|--:|--:|:-:|---|",
    ]
    lines += [
        f"| {row.name} | {_number(row.figure)} | {row.n} | {_interval(row)} | {row.target} | {_SIGNS[row.met]} | {row.reference} |"
        for row in rows
    ]
    return "\n".join(lines)


def write(page: Path, text: str, *, part: str = "benchmarks") -> None:
    """Replace what stands between the page's markers of a part. Raises ValueError when it has none."""
    first, last = f"<!-- {part}: begin -->", f"<!-- {part}: end -->"
    before, begin, rest = page.read_text(encoding="utf-8").partition(first)
    _, end, after = rest.partition(last)
    if not begin or not end:
        raise ValueError(f"{page} has no lines {first} and {last}")
    page.write_text(f"{before}{first}\n{text}\n{last}{after}", encoding="utf-8")


def show(told: Told) -> None:
    """Print the table, and a sentence for each benchmark that was skipped."""
    if told.rows:
        console().print(table(told.rows))
    for line in told.skipped:
        print(line)


def _number(figure: float) -> str:
    return f"{figure:.2f}"


def _interval(row: Row) -> str:
    return f"{row.low:.2f} to {row.high:.2f}"


def main(argv: Sequence[str]) -> int:
    """`python -m evals benchmarks`: 0 when done, 1 when --check found a target missed."""
    parser = argparse.ArgumentParser(prog="python -m evals benchmarks", description=__doc__)
    parser.add_argument("--data", type=Path, help=f"folder of the data sets (default: {DATA_VARIABLE})")
    parser.add_argument("--only", action="append", help="the name of one benchmark; may be repeated")
    parser.add_argument("--check", action="store_true", help="exit with 1 when a target is missed")
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument("--write", type=Path, metavar="PAGE", help="put the table between the markers of a page")
    parser.add_argument("--max-cost-usd", type=float, default=1.0, help="what a model may cost (default %(default)s)")
    parser.add_argument("--fresh", action="store_true", help="ask a model again what it has answered before")
    args = parser.parse_args(argv)
    known = [one for one in benchmarks() if not args.only or one.name in args.only]
    told = run_all(args.data or data_folder(), known, Asking(max_usd=args.max_cost_usd, fresh=args.fresh))
    if args.json:
        print(json.dumps({"rows": [asdict(row) for row in told.rows], "skipped": list(told.skipped)}))
    else:
        show(told)
    if args.write and told.rows:
        write(args.write, markdown(told.rows, at=datetime.now(UTC)))
    missed = [row.name for row in told.rows if row.met is False]
    for name in missed if args.check else ():
        print(f"target missed: {name}", file=sys.stderr)
    return 1 if args.check and missed else 0
