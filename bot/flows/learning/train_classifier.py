"""Once a quarter: learn what the misses have in common, and keep it only when it predicts better than the rate alone."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import cast

from bot.core.grading import agreement
from bot.core.misses import (
    FEWEST_LABELS,
    Concentration,
    Example,
    MissLine,
    concentrations,
    examples,
    macro_f1,
    quarter_of,
    telling,
    theme_names,
    too_few,
)
from bot.ports import (
    AuditEntry,
    ClassifierRecord,
    Clock,
    Embedder,
    Judged,
    Learned,
    MissLearner,
    Store,
)

FEWEST_UNSEEN = 10
"""Graded calls since the last classifier, before the two are held against each other."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LastQuarter:
    """The classifier in use and the new one, on calls that neither had seen; a few are not compared at all."""

    quarter: str
    brier: float
    brier_new: float
    macro_f1: float
    macro_f1_new: float
    n: int

    @property
    def compared(self) -> bool:
        """On enough calls to tell."""
        return self.n >= FEWEST_UNSEEN


@dataclass(frozen=True, slots=True, kw_only=True)
class Training:
    """What came of one training."""

    quarter: str
    labels: int
    misses: int
    shipped: bool
    why: str
    new: Judged | None = None
    base: Judged | None = None
    gain: tuple[float, float, float] | None = None
    """How much lower the Brier score is than the base rate's, with its 95 % interval."""
    last: LastQuarter | None = None
    told: tuple[str, ...] = ()
    """Where misses concentrate and what goes with them, in sentences."""
    corners: tuple[Concentration, ...] = ()
    penalty: float | None = None


async def train_classifier(
    *, store: Store, embedder: Embedder, learner: MissLearner, clock: Clock, scheduled: bool = False
) -> Training:
    """
    Train on every graded call, and write it down beside the trainings before; the newest that shipped is the one in use.

    Below 30 graded calls nothing is trained and nothing is written.
    """
    async with store.transaction() as tx:
        known = examples(await tx.calls(), judge=agreement(await tx.judge_pairs()))
        used = await tx.classifier_in_use()
    now = clock.now()
    quarter, misses = quarter_of(now), sum(one.miss for one in known)
    if len(known) < FEWEST_LABELS:
        return Training(quarter=quarter, labels=len(known), misses=misses, shipped=False, why=too_few(len(known)))
    vectors = await embedder.embed([one.text for one in known])
    learned = await learner.learn(known, vectors, embedder=embedder.name)
    last = _against(used, learned, known, vectors, embedder.name)
    shipped, why = decide(learned.new, learned.base, learned.gain, last)
    names = theme_names([one.text for one in known], learned.clusters)
    corners = concentrations(known, [names.get(one, "") for one in learned.clusters])
    training = Training(
        quarter=quarter,
        labels=len(known),
        misses=misses,
        shipped=shipped,
        why=why,
        new=learned.new,
        base=learned.base,
        gain=learned.gain,
        last=last,
        told=_told(corners, learned if shipped else None),
        corners=corners,
        penalty=learned.penalty,
    )
    await _keep(training, learned, scheduled=scheduled, store=store, now=now)
    return training


async def train_if_due(*, store: Store, embedder: Embedder, learner: MissLearner, clock: Clock) -> Training | None:
    """
    Once per calendar quarter over all replicas: a quarter has one record that the clock asked for.

    None when this quarter was trained already, by whomever, or too few calls are graded yet; then a later day of the quarter tries again.
    """
    async with store.transaction() as tx:
        newest = await tx.classifiers(limit=1)
    if newest and newest[0].quarter == quarter_of(clock.now()):
        return None
    training = await train_classifier(store=store, embedder=embedder, learner=learner, clock=clock, scheduled=True)
    return training if training.labels >= FEWEST_LABELS else None


def decide(
    new: Judged | None, base: Judged | None, measured_gain: tuple[float, float, float] | None, last: LastQuarter | None
) -> tuple[bool, str]:
    """Whether a training ships, and why: it has to beat the base rate, and the classifier in use where there is one."""
    if new is None or base is None or measured_gain is None:
        return False, "No fold has enough calls before it to learn from; the base rate stays."
    gain, low, _ = measured_gain
    measured = f"Brier {new.brier:.3f} against {base.brier:.3f} of the base rate, n={new.n}"
    if low <= 0:
        return False, f"It is not shown to predict better than the base rate ({measured}); the prior stays."
    if new.macro_f1 <= base.macro_f1:
        return False, f"It calls misses no better than the base rate ({measured}); the prior stays."
    if last is not None:
        stays = _stays(last)
        if stays:
            return False, stays
    return True, f"It predicts better than the base rate by {gain:.3f} ({measured})."


