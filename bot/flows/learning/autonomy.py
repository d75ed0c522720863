"""
What a class of alert has earned with a runbook, worked out anew whenever one of its calls gets a label.

Nothing is earned at first: a class may be allowed to ask, by aiops.yaml, and no more. It rises to autonomous when its
labels say so, falls to advisory at once, and then stays there until new labels carry it up again.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from bot.core.alert import Anchor
from bot.core.autonomy import Standing as Judged
from bot.core.autonomy import judge_level
from bot.core.errors import NotFoundError
from bot.core.outcome import Call
from bot.core.policy import Level
from bot.core.posts import LevelChange
from bot.core.review import Reviewed, review
from bot.flows.acting.levels import UNPROVEN
from bot.ports import AuditEntry, Standing, Store, Transaction

_PACK = 3


async def revise_standing(tx: Transaction, incident_id: str, *, channel: str, now: datetime) -> Standing | None:
    """
    After a label of this incident: the standing of its class with its runbook, and the channel told when it changed.

    None when the incident has no graded hypothesis or no alert, so that nothing can be earned or lost by it.
    """
    earned_for = await tx.earned_for(incident_id)
    if earned_for is None:
        return None
    alert_class, runbook = earned_for
    # Labels of two incidents may come at the same moment; the later one has to count the earlier.
    await tx.lock_standing(alert_class, runbook)
    judged = judge_level(await tx.calls(alert_class=alert_class, runbook=runbook), Level.AUTONOMOUS)
    before = await tx.standing(alert_class, runbook)
    held = before.level if before else UNPROVEN
    level = _ceiling(judged)
    changed = level is not held
    standing = Standing(
        alert_class=alert_class,
        runbook=runbook,
        level=level,
        why=judged.why,
        lower_bound=judged.lower_bound,
        labels=judged.n,
        since=now if changed or before is None else before.since,
    )
    await tx.set_standing(standing)
    if changed:
        await _tell(tx, standing, judged, held, incident_id, channel=channel, now=now)
    return standing


def _ceiling(judged: Judged) -> Level:
    """The core judges against autonomy; short of it a class that never fell may still be allowed to ask."""
    if judged.level is Level.ADVISORY and not judged.because:
        return UNPROVEN
    return judged.level


async def _tell(
    tx: Transaction, standing: Standing, judged: Judged, held: Level, incident_id: str, *, channel: str, now: datetime
) -> None:
    fell = standing.level is Level.ADVISORY
    pack = await review_incidents(tx, judged.because) if fell else ()
    label = await tx.outcome(incident_id)
    operation = f"autonomy:{standing.alert_class}:{standing.runbook}:{incident_id}:{label.version if label else 0}"
    content = LevelChange(
        alert_class=standing.alert_class,
        runbook=standing.runbook,
        before=held,
        after=standing.level,
        why=standing.why,
        pack=tuple(pack),
    )
    await tx.announce(operation, content, channel=channel, now=now)
    detail = {
        "runbook": standing.runbook,
        "from": held,
        "to": standing.level,
        "why": standing.why,
        "incidents": list(judged.because),
        "label_of": incident_id,
    }
    entry = AuditEntry(actor="aiops", action="autonomy.changed", target=standing.alert_class, detail=detail)
    await tx.audit([entry], now=now)


async def review_incidents(tx: Transaction, incident_ids: Sequence[str]) -> Sequence[Reviewed]:
    """The investigation pack: incidents side by side, oldest first. Raises NotFoundError for one without a label."""
    return [await _review(tx, one) for one in incident_ids[-_PACK:]]


async def _review(tx: Transaction, incident_id: str) -> Reviewed:
    incident = await tx.incident(incident_id)
    label = await tx.outcome(incident_id)
    first = await tx.first_conclusion(incident_id)
    calls: Sequence[Call] = await tx.calls(incident_id=incident_id)
    if label is None or first is None or not calls:
        raise NotFoundError(
            f"{incident_id} has no hypothesis with a recorded root cause, so there is nothing to review."
        )
    pack, assessment = first
    cited = assessment.hypotheses[0].evidence_ids if assessment.hypotheses else ()
    anchor = Anchor(channel=incident.channel, ts=incident.thread_ts) if incident.thread_ts else None
    return review(calls[0], label.form, pack, cited, anchor=anchor)


@dataclass(frozen=True, slots=True, kw_only=True)
class Review:
    """What `aiops outcome review` shows."""

    standing: Standing | None
    pack: tuple[Reviewed, ...]


async def review_class(alert_class: str, *, store: Store) -> Sequence[Review]:
    """
    Every standing of a class, with the incidents that brought it down, or else its newest misses.

    An empty name means every class. Raises NotFoundError when nothing is known of the class.
    """
    async with store.transaction() as tx:
        standings = [one for one in await tx.standings() if alert_class in {"", one.alert_class}]
        if alert_class and not standings:
            known = ", ".join(sorted({one.alert_class for one in await tx.standings()})) or "none yet"
            raise NotFoundError(f"No labelled incident of the alert class {alert_class!r}. Known: {known}.")
        found: list[Review] = []
        for standing in standings:
            calls = await tx.calls(alert_class=standing.alert_class, runbook=standing.runbook)
            judged = judge_level(calls, Level.AUTONOMOUS)
            missed = [call.incident_id for call in calls if call.counted and not call.helpful]
            pack = await review_incidents(tx, judged.because or missed)
            found.append(Review(standing=standing, pack=tuple(pack)))
        return found


async def review_named(incident_ids: Sequence[str], *, store: Store) -> Review:
    """The same for incidents by name. Raises NotFoundError."""
    async with store.transaction() as tx:
        return Review(standing=None, pack=tuple([await _review(tx, one) for one in incident_ids]))
