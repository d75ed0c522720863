"""Start to ready, memory, and how soon a new postmortem can be found."""

import asyncio
import random
import time

from evals.bench.database import rows
from evals.bench.figures import Figure, spread
from evals.bench.plan import Plan
from evals.bench.programs import ROOT, Program, memory_mb, until_well
from evals.bench.stage import Stage, staged, until_indexed

_PATTERN = ROOT / "postmortems" / "buildkite-2019-01-18-database-storage-full.md"


async def measure(plan: Plan) -> list[Figure]:
    """Spawn `aiops serve` beside a running database and Slack; the schema and the index are there already."""
    starts = plan.pick(6, 2)
    ready: list[float] = []
    before: list[float] = []
    after: list[float] = []
    async with staged(plan.folder, services=8) as stage:
        async with stage.bot() as bot:
            plan.say("new postmortems: written and looked for")
            found = await _new_postmortems(plan, stage, bot)
        for place in range(starts):
            plan.say(f"start to ready: {place + 1} of {starts}")
            seconds, memory = await _start(stage, place)
            ready.append(seconds)
            before.append(memory[0])
            after.append(memory[1])
    return [
        spread("start to ready", ready, "s", p95_at_most=3),
        spread("resident memory at readiness", before, "MB", p95_at_most=400),
        spread("resident memory with LangGraph and the embedding model", after, "MB", p95_at_most=1024),
        spread("new postmortem file to searchable (index of 50)", found, "s", p95_at_most=5),
    ]


async def _start(stage: Stage, place: int) -> tuple[float, tuple[float, float]]:
    began = time.monotonic()
    bot = await stage.start_bot()
    try:
        await until_well(f"{stage.bot_url}/readyz", bot)
        seconds, at_ready = time.monotonic() - began, memory_mb(bot.pid)
        await until_indexed(bot)
        # An index that is up to date needs no model, so it is given something to embed.
        await _indexed(stage, bot, f"start-{place}")
        return seconds, (at_ready, memory_mb(bot.pid))
    finally:
        await bot.stop()


async def _new_postmortems(plan: Plan, stage: Stage, bot: Program) -> list[float]:
    """At random moments of the bot's clock, as people save files."""
    chance = random.Random(5)
    times: list[float] = []
    for place in range(plan.pick(12, 2)):
        await asyncio.sleep(chance.uniform(0, 5))
        times.append(await _indexed(stage, bot, f"new-{place}"))
    return times


async def _indexed(stage: Stage, bot: Program, name: str, *, timeout_s: float = 60) -> float:
    """Write one file and look for its vectors; seconds until they are there."""
    text = _PATTERN.read_text(encoding="utf-8").replace("id: buildkite-2019-01-18", f"id: {name}")
    began = time.monotonic()
    await asyncio.to_thread((stage.postmortems / f"{name}.md").write_text, text, encoding="utf-8")
    query = "select 1 from aiops.postmortem_vector where postmortem_id like %s"
    async with asyncio.timeout(timeout_s):
        while not await rows(stage.dsn, query, (f"{name}%",)):
            bot.check()
            await asyncio.sleep(0.05)
    return time.monotonic() - began
