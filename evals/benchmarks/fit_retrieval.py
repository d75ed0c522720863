"""
`python -m evals.benchmarks.fit_retrieval`: fit what finds runbooks and past incidents, beside what ships.

Prints, never writes: a person decides and rounds. The parts: weights of the matcher by a search, weight by weight, for the best mean
reciprocal rank; how sure a match is by logistic regression; BM25 and the share of meaning for past incidents by
trying each; both floors. Groups of alerts and sources of reports are held out in turn, so that none is judged by its own fit.
"""

import argparse
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import fields, replace
from itertools import product

import numpy as np
from numpy.typing import NDArray

from bot.core import matching, similar
from bot.core.similar import Likeness
from evals.benchmarks.retrieval import (  # fmt: skip
    FOLDS,
    KINDS,
    WORDY,
    Choice,
    Floats,
    Reports,
    Runbooks,
    read_reports,
    read_runbooks,
    recall,
    weights_of,
)
from evals.benchmarks.table import BenchmarkError, data_folder
from evals.benchmarks.vectors import Embedding

_ROUNDS, _STEPS = 8, (0.25, 0.5, 0.8, 1.25, 2.0, 4.0)
# A gain in mean reciprocal rank smaller than one place of one alert in a thousand is none.
_GAIN = 0.0005
# A normal prior around zero for weights in units of logits, weak beside hundreds of questions.
_SD = 10.0
_BEST_OF = 3
_TRIED: Mapping[str, Sequence[float]] = {
    "k1": (1.2, 1.5, 2.0),
    "b": (0.75, 0.9, 1.0),
    "k3": (0.0, 3.0, 8.0),
    "meaning": (0.0, 0.4, 0.8, 1.2),
}
_SHARES = (0.0, 0.2, 0.4, 0.5, 0.6, 0.7, 0.8, 1.0)


def fold_of(group: str) -> int:
    """A group is always in the same fold, whatever else there is."""
    return sum(group.encode()) % FOLDS


def searched(asked: Sequence[Choice]) -> Floats:
    """
    Weights with the best mean reciprocal rank, one weight after another, until none of the steps gains anything.

    A rank has no slope, and likelihood, which has, is a poor stand-in: its weights rank worse. From ones, with what the sender
    says in words a tenth of that, since a text has many words and lies in one folder.
    """
    weights = np.array([0.1 if name in KINDS[:WORDY] else 1.0 for name in KINDS])
    scored = _Scored(asked, weights)
    best = scored.mean_reciprocal_rank()
    for _ in range(_ROUNDS):
        before = best
        for kind, step in product(range(len(KINDS)), _STEPS):
            moved = weights[kind] * (step - 1)
            found = scored.mean_reciprocal_rank(kind, moved)
            if found > best + _GAIN:
                best = found
                scored.move(kind, moved)
                weights[kind] += moved
        if best == before:
            break
    return weights


class _Scored:
    """Alerts with the scores of all runbooks under weights that change one at a time."""

    def __init__(self, asked: Sequence[Choice], weights: Floats) -> None:
        self._asked = [one for one in asked if one.right.any()]
        self._scores = [one.evidence @ weights for one in self._asked]

    def mean_reciprocal_rank(self, kind: int = 0, moved: float = 0.0) -> float:
        """With one weight moved. Of equals the right one is the last."""
        ranks = [
            np.count_nonzero(scores >= scores[one.right].max())
            for one, scores in zip(self._asked, self._moved(kind, moved), strict=True)
        ]
        return float(np.mean([1 / rank for rank in ranks])) if ranks else 0.0

    def move(self, kind: int, moved: float) -> None:
        """Keep one weight's move."""
        self._scores = list(self._moved(kind, moved))

    def _moved(self, kind: int, moved: float) -> Iterator[Floats]:
        for one, scores in zip(self._asked, self._scores, strict=True):
            yield scores + moved * one.evidence[:, kind]


