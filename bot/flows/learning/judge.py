"""
The blinded judge: a model grades what only text can decide. It sees the recorded cause and the hypothesis, nothing else.

A person's grade always wins; beside one, the judge's is kept for the measure of their agreement.
"""

import logging
import time
from datetime import datetime, timedelta

from bot.agent.reason import estimate_tokens
from bot.agent.verdict import Verdict, parse_verdict
from bot.core import grading
from bot.core.errors import BudgetSpentError, ModelError
from bot.core.hypothesis import Hypothesis, PromptRef, Usage
from bot.core.outcome import GradedBy, Outcome
from bot.core.text import clip
from bot.flows.learning.autonomy import revise_standing
from bot.flows.learning.publish import publish_outcome
from bot.ports import AuditEntry, Budget, Clock, Message, Model, ModelReply, Prompts, Store

AGENT = "judge"
"""The name under which the judge's tokens are counted."""
_REPLY_TOKENS = 300
_LOOKED_AT = 500
_FIRST_PAUSE = timedelta(minutes=1)
_SPARE = timedelta(seconds=30)
_LONGEST_PAUSE = timedelta(days=1)

log = logging.getLogger(__name__)


class Judge:
    """Judges one label at a time; a label whose judging failed waits, longer each time, until the process ends."""

    def __init__(
        self,
        *,
        store: Store,
        clock: Clock,
        prompts: Prompts,
        model: Model,
        budget: Budget,
        timeout_s: float,
        channel: str,
    ) -> None:
        """`channel` is told when a grade changes what a class of alert has earned."""
        self._channel = channel
        self._store = store
        self._clock = clock
        self._prompts = prompts
        self._model = model
        self._budget = budget
        self._timeout_s = timeout_s
        # Longer than any call, so that a claim outlives it; a dead judge's ends by itself.
        self._held = timedelta(seconds=timeout_s) + _SPARE
        self._failed: dict[tuple[str, int], tuple[int, datetime]] = {}

    async def judge_next(self) -> bool:
        """False when nothing can be judged now. What fails on the model's side is logged and tried again later."""
        async with self._store.transaction() as tx:
            now = self._clock.now()
            for outcome in await tx.unjudged_outcomes(now=now, limit=_LOOKED_AT):
                if not self._is_due(outcome):
                    continue
                assessment = await tx.first_assessment(outcome.incident_id)
                hypotheses = assessment.hypotheses if assessment else ()
                if not grading.abstained(grading.said(hypotheses)):
                    # Another replica may have taken it since it was read.
                    if await tx.claim_judging(outcome, now=now, until=now + self._held):
                        break
                    continue
                # There is nothing to judge, today as tomorrow.
                self._failed[_key(outcome)] = (0, self._clock.now() + _LONGEST_PAUSE)
            else:
                return False
        try:
            await self._judge(outcome, min(hypotheses, key=lambda one: one.rank))
        except (ModelError, BudgetSpentError) as error:
            tries = self._failed.get(_key(outcome), (0, self._clock.now()))[0] + 1
            pause = min(_LONGEST_PAUSE, _FIRST_PAUSE * 2 ** min(tries - 1, 12))
            self._failed[_key(outcome)] = (tries, self._clock.now() + pause)
            async with self._store.transaction() as tx:
                await tx.release_judging(outcome)
            log.warning("the label of %s is not judged yet, next try in %s: %s", outcome.incident_id, pause, error)
            return False
        self._failed.pop(_key(outcome), None)
        return True

    def _is_due(self, outcome: Outcome) -> bool:
        failed = self._failed.get(_key(outcome))
        return failed is None or failed[1] <= self._clock.now()

    async def _judge(self, outcome: Outcome, hypothesis: Hypothesis) -> None:
        inputs = {"cause": outcome.form.cause, "hypothesis": f"{hypothesis.title}\n{hypothesis.explanation}".strip()}
        text, prompt = self._prompts.render("judge", inputs)
        message = Message(role="user", content=text)
        reservation = await self._budget.reserve(
            agent=AGENT,
            incident_id=outcome.incident_id,
            tokens=estimate_tokens([message], []) + _REPLY_TOKENS,
            reply_tokens=_REPLY_TOKENS,
        )
        began, usage, said = time.monotonic(), Usage(steps=1), "no answer"
        reply: ModelReply | None = None
        try:
            reply = await self._model.complete([message], tools=(), max_tokens=_REPLY_TOKENS, timeout_s=self._timeout_s)
            usage = Usage(tokens=reply.tokens_in + reply.tokens_out, cost_usd=reply.cost_usd, steps=1)
            verdict = parse_verdict(reply.text)
            said = "ok"
        except ModelError as error:
            said = f"{type(error).__name__}: {clip(str(error), 200)}"
            raise
        finally:
            await self._budget.settle(reservation, usage)
            took_ms = round((time.monotonic() - began) * 1000)
            await self._audit_call(outcome, prompt, usage, said=said, took_ms=took_ms)
        await self._keep(outcome, verdict, judged_with=f"{reply.model} {prompt.name}@{prompt.version}")

    async def _audit_call(self, outcome: Outcome, prompt: PromptRef, usage: Usage, *, said: str, took_ms: int) -> None:
        detail = {
            "purpose": "judge",
            "prompt": f"{prompt.name}@{prompt.version}",
            "prompt_sha256": prompt.sha256,
            "model": self._model.name,
            "outcome": said,
            "tokens": usage.tokens,
            "cost_usd": usage.cost_usd,
            "took_ms": took_ms,
        }
        async with self._store.transaction() as tx:
            entry = AuditEntry(actor=AGENT, action="model.call", target=outcome.incident_id, detail=detail)
            await tx.audit([entry], now=self._clock.now())

    async def _keep(self, outcome: Outcome, verdict: Verdict, *, judged_with: str) -> None:
        async with self._store.transaction() as tx:
            await tx.lock_label(outcome.incident_id)
            await tx.grade_outcome(
                outcome, grade=verdict.grade, by=GradedBy.JUDGE, reason=verdict.reason, judged_with=judged_with
            )
            await revise_standing(tx, outcome.incident_id, channel=self._channel, now=self._clock.now())
            await publish_outcome(tx, outcome.incident_id, judging=True, now=self._clock.now())
            detail = {"version": outcome.version, "grade": verdict.grade, "by": GradedBy.JUDGE, "with": judged_with}
            entry = AuditEntry(actor=AGENT, action="outcome.graded", target=outcome.incident_id, detail=detail)
            await tx.audit([entry], now=self._clock.now())


def _key(outcome: Outcome) -> tuple[str, int]:
    return outcome.incident_id, outcome.version
