"""The weekly digest of real processes: two replicas, kill -9 while Slack is answering, one message."""

import asyncio
import contextlib
from datetime import UTC, datetime, timedelta

import httpx
import psycopg

from tests.acceptance.town import CHANNEL, Bot, open_town

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


def passed_moment():
    """A weekly moment of this ISO week that has passed already, however early in the week it is."""
    now = datetime.now(UTC)
    moment = max(now - timedelta(minutes=1), now.replace(hour=0, minute=0, second=0) - timedelta(days=now.weekday()))
    return f"{DAYS[moment.weekday()]} {moment:%H:%M} UTC"


def began_long_ago(database_url):
    """The audit log of a bot that has run for weeks."""
    with psycopg.connect(database_url) as connection:
        connection.execute(
            "insert into aiops.aiops_audit (at, actor, action, target, detail)"
            " values (now() - interval '30 days', 'aiops', 'content.changed', 'content', '{}')"
        )


async def digests(town):
    return [one for one in await town.parents() if one.get("metadata", {}).get("event_type") == "aiops.digest"]


async def test_replicas_that_are_killed_while_slack_takes_the_digest_post_it_once(tmp_path, database_url):
    began_long_ago(database_url)
    config = {"channels": {"post": CHANNEL, "digest": CHANNEL}, "schedule": {"digest": passed_moment()}}
    async with open_town(tmp_path, database_url, start=False, config=config) as town:
        second = Bot(tmp_path, town.bot.environment)
        # Slack takes a message and no answer arrives, for the day's audit head and for the digest: their senders are in doubt.
        await town.box.fault("chat.postMessage", "apply_then_drop", times=2)
        try:
            await asyncio.gather(town.bot.start(), second.start())
            await town.box.wait_for(CHANNEL, event_type="aiops.digest", timeout_s=60)
            await asyncio.gather(town.bot.kill(), second.kill())
            await asyncio.gather(town.bot.start(), second.start())
            async with asyncio.timeout(60):
                while not sent(database_url):
                    await asyncio.sleep(0.1)

            assert len(await digests(town)) == 1
            assert operations(database_url) == 1
            async with httpx.AsyncClient(trust_env=False) as client:
                assert (await client.get(f"{town.bot.url}/metrics")).status_code == 200
        finally:
            with contextlib.suppress(ProcessLookupError):
                await second.kill()


def sent(database_url):
    with psycopg.connect(database_url) as connection:
        found = connection.execute("select count(*) from aiops.post where kind = 'digest' and sent_version = version")
        return found.fetchone()[0] > 0


def operations(database_url):
    with psycopg.connect(database_url) as connection:
        return connection.execute("select count(*) from aiops.post where kind = 'digest'").fetchone()[0]
