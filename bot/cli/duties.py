"""What `aiops serve` does by the clock, beside its loops."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from functools import partial

from bot.bootstrap import Core
from bot.flows import Acting
from bot.ports import Chat
from bot.webhook import Metrics

_SWEEP_EVERY_S = 2.0
_DIGEST_EVERY_S = 10.0
_NUMBERS_EVERY_S = 60.0
# How soon a new period is noticed; the sweep itself comes once a period.
_ANOMALIES_EVERY_S = 10.0
# Due once a day and once a quarter; what they ask the database for first is cheap.
_LEARN_EVERY_S = 600.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Duty:
    """Done again and again; each decides by itself whether there is anything to do."""

    every_s: float
    name: str
    call: Callable[[], Awaitable[object]]


def duties(core: Core, acting: Acting, metrics: Metrics, chat: Chat) -> Sequence[Duty]:
    """Everything that nobody asks for."""
    reports = core.reports

    async def show_numbers() -> None:
        metrics.numbers.show(await reports.numbers())

    async def sweep() -> None:
        for found in await core.sweep.run() if core.sweep is not None else ():
            metrics.anomalies.labels(found).inc()

    often = {
        "approval expiry": acting.expire,
        "root causes": core.labels.ask,
        "links of root causes": partial(core.labels.link, chat.permalink),
        "audit head": acting.announce_head,
        "digest details": reports.add_details,
    }
    return [
        *(Duty(every_s=_SWEEP_EVERY_S, name=name, call=call) for name, call in often.items()),
        Duty(every_s=_LEARN_EVERY_S, name="nightly fit", call=core.learning.refit_if_due),
        Duty(every_s=_LEARN_EVERY_S, name="quarterly classifier", call=core.experiments.train_if_due),
        Duty(every_s=_DIGEST_EVERY_S, name="digest", call=reports.post_if_due),
        Duty(every_s=_NUMBERS_EVERY_S, name="numbers", call=show_numbers),
        *([Duty(every_s=_ANOMALIES_EVERY_S, name="anomaly sweep", call=sweep)] if core.sweep is not None else []),
    ]
