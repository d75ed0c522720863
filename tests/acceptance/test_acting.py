"""From an alert to sessions that are really gone, by the doors that people and machines use."""

import asyncio
import json
import re

import pytest
import pytest_asyncio

from bot.slack.views.approval import REVIEW
from tests.acceptance.orders import LEAKED, open_shift, told

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def open_for_all(tmp_path_factory, module_database, leak):
    leak.spring()
    async with open_shift(tmp_path_factory.mktemp("town"), module_database, leak) as one:
        yield one


@pytest_asyncio.fixture(loop_scope="module")
async def shift(open_for_all, leak):
    """The town with a full leak and with every approver back in the group; what a test leaves open is over after it."""
    leak.spring()
    await leak.forgotten()
    yield open_for_all
    open_for_all.group("U0ANA", "U0BEN")
    await open_for_all.over()


async def test_an_alert_ends_in_exactly_the_sessions_gone_that_a_person_approved(shift, leak):
    leaked, began = await leak.forgotten(), len(shift.acting())
    _, thread = await shift.fire()
    card = await shift.asked(thread)
    kinds = await shift.town.kinds(thread)
    assert kinds.index("hypothesis") < kinds.index("run") < kinds.index("approval")
    for pid in sorted(leaked)[:3]:
        assert str(pid) in json.dumps(card["blocks"])
    assert f"dry run: terminate {LEAKED} of {LEAKED} named sessions" in told(card)
    assert set(leak.sessions()) == leaked, "asking has changed nothing"
    assert len(shift.acting()) == began

    form = await shift.review("U0ANA", card)
    assert all(str(pid) in json.dumps(form["blocks"]) for pid in leaked)
    assert (await shift.submit("U0ANA", form))["view"] is None

    result = told(await shift.town.reply("result", thread))
    assert leak.sessions() == {}
    assert f"connections {LEAKED}/20 → 0/20" in result
    assert "at most 60 % of the usable connections are taken" in result
    assert "approved by <@U0ANA>" in result
    assert re.search(r"took \d+ s", result)
    assert "*Approved* by <@U0ANA>" in told(await shift.now(card))
    (call,) = shift.acting()[began:]
    assert {one["pid"] for one in call["arguments"]["sessions"]} == leaked
    run = await shift.run(thread)
    assert (call["grant"]["run"], call["grant"]["approver"]) == (run, "U0ANA")
    ordered = ["approval.asked", "approval.approved", "approval.used", "step.started", "step.answered", "run.ended"]
    assert [action for action in shift.actions(run) if action in ordered] == ordered
    await shift.audit_is_whole()


async def test_somebody_outside_the_approver_group_gets_no_form_and_is_told_why(shift, leak):
    began = len(shift.acting())
    _, thread = await shift.fire()
    card = await shift.asked(thread)

    assert "not in the approver group for default" in await shift.turned_away("U0CHEN", card)

    assert len(shift.acting()) == began
    assert len(leak.sessions()) == LEAKED
    assert REVIEW in json.dumps(await shift.now(card)), "the request still stands"


async def test_an_approver_who_leaves_the_group_with_the_form_open_approves_nothing(shift, leak):
    began = len(shift.acting())
    _, thread = await shift.fire()
    card = await shift.asked(thread)
    form = await shift.review("U0ANA", card)
    shift.group("U0BEN")

    answer = await shift.submit("U0ANA", form)

    assert "not in the approver group for default" in json.dumps(answer["view"])
    assert "approval.refused" in shift.actions(await shift.run(thread))
    assert len(shift.acting()) == began
    assert len(leak.sessions()) == LEAKED


async def test_a_double_press_and_a_second_person_at_the_same_time_give_one_verdict_and_one_call(shift, leak):
    began = len(shift.acting())
    _, thread = await shift.fire()
    card = await shift.asked(thread)
    ana, ben = await shift.review("U0ANA", card), await shift.review("U0BEN", card)

    answers = await asyncio.gather(
        shift.submit("U0ANA", ana), shift.submit("U0ANA", ana), shift.submit("U0BEN", ben), return_exceptions=True
    )

    (call,) = await shift.began(began + 1)
    first = call["grant"]["approver"]
    # A form that its first submission has closed cannot show what became of the second.
    shown = [one for one in answers if isinstance(one, dict) and one["failure"] is None]
    told_off = [json.dumps(one["view"]) for one in shown if one["view"] is not None]
    assert first in {"U0ANA", "U0BEN"}
    assert told_off, "whoever was second is told"
    assert all(f"approved by <@{first}> already" in text for text in told_off), told_off
    result = told(await shift.town.reply("result", thread))
    assert f"approved by <@{first}>" in result
    actions = shift.actions(await shift.run(thread))
    assert actions.count("approval.approved") == 1
    assert actions.count("approval.refused") == 2
    assert len(shift.acting()) == began + 1
    assert leak.sessions() == {}


async def test_a_yes_after_the_targets_have_changed_runs_nothing_and_is_asked_for_anew(shift, leak):
    began = len(shift.acting())
    _, thread = await shift.fire()
    card = await shift.asked(thread)
    leak.give_one_back()

    await shift.approve("U0ANA", card)

    again = await shift.asked(thread, count=2)
    replaced = told(await shift.now(card))
    assert f"has changed since it was approved ({LEAKED} targets then, {LEAKED - 1} now)" in replaced
    assert "*Replaced*" in replaced
    assert f"on {LEAKED - 1} targets" in told(again)
    assert "was replaced, because what it would touch has changed" in await shift.turned_away("U0BEN", card)
    assert len(shift.acting()) == began
    assert len(leak.sessions()) == LEAKED - 1


async def test_a_request_that_nobody_answered_in_time_runs_nothing_however_it_is_pressed(tmp_path, database_url, leak):
    leak.spring()
    config = {"approvals": {"expires_minutes": 0.1}}
    async with open_shift(tmp_path, database_url, leak, config=config) as shift:
        await leak.forgotten()
        _, thread = await shift.fire()
        card = await shift.asked(thread)
        form = await shift.review("U0ANA", card)

        result = told(await shift.town.reply("result", thread))
        late = await shift.submit("U0ANA", form)

        assert "Nothing was changed" in result
        assert "*Expired*" in told(await shift.now(card))
        assert "nobody decided in time" in told(await shift.now(card))
        assert "closed already (expired); your press changed nothing" in json.dumps(late["view"])
        assert "closed already (expired)" in await shift.turned_away("U0BEN", card)
        assert shift.acting() == []
        assert len(leak.sessions()) == LEAKED


async def test_who_asked_for_a_runbook_cannot_approve_it_and_a_second_person_can(tmp_path, database_url, leak):
    leak.spring()
    async with open_shift(tmp_path, database_url, leak) as shift:
        await leak.forgotten()
        thread = await shift.run_by("U0ANA", "orders-db refuses new clients")
        card = await shift.asked(thread)
        assert "<@U0ANA>" in told(card)

        assert "You asked for this, so somebody else has to approve it" in await shift.turned_away("U0ANA", card)
        assert shift.acting() == []

        await shift.approve("U0BEN", card)
        assert "approved by <@U0BEN>" in told(await shift.town.reply("result", thread))
        assert [call["grant"]["approver"] for call in shift.acting()] == ["U0BEN"]
        assert leak.sessions() == {}
        await shift.audit_is_whole()
