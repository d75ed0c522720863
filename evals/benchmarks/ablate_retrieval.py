"""
`python -m evals.benchmarks.ablate_retrieval`: what each part of finding runbooks and past incidents is worth.

Each row takes one part away and leaves the rest as it ships; nothing is fitted again. With `--write` the tables go between their
markers in docs/explanation/accuracy.md.
"""

import argparse
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from bot.core import matching, similar
from bot.core.similar import Likeness
from evals.benchmarks.fit_retrieval import best_scores
from evals.benchmarks.report import write
from evals.benchmarks.retrieval import KINDS, Floats, Reports, Runbooks, read_reports, read_runbooks, recall, weights_of
from evals.benchmarks.table import BenchmarkError, data_folder
from evals.benchmarks.vectors import Embedding

PAGE = Path(__file__).parents[2] / "docs" / "explanation" / "accuracy.md"
_WITHOUT: Mapping[str, Sequence[str]] = {
    "nothing": (),
    "meaning (vectors)": ("meaning",),
    "folders of services": ("folder",),
    "titles as the beginning of names": ("prefix", "metric_prefix"),
    "both of these two": ("folder", "prefix", "metric_prefix"),
    "mentions of the alert's name": ("mention",),
    "exact names and mentions": ("name", "mention"),
    "descriptions": ("description",),
    "metrics": ("metrics",),
    "words that stand together": ("pairs",),
}


def runbook_table(known: Runbooks) -> str:
    """R@1 / R@3 of the four questions."""
    parts = (known.named, known.bare, known.hard, known.service)
    lines = [
        "| the matcher without | all | names removed everywhere | hard part, one team | by service |",
        "|---|---|---|---|---|",
    ]
    for said, kinds in _WITHOUT.items():
        weights = without(kinds)
        lines.append(f"| {said} | {' | '.join(_both(recall(part, weights)) for part in parts)} |")
    return "\n".join([*lines, "", f"n = {', '.join(str(len(part)) for part in parts)}."])


def without(kinds: Sequence[str]) -> Floats:
    """The shipped weights with some at zero."""
    return np.array(
        [0.0 if name in kinds else weight for name, weight in zip(KINDS, weights_of(matching.Weights()), strict=True)]
    )


def incident_table(reports: Reports) -> str:
    """Where causes are found by their symptoms, before the floor, and how the floor decides."""
    shipped = Likeness()
    tried = {
        "nothing": shipped,
        "meaning in the order": replace(shipped, meaning=0.0),
        "repeated words of the question (k3 = 0)": replace(shipped, k3=0.0),
        "length counting nearly in full (b = 0.75 for 0.9)": replace(shipped, b=0.75),
        "late saturation (k1 = 1.2 for 1.5)": replace(shipped, k1=1.2),
        "meaning in the score": replace(shipped, share=0.0),
        "words in the score": replace(shipped, share=1.0),
    }
    lines = ["| the ranking without | R@1 / R@3 / MRR | foreign alerts shown something | right first matches kept |", "|---|---|--:|--:|"]  # fmt: skip
    for said, likeness in tried.items():
        places = np.array(reports.places(likeness))
        figures = [float(np.mean(places < 1)), float(np.mean(places < 3)), float(np.mean(1 / (1 + places)))]
        decided = " | ".join(_short(float(np.mean([one >= similar.FLOOR for one in each]))) for each in best_scores(reports, likeness))  # fmt: skip
        lines.append(f"| {said} | {' / '.join(map(_short, figures))} | {decided} |")
    return "\n".join([*lines, "", f"n = {len(reports.asked)} symptoms among {len(reports.incidents)} causes, {len(reports.foreign)} foreign alerts."])  # fmt: skip


def _both(figures: tuple[float, float]) -> str:
    return " / ".join(map(_short, figures))


def _short(figure: float) -> str:
    return f"{figure:.2f}".removeprefix("0")


def main() -> int:
    """0 when done, 2 when the data or the embedding model is absent."""
    parser = argparse.ArgumentParser(prog="python -m evals.benchmarks.ablate_retrieval", description=__doc__)
    parser.add_argument("part", nargs="?", choices=("runbooks", "incidents"), help="one of the two; default: both")
    parser.add_argument("--write", action="store_true", help="put the tables into docs/explanation/accuracy.md")
    args = parser.parse_args()
    embedding: Embedding | None = None
    try:
        model = embedding = Embedding()
        tables: Mapping[str, Callable[[], str]] = {
            "runbooks": lambda: runbook_table(read_runbooks(data_folder(), model)),
            "incidents": lambda: incident_table(read_reports(data_folder(), model)),
        }
        for name, make in tables.items():
            if args.part in {None, name}:
                text = make()
                print(text, flush=True)
                if args.write:
                    write(PAGE, text, part=f"ablation-{name}")
    except BenchmarkError as error:
        print(error, file=sys.stderr)
        return 2
    finally:
        if embedding is not None:
            embedding.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
