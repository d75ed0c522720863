"""The executor, bound to its adapters."""

import getpass
import re
from collections.abc import Awaitable, Mapping
from datetime import timedelta
from functools import partial
from typing import Protocol

from bot.adapters.failpoints import fail_point
from bot.bootstrap.hands import Hands, owner_name
from bot.core.approval import CLI
from bot.core.errors import PayloadError
from bot.flows import Acting, StartTriage
from bot.flows.acting.decide import (
    decide_approval,
    expire_approvals,
    pause_writes,
    resume_writes,
    review_approval,
    settle_unknown,
    stop_run,
)
from bot.flows.acting.desk import Desk, RunPolicy
from bot.flows.acting.follow import follow_next
from bot.flows.acting.levels import AutonomyRules
from bot.flows.acting.plan import place_of_writes
from bot.flows.acting.read import (
    default_parameters,
    list_pending,
    list_runs,
    parameter_problems,
    read_pause,
    runbook_level,
    show_run,
)
from bot.flows.acting.start import RunWish, Started, start_run
from bot.flows.announce_head import announce_head
from bot.ports import Approvers
from bot.settings import Settings


def autonomy_rules(settings: Settings) -> AutonomyRules:
    """How far the bot may go, by alert class."""
    return AutonomyRules(
        default=settings.config.autonomy.default,
        classes=settings.config.autonomy.classes,
        runs_per_hour=settings.config.budgets.runs_per_hour,
    )


class PlanByHand(Protocol):
    """Runbook, incident ("" opens one), parameters, reason, and the Slack user who asks."""

    def __call__(
        self, name: str, incident: str, parameters: Mapping[str, object], reason: str, user: str, /
    ) -> Awaitable[Started]: ...


_SLACK_USER = "[UW][A-Z0-9]{2,20}"


async def plan_by_hand(
    settings: Settings,
    hands: Hands,
    start_triage: StartTriage,
    name: str,
    incident: str,
    parameters: Mapping[str, object],
    reason: str,
    user: str,
) -> Started:
    """As `start_run`, by somebody at the command line; PayloadError also for a user id that cannot be one."""
    if user and not re.fullmatch(_SLACK_USER, user):
        raise PayloadError(
            f"--user {user!r} is not a Slack user id, such as U0123ABCD (in Slack: profile, Copy member ID)"
        )
    wish = RunWish(
        runbook=name,
        user=f"{CLI}{user or getpass.getuser()}",
        channel=settings.config.channels.post,
        incident_id=incident,
        reason=reason,
        parameters=parameters,
    )
    return await start_run(
        wish,
        store=hands.store,
        templates=hands.templates,
        clock=hands.clock,
        runbooks=hands.runbooks,
        autonomy=autonomy_rules(settings),
        start_triage=start_triage,
        place=partial(place_of_writes, tools=hands.tools),
    )


def bind_acting(settings: Settings, hands: Hands, approvers: Approvers, start_triage: StartTriage) -> Acting:
    """The executor with its adapters."""
    store, clock, config = hands.store, hands.clock, settings.config
    desk = Desk(
        store=store,
        tools=hands.tools,
        templates=hands.templates,
        grants=hands.grants,
        approvers=approvers,
        runbooks=hands.runbooks,
        clock=clock,
        owner=owner_name(),
        lease=settings.lease,
        autonomy=autonomy_rules(settings),
        policy=RunPolicy(
            expires_after=timedelta(minutes=config.approvals.expires_minutes),
            two_person=frozenset(config.approvals.two_person),
            threshold=config.autonomy.threshold,
        ),
        reach=fail_point(settings.environment.aiops_fail_point),
    )
    channel = config.channels.post
    return Acting(
        runbooks=hands.runbooks.all,
        parameters=partial(default_parameters, store=store, templates=hands.templates),
        check=partial(parameter_problems, store=store, templates=hands.templates),
        level=partial(runbook_level, store=store, autonomy=autonomy_rules(settings)),
        start_run=partial(
            start_run,
            store=store,
            templates=hands.templates,
            clock=clock,
            runbooks=hands.runbooks,
            autonomy=autonomy_rules(settings),
            start_triage=start_triage,
            place=partial(place_of_writes, tools=hands.tools),
        ),
        runs=partial(list_runs, store=store),
        run_detail=partial(show_run, store=store),
        pending=partial(list_pending, store=store),
        may_approve=approvers.may_approve,
        review=lambda approval, user, verdict: review_approval(approval, user=user, verdict=verdict, desk=desk),
        decide=partial(decide_approval, desk=desk),
        stop=lambda run, user: stop_run(run, user=user, desk=desk),
        settle_unknown=lambda run, number, user, done: settle_unknown(
            run, number, user=user, carried_out=done, desk=desk
        ),
        pause=lambda user, reason: pause_writes(user=user, reason=reason, channel=channel, desk=desk),
        resume=lambda user, reason: resume_writes(user=user, reason=reason, channel=channel, desk=desk),
        paused=partial(read_pause, store=store),
        follow_next=partial(follow_next, desk),
        expire=partial(expire_approvals, desk=desk),
        announce_head=partial(
            announce_head, head=hands.audit.head, began=hands.audit.began, store=store, clock=clock, channel=channel
        ),
    )
