"""Alerts that Alertmanager posts into a watched channel, alone and beside the webhook."""

import psycopg
import pytest
import pytest_asyncio

from tests.acceptance.town import CHANNEL, open_town

pytestmark = pytest.mark.asyncio(loop_scope="module")

WATCHED = "C0ALERTS"


def forwarded(status="FIRING:1", service="orders-db"):
    """What Alertmanager's Slack receiver posts with a template that names its labels."""
    return {
        "attachments": [
            {
                "color": "danger",
                "fallback": f"[{status}] PostgresConnectionsExhausted {service} (critical)",
                "title": f"[{status}] PostgresConnectionsExhausted {service} (critical)",
                "title_link": "http://alertmanager/#/alerts?receiver=slack",
                "text": (
                    "*Alert:* PostgresConnectionsExhausted\n*Description:* slots are running out\n*Details:*\n"
                    f"  • *alertname:* `PostgresConnectionsExhausted`\n  • *service:* `{service}`\n  • *severity:* `critical`"
                ),
            }
        ]
    }


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def town(tmp_path_factory, module_database):
    config = {"channels": {"watch": [WATCHED], "post": CHANNEL}, "settle_seconds": 2}
    async with open_town(tmp_path_factory.mktemp("town"), module_database, config=config) as one:
        yield one


def rows(url, sql, *args):
    with psycopg.connect(url) as connection:
        return connection.execute(sql, args).fetchall()


async def over(town, service="orders-db"):
    await town.box.alert(channel=WATCHED, **forwarded("RESOLVED", service))


async def test_a_forwarded_alert_is_triaged_in_a_thread_under_it(town):
    ts = await town.box.alert(channel=WATCHED, **forwarded())

    (hypothesis,) = await town.box.wait_for(WATCHED, thread_ts=ts, event_type="aiops.hypothesis", timeout_s=40)

    assert hypothesis["thread_ts"] == ts
    await over(town)
    await town.box.wait_for(WATCHED, thread_ts=ts, event_type="aiops.result", contains="resolved", timeout_s=20)


@pytest.mark.parametrize("order", ["webhook first", "message first"])
async def test_the_same_alert_by_webhook_and_by_message_is_one_incident_under_the_message(town, order):
    one = town.alert()
    if order == "webhook first":
        incident = await town.fire(one)
        ts = await town.box.alert(channel=WATCHED, **forwarded())
    else:
        ts = await town.box.alert(channel=WATCHED, **forwarded())
        await town.box.wait_for(WATCHED, thread_ts=ts, event_type="aiops.progress", timeout_s=40)
        incident = await town.fire(one)

    await town.box.wait_for(WATCHED, thread_ts=ts, event_type="aiops.hypothesis", timeout_s=40)

    assert rows(town.database_url, "select channel, thread_ts from aiops.incident where id = %s", incident) == [
        (WATCHED, ts)
    ]
    assert not [
        card
        for card in await town.box.messages(CHANNEL)
        if card.get("metadata", {}).get("event_payload", {}).get("incident") == incident
    ]
    await town.resolve(one)
    await town.box.wait_for(WATCHED, thread_ts=ts, event_type="aiops.result", contains="resolved", timeout_s=20)


async def test_a_message_of_a_person_in_the_watched_channel_opens_nothing(town):
    before = rows(town.database_url, "select count(*) from aiops.incident")

    await town.box.post(user="U0ANA", channel=WATCHED, text="[FIRING:1] is what I would call a bad morning")
    ts = await town.box.alert(channel=WATCHED, **forwarded(service="search"))
    await town.box.wait_for(WATCHED, thread_ts=ts, event_type="aiops.progress", timeout_s=40)

    assert rows(town.database_url, "select count(*) from aiops.incident") == [(before[0][0] + 1,)]
    await over(town, "search")
    await town.box.wait_for(WATCHED, thread_ts=ts, event_type="aiops.result", contains="resolved", timeout_s=20)


async def test_an_alert_posted_while_the_bot_was_away_is_caught_up(town):
    await town.bot.stop()
    ts = await town.box.alert(channel=WATCHED, **forwarded(service="checkout"))
    await town.bot.start()

    await town.box.wait_for(WATCHED, thread_ts=ts, event_type="aiops.hypothesis", timeout_s=40)
