"""Digests in every situation that has a golden file."""

import math
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from bot.core.alert import Anchor
from bot.core.digest import OFFLINE, Digest, Miss, Unlabelled, by_analyst, by_class, worst
from bot.core.grading import counting, judge_agreement
from bot.core.outcome import Call
from bot.core.posts import Content, DigestDetails, DigestPost
from bot.core.scores import compute, week_start, window
from tests.slack.samples import HOSTILE
from tests.support.histories import Setting, history

NOW = datetime(2026, 11, 22, 23, 59, tzinfo=UTC)
SETTING = Setting(unlabelled=0.15, not_established=0.05, abstains=0.08, base=0.7)
SAID = ("A release broke it", "The connection limit is too small", "A feature flag was switched on")
WAS = ("The ledger database ran out of disk", "A certificate expired", "The payment provider was down")
CLASSES = ("CheckoutHighErrorRate", "PaymentLatencyHigh", "OrdersQueueGrows")


@dataclass(frozen=True, kw_only=True)
class Counts:
    approvals_asked: int = 14
    approvals_rejected: int = 3
    approvals_expired: int = 2
    runs_succeeded: int = 8
    runs_ended: int = 9


NOTHING = Counts(approvals_asked=0, approvals_rejected=0, approvals_expired=0, runs_succeeded=0, runs_ended=0)


def calls(seed: int = 3, n: int = 170, setting: Setting = SETTING) -> list[Call]:
    """Two times twelve weeks, of a model and now and then of the offline analyst."""
    made = history(seed, n, setting, begin=datetime(2026, 6, 8, 9, tzinfo=UTC))
    return [
        replace(
            call,
            incident_id=f"INC-{place}",
            hypothesis=SAID[place % 3],
            alert_class=CLASSES[place % 3],
            analyst=OFFLINE if place % 4 == 0 else "openai/gpt-5.2",
            similar_shown=3 if place % 2 else 0,
            similar_relevant=place % 3 == 0 if place % 4 == 1 else None,
        )
        for place, call in enumerate(made)
        if call.at <= NOW
    ]


def digest(made: list[Call] | None = None, *, counts: Counts | None = None, **changes: object) -> Digest:
    """As `make_digest` puts it together, from calls alone."""
    known = calls() if made is None else made
    since, _ = window(NOW)
    inside = [call for call in known if call.at >= since]
    graded = counting(inside, judge_agreement(known))
    misses = tuple(
        Miss(
            incident_id=call.incident_id,
            title=call.title,
            said=call.hypothesis,
            confidence=call.confidence,
            actual=WAS[place % 3],
            grade=int(call.grade or 0),
            anchor=Anchor(channel="C0INCIDENTS", ts="1763863380.000100"),
        )
        for place, call in enumerate(worst(graded))
    )
    open_ones = [call for call in reversed(inside) if call.labelled_at is None]
    values: dict[str, object] = {
        "week": "2026-W47",
        "so_far": False,
        "made_at": datetime(2026, 11, 23, 9, 0, tzinfo=UTC),
        "scores": compute(known, counts or Counts(), now=NOW),
        "misses": misses,
        "unlabelled": tuple(
            Unlabelled(incident_id=one.incident_id, title=one.title, anchor=None) for one in open_ones[:5]
        ),
        "unlabelled_count": len(open_ones),
        "analysts": by_analyst(graded),
        "classes": by_class(graded),
        "changes": (
            "prompt triage 4 (before: 3)",
            "runbook high-error-rate 3f9c2ab17d20 (before: 91d20e77ac54)",
            "CheckoutHighErrorRate with high-error-rate: autonomous (earned: 14 of 15 labelled incidents helped)",
            "confidence refitted on 96 labels (Brier 0.19 instead of 0.21 on 24 later calls)",
        ),
        "classifier": (
            "classifier of 2026-Q4 (96 labels) not used: It is not shown to predict better than the base rate; the prior stays.",
            "misses concentrate in calls on payments: 8 of 10 missed (all calls: 22 of 96)",
        ),
        "cost_usd": math.fsum(call.cost_usd for call in inside if call.at >= week_start(NOW)),
        "index": "50 past incidents, index up to date",
        "audit_head": "4812 entries, head 9f2b61c07e1d44aa",
    }
    return Digest(**(values | changes))


def behind(made: list[Call]) -> list[Call]:
    """The same with a model that mostly misses what the offline analyst finds."""
    return [replace(call, analyst=OFFLINE if call.helpful else "openai/gpt-5.2") for call in made]


def contents() -> dict[str, Content]:
    """By name of the golden file."""
    full = digest()
    links = tuple((one.incident_id, f"https://acme.slack.com/archives/C1/p{n}") for n, one in enumerate(full.misses))
    young = [replace(call, grade=None, labelled_at=None, graded_by=None) for call in calls()[-9:]]
    nothing = digest([], counts=NOTHING, changes=(), cost_usd=0.0)
    hostile = digest(
        misses=tuple(
            replace(one, incident_id=HOSTILE, title=HOSTILE, said=HOSTILE * 9, actual="") for one in full.misses
        ),
        unlabelled=tuple(replace(one, title=HOSTILE * 9) for one in full.unlabelled),
        unlabelled_count=90,
        analysts=tuple(replace(one, name=HOSTILE) for one in full.analysts),
        classes=tuple(replace(one, name=HOSTILE) for one in full.classes) * 9,
        changes=(HOSTILE * 9,) * 40,
        index=HOSTILE,
        audit_head=HOSTILE,
    )
    return {
        "digest": DigestPost(digest=full, links=links),
        "digest_so_far": DigestPost(
            digest=replace(full, so_far=True, changes=(), misses=(), unlabelled=(), unlabelled_count=0)
        ),
        "digest_model_behind": DigestPost(digest=digest(behind(calls()))),
        "digest_model_alone": DigestPost(
            digest=digest(
                [replace(call, analyst="openai/gpt-5.2") for call in calls()], unlabelled_count=0, unlabelled=()
            )
        ),
        "digest_unlabelled": DigestPost(digest=digest(young, counts=NOTHING)),
        "digest_nothing": DigestPost(digest=nothing),
        "digest_hostile": DigestPost(digest=hostile, links=((HOSTILE, f"javascript:{HOSTILE}"),)),
        "digest_details": DigestDetails(digest=full),
        "digest_details_few": DigestDetails(digest=digest(young, counts=NOTHING)),
        "digest_details_hostile": DigestDetails(digest=hostile),
    }