def fitted_logistic(traits: Floats, right: Floats) -> Floats:
    """Constant and weights of a logistic regression by Newton's method, with the same weak prior."""
    rows = np.column_stack([np.ones(len(traits)), traits])
    weights = np.zeros(rows.shape[1])
    for _ in range(50):
        chance = 1 / (1 + np.exp(-np.clip(rows @ weights, -30, 30)))
        slope = rows.T @ (right - chance) - weights / _SD**2
        bend = (rows * (chance * (1 - chance))[:, None]).T @ rows + np.eye(len(weights)) / _SD**2
        weights += np.linalg.solve(bend, slope)
    return weights


def held_out(asked: Sequence[Choice]) -> list[tuple[Choice, Floats]]:
    """Each alert with the weights that were fitted without its group."""
    fits = [searched([one for one in asked if fold_of(one.group) != fold]) for fold in range(FOLDS)]
    return [(one, fits[fold_of(one.group)]) for one in asked]


def matcher(known: Runbooks) -> Iterator[str]:
    """Weights of the matcher, those found made as large as those shipped."""
    asked = [*known.named, *known.bare, *known.hard, *known.service]
    shipped, whole = weights_of(matching.Weights()), searched(asked)
    unit = float(shipped @ whole) / float(whole @ whole)
    yield "matcher, shipped and fitted: " + ", ".join(
        f"{name} {ours:g} / {theirs * unit:.2g}" for name, ours, theirs in zip(KINDS, shipped, whole, strict=True)
    )
    fits = {id(one): weights for one, weights in held_out(asked)}
    for name, part in (("named", known.named), ("bare", known.bare), ("hard", known.hard), ("service", known.service)):
        alone = [recall([one], fits[id(one)]) for one in part]
        first, third = np.mean(alone, axis=0) if alone else (0.0, 0.0)
        ours = recall(part, shipped)
        yield f"  {name} (n = {len(part)}), R@1 / R@3: shipped {ours[0]:.3f} / {ours[1]:.3f}, fitted, group held out {first:.3f} / {third:.3f}"  # fmt: skip


def certainty(known: Runbooks) -> Iterator[str]:
    """How sure a match is, and what the floor lets through; matches by name are certain and left out of the fit."""
    shipped = weights_of(matching.Weights())
    right = [one.traits[0] for one in (*known.named, *known.bare) if one.traits and recall([one], shipped)[0] > 0]
    rows = np.array([each[:-1] for each in (*right, *(one.traits[0] for one in known.none)) if not each[-1]])
    truth = np.array([1.0] * sum(not each[-1] for each in right) + [0.0] * (len(rows) - sum(not each[-1] for each in right)))  # fmt: skip
    constant, *weights = fitted_logistic(rows, truth)
    ours = matching.SURE
    yield "certainty, shipped and fitted: " + ", ".join(
        f"{name} {ours[name]:g} / {value:.2g}"
        for name, value in zip(("constant", "alike", "placed", "words"), (constant, *weights), strict=True)
    )
    yield from _floors(
        [_sure(one.traits[0]) for one in known.none],
        [_sure(one.traits[0]) for one in known.named if one.traits and recall([one], shipped)[0] > 0],
        matching.FLOOR,
        "runbook",
    )


def _sure(traits: Floats) -> float:
    """As shipped; a match by name is certain."""
    ours = matching.SURE
    logit = ours["constant"] + float(traits[:-1] @ [ours["alike"], ours["placed"], ours["words"]])
    return 1.0 if traits[-1] else float(1 / (1 + np.exp(-logit)))


