"""Tools that refuse, fail, hang, die or do nothing: one call, an honest card, and a person where nobody can know."""

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest

from bot.adapters.postgres.pins import PostgresPins
from bot.adapters.postgres.session import make_pool
from bot.adapters.runbook_format import parse_runbook
from bot.adapters.runbooks import LoadedRunbooks
from bot.adapters.tools import McpServer, McpTools
from bot.core.approval import ApprovalState, Verdict
from bot.core.execution import RunState, StepState
from bot.core.policy import Effect
from bot.core.posts import RunCard, RunResult
from bot.flows.acting.decide import settle_unknown
from bot.flows.acting.desk import RunPolicy
from tests.acting.plant import EFFECTS, RUNBOOK, Plant, running_plant

CLOSED = ("close_valves", ("v1", "v2", "v3"))
OPENED = ("open_valves", ("v1", "v2", "v3"))
IMPATIENT = RunPolicy(call_timeout_s=0.4)


async def test_a_tool_that_refuses_has_changed_nothing_and_is_not_asked_again(open_yard):
    yard = await open_yard(Plant(refuse="the grant is for other arguments"))
    await yard.ask()
    await yard.approve()

    await yard.follow_until_still()

    detail = await yard.ended()
    assert detail.run.state is RunState.FAILED
    assert "nothing was changed: refused: the grant is for other arguments" in detail.run.why
    assert (len(yard.plant.grants), yard.plant.writes) == (1, [])
    (result,) = await yard.posts(RunResult)
    assert result.headline.startswith("Nothing was changed")
    assert (await yard.audit.verify()).broken is None


@pytest.mark.parametrize("carried_out", [True, False])
async def test_a_tool_that_fails_leaves_the_question_to_a_person(open_yard, carried_out):
    yard = await open_yard(Plant(fail="the line went dead"))
    await yard.ask()
    await yard.approve()
    await yard.follow_until_still(seconds=1)

    card = (await yard.posts(RunCard))[-1]
    assert (await yard.detail()).step_runs[1].state is StepState.UNKNOWN
    assert "the line went dead" in card.question
    assert "few enough valves are open: no" in card.question
    assert "It will not be repeated by itself. Was it carried out?" in card.question
    assert len(yard.plant.grants) == 1

    answer = await settle_unknown(yard.run_id, card.unknown_step, user="U0BEN", carried_out=carried_out, desk=yard.desk)
    await yard.follow_until_still()

    assert answer.done
    detail = await yard.ended()
    assert detail.run.state is (RunState.SUCCEEDED if carried_out else RunState.FAILED)
    assert detail.step_runs[1].check == f"{'carried out' if carried_out else 'not carried out'}, says <@U0BEN>"
    assert len(yard.plant.grants) == 1


async def test_a_question_that_nobody_answers_ends_with_the_time_limit_and_says_what_is_not_known(open_yard):
    yard = await open_yard(Plant(fail="the line went dead"))
    await yard.ask()
    await yard.approve()
    await yard.follow_until_still()
    yard.clock.pass_(30 * 60)

    await yard.follow_until_still()

    detail = await yard.ended()
    assert detail.run.state is RunState.EXPIRED
    (result,) = await yard.posts(RunResult)
    assert "not known whether it was carried out" in result.changes[0]
    assert result.next_action == "Look at the system before anything is tried again."


@pytest.mark.parametrize("acts_first", [True, False])
async def test_a_tool_that_hangs_is_called_once_and_becomes_a_question(open_yard, acts_first):
    yard = await open_yard(Plant(hang=asyncio.Event(), act_then_hang=acts_first), policy=IMPATIENT)
    await yard.ask()
    await yard.approve()

    await yard.follow_until_still(seconds=1)

    detail = await yard.detail()
    assert detail.step_runs[1].state is StepState.UNKNOWN
    assert "gave no answer within" in detail.step_runs[1].why
    assert len(yard.plant.grants) == 1
    expected = "yes" if acts_first else "no"
    assert f"few enough valves are open: {expected}" in detail.step_runs[1].check
    yard.plant.hang.set()


async def test_a_server_that_dies_in_the_middle_of_the_call_is_not_called_again(open_yard):
    yard = await open_yard(Plant(hang=asyncio.Event(), act_then_hang=True), policy=RunPolicy(call_timeout_s=5))
    await yard.ask()
    await yard.approve()
    following = asyncio.create_task(yard.follow())
    async with asyncio.timeout(10):
        while not yard.plant.writes:
            await asyncio.sleep(0)
    await yard.power.off()

    assert await following
    detail = await yard.detail()
    assert detail.step_runs[1].state is StepState.UNKNOWN
    assert "could not be checked" in detail.step_runs[1].check

    yard.plant.hang = None
    await yard.power.on()
    await yard.follow_until_still(seconds=10)
    assert yard.plant.writes == [CLOSED]


