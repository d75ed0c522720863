"""The adapters of one process, made from settings."""

import asyncio
import logging
import os
import socket
from collections.abc import AsyncGenerator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from bot.adapters.clock import SystemClock
from bot.adapters.embeddings import SentenceEmbedder, resolve_model
from bot.adapters.git_sources import GitSources, SourceError, git_source, is_address
from bot.adapters.grants import JwtGrants
from bot.adapters.llm import LiteLlm
from bot.adapters.postgres.audit import PostgresAudit
from bot.adapters.postgres.budget import PostgresBudget
from bot.adapters.postgres.embedded import start_embedded
from bot.adapters.postgres.pins import PostgresPins
from bot.adapters.postgres.postmortem_index import PgPostmortemIndex
from bot.adapters.postgres.session import Pool, make_pool
from bot.adapters.postgres.store import PostgresJournal, PostgresStore
from bot.adapters.postmortems import check_folders
from bot.adapters.prompts import PromptFolder
from bot.adapters.runbooks import LoadedRunbooks, load_runbooks
from bot.adapters.templates import JinjaTemplates
from bot.adapters.tool_gate import DEFAULT_EFFECTS
from bot.adapters.tools import McpServer, McpTools
from bot.core.budget import BudgetLimits
from bot.core.policy import Effect
from bot.flows.acting.elicit import note_declined
from bot.flows.find_runbook import RunbookSearch
from bot.flows.find_similar import SimilarIncidents
from bot.flows.note_call import note_call
from bot.ports import Clock, no_price
from bot.settings import Settings
from bot.worker import Bell, ring_all


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


log = logging.getLogger(__name__)


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
            tools=None if one.tools is None else frozenset(one.tools),
            environment=one.environment,
        )
        for name, one in settings.config.mcpServers.items()
    ]


def budget_limits(settings: Settings) -> BudgetLimits:
    """What agents may spend."""
    budgets = settings.config.budgets
    return BudgetLimits(
        tokens_per_incident=budgets.tokens_per_incident,
        cost_usd_per_incident=budgets.cost_usd_per_incident,
        tokens_per_agent_per_day=budgets.tokens_per_agent_per_day,
    )


def make_model(settings: Settings) -> LiteLlm | None:
    """The configured model; None means the offline analyst."""
    env = settings.environment
    return LiteLlm(env.llm_model, base_url=env.llm_base_url, api_key=env.llm_api_key) if env.llm_model else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Hands:
    """The adapters of one process."""

    store: PostgresStore
    journal: PostgresJournal
    prompts: PromptFolder
    runbooks: LoadedRunbooks
    templates: JinjaTemplates
    embedder: SentenceEmbedder
    index: PgPostmortemIndex
    similar: SimilarIncidents
    likely: RunbookSearch
    sources: GitSources
    tools: McpTools
    model: LiteLlm | None
    clock: SystemClock
    checkpoints: Pool
    grants: JwtGrants
    audit: PostgresAudit
    pins: PostgresPins
    budget: PostgresBudget


def system_clock() -> Clock:
    """The wall clock."""
    return SystemClock()


def owner_name() -> str:
    """Who holds a lease: this process."""
    return f"{socket.gethostname()}:{os.getpid()}"


async def _open_pool(stack: AsyncExitStack, pool: Pool) -> Pool:
    await pool.open()
    stack.push_async_callback(pool.close)
    return pool


async def open_hands(settings: Settings, stack: AsyncExitStack, dsn: str, bells: list[Bell]) -> Hands:
    prompts = PromptFolder(settings.content_folder("prompts"))
    runbooks = load_runbooks(runbook_folders(settings), effects=tool_effects(settings))
    sources = await _fetched(settings)
    check_folders(postmortem_folders(settings))
    embedder = SentenceEmbedder(resolve_model(settings.environment.embedding_model))
    stack.callback(embedder.close)
    pool = await _open_pool(stack, make_pool(dsn, max_size=10, name="state"))
    checkpoints = make_pool(dsn, max_size=4, name="checkpoints", search_path="aiops_checkpoint", autocommit=True)
    index = PgPostmortemIndex(pool, model=embedder.name)
    model = make_model(settings)
    if model is not None:
        stack.push_async_callback(model.aclose)
    clock, pins = SystemClock(), PostgresPins(pool)
    store = PostgresStore(pool, default_channel=settings.config.channels.post, on_work=partial(ring_all, bells))
    decline = partial(note_declined, store=store, clock=clock)
    witness = partial(note_call, store=store, clock=clock)
    tools = McpTools(mcp_servers(settings), tool_effects(settings), pins, decline, witness)
    return Hands(
        store=store,
        journal=PostgresJournal(pool, clock),
        prompts=prompts,
        runbooks=runbooks,
        templates=JinjaTemplates(),
        embedder=embedder,
        index=index,
        similar=SimilarIncidents(index=index, embedder=embedder, clock=clock),
        sources=sources,
        likely=RunbookSearch(runbooks=runbooks, embedder=embedder, service_keys=settings.config.runbook_service_labels),
        tools=await stack.enter_async_context(tools),
        model=model,
        clock=clock,
        checkpoints=await _open_pool(stack, checkpoints),
        grants=JwtGrants(settings.environment.aiops_approval_key),
        audit=PostgresAudit(pool),
        pins=pins,
        budget=PostgresBudget(pool, budget_limits(settings), clock, model.price if model else no_price),
    )


async def _fetched(settings: Settings) -> GitSources:
    """A source that is away must not keep the bot from starting: what was fetched before, or nothing, is used meanwhile."""
    found = [
        git_source(name, settings.environment.aiops_home) for name in settings.config.postmortems if is_address(name)
    ]
    for one in found:
        one.folder.mkdir(parents=True, exist_ok=True)
    sources = GitSources(found)
    try:
        await sources.fetch(missing_only=True)
    except SourceError as error:
        log.warning("past incidents from Git: %s", error)
    return sources


def postmortem_folders(settings: Settings) -> list[Path]:
    """Where postmortems are read from: folders, and checkouts of Git sources."""
    return [
        git_source(name, settings.environment.aiops_home).folder if is_address(name) else settings.content_folder(name)
        for name in settings.config.postmortems
    ]


def runbook_folders(settings: Settings) -> list[Path]:
    """Where runbooks are read from."""
    return [settings.content_folder(name) for name in settings.config.runbooks]
