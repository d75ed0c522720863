"""Two answers to the same incidents, held against the recorded causes: won, lost, same, and how sure that is. Pure."""

import enum
from collections.abc import Sequence
from dataclasses import dataclass

from bot.core.grading import Said, abstained, helpful, match
from bot.core.hypothesis import Usage
from bot.core.intervals import PairedDifference, paired_difference
from bot.core.outcome import Grade, GradedBy, OutcomeForm


class Fate(enum.StrEnum):
    """What the new answer did to one incident."""

    WON = "won"
    LOST = "lost"
    SAME = "same"
    UNGRADED = "ungraded"
    """One of the two needs a person or a judge to be graded."""
    FAILED = "failed"
    """The model gave no answer, so nothing was compared."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What was said about one incident, and how good it was."""

    title: str
    said: Said | None
    grade: Grade | None
    by: GradedBy | None
    usage: Usage
    took_ms: int
    """In model calls."""

    @property
    def abstained(self) -> bool:
        """No cause was named."""
        return abstained(self.said)

    @property
    def known(self) -> bool:
        """It can be compared: graded, or an abstention, which helps nobody."""
        return self.grade is not None or self.abstained


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """One incident, answered twice."""

    incident_id: str
    cause: str
    old: Answer
    new: Answer
    failed: str = ""
    """Why there is no new answer."""
    not_recorded: tuple[str, ...] = ()
    """Look-ups of the new run that the kept world could not answer."""

    @property
    def fate(self) -> Fate:
        """Won or lost by helping where the other did not, else by the better grade."""
        if self.failed:
            return Fate.FAILED
        if not self.old.known or not self.new.known:
            return Fate.UNGRADED
        before, after = helpful(self.old.grade), helpful(self.new.grade)
        if before is not after:
            return Fate.WON if after else Fate.LOST
        if self.old.grade is None or self.new.grade is None or self.old.grade == self.new.grade:
            return Fate.SAME
        return Fate.WON if self.new.grade > self.old.grade else Fate.LOST


@dataclass(frozen=True, slots=True, kw_only=True)
class Totals:
    """All pairs together. Money is in US dollars, times in milliseconds."""

    compared: int
    won: int
    lost: int
    same: int
    ungraded: int
    failed: int
    helpful_old: int
    helpful_new: int
    difference: PairedDifference | None
    """Of the helpful rates, new minus old, with its 90 % interval; None when nothing could be compared."""
    not_recorded: int
    cost_old_usd: float
    cost_new_usd: float
    tokens_old: int
    tokens_new: int
    took_old_ms: int
    """Median of the pairs that were compared."""
    took_new_ms: int


def total(pairs: Sequence[Pair]) -> Totals:
    """Count the pairs. Money and tokens are of every pair, for what failed has cost something, too."""
    fates = [pair.fate for pair in pairs]
    compared = [pair for pair in pairs if pair.fate not in {Fate.UNGRADED, Fate.FAILED}]
    helped = [(helpful(pair.old.grade), helpful(pair.new.grade)) for pair in compared]
    return Totals(
        compared=len(compared),
        won=fates.count(Fate.WON),
        lost=fates.count(Fate.LOST),
        same=fates.count(Fate.SAME),
        ungraded=fates.count(Fate.UNGRADED),
        failed=fates.count(Fate.FAILED),
        helpful_old=sum(old for old, _ in helped),
        helpful_new=sum(new for _, new in helped),
        difference=paired_difference(
            both=helped.count((True, True)),
            won=helped.count((False, True)),
            lost=helped.count((True, False)),
            neither=helped.count((False, False)),
        ),
        not_recorded=sum(len(pair.not_recorded) for pair in pairs),
        cost_old_usd=sum(pair.old.usage.cost_usd for pair in pairs),
        cost_new_usd=sum(pair.new.usage.cost_usd for pair in pairs),
        tokens_old=sum(pair.old.usage.tokens for pair in pairs),
        tokens_new=sum(pair.new.usage.tokens for pair in pairs),
        took_old_ms=_median([pair.old.took_ms for pair in compared]),
        took_new_ms=_median([pair.new.took_ms for pair in compared]),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Rival:
    """What a model and the offline analyst blamed on the same facts, and what it was."""

    incident_id: str
    model: Said | None
    offline: Said | None
    form: OutcomeForm
    services: frozenset[str]
    """Of the catalogue at the time."""


def model_against_offline(rivals: Sequence[Rival]) -> PairedDifference | None:
    """
    Helpful rate of the model minus that of the offline analyst, on the incidents where fields alone can grade both.

    One measure for both: the deterministic match, whoever graded the label. An abstention helps nobody. None without pairs.
    """
    helped: list[tuple[bool, bool]] = []
    for one in rivals:
        offline, model = _matched(one.offline, one), _matched(one.model, one)
        if offline is not None and model is not None:
            helped.append((offline, model))
    return paired_difference(
        both=helped.count((True, True)),
        won=helped.count((False, True)),
        lost=helped.count((True, False)),
        neither=helped.count((False, False)),
    )


def _matched(what: Said | None, one: Rival) -> bool | None:
    """Whether it helped; None where only the texts can tell."""
    if abstained(what):
        return False
    grade = match(what, one.form, services=one.services).grade
    return None if grade is None else helpful(grade)


def difference_words(measured: PairedDifference) -> str:
    """`+12 % helpful (90 %: +2 % to +22 %, n=41)`."""
    low, high = measured.interval.low, measured.interval.high
    return f"{measured.value:+.0%} helpful (90 %: {low:+.0%} to {high:+.0%}, n={measured.n})"


def verdict(totals: Totals) -> str:
    """What may be concluded, in one sentence."""
    measured = totals.difference
    if measured is None:
        return "Nothing could be compared."
    low, high = measured.interval.low, measured.interval.high
    found = difference_words(measured)
    if low > 0:
        return f"Better: {found}."
    if high < 0:
        return f"Worse: {found}."
    return f"No difference shown: {found}."


def _median(values: Sequence[int]) -> int:
    ordered = sorted(values)
    middle = len(ordered) // 2
    if not ordered:
        return 0
    return ordered[middle] if len(ordered) % 2 else round((ordered[middle - 1] + ordered[middle]) / 2)
