"""A kind of change is held against what it looks like when it goes wrong."""

import pytest

from bot.core.mechanisms import fits


@pytest.mark.parametrize(
    ("reason", "shown", "other"),
    [
        ("no longer ends with its scope what it opens", "accept: too many open files", "certificate has expired"),
        ("locks something else", "deadlock detected", "no such host"),
        ("asks in a way that no index serves", "slow query: 4 s", "certificate has expired"),
        ("lowers read_timeout from 6 to 1", "read timed out after 1 s", "disk is full"),
        ("lowers memory from 2Gi to 1Gi", "container was killed: OOM", "no such host"),
        ("raises batch_size from 100 to 5000", "message too large", "no such host"),
        ("takes access or a resource away", "connect timed out", "heap grows"),
        ("keeps numbers in a smaller type", "value out of range", "no such host"),
        ("tries again", "429 too many requests", "certificate has expired"),
    ],
)
def test_a_change_fits_what_fails_as_its_kind_fails(reason, shown, other):
    assert fits([reason], [(other, 0.9), (shown, 0.6)]) == 0.6
    assert fits([reason], [(other, 0.9)]) == 0.0


def test_of_a_change_that_says_nothing_of_itself_nothing_is_expected():
    assert fits([], [("deadlock detected", 0.9)]) == fits(["rewrites code"], [("deadlock detected", 0.9)]) == 0.5


def test_the_best_of_several_reasons_counts():
    assert fits(["locks something else", "tries again"], [("429 too many requests", 0.7)]) == 0.7
