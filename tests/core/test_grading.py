import random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import cohen_kappa_score

from bot.core.grading import (
    FEWEST_PAIRS,
    Agreement,
    Said,
    abstained,
    agreement,
    choose_grade,
    counting,
    exact,
    harmful,
    helpful,
    judge_agreement,
    match,
    said,
)
from bot.core.hypothesis import CauseClass, Confidence, Hypothesis, Suspect
from bot.core.outcome import Grade, GradedBy, OutcomeForm
from tests.support.histories import labelled

C = CauseClass
GRADES = st.sampled_from(list(Grade))
TRUSTED = Agreement(kappa=0.8, observed=0.85, n=40)
UNTRUSTED = Agreement(kappa=0.5, observed=0.7, n=40)


def hypothesis_of(cause_class, suspect=None, *, rank=1):
    return Hypothesis(
        rank=rank,
        title="t",
        cause_class=cause_class,
        suspect=suspect,
        claims=(),
        confidence=Confidence(value=0.8, raw=0.8, labels=0, basis=""),
        disconfirming_check="",
    )


def blamed(cause_class=C.DEPLOY, component="cart", change_id=""):
    return Said(cause_class=cause_class, component=component, change_id=change_id)


def truth(cause_class=None, component="", change_id="", *, established=True):
    return OutcomeForm(
        cause="in words", cause_class=cause_class, component=component, change_id=change_id, established=established
    )


TABLE = [
    ("the very change", blamed(change_id="dep-1"), truth(C.DEPLOY, "cart", "dep-1"), 100),
    ("the very change, all else left open", blamed(change_id="dep-1"), truth(change_id="dep-1"), 100),
    ("the very change, however it is written", blamed(change_id="DEP-1"), truth(change_id=" dep-1 "), 100),
    ("another change of the same component", blamed(change_id="dep-2"), truth(C.DEPLOY, "cart", "dep-1"), 35),
    ("another change of another component", blamed(change_id="dep-2"), truth(C.DEPLOY, "ads", "dep-1"), 0),
    ("another change, component left open", blamed(change_id="dep-2"), truth(C.DEPLOY, "", "dep-1"), None),
    ("component and class, change not named", blamed(), truth(C.DEPLOY, "cart", "dep-1"), 65),
    ("component and class, change not recorded", blamed(change_id="dep-2"), truth(C.DEPLOY, "cart"), 65),
    ("component and class, no change at all", blamed(C.CAPACITY), truth(C.CAPACITY, "cart"), 100),
    ("component under another spelling", blamed(C.CAPACITY, "Shopping_Cart"), truth(C.CAPACITY, "shopping cart"), 100),
    ("component, another class", blamed(C.CAPACITY), truth(C.CONFIG, "cart"), 35),
    ("component, class left open", blamed(), truth(None, "cart"), None),
    ("component, class unknown", blamed(), truth(C.UNKNOWN, "cart"), None),
    ("the dependency, not what is wrong in it", blamed(C.DEPENDENCY), truth(C.CAPACITY, "cart"), 65),
    ("what is recorded as a dependency, with a class", blamed(C.CAPACITY), truth(C.DEPENDENCY, "cart"), 65),
    ("another component of the same class", blamed(C.CAPACITY), truth(C.CAPACITY, "ads"), 0),
    ("another component", blamed(C.CAPACITY), truth(C.CONFIG, "ads"), 0),
    ("no component was blamed", blamed(C.NETWORK, ""), truth(C.NETWORK, "cart"), None),
    ("no component was recorded", blamed(C.NETWORK), truth(C.NETWORK), None),
    ("only words were recorded", blamed(), truth(), None),
    ("nothing wrong, and nothing was", blamed(C.NO_CAUSE, ""), truth(C.NO_CAUSE), 100),
    ("nothing wrong, and something was", blamed(C.NO_CAUSE, ""), truth(C.DEPLOY, "cart"), 0),
    ("nothing wrong, against words", blamed(C.NO_CAUSE, ""), truth(), None),
    ("nothing wrong, against an unknown class", blamed(C.NO_CAUSE, ""), truth(C.UNKNOWN), None),
    ("a cause where nothing was wrong", blamed(change_id="dep-1"), truth(C.NO_CAUSE), 0),
    ("cannot tell", blamed(C.UNKNOWN, ""), truth(C.DEPLOY, "cart", "dep-1"), None),
    ("no hypothesis", None, truth(C.DEPLOY, "cart", "dep-1"), None),
    ("no root cause established", blamed(change_id="dep-1"), truth(established=False), None),
]


@pytest.mark.parametrize(("_case", "what", "form", "grade"), TABLE, ids=[row[0] for row in TABLE])
def test_fields_are_held_against_fields(_case, what, form, grade):
    got = match(what, form)

    assert got.grade == grade
    assert got.reason


def test_a_component_in_prose_is_left_open_when_the_catalogue_does_not_know_it():
    form = truth(C.CAPACITY, "the orders database")

    assert match(blamed(C.CAPACITY, "orders-db"), form, services=["orders-db", "cart"]).grade is None
    assert match(blamed(C.CAPACITY, "orders-db"), truth(C.CAPACITY, "cart"), services=["orders-db", "cart"]).grade == 0
    assert match(blamed(C.CAPACITY, "orders-db"), form).grade == 0


