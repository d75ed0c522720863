"""The pytest fixture, used by a test run of its own."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]

TESTS = """
import httpx

pytest_plugins = ["slackbox.pytest_plugin"]


async def test_good(slackbox):
    assert slackbox.api_url.startswith("http://127.0.0.1:")


async def test_unknown_method(slackbox):
    async with httpx.AsyncClient(trust_env=False) as client:
        await client.post(slackbox.api_url + "chat.shout")


async def test_nobody_answers(slackbox):
    assert not (await slackbox.command(user="ana", channel="alerts", command="/aiops"))["acked"]


async def test_nobody_answers_on_purpose(slackbox):
    await slackbox.command(user="ana", channel="alerts", command="/aiops")
    assert len(slackbox.forgive_unacked()) == 1
"""


def test_the_fixture_fails_a_test_for_unknown_methods_and_lost_deliveries(tmp_path):
    (tmp_path / "manifest.json").write_bytes((ROOT / "manifest.json").read_bytes())
    (tmp_path / "test_it.py").write_text(TESTS, encoding="utf-8")
    options = ["-q", "-p", "no:cacheprovider", "-o", "asyncio_mode=auto", "-W", "ignore"]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", *options, "--rootdir", str(tmp_path), str(tmp_path)],
        capture_output=True,
        text=True,
        timeout=60,
        cwd=ROOT,
    )
    assert "4 passed, 2 errors" in done.stdout, done.stdout
    assert "chat.shout" in done.stdout
    assert "slash_commands (no_connection)" in done.stdout
