"""Webhook to committed, beside a bare handler with one durable commit, in rounds that take turns."""

import statistics
from dataclasses import dataclass, field
from typing import Any

from evals.bench.database import postgres
from evals.bench.figures import Figure, count, spread
from evals.bench.plan import Plan
from evals.bench.programs import output, running

CONNECTIONS = (1, 8, 32, 64)
_KINDS = ("bare", "bot")


@dataclass(slots=True)
class _Rounds:
    """What one kind of server did at one number of connections."""

    per_second: list[float] = field(default_factory=list[float])
    latencies_ms: list[float] = field(default_factory=list[float])
    refused: int = 0

    def add(self, told: dict[str, Any]) -> None:
        good = len(told["acked"])
        self.per_second.append(good / told["seconds"])
        self.latencies_ms.extend(told["latencies_ms"])
        self.refused += sum(told["statuses"].values()) - good + told["broken"]


async def measure(plan: Plan) -> list[Figure]:
    """Deliveries per second and latency at 1, 8, 32 and 64 connections."""
    rounds, seconds = plan.pick(4, 2), 4.0 if not plan.quick else 1.5
    figures: list[Figure] = []
    async with postgres(plan.folder / "pg") as server:
        dsns = {kind: await server.create(f"webhook_{kind}") for kind in _KINDS}
        async with (
            running("evals.bench.server", "bare", "--dsn", dsns["bare"], logs=plan.folder / "bare") as bare,
            running("evals.bench.server", "bot", "--dsn", dsns["bot"], logs=plan.folder / "bot") as bot,
        ):
            ports = {"bare": bare.announced["port"], "bot": bot.announced["port"]}
            for kind in _KINDS:
                await _round(plan, ports[kind], 8, 1.0, "0")
            for connections in CONNECTIONS:
                plan.say(f"webhook: {connections} connections, {rounds} rounds of {seconds:g} s each way")
                done = {kind: _Rounds() for kind in _KINDS}
                for place in range(rounds):
                    # The order turns too, so that neither always meets a database the other has just warmed.
                    for kind in _KINDS if place % 2 else reversed(_KINDS):
                        run = f"{connections:x}{place:x}"
                        done[kind].add(await _round(plan, ports[kind], connections, seconds, run))
                figures += _figures(connections, done["bare"], done["bot"])
    return figures


async def _round(plan: Plan, port: int, connections: int, seconds: float, run: str) -> dict[str, Any]:
    args = ["--port", str(port), "--connections", str(connections), "--seconds", str(seconds), "--run", run]
    return await output("evals.bench.load", args, logs=plan.folder / "load", timeout_s=seconds + 60)


def _figures(connections: int, bare: _Rounds, bot: _Rounds) -> list[Figure]:
    ratios = [ours / theirs for ours, theirs in zip(bot.per_second, bare.per_second, strict=True)]
    ratio = statistics.median(ratios)
    at = f"{connections} connection{'s' if connections > 1 else ''}"
    told = f"refused or broken: bot {bot.refused}, bare {bare.refused}"
    return [
        count(f"webhook, {at}: deliveries of 10 alerts", statistics.median(bot.per_second), "1/s", samples=len(ratios), note=told),
        count(f"webhook, {at}: bare handler", statistics.median(bare.per_second), "1/s", samples=len(ratios)),
        count(f"webhook, {at}: share of the bare handler", 100 * ratio, "%", samples=len(ratios), target="≥ 80 %", met=ratio >= 0.8),
        spread(f"webhook, {at}: request to committed answer", bot.latencies_ms, "ms", p99_at_most=50),
        spread(f"webhook, {at}: bare handler's answer", bare.latencies_ms, "ms"),
    ]  # fmt: skip
