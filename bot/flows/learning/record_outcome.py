"""Record what really was wrong: tidy, grade what can be graded at once, write the next version, bring the thread up to date."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace

from bot.core import grading
from bot.core.errors import PayloadError
from bot.core.hypothesis import Assessment
from bot.core.outcome import Outcome, OutcomeForm, OutcomeSource
from bot.core.posts import OutcomeOffer, offer_operation
from bot.core.root_cause import Label, form_problems, is_cut, is_repeated, tidied
from bot.core.text import clip
from bot.flows.learning.autonomy import revise_standing
from bot.flows.learning.publish import publish_outcome
from bot.ports import AuditEntry, Clock, NewOutcome, Store, Transaction

Services = Callable[[], Awaitable[frozenset[str] | None]]
"""Names in the service catalogue; None while it cannot be asked."""

_FILLED_IN = frozenset({OutcomeSource.MODAL, OutcomeSource.SHORTCUT})


@dataclass(frozen=True, slots=True, kw_only=True)
class Recorded:
    """What became of a label."""

    outcome: Outcome
    """The label that stands now."""
    new: bool
    """False: it was recorded already, in these words or from this message."""
    cut: bool
    """The cause was too long and only its beginning was kept."""


async def record_outcome(
    label: Label,
    *,
    store: Store,
    clock: Clock,
    services: Services,
    judging: bool,
    channel: str,
) -> Recorded:
    """
    The next version of an incident's label, unless it says again what is recorded.

    `channel` is told when the label changes what the incident's class of alert has earned.
    Raises NotFoundError for an unknown incident and PayloadError for a form that lacks what it needs.
    """
    problems = form_problems(label.form)
    if problems:
        raise PayloadError(" ".join(problems.values()))
    cut = is_cut(label.form.cause)
    label = replace(label, form=tidied(label.form))
    async with store.transaction() as tx:
        await tx.incident(label.incident_id)
        assessment = await tx.first_assessment(label.incident_id)
    match = await _match(label, assessment, services)
    async with store.transaction() as tx:
        await tx.lock_label(label.incident_id)
        standing = await tx.outcome(label.incident_id)
        written = await tx.outcome_by_message(label.message.channel, label.message.ts) if label.message else None
        if is_repeated(label, standing=standing, written=written):
            found = standing or written
            assert found is not None, "what is repeated was recorded before"
            return Recorded(outcome=found, new=False, cut=cut)
        chosen = grading.choose_grade(label.form.grade, match.grade, None)
        by_person = label.form.grade is not None
        outcome = await tx.add_outcome(
            NewOutcome(
                incident_id=label.incident_id,
                form=label.form,
                author=label.author,
                source=label.source,
                message=label.message,
                grade=chosen.grade if chosen else None,
                graded_by=chosen.by if chosen else None,
                grade_reason="" if by_person else match.reason,
            ),
            now=clock.now(),
        )
        await revise_standing(tx, label.incident_id, channel=channel, now=clock.now())
        await publish_outcome(tx, label.incident_id, judging=judging, now=clock.now())
        await _close_offer(tx, label, clock)
        await tx.audit([_audit(outcome, corrected=standing is not None)], now=clock.now())
    return Recorded(outcome=outcome, new=True, cut=cut)


def _as_filled_in(form: OutcomeForm, said: grading.Said) -> bool:
    """
    Whether nothing but the words tells what the person thinks.

    The form begins with the hypothesis's class and component. Left as they were, they would confirm it whatever was written.
    """
    return not form.change_id and (form.cause_class, form.component) == (said.cause_class, said.component)


async def _match(label: Label, assessment: Assessment | None, services: Services) -> grading.Match:
    form, said = label.form, grading.said(assessment.hypotheses if assessment else ())
    if label.source in _FILLED_IN and said is not None and _as_filled_in(form, said):
        return grading.Match(grade=None, reason="class and component are as they were filled in from the hypothesis")
    known: frozenset[str] = frozenset()
    if form.component and said is not None and said.component:
        # While the catalogue cannot be asked, a name that differs may be prose, so only equal names count.
        names = await services()
        known = frozenset({said.component}) if names is None else names
    return grading.match(said, form, services=known)


async def _close_offer(tx: Transaction, label: Label, clock: Clock) -> None:
    """An offer about the same message is answered by any newer label from it."""
    if label.message is None:
        return
    operation = offer_operation(label.incident_id, label.message)
    offer = await tx.content_of_post(operation)
    if isinstance(offer, OutcomeOffer) and not offer.settled:
        content = replace(offer, settled="The record was brought up to date.")
        await tx.put_post(operation=operation, incident_id=label.incident_id, content=content, now=clock.now())


def _audit(outcome: Outcome, *, corrected: bool) -> AuditEntry:
    message = outcome.message
    return AuditEntry(
        actor=outcome.author,
        action="outcome.corrected" if corrected else "outcome.recorded",
        target=outcome.incident_id,
        detail={
            "version": outcome.version,
            "source": outcome.source,
            "cause": clip(outcome.form.cause, 300),
            "established": outcome.form.established,
            "grade": outcome.grade,
            "graded_by": outcome.graded_by,
            "message": f"{message.channel}:{message.ts}" if message else "",
        },
    )
