"""`python -m evals.record`: break the shop in one way after another, and keep what the bot saw as eval cases."""

import argparse
import asyncio
import contextlib
import json
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
from recipe.programs import MissingProgramError, RecipeError, python, start
from recipe.scenario import REPOSITORY
from recipe.stage import CHANNEL, Stage, set_stage
from rich.console import Console

from .fault import Fault, staged
from .faults import FAULTS
from .places import without_places

_HYPOTHESIS_S = 200.0
# So long that a busy machine does not leave gaps that the fault did not make.
_CONFIG = {"gather_seconds": 120}
_OUT_OF_TIME = ("no answer within", "not finished within")
_TRIES = 2
_console = Console(stderr=True, highlight=False)


class BusyError(RecipeError):
    """The machine did not keep up with what it was to record; another try may do."""


def main() -> int:
    """0 when every fault that was asked for is recorded, 1 when one is not, 2 when one is not known."""
    parser = argparse.ArgumentParser(prog="python -m evals.record", description=__doc__)
    chosen = parser.add_mutually_exclusive_group(required=True)
    chosen.add_argument("--all", action="store_true", help="every fault")
    chosen.add_argument("--only", action="append", choices=list(FAULTS), metavar="SLUG", help="this one; repeatable")
    chosen.add_argument("--missing", action="store_true", help="those that have no case yet")
    chosen.add_argument("--list", action="store_true", help="what there is, and stop")
    parser.add_argument("--to", type=Path, default=REPOSITORY / "evals" / "cases", help="the folder of cases")
    options = parser.parse_args()
    if options.list:
        for fault in FAULTS.values():
            print(f"{fault.slug:60} {fault.truth.kind:20} {fault.base.name}")
        return 0
    faults = [FAULTS[slug] for slug in options.only or FAULTS]
    if options.missing:
        faults = [fault for fault in faults if not (options.to / fault.slug).exists()]
    failed = asyncio.run(_record_all(faults, options.to))
    for slug, why in failed.items():
        _console.print(f"[red]✗ {slug}[/red]: {why}")
    return 1 if failed else 0


async def _record_all(faults: list[Fault], to: Path) -> Mapping[str, str]:
    """One after another, since each takes a machine's attention. What failed, and why."""
    task = asyncio.current_task()
    assert task is not None, "this runs in a task"
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, task.cancel)
    failed: dict[str, str] = {}
    for place, fault in enumerate(faults, start=1):
        _console.print(f"[bold]{place}/{len(faults)} {fault.slug}[/bold]")
        began = time.monotonic()
        try:
            await _try(fault, to)
            _console.print(f"  [green]recorded[/green] after {time.monotonic() - began:.0f} s")
        except (RecipeError, MissingProgramError, httpx.HTTPError) as error:
            failed[fault.slug] = str(error) or repr(error)
            _console.print(f"  [red]{failed[fault.slug]}[/red]")
        except asyncio.CancelledError:
            failed[fault.slug] = "stopped"
            break
    return failed


async def _try(fault: Fault, to: Path) -> None:
    """Record one fault; once more when the machine was too busy."""
    fault.base.check_needs()
    for left in reversed(range(_TRIES)):
        folder = Path(tempfile.mkdtemp(prefix="aiops-record-"))
        try:
            await _record(fault, folder, to)
            return
        except BusyError as error:
            if not left:
                raise
            _announce(f"{error}; once more")
        finally:
            shutil.rmtree(folder, ignore_errors=True)