async def test_a_server_that_is_away_when_the_call_is_due_is_waited_for_while_the_yes_is_fresh(open_yard):
    yard = await open_yard(policy=IMPATIENT)
    await yard.ask()
    await yard.power.off()
    await yard.approve()
    await yard.follow_until_still()
    assert (await yard.detail()).step_runs[1].state is StepState.QUEUED

    await yard.power.on()
    async with asyncio.timeout(15):
        while not yard.plant.writes:
            yard.clock.pass_(2)
            await yard.follow()
    await yard.follow_until_still()

    assert (await yard.ended()).run.state is RunState.SUCCEEDED
    assert yard.plant.writes == [CLOSED]


async def test_a_server_that_restarted_is_found_again_before_the_call(open_yard):
    yard = await open_yard()
    await yard.ask()
    await yard.power.off()
    await yard.power.on()
    await yard.approve()

    async with asyncio.timeout(15):
        while not yard.plant.writes:
            yard.clock.pass_(2)
            await yard.follow()

    await yard.follow_until_still()
    assert (await yard.ended()).run.state is RunState.SUCCEEDED
    assert yard.plant.writes == [CLOSED]


async def _ineffective(open_yard, **more):
    """A yard where closing was approved and carried out, and did not help."""
    yard = await open_yard(Plant(bursts=True, **more))
    await yard.ask()
    await yard.approve()
    for _ in range(14):
        await yard.follow()
        yard.clock.pass_(1)
    return yard


async def test_a_write_that_does_not_help_is_offered_to_be_taken_back_as_a_question_of_its_own(open_yard):
    yard = await _ineffective(open_yard)
    first, second = (await yard.detail()).approvals
    assert first.state is ApprovalState.USED
    assert (second.state, second.envelope.rollback, second.envelope.tool) == (
        ApprovalState.PENDING,
        True,
        "open_valves",
    )
    assert second.sha256 != first.sha256
    assert "few enough valves are open: not within 10 s" in (await yard.detail()).step_runs[1].why


async def test_a_rollback_that_is_approved_is_made_once_and_checked(open_yard):
    yard = await _ineffective(open_yard)
    await yard.approve("U0BEN")
    await yard.follow_until_still(seconds=1)

    detail = await yard.ended()
    assert yard.plant.writes == [CLOSED, OPENED]
    assert detail.run.state is RunState.FAILED
    assert detail.run.why == "Close the leaking valves did not help and was rolled back"
    (result,) = await yard.posts(RunResult)
    assert result.approvers == ("U0ANA", "U0BEN")
    assert "Roll back: Open them again" in result.changes[1]


async def _unreadable(open_yard):
    """A yard where closing was carried out, and nobody can look whether it helped."""
    yard = await open_yard(policy=IMPATIENT)
    await yard.ask()
    await yard.approve()
    yard.desk = replace(yard.desk, reach=_once(yard, "write.recorded"))
    await yard.follow()
    for _ in range(14):
        await yard.follow()
        yard.clock.pass_(1)
    return yard


def _once(yard, point):
    """From this point on the reading tool refuses to answer."""

    def reach(name):
        if name == point:
            yard.plant.built.remove_tool("read_valves")

    return reach


async def test_an_effect_that_cannot_be_looked_at_is_a_question_and_no_failure(open_yard):
    yard = await _unreadable(open_yard)

    detail, card = await yard.detail(), (await yard.posts(RunCard))[-1]
    assert yard.plant.writes == [CLOSED]
    assert detail.step_runs[1].state is StepState.UNKNOWN
    assert len(detail.approvals) == 1, "no rollback is offered for what nobody has seen fail"
    assert card.title == "A person has to decide"
    assert "was carried out; whether it helped is not known" in card.question
    assert "few enough valves are open: could not be checked within 10 s" in card.question
    assert card.question.endswith("Did it have the wanted effect?")
    assert card.answered


@pytest.mark.parametrize("helped", [True, False])
async def test_whether_it_helped_is_said_by_a_person_when_it_cannot_be_looked_at(open_yard, helped):
    yard = await _unreadable(open_yard)

    answer = await settle_unknown(yard.run_id, 2, user="U0BEN", carried_out=helped, desk=yard.desk)
    await yard.follow()

    detail = await yard.detail()
    assert answer.text == f"Noted: it was {'helpful' if helped else 'of no help'}."
    if helped:
        assert detail.run.state is RunState.SUCCEEDED
    else:
        assert detail.approvals[-1].envelope.rollback


async def test_a_write_that_changed_nothing_has_nothing_to_roll_back(open_yard):
    yard = await open_yard(Plant(stuck=True))
    await yard.ask()
    await yard.approve()

    await yard.follow_until_still(seconds=1)

    detail = await yard.ended()
    assert len(detail.approvals) == 1
    assert "did not help, and it was not rolled back: nothing to do" in detail.run.why


async def test_a_rollback_that_is_rejected_is_not_made(open_yard):
    yard = await _ineffective(open_yard)
    assert not (await yard.say(Verdict.REJECT, "U0DAN", "no")).done
    await yard.say(Verdict.REJECT, "U0ANA", "leave it")

    await yard.follow_until_still()

    detail = await yard.ended()
    assert yard.plant.writes == [CLOSED]
    assert detail.run.why == "rejected by <@U0ANA>: leave it"


