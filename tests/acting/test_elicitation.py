"""What a server asks in the middle of a call: an approval like any other, one answer, and never a second one."""

import asyncio
import json
from dataclasses import replace

import jwt
import psycopg
import pytest

from bot.adapters.postgres.pins import PostgresPins
from bot.adapters.postgres.session import make_pool
from bot.adapters.tools import McpServer, McpTools
from bot.core.approval import ApprovalState, Verdict
from bot.core.errors import ToolDeniedError
from bot.core.execution import RunState, StepState
from bot.core.incident import IncidentState
from bot.core.policy import Effect
from bot.core.posts import ApprovalCard, RunCard
from bot.flows.acting.decide import expire_approvals, pause_writes, resume_writes, stop_run
from bot.flows.acting.desk import RunPolicy
from bot.slack.views.approval import REJECT
from tests.acting.conftest import KEY
from tests.acting.counter import open_counter
from tests.acting.plant import EFFECTS, Plant, running_plant
from tests.acting.test_crashes import killed_at

CLOSED = [("close_valves", ("v1", "v2", "v3"))]
HOW_MANY = {"type": "integer", "title": "Turns", "description": "Of each wheel", "minimum": 1, "maximum": 5}
TURNS = {
    "message": "How many turns? <!here> ask <@U0ANA>",
    "schema": {"type": "object", "properties": {"turns": HOW_MANY}, "required": ["turns"]},
}
ALL_KINDS = {
    "message": "The valves are hot.",
    "schema": {
        "type": "object",
        "properties": {
            "turns": HOW_MANY,
            "torque": {"type": "number", "minimum": 0.5, "maximum": 9.5},
            "slowly": {"type": "boolean"},
            "tool": {"type": "string", "enum": ["wrench", "hand"], "enumNames": ["A wrench", "By hand"]},
            "shifts": {"type": "array", "items": {"type": "string", "enum": ["day", "night"]}, "minItems": 1},
            "until": {"type": "string", "format": "date"},
            "note": {"type": "string", "maxLength": 20},
        },
        "required": ["turns", "torque", "slowly", "tool", "shifts", "until"],
    },
}
BOTH = pytest.mark.parametrize("legacy", [False, True], ids=["held", "open"])


class Asking:
    """A run whose approved write is in the middle of its call, because the server asks."""

    def __init__(self, yard, counter):
        self.yard, self.counter, self.following = yard, counter, None

    async def begin(self, **more):
        """Follow up to the question. A call that is kept open is kept by a task."""
        yard = self.yard
        await yard.ask(**more)
        await yard.approve("U0BEN")
        if yard.plant.legacy:
            self.following = asyncio.create_task(yard.follow_until_still())
            await self.counter.asked()
        else:
            await yard.follow_until_still()
        return self

    async def go_on(self):
        """What comes after the verdict, to the end of the call."""
        if self.following is not None:
            async with asyncio.timeout(20):
                await self.following
        await self.yard.follow_until_still()


@pytest.fixture
async def asking(open_yard):
    """Builds one; with `legacy` the call stays open while people think."""
    cleanup = []

    async def build(*asks, legacy=False, begin=True, policy=None, requester="aiops", **plant):
        policy = replace(policy or RunPolicy(), look_every_s=0.02)
        yard = await open_yard(Plant(asks=list(asks or (TURNS,)), legacy=legacy, **plant), policy=policy)
        context = open_counter(yard)
        one = Asking(yard, await context.__aenter__())
        cleanup.append((one, context))
        return await one.begin(requester=requester) if begin else one

    yield build
    for one, context in cleanup:
        if one.following is not None:
            one.following.cancel()
            await asyncio.gather(one.following, return_exceptions=True)
        await context.__aexit__(None, None, None)


async def question(yard):
    return next(one for one in reversed((await yard.detail()).approvals) if one.envelope.question is not None)


async def step(yard):
    return (await yard.detail()).step_runs[-1]


