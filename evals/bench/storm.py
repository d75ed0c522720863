"""10,000 alerts in at most a minute: how many incidents, is every alert stored, is every incident triaged."""

import asyncio
import time
from typing import Any

import httpx

from evals.bench.database import rows
from evals.bench.figures import Figure, count, spread
from evals.bench.payloads import ALERTS
from evals.bench.plan import Plan
from evals.bench.programs import Program, output
from evals.bench.stage import Stage, slack_messages, staged

_SERVICES = 250


async def measure(plan: Plan) -> list[Figure]:
    """Send at an even pace to `aiops serve`, with Slack's rate limits enforced, and wait for the last hypothesis."""
    deliveries, seconds = plan.pick(1_000, 100), plan.pick(50, 10)
    async with staged(plan.folder, services=_SERVICES, rate_limits=True) as stage, stage.bot() as bot:
        plan.say(f"storm: {deliveries * ALERTS} alerts of {_SERVICES} services within {seconds} s")
        began = time.monotonic()
        told = await output(
            "evals.bench.load",
            [
                *("--port", stage.bot_url.rpartition(":")[2], "--connections", "16", "--seconds", "120"),
                *("--total", str(deliveries), "--per-second", str(deliveries / seconds), "--services", str(_SERVICES)),
            ],
            logs=plan.folder / "load",
            timeout_s=180,
        )
        figures = await _stored(stage, told, deliveries * ALERTS)
        plan.say("storm: waiting for the last incident's hypothesis")
        figures += await _triaged(stage, bot, began, limit_s=600.0 if not plan.quick else 240.0)
    return figures


async def _stored(stage: Stage, told: dict[str, Any], alerts: int) -> list[Figure]:
    ((stored, incidents),) = await rows(
        stage.dsn, "select (select count(*) from aiops.alert), (select count(*) from aiops.incident)"
    )
    refused = sum(number for status, number in told["statuses"].items() if status != "200") + told["broken"]
    sent = f"{len(told['acked'])} deliveries in {told['seconds']:.0f} s, {refused} refused or broken"
    return [
        count("storm: alerts stored", stored, "", samples=alerts, target=f"all {alerts:,}", met=stored == alerts, note=sent),
        count("storm: incidents opened", incidents, "", samples=alerts, target="≤ 50", met=incidents <= 50),
        spread("storm: request to committed answer", told["latencies_ms"], "ms", note="beside investigations and posting"),
    ]  # fmt: skip


async def _triaged(stage: Stage, bot: Program, began: float, *, limit_s: float) -> list[Figure]:
    ((incidents,),) = await rows(stage.dsn, "select count(*) from aiops.incident")
    done = 0
    while done < incidents and time.monotonic() - began < limit_s:
        bot.check()
        await asyncio.sleep(1)
        done = sum(one.kind == "hypothesis" for one in await slack_messages(stage))
    took = time.monotonic() - began
    limited = await _rate_limited(stage)
    note = f"by Slack's limit of one message a second and channel; {limited} calls were answered 429"
    share = 100 * done / incidents if incidents else 0.0
    return [
        count("storm: incidents with a hypothesis in Slack", share, "%", samples=incidents, target="100 %", met=done == incidents),
        count("storm: first alert to the last hypothesis in Slack", took, "s", samples=incidents, note=note),
        count("storm: Slack calls refused by rate limit", limited, "", samples=incidents, target="0", met=limited == 0),
    ]  # fmt: skip


async def _rate_limited(stage: Stage) -> int:
    page = str(stage.slack["page"]).rstrip("/")
    async with httpx.AsyncClient(timeout=60, trust_env=False) as client:
        answer = await client.get(f"{page}/_test/journal", params={"kind": "call"})
    entries: list[dict[str, Any]] = answer.raise_for_status().json()["entries"]
    return sum("'ratelimited'" in str(entry.get("answer")) for entry in entries)
