"""
Which change is to blame, in incidents that were invented in RootCauseBench's form: `evals/incidents/`, one JSON Lines file (xz) a difficulty.

Each has alert, logs, metrics, traces, commits with diffs, deploys and flags, and was written without knowledge of the analyst. Every set
was first answered by the analyst as it stood and then used to mend it, so these figures tell whether it forgets, not how it will do on new
incidents; what it made of each set when first asked stands in `docs/explanation/accuracy.md`.
"""

import asyncio
import json
import lzma
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from evals.benchmarks.rca_changes import NONE, case_of, named, same
from evals.benchmarks.table import Benchmark, BenchmarkError, Row, share
from evals.runner import Run, make_desk, run_cases

FOLDER = Path(__file__).parents[1] / "incidents"
DIFFICULTIES = ("usual", "hard")


def run(_data: Path) -> Sequence[Row]:
    """Culprits named and shown, innocents blamed, right abstentions. Raises BenchmarkError when a file cannot be read."""
    desk = make_desk()
    found: list[Row] = []
    for difficulty in DIFFICULTIES:
        incidents = list(load(FOLDER / f"{difficulty}.jsonl.xz"))
        runs = asyncio.run(run_cases([case_of(one) for one in incidents], desk))
        told = [(one["ground_truth"]["root_cause_commit"], done) for one, done in zip(incidents, runs, strict=True)]
        found += rows(difficulty, told)
    return found


def rows(difficulty: str, told: Sequence[tuple[str, Run]]) -> list[Row]:
    """The figures of (commit to blame or none, what the analyst said)."""
    guilty = [(blamed, done) for blamed, done in told if blamed != NONE]
    quiet = [done for blamed, done in told if blamed == NONE]
    innocent = sum(named(done) != NONE and not same(named(done), blamed) for blamed, done in told)
    name = f"invented incidents, {difficulty}"
    return [
        share(f"{name}: culprit named", sum(same(named(done), blamed) for blamed, done in guilty), len(guilty)),
        share(f"{name}: culprit among the hypotheses", sum(_shown(done, blamed) for blamed, done in guilty), len(guilty)),
        share(f"{name}: innocent change blamed", innocent, len(told)),
        share(f"{name}: abstains where no change is to blame", sum(named(done) == NONE for done in quiet), len(quiet)),
    ]  # fmt: skip


def _shown(done: Run, blamed: str) -> bool:
    suspects = [one.suspect for one in done.assessment.hypotheses]
    return any(one is not None and one.change_id is not None and same(one.change_id, blamed) for one in suspects)


def load(path: Path) -> Iterator[Mapping[str, Any]]:
    """The incidents of one file. Raises BenchmarkError with file and line."""
    try:
        with lzma.open(path, "rt", encoding="utf-8") as lines:
            for number, line in enumerate(lines, start=1):
                try:
                    yield json.loads(line)
                except ValueError as error:
                    raise BenchmarkError(f"{path}:{number}: is not JSON: {error}") from error
    except (OSError, lzma.LZMAError) as error:
        raise BenchmarkError(f"{path}: {error}") from error


BENCHMARK = Benchmark(name="invented incidents", run=run)
