"""kill -9 at any moment: no alert is lost, nothing is said twice, no finished model call is paid again."""

import asyncio
import json

import psycopg
import pytest

from tests.acceptance.replies import HYPOTHESES, reply_from
from tests.acceptance.town import CHANNEL, open_town
from tests.support.openai_endpoint import HANG, openai_endpoint

ALL = ["alert", "progress", "evidence", "hypothesis", "similar"]


@pytest.mark.parametrize("moment", ["alert", "progress", "evidence", "hypothesis"])
async def test_a_bot_killed_after_a_message_finishes_the_thread_without_repeating_it(tmp_path, database_url, moment):
    async with open_town(tmp_path, database_url) as town:
        incident = await town.fire(town.alert())
        await town.box.wait_for(CHANNEL, event_type=f"aiops.{moment}", timeout_s=60)
        await town.bot.kill()
        await town.bot.start()
        thread = (await town.card(incident))["ts"]

        await town.reply("similar", thread, timeout_s=60)

        assert await town.kinds(thread) == ALL
        assert len(await town.parents()) == 1


async def test_an_alert_accepted_just_before_the_crash_is_triaged_after_it(tmp_path, database_url):
    async with open_town(tmp_path, database_url) as town:
        incident = await town.fire(town.alert())
        await town.bot.kill()
        await town.bot.start()

        thread = (await town.card(incident))["ts"]
        await town.reply("similar", thread, timeout_s=60)

        assert await town.kinds(thread) == ALL


async def test_a_message_that_slack_took_before_the_answer_was_lost_is_not_sent_again(tmp_path, database_url):
    async with open_town(tmp_path, database_url) as town:
        await town.box.fault("chat.postMessage", "apply_then_drop", times=2)
        incident = await town.fire(town.alert())
        thread = (await town.card(incident))["ts"]

        await town.reply("similar", thread, timeout_s=60)

        assert await town.kinds(thread) == ALL
        assert len(await town.parents()) == 1


async def test_a_finished_model_call_is_not_paid_for_again(tmp_path, database_url):
    async with (
        openai_endpoint() as endpoint,
        open_town(
            tmp_path,
            database_url,
            LLM_MODEL="openai/scripted",
            LLM_BASE_URL=endpoint.url,
            LLM_API_KEY="sk-test-key-123456",
        ) as town,
    ):
        endpoint.queue(reply_from(HYPOTHESES, verdict="uncertain"), HANG, reply_from(HYPOTHESES))
        incident = await town.fire(town.alert())
        thread = (await town.card(incident))["ts"]
        async with asyncio.timeout(60):
            while len(endpoint.requests) < 2:
                await asyncio.sleep(0.02)
        await town.bot.kill()
        await town.bot.start()

        card = await town.reply("hypothesis", thread, timeout_s=60)

        assert len(endpoint.requests) == 3
        assert "openai/scripted" in json.dumps(card["blocks"]) or "scripted" in json.dumps(card["blocks"])
        await town.reply("similar", thread)
        assert await town.kinds(thread) == ALL


async def test_a_stopped_bot_drains_and_exits_cleanly(tmp_path, database_url):
    async with open_town(tmp_path, database_url) as town:
        incident = await town.fire(town.alert())
        thread = (await town.card(incident))["ts"]
        await town.reply("similar", thread)

        assert await town.bot.stop() == 0

    with psycopg.connect(database_url) as connection:
        states = connection.execute("select state::text from aiops.investigation").fetchall()
    assert states == [("done",)]
