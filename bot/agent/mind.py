"""
Reasoning over a pack: one model call at a time, tool look-ups between them, and always an answer at the end.

The turn (plain JSON, so that it can be checkpointed) says what comes next. Whatever fails on the model's side ends in
the offline analyst's answer with a note that says why.
"""

import logging
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from bot.agent.analyst import analyse
from bot.agent.causes import Case
from bot.agent.conclude import OFFLINE, Circumstances, assess, dropped_note
from bot.agent.draft import Known
from bot.agent.reason import (
    CAUSE_CLASSES,
    SEARCH,
    ReasonLimits,
    call_key,
    case_text,
    estimate_tokens,
    triage_inputs,
    wide_tools,
    with_tool_evidence,
)
from bot.agent.reply import TriageReply, parse_reply, to_draft
from bot.agent.verify import Verified, verify
from bot.core.base_rates import past_note
from bot.core.budget import spent_words
from bot.core.errors import BudgetSpentError, ModelError, ModelReplyError, ToolError
from bot.core.evidence import EvidencePack
from bot.core.grading import Said
from bot.core.hypothesis import Assessment, PromptRef, SimilarFound, Usage
from bot.core.redaction import redact
from bot.core.runbook import Runbook
from bot.core.text import clean, clip, plural
from bot.ports import (
    REFUSED,
    Brief,
    Budget,
    Clock,
    Experience,
    Journal,
    Message,
    Model,
    ModelCallEntry,
    ModelReply,
    Prompts,
    Reservation,
    Runbooks,
    ToolCall,
    ToolCallEntry,
    Tools,
    ToolSpec,
)

AGENT = "triage"
"""The name under which this agent's tokens are counted, unless another is given."""
_SEARCH_LINES = 40

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """Everything known when a turn is taken."""

    brief: Brief
    pack: EvidencePack
    similar: SimilarFound
    case: Case
    services: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """Where the conversation stands. `next` is the graph's next node."""

    next: str
    stage: str = "first"
    """first, loop (with tools) or repair."""
    messages: tuple[Message, ...] = ()
    pending: tuple[ToolCall, ...] = ()
    made: tuple[str, ...] = ()
    """Keys of tool calls made so far."""
    usage: Usage = field(default_factory=Usage)
    answer: str = ""
    model: str = ""
    prompt: PromptRef | None = None
    repaired: bool = False
    told_last: bool = False
    nearly: str = ""
    """A budget in the ledger that is nearly spent."""
    failure: str = ""
    """Why the offline analyst has to answer; empty while the model may."""


