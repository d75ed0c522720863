"""Pings both ways, and a connection that looks open but is dead."""

import pytest

from tests.slackbox.interop.conftest import JAVASCRIPT_CLIENTS, NODE, SERVER_PING_TIMEOUT_MS

NODE_CLIENTS = [pytest.param(name, marks=NODE) for name in JAVASCRIPT_CLIENTS]
# Not the two on the websockets library: it waits twenty seconds for a pong, and they cannot tell it otherwise.
IMPATIENT = ["slack_bolt on aiohttp", "slack_sdk on aiohttp", *NODE_CLIENTS]


@pytest.fixture
def slackbox_options(slackbox_options):
    """Pings often enough for the shortened patience of the JavaScript clients."""
    return slackbox_options | {"ping_seconds": SERVER_PING_TIMEOUT_MS / 1000 / 5}


def opened(box):
    return [each["connection"] for each in box.journal("socket") if each["event"] == "open"]


async def test_pings_are_answered_so_that_the_client_stays(slackbox, client, reports):
    await reports.until("pong", 5)

    assert opened(slackbox) == ["c1"]
    assert slackbox.box.delivery.connections == 1


@pytest.mark.parametrize("client", NODE_CLIENTS, indirect=True)
async def test_the_server_pings_too_and_the_client_stays_longer_than_it_waits_for_one(slackbox, client, reports):
    # Ten pings at a fifth of the client's patience are twice that patience.
    await reports.until("ping", 10)

    assert opened(slackbox) == ["c1"]
    assert slackbox.box.delivery.connections == 1


@pytest.mark.parametrize("client", IMPATIENT, indirect=True)
async def test_a_client_leaves_a_connection_that_fell_silent_and_is_heard_on_a_new_one(slackbox, client):
    assert await slackbox.silence() == 1
    ts = await slackbox.post(user="ana", channel="alerts", text="said into the silence")
    await slackbox.wait_for("alerts", thread_ts=ts, contains="heard: said into the silence", timeout_s=60)

    assert opened(slackbox)[:2] == ["c1", "c2"]
    assert slackbox.unacked() == []
