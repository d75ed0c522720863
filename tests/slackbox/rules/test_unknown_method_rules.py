"""Rule 36: a method that slackbox does not know is refused, recorded, and fails the test that uses the fixture."""

import subprocess
import sys

import pytest

from slackbox.testing import running
from tests.slackbox.helpers import MANIFEST
from tests.slackbox.rules.office import ask

TESTS = """
import httpx

pytest_plugins = ["slackbox.pytest_plugin"]


async def call(box, method):
    async with httpx.AsyncClient(trust_env=False) as client:
        headers = {"authorization": f"Bearer {box.bot_token}"}
        return (await client.post(box.api_url + method, headers=headers)).json()


async def test_known(slackbox):
    assert (await call(slackbox, "auth.test"))["ok"]


async def test_unknown(slackbox):
    assert (await call(slackbox, "chat.postMesage"))["error"] == "unknown_method"
"""


@pytest.mark.slack_rule(36)
@pytest.mark.parametrize("method", ["chat.postMesage", "rtm.start", "chat", "chat.postMessage.x"])
async def test_an_unknown_method_is_unknown_method_whoever_asks(method):
    async with running(manifest=MANIFEST) as box:
        for token in (box.bot_token, box.app_token, None):
            answer = (await ask(box, method, token=token, json={})).json()
            assert answer == {"ok": False, "error": "unknown_method"}
        assert [each["method"] for each in box.violations("unknown_method")] == [method] * 3


@pytest.mark.slack_rule(36)
def test_a_call_of_an_unknown_method_fails_the_test_that_made_it(tmp_path):
    (tmp_path / "manifest.json").write_bytes(MANIFEST.read_bytes())
    (tmp_path / "test_it.py").write_text(TESTS, encoding="utf-8")
    options = ["-q", "-p", "no:cacheprovider", "-o", "asyncio_mode=auto", "-W", "ignore"]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", *options, "--rootdir", str(tmp_path), str(tmp_path)],
        capture_output=True,
        text=True,
        timeout=60,
        cwd=MANIFEST.parent,
    )
    assert "2 passed, 1 error" in done.stdout, done.stdout
    assert "chat.postMesage" in done.stdout
