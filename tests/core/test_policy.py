"""The gate: denies by default, never lets a destructive call through without a person, and says why in words."""

import itertools
import math
from dataclasses import replace

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from bot.core.policy import (
    Actor,
    Call,
    Effect,
    Level,
    Pin,
    Ruling,
    StepFacts,
    decide,
    level_of,
    lowest,
    stricter,
)

STEP = StepFacts(
    runbook="pressure-high",
    step="shut",
    tool="close_valves",
    effect=Effect.DESTRUCTIVE,
    ai_executable=True,
    environments=frozenset({"prod"}),
    level=Level.APPROVED,
    confidence=0.9,
    threshold=0.8,
    requested_by_person=False,
    approved=True,
    told_apart=False,
)
CALL = Call(
    tool="close_valves",
    effect=Effect.DESTRUCTIVE,
    actor=Actor.EXECUTOR,
    pin=Pin.MATCHES,
    paused=False,
    environment="prod",
    step=STEP,
)
READ = replace(CALL, tool="read_valves", effect=Effect.READ, step=None)
AUTONOMOUS = replace(STEP, effect=Effect.WRITE, level=Level.AUTONOMOUS, approved=False)


def writing(**changes):
    """A call of the executor for a step that agrees with it, with some facts changed."""
    step = replace(AUTONOMOUS, **changes)
    return replace(CALL, effect=step.effect, tool=step.tool, step=step)


@pytest.mark.parametrize(
    ("call", "ruling", "words"),
    [
        (READ, Ruling.ALLOW, "only reads"),
        (replace(READ, actor=Actor.TRIAGE_AGENT), Ruling.ALLOW, "only reads"),
        (replace(READ, actor=Actor.CHAT_AGENT), Ruling.ALLOW, "only reads"),
        (replace(READ, paused=True), Ruling.ALLOW, "only reads"),
        (replace(READ, effect=None), Ruling.DENY, "read_valves is not listed under `tools:` in aiops.yaml"),
        (replace(READ, pin=Pin.CHANGED), Ruling.DENY, "changed since it was accepted"),
        (CALL, Ruling.ALLOW, "a person approved exactly this call"),
        (replace(CALL, effect=None), Ruling.DENY, "not listed"),
        (replace(CALL, pin=Pin.CHANGED), Ruling.DENY, "`aiops doctor` shows the difference"),
        (replace(CALL, actor=Actor.TRIAGE_AGENT), Ruling.DENY, "the triage agent may only read"),
        (replace(CALL, actor=Actor.CHAT_AGENT), Ruling.DENY, "the chat agent may only read"),
        (replace(CALL, step=None), Ruling.DENY, "no runbook step names it"),
        (replace(CALL, step=replace(STEP, tool="open_valves")), Ruling.DENY, "names open_valves, not close_valves"),
        (replace(CALL, step=replace(STEP, effect=Effect.WRITE)), Ruling.DENY, "calls it write"),
        (replace(CALL, step=replace(STEP, ai_executable=False)), Ruling.DENY, "not AI-executable"),
        (replace(CALL, environment="dev"), Ruling.DENY, "not for the environment dev (it is for: prod)"),
        (replace(CALL, environment=""), Ruling.DENY, "not for the environment unknown"),
        (
            replace(CALL, server="plant", server_environment="dev"),
            Ruling.DENY,
            "this run is for the environment prod, but close_valves goes to plant, which belongs to dev",
        ),
        (replace(CALL, server="plant", server_environment="prod"), Ruling.ALLOW, "a person approved"),
        (replace(CALL, environment="", server_environment="prod"), Ruling.ALLOW, "a person approved"),
        (replace(CALL, environment="default", server_environment="prod"), Ruling.ALLOW, "a person approved"),
        (replace(CALL, environment="", server_environment="dev"), Ruling.DENY, "not for the environment dev"),
        (
            replace(CALL, server="plant", step=replace(STEP, told_apart=True)),
            Ruling.DENY,
            "`mcpServers.plant.environment` in aiops.yaml is not set",
        ),
        (
            replace(CALL, server_environment="prod", step=replace(STEP, told_apart=True)),
            Ruling.ALLOW,
            "a person approved",
        ),
        (replace(READ, server_environment="dev"), Ruling.ALLOW, "only reads"),
        (replace(CALL, paused=True), Ruling.DENY, "`/aiops resume`"),
        (replace(CALL, step=replace(STEP, level=Level.ADVISORY)), Ruling.DENY, "level advisory"),
        (replace(CALL, step=replace(STEP, approved=False)), Ruling.ASK, "a person at every level"),
        (writing(), Ruling.ALLOW, "autonomy earned, confidence 90%"),
        (writing(level=Level.APPROVED), Ruling.ASK, "at the level approved"),
        (writing(requested_by_person=True), Ruling.ASK, "another person approves"),
        (writing(confidence=0.79), Ruling.ASK, "79% is not at least the 80%"),
        (writing(effect=Effect.DESTRUCTIVE), Ruling.ASK, "it is destructive"),
    ],
)
def test_each_rule_of_the_gate_and_the_words_it_says(call, ruling, words):
    decision = decide(call)

    assert decision.ruling is ruling
    assert words in decision.reason


def every_call():
    """Every combination of what the gate looks at; the names are the same throughout."""
    for effect, said, actor, pin, paused, here, level, approved, confidence, able, person in itertools.product(
        [None, *Effect],
        Effect,
        Actor,
        Pin,
        [False, True],
        ["prod", "dev"],
        Level,
        [False, True],
        [0.0, 0.79, 0.8, 1.0],
        [False, True],
        [False, True],
    ):
        step = replace(
            STEP,
            effect=said,
            level=level,
            approved=approved,
            confidence=confidence,
            ai_executable=able,
            requested_by_person=person,
        )
        yield replace(CALL, effect=effect, actor=actor, pin=pin, paused=paused, environment=here, step=step)


