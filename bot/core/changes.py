"""
How far a change explains what failed.

Nearness in time says little, since harmless changes are always near. What counts is what the change does (`bot/core/diffs.py`), whether
what it touched shows up in what failed, how its service stands to the alerting one, and whether its own service shows symptoms. The
weights are in `bot/core/weights.py`, with where they come from.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from bot.core.diffs import Nature
from bot.core.weights import WEIGHTS, Weights
from bot.core.words import tokens

# A change is no more dangerous than this as long as nothing is known but its kind (`bot/core/diffs.py`).
_UNTOLD = 0.5
# Words that half of all changes and symptoms hold.
_COMMON = frozenset(
    ["error", "fail", "failed", "failure", "request", "response", "handler", "server", "http", "code", "metric", "kind", "label", "unit",
     "log", "info", "debug", "new", "time", "first", "last", "template", "example", "deploy", "release", "version", "commit", "change",
     "func", "function", "return", "const", "var", "string", "int", "float", "bool", "true", "false", "null", "nil", "none", "err",
     "file", "pkg", "src", "main", "internal", "lib", "app", "api", "test", "config", "setting", "default", "value", "status", "count",
     "total", "rate", "level", "steady", "surging", "before", "after", "context", "ctx", "data", "type", "self", "this", "import",
     "chore", "feat", "fix", "refactor", "perf", "doc", "second", "minute", "ratio", "threshold", "observed", "above", "below"]
)  # fmt: skip

# Half of all services are called something with these.
_GENERIC = frozenset(
    ["service", "svc", "worker", "gateway", "proxy", "backend", "frontend", "core", "web", "job", "manager",
     "store", "database", "queue", "cache", "platform"]
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Symptom:
    """Something that failed or moved, as far as a change can be seen in it."""

    words: frozenset[str]
    weight: float
    """0 to 1."""
    levels: tuple[float, float] | None = None
    """Of a metric: before and after."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Traits:
    """What is known of a change, each between 0 and 1 unless said otherwise."""

    recent: float
    """1 right before the onset of what began, a half after half an hour."""
    relation: float
    """-1 to 1: how its service stands to the alerting one."""
    own: float
    """The loudest symptom of its own service after it."""
    named: float
    """0 to 3.5: its version, service or identifiers in what failed."""
    risk: float
    fits: float
    """How loudly something failed as changes of its kind fail."""
    words: float
    """How many rare words it shares with what failed."""
    numbers: float
    """1 when a metric went from its old value to its new one."""
    harmless: float
    """1 when its diff was read and nothing dangerous that shows in what failed was found in it."""
    read: bool
    """Whether there was a diff to read."""
    late: float
    """How much of what began had begun before it."""


def score(traits: Traits, weights: Weights = WEIGHTS) -> float:
    """Log-odds of being the cause, up to a constant that all candidates share."""
    return (
        weights.recent * dated(traits, weights)
        + weights.relation * traits.relation
        + weights.own * traits.own
        + weights.named * traits.named
        + weights.risk * (traits.risk - weights.usual_risk)
        + weights.fits * traits.risk * (traits.fits - weights.usual_fit)
        + weights.words * traits.words
        + weights.both * traits.risk * traits.words
        + weights.numbers * traits.numbers
        - weights.harmless * traits.harmless
        - weights.late * traits.late
        - weights.bystander * bystander(traits)
    )


def dated(traits: Traits, weights: Weights = WEIGHTS) -> float:
    """0 to 1: what a change's time says."""
    return traits.recent * (weights.recent_read if traits.read else 1.0)


def overlap(traits: Traits) -> float:
    """How much of a change shows in what failed, from 0 on."""
    return traits.named + 2 * traits.risk * traits.words + traits.numbers


def backing(traits: Traits) -> float:
    """0 to 1: what speaks for a change beyond its being there, that is, where it shows in what failed or how dangerous it is; never time."""
    return max(1 - math.exp(-overlap(traits)), 2 * max(0.0, traits.risk - _UNTOLD))


def bystander(traits: Traits) -> float:
    """0 to 1: that a change is merely there, with nothing to speak for it and long before the onset."""
    return (1 - backing(traits)) * (1 - traits.recent)


def words_of(text: str) -> frozenset[str]:
    """Words of a text that can tell one thing from another: parts of identifiers, without common ones and numbers."""
    return frozenset(word for word in tokens(text) if len(word) > 2 and not word[0].isdigit() and word not in _COMMON)


def name_words(service: str) -> frozenset[str]:
    """Words of a service's name that few others hold."""
    return words_of(service) - _GENERIC


def akin(service: str, other: str, alerting: str) -> bool:
    """Whether two services are one, or share a name that the alerting one has not: a primary and its replica."""
    return service == other or bool((name_words(service) & name_words(other)) - name_words(alerting))


def change_words(nature: Nature) -> frozenset[str]:
    """The telling words of a change."""
    return words_of(" ".join(sorted(nature.words)))


def shared_words(
    own: frozenset[str], others: Sequence[frozenset[str]], symptoms: Sequence[Symptom], common: frozenset[str]
) -> tuple[float, tuple[str, ...]]:
    """
    0 to 1, and the words, rarest first: what a change shares with the symptoms, each word once, at its loudest symptom.

    Words are worth more the fewer `others` (the changes of the window) hold them; `common` are those that everything of the
    service holds anyway, such as its name.
    """
    count = len(others)
    worth: dict[str, float] = {}
    for word in own - common:
        loudest = max((one.weight for one in symptoms if word in one.words), default=0.0)
        if loudest > 0:
            holding = sum(word in other for other in others)
            worth[word] = loudest * math.log((count + 1) / (holding + 0.5)) / math.log(count + 2)
    ranked = sorted((word for word in worth if worth[word] > 0), key=lambda word: (-worth[word], word))
    whole = sum(worth[word] for word in ranked)
    return 1 - math.exp(-((whole / 1.7) ** 1.3)), tuple(ranked[:6])


def numbers_shown(nature: Nature, symptoms: Sequence[Symptom]) -> float:
    """1 when a symptom's metric stood at a changed value before and at its new value after."""
    levels = [one.levels for one in symptoms if one.levels is not None]
    shown = any(
        _alike(old, before) and _alike(new, after)
        for old, new in nature.moved
        for before, after in levels
        if old != new
    )
    return float(shown)


def _alike(one: float, other: float) -> bool:
    return abs(one - other) <= 0.02 * max(abs(one), abs(other))
