"""`python -m recipe`: what `aiops demo` runs."""

import argparse
import asyncio
import contextlib
import json
import shutil
import signal
import sys
import tempfile
import webbrowser
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.panel import Panel
from rich.text import Text

from .kubernetes import KUBERNETES
from .play import APPROVER, Done, Play, Seen
from .postgres import POSTGRES
from .programs import MissingProgramError, RecipeError
from .redis import REDIS
from .scenario import Scenario
from .stage import Stage, set_stage

SCENARIOS = {one.name: one for one in (POSTGRES, REDIS, KUBERNETES)}

_console = Console(stderr=True)


def main() -> int:
    """Run the recipe; exit code 1 when the loop did not close, 2 when a program that it needs is not installed."""
    parser = argparse.ArgumentParser(prog="aiops demo")
    parser.add_argument("--scenario", choices=list(SCENARIOS), default=POSTGRES.name, help="what breaks")
    parser.add_argument("--headless", action="store_true", help="no browser: play the people too, check, and exit")
    parser.add_argument("--json", action="store_true", help="print one JSON summary on standard output")
    parser.add_argument("--keep", action="store_true", help="keep the folder with data and logs")
    options = parser.parse_args()
    scenario = SCENARIOS[options.scenario]
    try:
        scenario.check_needs()
    except MissingProgramError as error:
        _console.print(Text(f"The demo cannot start: {error}", "red"))
        return 2
    folder = Path(tempfile.mkdtemp(prefix="aiops-demo-"))
    keep = options.keep
    try:
        return asyncio.run(_run(scenario, folder, headless=options.headless, as_json=options.json))
    except RecipeError as error:
        keep = True
        _console.print(Text(f"The demo stopped: {error}", "red"))
        return 1
    except (KeyboardInterrupt, asyncio.CancelledError):
        return 0
    finally:
        if keep:
            _console.print(f"Data and logs are in {folder}", highlight=False)
        else:
            shutil.rmtree(folder, ignore_errors=True)


async def _run(scenario: Scenario, folder: Path, *, headless: bool, as_json: bool) -> int:
    task = asyncio.current_task()
    assert task is not None, "this runs in a task"
    loop = asyncio.get_running_loop()
    asked_to_stop = asyncio.Event()

    def stop() -> None:
        # Once: a second Ctrl-C must not interrupt the stopping of the programs.
        if not asked_to_stop.is_set():
            asked_to_stop.set()
            task.cancel()

    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop)
    with _console.status("Setting the stage") as status:

        def announce(text: str) -> None:
            _console.print(Text.assemble(("• ", "cyan"), text))
            status.update(text)

        async with set_stage(scenario, folder, announce=announce) as stage:
            play = Play(stage, announce)
            try:
                announce(f"Watched by {stage.monitoring}")
                _console.print(Text.assemble(("  Slack page: ", "bold"), (stage.page, "underline blue")))
                if not headless:
                    await asyncio.to_thread(webbrowser.open, stage.page)
                seen = await play.until_hypothesis()
                status.stop()
                return await _close(stage, play, seen, headless=headless, as_json=as_json)
            finally:
                await play.close()


async def _close(stage: Stage, play: Play, seen: Seen, *, headless: bool, as_json: bool) -> int:
    incident = await play.incident(seen.incident_id)
    _show(stage, seen, incident)
    asked = await play.until_asked(seen)
    if not headless:
        _console.print(
            "\nLook around in the workspace. Be [bold]ana[/bold] or [bold]ben[/bold] (bottom left) and press "
            "[bold]Review and Approve[/bold] in the thread; [bold]Enter[/bold] lets Ana do it, [bold]Ctrl-C[/bold] ends the demo."
        )
        done = await _approved_by_somebody(play, seen, asked)
    else:
        await play.approve(asked)
        done = await play.until_done(seen)
    # On the page nobody says when they pressed the button.
    when = f" {done.ran_s:.0f} s after the approval" if headless else ""
    _console.print(Text(f"• {stage.scenario.words.helped}{when}; the alert resolved", "green"))
    wrong = list(await stage.shop.problems())
    if headless:
        learned = await play.name_cause(seen)
        verdict = next(
            (word for word in ("Confirmed", "Corrected") if f"*{word}* by" in json.dumps(learned.hypothesis)), ""
        )
        _console.print(
            Text(f"• The root cause is recorded; the hypothesis says {verdict or 'neither right nor wrong'}", "green")
        )
        wrong += [] if verdict else ["the hypothesis is neither confirmed nor corrected by what the person said"]
    else:
        _console.print("The bot now asks what it was: reply in the thread with [bold]root cause: …[/bold]")
    audit = await play.verify_audit()
    _console.print(
        Text(f"• aiops audit verify: {audit['entries']} entries, {'whole' if audit['whole'] else 'BROKEN'}", "green")
    )
    await play.put_right()
    summary = _summary(stage, seen, incident, done, audit)
    summary["problems"] += wrong
    if as_json:
        print(json.dumps(summary, indent=2))
    for problem in summary["problems"]:
        _console.print(Text(f"✗ {problem}", "red"))
    if not headless:
        _console.print("The bot goes on watching. [bold]Ctrl-C[/bold] ends the demo.")
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.Event().wait()
    return 1 if summary["problems"] else 0


