"""Figures as a table in the terminal, as JSON, and as Markdown between two markers of a page."""

import json
import math
import os
import platform
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from pathlib import Path

from rich.console import Console
from rich.table import Table

from evals.bench.figures import Figure

BEGIN, END = "<!-- figures: begin -->", "<!-- figures: end -->"
_BLOCK = re.compile(r"<!-- (\w+): begin -->\n(.*?)\n<!-- \1: end -->", re.DOTALL)


def number(value: float | None) -> str:
    """Three significant digits, or a dash."""
    if value is None or math.isnan(value):
        return "–"
    if value == 0 or abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.3g}"


def verdict(figure: Figure) -> str:
    """Whether the target was met, in a word."""
    return "" if figure.met is None else "met" if figure.met else "missed"


def table(figures: Sequence[Figure]) -> Table:
    """For the terminal."""
    shown = Table(title="Benchmarks", title_justify="left", header_style="bold")
    for name in ("what", "n", "median", "p95", "p99", "unit", "target", ""):
        shown.add_column(name, justify="right" if name in {"n", "median", "p95", "p99"} else "left")
    for one in figures:
        style = "red" if one.met is False else "green" if one.met else ""
        what = f"{one.what}\n[dim]{one.note}[/dim]" if one.note else one.what
        cells = (str(one.samples), number(one.median), number(one.p95), number(one.p99), one.unit, one.target)
        shown.add_row(what, *cells, verdict(one), style=style)
    return shown


def markdown(figures: Sequence[Figure], *, at: datetime, quick: bool) -> str:
    """For the page: when, on what, and every figure with its sample size."""
    lines = [
        f"Measured on {at:%Y-%m-%d %H:%M} UTC, {machine()}, load average {os.getloadavg()[0]:.1f} at the end"
        + (", short run." if quick else "."),
        "",
        "| what | samples | median | p95 | p99 | unit | target | |",
        "|---|---:|---:|---:|---:|---|---|---|",
    ]
    for one in figures:
        cells = (str(one.samples), number(one.median), number(one.p95), number(one.p99), one.unit, one.target)
        what = f"{one.what}<br>{one.note}" if one.note else one.what
        lines.append(f"| {' | '.join((what, *cells, verdict(one)))} |")
    return "\n".join(lines)


def machine() -> str:
    """Cores and interpreter."""
    return f"{os.cpu_count()} cores, {platform.system()} {platform.machine()}, Python {platform.python_version()}"


def write(page: Path, texts: Mapping[str, str]) -> None:
    """
    Put what was measured between the page's markers, each measurement in a block of its own; those not measured stay.

    Raises ValueError when the page has no markers.
    """
    before, begin, rest = page.read_text(encoding="utf-8").partition(BEGIN)
    inside, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"{page} has no lines {BEGIN} and {END}")
    blocks: dict[str, str] = dict(_BLOCK.findall(inside)) | dict(texts)
    made = "\n\n".join(f"<!-- {name}: begin -->\n{text}\n<!-- {name}: end -->" for name, text in blocks.items())
    page.write_text(f"{before}{BEGIN}\n{made}\n{END}{after}", encoding="utf-8")


def console() -> Console:
    """Standard output; 120 columns where it is not a terminal, so that a log keeps every column."""
    found = Console()
    return found if found.is_terminal else Console(width=120)


def show(figures: Sequence[Figure], *, as_json: bool) -> None:
    """Print to standard output."""
    if as_json:
        plain = [
            {
                key: None if isinstance(value, float) and math.isnan(value) else value
                for key, value in asdict(one).items()
            }
            for one in figures
        ]
        print(json.dumps(plain, indent=2, ensure_ascii=False))
    else:
        console().print(table(figures))