@BOTH
async def test_what_the_server_asks_is_answered_by_a_person_and_the_call_goes_on_with_the_answer(asking, legacy):
    one = await asking(legacy=legacy)
    yard = one.yard
    assert (yard.plant.writes, yard.plant.told) == ([], [])
    _, _, card = await one.counter.card()
    for words in ("plant", "close_valves", "v1", "How many turns?", "Turns", "whole number, 1 to 5, required"):
        assert words in card
    assert "<!here>" not in card
    assert "<@U0ANA>" not in card
    assert (await yard.detail()).run.state is RunState.AWAITING_APPROVAL

    form = await one.counter.open("U0ANA")
    assert (await one.counter.submit("U0ANA", form, _0="9"))["errors"] == {"asked_0": "1 to 5 are asked for."}
    assert (await one.counter.submit("U0ANA", form, _0="2"))["view"] is None
    await one.go_on()

    assert yard.plant.told == [("accept", {"turns": 2})]
    assert yard.plant.writes == CLOSED
    detail = await yard.ended()
    assert detail.run.state is RunState.SUCCEEDED
    assert [one.state for one in detail.approvals] == [ApprovalState.USED, ApprovalState.USED]
    actions = await yard.actions(yard.run_id)
    ordered = ["step.started", "elicitation.asked", "approval.approved", "elicitation.told", "step.answered"]
    assert [action for action in actions[actions.index("step.started") :] if action in ordered] == ordered
    assert (await yard.audit.verify()).broken is None
    _, _, card = await one.counter.card(detail.approvals[-1])
    assert "*Approved* by <@U0ANA>" in card
    claims = [jwt.decode(grant, KEY, ["HS256"], options={"verify_exp": False}) for grant in yard.plant.grants]
    assert {one["server"] for one in claims} == {"plant"}
    assert claims[-1]["approver"] == ("U0BEN" if legacy else "U0ANA")


async def test_every_kind_of_field_is_a_typed_input_and_arrives_as_its_type(asking):
    one = await asking(ALL_KINDS)
    form = await one.counter.open("U0ANA")
    kinds = [block["element"]["type"] for block in form["blocks"] if block["type"] == "input"]
    assert kinds == [
        *("number_input", "number_input", "static_select", "static_select", "multi_static_select"),
        *("plain_text_input", "plain_text_input", "plain_text_input"),
    ]
    wrong = await one.counter.submit("U0ANA", form, _0="1", _1="99", _2="1", _3="0", _4=["1"], _5="soon", _6="")
    assert wrong["errors"] == {"asked_1": "0.5 to 9.5 are asked for.", "asked_5": "This is no date."}
    assert (await one.counter.submit("U0ANA", form, _1="2.5", _5="2026-12-01"))["view"] is None

    await one.go_on()

    told = {"turns": 1, "torque": 2.5, "slowly": False, "tool": "wrench", "shifts": ["night"], "until": "2026-12-01"}
    assert one.yard.plant.told == [("accept", told)]


@BOTH
async def test_a_rejection_tells_the_server_no_and_its_reason_stays_with_us(asking, legacy):
    one = await asking(legacy=legacy)

    assert (await one.counter.reject("U0ANA", "not while people are inside"))["view"] is None
    await one.go_on()

    assert (one.yard.plant.told, one.yard.plant.writes) == ([("decline", {})], [])
    detail = await one.yard.ended()
    assert detail.run.state is RunState.FAILED
    assert "nothing was changed: refused: somebody said no" in detail.run.why
    assert detail.approvals[-1].reason == "not while people are inside"


async def test_a_server_that_fails_after_a_no_leaves_the_step_for_a_person_to_judge(asking):
    one = await asking()
    await one.yard.power.off()
    await one.counter.reject("U0ANA", "no")

    await one.go_on()

    assert (await step(one.yard)).state is StepState.UNKNOWN
    assert "after it was told: decline" in (await step(one.yard)).why


@BOTH
@pytest.mark.parametrize("end", ["expires", "stops", "pauses"])
async def test_without_a_verdict_the_server_is_told_to_give_up(asking, legacy, end):
    one = await asking(legacy=legacy)
    yard = one.yard
    match end:
        case "expires":
            # A minute less than the run may take.
            yard.clock.pass_(29 * 60 + 59)
            assert await expire_approvals(desk=yard.desk) == 0
            yard.clock.pass_(1)
            await expire_approvals(desk=yard.desk)
        case "stops":
            await stop_run(yard.run_id, user="U0EVE", desk=yard.desk)
        case _:
            await pause_writes(user="U0EVE", reason="", channel="#ops", desk=yard.desk)
    await one.go_on()

    assert (yard.plant.told, yard.plant.writes) == ([("cancel", {})], [])
    asked = await question(yard)
    assert asked.state is (ApprovalState.EXPIRED if end == "expires" else ApprovalState.WITHDRAWN)
    assert not (await yard.say(Verdict.APPROVE, "U0ANA", _0=["2"])).done
    if end == "pauses":
        assert "aiops was paused" in asked.reason
        await resume_writes(user="U0ANA", reason="", channel="#ops", desk=yard.desk)
        await yard.follow_until_still()
    await yard.ended()


