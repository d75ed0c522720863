"""An executor in a process of its own, for tests that kill it: `python -m tests.acting.executor '{"dsn": …}'`."""

import asyncio
import json
import sys
from datetime import datetime, timedelta

from bot.adapters.failpoints import fail_point
from bot.adapters.grants import JwtGrants
from bot.adapters.postgres.pins import PostgresPins
from bot.adapters.postgres.session import make_pool
from bot.adapters.postgres.store import PostgresStore
from bot.adapters.runbooks import LoadedRunbooks
from bot.adapters.templates import JinjaTemplates
from bot.adapters.tools import McpServer, McpTools
from bot.core.approval import ApprovalState, Say, Verdict
from bot.core.policy import Effect, Level
from bot.flows.acting.decide import decide_approval
from bot.flows.acting.desk import Desk
from bot.flows.acting.follow import follow_next
from bot.flows.acting.levels import AutonomyRules
from bot.slack.approvers import SlackApprovers
from bot.slack.client import make_client
from tests.acting.plant import EFFECTS


class StandingClock:
    """The test's clock, moved on a second whenever there is nothing to do."""

    def __init__(self, at: datetime) -> None:
        self.at = at

    def now(self) -> datetime:
        return self.at


async def main(told: dict[str, str]) -> None:
    """Follow what is due and say yes to what is asked, until killed; give up after 30 minutes of its own clock."""
    effects = {name: Effect(effect) for name, effect in EFFECTS.items()}
    clock = StandingClock(datetime.fromisoformat(told["now"]))
    pool = make_pool(told["dsn"], max_size=4, name="executor")
    async with pool, McpTools([McpServer(name="plant", url=told["plant"])], effects, PostgresPins(pool)) as tools:
        desk = Desk(
            store=PostgresStore(pool, default_channel="#incidents"),
            tools=tools,
            templates=JinjaTemplates(),
            grants=JwtGrants(told["key"]),
            approvers=SlackApprovers(make_client(told["token"], told["slack"]), {"default": ["S0ONCALL"]}),
            runbooks=LoadedRunbooks(runbooks=(), problems=(), effects=effects),
            clock=clock,
            owner="the process",
            lease=timedelta(seconds=15),
            autonomy=AutonomyRules(default=Level.AUTONOMOUS),
            reach=fail_point(told["point"]),
        )
        async with asyncio.TaskGroup() as group:
            # A call that its server keeps open holds up the loop below until its question is answered.
            group.create_task(_answer_questions(desk, told["run"]))
            for _ in range(1_800):
                while await follow_next(desk):
                    pass
                await _say_yes(desk, told["run"])
                clock.at += timedelta(seconds=1)


async def _answer_questions(desk: Desk, run_id: str) -> None:
    while True:
        await _say_yes(desk, run_id, only_questions=True)
        await asyncio.sleep(0.05)


async def _say_yes(desk: Desk, run_id: str, *, only_questions: bool = False) -> None:
    async with desk.store.transaction() as tx:
        approvals = (await tx.run_detail(run_id)).approvals
    for approval in approvals:
        asked = approval.envelope.question is not None
        if approval.state is ApprovalState.PENDING and (asked or not only_questions):
            # To whatever a server asks, the first thing is two.
            say = Say(user="U0ANA", verdict=Verdict.APPROVE, shown_sha256=approval.sha256, answer={"0": ["2"]})
            await decide_approval(approval.id, say, desk=desk)


asyncio.run(main(json.loads(sys.argv[1])))