async def _record(fault: Fault, folder: Path, to: Path) -> None:
    """Play one fault to the hypothesis, and write the case. A case that is there already gives way to the new one."""
    scenario = staged(fault, folder / "scenario")
    async with set_stage(
        scenario, folder, announce=_announce, config={**_CONFIG, "settle_seconds": fault.settle_s}
    ) as stage:
        left = max(0.0, stage.watched_since + scenario.healthy_s - time.monotonic())
        at = datetime.now(UTC) + timedelta(seconds=left)
        changes = scenario.changes()
        await _tell(stage, at, [change for change in changes if change["at"] < 0])
        await asyncio.sleep(left)
        _announce(f"Breaking it: {fault.truth.title}")
        await fault.break_it(stage)
        await _tell(stage, at, [change for change in changes if change["at"] == 0])
        later = asyncio.create_task(_tell_later(stage, at, [change for change in changes if change["at"] > 0]))
        try:
            card = await _wait(stage, "alert", scenario.alert_s)
            if fault.once_alerted is not None:
                await fault.once_alerted(stage)
            _announce("The alert has fired; waiting for the hypothesis")
            await _wait(stage, "hypothesis", _HYPOTHESIS_S, card["ts"])
        finally:
            later.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await later
        await _keep(stage, str(card["metadata"]["event_payload"]["incident"]), fault, to)


async def _keep(stage: Stage, incident: str, fault: Fault, to: Path) -> None:
    """Write the case with `aiops eval record`. Raises RecipeError with what it said."""
    seen = await _aiops(stage, "incident-show", "incident", "show", incident, "--json")
    late = [one["what"] for one in seen["gaps"] if one["why"].startswith(_OUT_OF_TIME)]
    if late:
        raise BusyError(f"the machine was too busy to look at {', '.join(late)}")
    fresh = stage.folder / "cases"
    fresh.mkdir()
    await _aiops(
        stage,
        "eval-record",
        "eval",
        "record",
        incident,
        "--to",
        str(fresh / fault.slug),
        *fault.truth.options(),
        "--json",
    )
    files = {path.name: path.read_text(encoding="utf-8") for path in (fresh / fault.slug).iterdir()}
    for name, text in without_places(files, str(stage.folder)).items():
        (fresh / fault.slug / name).write_text(text, encoding="utf-8")
    target = to / fault.slug
    shutil.rmtree(target, ignore_errors=True)
    shutil.move(fresh / fault.slug, target)


async def _aiops(stage: Stage, name: str, *words: str) -> dict[str, Any]:
    """What a command of the bot prints as JSON. Raises RecipeError with its last words."""
    program = await start(
        name, python("bot", *words), logs=stage.cast.logs, environment=stage.bot_environment, announces=False
    )
    code, output = await program.process.wait(), program.log.read_text(encoding="utf-8")
    if code != 0 or "{" not in output:
        raise RecipeError(f"aiops {words[0]} {words[1]} refused:\n{program.tail()}")
    return json.loads(output[output.index("{") :])


async def _tell(stage: Stage, at: datetime, changes: list[dict[str, Any]]) -> None:
    """What CI would record."""
    async with httpx.AsyncClient(trust_env=False) as client:
        for change in changes:
            moment = (at + timedelta(seconds=change["at"])).isoformat()
            answer = await client.post(f"{stage.basecamp}/changes", json={**change, "at": moment})
            answer.raise_for_status()


async def _tell_later(stage: Stage, at: datetime, changes: list[dict[str, Any]]) -> None:
    for change in sorted(changes, key=lambda one: one["at"]):
        await asyncio.sleep(max(0.0, (at - datetime.now(UTC)).total_seconds() + change["at"]))
        await _tell(stage, at, [change])


async def _wait(stage: Stage, kind: str, timeout_s: float, thread: str = "") -> dict[str, Any]:
    """The first message of a kind, as the workspace has it. Raises RecipeError when it does not come."""
    stage.cast.check()
    body: dict[str, Any] = {"channel": CHANNEL, "event_type": f"aiops.{kind}", "timeout_s": timeout_s}
    if thread:
        body["thread_ts"] = thread
    async with httpx.AsyncClient(trust_env=False, timeout=timeout_s + 10) as client:
        answer = await client.post(f"{stage.slackbox}/_test/wait", json=body)
    if not answer.is_success:
        raise RecipeError(f"no {kind} message within {timeout_s:.0f} s")
    return answer.json()["messages"][0]


def _announce(text: str) -> None:
    _console.print(f"  • {text}", markup=False)


if __name__ == "__main__":
    sys.exit(main())
