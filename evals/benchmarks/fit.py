"""
`python -m evals.benchmarks.fit`: fit the weights of the offline analyst, and say whether the fit is worth having.

A conditional logit over the candidates of each incident (D. McFadden, 1974), with a normal prior around judged weights, so that few
incidents move them little. Judged by leaving one incident out. Reads RootCauseBench; prints weights, never writes them: a person decides.
"""

import asyncio
import sys
from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from bot.agent.analyst import candidates
from bot.agent.causes import Candidate, Case
from bot.core.changes import Traits, bystander, dated, score
from bot.core.weights import WEIGHTS
from evals.benchmarks import rca_changes
from evals.benchmarks.table import BenchmarkError, data_folder, share
from evals.runner import Run, make_desk, run_cases

Floats = NDArray[np.float64]

NAMES = (
    "recent",
    "relation",
    "own",
    "named",
    "risk",
    "fits",
    "words",
    "both",
    "numbers",
    "harmless",
    "late",
    "bystander",
)
# What was judged before any fit; the prior's middle.
JUDGED = (1.0, 1.0, 0.6, 1.0, 3.0, 2.0, 1.0, 1.5, 1.5, 1.0, 2.4, 2.0, 1.8)
_SD = 0.5
_STEPS, _RATE = 400, 0.05


@dataclass(frozen=True, slots=True)
class Question:
    """The candidates of one incident: traits of changes, fixed scores of the others, and which are right."""

    traits: Floats
    fixed: Floats
    right: NDArray[np.bool_]


def question(run: Run, blamed: str) -> Question:
    """What the analyst had to choose from."""
    subject = run.case.delivery.alerts[0]
    depends = tuple(
        dict.fromkeys(one.service for one in run.pack.evidence if one.facts.get("relation") == "dependency")
    )
    words = "\n".join([subject.name, subject.summary, subject.annotations.get("description", "")])
    found = candidates(
        run.pack, Case(service=subject.service, onset=subject.starts_at, dependencies=depends, words=words)
    )
    rows = [_row(one.traits) if one.traits is not None else np.zeros(len(NAMES)) for one in found]
    present = np.array([getattr(WEIGHTS, name) for name in NAMES])
    # What the weights do not explain of a score stays as it is: penalties of the whole pack, and the other candidates.
    fixed = np.array([one.score for one in found]) - np.array(rows) @ present
    return Question(np.array(rows), fixed, np.array([_right(one, blamed) for one in found]))


def _row(traits: Traits) -> Floats:
    known = {
        "recent": dated(traits),  "relation": traits.relation, "own": traits.own, "named": traits.named,
        "risk": traits.risk - WEIGHTS.usual_risk, "fits": traits.risk * (traits.fits - WEIGHTS.usual_fit), "words": traits.words, "both": traits.risk * traits.words,
        "numbers": traits.numbers, "harmless": -traits.harmless, "late": -traits.late,
        "bystander": -bystander(traits),
    }  # fmt: skip
    assert abs(sum(getattr(WEIGHTS, name) * known[name] for name in NAMES) - score(traits)) < 1e-6
    return np.array([known[name] for name in NAMES])


def _right(one: Candidate, blamed: str) -> bool:
    named = one.suspect.change_id if one.suspect is not None else None
    return named is None if blamed == rca_changes.NONE else named is not None and rca_changes.same(named, blamed)


def fitted(questions: Sequence[Question], prior: Floats) -> Floats:
    """Weights and sharpness at the posterior mode, by gradient ascent."""
    now = prior.copy()
    for _ in range(_STEPS):
        slope = -(now - prior) / _SD**2
        for one in questions:
            scores = one.fixed + one.traits @ now[:-1]
            chance = _softmax(now[-1] * scores)
            aim = chance * one.right
            aim = aim / max(aim.sum(), 1e-12) if one.right.any() else chance
            slope[:-1] += now[-1] * ((aim - chance) @ one.traits)
            slope[-1] += (aim - chance) @ scores
        now = now + _RATE * slope / (1 + len(questions) / 8)
    return now


def _softmax(scores: Floats) -> Floats:
    powers = np.exp(scores - scores.max())
    return powers / powers.sum()


def answered(one: Question, weights: Floats) -> bool:
    """Whether the best candidate is a right one."""
    return bool(one.right[int(np.argmax(one.fixed + one.traits @ weights[:-1]))])


def chance_of(one: Question, weights: Floats) -> float:
    """The share that the right candidates get."""
    return float(_softmax(weights[-1] * (one.fixed + one.traits @ weights[:-1]))[one.right].sum())


def main() -> int:
    """0 when done, 2 when the data is absent."""
    try:
        incidents = list(rca_changes.load(data_folder()))
    except BenchmarkError as error:
        print(error, file=sys.stderr)
        return 2
    runs = asyncio.run(run_cases([rca_changes.case_of(one) for one in incidents], make_desk()))
    asked = [question(run, one["ground_truth"]["root_cause_commit"]) for run, one in zip(runs, incidents, strict=True)]
    prior = np.array(JUDGED)
    present = np.array([*(getattr(WEIGHTS, name) for name in NAMES), WEIGHTS.sharpness])
    left_out = [fitted([*asked[:place], *asked[place + 1 :]], prior) for place in range(len(asked))]
    for name, weights in (
        ("judged", [prior] * len(asked)),
        ("present", [present] * len(asked)),
        ("fitted, each incident left out once", left_out),
    ):
        right = share(name, sum(map(answered, asked, weights)), len(asked))
        loss = -float(
            np.mean([np.log(max(chance_of(one, its), 1e-9)) for one, its in zip(asked, weights, strict=True)])
        )
        print(
            f"{name}: {right.figure:.2f} right of {right.n} ({right.low:.2f} to {right.high:.2f}), log loss {loss:.3f}"
        )
    whole = fitted(asked, prior)
    for name, before, after in zip((*NAMES, "sharpness"), present, whole, strict=True):
        print(f"  {name}: present {before:.2f}, fitted {after:.2f}")
    unfitted = [one.name for one in fields(WEIGHTS) if one.name not in {*NAMES, "sharpness"}]
    print(f"  not fitted: {', '.join(unfitted)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
