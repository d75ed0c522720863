"""What the thread shows of a label: the record in the question's place, and the cards beside it."""

from dataclasses import replace
from datetime import datetime

from bot.core.outcome import Outcome
from bot.core.posts import HypothesisCard, OutcomePost, OutcomeRequest, settled
from bot.ports import Transaction


def outcome_operation(incident_id: str) -> str:
    """The question and, in its place, the record."""
    return f"{incident_id}:outcome"


def reminder_operation(incident_id: str) -> str:
    """The reminder."""
    return f"{incident_id}:outcome:reminder"


async def first_hypothesis(tx: Transaction, incident_id: str) -> str:
    """Title of the hypothesis that is graded; empty without one."""
    assessment = await tx.first_assessment(incident_id)
    return assessment.hypotheses[0].title if assessment is not None and assessment.hypotheses else ""


async def publish_outcome(tx: Transaction, incident_id: str, *, judging: bool, now: datetime) -> None:
    """Bring every message up to date that shows the label; nothing without one."""
    outcome = await tx.outcome(incident_id)
    if outcome is None:
        return
    incident = await tx.incident(incident_id)
    hypothesis = await first_hypothesis(tx, incident_id)
    await tx.put_post(
        operation=outcome_operation(incident_id),
        incident_id=incident_id,
        content=OutcomePost(title=incident.title, outcome=outcome, hypothesis=hypothesis, judging=judging),
        now=now,
    )
    reminder = await tx.content_of_post(reminder_operation(incident_id))
    if isinstance(reminder, OutcomeRequest):
        await tx.put_post(
            operation=reminder_operation(incident_id),
            incident_id=incident_id,
            content=replace(reminder, answered=True),
            now=now,
        )
    await _settle_cards(tx, incident_id, outcome, now=now)


async def publish_withdrawal(tx: Transaction, incident_id: str, *, user: str, now: datetime) -> None:
    """Ask again in the record's place, and take the record off the cards."""
    incident = await tx.incident(incident_id)
    request = OutcomeRequest(
        incident_id=incident_id,
        title=incident.title,
        hypothesis=await first_hypothesis(tx, incident_id),
        withdrawn_by=user,
    )
    await tx.put_post(operation=outcome_operation(incident_id), incident_id=incident_id, content=request, now=now)
    await _settle_cards(tx, incident_id, None, now=now)


async def _settle_cards(tx: Transaction, incident_id: str, outcome: Outcome | None, *, now: datetime) -> None:
    operation = f"{incident_id}:hypothesis"
    card = await tx.content_of_post(operation)
    if isinstance(card, HypothesisCard):
        content = replace(card, settled=settled(outcome))
        await tx.put_post(operation=operation, incident_id=incident_id, content=content, now=now)
    await tx.touch_card(incident_id, now=now)
