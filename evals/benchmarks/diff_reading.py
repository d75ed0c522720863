"""
Is a dangerous change told from a harmless one? 410 invented changes in `evals/diffs/`, each with what it would do in production.

The titles are innocent either way, and half of the harmless changes speak of timeouts, locks and memory. Part `a` was known when the
patterns were chosen; parts `b` and `c` were read by them as they stood before they were mended for them.
"""

from collections.abc import Sequence
from pathlib import Path

from bot.core.diffs import read_change
from evals.benchmarks.table import Benchmark, Row, read_rows, share

FILE = Path(__file__).parents[1] / "diffs" / "changes.jsonl"
# From here on a change counts as dangerous; a release of which nothing is known has 0.45.
DANGEROUS = 0.45


def run(_data: Path) -> Sequence[Row]:
    """Both kinds of mistake. Raises BenchmarkError when the file cannot be read."""
    return rows(risks())


def risks(file: Path = FILE) -> list[tuple[bool, float]]:
    """Whether a change is dangerous, and the risk that is read from it."""
    return [(one["dangerous"], read_change(one["kind"], one["title"], one["detail"]).risk) for one in read_rows(file)]


def rows(read: Sequence[tuple[bool, float]]) -> list[Row]:
    """The figures."""
    bad, good = ([risk for dangerous, risk in read if dangerous is kind] for kind in (True, False))
    return [
        share("changes read: dangerous ones read as dangerous", sum(one >= DANGEROUS for one in bad), len(bad)),
        share("changes read: harmless ones read as dangerous", sum(one >= DANGEROUS for one in good), len(good)),
    ]


BENCHMARK = Benchmark(name="changes read", run=run)