def _stays(last: LastQuarter) -> str:
    """Why the one in use is kept; empty when the new one is better."""
    if not last.compared:
        return (
            f"The classifier of {last.quarter} stays until the two can be compared on {FEWEST_UNSEEN} calls that neither "
            f"had seen (n={last.n})."
        )
    if last.brier_new < last.brier and last.macro_f1_new >= last.macro_f1:
        return ""
    against = (
        f"Brier {last.brier_new:.3f} against {last.brier:.3f}, "
        f"macro-F1 {last.macro_f1_new:.3f} against {last.macro_f1:.3f}, n={last.n}"
    )
    return f"The classifier of {last.quarter} is not beaten on calls it had not seen ({against}); it stays."


def _against(
    record: ClassifierRecord | None,
    learned: Learned,
    known: Sequence[Example],
    vectors: Sequence[Sequence[float]],
    embedder: str,
) -> LastQuarter | None:
    """On the calls that were graded after the last training and tested out of fold now; None for another embedder's."""
    line = line_of(record.body) if record else None
    if record is None or line is None or line.embedder != embedder:
        return None
    unseen = [one for one in learned.unseen if known[one[0]].known_at > record.trained_at]
    old = [line.chance(known[place].numbers, vectors[place]) for place, _, _ in unseen]
    new, rates = [chance for _, chance, _ in unseen], [rate for _, _, rate in unseen]
    real = [known[place].miss for place, _, _ in unseen]
    return LastQuarter(
        quarter=record.quarter,
        brier=_brier(old, real),
        brier_new=_brier(new, real),
        # As for the base rate: a call is called a miss from the rate known at the time on.
        macro_f1=macro_f1([one > rate for one, rate in zip(old, rates, strict=True)], real),
        macro_f1_new=macro_f1([one > rate for one, rate in zip(new, rates, strict=True)], real),
        n=len(real),
    )


def _brier(chances: Sequence[float], real: Sequence[bool]) -> float:
    """0 of no calls; those are never compared."""
    return sum((one - miss) ** 2 for one, miss in zip(chances, real, strict=True)) / max(1, len(real))


def _told(corners: Sequence[Concentration], learned: Learned | None) -> tuple[str, ...]:
    # What a line that predicts nothing leans on is noise, so it is told only of one that ships.
    strengths = telling(learned.strengths) if learned is not None else ()
    return (*(f"misses concentrate in {corner.words}" for corner in corners), *strengths)


async def _keep(training: Training, learned: Learned, *, scheduled: bool, store: Store, now: datetime) -> None:
    body: dict[str, object] = {
        "why": training.why,
        "misses": training.misses,
        "told": list(training.told),
        "corners": [asdict(corner) for corner in training.corners],
        "penalty": training.penalty,
        "new": asdict(training.new) if training.new else None,
        "base": asdict(training.base) if training.base else None,
        "gain": list(training.gain) if training.gain else None,
        "last": asdict(training.last) if training.last else None,
        "line": asdict(learned.line) if training.shipped else None,
    }
    record = ClassifierRecord(
        quarter=training.quarter,
        trained_at=now,
        labels=training.labels,
        shipped=training.shipped,
        scheduled=scheduled,
        body=body,
    )
    entry = AuditEntry(
        actor="aiops",
        action="classifier.shipped" if training.shipped else "classifier.kept",
        target=training.quarter,
        detail={"labels": training.labels, "misses": training.misses, "why": training.why},
    )
    async with store.transaction() as tx:
        # Two replicas may have trained at the same time; the first one's word counts.
        if await tx.add_classifier(record):
            await tx.audit([entry], now=now)


def why_of(body: Mapping[str, object]) -> str:
    """Why a training ships or does not, in a sentence."""
    return str(body.get("why") or "")


def told_of(body: Mapping[str, object]) -> tuple[str, ...]:
    """Where misses concentrate and what goes with them, in sentences."""
    return tuple(str(one) for one in cast("Sequence[object]", body.get("told") or ()))


async def show_classifier(
    *, store: Store, limit: int = 8
) -> tuple[ClassifierRecord | None, Sequence[ClassifierRecord]]:
    """The classifier in use, if there is one, and the newest trainings."""
    async with store.transaction() as tx:
        return await tx.classifier_in_use(), await tx.classifiers(limit=limit)


def line_of(body: Mapping[str, object]) -> MissLine | None:
    """The stored line; None when there is none. A feature that it was not fitted on weighs nothing in it."""
    stored = body.get("line")
    if not isinstance(stored, Mapping):
        return None
    line = cast("Mapping[str, object]", stored)
    return MissLine(
        numbers=cast("Mapping[str, float]", line["numbers"]),
        vector=tuple(cast("Sequence[float]", line["vector"])),
        offset=cast("float", line["offset"]),
        embedder=cast("str", line["embedder"]),
    )
