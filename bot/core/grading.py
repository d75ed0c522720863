"""
How good a hypothesis was, held against the cause that people recorded.

Only the first hypothesis counts: it is what a responder acts on, and counting lower ranks would reward long lists. A
person's grade wins over a deterministic match, and that over a judge. What the recorded fields cannot decide stays
open, for a judge that reads the texts or for nobody.
"""

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from bot.core.hypothesis import CauseClass, Hypothesis
from bot.core.outcome import HARMFUL_FROM, HELPFUL_FROM, Call, Grade, GradedBy, OutcomeForm

KAPPA_FLOOR = 0.6
"""Below this agreement a judge's grades stay out of the headline: "substantial" begins above 0.60 in Landis and Koch,
Biometrics 33 (1977)."""

FEWEST_PAIRS = 30
"""Pairs of a person's and a judge's grade before the agreement is believed. With agreement of 0.7 by sight and 0.25 by
chance the standard error of kappa is sqrt(0.7 · 0.3 / 30) / 0.75 = 0.11, so 0.6 measured on 30 pairs excludes 0.4, which is
merely "moderate", with 95 % on that side; with 15 pairs it does not."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """What the first hypothesis blamed."""

    cause_class: CauseClass
    component: str = ""
    change_id: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Match:
    """The outcome of holding fields against fields; no grade where only the texts can decide."""

    grade: Grade | None
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Chosen:
    """The grade that counts, and whose it is."""

    grade: Grade
    by: GradedBy


@dataclass(frozen=True, slots=True, kw_only=True)
class Agreement:
    """How far a judge grades as people do."""

    kappa: float | None
    """Cohen's, unweighted; None without pairs, or when both always gave one and the same grade."""
    observed: float | None
    """Share of pairs with the same grade."""
    n: int

    @property
    def trusted(self) -> bool:
        """Enough pairs, and agreement enough, for judged grades to count in the headline."""
        return self.n >= FEWEST_PAIRS and self.kappa is not None and self.kappa >= KAPPA_FLOOR


def said(hypotheses: Sequence[Hypothesis]) -> Said | None:
    """What the first hypothesis blamed; None without hypotheses."""
    if not hypotheses:
        return None
    first = min(hypotheses, key=lambda one: one.rank)
    suspect = first.suspect
    return Said(
        cause_class=first.cause_class,
        component=suspect.service if suspect else "",
        change_id=(suspect.change_id or "") if suspect else "",
    )


def abstained(what: Said | None) -> bool:
    """
    No hypothesis, or the first one says that it cannot tell.

    "Nothing is wrong" (no_cause) is no abstention: it is a claim that sends people back to bed, and can be wrong.
    """
    return what is None or what.cause_class is CauseClass.UNKNOWN


def helpful(grade: Grade | None) -> bool:
    """Grade 65 or better."""
    return grade is not None and grade >= HELPFUL_FROM


def exact(grade: Grade | None) -> bool:
    """The cause itself."""
    return grade is Grade.EXACT


def harmful(grade: Grade | None, confidence: float) -> bool:
    """The wrong area, said with a confidence (0 to 1) of at least 0.7."""
    return grade is Grade.WRONG and confidence >= HARMFUL_FROM


def match(what: Said | None, form: OutcomeForm, *, services: Collection[str] = ()) -> Match:
    """
    Grade by component, change and class alone; the whole table is in docs/explanation/learning.md.

    `services`: the names of the catalogue, if there is one. A recorded component that is not among them is taken for
    prose, so that "the orders database" against `orders-db` is left open rather than called wrong.
    """
    if what is None or abstained(what) or not form.established:
        return Match(grade=None, reason=_nothing_to_compare(form))
    if CauseClass.NO_CAUSE in {what.cause_class, form.cause_class}:
        return _nothing_wrong(what, form)
    if _same(what.change_id, form.change_id):
        return Match(grade=Grade.EXACT, reason=f"the change that was blamed, {what.change_id}, is the recorded one")
    return _by_component(what, form, services)


def _nothing_to_compare(form: OutcomeForm) -> str:
    if not form.established:
        return "no root cause was established, so there is nothing to compare with"
    return "no cause was named, which counts as an abstention and not as a miss"


def _nothing_wrong(what: Said, form: OutcomeForm) -> Match:
    if form.cause_class is None:
        return Match(grade=None, reason="nothing was said to be wrong, and no cause class was recorded")
    if what.cause_class is form.cause_class:
        return Match(grade=Grade.EXACT, reason="nothing was said to be wrong, and nothing was")
    if form.cause_class is CauseClass.NO_CAUSE:
        return Match(grade=Grade.WRONG, reason=f"a cause was named ({what.cause_class}) where nothing was wrong")
    if form.cause_class is CauseClass.UNKNOWN:
        return Match(grade=None, reason="nothing was said to be wrong, and the class of the cause is not known")
    return Match(grade=Grade.WRONG, reason=f"nothing was said to be wrong, and {form.cause_class} was")


