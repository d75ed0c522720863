"""`aiops demo --headless` is the product's promise in one command; it is run as a user runs it."""

import asyncio
import json
import os
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


async def run_demo(path):
    """The exit code, the JSON summary, and what a person saw."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "bot", "demo", "--headless", "--json"),
        cwd=ROOT,
        env=os.environ | {"PATH": path, "LLM_MODEL": "", "SLACK_BOT_TOKEN": "", "DATABASE_URL": ""},
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    async with asyncio.timeout(280):
        out, err = await process.communicate()
    assert out, err.decode()[-4000:]
    return process.returncode, json.loads(out), err.decode()


def check(code, summary, screen):
    assert summary["problems"] == [], screen[-4000:]
    assert code == 0
    assert summary["suspect"] == {"service": "checkout", "change_id": "deploy-checkout-2.31.0"}
    assert "2.31.0" in summary["hypothesis"]
    assert 0 < summary["confidence"] < 1
    assert summary["evidence"] >= 5
    assert len(summary["similar"]) == 3
    assert summary["first_action"]["runbook"] == "postgres-connections-exhausted"
    assert "2.31.0" in screen


@pytest.mark.timeout(300)
@pytest.mark.external_service("prometheus", "prometheus-alertmanager")
async def test_the_loop_closes_with_real_prometheus_and_alertmanager():
    code, summary, screen = await run_demo(os.environ["PATH"])

    check(code, summary, screen)
    assert summary["monitoring"] == "Prometheus and Alertmanager"


@pytest.mark.timeout(300)
async def test_the_loop_closes_with_nothing_but_python(tmp_path):
    code, summary, screen = await run_demo(str(tmp_path))

    check(code, summary, screen)
    assert "own rule loop" in summary["monitoring"]
