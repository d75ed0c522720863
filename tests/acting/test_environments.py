"""Where a write would happen is what our configuration says of its server, never what an alert says."""

from dataclasses import replace
from pathlib import Path

import pytest

from bot.adapters.runbook_format import parse_runbook
from bot.core.approval import ApprovalState
from bot.core.execution import RunState
from bot.core.policy import Effect
from bot.flows.acting.decide import settle_unknown
from bot.flows.acting.desk import RunPolicy
from bot.flows.acting.plan import place_of_writes
from bot.slack.approvers import SlackApprovers
from tests.acting.plant import EFFECTS, RUNBOOK, Plant

CLOSED = [("close_valves", ("v1", "v2", "v3"))]
ANYWHERE = RUNBOOK.replace("environments: [default]", "environments: [default, staging, production]")
APPROVERS = {"default": ["U0CHLOE", "U0DAN"], "production": ["S0ONCALL"]}
TWO = RunPolicy(two_person=frozenset({"production"}))


async def in_production(open_yard, **changes):
    """A plant that belongs to production, in a house where production has stricter rules."""
    usual = {"source": ANYWHERE, "approvers": APPROVERS, "policy": TWO, "environment": "production"}
    return await open_yard(**{**usual, **changes})


async def test_an_alert_that_names_no_environment_gets_the_approvers_and_the_two_people_of_its_server(open_yard):
    yard = await in_production(open_yard)
    await yard.ask()

    request = await yard.approval()
    assert (request.envelope.environment, request.needed) == ("production", 2)
    assert "not in the approver group for production" in (await yard.approve("U0CHLOE")).text
    assert (await yard.approve("U0ANA")).done
    await yard.follow_until_still()
    assert yard.plant.writes == []
    assert (await yard.approve("U0BEN")).done
    await yard.follow_until_still()
    assert yard.plant.writes == CLOSED


async def test_an_alert_that_names_another_environment_than_its_server_changes_nothing(open_yard):
    yard = await in_production(open_yard, said="staging")
    await yard.ask()

    detail = await yard.ended()
    assert detail.run.state is RunState.FAILED
    why = "this run is for the environment staging, but close_valves goes to plant, which belongs to production"
    assert why in detail.run.why
    assert (detail.approvals, yard.plant.writes) == ((), [])


async def test_an_alert_that_names_its_servers_environment_is_asked_for_there(open_yard):
    yard = await in_production(open_yard, said="production")
    await yard.ask()

    assert (await yard.approval()).envelope.environment == "production"


@pytest.mark.parametrize("said", ["", "production", "prodution"])
async def test_where_environments_differ_a_server_that_belongs_to_none_changes_nothing(open_yard, said):
    yard = await in_production(open_yard, environment="", said=said)
    await yard.ask()

    detail = await yard.ended()
    assert "`mcpServers.plant.environment` in aiops.yaml is not set" in detail.run.why
    assert (detail.approvals, yard.plant.writes) == ((), [])


async def test_an_environment_without_approvers_is_nobodys_where_others_have_some(open_yard):
    yard = await in_production(open_yard, environment="prodution")
    effects = {name: Effect(effect) for name, effect in EFFECTS.items()}
    for_it = parse_runbook(ANYWHERE.replace("production]", "prodution]"), Path("pressure-high.md"), effects=effects)
    await yard.ask(runbook=for_it)

    detail = await yard.ended()
    assert "nobody can approve this: set `approvers:` for prodution in aiops.yaml" in detail.run.why
    assert (detail.approvals, yard.plant.writes) == ((), [])


async def test_where_no_environment_is_named_the_rules_of_default_hold_for_whatever_the_alert_says(open_yard):
    yard = await open_yard(source=ANYWHERE, policy=RunPolicy(two_person=frozenset({"default"})), said="staging")
    await yard.ask()

    assert (await yard.approval()).needed == 2
    assert (await yard.approve("U0ANA")).done


async def test_a_server_that_moved_to_another_environment_after_the_approval_is_asked_for_anew(open_yard):
    yard = await open_yard(source=ANYWHERE)
    await yard.ask()
    await yard.approve()
    moved = yard.with_desk(tools=_Moved(yard.desk.tools))

    await moved.follow_until_still()

    old, new = (await yard.detail()).approvals
    assert (old.state, new.state) == (ApprovalState.SUPERSEDED, ApprovalState.PENDING)
    assert "plant belongs to the environment production now, and was approved for default" in old.reason
    assert (new.envelope.environment, yard.plant.writes) == ("production", [])


class _Moved:
    """The tools after a restart with another configuration."""

    def __init__(self, tools):
        self._tools = tools

    def __getattr__(self, name):
        return getattr(self._tools, name)

    async def environment(self, name, *, timeout_s):
        return "production"


async def test_what_became_of_an_unknown_step_is_said_by_the_approvers_of_its_server(open_yard):
    yard = await in_production(open_yard, plant=Plant(fail="the line went dead"), policy=RunPolicy())
    await yard.ask()
    await yard.approve("U0ANA")
    await yard.follow_until_still()

    outsider = await settle_unknown(yard.run_id, 2, user="U0CHLOE", carried_out=True, desk=yard.desk)
    insider = await settle_unknown(yard.run_id, 2, user="U0ANA", carried_out=True, desk=yard.desk)

    assert (outsider.done, insider.done) == (False, True)


async def test_a_run_is_planned_for_the_environment_of_the_servers_that_its_writes_go_to(open_yard):
    yard = await in_production(open_yard)

    assert await place_of_writes(yard.runbook, tools=yard.desk.tools) == "production"
    assert await place_of_writes(replace(yard.runbook, steps=()), tools=yard.desk.tools) == ""


def test_a_misspelt_environment_does_not_fall_to_the_approvers_of_default():
    several, one = SlackApprovers(None, APPROVERS), SlackApprovers(None, {"default": ["S0ONCALL"]})

    assert several.configured("prodution") == ()
    assert several.configured("production") == ("S0ONCALL",)
    assert several.configured("") == several.configured("default") == ("U0CHLOE", "U0DAN")
    assert one.configured("anything") == ("S0ONCALL",)
