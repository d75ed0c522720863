"""
The triage graph: gather → ask ⇄ tools → conclude → finish. The only file that knows langgraph.

A node makes at most one model call, and its result is checkpointed before the next node starts (durability "sync"),
so a worker that is killed resumes without paying for a finished call again. State is plain JSON.
"""

import asyncio
import importlib
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import replace
from typing import Any, TypedDict, cast

from bot.agent.causes import Case
from bot.agent.codec import Json, dump, load
from bot.agent.gather import Gatherer, GatherLimits
from bot.agent.mind import Mind, Turn, World
from bot.agent.reason import ReasonLimits
from bot.agent.world import world_body
from bot.core.evidence import EvidencePack
from bot.core.hypothesis import Assessment, SimilarFound
from bot.core.posts import Task, TaskState
from bot.core.text import clip, plural
from bot.ports import (
    AgentEvent,
    Brief,
    Budget,
    Clock,
    Concluded,
    Gathered,
    Journal,
    LikelyRunbooks,
    Model,
    Prompts,
    Recall,
    Runbooks,
    SimilarSearch,
    TasksChanged,
    Templates,
    Tools,
)


class _State(TypedDict):
    """What is checkpointed. Keys beyond these are not kept; nodes return the keys that they set."""

    brief: Json
    pack: Json
    similar: Json
    case: Json
    services: list[str]
    gather_ms: int
    tasks: list[Json]
    turn: Json
    assessment: Json


class TriageGraph:
    """
    Implements ports.TriageAgent; `model` None means the offline analyst alone.

    `checkpoints` is an open psycopg AsyncConnectionPool whose connections are in autocommit mode; langgraph's own
    tables are created on its search path on first use. Without it, checkpoints live in memory and end with the process.
    """

    def __init__(
        self,
        *,
        tools: Tools,
        similar: SimilarSearch,
        runbooks: Runbooks,
        templates: Templates,
        prompts: Prompts,
        journal: Journal,
        budget: Budget,
        clock: Clock,
        model: Model | None = None,
        checkpoints: object | None = None,
        max_tokens: int = 60_000,
        max_steps: int = 12,
        model_timeout_s: float = 60.0,
        gather: GatherLimits | None = None,
        recall: Recall | None = None,
        likely: LikelyRunbooks | None = None,
    ) -> None:
        self._checkpoints = checkpoints
        self._gatherer = Gatherer(
            tools=tools,
            similar=similar,
            runbooks=runbooks,
            templates=templates,
            journal=journal,
            clock=clock,
            limits=gather,
            likely=likely,
        )
        self._mind = Mind(
            model=model,
            tools=tools,
            prompts=prompts,
            journal=journal,
            budget=budget,
            clock=clock,
            runbooks=runbooks,
            limits=ReasonLimits(tokens=max_tokens, steps=max_steps, model_timeout_s=model_timeout_s),
        )
        self._recall = recall
        self._graph: Any = None
        self._saver: Any = None
        self._loading = asyncio.Lock()

    async def warm(self) -> None:
        """Import langgraph in a worker thread and prepare its tables; done by the first investigation otherwise."""
        async with self._loading:
            if self._graph is None:
                await asyncio.to_thread(_import)
                saver = _saver(self._checkpoints)
                if self._checkpoints is not None:
                    await saver.setup()
                self._saver, self._graph = saver, self._compile(saver)

    async def investigate(self, brief: Brief) -> AsyncGenerator[AgentEvent]:
        """Run or resume. Gathered and Concluded come exactly once per call, also when they were reached before."""
        await self.warm()
        config = {"configurable": {"thread_id": brief.investigation.id}, "recursion_limit": 100}
        snapshot = await self._graph.aget_state(config)
        before = cast("_State", snapshot.values)
        start: Json | None = None if before else {"brief": dump(brief)}
        gathered = "pack" in before
        if gathered:
            yield _gathered(before)
        if "assessment" in before:
            yield self._concluded(before)
            return
        modes = ["custom", "values"]
        async with aclosing(self._graph.astream(start, config, stream_mode=modes, durability="sync")) as stream:
            async for mode, chunk in stream:
                if mode == "custom":
                    yield cast("TasksChanged", chunk)
                    continue
                state = cast("_State", chunk)
                if not gathered and "pack" in state:
                    gathered = True
                    yield _gathered(state)
                if "assessment" in state:
                    yield self._concluded(state)
                    return

    async def forget(self, investigation_id: str) -> None:
        """Delete the checkpoints of a finished investigation."""
        await self.warm()
        await self._saver.adelete_thread(investigation_id)

    # --- nodes -------------------------------------------------------------------------------------------------------

    def _compile(self, saver: object) -> Any:
        from langgraph.graph import END, START, StateGraph

        graph: Any = StateGraph(_State)
        for name, node in (
            ("gather", self._gather),
            ("ask", self._ask),
            ("tools", self._look),
            ("conclude", self._conclude),
            ("finish", self._finish),
        ):
            graph.add_node(name, node)
        graph.add_edge(START, "gather")
        graph.add_conditional_edges("gather", _next, ["ask", "finish"])
        graph.add_conditional_edges("ask", _next, ["ask", "tools", "conclude", "finish"])
        graph.add_conditional_edges("tools", _next, ["ask"])
        graph.add_conditional_edges("conclude", _next, ["ask", "finish"])
        graph.add_edge("finish", END)
        return graph.compile(checkpointer=saver)

    async def _gather(self, state: _State) -> Json:
        from langgraph.config import get_stream_writer

        brief = load(Brief, state["brief"])
        told: list[TasksChanged] = []
        write = get_stream_writer()

        def emit(event: TasksChanged) -> None:
            told.append(event)
            write(event)

        result = await self._gatherer.gather(brief, emit)
        case = Case(
            service=result.subject.service,
            onset=result.subject.onset,
            dependencies=result.dependencies,
            outside=result.outside,
            runbook=result.runbook,
            words=result.subject.text,
        )
        return {
            "pack": dump(result.pack),
            "similar": dump(result.similar),
            "case": dump(case),
            "services": list(result.services),
            "gather_ms": result.took_ms,
            "tasks": [dump(task) for task in told[-1].tasks] if told else [],
            "turn": dump(self._mind.begin()),
        }

    async def _ask(self, state: _State) -> Json:
        from langgraph.config import get_stream_writer

        turn = load(Turn, state["turn"])
        tasks = _tasks(state)
        get_stream_writer()(TasksChanged(title="Weighing causes", tasks=(*tasks, _weighing(turn))))
        turn = await self._mind.ask(_world(state), turn)
        return {"turn": dump(turn)}

    async def _look(self, state: _State) -> Json:
        pack, turn = await self._mind.look(_world(state), load(Turn, state["turn"]))
        return {"pack": dump(pack), "turn": dump(turn)}

    async def _conclude(self, state: _State) -> Json:
        return {"turn": dump(self._mind.conclude(_world(state), load(Turn, state["turn"])))}

    async def _finish(self, state: _State) -> Json:
        turn = load(Turn, state["turn"])
        world = _world(state)
        experience = await self._recall(world.case.service) if self._recall is not None else None
        if experience is not None:
            # Kept with the world, so that a replay weighs the same past.
            world = replace(world, case=replace(world.case, past=experience.causes))
        assessment = self._mind.finish(world, turn, experience)
        tasks = [*state["tasks"], dump(_weighed(assessment))]
        return {"assessment": dump(assessment), "tasks": tasks, "case": dump(world.case)}

    def _concluded(self, state: _State) -> Concluded:
        assessment = load(Assessment, state["assessment"])
        matched, world = load(Case, state["case"]).runbook, _world(state)
        return Concluded(
            assessment=assessment,
            runbook=self._mind.runbook_of(assessment, matched),
            pack=load(EvidencePack, state["pack"]),
            tasks=_tasks(state),
            world=world_body(world, assessment, self._mind.offline(world)),
            matched=matched,
        )


