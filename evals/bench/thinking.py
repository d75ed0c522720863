"""Pack to hypothesis without the model's time: the triage graph over recorded cases, checkpoints in real PostgreSQL."""

import httpx

from bot.adapters.llm import LiteLlm
from bot.adapters.postgres.migrate import migrate
from bot.adapters.postgres.session import Pool, make_pool
from evals.bench.database import postgres
from evals.bench.endpoint import CALLS, LOOK_UPS
from evals.bench.figures import Figure, spread
from evals.bench.plan import Plan
from evals.bench.programs import BenchError, running
from evals.casefile import Case, load_cases
from evals.runner import Desk, Run, make_desk, run_case

_LIMIT_S = 0.2


async def measure(plan: Plan) -> list[Figure]:
    """The offline analyst, one model call, and a tool loop with six look-ups."""
    cases = load_cases()[:: plan.pick(1, 6)]
    async with postgres(plan.folder / "pg") as server:
        dsn = await server.create("thinking")
        await migrate(dsn)
        pool = make_pool(dsn, max_size=4, name="checkpoints", search_path="aiops_checkpoint", autocommit=True)
        await pool.open()
        try:
            plan.say("pack to hypothesis: offline analyst")
            offline = await _offline(cases, make_desk(checkpoints=pool))
            async with running("evals.bench.endpoint", logs=plan.folder / "endpoint") as endpoint:
                asked = await _with_models(plan, cases, pool, str(endpoint.announced["url"]))
        finally:
            await pool.close()
    note = "recorded tools in memory, checkpoints committed with fsync; the endpoint's own time is subtracted"
    return [
        spread("pack to hypothesis, offline analyst", offline, "s", p95_at_most=_LIMIT_S),
        spread("pack to hypothesis, one model call", asked["plain"], "s", p95_at_most=_LIMIT_S, note=note),
        spread(f"pack to hypothesis, {CALLS['looking']} model calls and {LOOK_UPS} look-ups", asked["looking"], "s", p95_at_most=_LIMIT_S, note=note),
    ]  # fmt: skip


async def _offline(cases: list[Case], desk: Desk) -> list[float]:
    await run_case(cases[0], desk, investigation_id="warm")
    return [(await run_case(case, desk, investigation_id=f"offline-{case.slug}")).reason_s for case in cases]


async def _with_models(plan: Plan, cases: list[Case], pool: Pool, url: str) -> dict[str, list[float]]:
    """Seconds per run, by the way that the scripted model takes."""
    models = {name: LiteLlm(name, base_url=f"{url}/v1", api_key="none") for name in CALLS}
    asked: dict[str, list[float]] = {}
    try:
        for name, model in models.items():
            plan.say(f"pack to hypothesis: {name} model, {CALLS[name]} calls")
            asked[name] = await _asked(cases, make_desk(model=model, checkpoints=pool), url, name)
    finally:
        # litellm shares connections between models: closing one early would cut the other's.
        for model in models.values():
            await model.aclose()
    return asked


async def _asked(cases: list[Case], desk: Desk, url: str, name: str) -> list[float]:
    times: list[float] = []
    async with httpx.AsyncClient(trust_env=False, timeout=10) as client:
        await run_case(cases[0], desk, investigation_id=f"{name}-warm")
        for case in cases:
            before = await _busy(client, url)
            run = await run_case(case, desk, investigation_id=f"{name}-{case.slug}")
            _check(run, name)
            times.append(run.reason_s - (await _busy(client, url) - before))
    return times


async def _busy(client: httpx.AsyncClient, url: str) -> float:
    return float((await client.get(f"{url}/busy")).raise_for_status().json()["seconds"])


def _check(run: Run, name: str) -> None:
    """A run that took another way than the script's would measure something else."""
    steps, analyst = run.assessment.usage.steps, run.assessment.analyst
    if steps != CALLS[name] or name not in analyst:
        raise BenchError(
            f"{run.case.slug} took {steps} model calls instead of {CALLS[name]} and {analyst} answered: {run.assessment.notes}"
        )
