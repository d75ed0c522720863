"""Once a quarter: learn what the misses have in common, and keep it only when it predicts better than the rate alone."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import cast

from bot.core.misses import (
    FEWEST_LABELS,
    Concentration,
    Example,
    MissLine,
    concentrations,
    examples,
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
_LOOKED_BACK = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class LastQuarter:
    """The classifier in use and the new one, on calls that neither had seen."""

    quarter: str
    brier: float
    brier_new: float
    n: int


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


async def train_classifier(*, store: Store, embedder: Embedder, learner: MissLearner, clock: Clock) -> Training:
    """
    Train on every graded call, and write this quarter's record: trained again, it is replaced.

    Below 30 graded calls nothing is trained and nothing is written.
    """
    async with store.transaction() as tx:
        known = examples(await tx.calls())
        before = await tx.classifiers(limit=_LOOKED_BACK)
    now = clock.now()
    quarter, misses = quarter_of(now), sum(one.miss for one in known)
    if len(known) < FEWEST_LABELS:
        return Training(quarter=quarter, labels=len(known), misses=misses, shipped=False, why=too_few(len(known)))
    vectors = await embedder.embed([one.text for one in known])
    learned = await learner.learn(known, vectors, embedder=embedder.name)
    last = _against(in_use(before, but=quarter), learned, known, vectors, embedder.name)
    shipped, why = _decide(learned, last)
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
    await _keep(training, learned, store=store, now=now)
    return training


async def train_if_due(*, store: Store, embedder: Embedder, learner: MissLearner, clock: Clock) -> Training | None:
    """
    Once per calendar quarter over all replicas: the quarter is the record's key.

    None when this quarter has its record, or too few calls are graded yet; then a later day of the quarter tries again.
    """
    async with store.transaction() as tx:
        newest = await tx.classifiers(limit=1)
    if newest and newest[0].quarter == quarter_of(clock.now()):
        return None
    training = await train_classifier(store=store, embedder=embedder, learner=learner, clock=clock)
    return training if training.labels >= FEWEST_LABELS else None


def in_use(records: Sequence[ClassifierRecord], *, but: str = "") -> ClassifierRecord | None:
    """The newest that shipped, `but` for a quarter that is being trained again."""
    return next((one for one in records if one.shipped and one.quarter != but), None)


def _decide(learned: Learned, last: LastQuarter | None) -> tuple[bool, str]:
    if learned.new is None or learned.base is None or learned.gain is None:
        return False, "No fold has enough calls before it to learn from; the base rate stays."
    gain, low, _ = learned.gain
    measured = f"Brier {learned.new.brier:.3f} against {learned.base.brier:.3f} of the base rate, n={learned.new.n}"
    if low <= 0:
        return False, f"It is not shown to predict better than the base rate ({measured}); the prior stays."
    if learned.new.macro_f1 <= learned.base.macro_f1:
        return False, f"It calls misses no better than the base rate ({measured}); the prior stays."
    if last is not None and last.brier_new >= last.brier:
        against = f"Brier {last.brier_new:.3f} against {last.brier:.3f}, n={last.n}"
        return False, f"The classifier of {last.quarter} does as well on calls it had not seen ({against}); it stays."
    return True, f"It predicts better than the base rate by {gain:.3f} ({measured})."


def _against(
    record: ClassifierRecord | None,
    learned: Learned,
    known: Sequence[Example],
    vectors: Sequence[Sequence[float]],
    embedder: str,
) -> LastQuarter | None:
    """On the calls that were graded after the last training and tested out of fold now."""
    line = line_of(record.body) if record else None
    if record is None or line is None or line.embedder != embedder:
        return None
    unseen = [(place, chance) for place, chance in learned.unseen if known[place].known_at > record.trained_at]
    if len(unseen) < FEWEST_UNSEEN:
        return None
    old = [line.chance(known[place].numbers, vectors[place]) for place, _ in unseen]
    real = [float(known[place].miss) for place, _ in unseen]
    return LastQuarter(
        quarter=record.quarter,
        brier=sum((one - miss) ** 2 for one, miss in zip(old, real, strict=True)) / len(real),
        brier_new=sum((chance - miss) ** 2 for (_, chance), miss in zip(unseen, real, strict=True)) / len(real),
        n=len(real),
    )


def _told(corners: Sequence[Concentration], learned: Learned | None) -> tuple[str, ...]:
    # What a line that predicts nothing leans on is noise, so it is told only of one that ships.
    strengths = telling(learned.strengths) if learned is not None else ()
    return (*(f"misses concentrate in {corner.words}" for corner in corners), *strengths)


async def _keep(training: Training, learned: Learned, *, store: Store, now: datetime) -> None:
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
        quarter=training.quarter, trained_at=now, labels=training.labels, shipped=training.shipped, body=body
    )
    entry = AuditEntry(
        actor="aiops",
        action="classifier.shipped" if training.shipped else "classifier.kept",
        target=training.quarter,
        detail={"labels": training.labels, "misses": training.misses, "why": training.why},
    )
    async with store.transaction() as tx:
        await tx.put_classifier(record)
        await tx.audit([entry], now=now)


def line_of(body: Mapping[str, object]) -> MissLine | None:
    """The stored line; None when there is none, or when it was fitted on other features."""
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