def test_only_the_first_hypothesis_counts_wherever_it_stands():
    right = hypothesis_of(C.DEPLOY, Suspect(service="cart", change_id="dep-1"), rank=2)
    first = hypothesis_of(C.CAPACITY, Suspect(service="ads"))

    assert said([right, first]) == Said(cause_class=C.CAPACITY, component="ads", change_id="")
    assert said([right]) == Said(cause_class=C.DEPLOY, component="cart", change_id="dep-1")
    assert said([hypothesis_of(C.NETWORK)]) == Said(cause_class=C.NETWORK)
    assert said([]) is None


def test_abstaining_is_naming_no_cause_and_nothing_wrong_is_a_claim():
    assert abstained(None)
    assert abstained(said([hypothesis_of(C.UNKNOWN), hypothesis_of(C.DEPLOY, rank=2)]))
    assert not abstained(said([hypothesis_of(C.NO_CAUSE)]))


@given(st.none() | GRADES, st.floats(0, 1))
def test_the_words_for_grades_agree_with_those_of_a_call(grade, confidence):
    call = labelled(grade, confidence=min(max(confidence, 0.01), 0.99))

    assert helpful(grade) == call.helpful == (grade is not None and grade >= 65)
    assert harmful(grade, call.confidence) == call.harmful
    assert exact(grade) == (grade == 100)


@pytest.mark.parametrize(("grade", "confidence", "expected"), [(0, 0.7, True), (0, 0.69, False), (35, 0.99, False)])
def test_harmful_is_the_wrong_area_said_with_confidence(grade, confidence, expected):
    assert harmful(Grade(grade), confidence) is expected


@given(st.none() | GRADES, st.none() | GRADES, st.none() | GRADES)
def test_a_persons_grade_wins_over_a_match_and_that_over_a_judge(person, matched, judged):
    got = choose_grade(person, matched, judged)
    given_by = {GradedBy.PERSON: person, GradedBy.MATCH: matched, GradedBy.JUDGE: judged}
    first = next((by for by, grade in given_by.items() if grade is not None), None)

    assert (got.by if got else None) == first
    assert got is None or got.grade is given_by[got.by]


@given(st.lists(st.tuples(GRADES, GRADES), min_size=1, max_size=80))
def test_agreement_is_cohens_kappa(pairs):
    got = agreement(pairs)
    people, judges = [int(one) for one, _ in pairs], [int(other) for _, other in pairs]

    assert got.n == len(pairs)
    if len({*people, *judges}) == 1:
        assert got.kappa is None
    else:
        assert got.kappa == pytest.approx(cohen_kappa_score(people, judges, labels=[0, 35, 65, 100]))


def test_agreement_by_hand():
    """Ten pairs, eight alike; by chance 0.5 · 0.5 + 0.5 · 0.5, so kappa is (0.8 - 0.5) / (1 - 0.5)."""
    pairs = [(Grade.EXACT, Grade.EXACT)] * 4 + [(Grade.WRONG, Grade.WRONG)] * 4
    pairs += [(Grade.EXACT, Grade.WRONG), (Grade.WRONG, Grade.EXACT)]

    assert agreement(pairs) == Agreement(kappa=pytest.approx(0.6), observed=0.8, n=10)


def test_no_pairs_agree_about_nothing():
    assert agreement([]) == Agreement(kappa=None, observed=None, n=0)
    assert not agreement([]).trusted


def test_a_judge_is_trusted_from_thirty_pairs_and_a_kappa_of_six_tenths_on():
    assert Agreement(kappa=0.6, observed=0.7, n=FEWEST_PAIRS).trusted
    assert not Agreement(kappa=0.59, observed=0.7, n=200).trusted
    assert not Agreement(kappa=0.95, observed=0.97, n=FEWEST_PAIRS - 1).trusted
    assert not Agreement(kappa=None, observed=1.0, n=200).trusted


def test_thirty_pairs_are_enough_to_tell_a_trusted_judge_from_a_moderate_one():
    """The reason for the number: measured 0.6 on 30 pairs, resampled, is above 0.4 with 95 %; on 15 it is not."""

    def low(n):
        chance = random.Random(7)
        alike, apart = [(grade, grade) for grade in Grade], [(Grade.EXACT, Grade.NEAR), (Grade.AREA, Grade.WRONG)]
        pairs = [alike[place % 4] for place in range(round(n * 0.7))]
        pairs += [apart[place % 2] for place in range(n - len(pairs))]
        draws = sorted(agreement(chance.choices(pairs, k=n)).kappa or 0 for _ in range(2000))
        return draws[100]

    assert low(30) == pytest.approx(0.42, abs=0.03)
    assert low(30) > 0.4 > low(15)


def test_only_calls_that_both_have_graded_make_pairs():
    calls = [
        labelled(Grade.EXACT, person_grade=Grade.EXACT, judge_grade=Grade.NEAR),
        labelled(Grade.EXACT, person_grade=Grade.EXACT),
        labelled(Grade.NEAR, judge_grade=Grade.NEAR, graded_by=GradedBy.JUDGE),
    ]

    assert judge_agreement(calls).n == 1


def test_judged_grades_count_only_when_the_judge_is_trusted():
    by_person, by_match = labelled(Grade.NEAR), labelled(Grade.WRONG, graded_by=GradedBy.MATCH)
    by_judge = labelled(Grade.EXACT, graded_by=GradedBy.JUDGE)

    assert counting([by_person, by_judge, by_match], UNTRUSTED) == (by_person, by_match)
    assert counting([by_person, by_judge, by_match], TRUSTED) == (by_person, by_judge, by_match)


def test_what_has_no_grade_no_cause_or_no_claim_does_not_count():
    calls = [labelled(None), labelled(Grade.WRONG, established=False), labelled(Grade.WRONG, abstained=True)]

    assert counting(calls, TRUSTED) == ()
