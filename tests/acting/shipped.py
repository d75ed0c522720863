"""The runbooks of this repository, followed by the real executor through a real basecamp that verifies grants."""

import json
import shutil
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

from bot.adapters.clock import SystemClock
from bot.adapters.grants import JwtGrants
from bot.adapters.postgres.pins import PostgresPins
from bot.adapters.postgres.session import make_pool
from bot.adapters.postgres.store import PostgresStore
from bot.adapters.runbook_format import parse_runbook
from bot.adapters.runbooks import load_runbooks
from bot.adapters.templates import JinjaTemplates
from bot.adapters.tool_gate import DEFAULT_EFFECTS
from bot.adapters.tools import McpServer, McpTools
from bot.core.alert import Alert, AlertStatus, Delivery, Severity, Source
from bot.core.approval import BOT, Approval, ApprovalState, Say, Verdict
from bot.core.execution import RUN_ENDS, StepState
from bot.core.intake import IntakePolicy
from bot.core.policy import Effect, Level
from bot.core.runbook import Runbook
from bot.flows.acting.decide import decide_approval
from bot.flows.acting.desk import Desk
from bot.flows.acting.follow import follow_next
from bot.flows.acting.levels import AutonomyRules
from bot.flows.acting.plan import Wish, plan_run
from bot.flows.receive_alerts import receive_alerts
from bot.ports import RunDetail
from bot.slack.approvers import SlackApprovers
from bot.slack.client import make_client
from slackbox.testing import RunningBox
from tests.basecamp.grants import ENVIRON, KEY
from tests.support.kubernetes import until

ROOT = Path(__file__).parents[2]
RUNBOOKS, POSTMORTEMS = ROOT / "runbooks", ROOT / "postmortems"
CATALOG = """
apiVersion: backstage.io/v1alpha1
kind: Component
metadata: {{name: {service}}}
spec: {{type: service, owner: platform, lifecycle: production}}
"""
SERVERS = "catalog: catalog-info.yaml\ndatabase_url: {database}\npostmortems: [past]\n"


