"""What a tool says while a runbook is followed holds secrets: calls stay exact, and nothing else keeps them."""

import json

import psycopg

from bot.core.execution import RunState
from bot.core.posts import RunCard, RunResult
from bot.slack.views.approval import approve_form
from tests.acting.plant import RUNBOOK, Plant

PASSWORD = "correct-horse-battery"
URL = f"postgresql://shop:{PASSWORD}@db:5432/orders"
SECRET_VALVE = "session:eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTYifQ.c2lnbmF0dXJl"
TALKATIVE = {"summary": f"3 valves are open, see {URL}", "password": PASSWORD, "note": {"lines": [f"got {URL}"]}}


async def kept(yard) -> str:
    """All that the database has of runs, requests, messages and the audit log."""
    tables = ("run", "step_run", "approval", "post", "aiops_audit")
    async with await psycopg.AsyncConnection.connect(yard.dsn) as connection:
        found = [
            row
            for one in tables
            for row in await (await connection.execute(f"select to_jsonb(t) from aiops.{one} t")).fetchall()
        ]
    return json.dumps(found)


async def test_a_secret_in_a_reading_is_neither_kept_nor_logged_nor_shown(open_yard):
    yard = await open_yard(Plant(says=TALKATIVE))
    await yard.ask()
    await yard.approve()
    await yard.follow_until_still()

    assert (await yard.ended()).run.state is RunState.SUCCEEDED
    assert PASSWORD not in await kept(yard)
    shown = [one.output for card in await yard.posts(RunCard) for one in card.tasks]
    assert any("3 valves are open" in one for one in shown)


async def test_readings_that_are_made_anew_for_a_second_request_are_kept_without_secrets_too(open_yard):
    yard = await open_yard(Plant(says=TALKATIVE))
    await yard.ask()
    yard.plant.open["v5"] = True
    yard.plant.between = lambda: yard.plant.open.pop("v1", None)
    await yard.approve()
    await yard.follow_until_still()
    yard.plant.between = None
    await yard.follow_until_still(seconds=31)

    assert len((await yard.detail()).approvals) == 2
    assert PASSWORD not in await kept(yard)


async def test_an_identifier_that_looks_like_a_secret_reaches_the_call_exactly_and_no_eye(open_yard):
    yard = await open_yard(Plant(open={SECRET_VALVE: True, "v2": True, "v3": True}))
    await yard.ask()
    asked = await yard.approval()
    assert asked.envelope.args == {"valves": [SECRET_VALVE, "v2", "v3"]}
    assert SECRET_VALVE not in json.dumps(approve_form(asked)["blocks"])
    await yard.approve()
    await yard.follow_until_still()

    assert yard.plant.writes == [("close_valves", (SECRET_VALVE, "v2", "v3"))]
    assert (await yard.ended()).run.state is RunState.SUCCEEDED
    rows = await yard.audit.tail(limit=1_000)
    assert SECRET_VALVE not in json.dumps([row["detail"] for row in rows], default=str)
    shown = [str(one) for kind in (RunCard, RunResult) for one in await yard.posts(kind)]
    assert not any(SECRET_VALVE in one for one in shown)


async def test_a_call_that_would_get_a_placeholder_in_place_of_a_secret_is_not_made(open_yard):
    source = RUNBOOK.replace(
        """  valves: "{{ steps.look.open | selectattr('leaking') | map(attribute='id') | list }}"\neffect""",
        """  valves: "{{ steps.look['leaky'].values() | map('first') | list }}"\neffect""",
    )
    yard = await open_yard(Plant(says={"leaky": {"north": [f"v1 {URL}"]}}), source=source)
    await yard.ask()

    detail = await yard.ended()
    assert detail.run.state is RunState.FAILED
    assert "in place of a secret that is not kept" in detail.run.why
    assert (detail.approvals, yard.plant.writes) == ((), [])