async def test_a_rollback_that_fails_becomes_a_question_too(open_yard):
    yard = await _ineffective(open_yard, jammed="the wheel came off")
    await yard.approve("U0BEN")
    await yard.follow_until_still(seconds=1)

    last = (await yard.detail()).step_runs[-1]
    assert (last.rollback, last.state) == (True, StepState.UNKNOWN)
    assert "the wheel came off" in (await yard.posts(RunCard))[-1].question


async def test_a_read_that_fails_ends_the_run_with_the_servers_words(open_yard):
    yard = await open_yard(policy=IMPATIENT)
    await yard.plan()
    await yard.power.off()

    await yard.follow_until_still()

    detail = await yard.ended()
    assert detail.run.state is RunState.FAILED
    assert "Which valves are open" in detail.run.why
    assert detail.approvals == ()


OPTIONAL = RUNBOOK.replace(
    "## Mitigation",
    """```step
id: gauge
title: What the gauge says
tool: read_gauge
args: {vessel: "{{ service }}"}
effect: read
optional: true
```

```step
id: closer
title: A closer look
tool: read_valves
args: {vessel: "{{ service }}"}
effect: read
when: steps.gauge.bar > 3
```

## Mitigation""",
)
GAUGE = {name: Effect(effect) for name, effect in {**EFFECTS, "read_gauge": "read"}.items()}


def with_gauge(yard, source):
    """The desk knows a gauge that no server has."""
    runbook = parse_runbook(source, Path("pressure-high.md"), effects=GAUGE)
    return yard.with_desk(runbooks=LoadedRunbooks(runbooks=(), problems=(), effects=GAUGE)), runbook


async def test_an_optional_read_that_fails_is_named_and_the_run_goes_on(open_yard):
    yard, runbook = with_gauge(await open_yard(), OPTIONAL)
    await yard.ask(runbook=runbook)
    await yard.approve()
    await yard.follow_until_still()

    detail = await yard.ended()
    assert detail.run.state is RunState.SUCCEEDED
    assert detail.run.why == "every step is done; without what could not be read: What the gauge says"
    assert yard.plant.writes == [("close_valves", ("v1", "v2", "v3"))]
    gauge, closer = detail.step_runs[1:3]
    assert gauge.state is StepState.FAILED
    assert closer.state is StepState.SKIPPED
    assert closer.why == "not run: `steps.gauge.bar > 3` rests on gauge, which could not be read"


async def test_a_write_whose_condition_rests_on_a_missing_reading_is_not_made_and_says_so(open_yard):
    source = OPTIONAL.replace("when: steps.look.open | length > params.most", "when: steps.gauge.bar > 3")
    yard, runbook = with_gauge(await open_yard(), source)
    await yard.ask(runbook=runbook)

    detail = await yard.ended()
    assert detail.run.state is RunState.FAILED
    assert "it rests on what could not be read: What the gauge says" in detail.run.why
    assert (detail.approvals, yard.plant.writes) == ((), [])


async def test_the_preview_is_asked_of_the_server_that_would_make_the_call(open_yard):
    """Another server, listed first, also has a `preview_write` and says that nothing would be touched."""
    yard = await open_yard()
    # Accepted with the plant before the other one comes; a preview that both are first seen with may be either's.
    assert await yard.desk.tools.home("close_valves", timeout_s=30) == "plant"
    liar = Plant(open={})
    pool = make_pool(yard.dsn, max_size=2, name="other")
    async with running_plant(liar) as lying, pool:
        for name in ("close_valves", "open_valves", "read_valves"):
            liar.built.remove_tool(name)
        servers = [McpServer(name="liar", url=lying), McpServer(name="plant", url=yard.power.url)]
        effects = {name: Effect(effect) for name, effect in EFFECTS.items()}
        async with McpTools(servers, effects, PostgresPins(pool)) as tools:
            two = yard.with_desk(tools=tools)
            await two.ask()
            assert [target.id for target in (await two.approval()).envelope.targets] == ["v1", "v2", "v3"]


async def test_many_runs_and_many_workers_make_each_write_once(open_yard):
    yard = await open_yard()
    runs = [await yard.plan(runbook=replace(yard.runbook, id=f"pressure-{number}")) for number in range(8)]
    workers = [yard.with_desk(owner=f"worker {number}") for number in range(4)]

    async def work():
        for _ in range(30):
            if not any(await asyncio.gather(*(worker.follow() for worker in workers))):
                break

    await work()
    for run_id in runs:
        yard.run_id = run_id
        assert (await yard.approve()).done
    await work()

    states = set()
    for run_id in runs:
        detail = await yard.ended(run_id)
        states.add(detail.run.state)
        assert sum(row.called_at is not None for row in detail.step_runs) <= 1
    # The first closes the valves; for the others it is not needed any more.
    assert states == {RunState.SUCCEEDED}
    assert 1 <= len(yard.plant.writes) == len(yard.plant.grants) <= 8
    actions = await yard.actions()
    assert actions.count("step.started") == actions.count("step.answered") == len(yard.plant.writes)
    assert (await yard.audit.verify()).broken is None
