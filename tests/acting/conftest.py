"""The executor on a real database, real MCP tools, and slackbox for the approver group."""

from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import TypeVar
from urllib.parse import urlsplit

import psycopg
import pytest

from bot.adapters.grants import JwtGrants
from bot.adapters.postgres.audit import PostgresAudit
from bot.adapters.postgres.pins import PostgresPins
from bot.adapters.postgres.rows import content_of
from bot.adapters.postgres.session import make_pool
from bot.adapters.postgres.store import PostgresStore
from bot.adapters.runbook_format import parse_runbook
from bot.adapters.runbooks import LoadedRunbooks
from bot.adapters.templates import JinjaTemplates
from bot.adapters.tools import McpServer, McpTools
from bot.core.alert import Alert, AlertStatus, Delivery, Severity, Source
from bot.core.approval import Approval, ApprovalState, Say, Verdict
from bot.core.execution import RUN_ENDS, StepState
from bot.core.intake import IntakePolicy
from bot.core.policy import Effect, Level
from bot.core.posts import PostKind
from bot.core.runbook import Runbook
from bot.flows.acting.decide import Answer, decide_approval
from bot.flows.acting.desk import Desk, RunPolicy
from bot.flows.acting.elicit import note_declined
from bot.flows.acting.follow import follow_next
from bot.flows.acting.levels import AutonomyRules
from bot.flows.acting.plan import Wish, plan_run
from bot.flows.receive_alerts import receive_alerts
from bot.ports import RunDetail, Standing
from bot.slack.approvers import SlackApprovers
from bot.slack.client import make_client
from slackbox.testing import RunningBox, running
from tests.acting.plant import EFFECTS, RUNBOOK, Plant, running_plant

ROOT = Path(__file__).parents[2]
NOW = datetime(2026, 11, 23, 2, 0, tzinfo=UTC)
KEY = "a-key-for-tests-that-is-long-enough-0123456789"
POLICY = IntakePolicy(settle=timedelta(seconds=5))
ALERT = Alert(
    fingerprint="f1",
    starts_at=NOW,
    name="PressureHigh",
    status=AlertStatus.FIRING,
    severity=Severity.CRITICAL,
    service="vessel",
    environment="",
    summary="",
    labels={"service": "vessel"},
    annotations={},
)
T = TypeVar("T")


class HandClock:
    """Stands still until it is moved."""

    def __init__(self) -> None:
        self.at = NOW

    def now(self) -> datetime:
        return self.at

    def pass_(self, seconds: float) -> None:
        self.at += timedelta(seconds=seconds)


class Power:
    """The plant's server, which can be switched off in the middle of a call and on again at the same address."""

    def __init__(self, plant: Plant) -> None:
        self._plant = plant
        self._stack = AsyncExitStack()
        self.url = ""

    async def on(self) -> str:
        port = urlsplit(self.url).port if self.url else 0
        self.url = await self._stack.enter_async_context(running_plant(self._plant, port or 0))
        return self.url

    async def off(self) -> None:
        await self._stack.aclose()