@dataclass
class Scene:
    """One alert, one runbook, and everything between them and the thing that is broken."""

    desk: Desk
    runbook: Runbook
    service: str
    audit_file: Path
    alert: Alert | None = None
    run_id: str = ""

    async def fire(self) -> str:
        """A new incident by the runbook's own alert, after the one before has resolved; its id."""
        if self.alert is not None:
            await self._deliver(replace(self.alert, status=AlertStatus.RESOLVED, ends_at=self.desk.clock.now()))
        starts_at = self.desk.clock.now()
        self.alert = Alert(
            fingerprint=f"f{starts_at.timestamp()}",
            starts_at=starts_at,
            name=self.runbook.alerts[0],
            status=AlertStatus.FIRING,
            severity=Severity.CRITICAL,
            service=self.service,
            environment="",
            summary="",
            labels={"service": self.service},
            annotations={},
        )
        return await self._deliver(self.alert)

    async def _deliver(self, alert: Alert) -> str:
        delivery = Delivery(source=Source.ALERTMANAGER, alerts=(alert,), group_key=alert.fingerprint)
        policy = IntakePolicy(settle=timedelta(seconds=5))
        ((incident_id,),) = await receive_alerts(
            [delivery], store=self.desk.store, clock=self.desk.clock, policy=policy
        )
        return incident_id

    async def begin(self, **parameters: object) -> None:
        """The bot plans a run for a new incident, as it does after a hypothesis."""
        wish = Wish(
            incident_id=await self.fire(),
            runbook=self.runbook,
            requester=BOT,
            reason=f"{self.runbook.alerts[0]} is firing and this is its runbook",
            level=Level.APPROVED,
            confidence=0.99,
            parameters=parameters,
        )
        found = await plan_run(wish, store=self.desk.store, templates=self.desk.templates, clock=self.desk.clock)
        assert found is not None
        self.run_id = found

    async def detail(self) -> RunDetail:
        async with self.desk.store.transaction() as tx:
            return await tx.run_detail(self.run_id)

    async def _followed(self, arrived: Callable[[RunDetail], bool]) -> RunDetail:
        async def there() -> RunDetail | None:
            await follow_next(self.desk)
            detail = await self.detail()
            early = [(one.step_id, one.state.value, one.why) for one in detail.step_runs]
            assert arrived(detail) or detail.run.state not in RUN_ENDS, (detail.run.why, early)
            return detail if arrived(detail) else None

        return await until(there, within=60)

    async def asked(self, step: str, *, rollback: bool = False) -> Approval:
        """Follow the run until a person is asked for this step."""

        def arrived(detail: RunDetail) -> bool:
            last = detail.approvals[-1] if detail.approvals else None
            asks = last is not None and last.state is ApprovalState.PENDING
            return asks and (last.envelope.step, last.envelope.rollback) == (step, rollback)

        return (await self._followed(arrived)).approvals[-1]

    async def approve(self, approval: Approval) -> None:
        say = Say(user="U0ANA", verdict=Verdict.APPROVE, shown_sha256=approval.sha256, reason="")
        answer = await decide_approval(approval.id, say, desk=self.desk)
        assert answer.done, answer.text

    async def ended(self) -> RunDetail:
        """Follow the run until it is over."""
        return await self._followed(lambda detail: detail.run.state in RUN_ENDS)

    async def states(self) -> dict[str, StepState]:
        """The state of every step; a rollback's goes by `rollback of` its step."""
        return {
            f"rollback of {one.step_id}" if one.rollback else one.step_id: one.state
            for one in (await self.detail()).step_runs
        }

    async def only_looked(self) -> bool:
        """Nothing but reads so far, by the run's rows and by basecamp's own audit file."""
        reads = [one for one in (await self.detail()).step_runs if one.effect is Effect.READ]
        others = [one for one in (await self.detail()).step_runs if one.effect is not Effect.READ]
        assert reads
        return not any(one.called_at for one in others) and self.calls() == []

    def lines(self, event: str) -> list[dict[str, Any]]:
        """Lines of basecamp's audit file."""
        entries = [json.loads(line) for line in self.audit_file.read_text("utf-8").splitlines()]
        return [entry for entry in entries if entry["event"] == event]

    def calls(self) -> list[tuple[str, str, str, str]]:
        """Calls that basecamp began, by its own audit file: tool, and whose grant for which step and run it was."""
        return [
            (one["tool"], *(str(one["grant"][name]) for name in ("approver", "run", "step")))
            for one in self.lines("acting")
        ]


@asynccontextmanager
async def opened(
    runbook: str,
    *,
    service: str,
    section: str,
    folder: Path,
    running: Callable[..., Any],
    database_url: str,
    box: RunningBox,
    mend: Callable[[str], str] = str,
) -> AsyncIterator[Scene]:
    """A scene around a shipped runbook; `section` is what basecamp.yaml says of the broken thing."""
    folder.joinpath("catalog-info.yaml").write_text(CATALOG.format(service=service), encoding="utf-8")
    folder.joinpath("past").mkdir()
    shutil.copy(min(POSTMORTEMS.glob("*.md")), folder / "past")
    async with AsyncExitStack() as stack:
        text = SERVERS.format(database=json.dumps(database_url)) + section
        address = await stack.enter_async_context(running(text, ENVIRON))
        pool = make_pool(database_url, max_size=8, name="test")
        await pool.open()
        stack.push_async_callback(pool.close)
        server = McpServer(name="basecamp", url=f"{address}/mcp")
        tools = await stack.enter_async_context(McpTools([server], DEFAULT_EFFECTS, PostgresPins(pool)))
        runbooks = load_runbooks([RUNBOOKS], effects=DEFAULT_EFFECTS)
        source = next(one.source for one in runbooks.all() if one.id == runbook)
        desk = Desk(
            store=PostgresStore(pool, default_channel="#incidents"),
            tools=tools,
            templates=JinjaTemplates(),
            grants=JwtGrants(KEY),
            approvers=SlackApprovers(make_client(box.bot_token, box.api_url), {"default": ["S0ONCALL"]}),
            runbooks=runbooks,
            clock=SystemClock(),
            owner="me",
            lease=timedelta(seconds=60),
            autonomy=AutonomyRules(default=Level.AUTONOMOUS),
        )
        yield Scene(
            desk=desk,
            runbook=parse_runbook(mend(source), Path(f"{runbook}.md"), effects=DEFAULT_EFFECTS),
            service=service,
            audit_file=folder / "basecamp-audit.jsonl",
        )
