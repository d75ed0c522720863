"""What the labels so far say about the number that is to be shown next."""

from datetime import timedelta

from bot.core.calibration import service_history
from bot.core.confidence import Calibration
from bot.core.grading import agreement
from bot.ports import Clock, Experience, Store

_REMEMBERED = timedelta(weeks=52)


async def recall(service: str, *, store: Store, clock: Clock) -> Experience:
    """The line in use, how the last year's calls on this service went, and what its incidents turned out to be."""
    now = clock.now()
    async with store.transaction() as tx:
        fit = await tx.calibration()
        judge = agreement(await tx.judge_pairs())
        calls = await tx.calls(since=now - _REMEMBERED)
        causes = await tx.cause_counts(service)
    return Experience(
        calibration=fit.calibration if fit else Calibration(),
        history=service_history(calls, service, before=now, judge=judge),
        causes=causes,
    )
