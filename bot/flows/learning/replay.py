"""
Run the reasoning again over kept worlds and hold both answers against the recorded causes.

Nothing is asked live and nothing is posted. What a run may cost is bounded twice: by its own purse, and by the ledger's
day, where replays are an agent of their own.
"""

from dataclasses import dataclass, replace
from datetime import datetime

from bot.agent.reason import ReasonLimits, estimate_tokens
from bot.agent.rethink import Rethinking, Rethought, rethink
from bot.agent.verdict import parse_verdict
from bot.agent.world import KeptWorld, read_world
from bot.core import grading
from bot.core.comparison import Answer, Pair, Totals, total
from bot.core.errors import BudgetSpentError, ModelError, PayloadError
from bot.core.hypothesis import Assessment, Usage
from bot.core.outcome import Grade, GradedBy, Outcome
from bot.ports import (
    AuditEntry,
    Budget,
    Clock,
    Message,
    Model,
    Prompts,
    Reservation,
    Runbooks,
    Store,
    WorldKey,
)

AGENT = "replay"
"""Under this name the ledger keeps replays apart from what incidents cost."""
_JUDGE_TOKENS = 300


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplayWish:
    """What to try."""

    prompts: tuple[str, ...] = ()
    """Versions to use instead of the current ones, such as triage@1."""
    model: str = ""
    """Instead of the configured one."""
    offline: bool = False
    """The offline analyst, whatever model is configured."""
    since: datetime | None = None
    """Only worlds kept from this moment on."""
    limit: int = 100
    max_cost_usd: float = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplayReport:
    """The paired table."""

    new: str
    """Analyst and prompt that were tried."""
    pairs: tuple[Pair, ...]
    totals: Totals
    skipped: tuple[str, ...]
    """Worlds that could not be used, with the reason."""
    stopped: str = ""
    """Why the rest was not run."""
    left: int = 0
    """How many worlds were not run."""
    spent_usd: float = 0.0
    """What the run has cost, judge and unfinished answers included."""


class Purse:
    """Implements ports.Budget: another budget, and at most so many US dollars in one run."""

    def __init__(self, budget: Budget, max_cost_usd: float) -> None:
        self._budget = budget
        self._max = max_cost_usd
        self.spent_usd = 0.0
        self.empty = ""
        """The budget that refused a call."""

    async def reserve(self, *, agent: str, incident_id: str, tokens: int, reply_tokens: int = 0) -> Reservation:
        """Set an estimate aside. Raises BudgetSpentError; a price is known after a call, so one call may overshoot."""
        if self.spent_usd >= self._max:
            self.empty = f"the {self._max:.2f} USD of this run are spent"
            raise BudgetSpentError(self.empty)
        try:
            return await self._budget.reserve(
                agent=agent, incident_id=incident_id, tokens=tokens, reply_tokens=reply_tokens
            )
        except BudgetSpentError as error:
            self.empty = str(error)
            raise

    async def settle(self, reservation: Reservation, usage: Usage) -> None:
        """What the call really cost; once."""
        self.spent_usd += usage.cost_usd
        await self._budget.settle(reservation, usage)


@dataclass(frozen=True, slots=True, kw_only=True)
class Bench:
    """What a replay runs with."""

    store: Store
    clock: Clock
    model: Model | None
    judge: Model | None
    """Grades what only text can decide; None leaves that ungraded."""
    prompts: Prompts
    runbooks: Runbooks
    budget: Budget
    limits: ReasonLimits


async def replay(wish: ReplayWish, *, bench: Bench) -> ReplayReport:
    """The paired table over the newest labelled worlds. Raises StoreError; what a single world lacks is told in it."""
    purse = Purse(bench.budget, wish.max_cost_usd)
    how = Rethinking(
        model=bench.model,
        prompts=bench.prompts,
        runbooks=bench.runbooks,
        budget=purse,
        limits=bench.limits,
        agent=AGENT,
    )
    async with bench.store.transaction() as tx:
        keys = await tx.worlds(since=wish.since, limit=wish.limit)
    pairs: list[Pair] = []
    skipped: list[str] = []
    done = 0
    for key in keys:
        found = await _load(key, bench.store)
        done += 1
        if isinstance(found, str):
            skipped.append(found)
            continue
        kept, outcome = found
        thought = await rethink(kept, how)
        if purse.empty and thought.failed:
            done -= 1
            break
        pairs.append(await _pair(key, kept, outcome, thought, bench=bench, purse=purse))
    report = ReplayReport(
        new=_tried(bench, wish),
        pairs=tuple(pairs),
        totals=total(pairs),
        skipped=tuple(skipped),
        stopped=purse.empty,
        left=len(keys) - done,
        spent_usd=purse.spent_usd,
    )
    await _audit(report, bench)
    return report


