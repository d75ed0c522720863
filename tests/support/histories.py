"""
Seeded histories of labelled calls, for tests only.

Each call has a hidden strength t, normal around the base log-odds, with an effect of its service and a drift over the history; it
helps with probability 1 / (1 + exp(-t)). What the bot can see is t through noise: grounding, agreement, margin, gaps. What the
model says of itself is nearly always between 80 % and 100 % in steps of 5, and hardly depends on t.
"""

import math
import random
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from bot.core.confidence import Features, calibrate, score
from bot.core.hypothesis import CauseClass
from bot.core.outcome import Call, Grade, GradedBy

BEGIN = datetime(2026, 6, 1, 9, tzinfo=UTC)
SERVICES = ("checkout", "payments", "search", "catalog", "accounts")
CLASSES = (CauseClass.DEPLOY, CauseClass.CONFIG, CauseClass.CAPACITY, CauseClass.DEPENDENCY)


@dataclass(frozen=True, kw_only=True)
class Setting:
    """What kind of past it is."""

    base: float = 0.2
    """Log-odds of helping for an average call."""
    spread: float = 1.3
    """Standard deviation of the hidden strength."""
    service_spread: float = 0.4
    signal: float = 1.0
    """How far the features show the hidden strength; 0: not at all."""
    drift: float = 0.0
    """Change of log-odds from the first call to the last."""
    said: float = 0.89
    """What the model says of itself, on average."""
    said_signal: float = 0.02
    """How much more it says for one standard deviation of strength."""
    abstains: float = 0.0
    unlabelled: float = 0.0
    not_established: float = 0.0


def history(seed: int, n: int, setting: Setting | None = None, *, begin: datetime = BEGIN) -> list[Call]:
    """n calls, about one a day, each labelled within two days; the same for the same seed."""
    how = setting or Setting()
    chance = random.Random(f"history-{seed}")
    effects = {service: chance.gauss(0, how.service_spread) for service in SERVICES}
    at = begin
    calls: list[Call] = []
    for place in range(n):
        at += timedelta(hours=chance.uniform(2, 46))
        service = chance.choice(SERVICES)
        centre = how.base + effects[service] + how.drift * place / max(n - 1, 1)
        calls.append(_call(chance, how, f"INC-{seed}-{place}", at, service, chance.gauss(centre, how.spread)))
    return calls


def labelled(grade: Grade | None, *, day: float = 0, confidence: float = 0.6, **other: object) -> Call:
    """One call, posted `day` days after the beginning and labelled an hour later; without a grade it is not labelled."""
    at = BEGIN + timedelta(days=day)
    values: dict[str, object] = {
        "incident_id": f"INC-{day}",
        "at": at,
        "title": "HighErrorRate on checkout",
        "service": "checkout",
        "alert_class": "HighErrorRate",
        "runbook": "high-error-rate",
        "analyst": "model",
        "prompt": "investigate@4",
        "hypothesis": "A release broke it",
        "cause_class": CauseClass.DEPLOY,
        "suspect": "checkout",
        "change_id": "",
        "confidence": confidence,
        "raw": confidence,
        "score": math.log(confidence / (1 - confidence)),
        "features": {"raw": confidence, "grounding": 1.0},
        "abstained": False,
        "grade": grade,
        "graded_by": GradedBy.PERSON if grade is not None else None,
        "labelled_at": at + timedelta(hours=1) if grade is not None else None,
    }
    return Call(**(values | other))


def _call(chance: random.Random, how: Setting, incident: str, at: datetime, service: str, strength: float) -> Call:
    seen = how.signal * (strength - how.base) / how.spread
    features = Features(
        raw=min(1.0, max(0.5, round((how.said + how.said_signal * seen + chance.gauss(0, 0.05)) * 20) / 20)),
        grounding=1.0 if chance.random() < logistic(1.0 + seen) else round(chance.uniform(0.2, 0.95), 2),
        agreement=float(chance.random() < logistic(0.2 + 0.9 * seen)),
        margin=min(1.0, max(0.0, 0.35 + 0.15 * seen + chance.gauss(0, 0.15))),
        gaps=min(1.0, max(0.0, 0.2 - 0.1 * seen + chance.gauss(0, 0.12))),
        similarity=round(chance.uniform(0, 0.8), 2),
        similar_agrees=float(chance.random() < 0.35),
    )
    helps = chance.random() < logistic(strength)
    established, labelled = chance.random() >= how.not_established, chance.random() >= how.unlabelled
    grade = _grade(chance, helps) if labelled and established else None
    return Call(
        incident_id=incident,
        at=at,
        title=f"HighErrorRate on {service}",
        service=service,
        alert_class="HighErrorRate",
        runbook="high-error-rate",
        analyst="model",
        prompt="investigate@4",
        hypothesis="A release broke it",
        cause_class=chance.choice(CLASSES),
        suspect=service,
        change_id="",
        confidence=calibrate(features).value,
        raw=features.raw,
        score=score(features),
        features=features.as_dict(),
        abstained=chance.random() < how.abstains,
        grade=grade,
        graded_by=GradedBy.PERSON if grade is not None else None,
        person_grade=grade,
        established=established or not labelled,
        labelled_at=at + timedelta(hours=chance.uniform(1, 48)) if labelled else None,
        evidence_ms=chance.randint(2_000, 9_000),
        hypothesis_ms=chance.randint(12_000, 60_000),
        cost_usd=round(chance.uniform(0.01, 0.2), 3),
    )


def _grade(chance: random.Random, helps: bool) -> Grade:
    if helps:
        return Grade.EXACT if chance.random() < 0.6 else Grade.NEAR
    return Grade.AREA if chance.random() < 0.6 else Grade.WRONG


def logistic(log_odds: float) -> float:
    return 1 / (1 + math.exp(-log_odds))
