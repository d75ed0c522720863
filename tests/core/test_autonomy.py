import random
from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from bot.core.autonomy import judge_level
from bot.core.intervals import beta_interval
from bot.core.outcome import Grade, GradedBy
from bot.core.policy import Level
from tests.support.histories import BEGIN, labelled

ADVISORY, APPROVED, AUTONOMOUS = Level.ADVISORY, Level.APPROVED, Level.AUTONOMOUS
KINDS = {
    "+": (Grade.EXACT, 0.8),
    "-": (Grade.AREA, 0.8),
    "x": (Grade.WRONG, 0.5),
    "!": (Grade.WRONG, 0.9),
}
"""Helped; missed; missed without being sure; harmful."""


def past(word, *, first=0):
    """One labelled call a day, in the order of the letters; blanks are skipped."""
    marks = word.replace(" ", "")
    return [labelled(KINDS[mark][0], day=first + day, confidence=KINDS[mark][1]) for day, mark in enumerate(marks)]


TABLE = [
    ("", ADVISORY, 0),
    ("+" * 11, ADVISORY, 11),
    ("+" * 12, AUTONOMOUS, 12),
    # One miss in thirteen leaves a lower bound of 73.6 %, one in fourteen of 75.2 %.
    ("-" + "+" * 12, ADVISORY, 13),
    ("-" + "+" * 13, AUTONOMOUS, 14),
    ("--" + "+" * 18, ADVISORY, 20),
    ("--" + "+" * 19, AUTONOMOUS, 21),
    # One or two misses after the rise are no reason to fall; three in a row are.
    ("+" * 12 + "--", AUTONOMOUS, 14),
    ("+" * 12 + "---", ADVISORY, 0),
    ("+" * 12 + "xxx", ADVISORY, 0),
    ("+" * 12 + "--+--", AUTONOMOUS, 17),
    # One harmful call is.
    ("+" * 12 + "!", ADVISORY, 0),
    ("+" * 200 + "!", ADVISORY, 0),
    # After three misses twelve good ones earn it back; after a harmful one it has to be out of the last twenty.
    ("+" * 12 + "---" + "+" * 11, ADVISORY, 11),
    ("+" * 12 + "---" + "+" * 12, AUTONOMOUS, 12),
    ("+" * 12 + "!" + "+" * 12, ADVISORY, 12),
    ("+" * 12 + "!" + "+" * 19, ADVISORY, 19),
    ("+" * 12 + "!" + "+" * 20, AUTONOMOUS, 20),
    # The same from the start.
    ("!" + "+" * 19, ADVISORY, 19),
    ("!" + "+" * 20, AUTONOMOUS, 20),
    # What came before a fall does not help to rise: fifty good ones and three misses are not made good by two.
    ("+" * 50 + "---" + "++", ADVISORY, 2),
    # A fall on the way up starts the count anew.
    ("+" * 12 + "---" + "+" * 6 + "---" + "+" * 11, ADVISORY, 11),
    # A slow decline without three misses in a row: 10 of the last 20.
    ("+" * 12 + "-+" * 10, ADVISORY, 0),
]


@pytest.mark.parametrize(("word", "level", "n"), TABLE, ids=[row[0][-40:] or "nothing" for row in TABLE])
def test_levels_are_earned_slowly_and_lost_at_once(word, level, n):
    got = judge_level(past(word), AUTONOMOUS)

    assert got.level is level
    if n:
        assert got.n == n


@pytest.mark.parametrize("allowed", [ADVISORY, APPROVED, AUTONOMOUS])
def test_no_more_is_earned_than_the_configuration_allows(allowed):
    assert judge_level(past("+" * 30), allowed).level is allowed
    assert judge_level(past("+" * 30 + "!"), allowed).level is ADVISORY


