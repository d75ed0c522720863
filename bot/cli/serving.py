"""Long-running processes: `aiops serve` and `aiops worker`."""

import asyncio
import logging
import signal
import socket
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager, nullcontext
from datetime import UTC, datetime
from functools import partial

import uvicorn
from starlette.applications import Starlette

from bot import webhook
from bot.adapters.loki import LokiShipper
from bot.bootstrap import Core, open_core, system_clock
from bot.cli.duties import Duty, duties
from bot.core.errors import AiopsError, ConfigError, StoreError
from bot.scheduler import Scheduler
from bot.settings import Settings, check_http, slack_tokens
from bot.slack.app import SlackConfig, build
from bot.slack.approvers import SlackApprovers
from bot.slack.catchup import CatchUp
from bot.slack.channels import ChannelDirectory, WatchedChannels
from bot.slack.chat import SlackChat
from bot.slack.client import make_client
from bot.slack.home import HomeTabs
from bot.slack.inbox import Inbox
from bot.slack.rootcauses import RootCauseMessages
from bot.slack.socket import SocketRunner
from bot.worker import Bell, Pump, ring_all, run_pumps

log = logging.getLogger(__name__)

_POLL_S = 0.5
_SENDERS = 3
_DRAIN_S = 20.0
_SYNC_EVERY_S = 2.0
_TUNE_EVERY_S = 300.0
_EXECUTORS = 3


class _Server(uvicorn.Server):
    """uvicorn without its own signal handlers: the process stops everything together."""

    def capture_signals(self) -> nullcontext[None]:  # pyright: ignore[reportIncompatibleMethodOverride] - same protocol
        return nullcontext()


def _stop_on_signals() -> asyncio.Event:
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stopping.set)
    return stopping


async def serve(settings: Settings) -> int:
    """Everything in one process, until SIGTERM or SIGINT; what is under way gets 20 s to finish."""
    began = time.monotonic()
    check_http(settings.environment)
    bot_token, app_token = slack_tokens(settings.environment)
    stopping = _stop_on_signals()
    async with open_core(settings) as core:
        _warn_of_problems(core)
        await core.reports.note_content()
        client = make_client(bot_token, settings.environment.slack_api_url)
        directory = ChannelDirectory(client)
        watched = WatchedChannels(directory, settings.config.channels.watch)
        wake = lambda: ring_all(core.bells)  # noqa: E731 - a name for what is passed twice
        approvers = SlackApprovers(client, settings.config.approvers)
        labels = core.labels_with(approvers)
        root_causes = RootCauseMessages(labels, client)
        catch_up = CatchUp(
            core.flows, client, watched=watched, on_stored=wake, threads=partial(root_causes.look_back, core.flows)
        )
        acting = core.acting(approvers)
        home = HomeTabs(core.flows, acting, labels, client=client, clock=system_clock())
        config = SlackConfig(on_stored=wake)
        app = build(core.flows, acting, labels, core.reports, client=client, config=config)
        runner = SocketRunner(app, app_token=app_token, client=client, catch_up=catch_up, now=lambda: datetime.now(UTC))
        inbox = Inbox(
            core.flows, watched=watched, is_current=catch_up.is_current, home_opened=home.opened, hear=root_causes.hear
        )
        chat = SlackChat(client, directory=directory)
        pumps = _investigators(core) + _pumps(core, "sender", core.send_next(chat), _SENDERS)
        pumps += _pumps(core, "inbox", inbox.handle_next, 1)
        metrics = webhook.Metrics()
        pumps += _shippers(core, metrics) + _judges(core)
        pumps += _pumps(core, "executor", acting.follow_next, _EXECUTORS) + _pumps(core, "home", home.refresh, 1)
        readiness = lambda: _readiness(core, runner)  # noqa: E731 - binds two names
        http = webhook.build(
            core.flows, token=settings.environment.aiops_webhook_token, metrics=metrics, readiness=readiness
        )
        async with _http(http, settings) as address, _background(runner.run()):
            log.info("webhooks at %s/webhooks/alertmanager (%.1f s after start)", address, time.monotonic() - began)
            await _until_stopped(core, pumps, stopping, duties(core, acting, metrics, chat))
    return 0


async def work(settings: Settings) -> int:
    """Investigations only, until SIGTERM or SIGINT."""
    stopping = _stop_on_signals()
    async with open_core(settings) as core:
        _warn_of_problems(core)
        log.info("worker is ready")
        await _until_stopped(core, _investigators(core), stopping)
    return 0


