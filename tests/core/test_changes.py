from dataclasses import replace

import pytest

from bot.core.changes import Symptom, Traits, backing, change_words, numbers_shown, score, shared_words, words_of
from bot.core.diffs import Nature
from bot.core.weights import WEIGHTS

PLAIN = Traits(
    recent=0.5,
    relation=0.7,
    own=0.5,
    named=0.0,
    risk=0.4,
    fits=0.0,
    words=0.2,
    numbers=0.0,
    harmless=0.0,
    read=False,
    late=0.0,
)


@pytest.mark.parametrize("trait", ["recent", "relation", "own", "named", "risk", "words", "numbers"])
def test_more_of_what_points_to_a_change_never_lowers_its_score(trait):
    assert score(replace(PLAIN, **{trait: 1.0})) > score(PLAIN)


@pytest.mark.parametrize("trait", ["harmless", "late"])
def test_what_clears_a_change_lowers_its_score(trait):
    assert score(replace(PLAIN, **{trait: 1.0})) < score(PLAIN)


def test_nearness_in_time_alone_never_beats_a_dangerous_change_that_shows_in_what_failed():
    decoy = replace(PLAIN, recent=1.0, risk=0.1, words=0.0)
    culprit = replace(PLAIN, recent=0.02, risk=0.9, words=0.6)

    assert score(culprit) > score(decoy)


def test_a_change_that_is_merely_there_gains_nothing_from_its_service_failing():
    """Else the latest release of whatever alerts is to blame, however old it is and whatever failed."""
    there = replace(PLAIN, recent=0.0, own=1.0, risk=0.5, words=0.0)

    assert score(there) < 0
    assert score(replace(there, named=1.0)) > score(there) + WEIGHTS.named
    assert score(replace(there, recent=1.0)) > score(there) + WEIGHTS.recent


@pytest.mark.parametrize("what", [{"named": 1.0}, {"risk": 0.9}, {"words": 0.9}, {"numbers": 1.0}])
def test_what_a_change_does_and_where_it_shows_speak_for_it_and_its_time_does_not(what):
    bare = replace(PLAIN, words=0.0)

    assert backing(bare) == backing(replace(bare, recent=1.0, own=1.0)) == 0
    assert 0.5 < backing(replace(bare, **what)) < 1


def nature(*words, moved=()):
    return Nature(risk=0.5, reasons=(), words=frozenset(words), moved=moved)


def test_words_that_every_change_holds_tell_less():
    symptom = Symptom(words=frozenset({"checkout", "voucher"}), weight=1.0)
    own = frozenset({"checkout", "voucher"})
    others = [frozenset({"checkout"})] * 5

    _, shown = shared_words(own, others, [symptom], frozenset())

    assert shown[0] == "voucher"


def test_a_services_own_name_is_no_link():
    symptom = Symptom(words=words_of("payments timed out"), weight=1.0)

    assert shared_words(change_words(nature("payments")), [], [symptom], words_of("payments")) == (0.0, ())


def test_a_metric_that_went_from_the_old_value_to_the_new_one_shows_the_change():
    moved = nature(moved=((50.0, 10.0),))

    assert numbers_shown(moved, [Symptom(words=frozenset(), weight=0.5, levels=(50.0, 10.0))]) == 1
    assert numbers_shown(moved, [Symptom(words=frozenset(), weight=0.5, levels=(50.0, 49.0))]) == 0
