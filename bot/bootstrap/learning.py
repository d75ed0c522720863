"""What is learned without anybody asking, and the review of what went wrong, bound to their adapters."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from functools import partial

from bot.bootstrap.hands import Hands
from bot.flows.learning.autonomy import Review, review_class, review_named
from bot.flows.learning.refit import refit_if_due
from bot.ports import CalibrationFit


@dataclass(frozen=True, slots=True, kw_only=True)
class Learning:
    """Every verb, bound."""

    refit_if_due: Callable[[], Awaitable[CalibrationFit | None]]
    review_class: Callable[[str], Awaitable[Sequence[Review]]]
    """By alert class; an empty name means all."""
    review_named: Callable[[Sequence[str]], Awaitable[Review]]
    """By incident id."""


def bind_learning(hands: Hands) -> Learning:
    """With the store and the clock."""
    return Learning(
        refit_if_due=partial(refit_if_due, store=hands.store, clock=hands.clock),
        review_class=partial(review_class, store=hands.store),
        review_named=partial(review_named, store=hands.store),
    )