async def _approved_by_somebody(play: Play, seen: Seen, asked: Mapping[str, Any]) -> Done:
    """Whoever is faster: a person on the page, or Ana after Enter."""
    finished = asyncio.create_task(play.until_done(seen, patience_s=3600))
    enter = asyncio.create_task(_enter())
    try:
        await asyncio.wait({finished, enter}, return_when=asyncio.FIRST_COMPLETED)
        if not finished.done():
            await play.approve(asked)
        return await finished
    finally:
        enter.cancel()
        finished.cancel()
        await asyncio.gather(enter, finished, return_exceptions=True)


async def _enter() -> None:
    """Wait for a line on standard input without blocking the loop, so that Ctrl-C still works."""
    loop = asyncio.get_running_loop()
    pressed = asyncio.Event()
    try:
        loop.add_reader(sys.stdin, pressed.set)
    except (OSError, ValueError):
        # Standard input is closed or is a file: nobody can press anything.
        await asyncio.Event().wait()
    try:
        await pressed.wait()
        sys.stdin.readline()
    finally:
        loop.remove_reader(sys.stdin)


def _show(stage: Stage, seen: Seen, incident: Mapping[str, Any]) -> None:
    best = incident["hypotheses"][0]
    lines = [
        Text(best["title"], "bold"),
        Text(f"{best['confidence']:.0%} · {best['confidence_basis']} · {incident['analyst']}"),
        Text(f"\n{best['explanation']}"),
        Text(f"\nFirst: {(incident['first_action'] or {}).get('text', '–')}", "green"),
        Text(f"\n{len(incident['evidence'])} pieces of evidence, {len(incident['similar'])} similar incidents", "dim"),
        Text(f"{stage.page}&thread={seen.thread_ts}", "underline blue"),
    ]
    title = f"{seen.incident_id}: hypothesis {seen.alert_to_hypothesis_s:.1f} s after the alert"
    _console.print(Panel(Text("\n").join(lines), title=title, title_align="left"))


def _summary(
    stage: Stage, seen: Seen, incident: Mapping[str, Any], done: Done, audit: Mapping[str, Any]
) -> dict[str, Any]:
    best: Mapping[str, Any] = incident["hypotheses"][0] if incident["hypotheses"] else {}
    return {
        "scenario": stage.scenario.name,
        "incident": seen.incident_id,
        "monitoring": stage.monitoring,
        "hypothesis": best.get("title"),
        "suspect": best.get("suspect"),
        "confidence": best.get("confidence"),
        "analyst": incident["analyst"],
        "first_action": incident["first_action"],
        "evidence": len(incident["evidence"]),
        "gaps": len(incident["gaps"]),
        "similar": [one["id"] for one in incident["similar"]],
        "timings": {
            "change_to_alert_s": round(seen.change_to_alert_s, 1),
            "alert_to_hypothesis_s": round(seen.alert_to_hypothesis_s, 1),
            "approval_to_result_s": round(done.ran_s, 1),
            "approval_to_resolved_s": round(done.resolved_s, 1),
            **incident["timings_ms"],
        },
        "audit": audit,
        "problems": _problems(stage.scenario, seen, incident, best, done, audit),
    }


def _problems(
    scenario: Scenario,
    seen: Seen,
    incident: Mapping[str, Any],
    best: Mapping[str, Any],
    done: Done,
    audit: Mapping[str, Any],
) -> list[str]:
    """What a person would miss in the thread; empty when the loop closed."""
    result = json.dumps(done.result["blocks"], ensure_ascii=False)
    checks: dict[str, bool] = {
        f"the suspect is not {scenario.culprit}": (best.get("suspect") or {}).get("change_id") == scenario.culprit,
        "the hypothesis does not name the release": scenario.release in json.dumps(seen.hypothesis["blocks"]),
        "the hypothesis cites no evidence": bool(best.get("evidence")),
        "there is no confidence": isinstance(best.get("confidence"), float) and 0 < best["confidence"] < 1,
        "there is no first action": bool((incident["first_action"] or {}).get("text")),
        "no similar incident is shown": 1 <= len(incident["similar"]) <= 3,
        "there is too little evidence": len(incident["evidence"]) >= 5,
        "the result does not tell before and after": "→" in result,
        "the result does not tell who approved": APPROVER in result,
        "the audit chain is broken": audit["whole"] is True,
    }
    return [problem for problem, well in checks.items() if not well]


if __name__ == "__main__":
    sys.exit(main())