def _tasks(state: _State) -> tuple[Task, ...]:
    return tuple(load(Task, one) for one in state["tasks"])


def _weighing(turn: Turn) -> Task:
    looked = f"after {plural(len(turn.made), 'look-up')} of its own" if turn.made else ""
    return Task(id="weigh", title="Weighing causes", state=TaskState.IN_PROGRESS, output=looked)


def _weighed(assessment: Assessment) -> Task:
    top = assessment.hypotheses[0].title if assessment.hypotheses else "no hypothesis"
    output = clip(f"{assessment.analyst}: {top}", 200)
    return Task(id="weigh", title="Weighed causes", state=TaskState.COMPLETE, output=output)


def _next(state: _State) -> str:
    return str(state["turn"]["next"])


def _world(state: _State) -> World:
    return World(
        brief=load(Brief, state["brief"]),
        pack=load(EvidencePack, state["pack"]),
        similar=load(SimilarFound, state["similar"]),
        case=load(Case, state["case"]),
        services=tuple(state["services"]),
    )


def _gathered(state: _State) -> Gathered:
    return Gathered(
        pack=load(EvidencePack, state["pack"]),
        similar=load(SimilarFound, state["similar"]),
        took_ms=state["gather_ms"],
    )


def _import() -> None:
    """Langgraph costs a second or two to import; this runs in a worker thread."""
    for name in (
        "langgraph.graph",
        "langgraph.config",
        "langgraph.checkpoint.memory",
        "langgraph.checkpoint.postgres.aio",
    ):
        importlib.import_module(name)


def _saver(pool: object | None) -> Any:
    from langgraph.checkpoint.memory import InMemorySaver
    from langgraph.checkpoint.postgres.aio import AsyncPostgresSaver
    from langgraph.checkpoint.serde.jsonplus import JsonPlusSerializer

    # Strict: checkpoints are plain JSON, so nothing needs to be constructed from what a database row names.
    serde = JsonPlusSerializer(allowed_msgpack_modules=None)
    return InMemorySaver(serde=serde) if pool is None else AsyncPostgresSaver(cast("Any", pool), serde=serde)