async def _load(key: WorldKey, store: Store) -> tuple[KeptWorld, Outcome] | str:
    async with store.transaction() as tx:
        outcome = await tx.outcome(key.incident_id)
        body = await tx.world(key.investigation_id)
    if outcome is None or not outcome.form.established:
        return f"{key.incident_id}: no root cause was established"
    try:
        return read_world(body or {}), outcome
    except PayloadError as error:
        return f"{key.incident_id}: {error}"


async def _pair(
    key: WorldKey, kept: KeptWorld, outcome: Outcome, thought: Rethought, *, bench: Bench, purse: Purse
) -> Pair:
    old = _answer(kept.assessment, took_ms=key.model_ms)
    matched = grading.match(old.said, outcome.form, services=kept.world.services).grade
    chosen = grading.choose_grade(None, matched, None)
    if outcome.grade is not None and not old.abstained:
        # The grade that counts for the label was given for this very hypothesis.
        old = replace(old, grade=outcome.grade, by=outcome.graded_by)
    elif chosen is not None:
        old = replace(old, grade=chosen.grade, by=chosen.by)
    new = _answer(thought.assessment, took_ms=thought.took_ms)
    if not thought.failed:
        new = await _graded(new, old, outcome, thought.assessment, kept, bench=bench, purse=purse)
    return Pair(
        incident_id=key.incident_id,
        cause=outcome.form.cause,
        old=old,
        new=new,
        failed=thought.failed,
        not_recorded=thought.not_recorded,
    )


async def _graded(
    new: Answer, old: Answer, outcome: Outcome, said: Assessment, kept: KeptWorld, *, bench: Bench, purse: Purse
) -> Answer:
    if new.said == old.said:
        # The same cause, class and change: whoever graded the first has graded this one.
        return replace(new, grade=old.grade, by=old.by)
    matched = grading.match(new.said, outcome.form, services=kept.world.services).grade
    if matched is not None:
        return replace(new, grade=matched, by=GradedBy.MATCH)
    if new.abstained or bench.judge is None:
        return new
    judged, usage = await _judged(outcome, said, bench.judge, bench=bench, purse=purse)
    return replace(new, grade=judged, by=GradedBy.JUDGE if judged is not None else None, usage=new.usage.plus(usage))


async def _judged(
    outcome: Outcome, said: Assessment, judge: Model, *, bench: Bench, purse: Purse
) -> tuple[Grade | None, Usage]:
    """Ask the judge as for a label, blind to who said it; no grade when it cannot answer or its budget is spent."""
    first = min(said.hypotheses, key=lambda one: one.rank)
    inputs = {"cause": outcome.form.cause, "hypothesis": f"{first.title}\n{first.explanation}".strip()}
    text, _ = bench.prompts.render("judge", inputs)
    message, usage = Message(role="user", content=text), Usage()
    try:
        need = estimate_tokens([message], []) + _JUDGE_TOKENS
        incident = outcome.incident_id
        reservation = await purse.reserve(agent=AGENT, incident_id=incident, tokens=need, reply_tokens=_JUDGE_TOKENS)
    except BudgetSpentError:
        return None, usage
    usage = Usage(steps=1)
    try:
        reply = await judge.complete(
            [message], tools=(), max_tokens=_JUDGE_TOKENS, timeout_s=bench.limits.model_timeout_s
        )
        usage = Usage(tokens=reply.tokens_in + reply.tokens_out, cost_usd=reply.cost_usd, steps=1)
        return parse_verdict(reply.text).grade, usage
    except ModelError:
        return None, usage
    finally:
        await purse.settle(reservation, usage)


def _answer(assessment: Assessment, *, took_ms: int) -> Answer:
    said = grading.said(assessment.hypotheses)
    title = min(assessment.hypotheses, key=lambda one: one.rank).title if assessment.hypotheses else "no hypothesis"
    return Answer(title=title, said=said, grade=None, by=None, usage=assessment.usage, took_ms=took_ms)


def _tried(bench: Bench, wish: ReplayWish) -> str:
    if bench.model is None:
        return "offline analyst"
    return f"{bench.model.name} with {', '.join(wish.prompts) or 'the current prompts'}"


async def _audit(report: ReplayReport, bench: Bench) -> None:
    totals = report.totals
    detail = {
        "tried": report.new,
        "compared": totals.compared,
        "won": totals.won,
        "lost": totals.lost,
        "cost_usd": report.spent_usd,
        "tokens": totals.tokens_new,
    }
    async with bench.store.transaction() as tx:
        entry = AuditEntry(actor="aiops", action="replay.run", target="worlds", detail=detail)
        await tx.audit([entry], now=bench.clock.now())
