"""An alert becomes a cited hypothesis in its Slack thread, with the offline analyst."""

import asyncio
import json

import psycopg
import pytest
import pytest_asyncio

from tests.acceptance.town import CHANNEL, LEAKED, RELEASE, open_town
from tests.slack.face import told

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def town(tmp_path_factory, module_database):
    async with open_town(tmp_path_factory.mktemp("town"), module_database) as one:
        yield one


@pytest_asyncio.fixture(loop_scope="module")
async def fired(town):
    """An incident that is over when the test ends, so that the next one is another."""
    one = town.alert()
    incident = await town.fire(one)
    card = await town.card(incident)
    yield incident, card["ts"]
    await town.resolve(one)


async def test_the_thread_holds_evidence_then_a_hypothesis_then_similar_incidents(town, fired):
    _, thread = fired

    await town.reply("similar", thread)

    assert await town.kinds(thread) == ["alert", "progress", "evidence", "hypothesis", "similar"]


async def test_the_hypothesis_names_the_leaking_release_and_cites_evidence(town, fired):
    incident, thread = fired
    card = await town.reply("hypothesis", thread)

    detail = await town.bot.cli("incident", "show", incident, "--json")

    best = detail["hypotheses"][0]
    assert best["suspect"] == {"service": "checkout", "change_id": "deploy-checkout-2.31.0"}
    assert best["cause_class"] == "deploy"
    assert set(best["evidence"]) <= {item["id"] for item in detail["evidence"]}
    assert best["evidence"]
    assert 0 < best["confidence"] < 1
    assert "prior" in best["confidence_basis"]
    assert detail["first_action"]["text"]
    assert RELEASE in json.dumps(card["blocks"])
    assert "offline analyst" in json.dumps(card["blocks"])


async def test_the_evidence_holds_what_the_database_itself_says(town, fired):
    incident, thread = fired
    await town.reply("hypothesis", thread)

    detail = await town.bot.cli("incident", "show", incident, "--json")

    activity = [item for item in detail["evidence"] if item["source"] == "pg_activity"]
    assert any(
        f"checkout/{RELEASE}" in item["excerpt"] + item["title"] and str(LEAKED) in item["title"] for item in activity
    )
    assert all(item["sha256"] and item["query"] for item in detail["evidence"])


async def test_what_could_not_be_looked_at_is_said(town, fired):
    incident, thread = fired
    await town.reply("hypothesis", thread)

    detail = await town.bot.cli("incident", "show", incident, "--json")

    # This town has no Prometheus, so its basecamp has no read_metrics.
    assert any("metric" in (gap["what"] + gap["why"]).lower() for gap in detail["gaps"])


async def test_the_shown_incident_has_every_promised_name(town, fired):
    incident, thread = fired
    await town.reply("similar", thread)

    detail = await town.bot.cli("incident", "show", incident, "--json")

    assert {
        "id",
        "state",
        "alerts",
        "evidence",
        "gaps",
        "hypotheses",
        "first_action",
        "similar",
        "runs",
        "outcome",
        "usage",
        "timings_ms",
    } <= set(detail)
    assert {"received", "evidence_posted", "hypothesis_posted"} == set(detail["timings_ms"])
    assert {"tokens", "cost_usd", "steps"} == set(detail["usage"])
    assert all(value is not None for value in detail["timings_ms"].values())
    assert {
        "rank",
        "title",
        "cause_class",
        "suspect",
        "explanation",
        "evidence",
        "confidence",
        "disconfirming_check",
    } <= set(detail["hypotheses"][0])


async def test_a_resolve_is_said_in_the_thread_and_on_the_card(town):
    one = town.alert()
    incident = await town.fire(one)
    thread = (await town.card(incident))["ts"]
    await town.reply("similar", thread)

    await town.resolve(one)

    await town.reply("result", thread, contains="resolved")
    await town.box.wait_for(CHANNEL, event_type="aiops.alert", contains="Resolved", timeout_s=20)


async def test_run_again_edits_the_same_messages(town, fired):
    incident, thread = fired
    await town.reply("similar", thread)
    card = await town.reply("hypothesis", thread)

    await town.box.press(user="U0ANA", channel=CHANNEL, ts=card["ts"], action_id="run_again", value=incident)

    async def finished():
        with psycopg.connect(town.database_url) as connection:
            row = connection.execute(
                "select state::text from aiops.investigation where incident_id = %s and number = 2", (incident,)
            ).fetchone()
        return row == ("done",)

    async with asyncio.timeout(30):
        while not await finished():
            await asyncio.sleep(0.05)
    assert await town.kinds(thread) == ["alert", "progress", "evidence", "hypothesis", "similar"]


async def test_slash_triage_opens_an_incident_of_its_own(town):
    answer = await town.box.command(user="U0BEN", channel=CHANNEL, command="/aiops", text="triage search feels slow")

    assert answer["acked"]
    card = (await town.box.wait_for(CHANNEL, event_type="aiops.alert", contains="search feels slow"))[-1]
    await town.reply("hypothesis", card["ts"])


async def test_slash_status_tells_what_is_open_and_who_answers(town, fired):
    incident, _ = fired

    answer = await town.box.command(user="U0BEN", channel=CHANNEL, command="/aiops", text="status")

    assert answer["acked"]
    # The command is acknowledged at once and answered when the answer is there.
    await told(town.box, incident)
    await told(town.box, "offline analyst")


async def test_doctor_finds_every_connection_well(town):
    findings = await town.bot.cli("doctor", "--json")

    assert [one for one in findings if not one["ok"]] == []
    assert {"configuration", "http", "slack bot token", "slack scopes", "slack app token", "database", "model"} <= {
        one["name"] for one in findings
    }
    assert {"mcp basecamp", "embeddings", "postmortems", "prompts", "runbooks"} <= {one["name"] for one in findings}


async def test_nothing_the_bot_did_broke_a_rule_of_slack(town):
    assert town.box.violations() == []
    assert town.box.unacked() == []
