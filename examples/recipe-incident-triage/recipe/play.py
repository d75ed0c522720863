"""What happens on the stage: a healthy shop, a release that leaks, an alert, a hypothesis, a rollback."""

import asyncio
import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx

from .programs import Program, RecipeError, python, start
from .stage import BAD_RELEASE, CHANNEL, GOOD_RELEASE, RECIPE, Announce, Stage

_HEALTHY_S = 20.0
_ALERT_S = 120.0
_HYPOTHESIS_S = 60.0
_RESOLVE_S = 90.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What stood in the incident's thread when the hypothesis was there."""

    incident_id: str
    thread_ts: str
    card: Mapping[str, Any]
    evidence: Mapping[str, Any]
    hypothesis: Mapping[str, Any]
    similar: Mapping[str, Any]
    leak_to_alert_s: float
    alert_to_hypothesis_s: float


class Play:
    """The story, act by act."""

    def __init__(self, stage: Stage, announce: Announce) -> None:
        self._stage = stage
        self._announce = announce
        self._checkout: Program | None = None
        self._background: list[asyncio.Task[None]] = []

    async def until_hypothesis(self) -> Seen:
        """Run the healthy release, deploy the leaking one, and wait for the bot. Raises RecipeError when it is late."""
        stage = self._stage
        self._announce(f"checkout {GOOD_RELEASE} is taking orders; letting it run healthily for {_HEALTHY_S:.0f} s")
        self._checkout = await stage.run_checkout(GOOD_RELEASE)
        leak_at = datetime.now(UTC) + timedelta(seconds=_HEALTHY_S)
        changes = json.loads((RECIPE / "changes.json").read_text(encoding="utf-8"))
        await self._record(leak_at, [change for change in changes if change["at"] < 0])
        await asyncio.sleep(_HEALTHY_S)
        self._announce(f"Deploying checkout {BAD_RELEASE}: its new payment retry forgets to close connections")
        await stage.cast.stop(self._checkout)
        self._checkout = await stage.run_checkout(BAD_RELEASE)
        await self._record(leak_at, [change for change in changes if change["at"] == 0])
        later = [change for change in changes if change["at"] > 0]
        self._background.append(asyncio.create_task(self._record_later(leak_at, later)))
        return await self._watch()

    async def _record_later(self, leak_at: datetime, changes: Sequence[dict[str, Any]]) -> None:
        for change in sorted(changes, key=lambda one: one["at"]):
            await asyncio.sleep(max(0.0, (leak_at - datetime.now(UTC)).total_seconds() + change["at"]))
            await self._record(leak_at, [change])

    async def _record(self, leak_at: datetime, changes: Sequence[dict[str, Any]]) -> None:
        """Tell basecamp what CI would tell it."""
        async with httpx.AsyncClient(trust_env=False) as client:
            for change in changes:
                at = (leak_at + timedelta(seconds=change["at"])).isoformat()
                answer = await client.post(f"{self._stage.basecamp}/changes", json={**change, "at": at})
                answer.raise_for_status()

    async def _watch(self) -> Seen:
        began = time.monotonic()
        card = await self._wait("alert", _ALERT_S)
        alerted = time.monotonic()
        incident_id = card["metadata"]["event_payload"]["incident"]
        self._announce(f"The alert fired after {alerted - began:.0f} s: {incident_id}. The bot is gathering evidence")
        thread = card["ts"]
        evidence = await self._wait("evidence", _HYPOTHESIS_S, thread)
        self._announce(f"The evidence pack is in the thread ({time.monotonic() - alerted:.1f} s after the alert)")
        hypothesis = await self._wait("hypothesis", _HYPOTHESIS_S, thread)
        done = time.monotonic()
        similar = await self._wait("similar", _HYPOTHESIS_S, thread)
        return Seen(
            incident_id=incident_id,
            thread_ts=thread,
            card=card,
            evidence=evidence,
            hypothesis=hypothesis,
            similar=similar,
            leak_to_alert_s=alerted - began,
            alert_to_hypothesis_s=done - alerted,
        )

    async def roll_back(self, seen: Seen) -> float:
        """Do what the bot suggests; seconds until the thread says that the alert has resolved."""
        assert self._checkout is not None, "the play has begun"
        began = time.monotonic()
        self._announce(f"Rolling checkout back to {GOOD_RELEASE}")
        await self._stage.cast.stop(self._checkout)
        self._checkout = await self._stage.run_checkout(GOOD_RELEASE)
        await self._wait("result", _RESOLVE_S, seen.thread_ts, contains="resolved")
        return time.monotonic() - began

    async def incident(self, incident_id: str) -> Mapping[str, Any]:
        """What `aiops incident show --json` says."""
        program = await start(
            "incident-show",
            python("bot", "incident", "show", incident_id, "--json"),
            logs=self._stage.cast.logs,
            environment=self._stage.bot_environment,
            announces=False,
        )
        await program.process.wait()
        program_output = program.log.read_text(encoding="utf-8")
        try:
            return json.loads(program_output[program_output.index("{") :])
        except ValueError as error:
            raise RecipeError(
                f"`aiops incident show {incident_id} --json` printed no JSON:\n{program.tail()}"
            ) from error

    async def _wait(self, kind: str, timeout_s: float, thread: str | None = None, contains: str = "") -> Any:
        """The first message of a kind, as the workspace has it."""
        self._stage.cast.check()
        body: dict[str, Any] = {"channel": CHANNEL, "event_type": f"aiops.{kind}", "timeout_s": timeout_s}
        if thread:
            body["thread_ts"] = thread
        if contains:
            body["contains"] = contains
        async with httpx.AsyncClient(trust_env=False, timeout=timeout_s + 10) as client:
            answer = await client.post(f"{self._stage.slackbox}/_test/wait", json=body)
        if answer.status_code != httpx.codes.OK:
            where = self._stage.cast.logs / "aiops.stderr.log"
            raise RecipeError(f"no {kind} message within {timeout_s:.0f} s; the bot's log is {where}")
        return answer.json()["messages"][0]

    async def close(self) -> None:
        """Stop what runs beside the play."""
        for task in self._background:
            task.cancel()
        await asyncio.gather(*self._background, return_exceptions=True)
