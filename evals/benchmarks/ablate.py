"""
`python -m evals.benchmarks.ablate`: what each part of the offline analyst is worth, by answering the development data without it.

A part is switched off in this process alone, by putting something that knows nothing in its place. `--write PAGE` puts the tables
between the markers of a page.
"""

import argparse
import asyncio
import sys
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bot.agent import analyst, blame, causes, findings, healed, roots
from bot.core import components, diffs
from bot.core.diffs import Nature, read_change
from bot.core.weights import WEIGHTS
from evals import scorers
from evals.benchmarks import diff_reading, invented, rca_changes, rca_components, rca_healthy
from evals.benchmarks.report import write
from evals.benchmarks.table import BenchmarkError, data_folder
from evals.casefile import load_cases
from evals.runner import Run, make_desk, run_cases


@dataclass(frozen=True, slots=True, kw_only=True)
class Off:
    """A part: what is put in its place while it is off."""

    name: str
    swaps: Sequence[tuple[object, str, object]] = ()
    """Owner, name, and what to put there."""
    weights: Sequence[str] = ()
    """Weights of the analyst that become 0."""


def _unread(facts: Mapping[str, object]) -> Nature:
    return read_change(str(facts.get("kind", "deploy")), str(facts.get("title", "")), "")


def _none(*_: object) -> list[object]:
    return []


def _nothing(*_: object) -> None:
    return None


def _nowhere(*_: object) -> tuple[float, str]:
    return 0.0, ""


def _zero(*_: object) -> float:
    return 0.0


def _one(*_: object) -> float:
    return 1.0


_SIGNS = ((causes, "signs_in", _none), (findings, "signs_in", _none))
_OVERLAP = ("words", "both", "numbers", "named")
_HARMLESS = ("harmless", "unexplained")

PARTS = (
    Off(name="nothing"),
    Off(name="reading diffs", swaps=((blame, "nature_of", _unread),)),
    Off(name="overlap with what failed", weights=_OVERLAP),
    Off(name="operational signs", swaps=_SIGNS),
    Off(name="credit for harmless diffs", weights=_HARMLESS),
    Off(name="both of these two", swaps=_SIGNS, weights=_HARMLESS),
    Off(name="reading recovery", swaps=((healed, "from_logs", _none), (healed, "from_series", _none))),
    Off(name="ranking of components", swaps=((roots, "from_components", _none),)),
    Off(name="nearness in time", weights=("recent",)),
    Off(name="when things began, by the evidence", swaps=((blame, "beginnings", _none),)),
    Off(name="what review stops at beyond values", swaps=((diffs, "hazards", _none),)),
    Off(name="what a rewrite loses", swaps=((diffs, "rewrites", _none),)),
    Off(name="errors that name what a change touches", swaps=((blame, "_spoken", _zero),)),
    Off(name="how a kind of change fails", weights=("fits",)),
    Off(name="releases that nobody recorded", swaps=((analyst, "unrecorded", _none),)),
    Off(name="dependencies that fail themselves", swaps=((analyst, "dependencies", _none),)),
    Off(name="dangerous changes of what fails", weights=("explained",)),
    Off(name="dependencies that are not there at all", weights=("down",)),
    Off(name="doubt about changes that are merely there", weights=("bystander",)),
)
READERS = (
    Off(name="nothing"),
    Off(name="what review stops at beyond values", swaps=((diffs, "hazards", _none),)),
    Off(name="what a rewrite loses", swaps=((diffs, "rewrites", _none),)),
    Off(name="changed values", swaps=((diffs, "changed_values", _none),)),
    Off(name="what was taken away", swaps=((diffs, "_losses", _none),)),
    Off(name="what was added", swaps=((diffs, "_gains", _none),)),
    Off(name="SQL statements", swaps=((diffs, "statement_risk", _nothing),)),
)
RANKERS = (
    Off(name="nothing"),
    Off(name="the walk along the calls", swaps=((components, "_below", _nowhere),)),
    Off(name="likeness to the alerting series", swaps=((components, "likeness", _one),)),
    Off(name="anything but the alerting series", swaps=((components, "_tells", _one),)),
    Off(name="the alerting series", swaps=((components, "_tells", _zero),)),
    Off(name="waiting, at the caller and at the called", swaps=((components, "_waits", _zero),)),
    Off(name="callers that accuse", swaps=((components, "_accused", _zero),)),
    Off(name="the floor of 5 %", swaps=((components, "_FLOOR", 0.0),)),
)


def _invented(incidents: Sequence[Mapping[str, Any]], runs: Sequence[Run]) -> list[str]:
    blamed = [one["ground_truth"]["root_cause_commit"] for one in incidents]
    named, _, innocent, _ = invented.rows("usual", list(zip(blamed, runs, strict=True)))
    return [f"{round(row.figure * row.n)} of {row.n}" for row in (named, innocent)]


