"""
`python -m evals.benchmarks.fit_confidence`: fit how sure the offline analyst may be of its first hypothesis.

A logistic regression with a normal prior around judged weights (the posterior mode, by Newton's method), on the analyst's answers to
RootCauseBench, opensre and the cases; each as recorded, without metrics and without logs, so that answers differ in what they rest on.
Those three were looked at while the analyst was made, so it does better there than it will on what is new: its answers to incidents that
nobody had looked at yet, as they were given before anything was mended for them, are kept beside them (`evals/incidents/first_asked.jsonl`).
Judged by leaving one data set out. Prints the weights of bot/core/weights.py; `--write PAGE` puts the table of what it is worth into a page.
"""

import argparse
import asyncio
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bot.core.confidence import features_from, fitted_part, terms
from bot.core.weights import SURENESS
from evals import scorers
from evals.benchmarks import invented, rca_changes, rca_healthy
from evals.benchmarks.report import write
from evals.benchmarks.table import BenchmarkError, data_folder, read_rows, wilson
from evals.casefile import Case, load_cases
from evals.runner import Run, make_desk, run_cases

Floats = NDArray[np.float64]

NAMES = ("constant", "share", "grounding", "margin", "gaps", "support", "unnamed")
# What was judged before any fit; the prior's middle.
JUDGED = (0.0, 0.8, 1.2, 0.8, 1.5, 2.0, 1.0)
SPREAD = 0.1
FIRST_ASKED = invented.FOLDER / "first_asked.jsonl"
_WITHOUT = ("", "read_metrics", "read_logs")
_BINS = (0.0, 0.5, 0.7, 0.85, 1.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Answers:
    """Answers of the analyst: what each rests on, whether its first hypothesis was right, and of which data set it is."""

    terms: Floats
    right: Floats
    source: tuple[str, ...]

    def kept(self, source: str, *, of: bool) -> "Answers":
        """Those of a data set, or of all others."""
        chosen = [(one == source) is of for one in self.source]
        names = tuple(one for one, keep in zip(self.source, chosen, strict=True) if keep)
        return Answers(terms=self.terms[chosen], right=self.right[chosen], source=names)


def answers(data: Path) -> Answers:
    """Put every question to the analyst. Raises BenchmarkError when a data set is absent."""
    desk = make_desk()
    rows: list[tuple[float, ...]] = []
    right: list[float] = []
    source: list[str] = []
    for name, asked in (("RootCauseBench", _changes(data)), ("opensre", _healthy(data)), ("cases", _cases())):
        for case, judge in asked:
            cut = [replace(case, calls=tuple(one for one in case.calls if one.tool != gone)) for gone in _WITHOUT]
            for run in asyncio.run(run_cases(cut, desk)):
                rows.append(terms(features_from(run.assessment.features or {})))
                right.append(float(judge(run)))
                source.append(name)
    for one in read_rows(FIRST_ASKED):
        rows.append(terms(features_from(one["features"])))
        right.append(float(one["right"]))
        source.append("first asked")
    return Answers(terms=np.array(rows), right=np.array(right), source=tuple(source))


def _changes(data: Path) -> Iterator[tuple[Case, Callable[[Run], bool]]]:
    for one in rca_changes.load(data):
        blamed = one["ground_truth"]["root_cause_commit"]
        yield rca_changes.case_of(one), lambda run, blamed=blamed: rca_changes.answers(rca_changes.named(run), blamed)


def _healthy(data: Path) -> Iterator[tuple[Case, Callable[[Run], bool]]]:
    for one in rca_healthy.load(data):
        wanted = one["answer"]["root_cause_category"]
        yield rca_healthy.case_of(one), lambda run, wanted=wanted: rca_healthy.category(run) == wanted


def _cases() -> Iterator[tuple[Case, Callable[[Run], bool]]]:
    for case in load_cases():
        yield case, lambda run: scorers.right(scorers.score(run))


def fitted(known: Answers, prior: Sequence[float] = JUDGED, spread: float = SPREAD) -> Floats:
    """The weights at the posterior mode."""
    middle = np.array(prior, dtype=np.float64)
    now = middle.copy()
    for _ in range(50):
        chance = chances(known, now)
        slope = known.terms.T @ (chance - known.right) + (now - middle) / spread**2
        bend = (known.terms.T * (chance * (1 - chance))) @ known.terms + np.eye(len(now)) / spread**2
        now = np.asarray(now - np.linalg.solve(bend, slope), dtype=np.float64)
    return now


def chances(known: Answers, weights: Floats) -> Floats:
    """How likely each answer is right, as the weights say."""
    return np.asarray(1 / (1 + np.exp(-np.clip(known.terms @ weights, -30, 30))), dtype=np.float64)


def left_out(known: Answers, weights: Callable[[Answers], Floats]) -> tuple[Floats, Floats]:
    """Chances and truths, each data set's by weights that were fitted on the others."""
    told: list[Floats] = []
    true: list[Floats] = []
    for name in dict.fromkeys(known.source):
        own = known.kept(name, of=True)
        told.append(chances(own, weights(known.kept(name, of=False))))
        true.append(own.right)
    return np.concatenate(told), np.concatenate(true)


def brier(told: Floats, true: Floats) -> float:
    """Mean squared error of chances (G. W. Brier, 1950)."""
    return float(np.mean((told - true) ** 2))


def markdown(known: Answers) -> str:
    """Brier scores, and the reliability of the weights that ship, with each data set left out of its own fit."""
    count = len(known.right)
    judged = left_out(known, lambda _: np.array(JUDGED))
    ours = left_out(known, fitted)
    base = np.concatenate([np.full(sum(one == name for one in known.source), known.kept(name, of=False).right.mean())
                           for name in dict.fromkeys(known.source)])  # fmt: skip
    lines = [
        f"{count} answers, {int(known.right.sum())} right; each data set judged by weights fitted on the others.",
        "",
        "| how sure | Brier score |",
        "|---|--:|",
        f"| always the share that was right elsewhere | {brier(base, ours[1]):.3f} |",
        f"| judged weights | {brier(*judged):.3f} |",
        f"| fitted weights | {brier(*ours):.3f} |",
        "",
        "| told | n | told on average | right | 90 % interval |",
        "|---|--:|--:|--:|---|",
    ]
    for low, high in pairwise(_BINS):
        inside = (ours[0] >= low) & (ours[0] < high)
        n, hits = int(inside.sum()), int(ours[1][inside].sum())
        if n:
            worst, best = wilson(hits, n)
            lines.append(f"| {low:.2f} to {high:.2f} | {n} | {ours[0][inside].mean():.2f} | {hits / n:.2f} | {worst:.2f} to {best:.2f} |")  # fmt: skip
    return "\n".join(lines)


def main(argv: Sequence[str] | None = None) -> int:
    """0 when done, 2 when the data is absent."""
    parser = argparse.ArgumentParser(prog="python -m evals.benchmarks.fit_confidence", description=__doc__)
    parser.add_argument("--write", type=Path, metavar="PAGE", help="put the tables between the markers of a page")
    args = parser.parse_args(argv)
    try:
        known = answers(data_folder())
    except BenchmarkError as error:
        print(error, file=sys.stderr)
        return 2
    text = markdown(known)
    print(text)
    for name, present, after in zip(NAMES, fitted_part(SURENESS), fitted(known), strict=True):
        print(f"  {name}: present {present:.2f}, fitted {after:.2f}")
    if args.write:
        write(args.write, text, part="confidence")
    return 0


if __name__ == "__main__":
    sys.exit(main())
