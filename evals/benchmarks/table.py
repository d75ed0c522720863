"""
What a benchmark reports, and the list of all of them.

Each reads a public data set from the folder AIOPS_BENCH_DATA and answers it with the product's own functions. One whose data is
absent says so in a sentence instead of a figure.
"""

import json
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

from bot.core import intervals
from evals.kept import OUT

DATA_VARIABLE = "AIOPS_BENCH_DATA"
# Modules of this package that hold one `BENCHMARK: Benchmark` each; imported when asked for, since some need a database.
_MODULES = (
    "rca_changes",
    "diff_reading",
    "invented",
    "rca_components",
    "rca_healthy",
    "nab",
    "runbooks",
    "postmortems",
    "payloads",
    "holmes",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One figure."""

    name: str
    figure: float
    n: int
    """How many questions the figure rests on."""
    low: float
    high: float
    """90 % interval."""
    target: str = ""
    """What was promised, as text: `≥ 0.65`; empty for a figure that is only reported."""
    reference: str = ""
    """What others published, with where."""
    met: bool | None = None
    """Whether the target holds; None without one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asking:
    """How a benchmark may ask a model."""

    max_usd: float = 1.0
    fresh: bool = False
    """Ask again what is kept."""
    out: Path = OUT
    """Where answers are kept."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Benchmark:
    """A data set and how to answer it. `run` raises BenchmarkError when the data is absent or unreadable."""

    name: str
    run: Callable[[Path], Sequence[Row]]
    ask: Callable[[Path, Asking], Sequence[Row]] | None = None
    """In place of `run`, for one that needs a model."""


class BenchmarkError(Exception):
    """The data set cannot be used; the text says which file and why."""


def benchmarks(modules: Sequence[str] = _MODULES) -> Sequence[Benchmark]:
    """All benchmarks, in the order of the table."""
    return [import_module(f"evals.benchmarks.{name}").BENCHMARK for name in modules]


def data_folder(environment: Mapping[str, str] | None = None) -> Path:
    """Where the data sets are: AIOPS_BENCH_DATA, else `shared/data` beside the checkout."""
    known = os.environ if environment is None else environment
    return Path(known.get(DATA_VARIABLE) or Path(__file__).parents[3] / "shared" / "data")


def read_rows(path: Path) -> Iterator[Mapping[str, Any]]:
    """The rows of a JSON Lines file. Raises BenchmarkError with file and line."""
    try:
        lines = path.read_text(encoding="utf-8").split("\n")
    except OSError as error:
        raise BenchmarkError(f"{path}: {error.strerror or error}") from error
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            yield json.loads(line)
        except ValueError as error:
            raise BenchmarkError(f"{path}:{number}: is not JSON: {error}") from error


def share(
    name: str, right: int, n: int, *, at_least: float | None = None, at_most: float | None = None, reference: str = ""
) -> Row:
    """A share of n questions with its Wilson score interval (E. B. Wilson, 1927), and a target if there is one."""
    low, high = wilson(right, n)
    figure = right / n if n else 0.0
    target = f"≥ {at_least:.2f}" if at_least is not None else f"≤ {at_most:.2f}" if at_most is not None else ""
    met = None if not target else figure >= at_least if at_least is not None else figure <= (at_most or 0.0)
    return Row(name=name, figure=figure, n=n, low=low, high=high, target=target, reference=reference, met=met)


def wilson(right: int, n: int) -> tuple[float, float]:
    """Lower and upper end of the 90 % Wilson score interval of right out of n; everything when n is 0."""
    found = intervals.wilson(right, n)
    return (found.low, found.high) if found is not None else (0.0, 1.0)