class Mind:
    """The nodes of the reasoning half of the graph."""

    def __init__(
        self,
        *,
        model: Model | None,
        tools: Tools,
        prompts: Prompts,
        journal: Journal,
        budget: Budget,
        clock: Clock,
        runbooks: Runbooks,
        limits: ReasonLimits,
        agent: str = AGENT,
    ) -> None:
        self._model = model
        self._tools = tools
        self._prompts = prompts
        self._journal = journal
        self._budget = budget
        self._clock = clock
        self._runbooks = runbooks
        self._limits = limits
        self._agent = agent

    def begin(self) -> Turn:
        """The first turn: ask the model when there is one."""
        if self._model is None:
            return Turn(next="finish", failure="no model is configured")
        return Turn(next="ask")

    # --- asking ------------------------------------------------------------------------------------------------------

    async def ask(self, world: World, turn: Turn) -> Turn:
        """Make one model call and decide what comes next."""
        assert self._model is not None
        turn = self._with_prompt(world, turn)
        tools = await self._tools_for(turn)
        if turn.stage == "loop" and not tools and not turn.told_last:
            turn = self._tell_last(turn)
        if why := self._spent(turn, tools):
            return replace(turn, next="finish", failure=why)
        try:
            reservation = await self._reserve(world, turn, tools)
        except BudgetSpentError as error:
            return replace(turn, next="finish", failure=str(error))
        turn = replace(turn, nearly=reservation.nearly)
        try:
            reply = await self._complete(world, turn, tools, reservation)
        except ModelReplyError as error:
            counted = replace(turn, usage=turn.usage.plus(Usage(steps=1)))
            return self._repair(counted, (str(error),), "the model's answer could not be read")
        except ModelError as error:
            return replace(turn, next="finish", failure=f"the model did not answer ({clip(str(error), 160)})")
        return self._after(turn, reply, bool(tools))

    def _after(self, turn: Turn, reply: ModelReply, offered: bool) -> Turn:
        usage = turn.usage.plus(Usage(tokens=reply.tokens_in + reply.tokens_out, cost_usd=reply.cost_usd, steps=1))
        # Calls of tools that were withheld are nothing but a missing answer.
        calls = reply.tool_calls[: self._limits.calls_per_step] if offered else ()
        message = Message(role="assistant", content=reply.text, tool_calls=calls)
        turn = replace(turn, usage=usage, model=reply.model, messages=(*turn.messages, message), answer=reply.text)
        if calls:
            return replace(turn, next="tools", pending=calls)
        return replace(turn, next="conclude", pending=())

    def _with_prompt(self, world: World, turn: Turn) -> Turn:
        if turn.messages:
            return turn
        inputs = triage_inputs(world.brief, world.pack, world.similar, world.case.runbook)
        text, ref = self._prompts.render("triage", inputs)
        return replace(turn, messages=(Message(role="user", content=text),), prompt=ref)

    async def _tools_for(self, turn: Turn) -> Sequence[ToolSpec]:
        """Tools only in the loop, and never on the last allowed step or near the end of the budget."""
        steps_left = self._limits.steps - turn.usage.steps
        thrifty = turn.usage.tokens < self._limits.conclude_share * self._limits.tokens and not turn.nearly
        if turn.stage != "loop" or turn.told_last or steps_left <= 1 or not thrifty:
            return ()
        return wide_tools(await self._tools.available())

    def _tell_last(self, turn: Turn) -> Turn:
        near = bool(turn.nearly) or turn.usage.tokens >= self._limits.conclude_share * self._limits.tokens
        reason = "The token budget is nearly spent." if near else "This is the last step."
        return replace(
            self._say(turn, "continue", self._continue_inputs(turn, last=True, reason=reason)), told_last=True
        )

    def _continue_inputs(self, turn: Turn, *, last: bool, reason: str = "") -> Mapping[str, object]:
        return {
            "steps_left": self._limits.steps - turn.usage.steps,
            "last": last,
            "reason": reason,
            "cause_classes": CAUSE_CLASSES,
        }

    def _say(self, turn: Turn, prompt: str, inputs: Mapping[str, object]) -> Turn:
        text, ref = self._prompts.render(prompt, inputs)
        return replace(turn, messages=(*turn.messages, Message(role="user", content=text)), prompt=turn.prompt or ref)

    def _spent(self, turn: Turn, tools: Sequence[ToolSpec]) -> str:
        if turn.usage.steps >= self._limits.steps:
            return spent_words(plural(self._limits.steps, "step"))
        need = estimate_tokens(turn.messages, tools) + self._limits.reply_tokens
        if turn.usage.tokens + need > self._limits.tokens:
            return spent_words(plural(self._limits.tokens, "token"))
        return ""

    async def _reserve(self, world: World, turn: Turn, tools: Sequence[ToolSpec]) -> Reservation:
        """Set the call's likely size aside in the ledger, which other processes draw on as well."""
        need = estimate_tokens(turn.messages, tools) + self._limits.reply_tokens
        incident, reply = world.brief.incident.id, self._limits.reply_tokens
        return await self._budget.reserve(agent=self._agent, incident_id=incident, tokens=need, reply_tokens=reply)

    async def _complete(
        self, world: World, turn: Turn, tools: Sequence[ToolSpec], reservation: Reservation
    ) -> ModelReply:
        assert self._model is not None
        assert turn.prompt is not None
        started = time.monotonic()
        outcome, usage, model = "ok", Usage(steps=1), self._model.name
        try:
            reply = await self._model.complete(
                turn.messages,
                tools=tools,
                max_tokens=self._limits.reply_tokens,
                timeout_s=self._limits.model_timeout_s,
            )
            usage = Usage(tokens=reply.tokens_in + reply.tokens_out, cost_usd=reply.cost_usd, steps=1)
            model = reply.model
            return reply
        except ModelError as error:
            outcome = f"{type(error).__name__}: {clip(str(error), 200)}"
            raise
        finally:
            took = round((time.monotonic() - started) * 1000)
            await self._budget.settle(reservation, usage)
            entry = ModelCallEntry(
                purpose=turn.stage, prompt=turn.prompt, model=model, outcome=outcome, usage=usage, took_ms=took
            )
            await self._journal.model_call(world.brief.investigation.id, entry)

    # --- looking -----------------------------------------------------------------------------------------------------

    async def look(self, world: World, turn: Turn) -> tuple[EvidencePack, Turn]:
        """Run the calls that the model asked for, one after another; every one gets an answer message."""
        offered = {spec.name for spec in wide_tools(await self._tools.available())}
        pack = world.pack
        for call in turn.pending:
            refusal = _refusal(call, turn, offered)
            if refusal:
                entry = ToolCallEntry(tool=call.name, args=call.args, outcome=REFUSED, text=refusal, took_ms=0)
                await self._journal.tool_call(world.brief.investigation.id, entry)
                turn = _answered(turn, call, refusal)
                continue
            turn = replace(turn, made=(*turn.made, call_key(call)))
            pack, turn = await self._look_up(replace(world, pack=pack), turn, call)
        return pack, replace(turn, next="ask", pending=())

    async def _look_up(self, world: World, turn: Turn, call: ToolCall) -> tuple[EvidencePack, Turn]:
        started = time.monotonic()
        outcome = "ok"
        try:
            text = await self._run(world, call)
        except ToolError as error:
            outcome, text = "error", str(error)
        took = round((time.monotonic() - started) * 1000)
        if call.name != SEARCH:
            entry = ToolCallEntry(
                tool=call.name, args=call.args, outcome=outcome, text=redact(clean(text)), took_ms=took
            )
            await self._journal.tool_call(world.brief.investigation.id, entry)
        if outcome != "ok":
            words = {"evidence_id": "failed", "query": call.name, "text": clip(redact(clean(text)), 500)}
            told, _ = self._prompts.render("tool_result", words)
            return world.pack, _answered(turn, call, f"The call failed:\n{told}")
        at = self._clock.now()
        limit = self._limits.result_chars
        pack, found, shown = with_tool_evidence(world.pack, call, text, service=world.case.service, at=at, limit=limit)
        told, _ = self._prompts.render("tool_result", {"evidence_id": found.id, "query": found.query, "text": shown})
        return pack, _answered(turn, call, told)

    async def _run(self, world: World, call: ToolCall) -> str:
        if call.name != SEARCH:
            return (await self._tools.call(call.name, call.args, timeout_s=self._limits.tool_timeout_s)).text
        contains = str(call.args.get("contains") or "")
        if len(contains) < 2:
            raise ToolError(f"{SEARCH} needs `contains`, a text of two characters or more")
        lines = await self._journal.search_tool_results(world.brief.investigation.id, contains, _SEARCH_LINES)
        return "\n".join(lines) or f"no kept tool result contains {contains!r}"

    # --- concluding --------------------------------------------------------------------------------------------------

    def conclude(self, world: World, turn: Turn) -> Turn:
        """Read and verify the answer: good enough, look further, repair once, or give up on the model."""
        try:
            reply = parse_reply(turn.answer)
        except ModelReplyError as error:
            return self._repair(turn, (str(error),), "the model's answer could not be used")
        may_look = turn.stage == "first" and self._limits.steps - turn.usage.steps > 1
        if reply.verdict == "uncertain" and may_look:
            return self._look_further(turn)
        problems = self._verified(world, reply).problems
        if problems and not turn.repaired and self._limits.steps > turn.usage.steps:
            return self._repair(turn, problems, "")
        return replace(turn, next="finish")

    def _look_further(self, turn: Turn) -> Turn:
        return replace(self._say(turn, "continue", self._continue_inputs(turn, last=False)), stage="loop", next="ask")

    def _repair(self, turn: Turn, problems: Sequence[str], give_up: str) -> Turn:
        """Ask once more with the problems named; a second failure is the end of the model's part."""
        if turn.repaired:
            return replace(turn, next="finish", failure=f"{give_up} ({clip('; '.join(problems), 200)})")
        inputs = {"problems": [clip(one, 300) for one in problems[:8]], "cause_classes": CAUSE_CLASSES}
        return replace(self._say(turn, "repair", inputs), stage="repair", repaired=True, next="ask")

    # --- finishing ---------------------------------------------------------------------------------------------------

    def finish(self, world: World, turn: Turn, experience: Experience | None = None) -> Assessment:
        """The final assessment: the model's verified answer, or the offline analyst's with the reason."""
        baseline = analyse(world.pack, world.case)
        failure, verified = turn.failure, None
        if not failure:
            verified = self._verified(world, parse_reply(turn.answer))
            if not verified.draft.hypotheses:
                failure, verified = "nothing of the model's answer stands on evidence", None
        if verified is not None:
            for problem in verified.problems:
                log.info("%s: %s", world.brief.investigation.id, problem)
            how = self._how(turn, turn.model, dropped_note(verified.problems))
        else:
            verified = verify(baseline, world.pack, self._known(world), case_text=case_text(world.brief))
            used = past_note(world.case.past, world.case.service)
            how = self._how(turn, OFFLINE, (f"The offline analyst ranked these causes: {failure}.", *used))
        return assess(verified, baseline, world.pack, world.similar, replace(how, experience=experience))

    def offline(self, world: World) -> Said | None:
        """What the offline analyst blames on the same facts; None when nothing of it stands on evidence."""
        verified = verify(
            analyse(world.pack, world.case), world.pack, self._known(world), case_text=case_text(world.brief)
        )
        first = next(iter(verified.draft.hypotheses), None)
        if first is None:
            return None
        suspect = first.suspect
        return Said(
            cause_class=first.cause_class,
            component=suspect.service if suspect else "",
            change_id=(suspect.change_id or "") if suspect else "",
        )

    def _how(self, turn: Turn, analyst: str, notes: tuple[str, ...]) -> Circumstances:
        prompt = None if analyst == OFFLINE and not turn.usage.steps else turn.prompt
        return Circumstances(analyst=analyst, notes=notes, usage=turn.usage, prompt=prompt)

    def _verified(self, world: World, reply: TriageReply) -> Verified:
        return verify(to_draft(reply), world.pack, self._known(world), case_text=case_text(world.brief))

    def _known(self, world: World) -> Known:
        runbooks = {one.id: frozenset(step.id for step in one.steps) for one in self._runbooks.all()}
        if world.case.runbook is not None:
            runbooks[world.case.runbook.id] = frozenset(step.id for step in world.case.runbook.steps)
        return Known(services=frozenset(world.services), runbooks=runbooks)

    def runbook_of(self, assessment: Assessment, matched: Runbook | None) -> Runbook | None:
        """The runbook that the first action names, else the one that the alert has; it is suggested, no more."""
        named = assessment.first_action.runbook if assessment.first_action else None
        return next((one for one in self._runbooks.all() if one.id == named), matched)


def _refusal(call: ToolCall, turn: Turn, offered: set[str]) -> str:
    if call.name not in offered:
        return f"There is no tool {call.name}. There are: {', '.join(sorted(offered))}."
    if call_key(call) in turn.made:
        return "You made exactly this call before; its result stands above. Ask something else, or answer."
    return ""


def _answered(turn: Turn, call: ToolCall, text: str) -> Turn:
    return replace(turn, messages=(*turn.messages, Message(role="tool", content=text, tool_call_id=call.id)))
