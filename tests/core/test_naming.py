"""A cause in words that begins with the blamed release names it; anything less is left open."""

from dataclasses import replace

import pytest

from bot.core.hypothesis import Suspect
from bot.core.naming import names_release
from tests.support.labels import assessment

BLAMED = replace(
    assessment("checkout deploy 2.31.0 shows up in what failed").hypotheses[0],
    suspect=Suspect(service="checkout", change_id="deploy-checkout-2.31.0"),
)


@pytest.mark.parametrize(
    ("cause", "named"),
    [
        ("checkout 2.31 leaks connections in retry path", "checkout 2.31"),
        ("Checkout v2.31.0 leaks", "Checkout 2.31.0"),
        ("the release of checkout 2.31.0 leaks", "checkout 2.31.0"),
        ("checkout release 2.31 leaks", "checkout 2.31"),
        ("checkout 2.30 leaks", ""),
        ("checkout 2.3 leaks", ""),
        ("payments 2.31 leaks", ""),
        ("checkout leaks connections", ""),
        ("it began after checkout 2.31 went out; a certificate had expired", ""),
        ("checkout 2.31 was not it, a certificate had expired", ""),
        ("", ""),
    ],
)
def test_only_words_that_begin_with_service_and_version_name_the_release(cause, named):
    assert names_release(cause, BLAMED) == named


def test_without_a_blamed_change_nothing_is_named():
    assert names_release("checkout 2.31 leaks", None) == ""
    assert names_release("checkout 2.31 leaks", replace(BLAMED, suspect=Suspect(service="checkout"))) == ""
