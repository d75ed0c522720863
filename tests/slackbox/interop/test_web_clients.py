"""The official Web API clients, each with its own encodings, pagination and patience, get the same answers."""

import json

import pytest

from tests.slackbox import samples
from tests.slackbox.helpers import MANIFEST, client_of
from tests.slackbox.interop import node
from tests.slackbox.interop.conftest import NODE
from tests.slackbox.interop.web_calls import make_calls

JAVASCRIPT = {"@slack/web-api 8": "@slack/web-api", "@slack/web-api 7": "web-api-7"}
EXPECTED = {
    "auth": {"user": "U0AIOPS"},
    "history": {"texts": ["second", "first, edited"]},
    "metadata": {
        "texts": ["first, edited", "a reply"],
        "metadata": {"event_type": "interop", "event_payload": {"part": 1, "name": "a & b"}},
    },
    "reaction": {"again": "already_reacted"},
    "channels": {"names": ["alerts", "digest", "incidents"]},
    "person": {"name": "ana"},
    "file": {"names": ["log.txt"]},
    "refusals": {"channel": "channel_not_found", "blocks": "invalid_blocks", "scope": "missing_scope"},
    "patient": {"text": "after the wait"},
}


@pytest.fixture
def slackbox_options(tmp_path):
    """The bot's own manifest and the right to upload files."""
    manifest = json.loads(MANIFEST.read_text(encoding="utf-8"))
    manifest["oauth_config"]["scopes"]["bot"].append("files:write")
    path = tmp_path / "manifest.json"
    path.write_text(json.dumps(manifest), encoding="utf-8")
    return {"manifest": path}


@pytest.fixture(params=["slack_sdk", *(pytest.param(name, marks=NODE) for name in JAVASCRIPT)])
def web_client(request):
    """The name of a client; for those of Node.js also the folder of their packages."""
    if request.param not in JAVASCRIPT:
        return request.param, None
    if request.param == "@slack/web-api 8":
        request.getfixturevalue("newest_generation_runs")
    return request.param, request.getfixturevalue("javascript_packages")


async def test_the_web_api_client_gets_the_answers_it_expects(slackbox, web_client, reports):
    name, modules = web_client
    shared = {"channel": "C0ALERTS", "blocks": samples.hypothesis()}

    async def arm():
        await slackbox.fault("chat.postMessage", "ratelimited", retry_after=1)

    if modules is None:
        await make_calls(client_of(slackbox), **shared, reports=reports, arm=arm)
    else:
        settings = node.settings_of(slackbox, webApi=JAVASCRIPT[name], modules=str(modules), **shared)
        async with node.running_program("web_client.cjs", settings, reports) as program:
            await reports.until("armed")
            await arm()
            program.stdin.write(b"go\n")
            await reports.until("patient")

    seen = {kind: reports.of(kind)[0] for kind in EXPECTED}
    assert seen == {kind: {"kind": kind, **answer} for kind, answer in EXPECTED.items()}
    assert [each["fault"] for each in slackbox.journal("fault")] == ["ratelimited"]
    assert slackbox.violations() == []
    # Nobody listens for events here.
    slackbox.forgive_unacked()