@BOTH
async def test_a_pause_reaches_an_open_question_though_whoever_paused_died_right_after(asking, legacy):
    """All that the pause left behind is its row."""
    one = await asking(legacy=legacy)
    yard = one.yard
    async with yard.desk.store.transaction() as tx:
        await tx.set_pause(paused=True, user="U0EVE", reason="", now=yard.clock.now())
    if not legacy:
        await expire_approvals(desk=yard.desk)

    await one.go_on()

    asked = await question(yard)
    assert (yard.plant.told, yard.plant.writes) == ([("cancel", {})], [])
    assert (asked.state, asked.reason) == (ApprovalState.WITHDRAWN, "aiops was paused")


async def test_while_a_server_asks_its_incident_waits_for_an_approval(asking):
    one = await asking(begin=False)
    async with one.yard.desk.store.transaction() as tx:
        await tx.move_incident(one.yard.incident_id, IncidentState.INVESTIGATING)
    await one.begin()
    async with one.yard.desk.store.transaction() as tx:
        asked = await tx.incident(one.yard.incident_id)
    await one.yard.say(Verdict.APPROVE, "U0ANA", _0=["2"])
    await one.go_on()
    async with one.yard.desk.store.transaction() as tx:
        after = await tx.incident(one.yard.incident_id)

    assert asked.state is IncidentState.AWAITING_APPROVAL
    assert after.state is IncidentState.VERIFYING


@pytest.mark.parametrize("overtaken", ["pause", "stop"])
async def test_a_yes_that_is_overtaken_by_a_pause_or_a_stop_is_not_told(asking, overtaken):
    one = await asking()
    await one.yard.say(Verdict.APPROVE, "U0ANA", _0=["2"])
    if overtaken == "pause":
        await pause_writes(user="U0EVE", reason="", channel="#ops", desk=one.yard.desk)
    else:
        await stop_run(one.yard.run_id, user="U0EVE", desk=one.yard.desk)

    await one.go_on()

    assert one.yard.plant.told == [("cancel", {})]
    assert (await question(one.yard)).state is ApprovalState.WITHDRAWN


async def test_an_approver_who_left_the_group_before_the_server_was_told_counts_no_more(asking):
    one = await asking()
    await one.counter.answer("U0ANA", _0="2")
    one.yard.group("U0BEN")

    await one.go_on()

    assert one.yard.plant.told == [("cancel", {})]
    assert "<@U0ANA> is not in the approver group any more" in (await question(one.yard)).reason


async def test_the_same_people_as_for_any_approval_may_answer(asking):
    one = await asking(requester="U0ANA")

    await one.counter.turned_away("U0CHEN", "not in the approver group for default")
    await one.counter.turned_away("U0ANA", "somebody else has to approve it")
    form = await one.counter.open("U0ANA", REJECT)
    assert "is told no" in json.dumps(form["blocks"])

    form = await one.counter.open("U0BEN")
    one.yard.group("U0EVE")
    refused = await one.counter.submit("U0BEN", form, _0="2")
    assert "not in the approver group" in json.dumps(refused["view"])
    assert (await question(one.yard)).state is ApprovalState.PENDING


async def test_of_two_answers_within_milliseconds_one_counts(asking):
    one = await asking()
    answers = await asyncio.gather(
        one.yard.say(Verdict.APPROVE, "U0ANA", _0=["2"]),
        one.yard.say(Verdict.APPROVE, "U0BEN", _0=["3"]),
        one.yard.say(Verdict.REJECT, "U0BEN", "no"),
    )
    assert [answer.done for answer in answers].count(True) == 1

    await one.go_on()

    assert len(one.yard.plant.told) == 1


async def test_where_two_people_have_to_approve_they_have_to_say_the_same(asking):
    one = await asking(policy=RunPolicy(two_person=frozenset({"default"})), begin=False)
    await one.yard.ask()
    await one.yard.approve("U0ANA")
    await one.yard.approve("U0BEN")
    await one.yard.follow_until_still()

    await one.counter.answer("U0ANA", _0="2")
    assert "approved this already" in (await one.yard.say(Verdict.APPROVE, "U0ANA", _0=["2"])).text
    form = await one.counter.open("U0BEN")
    assert next(block["element"]["initial_value"] for block in form["blocks"] if block["type"] == "input") == "2"
    assert "entered something else" in json.dumps((await one.counter.submit("U0BEN", form, _0="3"))["view"])
    assert one.yard.plant.told == []
    await one.yard.box.close_view(user="U0BEN", view_id=form["id"])
    await one.counter.answer("U0BEN", _0="2")

    await one.go_on()
    assert one.yard.plant.told == [("accept", {"turns": 2})]


TEXT = {"type": "string"}


