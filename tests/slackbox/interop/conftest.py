import os
from functools import partial

import pytest

from tests.slackbox import samples
from tests.slackbox.interop import node, python_clients
from tests.slackbox.interop.reports import Reports

# The newest generation says so in its package; an older Node.js runs the previous one, which is still in wide use.
NEWEST_NEEDS = (20, 18, 1)
# Shorter than the client's own five seconds, since it also waits this long before it connects again.
CLIENT_PING_TIMEOUT_MS = 1500
# Instead of thirty seconds: once a ping of the server's was seen, the next must come within this time.
SERVER_PING_TIMEOUT_MS = 2000

JAVASCRIPT_CLIENTS = {
    "@slack/socket-mode 3": ("socket_client.cjs", {"socketMode": "@slack/socket-mode", "webApi": "@slack/web-api"}),
    "@slack/socket-mode 2": ("socket_client.cjs", {"socketMode": "socket-mode-2", "webApi": "web-api-7"}),
    "@slack/bolt 5": ("bolt_app.cjs", {"bolt": "@slack/bolt"}),
    "@slack/bolt 4": ("bolt_app.cjs", {"bolt": "bolt-4"}),
}
NEWEST = {"@slack/socket-mode 3", "@slack/bolt 5"}
NODE = pytest.mark.external_service("node", "npm")


def unavailable(sentence):
    if os.environ.get("AIOPS_REQUIRE_SERVICES"):
        pytest.fail(sentence)
    pytest.skip(sentence)


@pytest.fixture(scope="session")
def javascript_packages():
    """The folder with the official JavaScript clients."""
    try:
        return node.installed_packages()
    except node.RegistryUnreachableError as error:
        unavailable(f"npm could not fetch the official JavaScript clients: {error}")


@pytest.fixture(scope="session")
def newest_generation_runs():
    """Skips where Node.js is older than the newest clients allow."""
    if node.node_version() < NEWEST_NEEDS:
        pytest.skip(f"Node.js {'.'.join(map(str, NEWEST_NEEDS))} or newer is needed by this generation of clients")


@pytest.fixture
def reports():
    return Reports()


def start_javascript(request, name, box, reports):
    if name in NEWEST:
        request.getfixturevalue("newest_generation_runs")
    program, packages = JAVASCRIPT_CLIENTS[name]
    modules = str(request.getfixturevalue("javascript_packages"))
    pings = {"clientPingTimeout": CLIENT_PING_TIMEOUT_MS, "serverPingTimeout": SERVER_PING_TIMEOUT_MS}
    more = {"modules": modules, "modal": samples.modal(), **pings}
    return node.running_program(program, node.settings_of(box, **packages, **more), reports)


SOCKET_CLIENTS = [*python_clients.CLIENTS, *(pytest.param(name, marks=NODE) for name in JAVASCRIPT_CLIENTS)]


@pytest.fixture(params=SOCKET_CLIENTS)
async def client(request, slackbox, reports):
    """The bot of this folder, connected by one of Slack's official clients."""
    make = python_clients.CLIENTS.get(request.param) or partial(start_javascript, request, request.param)
    async with make(slackbox, reports):
        await slackbox.connected()
        yield request.param
    assert reports.of("killed") == []
    cut = any(each.get("reason") == "abrupt" or each["event"] == "silent" for each in slackbox.journal("socket"))
    assert cut or reports.of("error") == []