def _by_component(what: Said, form: OutcomeForm, services: Collection[str]) -> Match:
    same = _same_component(what.component, form.component, services)
    if same is None:
        return Match(grade=None, reason="the component was not recorded or not named in a comparable way")
    if not same:
        return Match(grade=Grade.WRONG, reason=f"{what.component} was blamed, and {form.component} was at fault")
    if _same(what.change_id, form.change_id) is False:
        return Match(
            grade=Grade.AREA, reason=f"the right component, {form.component}, but another change than {form.change_id}"
        )
    return _right_component(what, form)


def _right_component(what: Said, form: OutcomeForm) -> Match:
    where = f"the right component, {form.component}"
    if form.cause_class is None or form.cause_class is CauseClass.UNKNOWN:
        return Match(grade=None, reason=f"{where}, but no class was recorded")
    if what.cause_class is form.cause_class:
        return _right_class(what, form)
    if CauseClass.DEPENDENCY in {what.cause_class, form.cause_class}:
        # Seen from the service that suffers it is a dependency; seen from inside it has a class of its own.
        return Match(grade=Grade.NEAR, reason=f"{where} as a failing dependency, one hop from what was wrong inside it")
    return Match(grade=Grade.AREA, reason=f"{where}, but {what.cause_class} instead of {form.cause_class}")


def _right_class(what: Said, form: OutcomeForm) -> Match:
    where = f"the right component, {form.component}, and class"
    if form.change_id:
        return Match(grade=Grade.NEAR, reason=f"{where}, without naming the change {form.change_id}")
    if what.change_id:
        return Match(grade=Grade.NEAR, reason=f"{where}; that {what.change_id} did it was not recorded")
    return Match(grade=Grade.EXACT, reason=f"{where}, and neither names a change")


def _same(one: str, other: str) -> bool | None:
    left, right = one.strip().casefold(), other.strip().casefold()
    return left == right if left and right else None


def _same_component(blamed: str, recorded: str, services: Collection[str]) -> bool | None:
    left, right = _component(blamed), _component(recorded)
    if not left or not right:
        return None
    if left != right and services and right not in {_component(name) for name in services}:
        return None
    return left == right


def _component(name: str) -> str:
    return re.sub(r"[\s_]+", "-", name.strip().strip("`*").casefold())


def choose_grade(person: Grade | None, matched: Grade | None, judged: Grade | None) -> Chosen | None:
    """The grade that counts: a person's, else the match, else the judge's; None when nobody could say."""
    given = ((person, GradedBy.PERSON), (matched, GradedBy.MATCH), (judged, GradedBy.JUDGE))
    return next((Chosen(grade=grade, by=by) for grade, by in given if grade is not None), None)


def agreement(pairs: Sequence[tuple[Grade, Grade]]) -> Agreement:
    """
    Cohen's kappa of a person's and a judge's grades (Educational and Psychological Measurement 20, 1960).

    Unweighted over the four points: calling a miss helpful is no smaller a fault for being one step away.
    """
    n = len(pairs)
    if n == 0:
        return Agreement(kappa=None, observed=None, n=0)
    observed = sum(one is other for one, other in pairs) / n
    ones, others = [one for one, _ in pairs], [other for _, other in pairs]
    by_chance = sum(ones.count(grade) * others.count(grade) for grade in Grade) / (n * n)
    kappa = None if by_chance >= 1 else (observed - by_chance) / (1 - by_chance)
    return Agreement(kappa=kappa, observed=observed, n=n)


def judge_agreement(calls: Sequence[Call]) -> Agreement:
    """
    The agreement over those of these calls that both a person and a judge have graded.

    For calls that are all there is. Who reads a part of the past takes the pairs of all of it (`agreement`), so that every
    reader trusts the same judge.
    """
    return agreement(
        [
            (call.person_grade, call.judge_grade)
            for call in calls
            if call.person_grade is not None and call.judge_grade is not None
        ]
    )


def counting(calls: Sequence[Call], judge: Agreement) -> tuple[Call, ...]:
    """The calls whose grade counts in the headline: graded, established, not abstained, and judged only if trusted."""
    return tuple(call for call in calls if call.counted and (judge.trusted or call.graded_by is not GradedBy.JUDGE))