def test_over_every_combination_a_write_is_allowed_only_on_the_two_narrow_paths():
    """The whole table (41,472 calls), against the rules as sentences and not as the code puts them."""
    for call in every_call():
        decision, step = decide(call), call.step
        if call.effect is Effect.READ:
            assert decision.ruling is (Ruling.ALLOW if call.pin is Pin.MATCHES else Ruling.DENY)
            continue
        open_to_anyone = (
            call.effect is not None
            and call.pin is Pin.MATCHES
            and call.actor is Actor.EXECUTOR
            and step.effect is call.effect
            and step.ai_executable
            and call.environment == "prod"
            and not call.paused
            and step.level is not Level.ADVISORY
        )
        earned = (
            step.level is Level.AUTONOMOUS
            and call.effect is Effect.WRITE
            and step.confidence >= 0.8
            and not step.requested_by_person
        )
        if not open_to_anyone:
            assert decision.ruling is Ruling.DENY, call
        elif step.approved or earned:
            assert decision.ruling is Ruling.ALLOW, call
        else:
            assert decision.ruling is Ruling.ASK, call
        assert decision.reason


names = st.sampled_from(["close_valves", "open_valves", "CLOSE_VALVES", "close_valves ", "close", ""])
numbers = st.floats(allow_nan=True, allow_infinity=True)
steps = st.builds(
    StepFacts,
    runbook=st.just("r"),
    step=st.just("s"),
    tool=names,
    effect=st.sampled_from(Effect),
    ai_executable=st.booleans(),
    environments=st.frozensets(st.sampled_from(["prod", "dev", "default"])),
    level=st.sampled_from(Level),
    confidence=numbers,
    threshold=numbers,
    requested_by_person=st.booleans(),
    approved=st.booleans(),
    told_apart=st.booleans(),
)
calls = st.builds(
    Call,
    tool=names,
    effect=st.none() | st.sampled_from(Effect),
    actor=st.sampled_from(Actor),
    pin=st.sampled_from(Pin),
    paused=st.booleans(),
    environment=st.sampled_from(["prod", "dev", "default", ""]),
    step=st.none() | steps,
    server=st.just("plant"),
    server_environment=st.sampled_from(["prod", "dev", "default", ""]),
)


@given(calls)
def test_what_the_gate_lets_through_always_has_every_right(call):
    if decide(call).ruling is not Ruling.ALLOW or call.effect is Effect.READ:
        return
    step = call.step
    assert step is not None
    assert call.actor is Actor.EXECUTOR
    assert call.pin is Pin.MATCHES
    assert not call.paused
    assert step.tool == call.tool
    assert step.effect is call.effect
    assert (call.server_environment or call.environment) in step.environments
    assert not call.server_environment or call.environment in {call.server_environment, "default", ""}
    assert call.server_environment or not step.told_apart
    assert step.level is not Level.ADVISORY
    assert step.approved or call.effect is Effect.WRITE


@given(calls)
def test_no_agent_ever_gets_or_asks_for_more_than_a_read(call):
    if call.actor is not Actor.EXECUTOR and call.effect is not Effect.READ:
        assert decide(call).ruling is Ruling.DENY


@given(calls)
def test_a_pause_never_widens_what_is_allowed(call):
    order = [Ruling.DENY, Ruling.ASK, Ruling.ALLOW]

    held, free = decide(replace(call, paused=True)).ruling, decide(replace(call, paused=False)).ruling

    assert order.index(held) <= order.index(free)
    if call.effect is not Effect.READ:
        assert held is Ruling.DENY


@given(numbers, numbers)
@example(math.nan, 0.8)
@example(0.9, math.nan)
@example(85.0, 0.8)
@example(math.inf, 0.8)
@example(0.0, -1.0)
def test_autonomy_needs_a_confidence_and_a_threshold_that_are_shares(confidence, threshold):
    ruling = decide(writing(confidence=confidence, threshold=threshold)).ruling

    earned = 0 <= threshold <= 1 and 0 <= confidence <= 1 and confidence >= threshold
    assert ruling is (Ruling.ALLOW if earned else Ruling.ASK)


@given(st.lists(st.sampled_from(Level)))
def test_the_most_careful_level_counts(levels):
    order = list(Level)
    assert order.index(lowest(levels)) == min((order.index(one) for one in levels), default=0)


@given(
    st.lists(st.sampled_from(["A", "B", "C"])),
    st.sampled_from(Level),
    st.dictionaries(st.sampled_from(["A", "B"]), st.sampled_from(Level)),
    st.sampled_from(Level),
)
def test_an_incident_is_never_above_any_of_its_classes_nor_above_what_was_earned(alerts, default, classes, earned):
    order = list(Level)

    level = order.index(level_of(alerts, default=default, classes=classes, earned=earned))

    assert level <= order.index(earned)
    for alert in alerts:
        assert level <= order.index(classes.get(alert, default))


@given(st.sampled_from(Effect), st.booleans(), st.booleans())
def test_a_server_can_only_make_its_tool_stricter(ours, writes, destroys):
    order = list(Effect)

    effect = stricter(ours, says_it_writes=writes, says_it_destroys=destroys)

    assert order.index(effect) >= order.index(ours)
    assert effect is Effect.DESTRUCTIVE or not destroys
    assert effect is not Effect.READ or not writes
