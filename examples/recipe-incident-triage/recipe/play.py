"""What happens on the stage: a healthy shop, a release that breaks it, an alert, a hypothesis, a runbook."""

import asyncio
import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx

from .programs import RecipeError, python, start
from .scenario import Announce
from .stage import CHANNEL, Stage

_HYPOTHESIS_S = 60.0
_RESOLVE_S = 90.0
_APPROVAL_S = 60.0
_RUN_S = 90.0
_MODAL_S = 10.0
_OUTCOME_S = 60.0
APPROVER = "U0ANA"


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What stood in the incident's thread when the hypothesis was there."""

    incident_id: str
    thread_ts: str
    card: Mapping[str, Any]
    evidence: Mapping[str, Any]
    hypothesis: Mapping[str, Any]
    similar: Mapping[str, Any]
    change_to_alert_s: float
    alert_to_hypothesis_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """What stood in the thread when the runbook was done."""

    result: Mapping[str, Any]
    ran_s: float
    resolved_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Learned:
    """What stood in the thread when a person had said what it was."""

    record: Mapping[str, Any]
    hypothesis: Mapping[str, Any]


class Play:
    """The story, act by act."""

    def __init__(self, stage: Stage, announce: Announce) -> None:
        self._stage = stage
        self._announce = announce
        self._background: list[asyncio.Task[None]] = []

    async def until_hypothesis(self) -> Seen:
        """Let the shop run, deploy the release that breaks it, and wait for the bot. Raises RecipeError when it is late."""
        stage, scenario = self._stage, self._stage.scenario
        left = max(0.0, stage.watched_since + scenario.healthy_s - time.monotonic())
        self._announce(f"{scenario.words.healthy}; letting it run healthily for {left:.0f} s")
        changed_at = datetime.now(UTC) + timedelta(seconds=left)
        changes = scenario.changes()
        await self._record(changed_at, [change for change in changes if change["at"] < 0])
        await asyncio.sleep(left)
        self._announce(scenario.words.breaking)
        await stage.shop.break_it()
        await self._record(changed_at, [change for change in changes if change["at"] == 0])
        later = [change for change in changes if change["at"] > 0]
        self._background.append(asyncio.create_task(self._record_later(changed_at, later)))
        return await self._watch()

    async def _record_later(self, changed_at: datetime, changes: Sequence[dict[str, Any]]) -> None:
        for change in sorted(changes, key=lambda one: one["at"]):
            await asyncio.sleep(max(0.0, (changed_at - datetime.now(UTC)).total_seconds() + change["at"]))
            await self._record(changed_at, [change])

    async def _record(self, changed_at: datetime, changes: Sequence[dict[str, Any]]) -> None:
        """Tell basecamp what CI would tell it."""
        async with httpx.AsyncClient(trust_env=False) as client:
            for change in changes:
                at = (changed_at + timedelta(seconds=change["at"])).isoformat()
                answer = await client.post(f"{self._stage.basecamp}/changes", json={**change, "at": at})
                answer.raise_for_status()

    async def _watch(self) -> Seen:
        began = time.monotonic()
        card = await self._wait("alert", self._stage.scenario.alert_s)
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
            change_to_alert_s=alerted - began,
            alert_to_hypothesis_s=done - alerted,
        )

    async def until_asked(self, seen: Seen) -> Mapping[str, Any]:
        """Wait for the request to act. Raises RecipeError when it does not come."""
        asked = await self._wait("approval", _APPROVAL_S, seen.thread_ts)
        asking = self._stage.scenario.words.asking
        self._announce(f"The bot has followed the runbook's diagnosis and asks before it {asking}")
        return asked

    async def approve(self, asked: Mapping[str, Any]) -> None:
        """Ana presses Review and Approve, looks at the exact call in the modal, and submits it."""
        press = {"user": APPROVER, "channel": CHANNEL, "ts": asked["ts"], "action_id": "approval_review"}
        await self._act("press", press)
        view = await self._open_view(APPROVER)
        answer = await self._act("submit", {"user": APPROVER, "view_id": view["id"], "values": {}})
        if answer.get("errors") or answer.get("view"):
            raise RecipeError(f"the approval was not taken: {json.dumps(answer)[:600]}")

    async def until_done(self, seen: Seen, *, patience_s: float = _RUN_S) -> Done:
        """The runbook's result and the alert's end. Raises RecipeError when they do not come."""
        began = time.monotonic()
        result = await self._wait("result", patience_s, seen.thread_ts, contains=self._stage.scenario.words.moved)
        ran = time.monotonic()
        await self._wait("result", _RESOLVE_S, seen.thread_ts, contains="resolved")
        return Done(result=result, ran_s=ran - began, resolved_s=time.monotonic() - began)

    async def name_cause(self, seen: Seen) -> Learned:
        """The bot asks what it was, and Ana replies in the thread. Raises RecipeError when question or record do not come."""
        await self._wait("outcome", _OUTCOME_S, seen.thread_ts, contains="What was the actual root cause?")
        truth = self._stage.scenario.words.truth
        self._announce(f"The bot asks for the actual root cause; Ana replies: {truth}")
        reply = {"user": APPROVER, "channel": CHANNEL, "text": f"root cause: {truth}", "thread_ts": seen.thread_ts}
        await self._act("post", reply)
        record = await self._wait("outcome", _OUTCOME_S, seen.thread_ts, contains=truth)
        hypothesis = await self._wait("hypothesis", _OUTCOME_S, seen.thread_ts, contains=f"by <@{APPROVER}>")
        return Learned(record=record, hypothesis=hypothesis)

    async def verify_audit(self) -> Mapping[str, Any]:
        """What `aiops audit verify --json` says."""
        return await self._command("audit-verify", "audit", "verify", "--json")

    async def _open_view(self, user: str) -> Mapping[str, Any]:
        """The modal that a person has open. Raises RecipeError when none opens."""
        async with httpx.AsyncClient(trust_env=False) as client:
            try:
                async with asyncio.timeout(_MODAL_S):
                    while True:
                        answer = await client.get(f"{self._stage.slackbox}/_test/views", params={"user": user})
                        stack: list[Mapping[str, Any]] = answer.json().get("stack") or []
                        if stack:
                            return stack[-1]
                        await asyncio.sleep(0.05)
            except TimeoutError:
                raise RecipeError(f"no modal opened for {user} within {_MODAL_S:.0f} s") from None

    async def _act(self, what: str, body: Mapping[str, Any]) -> Mapping[str, Any]:
        """Do something as a person."""
        async with httpx.AsyncClient(trust_env=False, timeout=15) as client:
            answer = await client.post(f"{self._stage.slackbox}/_test/{what}", json=dict(body))
        if not answer.is_success:
            raise RecipeError(f"the workspace refused to {what}: {answer.text}")
        return answer.json()

    async def put_right(self) -> None:
        """Take the cause away, where the runbook took the effect away only."""
        if self._stage.scenario.words.after:
            self._announce(self._stage.scenario.words.after)
        await self._stage.shop.put_right()

    async def incident(self, incident_id: str) -> Mapping[str, Any]:
        """What `aiops incident show --json` says."""
        return await self._command("incident-show", "incident", "show", incident_id, "--json")

    async def _command(self, name: str, *words: str) -> Mapping[str, Any]:
        """The JSON that an `aiops` command prints. Raises RecipeError when it prints none."""
        program = await start(
            name,
            python("bot", *words),
            logs=self._stage.cast.logs,
            environment=self._stage.bot_environment,
            announces=False,
        )
        await program.process.wait()
        program_output = program.log.read_text(encoding="utf-8")
        try:
            return json.loads(program_output[program_output.index("{") :])
        except ValueError as error:
            raise RecipeError(f"`aiops {' '.join(words)}` printed no JSON:\n{program.tail()}") from error

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
        if not answer.is_success:
            where = self._stage.cast.logs / "aiops.stderr.log"
            raise RecipeError(f"no {kind} message within {timeout_s:.0f} s; the bot's log is {where}")
        return answer.json()["messages"][0]

    async def close(self) -> None:
        """Stop what runs beside the play."""
        for task in self._background:
            task.cancel()
        await asyncio.gather(*self._background, return_exceptions=True)