def test_the_lower_bound_is_that_of_the_interval_since_the_last_drop():
    interval = beta_interval(12, 13)
    assert interval is not None

    assert judge_level(past("-" + "+" * 12), AUTONOMOUS).lower_bound == interval.low
    assert judge_level(past("+" * 30 + "---" + "-" + "+" * 12), AUTONOMOUS).lower_bound == interval.low
    assert judge_level([], AUTONOMOUS).lower_bound is None
    assert judge_level(past("+" * 30 + "!"), AUTONOMOUS).lower_bound is None


@pytest.mark.parametrize(
    ("word", "why"),
    [
        ("", "0 of the 12 labelled incidents that are needed"),
        ("+" * 7, "7 of the 12 labelled incidents that are needed"),
        ("-" + "+" * 12, "12 of 13 labelled incidents helped, which may mean no more than 73%; 75% is needed"),
        ("-" + "+" * 13, "earned: 13 of 14 labelled incidents helped, so at least 75% of the time (90 % interval), none of the last 20 harmful"),
        (
            "+" * 12 + "---",
            "advice only since 2026-06-15: 3 misses in a row; since then 0 of the 12 labelled incidents that are needed",
        ),
        (
            "+" * 12 + "!" + "+" * 15,
            (
                "advice only since 2026-06-13: a wrong area was named with 90% confidence; since then 15 of 15 helped, "
                "but INC-12 among the last 20 labelled was harmful"
            ),
        ),
    ],
)  # fmt: skip
def test_the_reason_is_told_in_plain_words(word, why):
    assert judge_level(past(word), AUTONOMOUS).why == why


def test_a_miss_that_pushes_harm_out_of_sight_does_not_raise_but_the_next_hit_does():
    waiting = judge_level(past("!" + "+" * 19 + "-"), AUTONOMOUS)

    assert (waiting.level, waiting.n) == (ADVISORY, 20)
    assert waiting.why.endswith("since then 19 of 20 helped; the next one that helps earns it")
    assert judge_level(past("!" + "+" * 19 + "-+"), AUTONOMOUS).level is AUTONOMOUS


def test_a_class_that_may_never_rise_is_told_so():
    assert "allows no more than advice" in judge_level(past("+" * 30), ADVISORY).why


def test_a_drop_names_its_moment_and_its_incidents():
    misses = judge_level(past("+" * 12 + "---" + "++"), AUTONOMOUS)
    harm = judge_level(past("+" * 12 + "!" + "++"), AUTONOMOUS)
    slow = judge_level(past("+" * 12 + "-+" * 10), AUTONOMOUS)

    assert misses.because == ("INC-12", "INC-13", "INC-14")
    assert misses.since == BEGIN + timedelta(days=14, hours=1)
    assert harm.because == ("INC-12",)
    assert len(slow.because) == 3
    assert "of the last 20 labelled calls helped" in slow.why


def test_a_rise_names_its_moment():
    assert judge_level(past("+" * 15), AUTONOMOUS).since == BEGIN + timedelta(days=11, hours=1)
    assert judge_level(past("+" * 11), AUTONOMOUS).since is None


def test_a_setback_before_any_rise_changes_no_level():
    got = judge_level(past("+" * 5 + "---" + "+"), AUTONOMOUS)

    assert (got.level, got.since, got.n) == (ADVISORY, None, 1)
    assert "3 misses in a row" in got.why


def test_misses_are_counted_in_the_order_of_their_labels():
    """Three misses posted apart and labelled one after the other are the latest three that people know of."""
    calls = past("+-+++-+++++-++++")
    late = BEGIN + timedelta(days=40)
    missed = [call for call in calls if not call.helpful]
    calls = [call for call in calls if call.helpful] + [
        replace(call, labelled_at=late + timedelta(hours=place)) for place, call in enumerate(missed)
    ]

    assert judge_level(calls, AUTONOMOUS).because == tuple(call.incident_id for call in missed)


