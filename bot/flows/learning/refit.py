"""Once a night the confidence learns from the labels; a new line is used only if it beats the old one on later calls."""

from bot.core.calibration import refit
from bot.core.confidence import Calibration
from bot.core.grading import agreement
from bot.ports import AuditEntry, CalibrationFit, Clock, Store


async def refit_if_due(*, store: Store, clock: Clock) -> CalibrationFit | None:
    """
    Once per UTC day over all replicas: the version is the day, and a version is written once.

    None when today's fit is there already, or when nothing has been labelled yet.
    """
    now = clock.now()
    version = f"{now:%Y-%m-%d}"
    async with store.transaction() as tx:
        if any(fit.calibration.version == version for fit in await tx.calibrations(limit=1)):
            return None
        if not await tx.anything_graded():
            return None
        current = await tx.calibration()
        judge = agreement(await tx.judge_pairs())
        calls = await tx.calls()
    if not any(call.grade is not None for call in calls):
        return None
    decided = refit(
        calls,
        current=current.calibration if current else Calibration(),
        current_at=current.fitted_at if current else None,
        version=version,
        now=now,
        judge=judge,
    )
    fit = CalibrationFit(
        # A line that is not used is kept under the day on which it was turned down.
        calibration=Calibration(
            slope=decided.calibration.slope,
            offset=decided.calibration.offset,
            labels=decided.calibration.labels,
            version=version,
        ),
        fitted_at=now,
        brier_old=decided.brier_old,
        brier_new=decided.brier_new,
        compared=decided.compared,
        used=decided.used,
        why=decided.why,
    )
    async with store.transaction() as tx:
        if not await tx.add_calibration(fit):
            return None
        await tx.audit([_audit(fit)], now=now)
    return fit


def _audit(fit: CalibrationFit) -> AuditEntry:
    return AuditEntry(
        actor="aiops",
        action="calibration.refitted" if fit.used else "calibration.kept",
        target=fit.calibration.version,
        detail={
            "slope": fit.calibration.slope,
            "offset": fit.calibration.offset,
            "labels": fit.calibration.labels,
            "brier_old": fit.brier_old,
            "brier_new": fit.brier_new,
            "compared": fit.compared,
            "why": fit.why,
        },
    )