def _pumps(core: Core, name: str, step: Callable[[], Awaitable[bool]], count: int) -> list[Pump]:
    pumps: list[Pump] = []
    for _ in range(count):
        bell = Bell()
        core.bells.append(bell)
        pumps.append(Pump(name, step, bell=bell, every_s=_POLL_S))
    return pumps


def _shippers(core: Core, metrics: webhook.Metrics) -> list[Pump]:
    """The audit log goes to Loki where one is configured; while it is away the log waits in PostgreSQL."""
    url = core.settings.environment.loki_url
    if not url:
        return []
    shipper = LokiShipper(url, on_refused=metrics.audit_refused.inc)

    async def ship() -> bool:
        return await core.audit.ship(shipper) > 0

    return _pumps(core, "audit shipper", ship, 1)


def _judges(core: Core) -> list[Pump]:
    """Without a model nobody judges, and what only text can decide stays ungraded."""
    return _pumps(core, "judge", core.labels.judge_next, 1) if core.model is not None else []


def _investigators(core: Core) -> list[Pump]:
    return _pumps(core, "investigator", core.flows.investigate_next, core.settings.config.concurrent_investigations)


async def _until_stopped(
    core: Core,
    pumps: list[Pump],
    stopping: asyncio.Event,
    kept: Sequence[Duty] = (),
) -> None:
    scheduler = Scheduler()
    scheduler.every(_SYNC_EVERY_S, "index sync", core.flows.sync_index)
    scheduler.every(core.settings.config.git_fetch_seconds, "git sources", core.fetch_sources)
    scheduler.every(_TUNE_EVERY_S, "vector index", core.tune_index)
    for duty in kept:
        scheduler.every(duty.every_s, duty.name, duty.call)
    async with _background(_warm(core)):
        scheduler.start()
        running = asyncio.create_task(run_pumps(pumps, stopping, core.bells))
        # A pump that ends before it is told to is a fault, and must not leave a process that looks alive.
        await asyncio.wait({running, asyncio.create_task(stopping.wait())}, return_when=asyncio.FIRST_COMPLETED)
        scheduler.stop()
        try:
            async with asyncio.timeout(_DRAIN_S):
                await running
        except TimeoutError:
            log.warning("stopped before everything was finished; what was under way will be resumed")


async def _warm(core: Core) -> None:
    """Load what is slow to import, after readiness: LangGraph, the model's library, torch and the index."""
    try:
        await core.agent.load()
        if core.model is not None:
            await core.model.warm()
        done = await core.flows.sync_index()
        # An index that is up to date has not needed the model yet; the first search must not wait for torch.
        await core.embedder.embed(["ready"])
        log.info("index of past incidents: %s", ", ".join(f"{count} {what}" for what, count in done.items()))
    except AiopsError as error:
        log.warning("not everything is warm: %s", error)


def _warn_of_problems(core: Core) -> None:
    for problem in core.runbooks.problems:
        log.warning("a runbook is left out: %s", problem)
    if core.model is None:
        log.info("LLM_MODEL is not set: the offline analyst answers")
    if not core.settings.config.mcpServers:
        log.warning("no MCP server is configured (mcpServers in aiops.yaml): evidence will be thin")


async def _readiness(core: Core, runner: SocketRunner) -> Mapping[str, str]:
    wrong: dict[str, str] = {}
    try:
        await core.flows.ready()
    except StoreError as error:
        wrong["database"] = str(error)
    if why := runner.why_away():
        wrong["slack"] = why
    return wrong


@asynccontextmanager
async def _http(app: Starlette, settings: Settings) -> AsyncGenerator[str]:
    """Serve HTTP while the body runs. Raises ConfigError when the port is taken."""
    env = settings.environment
    config = uvicorn.Config(app, log_level="warning", access_log=False, lifespan="off", ws="none")
    server = _Server(config)
    # asyncio turns Nagle's algorithm off only where the protocol is named, and Nagle costs 40 ms an answer.
    family = socket.AF_INET6 if ":" in env.aiops_http_host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((env.aiops_http_host, env.aiops_http_port))
        listener.listen(2048)
    except OSError as error:
        listener.close()
        raise ConfigError(
            f"Cannot listen on {env.aiops_http_host}:{env.aiops_http_port}; set AIOPS_HTTP_PORT to a free port"
        ) from error
    serving = asyncio.create_task(server.serve(sockets=[listener]))
    try:
        host, port = listener.getsockname()[:2]
        yield f"http://{host}:{port}"
    finally:
        server.should_exit = True
        await serving
        listener.close()


@asynccontextmanager
async def _background(work: Awaitable[None]) -> AsyncGenerator[None]:
    """Run something beside the body; it is cancelled when the body ends."""
    task = asyncio.ensure_future(work)
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
