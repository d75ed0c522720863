"""Alert to evidence pack and hypothesis in Slack, every program a process of its own, one service after another."""

import asyncio
from dataclasses import dataclass
from datetime import datetime, timedelta

import httpx

from bot.core.text import clip
from evals.bench.database import rows
from evals.bench.figures import Figure, count, spread, union_ms
from evals.bench.payloads import Deliveries
from evals.bench.plan import Plan
from evals.bench.programs import BenchError, Program
from evals.bench.stage import SETTLE_S, Stage, now, service_name, slack_messages, staged

# Slack takes one message a second in a channel, and an incident posts five: closer together, that limit is measured.
_APART_S = 9.0
_PATIENCE_S = 60.0

_INTERVALS = """
select investigation.gather_ms, extract(epoch from call.at)::float8 * 1000, call.took_ms
from aiops.tool_call as call
join aiops.investigation as investigation on investigation.id = call.investigation_id
where investigation.incident_id = %s and call.at <= investigation.evidence_at
"""


_GAPS = """
select gap ->> 'what' || ': ' || (gap ->> 'why') from aiops.investigation, jsonb_array_elements(gaps) as gap
where incident_id = %s
"""


async def measure(plan: Plan) -> list[Figure]:
    """The first incident is reported apart, as it pays for what is loaded on first use; so is one after a restart."""
    incidents = plan.pick(24, 4) + 1
    async with staged(plan.folder, services=incidents + 4) as stage:
        async with stage.bot() as bot:
            taken: list[_Taken] = []
            for place in range(incidents):
                plan.say(f"alert to hypothesis: incident {place + 1} of {incidents}")
                taken.append(await _incident(stage, bot, place))
        plan.say("alert to hypothesis: once more after a restart")
        async with stage.bot() as bot:
            restarted = await _incident(stage, bot, incidents)
    return _figures(taken[0], taken[1:], restarted)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Taken:
    """Seconds from the sent alert, and of gathering; what could not be looked at."""

    pack: float
    hypothesis: float
    gather: float
    own: float
    """Of gathering, while no tool call was under way."""
    gaps: tuple[str, ...]


async def _incident(stage: Stage, bot: Program, place: int) -> _Taken:
    """One service fails; wait for its hypothesis."""
    service, began = service_name(place), now()
    deliveries = Deliveries(f"{place:x}", services=place + 1, started=began)
    async with httpx.AsyncClient(timeout=20, trust_env=False) as client:
        await stage.fault(client, service, began - timedelta(seconds=15))
        sent = now()
        answer = await client.post(f"{stage.bot_url}/webhooks/alertmanager", content=deliveries.body(place))
    (incident,) = answer.raise_for_status().json()["incidents"]
    times = await _posted(stage, bot, incident)
    gather, tools = await _gathering(stage, incident)
    gaps = tuple(clip(str(row[0]), 120) for row in await rows(stage.dsn, _GAPS, (incident,)))
    rest = _APART_S - (now() - sent).total_seconds()
    await asyncio.sleep(max(0.0, rest))
    return _Taken(
        pack=(times["evidence"] - sent).total_seconds(),
        hypothesis=(times["hypothesis"] - sent).total_seconds(),
        gather=gather,
        own=max(0.0, gather - tools),
        gaps=gaps,
    )


async def _posted(stage: Stage, bot: Program, incident: str) -> dict[str, datetime]:
    """When Slack got the messages of an incident, by kind."""
    wanted = {"evidence", "hypothesis"}
    try:
        async with asyncio.timeout(_PATIENCE_S):
            while True:
                bot.check()
                messages = await slack_messages(stage)
                found = {one.kind: one.at for one in messages if one.incident == incident}
                if wanted <= found.keys():
                    return found
                await asyncio.sleep(0.25)
    except TimeoutError as error:
        raise BenchError(
            f"{incident} had no hypothesis after {_PATIENCE_S:.0f} s; the bot's last words:\n{bot.tail()}"
        ) from error


async def _gathering(stage: Stage, incident: str) -> tuple[float, float]:
    """Seconds of gathering, and those of them in which at least one tool call was under way."""
    found = await rows(stage.dsn, _INTERVALS, (incident,))
    if not found:
        raise BenchError(f"{incident} was investigated without a single tool call")
    return float(found[0][0]) / 1000, union_ms([(ended - took, ended) for _, ended, took in found]) / 1000


def _figures(first: _Taken, warm: list[_Taken], restarted: _Taken) -> list[Figure]:
    packs, hypotheses = [one.pack for one in warm], [one.hypothesis for one in warm]
    gaps = sorted({gap for one in warm for gap in one.gaps})
    note = f"the first incident after the first start: {first.pack:.1f} s"
    return [
        spread("alert to evidence pack in Slack", packs, "s", p95_at_most=10, note=note),
        spread(f"alert to evidence pack, without the {SETTLE_S:g} s of settling", _settled(packs), "s"),
        spread("alert to hypothesis in Slack (offline analyst)", hypotheses, "s"),
        spread(f"alert to hypothesis, without the {SETTLE_S:g} s of settling", _settled(hypotheses), "s"),
        spread("gathering evidence", [one.gather for one in warm], "s", note=f"not looked at: {'; '.join(gaps) or 'nothing'}"),
        spread("gathering evidence, while no tool call was under way", [one.own for one in warm], "s", p95_at_most=1, note="tool calls include the MCP client and basecamp"),
        count("first incident after a restart: alert to evidence pack", restarted.pack, "s", target="≤ 10 s", met=restarted.pack <= 10, note=f"not looked at: {'; '.join(restarted.gaps) or 'nothing'}"),
    ]  # fmt: skip


def _settled(values: list[float]) -> list[float]:
    return [value - SETTLE_S for value in values]
