"""Who may change or take back a label: its author, an approver, or anybody while no person has graded it."""

from bot.core.errors import NotAllowedError
from bot.core.outcome import GradedBy, Outcome, OutcomeSource
from bot.core.root_cause import Label
from bot.ports import Approvers, Store


async def check_overwriting(label: Label, *, store: Store, approvers: Approvers) -> None:
    """
    Raises NotAllowedError with a sentence that says who may, ChatUnavailableError while Slack cannot be asked.

    The command line belongs to operators, who can reach the database anyway.
    """
    if label.source is not OutcomeSource.COMMAND:
        await check_person(label.incident_id, label.author, store=store, approvers=approvers)


async def check_person(incident_id: str, user: str, *, store: Store, approvers: Approvers) -> None:
    """The same for a person who takes a label back."""
    async with store.transaction() as tx:
        incident = await tx.incident(incident_id)
        standing = await tx.outcome(incident_id)
    if standing is None or not _is_kept_for_others(standing, user):
        return
    if not await approvers.may_approve(user, incident.environment):
        raise NotAllowedError(
            f"<@{standing.author}> graded the hypothesis of {incident_id}, so only they or an approver may change what "
            "is recorded. Nothing was changed; ask one of them, or say in the thread what you know."
        )


def _is_kept_for_others(standing: Outcome, user: str) -> bool:
    return standing.graded_by is GradedBy.PERSON and standing.author != user
