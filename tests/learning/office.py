"""A thread, the people in it and the bot: real Bolt over slackbox, real PostgreSQL, a clock that is turned by hand."""

import asyncio
import itertools
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import fields, replace
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from types import SimpleNamespace

from bot.adapters.llm import LiteLlm
from bot.adapters.postgres.audit import PostgresAudit
from bot.adapters.postgres.budget import PostgresBudget
from bot.adapters.postgres.pins import PostgresPins
from bot.adapters.postgres.postmortem_index import PgPostmortemIndex
from bot.adapters.postgres.session import make_pool
from bot.adapters.postgres.store import PostgresStore
from bot.adapters.prompts import PromptFolder
from bot.adapters.tools import McpTools
from bot.bootstrap.labels import bind_labels
from bot.bootstrap.reports import bind_reports
from bot.core.alert import AlertStatus, Delivery, Source
from bot.core.budget import BudgetLimits
from bot.core.intake import IntakePolicy
from bot.flows import Acting, Flows
from bot.flows import handle_events as events
from bot.flows.close_incident import close_incident
from bot.flows.investigate import investigate_next
from bot.flows.read_incidents import list_incidents
from bot.flows.receive_alerts import receive_alerts
from bot.flows.send_posts import send_next
from bot.ports import Concluded, Gathered
from bot.settings import Config, Schedule
from bot.slack.app import SlackConfig, build
from bot.slack.approvers import SlackApprovers
from bot.slack.channels import ChannelDirectory, WatchedChannels
from bot.slack.chat import SlackChat
from bot.slack.client import make_client
from bot.slack.inbox import Inbox
from bot.slack.rootcauses import RootCauseMessages
from bot.slack.socket import SocketRunner
from tests.slack import samples
from tests.slack.face import ObservedCatchUp

ROOT = Path(__file__).parents[2]
CHANNEL = "C0INCIDENTS"
APPROVER = "U0BEN"
POLICY = IntakePolicy(settle=timedelta(0))


class HandClock:
    """Stands still until it is moved."""

    def __init__(self):
        self.at = datetime(2026, 11, 23, 2, 0, tzinfo=UTC)

    def now(self):
        return self.at

    def pass_(self, **span):
        self.at += timedelta(**span)


class Told:
    """An agent that comes to what the test says."""

    def __init__(self):
        self.assessment = samples.assessment()

    async def investigate(self, brief):
        pack = samples.pack()
        yield Gathered(pack=pack, similar=self.assessment.similar, took_ms=5)
        yield Concluded(assessment=self.assessment, runbook=None, pack=pack, tasks=())

    async def forget(self, investigation_id):
        return None


async def _unused(*args, **more):
    raise AssertionError("nobody asks for this here")


