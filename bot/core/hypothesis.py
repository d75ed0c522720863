"""Possible causes, what supports them, and how sure we are."""

import enum
from collections.abc import Mapping
from dataclasses import dataclass


class CauseClass(enum.StrEnum):
    """The classes that labels, evals and the classifier share."""

    DEPLOY = "deploy"
    CONFIG = "config"
    FEATURE_FLAG = "feature_flag"
    CAPACITY = "capacity"
    DEPENDENCY = "dependency"
    DATA = "data"
    INFRASTRUCTURE = "infrastructure"
    NETWORK = "network"
    SECURITY = "security"
    EXTERNAL = "external"
    NO_CAUSE = "no_cause"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class Suspect:
    """The service, and the change if one is blamed."""

    service: str
    change_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """One sentence and the evidence it stands on."""

    text: str
    evidence: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Confidence:
    """A probability of being helpful, and what it rests on."""

    value: float
    """0 to 1, calibrated."""
    raw: float
    """What the model or analyst said before calibration."""
    labels: int
    """How many labelled incidents the calibration has learned from; 0 means the prior alone."""
    basis: str
    """For people: what the number rests on."""
    version: str = "prior"


@dataclass(frozen=True, slots=True, kw_only=True)
class Hypothesis:
    """A possible cause; only a person confirms it."""

    rank: int
    title: str
    cause_class: CauseClass
    suspect: Suspect | None
    claims: tuple[Claim, ...]
    confidence: Confidence
    disconfirming_check: str

    @property
    def explanation(self) -> str:
        """The claims that survived verification, as one paragraph."""
        return " ".join(claim.text for claim in self.claims)

    @property
    def evidence_ids(self) -> tuple[str, ...]:
        """Every id that a claim cites, once, in order of first use."""
        return tuple(dict.fromkeys(eid for claim in self.claims for eid in claim.evidence))


@dataclass(frozen=True, slots=True, kw_only=True)
class FirstAction:
    """What to do first; runbook and step are set when a loaded runbook says so."""

    text: str
    runbook: str | None = None
    step: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """What an investigation cost."""

    tokens: int = 0
    cost_usd: float = 0.0
    steps: int = 0

    def plus(self, other: "Usage") -> "Usage":
        """The sum of two usages."""
        return Usage(
            tokens=self.tokens + other.tokens,
            cost_usd=self.cost_usd + other.cost_usd,
            steps=self.steps + other.steps,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class PromptRef:
    """Which prompt text a model was given."""

    name: str
    version: int
    sha256: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SimilarIncident:
    """A past incident that looks alike, and why it was found."""

    id: str
    title: str
    date: str
    organisation: str
    service_kind: str
    cause_class: str
    cause: str
    fix: str
    url: str
    score: float
    """0 to 1."""
    why: str
    """Why it matched, for people: shared terms, same kind of service."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SimilarFound:
    """The answer of one search, with the size of what was searched and how fresh it is."""

    incidents: tuple[SimilarIncident, ...]
    searched: int
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Assessment:
    """What an investigation came to; frozen once posted."""

    summary: str
    """What is happening, in one sentence with numbers."""
    hypotheses: tuple[Hypothesis, ...]
    first_action: FirstAction | None
    ruled_out: tuple[str, ...]
    similar: SimilarFound
    analyst: str
    """The model's name, or "offline analyst"."""
    notes: tuple[str, ...]
    """Honest notices: why the offline analyst answered, what was dropped, what budget ended it."""
    usage: Usage
    prompt: PromptRef | None = None
    features: Mapping[str, float] | None = None


_NO_GROUNDS = frozenset({CauseClass.NO_CAUSE, CauseClass.UNKNOWN})


def sure_of(assessment: Assessment, runbook: str) -> float:
    """
    How sure an assessment is of a cause that this runbook mends, 0 to 1: what a write may rest on that nobody approves.

    0 when it found no cause, or when its first action, as it stood up to verification, is not this runbook: then the
    confidence is about something else.
    """
    best = assessment.hypotheses[0] if assessment.hypotheses else None
    action = assessment.first_action
    if best is None or best.cause_class in _NO_GROUNDS or action is None or action.runbook != runbook:
        return 0.0
    return best.confidence.value
