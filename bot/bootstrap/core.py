"""Everything but Slack and HTTP: adapters, flows, the agent."""

from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from bot.adapters.embeddings import SentenceEmbedder
from bot.adapters.llm import LiteLlm
from bot.adapters.postgres.audit import PostgresAudit
from bot.adapters.postgres.migrate import migrate
from bot.adapters.postgres.pins import PostgresPins
from bot.adapters.postgres.vector_index import tune_vector_index
from bot.adapters.postmortems import PostmortemFiles
from bot.adapters.runbooks import LoadedRunbooks
from bot.adapters.tools import McpTools
from bot.agent.late import LateAgent
from bot.core.errors import ToolError
from bot.flows import Acting, Flows
from bot.flows import handle_events as events
from bot.flows.acting.plan import place_of_writes, propose_run
from bot.flows.close_incident import close_incident
from bot.flows.group_commit import GroupCommit
from bot.flows.investigate import investigate_next
from bot.flows.learning.experiments import Experiments
from bot.flows.learning.labels import Labels
from bot.flows.learning.recall import recall
from bot.flows.learning.remember import remember_past
from bot.flows.learning.reports import Reports
from bot.flows.read_incidents import list_incidents, report_status, show_incident
from bot.flows.receive_alerts import quarantine, receive_alerts
from bot.flows.run_again import run_again
from bot.flows.send_posts import send_next
from bot.flows.start_triage import start_triage
from bot.flows.sync_index import IndexSync
from bot.ports import Approvers, Chat, TriageAgent, Watermark
from bot.settings import Settings
from bot.worker import Bell

if TYPE_CHECKING:
    from bot.agent.graph import TriageGraph
from bot.bootstrap.acting import PlanByHand, autonomy_rules, bind_acting, plan_by_hand
from bot.bootstrap.experiments import bind_experiments
from bot.bootstrap.hands import Hands, database, open_hands, owner_name, postmortem_folders
from bot.bootstrap.labels import bind_labels
from bot.bootstrap.learning import Learning, bind_learning
from bot.bootstrap.reports import bind_reports
from bot.bootstrap.sweep import Sweep, bind_sweep, intake_policy


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
    watermark: Callable[[], Awaitable[Watermark]]
    """How much the index holds, and how new."""
    tune_index: Callable[[], Awaitable[str]]
    """Build or drop the approximate index over vectors, by how many there are."""
    fetch_sources: Callable[[], Awaitable[None]]
    """Bring Git sources of postmortems up to date."""
    send_next: Callable[[Chat], Callable[[], Awaitable[bool]]]
    """The sender's step, for the process that speaks to Slack."""
    audit: PostgresAudit
    pins: PostgresPins
    plan: PlanByHand
    """Plan a run from the command line."""
    learning: Learning
    acting: Callable[[Approvers], Acting]
    """The executor, for the process that can ask Slack who may approve."""
    experiments: Experiments
    """Replay, eval cases, the classifier."""
    labels: Labels
    """Recording root causes, where no Slack says who may."""
    labels_with: Callable[[Approvers], Labels]
    """The same for the process that can ask Slack who may change what a person graded."""
    reports: Reports
    """The digest and the metrics."""
    sweep: Sweep | None
    """The anomaly sweep; None while it is off."""


@asynccontextmanager
async def open_core(settings: Settings) -> AsyncGenerator[Core]:
    """Database, migrations, content and flows. Raises ConfigError for content that cannot be used."""
    async with AsyncExitStack() as stack:
        dsn = await stack.enter_async_context(database(settings))
        await migrate(dsn)
        bells: list[Bell] = []
        hands = await open_hands(settings, stack, dsn, bells)
        agent = LateAgent(partial(_make_agent, settings, hands))
        flows = _bind(settings, hands, agent)
        yield Core(
            settings=settings,
            dsn=dsn,
            flows=flows,
            tools=hands.tools,
            agent=agent,
            model=hands.model,
            embedder=hands.embedder,
            runbooks=hands.runbooks,
            bells=bells,
            indexed=hands.index.indexed,
            watermark=hands.index.watermark,
            tune_index=partial(tune_vector_index, dsn),
            fetch_sources=hands.sources.fetch,
            send_next=lambda chat: partial(
                send_next,
                store=hands.store,
                chat=chat,
                clock=hands.clock,
                owner=owner_name(),
                lease=settings.lease,
            ),
            audit=hands.audit,
            pins=hands.pins,
            plan=partial(plan_by_hand, settings, hands, flows.start_triage),
            learning=bind_learning(hands),
            acting=lambda approvers: bind_acting(settings, hands, approvers, flows.start_triage),
            experiments=bind_experiments(settings, hands),
            labels=bind_labels(settings, hands),
            labels_with=partial(bind_labels, settings, hands),
            reports=bind_reports(settings, hands, flows.index_state),
            sweep=bind_sweep(settings, hands),
        )


def _make_agent(settings: Settings, hands: Hands) -> "TriageGraph":
    from bot.agent.gather import GatherLimits
    from bot.agent.graph import TriageGraph

    budgets = settings.config.budgets
    return TriageGraph(
        tools=hands.tools,
        similar=hands.similar,
        runbooks=hands.runbooks,
        templates=hands.templates,
        prompts=hands.prompts,
        model=hands.model,
        journal=hands.journal,
        budget=hands.budget,
        clock=hands.clock,
        checkpoints=hands.checkpoints,
        max_tokens=budgets.tokens_per_incident,
        max_steps=budgets.steps_per_incident,
        model_timeout_s=settings.environment.llm_timeout_seconds,
        likely=hands.likely,
        recall=partial(recall, store=hands.store, clock=hands.clock),
        gather=GatherLimits(part_s=settings.config.gather_seconds / 2, whole_s=settings.config.gather_seconds),
    )


def _bind(settings: Settings, hands: Hands, agent: TriageAgent) -> Flows:
    store, clock = hands.store, hands.clock
    policy = intake_policy(settings)
    files = PostmortemFiles(postmortem_folders(settings))
    sync = IndexSync(
        load=files.load,
        embedder=hands.embedder,
        index=hands.index,
        clock=clock,
        follow=hands.similar.refresh,
        remember=partial(remember_past, store=store, index=hands.index, model=hands.embedder.name),
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
        close=partial(close_incident, store=store, clock=clock),
        status=partial(
            report_status,
            store=store,
            tools=hands.tools,
            analyst=hands.model.name if hands.model else "offline analyst",
            count_postmortems=hands.similar.count,
            index_state=sync.state,
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
            held=set[str](),
            propose=partial(
                propose_run,
                autonomy=autonomy_rules(settings),
                store=store,
                templates=hands.templates,
                clock=clock,
                place=partial(place_of_writes, tools=hands.tools),
            ),
        ),
        sync_index=sync.run,
        index_state=sync.state,
        ready=store.now,
    )


async def _service_names(tools: McpTools) -> frozenset[str]:
    """Names of the catalogue's services; none while the catalogue is away."""
    try:
        result = await tools.call("list_services", {}, timeout_s=2.0, about="catalogue")
    except ToolError:
        return frozenset()
    services = result.structured.get("services")
    if not isinstance(services, list):
        return frozenset()
    return frozenset(str(one["name"]) for one in services if isinstance(one, dict) and "name" in one)  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType] - checked as it is read