def test_calls_that_were_posted_before_a_drop_do_not_count_towards_the_next_rise():
    """Their labels come later, but they were made under the trust that failed."""
    calls = past("+" * 12 + "---")
    late = BEGIN + timedelta(days=30)
    before = [replace(call, incident_id=f"L{place}", labelled_at=late + timedelta(hours=place)) for place, call in enumerate(calls[:12])]  # fmt: skip

    assert judge_level([*calls, *before], AUTONOMOUS).n == 0
    assert judge_level([*calls, *past("+" * 12, first=20)], AUTONOMOUS).level is AUTONOMOUS


def test_a_corrected_label_corrects_the_standing():
    calls = past("+" * 12 + "!")
    corrected = [*calls[:-1], replace(calls[-1], grade=Grade.NEAR)]

    assert judge_level(calls, AUTONOMOUS).level is ADVISORY
    assert judge_level(corrected, AUTONOMOUS).level is AUTONOMOUS


def test_abstentions_and_unestablished_causes_are_neither_hits_nor_misses():
    quiet = [
        labelled(Grade.WRONG, day=50, confidence=0.9, abstained=True),
        labelled(Grade.WRONG, day=51, confidence=0.9, established=False),
        labelled(None, day=52),
    ]

    assert judge_level([*past("+" * 12), *quiet], AUTONOMOUS).level is AUTONOMOUS
    assert judge_level([*past("+" * 11), *quiet], AUTONOMOUS).n == 11


def test_a_judge_can_take_autonomy_and_never_give_it():
    def judged(calls):
        return [replace(call, graded_by=GradedBy.JUDGE) for call in calls]

    assert judge_level(judged(past("+" * 30)), AUTONOMOUS).n == 0
    assert judge_level([*past("+" * 12), *judged(past("!", first=20))], AUTONOMOUS).level is ADVISORY
    assert judge_level([*past("+" * 12 + "--"), *judged(past("+", first=20)), *past("-", first=30)], AUTONOMOUS).level is ADVISORY  # fmt: skip


WORDS = st.text(alphabet="+++++++++-x!", max_size=80)


@settings(max_examples=200, deadline=None)
@given(WORDS)
def test_whatever_happened_autonomy_stands_on_its_rule(word):
    got = judge_level(past(word), AUTONOMOUS)
    interval = beta_interval(sum(call.helpful for call in past(word)[-got.n :]), got.n) if got.n else None

    assert got.level in {ADVISORY, AUTONOMOUS}
    assert got.lower_bound == (interval.low if interval else None)
    if got.level is AUTONOMOUS:
        assert got.n >= 12
        assert not word.endswith(("!", "---", "xxx"))
        # Harm since the rise would have ended it, and harm shortly before would have prevented it.
        assert "!" not in word[-got.n :]


@settings(max_examples=200, deadline=None)
@given(WORDS)
def test_one_harmful_call_ends_it_whatever_came_before(word):
    got = judge_level(past(word + "!"), AUTONOMOUS)

    assert (got.level, got.n) == (ADVISORY, 0)


@settings(max_examples=100, deadline=None)
@given(WORDS)
def test_after_anything_twenty_good_calls_bring_it_back_and_eleven_do_not(word):
    assert judge_level(past(word + "---" + "+" * 20), AUTONOMOUS).level is AUTONOMOUS
    assert judge_level(past(word + "---" + "+" * 11), AUTONOMOUS).level is ADVISORY


@settings(max_examples=100, deadline=None)
@given(WORDS, st.integers(0, 1000))
def test_the_order_in_which_calls_are_handed_over_does_not_matter(word, seed):
    calls = past(word)
    shuffled = random.Random(seed).sample(calls, len(calls))

    assert judge_level(shuffled, AUTONOMOUS) == judge_level(calls, AUTONOMOUS)


@settings(max_examples=100, deadline=None)
@given(WORDS)
@example("!" + "+" * 19)
def test_one_more_miss_never_raises_a_level(word):
    before, after = judge_level(past(word), AUTONOMOUS).level, judge_level(past(word + "-"), AUTONOMOUS).level

    assert not (before is ADVISORY and after is AUTONOMOUS)
