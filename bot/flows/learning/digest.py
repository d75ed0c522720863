"""The weekly eval digest: read the past, compute, and say it once a week whatever the replicas or restarts."""

import asyncio
import math
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial

from bot.core.alert import Anchor
from bot.core.audit import Head
from bot.core.comparison import Rival, model_against_offline
from bot.core.digest import (
    Digest,
    Miss,
    Numbers,
    Unlabelled,
    by_analyst,
    by_class,
    content_changes,
    shown_unlabelled,
    worst,
)
from bot.core.errors import PayloadError
from bot.core.grading import agreement, counting
from bot.core.incident import Incident
from bot.core.intervals import PairedDifference
from bot.core.outcome import Call
from bot.core.posts import DigestDetails, DigestPost
from bot.core.schedule import Weekly
from bot.core.scores import WEEKS, compute, week_start, window
from bot.flows.learning.train_classifier import told_of, why_of
from bot.ports import AuditEntry, ClassifierRecord, Clock, Store, Transaction

MOST_UNLABELLED = 100
"""As many are counted; more are told as so many or more."""
_TRAININGS = 20
"""More than anybody trains by hand in a week."""
_EVER = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class DigestDesk:
    """What a digest is made from."""

    store: Store
    clock: Clock
    head: Callable[[], Awaitable[Head]]
    began: Callable[[], Awaitable[datetime | None]]
    """When the first thing was written to the audit log; None on an empty database."""
    index: Callable[[], Awaitable[str]]
    """How fresh the index of past incidents is, in words."""
    weekly: Weekly
    channel: str


async def make_digest(desk: DigestDesk, *, at: datetime | None = None) -> Digest:
    """The digest at a moment; without one of the week so far."""
    now = desk.clock.now()
    until = min(at or now, now)
    head = await desk.head()
    index = await desk.index()
    since, _ = window(until)
    monday = week_start(until)
    async with desk.store.transaction() as tx:
        # As far back as the weeks that are compared with.
        calls = [call for call in await tx.calls(since=since - timedelta(weeks=WEEKS)) if call.at <= until]
        counts = await tx.action_counts(since=since, until=until)
        inside = [call for call in calls if call.at >= since]
        judge = agreement(await tx.judge_pairs())
        graded = counting(inside, judge)
        rivals = await tx.rivals(since=since)
        misses = [await _miss(tx, call) for call in worst(graded)]
        open_ones = [one for one in await tx.unlabelled(limit=MOST_UNLABELLED) if (one.resolved_at or now) <= until]
        changes = await _changes(tx, since=monday, until=until)
        trained = [one for one in await tx.classifiers(limit=_TRAININGS) if one.trained_at <= until]
    # Intervals by resampling keep a processor busy for a while, and webhooks must not wait for that.
    scores = await asyncio.to_thread(partial(compute, judge=judge), calls, counts, now=until)
    return Digest(
        week=_name(until),
        so_far=at is None or at > now,
        made_at=now,
        scores=scores,
        misses=tuple(misses),
        unlabelled=tuple(shown_unlabelled([_unlabelled(one) for one in open_ones])),
        unlabelled_count=len(open_ones),
        analysts=by_analyst(graded),
        classes=by_class(graded),
        changes=(*changes, *(_training(one) for one in reversed(trained) if one.trained_at >= monday)),
        classifier=(_training(trained[0]), *told_of(trained[0].body)) if trained else (),
        cost_usd=_cost(inside, monday),
        paired=_paired(rivals, inside),
        index=index,
        audit_head=f"{head.place} entries, head {head.hash[:16]}",
    )


async def make_numbers(desk: DigestDesk) -> Numbers:
    """The numbers of the week so far alone, for the metrics: no misses, no changes, no files, no log."""
    now = desk.clock.now()
    since, _ = window(now)
    async with desk.store.transaction() as tx:
        calls = [call for call in await tx.calls(since=since - timedelta(weeks=WEEKS)) if call.at <= now]
        counts = await tx.action_counts(since=since, until=now)
        judge = agreement(await tx.judge_pairs())
        unlabelled = len(await tx.unlabelled(limit=MOST_UNLABELLED))
    return Numbers(
        scores=await asyncio.to_thread(partial(compute, judge=judge), calls, counts, now=now),
        unlabelled_count=unlabelled,
        cost_usd=_cost(calls, week_start(now)),
        made_at=now,
    )


def _paired(rivals: Sequence[Rival], inside: Sequence[Call]) -> PairedDifference | None:
    posted = {call.incident_id for call in inside}
    return model_against_offline([one for one in rivals if one.incident_id in posted])


def _cost(calls: Sequence[Call], monday: datetime) -> float:
    return math.fsum(call.cost_usd for call in calls if call.at >= monday)


async def make_digest_of(desk: DigestDesk, week: str) -> Digest:
    """The digest of an ISO week as 2026-W48, with the labels as they are known now; empty: of this week so far. Raises PayloadError."""
    if not week:
        return await make_digest(desk)
    at = last_moment(week)
    if at - timedelta(weeks=1) >= desk.clock.now():
        raise PayloadError(f"{week} has not begun yet; this is {_name(desk.clock.now())}")
    return await make_digest(desk, at=at)


