"""Closing a request."""

from bot.core.approval import BOT, USE_WITHIN, Approval, ApprovalState
from bot.core.posts import ApprovalCard
from bot.flows.acting.cards import approval_operation
from bot.flows.acting.desk import Desk
from bot.ports import AuditEntry, Transaction

OPEN = frozenset({ApprovalState.PENDING, ApprovalState.APPROVED})


def too_late(approval: Approval, desk: Desk) -> bool:
    """Whether a verdict has waited longer than it may to be used."""
    return approval.decided_at is None or desk.clock.now() >= approval.decided_at + USE_WITHIN


async def settle(
    tx: Transaction, approval: Approval, *, state: ApprovalState, by: str, reason: str, desk: Desk
) -> None:
    """Close a request, with its card and its audit row."""
    now = desk.clock.now()
    await tx.settle_approval(approval, state=state, by=by, reason=reason, votes=approval.votes, now=now)
    closed = await tx.approval(approval.id)
    incident = await tx.incident(approval.incident_id)
    await tx.put_post(
        operation=approval_operation(approval),
        incident_id=approval.incident_id,
        content=ApprovalCard(incident=incident, approval=closed),
        now=now,
    )
    detail = {"approval": approval.id, "sha256": approval.sha256, "by": by, "why": reason}
    await tx.audit([AuditEntry(actor=by, action=f"approval.{state}", target=approval.run_id, detail=detail)], now=now)


async def close_questions(tx: Transaction, run_id: str, number: int, *, why: str, desk: Desk) -> None:
    """A call is over: what its server asked meanwhile is for nobody to answer any more."""
    for one in (await tx.run_detail(run_id)).approvals:
        if one.step_run == number and one.envelope.question is not None:
            approval = await tx.approval(one.id)
            if approval.state in OPEN:
                await settle(tx, approval, state=ApprovalState.WITHDRAWN, by=BOT, reason=why, desk=desk)