@contextmanager
def without(part: Off) -> Generator[None]:
    """The part is off inside."""
    with ExitStack() as stack:
        for owner, name, instead in (*part.swaps, *((WEIGHTS, name, 0.0) for name in part.weights)):
            # Weights are frozen, which keeps the product from changing them; here they have to change for everybody who holds them.
            stack.callback(object.__setattr__, owner, name, getattr(owner, name))
            object.__setattr__(owner, name, instead)
        yield


def causes_table(data: Path, parts: Sequence[Off] = PARTS) -> str:
    """Markdown: incidents, cases and classes answered rightly without each part. Raises BenchmarkError when a data set is absent."""
    incidents = list(rca_changes.load(data))
    guilty = [one for one in incidents if one["ground_truth"]["root_cause_commit"] != rca_changes.NONE]
    bare = [rca_changes.without_culprit(one) for one in guilty]
    cases, healthy = load_cases(), list(rca_healthy.load(data))
    usual = list(invented.load(invented.FOLDER / "usual.jsonl.xz"))
    desk = make_desk()
    lines = [
        "| without | culprit named | decoy blamed | abstains | culprit taken out: innocent blamed | cases | opensre | invented: culprit named | innocent blamed |",
        "|---|--:|--:|--:|--:|--:|--:|--:|--:|",
    ]
    for part in parts:
        with without(part):
            said, alone, told, classed, new = (
                asyncio.run(run_cases(some, desk))
                for some in (
                    [rca_changes.case_of(one) for one in incidents],
                    [rca_changes.case_of(one) for one in bare],
                    cases,
                    [rca_healthy.case_of(one) for one in healthy],
                    [rca_changes.case_of(one) for one in usual],
                )
            )
        graded = rca_changes.rows(
            [(one["ground_truth"], rca_changes.named(run)) for one, run in zip(incidents, said, strict=True)]
        )
        shown = {row.name: f"{round(row.figure * row.n)} of {row.n}" for row in graded}
        blamed = sum(rca_changes.named(run) != rca_changes.NONE for run in alone)
        good = sum(scorers.right(scorers.score(run)) for run in told)
        fitting = sum(
            rca_healthy.category(run) == one["answer"]["root_cause_category"]
            for one, run in zip(healthy, classed, strict=True)
        )
        columns = [shown["RootCauseBench: culprit named"], shown["RootCauseBench: decoy blamed"],
                   shown["RootCauseBench: abstains where no change is to blame"], f"{blamed} of {len(bare)}",
                   f"{good} of {len(cases)}", f"{fitting} of {len(healthy)}", *_invented(usual, new)]  # fmt: skip
        lines.append(f"| {part.name} | {' | '.join(columns)} |")
    return "\n".join(lines)


def readers_table(parts: Sequence[Off] = READERS) -> str:
    """Markdown: how invented changes are read without each reader."""
    lines = ["| without | dangerous, read as dangerous | harmless, read as dangerous |", "|---|--:|--:|"]
    for part in parts:
        with without(part):
            found = diff_reading.rows(diff_reading.risks())
        lines.append(f"| {part.name} | {' | '.join(f'{round(one.figure * one.n)} of {one.n}' for one in found)} |")
    return "\n".join(lines)


def rankers_table(data: Path, parts: Sequence[Off] = RANKERS) -> str:
    """Markdown: components found without each ranker. Raises BenchmarkError when a data set is absent."""
    asked: Sequence[Callable[[], Iterator[tuple[list[str], str]]]] = (
        lambda: rca_components.petshop(data),
        lambda: rca_components.nezha(data, "OnlineBoutique", {}),
        lambda: rca_components.nezha(data, "OnlineBoutique", rca_components.BOUTIQUE),
    )
    lines = [
        "| without | PetShop first / three | Nezha, metrics only, first / three | Nezha with call graph, first / three |",
        "|---|--:|--:|--:|",
    ]
    for part in parts:
        with without(part):
            places = [[named.index(right) for named, right in one() if right in named] for one in asked]
        columns = [f"{sum(place < 1 for place in some)} / {sum(place < 3 for place in some)} of {len(some)}" for some in places]  # fmt: skip
        lines.append(f"| {part.name} | {' | '.join(columns)} |")
    return "\n".join(lines)


def main(argv: Sequence[str] | None = None) -> int:
    """0 when done, 2 when the data is absent."""
    parser = argparse.ArgumentParser(prog="python -m evals.benchmarks.ablate", description=__doc__)
    parser.add_argument("--write", type=Path, metavar="PAGE", help="put the tables between the markers of a page")
    args = parser.parse_args(argv)
    data = data_folder()
    try:
        tables = {
            "ablation of diffs": readers_table(),
            "ablation of causes": causes_table(data),
            "ablation of components": rankers_table(data),
        }
    except BenchmarkError as error:
        print(error, file=sys.stderr)
        return 2
    for part, text in tables.items():
        print(f"{text}\n")
        if args.write:
            write(args.write, text, part=part)
    return 0


if __name__ == "__main__":
    sys.exit(main())
