"""Who may say yes to what, once: the rules of a verdict."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.core.approval import (
    APPROVAL_TRANSITIONS,
    BOT,
    Approval,
    ApprovalState,
    DryRun,
    Envelope,
    Say,
    Target,
    Verdict,
    Vote,
    canonical_json,
    judge,
    no_longer,
    sha256_of,
    unsound,
)
from bot.core.policy import Effect

NOW = datetime(2026, 11, 23, 2, 0, tzinfo=UTC)
V1, V2 = Target(id="v1", label="valve 1"), Target(id="v2", label="valve 2")
ENVELOPE = Envelope(
    run="RUN-1",
    runbook="pressure-high",
    runbook_title="Pressure is too high",
    runbook_sha256="ab" * 32,
    step="shut",
    step_title="Close the leaking valves",
    tool="close_valves",
    args={"valves": ["v1", "v2"]},
    effect=Effect.DESTRUCTIVE,
    targets=(V1, V2),
    environment="prod",
    requester=BOT,
    reason="pressure",
    expires_at=NOW + timedelta(minutes=30),
)
PENDING = Approval(
    id="opaque",
    incident_id="INC-1",
    run_id="RUN-1",
    step_run=2,
    envelope=ENVELOPE,
    sha256=ENVELOPE.sha256,
    dry_run=DryRun(summary="would close 2", targets=(V1, V2), reversible=True, runs_as="operator"),
    state=ApprovalState.PENDING,
    needed=1,
    votes=(),
    created_at=NOW,
)
YES = Say(user="U0ANA", verdict=Verdict.APPROVE, shown_sha256=ENVELOPE.sha256)
NO = Say(user="U0ANA", verdict=Verdict.REJECT, shown_sha256="", reason="not now")
BACK = Say(user="U0DAN", verdict=Verdict.WITHDRAW, shown_sha256="")
ANA = Vote(user="U0ANA", at=NOW)


def asked_by(user, **changes):
    envelope = replace(ENVELOPE, requester=user)
    return replace(PENDING, envelope=envelope, sha256=envelope.sha256, **changes)


def judged(approval, say, *, may_approve=True, paused=False, now=NOW):
    return judge(approval, say, may_approve=may_approve, paused=paused, now=now)


def test_a_person_of_the_group_approves_and_rejects():
    assert judged(PENDING, YES).new_state is ApprovalState.APPROVED
    assert judged(PENDING, NO).new_state is ApprovalState.REJECTED


@pytest.mark.parametrize(
    ("approval", "say", "facts", "words"),
    [
        (PENDING, YES, {"may_approve": False}, "not in the approver group for prod"),
        (PENDING, NO, {"may_approve": False}, "not in the approver group for prod"),
        (PENDING, BACK, {"may_approve": False}, "not in the approver group for prod"),
        (asked_by("U0ANA"), YES, {}, "somebody else has to approve it"),
        (PENDING, replace(NO, reason="  \n"), {}, "Say why it is rejected"),
        (PENDING, replace(YES, shown_sha256="0" * 64), {}, "changed since it was shown"),
        (PENDING, replace(YES, shown_sha256=""), {}, "changed since it was shown"),
        (PENDING, YES, {"paused": True}, "aiops is paused"),
        (PENDING, YES, {"now": ENVELOPE.expires_at}, "has expired"),
        (PENDING, NO, {"now": ENVELOPE.expires_at}, "has expired"),
        (replace(PENDING, needed=2, votes=(ANA,)), YES, {}, "a second person has to as well"),
        (replace(PENDING, state=ApprovalState.APPROVED, decided_by="U0BEN"), YES, {}, "approved by <@U0BEN> already"),
        (replace(PENDING, state=ApprovalState.USED, decided_by="U0BEN"), NO, {}, "approved by <@U0BEN> already"),
        (replace(PENDING, state=ApprovalState.REJECTED, decided_by="U0BEN"), YES, {}, "(rejected by <@U0BEN>)"),
        (replace(PENDING, state=ApprovalState.WITHDRAWN, decided_by="U0BEN"), YES, {}, "(withdrawn by <@U0BEN>)"),
        (replace(PENDING, state=ApprovalState.EXPIRED, decided_by=BOT), YES, {}, "closed already (expired)"),
        (replace(PENDING, state=ApprovalState.SUPERSEDED, decided_by=BOT), YES, {}, "Look at the newer request"),
        (replace(PENDING, envelope=replace(ENVELOPE, args={"valves": ["v9"]})), YES, {}, "changed since it was shown"),
    ],
)
def test_a_press_that_must_not_count_says_why(approval, say, facts, words):
    answer = judged(approval, say, **facts)

    assert not answer.counts
    assert answer.new_state is None
    assert words in answer.why


def test_the_requester_may_take_the_request_back_without_being_an_approver():
    assert judged(asked_by("U0DAN"), BACK, may_approve=False).new_state is ApprovalState.WITHDRAWN
    assert not judged(asked_by("U0EVE"), BACK, may_approve=False).counts


def test_the_requester_may_reject_it_without_being_an_approver_and_nobody_else_may():
    no = replace(NO, user="U0DAN")
    assert judged(asked_by("U0DAN"), no, may_approve=False).new_state is ApprovalState.REJECTED
    assert not judged(asked_by("U0EVE"), no, may_approve=False).counts
    assert not judged(asked_by(BOT), replace(no, user=BOT), may_approve=False).counts


def test_the_envelope_names_the_server_and_what_was_written_before_it_did_keeps_its_hash():
    named = replace(ENVELOPE, server="plant")
    assert len({ENVELOPE.sha256, named.sha256, replace(named, server="other").sha256}) == 3
    assert ENVELOPE.sha256 == "360a969c6fe116eebac0af767e84499ed89eba0303217647f13fa335c14cbe10"


def test_a_pause_stops_a_yes_but_not_a_no():
    assert not judged(PENDING, YES, paused=True).counts
    assert judged(PENDING, NO, paused=True).counts
    assert judged(asked_by("U0DAN"), BACK, may_approve=False, paused=True).counts


def test_two_people_means_two_different_people():
    first = judged(replace(PENDING, needed=2), YES)
    assert (first.counts, first.new_state) == (True, None)

    second = judged(replace(PENDING, needed=2, votes=(ANA,)), replace(YES, user="U0BEN"))
    assert second.new_state is ApprovalState.APPROVED


users = st.sampled_from(["U0ANA", "U0BEN", "U0DAN", BOT])
says = st.builds(
    Say,
    user=users,
    verdict=st.sampled_from(Verdict),
    shown_sha256=st.sampled_from([ENVELOPE.sha256, "", "0" * 64]),
    reason=st.sampled_from(["", " ", "because"]),
)


@given(st.sampled_from(ApprovalState), says, st.booleans(), st.booleans(), st.integers(1, 2), users, st.integers(-1, 1))
def test_whatever_is_pressed_by_whomever_a_yes_needs_every_right(
    state, say, may_approve, paused, needed, requester, late
):
    approval = asked_by(requester, state=state, needed=needed)
    say = replace(say, shown_sha256=approval.sha256 if say.shown_sha256 == ENVELOPE.sha256 else say.shown_sha256)
    now = approval.envelope.expires_at + timedelta(microseconds=late)

    answer = judge(approval, say, may_approve=may_approve, paused=paused, now=now)

    assert answer.why
    if answer.new_state is not None:
        assert (state, answer.new_state) in APPROVAL_TRANSITIONS
    if answer.counts:
        assert state is ApprovalState.PENDING
        assert late < 0
    if answer.counts and say.verdict is Verdict.APPROVE:
        assert may_approve
        assert not paused
        assert say.user != requester
        assert say.shown_sha256 == approval.sha256
        assert (answer.new_state is ApprovalState.APPROVED) == (needed == 1)


@given(st.lists(says, max_size=12), st.integers(1, 2))
def test_however_often_people_press_there_is_one_verdict(presses, needed):
    approval, verdicts = replace(PENDING, needed=needed), 0
    for say in presses:
        answer = judged(approval, say)
        if not answer.counts:
            continue
        votes = approval.votes
        if say.verdict is Verdict.APPROVE:
            votes = (*votes, Vote(user=say.user, at=NOW))
        verdicts += answer.new_state is not None
        state = answer.new_state or approval.state
        approval = replace(approval, state=state, votes=votes, decided_by=say.user)

    assert verdicts <= 1
    if approval.state is ApprovalState.APPROVED:
        assert len({vote.user for vote in approval.votes}) == needed
        assert unsound(approval, "RUN-1") == ""


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"votes": ()}, "0 of 1 people"),
        ({"needed": 2, "votes": (ANA, ANA)}, "1 of 2 people"),
        ({"envelope": replace(ENVELOPE, args={"valves": ["v9"]})}, "not what was shown"),
        ({"envelope": replace(ENVELOPE, targets=(V1,))}, "not what was shown"),
        ({"sha256": "0" * 64}, "not what was shown"),
        ({"run_id": "RUN-2"}, "another run"),
    ],
)
def test_an_approval_that_was_meddled_with_is_not_acted_on(change, words):
    approved = replace(PENDING, state=ApprovalState.APPROVED, votes=(ANA,))
    assert unsound(approved, "RUN-1") == ""

    assert words in unsound(replace(approved, **change), "RUN-1")


def test_an_approval_that_the_requester_gave_is_not_acted_on():
    assert "requester" in unsound(asked_by("U0ANA", votes=(ANA,)), "RUN-1")


def test_every_fact_that_people_approve_is_in_the_hash():
    changes = {
        "run": "RUN-2",
        "runbook": "other",
        "runbook_sha256": "cd" * 32,
        "step": "other",
        "tool": "open_valves",
        "args": {"valves": ["v1"]},
        "effect": Effect.WRITE,
        "targets": (V1,),
        "environment": "dev",
        "requester": "U0DAN",
        "reason": "another",
        "expires_at": NOW,
        "rollback": True,
    }
    hashes = {replace(ENVELOPE, **{name: value}).sha256 for name, value in changes.items()}

    assert len(hashes | {ENVELOPE.sha256}) == len(changes) + 1


def test_the_order_in_which_targets_and_keys_are_named_does_not_matter():
    assert replace(ENVELOPE, targets=(V2, V1)).sha256 == ENVELOPE.sha256
    assert sha256_of({"a": 1, "b": 2}) == sha256_of({"b": 2, "a": 1})


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@given(values, values)
def test_two_values_have_one_canonical_text_only_when_they_are_the_same_json(one, other):
    same = canonical_json(one) == canonical_json(other)

    assert same == (repr_of(one) == repr_of(other))


def repr_of(value):
    """Python thinks that True == 1; JSON does not."""
    if isinstance(value, dict):
        return ("d", sorted((key, repr_of(one)) for key, one in value.items()))
    if isinstance(value, list):
        return ("l", [repr_of(one) for one in value])
    return (type(value).__name__, repr(value))


@pytest.mark.parametrize("value", [float("nan"), float("inf"), {"a": [float("-inf")]}])
def test_a_number_that_json_does_not_have_is_refused(value):
    with pytest.raises(ValueError, match="JSON compliant"):
        canonical_json(value)


@pytest.mark.parametrize(
    ("approved", "fresh", "words"),
    [
        ({"valves": ["a", "b"]}, {"valves": ["b", "c", "a"]}, ""),
        ({"valves": ["a", "b"]}, {"valves": ["b"]}, "valves: 1 of 2 would not be chosen any more"),
        ({"valves": ["a", "a"]}, {"valves": ["a"]}, "valves: 1 of 2 would not be chosen any more"),
        ({"valves": [{"id": 1, "at": "x"}]}, {"valves": [{"at": "x", "id": 1}, {"id": 2}]}, ""),
        ({"valves": [{"id": 1, "at": "x"}]}, {"valves": [{"id": 1, "at": "y"}]}, "valves: 1 of 1 would not"),
        ({"to": {"revision": 3}}, {"to": {"revision": 4}}, "to.revision would be another"),
        ({"to": 3}, {"to": 3}, ""),
        ({"to": 3}, {"to": True}, "to would be another"),
        ({"to": 3}, {"to": float("nan")}, "to would be another"),
        ({"to": 3}, {"to": 3, "force": True}, "the arguments: other names"),
        ({"valves": []}, {"valves": "all"}, "valves would be another"),
    ],
)
def test_a_yes_holds_while_every_approved_item_would_still_be_chosen_and_all_else_is_equal(approved, fresh, words):
    found = no_longer(approved, fresh)

    assert words in found
    assert bool(words) == bool(found)
