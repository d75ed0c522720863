from datetime import UTC, datetime

import pytest

from bot.agent.draft import Draft, DraftHypothesis, Known
from bot.agent.findings import evidence, numbered
from bot.agent.verify import verify
from bot.core.evidence import EvidenceKind, EvidencePack, Window
from bot.core.hypothesis import CauseClass, Claim, FirstAction, Suspect

WINDOW = Window(start=datetime(2026, 11, 20, 8, 32, tzinfo=UTC), end=datetime(2026, 11, 20, 9, 2, tzinfo=UTC))
KNOWN = Known(services=frozenset({"orders-db"}), runbooks={"pg-full": frozenset({"activity"})})


def pack(text: str, **facts: object) -> EvidencePack:
    one = evidence(
        kind=EvidenceKind.DIAGNOSTIC, source="pg_activity", service="orders-db", title="sessions", query="pg_activity()",
        window=WINDOW, excerpt=text, weight=0.9, facts=facts,
    )  # fmt: skip
    return EvidencePack(evidence=numbered([one]), gaps=(), window=WINDOW)


def check(claim: str, text: str, *, cites: tuple[str, ...] = ("E1",), **facts: object) -> bool:
    hypothesis = DraftHypothesis(
        title="t", cause_class=CauseClass.DEPLOY, suspect=None, claims=(Claim(text=claim, evidence=cites),), raw=0.5, disconfirming_check=""
    )  # fmt: skip
    draft = Draft(summary="s", hypotheses=(hypothesis,), first_action=None, ruled_out=())
    return verify(draft, pack(text, **facts), KNOWN).grounding == (1.0,)


@pytest.mark.parametrize(
    ("claim", "text"),
    [
        ("17 of 17 are taken.", "17 of 17 connections"),
        ("1,000 requests failed.", "1000 requests"),
        ("1000 requests failed.", "1,000 requests"),
        ("95 % of calls fail.", "95% of calls"),
        ("95% of calls fail.", "share 0.95"),
        ("It rose to 0.42.", "value 0.4213"),
        ("It began at 09:01.", "first at 09:01:10Z"),
        ("It began at 09:01:10Z.", "at 2026-11-20T09:01:10+00:00"),
        ("Release 2.31.0 holds them.", "checkout/2.31.0 holds 15"),
        ("It waited 2 minutes.", "oldest 120 s"),
        ("The log says `too many clients`.", "FATAL: sorry, too many  clients already"),
        ("Nothing in numbers here [E1].", "anything"),
        ("The pool of v2.31.0 is leaking, see E1.", "2.31.0"),
    ],
)
def test_claims_that_the_evidence_shows_stand(claim, text):
    assert check(claim, text)


@pytest.mark.parametrize(
    ("claim", "text"),
    [
        ("18 of 17 are taken.", "17 of 17 connections"),
        ("Release 2.31.1 holds them.", "checkout/2.31.0 holds 15"),
        ("Release 2.3.1 holds them.", "checkout/12.3.1 holds 15"),
        ("It began at 09:05.", "first at 09:01:10Z"),
        ("99 % of calls fail.", "share 0.95"),
        ('The log says "disk full".', "too many clients"),
        ("It waited 3 minutes.", "oldest 120 s"),
        ("1500 requests.", "1000 requests"),
    ],
)
def test_claims_that_the_evidence_does_not_show_fall(claim, text):
    assert not check(claim, text)


def test_numbers_may_stand_in_the_facts():
    assert check("15 sessions are idle.", "idle sessions", count=15)


@pytest.mark.parametrize("cites", [(), ("E9",), ("E1", "E9")])
def test_a_claim_without_existing_evidence_falls(cites):
    assert not check("It is so.", "text", cites=cites)


def test_names_that_do_not_exist_are_taken_out_and_the_nearest_is_told():
    hypothesis = DraftHypothesis(
        title="the 77 leaks", cause_class=CauseClass.DEPLOY, suspect=Suspect(service="order-db", change_id="c-9"),
        claims=(Claim(text="sessions", evidence=("E1",)),), raw=0.5, disconfirming_check="",
    )  # fmt: skip
    action = FirstAction(text="act", runbook="pg-full", step="activty")
    draft = Draft(
        summary="it has 77 sessions", hypotheses=(hypothesis,), first_action=action, ruled_out=("5 things", "calm")
    )
    done = verify(draft, pack("sessions"), KNOWN)

    assert done.draft.hypotheses[0].suspect is None
    assert done.draft.hypotheses[0].title == "deploy"
    assert done.draft.first_action == FirstAction(text="act", runbook="pg-full")
    assert done.draft.summary == "sessions"
    assert done.draft.ruled_out == ("calm",)
    assert any("nearest: orders-db" in problem for problem in done.problems)
    assert any("nearest: activity" in problem for problem in done.problems)