@BOTH
@pytest.mark.parametrize(
    ("asked", "why"),
    [
        ({"message": "Log in", "url": "https://example.com/login"}, "open a page outside of Slack"),
        ({"message": "x", "schema": {"type": "object", "properties": {"dbPassword": TEXT}}}, "asks for a secret"),
        ({"message": "x", "schema": {"type": "object", "properties": {"x": {**TEXT, "title": "API key"}}}}, "a secret"),
        (
            {"message": "Your access token?", "schema": {"type": "object", "properties": {"x": TEXT}}},
            "ask for a secret",
        ),
    ],
)
async def test_pages_and_secrets_are_declined_at_once_with_a_card_that_says_why(asking, legacy, asked, why):
    one = await asking(asked, legacy=legacy)

    await one.go_on()

    assert (one.yard.plant.told, one.yard.plant.writes) == ([("decline", {})], [])
    card = await question(one.yard)
    assert (card.state, card.decided_by) == (ApprovalState.REJECTED, "aiops")
    assert why in card.reason
    _, _, words = await one.counter.card(card)
    assert "approval_review" not in words


async def test_a_form_that_cannot_be_shown_or_checked_is_declined(asking):
    nested = {"type": "object", "properties": {"x": {"type": "object", "properties": {}}}}
    one = await asking({"message": "x", "schema": nested})

    await one.go_on()

    assert one.yard.plant.told == [("decline", {})]
    assert "cannot be checked" in (await question(one.yard)).reason


async def test_several_requests_of_one_round_are_one_form_and_each_gets_its_answer(asking):
    other = {"message": "And who?", "schema": {"type": "object", "properties": {"who": TEXT}, "required": ["who"]}}
    one = await asking(TURNS, other)

    await one.counter.answer("U0ANA", _0="2", _1="the night shift")
    await one.go_on()

    assert one.yard.plant.told == [("accept", {"turns": 2}), ("accept", {"who": "the night shift"})]
    assert one.yard.plant.writes == CLOSED


async def test_a_server_that_goes_on_asking_is_declined_in_the_end(asking):
    one = await asking(rounds=99)
    for _ in range(5):
        assert (await one.yard.say(Verdict.APPROVE, "U0ANA", _0=["2"])).done
        await one.go_on()

    assert [action for action, _ in one.yard.plant.told] == ["accept"] * 5 + ["decline"]
    assert "it has asked 5 times in this call" in (await question(one.yard)).reason
    await one.yard.ended()


async def test_a_secret_that_somebody_types_in_is_not_passed_on(asking):
    one = await asking({"message": "Note?", "schema": {"type": "object", "properties": {"note": TEXT}}})

    said = await one.counter.answer("U0ANA", _0="password=hunter2hunter2")

    assert "looks like a secret" in said["errors"]["asked_0"]
    assert (await question(one.yard)).state is ApprovalState.PENDING


async def test_a_held_call_is_taken_up_by_another_process(asking, open_yard):
    """All that is known of the question stands in rows: the first process is gone when the verdict comes."""
    one = await asking()
    await one.yard.desk.tools.aclose()
    await one.counter.answer("U0ANA", _0="3")
    effects = {name: Effect(effect) for name, effect in EFFECTS.items()}
    pool = make_pool(one.yard.dsn, max_size=2, name="other")
    servers = [McpServer(name="plant", url=one.yard.power.url)]
    async with pool, McpTools(servers, effects, PostgresPins(pool)) as tools:
        await one.yard.with_desk(tools=tools, owner="the other").follow_until_still()

    assert one.yard.plant.told == [("accept", {"turns": 3})]
    assert one.yard.plant.writes == CLOSED
    assert (await one.yard.ended()).run.state is RunState.SUCCEEDED


@pytest.mark.parametrize(
    ("legacy", "point"), [(False, "elicitation.told"), (True, "elicitation.asked"), (True, "elicitation.told")]
)
async def test_killed_in_the_middle_the_step_is_unknown_and_the_server_is_never_told_twice(open_yard, legacy, point):
    yard = await open_yard(Plant(asks=[TURNS], legacy=legacy))
    await yard.plan()

    await killed_at(yard, point)
    await yard.follow_until_still()

    assert (await step(yard)).state is StepState.UNKNOWN
    assert (await yard.posts(RunCard))[-1].title == "A person has to decide"
    asked = await question(yard)
    assert asked.state is (ApprovalState.USED if point == "elicitation.told" else ApprovalState.WITHDRAWN)
    assert not (await yard.say(Verdict.APPROVE, "U0ANA", _0=["2"])).done
    assert [action for action, _ in yard.plant.told if action == "accept"] == []
    assert yard.plant.writes == []
    assert (await yard.audit.verify()).broken is None


