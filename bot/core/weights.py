"""The weights of the offline analyst and of its confidence. See the docstrings for where they come from."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Weights:
    """
    Weights of a change's traits and of the other candidates, on a log-odds scale.

    Those from `relation` to `harmless`, but for `fits` and what is called usual, are what `python -m evals.benchmarks.fit` printed for the 16 development incidents
    of RootCauseBench: a conditional logit with a normal prior (sd 0.5) around judged values, which they hardly left. `fits`, `usual_fit`,
    `recent_read`, `late` and `dependency` were chosen by trying a few values each on those incidents, on the cases in `evals/cases/`, and on
    incidents of the same form that were invented for it and are not kept here. The others are judged.
    """

    recent: float = 1.0
    recent_read: float = 0.3
    """What is left of that where a diff was read: what a change does says more than when it came."""
    relation: float = 1.03
    own: float = 0.63
    named: float = 0.92
    risk: float = 3.17
    usual_risk: float = 0.3
    fits: float = 2.0
    usual_fit: float = 0.4
    words: float = 1.01
    both: float = 1.54
    numbers: float = 1.51
    harmless: float = 1.11
    late: float = 2.4
    bystander: float = 2.0
    """
    That nothing speaks for a change but that it is there, long before the onset. It takes back what being there gives: its place in the
    graph, symptoms that its service has anyway, and how dangerous a change of its kind usually is (0.7 relation + own + 0.2 risk).
    """
    sign_base: float = 1.0
    """A cause that the systems name themselves, however quietly."""
    sign: float = 3.0
    root: float = 1.0
    """A dependency that the ranking of components put at the root."""
    unexplained: float = 2.0
    """That diffs were read and nothing dangerous was in them."""
    dependency_base: float = 0.3
    """A dependency that fails itself, before how loudly and how early it does."""
    dependency: float = 2.8
    down: float = 2.0
    """That a dependency is not there at all."""
    explained: float = 2.0
    """That a dangerous change of the dependency, or of what it is a part of, tells why it fails."""
    capacity_base: float = -0.6
    """A limit that is reached, before how loudly it is told."""
    capacity: float = 1.8
    quiet: float = 1.5
    """That nothing is wrong, when nothing moved."""
    loud: float = 4.0
    """How much each point of loudness above a murmur takes away from that."""
    sharpness: float = 2.16
    """How much a point of score decides, in the softmax over candidates."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sureness:
    """
    Weights of what tells how sure a first hypothesis may be, on a log-odds scale.

    Those from `constant` to `unnamed` are what `python -m evals.benchmarks.fit_confidence` prints, to 0.02: a logistic regression with a normal prior (sd 0.1)
    around judged values, on the answers of the offline analyst to RootCauseBench, opensre and the cases, each as recorded, without metrics and
    without logs, and on its answers to invented incidents as they were given when nobody had looked at them yet. Chosen by leaving one of the
    four out: a wider prior (the narrower, the better: the sets differ in how often the analyst is right), support told by the score alone or
    by nearness as well, and a share that may exceed `surest` all did worse. The rest is judged, since these data hold neither a model nor labels.
    """

    constant: float = 0.05
    """For the offline analyst's first hypothesis; with a model, agreement takes its place."""
    share: float = 0.74
    grounding: float = 1.13
    margin: float = 0.79
    gaps: float = 1.46
    support: float = 1.96
    unnamed: float = 1.07
    """That nothing is blamed which could be undone: on new incidents "unknown" is the answer that is wrong most often."""
    agreement: float = 0.9
    similar: float = 0.3
    """Alike in words is seldom alike in cause, so this moves little."""
    history: float = 1.5
    surest: float = 0.8
    """No candidate's share counts as more than this."""


WEIGHTS = Weights()
SURENESS = Sureness()