def past(reports: Reports) -> Iterator[str]:
    """BM25 and the share of meaning: each setting is tried; the choice is judged on sources that had no part in it."""
    tried = [Likeness(**dict(zip(_TRIED, values, strict=True))) for values in product(*_TRIED.values())]
    places = {one: np.array(reports.places(one)) for one in tried}
    folds = np.array([fold_of(str(row["id"])) for row in reports.asked])

    def score(one: Likeness, chosen: NDArray[np.bool_]) -> float:
        return float(np.mean(1 / (1 + places[one][chosen])))

    everything = folds >= 0
    order = sorted(tried, key=lambda one: -score(one, everything))
    for name, one in (("shipped", replace(Likeness(), share=tried[0].share)), *((f"best {at}", each) for at, each in enumerate(order[:_BEST_OF], start=1))):  # fmt: skip
        told = ", ".join(f"{each.name} {getattr(one, each.name):g}" for each in fields(one) if each.name in _TRIED)
        yield f"past incidents, {name}: {told}: R@1 {np.mean(places[one] < 1):.3f}, MRR {score(one, everything):.3f}"
    chosen = [max(tried, key=lambda one: score(one, folds != fold)) for fold in range(FOLDS)]
    held = np.concatenate([places[one][folds == fold] for fold, one in enumerate(chosen)])
    yield f"  chosen without the fold that is judged: R@1 {np.mean(held < 1):.3f}, MRR {np.mean(1 / (1 + held)):.3f}"


def past_floor(reports: Reports) -> Iterator[str]:
    """The share of meaning in the score, by how well it tells right first matches from foreign alerts; then the floor."""
    for share in _SHARES:
        foreign, right = best_scores(reports, replace(Likeness(), share=share))
        apart = float(np.mean([[one > other for other in foreign] for one in right]))
        mark = " (shipped)" if share == Likeness().share else ""
        yield f"score with {share:g} of meaning{mark}: a right first match is above a foreign alert in {apart:.3f}"
    yield from _floors(*best_scores(reports, Likeness()), similar.FLOOR, "past incident")


def best_scores(reports: Reports, likeness: Likeness) -> tuple[list[float], list[float]]:
    """Of foreign alerts the best score; of those whose first match is right, that match's."""
    records = reports.records.weighed(likeness)
    foreign = [reports.order(records, text, near) for text, near in zip(reports.foreign, reports.foreign_alike, strict=True)]  # fmt: skip
    found = [(row["id"], reports.order(records, row["symptom_text"], near)) for row, near in zip(reports.asked, reports.alike, strict=True)]  # fmt: skip
    return (
        [max((score for _, score in order), default=0.0) for order in foreign],
        [order[0][1] for name, order in found if order and order[0][0] == name],
    )


def _floors(foreign: Sequence[float], right: Sequence[float], shipped: float, what: str) -> Iterator[str]:
    for floor in sorted({*np.round(np.arange(0.1, 0.75, 0.05), 2).tolist(), shipped}):
        shown, kept = (
            float(np.mean([one >= floor for one in scores])) if scores else 0.0 for scores in (foreign, right)
        )
        mark = " (shipped)" if floor == shipped else ""
        yield f"  {what} floor {floor:.2f}{mark}: shown for {shown:.2f} of {len(foreign)} foreign alerts, keeps {kept:.2f} of {len(right)} right first matches"  # fmt: skip


def main() -> int:
    """0 when done, 2 when the data or the embedding model is absent."""
    parser = argparse.ArgumentParser(prog="python -m evals.benchmarks.fit_retrieval", description=__doc__)
    parser.add_argument("part", nargs="?", choices=("runbooks", "incidents"), help="one of the two; default: both")
    part = parser.parse_args().part
    embedding: Embedding | None = None
    try:
        embedding = Embedding()
        if part != "incidents":
            known = read_runbooks(data_folder(), embedding)
            for line in (*matcher(known), *certainty(known)):
                print(line, flush=True)
        if part != "runbooks":
            reports = read_reports(data_folder(), embedding)
            for line in (*past(reports), *past_floor(reports)):
                print(line, flush=True)
    except BenchmarkError as error:
        print(error, file=sys.stderr)
        return 2
    finally:
        if embedding is not None:
            embedding.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