@dataclass
class Yard:
    """Everything around one executor."""

    desk: Desk
    clock: HandClock
    plant: Plant
    box: RunningBox
    runbook: Runbook
    incident_id: str
    power: "Power"
    audit: PostgresAudit
    dsn: str
    run_id: str = ""
    """Of the run that was planned last."""

    async def plan(self, *, requester: str = "aiops", level: Level = Level.APPROVED, **more) -> str | None:
        if level is Level.AUTONOMOUS:
            await self.earn()
        run_id = await plan_run(
            Wish(
                incident_id=self.incident_id,
                runbook=more.pop("runbook", self.runbook),
                requester=requester,
                reason="pressure",
                level=level,
                confidence=more.pop("confidence", 0.5),
                parameters=more,
            ),
            store=self.desk.store,
            templates=self.desk.templates,
            clock=self.clock,
        )
        self.run_id = run_id or self.run_id
        return run_id

    async def earn(self, level: Level = Level.AUTONOMOUS) -> None:
        """The class of alert has earned this with its runbook."""
        standing = Standing(
            alert_class=ALERT.name,
            runbook=self.runbook.id,
            level=level,
            why="it helped",
            lower_bound=0.8,
            labels=20,
            since=self.clock.at,
        )
        async with self.desk.store.transaction() as tx:
            await tx.set_standing(standing)

    async def ask(self, **more) -> None:
        """A new run, as far as it goes without a person."""
        await self.plan(**more)
        await self.follow_until_still()

    def restore(self) -> None:
        """The valves as they were at first, and nothing written down of what was done to them."""
        self.plant.open = {"v1": True, "v2": True, "v3": True, "v4": False}
        self.plant.writes.clear()

    async def follow(self) -> bool:
        return await follow_next(self.desk)

    async def detail(self, run_id: str = "") -> RunDetail:
        async with self.desk.store.transaction() as tx:
            return await tx.run_detail(run_id or self.run_id)

    async def follow_until_still(self, *, seconds: float = 0.0) -> None:
        """Follow, letting that much time pass in between, until nothing is due (at most 50 times)."""
        for _ in range(50):
            if not await self.follow():
                return
            self.clock.pass_(seconds)
        raise AssertionError("the run is due for ever")

    async def ended(self, run_id: str = "") -> RunDetail:
        """The run, which has to be over, with nothing left open behind it."""
        detail = await self.detail(run_id)
        assert detail.run.state in RUN_ENDS, detail.run.state
        assert not {one.state for one in detail.approvals} & {ApprovalState.PENDING, ApprovalState.APPROVED}
        assert not {one.state for one in detail.step_runs} & {StepState.QUEUED, StepState.RUNNING}
        return detail

    async def posts(self, kind: type[T]) -> list[T]:
        """What the incident's thread is to show, of one kind, oldest first."""
        async with await psycopg.AsyncConnection.connect(self.dsn) as connection:
            cursor = await connection.execute(
                "select kind, content from aiops.post where content is not null order by created_at, operation"
            )
            contents = [content_of(PostKind(name), content) for name, content in await cursor.fetchall() if content]
        return [content for content in contents if isinstance(content, kind)]

    async def actions(self, target: str = "") -> list[str]:
        """The actions in the audit log, oldest first."""
        return [str(row["action"]) for row in reversed(await self.audit.tail(limit=1_000, target=target))]

    async def say(self, verdict: Verdict, user: str, reason: str = "", **entered: list[str]) -> Answer:
        """`entered`: into a server's form, by place: `_0=["2"]`."""
        approval = await self.approval()
        answer = {place.strip("_"): values for place, values in entered.items()}
        say = Say(user=user, verdict=verdict, shown_sha256=approval.sha256, reason=reason, answer=answer)
        return await decide_approval(approval.id, say, desk=self.desk)

    def group(self, *users: str) -> None:
        """Who is in the approver group from now on."""
        groups = self.box.box.workspace.groups
        groups["S0ONCALL"] = replace(groups["S0ONCALL"], users=users)

    async def resolve_incident(self) -> None:
        resolved = replace(ALERT, status=AlertStatus.RESOLVED, ends_at=self.clock.now())
        delivery = Delivery(source=Source.ALERTMANAGER, alerts=(resolved,), group_key="vessel")
        await receive_alerts([delivery], store=self.desk.store, clock=self.clock, policy=POLICY)

    async def approval(self, run_id: str = "") -> Approval:
        return (await self.detail(run_id)).approvals[-1]

    async def approve(self, user: str = "U0ANA") -> Answer:
        return await self.say(Verdict.APPROVE, user)

    def with_desk(self, **changes) -> "Yard":
        return replace(self, desk=replace(self.desk, **changes))


@pytest.fixture
async def box() -> AsyncIterator[RunningBox]:
    async with running(manifest=ROOT / "manifest.json") as box:
        yield box


@pytest.fixture
async def open_yard(database_url, box) -> AsyncIterator[Callable]:
    """Builds a yard around a plant; several may share the database, as replicas do."""
    async with AsyncExitStack() as stack:

        async def build(
            plant: Plant | None = None,
            *,
            source: str = RUNBOOK,
            approvers=None,
            key=KEY,
            policy: RunPolicy | None = None,
            environment: str = "",
            said: str = "",
        ) -> Yard:
            """`environment`: that of the plant's server; `said`: the alert's."""
            plant = plant or Plant()
            effects = {name: Effect(effect) for name, effect in EFFECTS.items()}
            pool = make_pool(database_url, max_size=8, name="test")
            await pool.open()
            stack.push_async_callback(pool.close)
            power = Power(plant)
            stack.push_async_callback(power.off)
            url = await power.on()
            server = McpServer(name="plant", url=url, environment=environment)
            clock = HandClock()
            store = PostgresStore(pool, default_channel="#incidents")
            decline = partial(note_declined, store=store, clock=clock)
            tools = await stack.enter_async_context(McpTools([server], effects, PostgresPins(pool), decline))
            client = make_client(box.bot_token, box.api_url)
            desk = Desk(
                store=store,
                tools=tools,
                templates=JinjaTemplates(),
                grants=JwtGrants(key),
                approvers=SlackApprovers(client, approvers or {"default": ["S0ONCALL"]}),
                runbooks=LoadedRunbooks(runbooks=(), problems=(), effects=effects),
                clock=clock,
                owner="me",
                lease=timedelta(seconds=15),
                autonomy=AutonomyRules(default=Level.AUTONOMOUS),
                policy=policy or RunPolicy(),
            )
            return Yard(
                desk=desk,
                clock=clock,
                plant=plant,
                box=box,
                runbook=parse_runbook(source, Path("pressure-high.md"), effects=effects),
                incident_id=await _open_incident(store, clock, said),
                power=power,
                audit=PostgresAudit(pool),
                dsn=database_url,
            )

        yield build


async def _open_incident(store: PostgresStore, clock: HandClock, said: str) -> str:
    alert = replace(ALERT, environment=said)
    delivery = Delivery(source=Source.ALERTMANAGER, alerts=(alert,), group_key="vessel")
    ((incident_id,),) = await receive_alerts([delivery], store=store, clock=clock, policy=POLICY)
    return incident_id
