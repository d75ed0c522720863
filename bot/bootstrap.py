"""The composition root: builds adapters from settings and binds them to flows. Nothing else sees both."""

import asyncio
import importlib
import os
import socket
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from bot.adapters.clock import SystemClock
from bot.adapters.embeddings import SentenceEmbedder, resolve_model
from bot.adapters.llm import LiteLlm
from bot.adapters.postgres.embedded import start_embedded
from bot.adapters.postgres.migrate import migrate
from bot.adapters.postgres.postmortem_index import PgPostmortemIndex
from bot.adapters.postgres.session import Pool, make_pool
from bot.adapters.postgres.store import PostgresJournal, PostgresStore
from bot.adapters.postmortems import PostmortemFiles, load_postmortems
from bot.adapters.prompts import PromptFolder
from bot.adapters.runbooks import LoadedRunbooks, load_runbooks
from bot.adapters.tools import DEFAULT_EFFECTS, Effect, McpServer, McpTools
from bot.core.errors import ToolError
from bot.core.intake import IntakePolicy
from bot.flows import Flows
from bot.flows import handle_events as events
from bot.flows.find_similar import SimilarIncidents
from bot.flows.group_commit import GroupCommit
from bot.flows.investigate import investigate_next
from bot.flows.read_incidents import list_incidents, report_status, show_incident
from bot.flows.receive_alerts import quarantine, receive_alerts
from bot.flows.run_again import run_again
from bot.flows.send_posts import send_next
from bot.flows.start_triage import start_triage
from bot.flows.sync_index import IndexSync
from bot.ports import AgentEvent, Brief, Chat, TriageAgent
from bot.settings import Settings
from bot.worker import Bell, ring_all

if TYPE_CHECKING:
    from bot.agent.graph import TriageGraph


class LateAgent:
    """Loads LangGraph in a thread when it is first wanted, so that readiness does not wait for the import."""

    def __init__(self, make: Callable[[], "TriageGraph"]) -> None:
        self._make = make
        self._agent: TriageAgent | None = None
        self._lock = asyncio.Lock()

    async def load(self) -> TriageAgent:
        """The agent, imported and built once."""
        async with self._lock:
            if self._agent is None:
                await asyncio.to_thread(importlib.import_module, "bot.agent.graph")
                self._agent = self._make()
        return self._agent

    async def investigate(self, brief: Brief) -> AsyncGenerator[AgentEvent]:
        """Run or resume."""
        agent = await self.load()
        async for event in agent.investigate(brief):
            yield event

    async def forget(self, investigation_id: str) -> None:
        """Delete the checkpoints of a finished investigation."""
        await (await self.load()).forget(investigation_id)


@dataclass(frozen=True, slots=True, kw_only=True)
class Core:
    """Everything but Slack and HTTP."""

    settings: Settings
    dsn: str
    flows: Flows
    tools: McpTools
    agent: LateAgent
    model: LiteLlm | None
    embedder: SentenceEmbedder
    runbooks: LoadedRunbooks
    bells: list[Bell]
    """Rung after every commit that gives a loop something to do; whoever runs a loop adds its bell."""
    indexed: Callable[[], Awaitable[Mapping[str, str]]]
    """Postmortem id to the hash that is indexed."""
    send_next: Callable[[Chat], Callable[[], Awaitable[bool]]]
    """The sender's step, for the process that speaks to Slack."""


@asynccontextmanager
async def database(settings: Settings) -> AsyncGenerator[str]:
    """The database's address: DATABASE_URL, or an embedded server for as long as the body runs."""
    url = settings.environment.database_url
    if url:
        yield url
        return
    server = await asyncio.to_thread(start_embedded, settings.environment.aiops_home.resolve())
    try:
        yield server.dsn
    finally:
        await asyncio.to_thread(server.stop)


def tool_effects(settings: Settings) -> Mapping[str, Effect]:
    """The basecamp contract's effects, overridden by aiops.yaml."""
    return {**DEFAULT_EFFECTS, **settings.config.tools}


def mcp_servers(settings: Settings) -> list[McpServer]:
    """The configured servers."""
    return [
        McpServer(
            name=name,
            url=one.url or "",
            headers=one.headers,
            command=one.command or "",
            args=one.args,
            env=one.env,
        )
        for name, one in settings.config.mcpServers.items()
    ]


def make_model(settings: Settings) -> LiteLlm | None:
    """The configured model; None means the offline analyst."""
    env = settings.environment
    return LiteLlm(env.llm_model, base_url=env.llm_base_url, api_key=env.llm_api_key) if env.llm_model else None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Hands:
    """The adapters of one process."""

    store: PostgresStore
    journal: PostgresJournal
    prompts: PromptFolder
    runbooks: LoadedRunbooks
    embedder: SentenceEmbedder
    index: PgPostmortemIndex
    similar: SimilarIncidents
    tools: McpTools
    model: LiteLlm | None
    clock: SystemClock
    checkpoints: Pool