async def test_killed_while_a_held_call_waits_for_its_verdict_nothing_is_lost(open_yard):
    yard = await open_yard(Plant(asks=[TURNS]))
    await yard.plan()

    await killed_at(yard, "elicitation.asked")
    await yard.follow_until_still()
    assert (await question(yard)).state is ApprovalState.PENDING
    assert (await yard.say(Verdict.APPROVE, "U0BEN", _0=["2"])).done
    await yard.follow_until_still()

    assert (yard.plant.told, yard.plant.writes) == ([("accept", {"turns": 2})], CLOSED)


async def test_a_process_that_is_stopped_in_the_middle_of_an_open_call_tells_the_server_to_give_up(asking):
    one = await asking(legacy=True)

    one.following.cancel()
    await asyncio.gather(one.following, return_exceptions=True)

    assert one.yard.plant.told == [("cancel", {})]
    assert (await question(one.yard)).state is ApprovalState.WITHDRAWN
    one.yard.clock.pass_(60)
    await one.yard.follow_until_still()
    assert (await step(one.yard)).state is StepState.UNKNOWN
    assert one.yard.plant.writes == []


@BOTH
async def test_outside_of_a_writing_step_every_question_is_declined_and_audited(asking, legacy):
    one = await asking(legacy=legacy, reading_asks=True, begin=False)

    result = await one.yard.desk.tools.call("read_valves", {"vessel": "vessel"}, timeout_s=10)

    # The plant answers all the same; another server would fail, in its own words.
    assert result.structured["vessel"] == "vessel"
    assert {action for action, _ in one.yard.plant.told} == {"decline"}
    (row,) = await one.yard.audit.tail(limit=9, action="elicitation.declined")
    assert row["detail"]["server"] == "plant"
    assert "How many turns?" in row["detail"]["message"]
    assert await one.yard.posts(ApprovalCard) == []


async def test_the_database_itself_refuses_to_tell_a_server_twice(asking):
    one = await asking()
    await one.counter.answer("U0ANA", _0="2")
    await one.go_on()
    async with await psycopg.AsyncConnection.connect(one.yard.dsn, autocommit=True) as connection:
        for change in ("told = 'cancel'", "answer = '{}'", "request_state = 'x'", "held = false"):
            with pytest.raises(psycopg.errors.CheckViolation, match="is frozen"):
                await connection.execute(f"update aiops.elicitation set {change}")


def moved_to(url, effects, pool):
    return McpTools([McpServer(name="annex", url=url)], effects, PostgresPins(pool))


async def test_a_tool_that_moved_to_another_server_is_asked_for_again(open_yard):
    yard = await open_yard()
    await yard.ask()
    assert (await yard.approval()).envelope.server == "plant"
    await yard.approve()
    other = Plant()
    effects = {name: Effect(effect) for name, effect in EFFECTS.items()}
    pool = make_pool(yard.dsn, max_size=2, name="other")
    async with running_plant(other) as url, pool, moved_to(url, effects, pool) as tools:
        await yard.with_desk(tools=tools).follow_until_still()

    old, new = (await yard.detail()).approvals
    assert (old.state, old.reason) == (
        ApprovalState.SUPERSEDED,
        "close_valves moved from plant to annex; approve again",
    )
    assert (new.state, new.envelope.server) == (ApprovalState.PENDING, "annex")
    assert yard.plant.writes == other.writes == []


async def test_two_servers_that_offer_the_write_are_both_refused_until_the_configuration_says_which(open_yard):
    yard = await open_yard()
    other = Plant()
    effects = {name: Effect(effect) for name, effect in EFFECTS.items()}
    pool = make_pool(yard.dsn, max_size=2, name="other")
    async with running_plant(other) as url, pool:
        annex, plant = McpServer(name="annex", url=url), McpServer(name="plant", url=yard.power.url)
        async with McpTools([annex, plant], effects, PostgresPins(pool)) as tools:
            with pytest.raises(ToolDeniedError, match="close_valves is offered by annex and plant"):
                await tools.home("close_valves", timeout_s=5)
            both = yard.with_desk(tools=tools)
            await both.ask()
            assert "is offered by annex and plant" in (await both.ended()).run.why
        picked = replace(annex, tools=frozenset())
        async with McpTools([picked, plant], effects, PostgresPins(pool)) as tools:
            one = yard.with_desk(tools=tools)
            await one.ask()
            assert (await one.approval()).envelope.server == "plant"
    assert yard.plant.writes == other.writes == []