class Office:
    """What a test does and sees."""

    def __init__(self, box, pool, *, model=None, digest="mon 09:00 UTC"):
        self.box, self.clock, self.agent = box, HandClock(), Told()
        self.store = PostgresStore(pool, default_channel="#incidents")
        self.audit = PostgresAudit(pool)
        self._numbers = itertools.count(1)
        tools = McpTools([], {}, PostgresPins(pool))
        hands = SimpleNamespace(
            store=self.store,
            clock=self.clock,
            model=model,
            tools=tools,
            prompts=PromptFolder(ROOT / "prompts"),
            budget=PostgresBudget(pool, BudgetLimits(), self.clock),
            audit=self.audit,
            index=PgPostmortemIndex(pool, model="none"),
            runbooks=SimpleNamespace(all=list),
        )
        settings = SimpleNamespace(
            environment=SimpleNamespace(llm_timeout_seconds=5),
            config=Config(postmortems=(), schedule=Schedule(digest=digest)),
            config_path=Path("aiops.yaml"),
        )
        self.settings, self.hands = settings, hands
        self.reports = bind_reports(settings, hands)
        self.client = make_client(box.bot_token, box.api_url)
        self.labels = bind_labels(settings, hands, SlackApprovers(self.client, {"default": [APPROVER]}))
        directory = ChannelDirectory(self.client)
        # Slack's pace is tests/slack's business.
        ticks = itertools.count(step=60)
        self._chat = SlackChat(self.client, directory=directory, monotonic=lambda: next(ticks))
        self.flows = self._flows()
        watched = WatchedChannels(directory, ["#alerts"])
        self.root_causes = RootCauseMessages(self.labels, self.client)
        self.catch_up = ObservedCatchUp(
            self.flows,
            self.client,
            watched=watched,
            on_stored=lambda: None,
            threads=partial(self.root_causes.look_back, self.flows),
        )
        self.inbox = Inbox(
            self.flows,
            watched=watched,
            is_current=self.catch_up.is_current,
            home_opened=_unused,
            hear=self.root_causes.hear,
        )
        acting = Acting(**{each.name: _unused for each in fields(Acting)})
        app = build(self.flows, acting, self.labels, self.reports, client=self.client, config=SlackConfig())
        self.runner = SocketRunner(
            app,
            app_token=box.app_token,
            client=self.client,
            catch_up=self.catch_up,
            now=lambda: datetime.now(UTC),
            longest_delay_s=0.5,
        )

    def _flows(self):
        store, clock = self.store, self.clock
        bound = {
            "remember_event": partial(events.remember_event, store=store, clock=clock),
            "next_event": partial(events.next_event, store=store, clock=clock),
            "event_done": partial(events.event_done, store=store, clock=clock),
            "event_failed": partial(events.event_failed, store=store, clock=clock),
            "last_seen": partial(events.last_seen, store=store),
            "set_last_seen": partial(events.set_last_seen, store=store),
            "close": partial(close_incident, store=store, clock=clock),
            "list_incidents": partial(list_incidents, store=store),
        }
        return Flows(**{each.name: bound.get(each.name, _unused) for each in fields(Flows)})

    # --- what happens ------------------------------------------------------------------------------------------------

    def _alert(self, number):
        return samples.alert(fingerprint=f"f{number}", starts_at=self.clock.at, name=f"PaymentErrorsHigh{number}")

    async def incident(self, *, over=True):
        """An alert, its investigation and, unless told otherwise, its end; returns the incident's id."""
        alert = self._alert(next(self._numbers))
        fired = Delivery(source=Source.ALERTMANAGER, alerts=(alert,), group_key=alert.fingerprint)
        ((incident_id,),) = await receive_alerts([fired], store=self.store, clock=self.clock, policy=POLICY)
        await self.send()
        await investigate_next(
            store=self.store, agent=self.agent, clock=self.clock, owner="me", lease=timedelta(seconds=15), cap=3
        )
        await self.send()
        if over:
            self.clock.pass_(minutes=12)
            gone = replace(alert, status=AlertStatus.RESOLVED, ends_at=self.clock.at)
            ended = Delivery(source=Source.ALERTMANAGER, alerts=(gone,), group_key=alert.fingerprint)
            await receive_alerts([ended], store=self.store, clock=self.clock, policy=POLICY)
            await self.send()
        return incident_id

    async def question(self):
        """A person asks, the bot looks; nothing will ever resolve it. Returns the incident's id."""
        alert = replace(self._alert(next(self._numbers)), name="Manual triage", service="", summary="a customer calls")
        asked = Delivery(source=Source.MANUAL, alerts=(alert,), requested_by="U0ANA", text="checkout is slow")
        ((incident_id,),) = await receive_alerts([asked], store=self.store, clock=self.clock, policy=POLICY)
        await self.send()
        await self.investigate()
        return incident_id

    async def investigate(self):
        await investigate_next(
            store=self.store, agent=self.agent, clock=self.clock, owner="me", lease=timedelta(seconds=15), cap=3
        )
        await self.send()

    async def state(self, incident_id):
        async with self.store.transaction() as tx:
            return (await tx.incident(incident_id)).state

    async def look_again(self, incident_id):
        """Another investigation of the same incident."""
        async with self.store.transaction() as tx:
            await tx.add_investigation(incident_id, due_at=self.clock.at, trigger="rerun")
        await investigate_next(
            store=self.store, agent=self.agent, clock=self.clock, owner="me", lease=timedelta(seconds=15), cap=3
        )
        await self.send()

    async def send(self):
        """Every message that is due."""
        while await send_next(
            store=self.store, chat=self._chat, clock=self.clock, owner="me", lease=timedelta(seconds=15)
        ):
            self.clock.pass_(seconds=3)

    async def sweep(self):
        """What the scheduler does now and then; how many messages that asked."""
        asked = await self.labels.ask()
        await self.send()
        return asked

    async def handle(self):
        """Everything that Slack has told, and the messages that come of it."""
        await self.box.settle()
        while await self.inbox.handle_next():
            pass
        await self.send()

    async def thread_ts(self, incident_id):
        async with self.store.transaction() as tx:
            return (await tx.incident(incident_id)).thread_ts

    async def reply(self, incident_id, text, *, user="U0ANA"):
        """A person answers in the thread; returns the message's ts."""
        ts = await self.box.post(user=user, channel=CHANNEL, text=text, thread_ts=await self.thread_ts(incident_id))
        await self.handle()
        return ts

    # --- what is there -----------------------------------------------------------------------------------------------

    async def versions(self, incident_id):
        return list(await self.labels.history(incident_id))

    async def recorded(self, incident_id, count):
        """Wait until there are so many versions: a press is acknowledged before its work is done."""
        async with asyncio.timeout(10):
            while len(found := await self.versions(incident_id)) < count:
                await asyncio.sleep(0.01)
        await self.send()
        return found

    async def stands(self, incident_id):
        return (await self.versions(incident_id))[-1]

    async def message(self, incident_id, operation):
        """The message of an operation as Slack shows it, as one JSON text; empty when it is not there."""
        for one in await self.box.messages(CHANNEL, await self.thread_ts(incident_id)):
            if one.get("metadata", {}).get("event_payload", {}).get("operation") == operation:
                return json.dumps(one, ensure_ascii=False)
        return ""

    async def ts_of(self, incident_id, operation):
        return json.loads(await self.message(incident_id, operation))["ts"]

    async def shown(self, incident_id):
        """The record, the hypothesis card and the alert card, as JSON texts."""
        operations = ("outcome", "hypothesis", "alert")
        return [await self.message(incident_id, f"{incident_id}:{one}") for one in operations]

    async def actions(self, incident_id):
        """The label's entries in the audit log, oldest first."""
        rows = reversed(await self.audit.tail(limit=1_000, target=incident_id))
        return [str(row["action"]) for row in rows if str(row["action"]).startswith("outcome")]

    async def whispers(self, user="U0ANA"):
        return [json.dumps(one, ensure_ascii=False) for one in await self.box.ephemerals(user)]

    async def whispered(self, contains, user="U0ANA"):
        """Wait until a person was told these words privately."""
        seen = self.box.box.workspace.ephemerals
        await self.box.wait_until(
            lambda: True if any(contains in json.dumps(each, ensure_ascii=False) for each in seen) else None
        )

    # --- forms -------------------------------------------------------------------------------------------------------

    async def press(self, incident_id, operation, action_id, *, user="U0ANA", **more):
        ts = await self.ts_of(incident_id, operation)
        return await self.box.press(user=user, channel=CHANNEL, ts=ts, action_id=action_id, **more)

    async def open_form(self, incident_id, *, operation="outcome", user="U0ANA"):
        await self.press(incident_id, f"{incident_id}:{operation}", "label_outcome", user=user)
        return (await self.box.open_views(user))[-1]

    async def submit(self, view, *, user="U0ANA", **values):
        answer = await self.box.submit(
            user=user, view_id=view["id"], values={name: {name: value} for name, value in values.items()}
        )
        await self.send()
        return answer


@asynccontextmanager
async def open_office(box, database_url, *, endpoint=None, **more) -> AsyncIterator[Office]:
    """The bot connected to the workspace; with an endpoint it has a model."""
    pool = make_pool(database_url, max_size=6, name="test")
    model = LiteLlm("openai/judge", base_url=endpoint.url, api_key="k") if endpoint else None
    async with pool:
        office = Office(box, pool, model=model, **more)
        async with connected(office):
            yield office
        if model is not None:
            await model.aclose()


@asynccontextmanager
async def connected(office) -> AsyncIterator[None]:
    """The socket, for as long as the body runs."""
    task = asyncio.create_task(office.runner.run())
    try:
        async with asyncio.timeout(10):
            while not (office.runner.connected and office.catch_up.is_current()):
                office.catch_up.ran.clear()
                await office.catch_up.ran.wait()
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