@asynccontextmanager
async def open_core(settings: Settings) -> AsyncGenerator[Core]:
    """Database, migrations, content and flows. Raises ConfigError for content that cannot be used."""
    async with AsyncExitStack() as stack:
        dsn = await stack.enter_async_context(database(settings))
        await migrate(dsn)
        bells: list[Bell] = []
        hands = await _open_hands(settings, stack, dsn, bells)
        agent = LateAgent(partial(_make_agent, settings, hands))
        yield Core(
            settings=settings,
            dsn=dsn,
            flows=_bind(settings, hands, agent),
            tools=hands.tools,
            agent=agent,
            model=hands.model,
            embedder=hands.embedder,
            runbooks=hands.runbooks,
            bells=bells,
            indexed=hands.index.indexed,
            send_next=lambda chat: partial(
                send_next,
                store=hands.store,
                chat=chat,
                clock=hands.clock,
                owner=owner_name(),
                lease=settings.lease,
            ),
        )


def owner_name() -> str:
    """Who holds a lease: this process."""
    return f"{socket.gethostname()}:{os.getpid()}"


async def _open_pool(stack: AsyncExitStack, pool: Pool) -> Pool:
    await pool.open()
    stack.push_async_callback(pool.close)
    return pool


async def _open_hands(settings: Settings, stack: AsyncExitStack, dsn: str, bells: list[Bell]) -> _Hands:
    prompts = PromptFolder(settings.content_folder("prompts"))
    runbooks = load_runbooks([settings.content_folder(name) for name in settings.config.runbooks])
    load_postmortems(postmortem_folders(settings))
    embedder = SentenceEmbedder(resolve_model(settings.environment.embedding_model))
    stack.callback(embedder.close)
    pool = await _open_pool(stack, make_pool(dsn, max_size=10, name="state"))
    checkpoints = make_pool(dsn, max_size=4, name="checkpoints", search_path="aiops_checkpoint", autocommit=True)
    index = PgPostmortemIndex(pool, model=embedder.name)
    model = make_model(settings)
    if model is not None:
        stack.push_async_callback(model.aclose)
    clock = SystemClock()
    return _Hands(
        store=PostgresStore(pool, default_channel=settings.config.channels.post, on_work=partial(ring_all, bells)),
        journal=PostgresJournal(pool, clock),
        prompts=prompts,
        runbooks=runbooks,
        embedder=embedder,
        index=index,
        similar=SimilarIncidents(index=index, embedder=embedder),
        tools=await stack.enter_async_context(McpTools(mcp_servers(settings), tool_effects(settings))),
        model=model,
        clock=clock,
        checkpoints=await _open_pool(stack, checkpoints),
    )


def postmortem_folders(settings: Settings) -> list[Path]:
    """Where postmortems are read from."""
    return [settings.content_folder(name) for name in settings.config.postmortems]


def _make_agent(settings: Settings, hands: _Hands) -> "TriageGraph":
    from bot.agent.graph import TriageGraph

    budgets = settings.config.budgets
    return TriageGraph(
        tools=hands.tools,
        similar=hands.similar,
        runbooks=hands.runbooks,
        prompts=hands.prompts,
        model=hands.model,
        journal=hands.journal,
        clock=hands.clock,
        checkpoints=hands.checkpoints,
        max_tokens=budgets.tokens_per_incident,
        max_steps=budgets.steps_per_incident,
        model_timeout_s=settings.environment.llm_timeout_seconds,
    )


def _bind(settings: Settings, hands: _Hands, agent: TriageAgent) -> Flows:
    store, clock = hands.store, hands.clock
    policy = IntakePolicy(
        settle=timedelta(seconds=settings.config.settle_seconds), hold_card=bool(settings.config.channels.watch)
    )
    receive = GroupCommit(partial(receive_alerts, store=store, clock=clock, policy=policy)).submit
    return Flows(
        receive=receive,
        quarantine=partial(quarantine, store=store, clock=clock),
        remember_event=partial(events.remember_event, store=store, clock=clock),
        next_event=partial(events.next_event, store=store, clock=clock),
        event_done=partial(events.event_done, store=store, clock=clock),
        event_failed=partial(events.event_failed, store=store, clock=clock),
        last_seen=partial(events.last_seen, store=store),
        set_last_seen=partial(events.set_last_seen, store=store),
        start_triage=partial(
            start_triage, receive=receive, clock=clock, service_names=partial(_service_names, hands.tools)
        ),
        run_again=partial(run_again, store=store, clock=clock),
        status=partial(
            report_status,
            store=store,
            tools=hands.tools,
            analyst=hands.model.name if hands.model else "offline analyst",
            count_postmortems=hands.similar.count,
        ),
        similar=lambda text: hands.similar.search(text, service="", k=3),
        show=partial(show_incident, store=store),
        list_incidents=partial(list_incidents, store=store),
        investigate_next=partial(
            investigate_next,
            store=store,
            agent=agent,
            clock=clock,
            owner=owner_name(),
            lease=settings.lease,
            cap=settings.config.concurrent_investigations,
        ),
        sync_index=IndexSync(
            load=PostmortemFiles(postmortem_folders(settings)).load, embedder=hands.embedder, index=hands.index
        ).run,
        ready=store.now,
    )


async def _service_names(tools: McpTools) -> frozenset[str]:
    """Names of the catalogue's services; none while the catalogue is away."""
    try:
        result = await tools.call("list_services", {}, timeout_s=2.0)
    except ToolError:
        return frozenset()
    services = result.structured.get("services")
    if not isinstance(services, list):
        return frozenset()
    return frozenset(str(one["name"]) for one in services if isinstance(one, dict) and "name" in one)  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType] - checked as it is read