def _name(at: datetime) -> str:
    year, number, _ = at.isocalendar()
    return f"{year}-W{number:02}"


def last_moment(week: str) -> datetime:
    """The last microsecond of an ISO week in UTC, given as 2026-W48. Raises PayloadError."""
    try:
        monday = datetime.fromisoformat(f"{week}-1T00:00:00+00:00")
    except ValueError as error:
        raise PayloadError(f"{week!r} is no ISO week; write it as 2026-W48") from error
    return monday + timedelta(weeks=1) - timedelta(microseconds=1)


async def post_digest_if_due(desk: DigestDesk) -> bool:
    """
    Once per ISO week over all replicas and restarts: the message's name holds the week, and a name is used once.

    A week whose moment passed while nothing ran is made up for, the same week only; a bot that was set up after the
    moment waits for the next. One that Slack refused, because the bot is not in the channel say, is tried again until the
    week is over; that it was sent is in the log as `post.sent`. From Monday to Wednesday it reports on the week before, later on the week so far.
    """
    now = desk.clock.now()
    moment = desk.weekly.this_week(now)
    began = await desk.began()
    if now < moment or began is None or began >= moment:
        return False
    operation = f"digest:{desk.weekly.week(now)}"
    async with desk.store.transaction() as tx:
        if await tx.announced(operation):
            if await tx.retry_refused_post(operation, now=now):
                entry = AuditEntry(
                    actor="aiops", action="digest.retried", target=desk.channel, detail={"operation": operation}
                )
                await tx.audit([entry], now=now)
            return False
    digest = await make_digest(desk, at=desk.weekly.reported(now))
    async with desk.store.transaction() as tx:
        if not await tx.announce(operation, DigestPost(digest=digest), channel=desk.channel, now=desk.clock.now()):
            return False
        detail = {"week": digest.week, "operation": operation, "calls": digest.scores.calls}
        entry = AuditEntry(actor="aiops", action="digest.made", target=desk.channel, detail=detail)
        await tx.audit([entry], now=desk.clock.now())
    return True


async def post_digest_now(desk: DigestDesk, *, channel: str, user: str) -> Digest:
    """On demand, as often as people ask; each stands in the channel where it was asked for."""
    digest = await make_digest(desk)
    async with desk.store.transaction() as tx:
        now = desk.clock.now()
        operation = f"digest:asked:{channel}:{user}:{now:%Y%m%dT%H%M%S%f}"
        await tx.announce(operation, DigestPost(digest=digest), channel=channel, now=now)
        detail = {"week": digest.week, "operation": operation}
        await tx.audit([AuditEntry(actor=user, action="digest.asked", target=channel, detail=detail)], now=now)
    return digest


async def add_details(desk: DigestDesk) -> int:
    """The details go into the thread of a digest once it stands; how many were written."""
    written = 0
    async with desk.store.transaction() as tx:
        now = desk.clock.now()
        for operation, anchor in await tx.undetailed_digests(since=now - timedelta(days=1)):
            content = await tx.content_of_post(operation)
            if isinstance(content, DigestPost) and not content.digest.empty:
                details = DigestDetails(digest=content.digest)
                written += await tx.announce(
                    f"{operation}:details", details, channel=anchor.channel, thread_ts=anchor.ts, now=now
                )
    return written


async def _miss(tx: Transaction, call: Call) -> Miss:
    label = await tx.outcome(call.incident_id)
    incident = await tx.incident(call.incident_id)
    return Miss(
        incident_id=call.incident_id,
        title=call.title,
        said=call.hypothesis,
        confidence=call.confidence,
        actual=label.form.cause if label else "",
        grade=int(call.grade or 0),
        anchor=_anchor(incident),
    )


def _training(record: ClassifierRecord) -> str:
    verdict = "in use" if record.shipped else "not used"
    return f"classifier of {record.quarter} ({record.labels} labels) {verdict}: {why_of(record.body)}"


def _unlabelled(incident: Incident) -> Unlabelled:
    return Unlabelled(incident_id=incident.id, title=incident.title, anchor=_anchor(incident))


def _anchor(incident: Incident) -> Anchor | None:
    return Anchor(channel=incident.channel, ts=incident.thread_ts) if incident.thread_ts else None


async def _changes(tx: Transaction, *, since: datetime, until: datetime) -> Sequence[str]:
    """What is different this week: content first seen at work, levels that changed, a calibration that is used."""
    lines = [*content_changes(await tx.new_content(since=_EVER), since=since, until=until)]
    lines += [
        f"{one.alert_class}{f' with {one.runbook}' if one.runbook else ''}: {one.level} ({one.why})"
        for one in await tx.standings()
        if since <= one.since <= until and one.level != "approved"
    ]
    lines += [
        f"confidence refitted on {fit.calibration.labels} labels ({fit.why})"
        for fit in await tx.calibrations(limit=14)
        if fit.used and since <= fit.fitted_at <= until
    ]
    return lines
