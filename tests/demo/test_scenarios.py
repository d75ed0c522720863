"""`aiops demo`: each scenario's story, played to its end with real parts, and the ways it cannot be."""

import asyncio
import json
import os
import re
import signal
import sys
from pathlib import Path

import pytest
import yaml
from recipe.__main__ import SCENARIOS
from shop.alerting import load_rules

from bot.adapters.runbooks import load_runbooks

ROOT = Path(__file__).parents[2]
# A story of its own takes one to one and a half minutes on a quiet machine.
LONGEST = 230


async def demo(folder: Path, *arguments: str, **environment: str) -> tuple[asyncio.subprocess.Process, Path]:
    """The demo as a program of its own group, with its data below `folder`; its standard error goes to the file."""
    told = folder / "told.txt"
    with told.open("wb") as sink:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "bot", "demo", *arguments),
            cwd=ROOT,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=sink,
            start_new_session=True,
            env={**os.environ, "TMPDIR": str(folder), "COLUMNS": "300", "LLM_MODEL": "", **environment},
        )
    return process, told


def still_running(folder: Path) -> list[str]:
    """Programs that were started with something below the folder, or with it as their place for temporary files."""
    found = []
    for process in Path("/proc").iterdir():
        if not process.name.isdecimal() or int(process.name) == os.getpid():
            continue
        try:
            said = (process / "cmdline").read_bytes() + (process / "environ").read_bytes()
        except OSError:
            continue
        if str(folder).encode() in said:
            found.append(said.split(b"\0\0")[0].replace(b"\0", b" ").decode(errors="replace")[:200])
    return found


@pytest.mark.timeout(LONGEST + 30)
@pytest.mark.parametrize(
    "name", [pytest.param("redis", marks=pytest.mark.external_service("redis-server")), "kubernetes"]
)
async def test_the_story_goes_from_the_alert_to_an_approved_change_that_helped(name, tmp_path):
    process, told = await demo(tmp_path, "--scenario", name, "--headless", "--json")
    try:
        out, _ = await asyncio.wait_for(process.communicate(), LONGEST)
    finally:
        if process.returncode is None:
            process.terminate()
            await process.wait()
    assert process.returncode == 0, told.read_text()
    summary = json.loads(out)

    assert summary["problems"] == []
    assert summary["scenario"] == name
    assert summary["suspect"]["change_id"] == SCENARIOS[name].culprit
    assert summary["first_action"]["runbook"]
    assert summary["audit"]["whole"] is True
    # Nothing of it is left behind.
    assert list(tmp_path.glob("aiops-demo-*")) == []
    assert still_running(tmp_path) == []


@pytest.mark.timeout(120)
async def test_ctrl_c_stops_every_program_and_removes_what_it_made(tmp_path):
    process, told = await demo(tmp_path, "--scenario", "kubernetes", "--headless")
    try:
        async with asyncio.timeout(60):
            while "Starting basecamp" not in told.read_text():
                assert process.returncode is None, told.read_text()
                await asyncio.sleep(0.1)
        assert any("slackbox" in one for one in still_running(tmp_path))
        os.killpg(process.pid, signal.SIGINT)
        await asyncio.wait_for(process.wait(), 50)
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()

    assert list(tmp_path.glob("aiops-demo-*")) == []
    assert still_running(tmp_path) == []


async def test_without_redis_server_one_sentence_says_how_to_get_it(tmp_path):
    process, told = await demo(tmp_path, "--scenario", "redis", "--headless", PATH=str(tmp_path))
    assert await asyncio.wait_for(process.wait(), 30) == 2

    assert re.fullmatch(
        r"The demo cannot start: the redis scenario runs a real redis-server, which is not installed: "
        r"`apt-get install redis-server`[^\n]+\n",
        told.read_text(),
    )
    assert list(tmp_path.glob("aiops-demo-*")) == []


async def test_an_unknown_scenario_is_refused_with_the_known_ones(tmp_path):
    process, told = await demo(tmp_path, "--scenario", "mysql")
    assert await asyncio.wait_for(process.wait(), 30) == 2

    assert re.search(
        r"invalid choice: 'mysql' \(choose from '?postgres'?, '?redis'?, '?kubernetes'?\)", told.read_text()
    )


@pytest.mark.parametrize("scenario", SCENARIOS.values(), ids=lambda one: one.name)
def test_catalogue_changes_rules_and_runbook_of_a_scenario_speak_of_the_same_things(scenario):
    components = list(yaml.safe_load_all(scenario.catalog.read_text()))
    names = {component["metadata"]["name"] for component in components}
    needed = {reference for component in components for reference in component["spec"].get("dependsOn", [])}
    changes = scenario.changes()
    alerts = {rule.name: rule for rule in load_rules(scenario.rules)}
    followed = [one for one in load_runbooks([ROOT / "runbooks"]).all() if scenario.alert in one.alerts]

    assert needed <= {f"component:{name}" for name in names}
    assert {change["service"] for change in changes} <= names
    assert [(change["id"], change["version"]) for change in changes if change["at"] == 0] == [
        (scenario.culprit, scenario.release)
    ]
    assert alerts[scenario.alert].labels["service"] in names
    assert len(followed) == 1
    assert followed[0].ai_executable
