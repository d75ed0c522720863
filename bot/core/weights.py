"""The weights of the offline analyst. See the docstring of `Weights` for where they come from."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Weights:
    """
    Weights of a change's traits and of the other candidates, on a log-odds scale.

    Those from `recent` to `late` were fitted on the 16 development incidents of RootCauseBench by `python -m evals.benchmarks.fit`, with a
    normal prior (sd 0.5) around judged values, which they hardly left. The others are judged: each can be halved or doubled
    without a different answer on that data, so the data does not tell them better. Fitted sharpness is 2.2; 1.8 is kept, since
    incidents of other systems will be less clear.
    """

    recent: float = 0.97
    relation: float = 1.02
    own: float = 0.63
    named: float = 0.92
    risk: float = 3.18
    usual_risk: float = 0.3
    words: float = 1.00
    both: float = 1.54
    numbers: float = 1.51
    harmless: float = 1.10
    late: float = 1.20
    sign_base: float = 1.0
    """A cause that the systems name themselves, however quietly."""
    sign: float = 3.0
    root: float = 1.0
    """A dependency that the ranking of components put at the root."""
    unexplained: float = 2.0
    """That diffs were read and nothing dangerous was in them."""
    sharpness: float = 1.8
    """How much a point of score decides, in the softmax over candidates."""


WEIGHTS = Weights()
