"""Zero lost under kill -9: what was answered 200 is in the database, whenever the process died."""

import asyncio
import random

from evals.bench.database import postgres, rows
from evals.bench.figures import Figure, count
from evals.bench.payloads import Deliveries
from evals.bench.plan import Plan
from evals.bench.programs import BenchError, output, running

_SERVICES = 20


async def measure(plan: Plan) -> list[Figure]:
    """Kill the webhook process at random moments under load; count acknowledged deliveries that are not stored whole."""
    kills = plan.pick(20, 3)
    acked = lost = 0
    chance = random.Random(20)
    async with postgres(plan.folder / "pg") as server:
        dsn = await server.create("killing")
        for place in range(kills):
            plan.say(f"kill -9: {place + 1} of {kills}, {acked} deliveries acknowledged so far")
            numbers = await _killed(plan, dsn, f"{place:x}", chance.uniform(0.2, 1.5))
            acked += len(numbers)
            lost += await _lost(dsn, f"{place:x}", numbers)
    note = f"{acked} deliveries of 10 alerts were answered 200"
    return [
        count(f"kill -9 under load, {kills} times: acknowledged deliveries lost", lost, "", samples=acked, target="0", met=lost == 0 and acked > 0, note=note)
    ]  # fmt: skip


async def _killed(plan: Plan, dsn: str, run: str, after_s: float) -> list[int]:
    async with running("evals.bench.server", "bot", "--dsn", dsn, logs=plan.folder / "bot") as bot:
        args = ["--port", str(bot.announced["port"]), "--connections", "16", "--seconds", "20", "--run", run]
        sender = asyncio.create_task(
            output("evals.bench.load", [*args, "--services", str(_SERVICES)], logs=plan.folder / "load", timeout_s=60)
        )
        await _first_answers(dsn, run)
        # The moment is what is random here; nothing is waited for.
        await asyncio.sleep(after_s)
        await bot.kill()
        told = await sender
    return told["acked"]


async def _first_answers(dsn: str, run: str) -> None:
    """Until the first delivery of this run is stored; the sender takes a moment to start."""
    async with asyncio.timeout(30):
        while True:
            if await rows(dsn, "select 1 from aiops.alert where fingerprint like %s limit 1", (f"{run}-%",)):
                return
            await asyncio.sleep(0.05)


async def _lost(dsn: str, run: str, numbers: list[int]) -> int:
    if not numbers:
        raise BenchError("no delivery was answered before the kill; the measurement says nothing")
    deliveries = Deliveries(run, services=_SERVICES)
    found = await rows(dsn, "select fingerprint from aiops.alert where fingerprint like %s", (f"{run}-%",))
    stored = {row[0] for row in found}
    return sum(not stored.issuperset(deliveries.fingerprints(number)) for number in numbers)
