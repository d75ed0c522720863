"""Record what really was wrong: tidy, grade what can be graded at once, write the next version, bring the thread up to date."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace

from bot.core import grading
from bot.core.errors import PayloadError
from bot.core.hypothesis import Assessment
from bot.core.incident import Incident, IncidentState
from bot.core.naming import names_release
from bot.core.outcome import Grade, Outcome, OutcomeForm, OutcomeSource
from bot.core.posts import OutcomeOffer, offer_operation
from bot.core.root_cause import Label, carried_on, form_problems, is_cut, is_repeated, tidied
from bot.core.text import clip
from bot.flows.close_incident import close_within
from bot.flows.learning.autonomy import revise_standing
from bot.flows.learning.publish import publish_outcome
from bot.ports import AuditEntry, Clock, NewOutcome, Store, Transaction

Services = Callable[[], Awaitable[frozenset[str] | None]]
"""Names in the service catalogue; None while it cannot be asked."""
MayOverwrite = Callable[[Label], Awaitable[None]]
"""Whether this person may change the label that stands. Raises NotAllowedError."""

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


@dataclass(frozen=True, slots=True, kw_only=True)
class _Ready:
    """A label as it will be written, and what it was made ready against."""

    label: Label
    incident: Incident
    match: grading.Match
    version: int
    """Of the label that stood."""


async def record_outcome(
    label: Label,
    *,
    store: Store,
    clock: Clock,
    services: Services,
    judging: bool,
    channel: str,
    may_overwrite: MayOverwrite | None = None,
) -> Recorded:
    """
    The next version of an incident's label, unless it says again what is recorded; an open incident without firing alerts ends.

    `channel` is told when the label changes what the incident's class of alert has earned. Raises NotFoundError for an
    unknown incident, PayloadError for a form that lacks what it needs, NotAllowedError when a person's grade stands and
    this person may not change it (`may_overwrite`; without it everybody may).
    """
    cut = is_cut(label.form.cause)
    while True:
        ready = await _ready(label, store=store, services=services)
        if may_overwrite is not None:
            await may_overwrite(label)
        async with store.transaction() as tx:
            if ready.incident.state is not IncidentState.RESOLVED:
                await tx.lock_intake()
            await tx.lock_label(label.incident_id)
            standing = await tx.outcome(label.incident_id)
            if _version(standing) != ready.version:
                # Somebody recorded another one meanwhile, which this one has to be held against.
                continue
            message = label.message
            written = await tx.outcome_by_message(message.channel, message.ts) if message else None
            if is_repeated(ready.label, standing=standing, written=written):
                found = standing or written
                assert found is not None, "what is repeated was recorded before"
                return Recorded(outcome=found, new=False, cut=cut)
            outcome = await _write(tx, ready, corrected=standing is not None, clock=clock)
            await revise_standing(tx, label.incident_id, channel=channel, now=clock.now())
            await publish_outcome(tx, label.incident_id, judging=judging, now=clock.now())
            await _close_offer(tx, label, clock)
        return Recorded(outcome=outcome, new=True, cut=cut)


def _version(outcome: Outcome | None) -> int:
    return outcome.version if outcome is not None else 0


async def _ready(label: Label, *, store: Store, services: Services) -> _Ready:
    async with store.transaction() as tx:
        incident = await tx.incident(label.incident_id)
        assessment = await tx.first_assessment(label.incident_id)
        standing = await tx.outcome(label.incident_id)
    label = carried_on(replace(label, form=tidied(label.form)), standing)
    problems = form_problems(label.form)
    if problems:
        raise PayloadError(" ".join(problems.values()))
    match = await _match(label, assessment, services)
    return _Ready(label=label, incident=incident, match=match, version=_version(standing))


async def _write(tx: Transaction, ready: _Ready, *, corrected: bool, clock: Clock) -> Outcome:
    label, now = ready.label, clock.now()
    chosen = grading.choose_grade(label.form.grade, ready.match.grade, None)
    outcome = await tx.add_outcome(
        NewOutcome(
            incident_id=label.incident_id,
            form=label.form,
            author=label.author,
            source=label.source,
            message=label.message,
            grade=chosen.grade if chosen else None,
            graded_by=chosen.by if chosen else None,
            grade_reason="" if label.form.grade is not None else ready.match.reason,
        ),
        now=now,
    )
    if ready.incident.state is not IncidentState.RESOLVED:
        # Whoever knows the cause has nothing to wait for, unless alerts still fire.
        why = "its root cause is recorded"
        await close_within(tx, label.incident_id, user=label.author, reason=why, now=now, only_quiet=True)
    await tx.audit([_audit(outcome, corrected=corrected)], now=now)
    return outcome


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
    matched = grading.match(said, form, services=known)
    if matched.grade is not None or said is None or not form.established or form.component or form.change_id:
        return matched
    blamed = min(assessment.hypotheses, key=lambda one: one.rank) if assessment is not None else None
    named = names_release(form.cause, blamed)
    return (
        grading.Match(grade=Grade.EXACT, reason=f"the words begin with the release that was blamed, {named}")
        if named
        else matched
    )


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
