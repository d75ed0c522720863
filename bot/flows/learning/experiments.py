"""What can be tried and measured beside the running bot, with the adapters bound in."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from bot.flows.learning.export_case import ExportedCase, GivenTruth
from bot.flows.learning.replay import ReplayReport, ReplayWish
from bot.flows.learning.train_classifier import Training
from bot.ports import ClassifierRecord


@dataclass(frozen=True, slots=True, kw_only=True)
class Experiments:
    """The verbs of `aiops replay`, `aiops eval` and `aiops classifier`."""

    replay: Callable[[ReplayWish], Awaitable[ReplayReport]]
    export_case: Callable[[str, str], Awaitable[ExportedCase]]
    """Incident and slug ("" for one made of service and alert); its label is the truth."""
    record_case: Callable[[str, str, GivenTruth], Awaitable[ExportedCase]]
    """The same with a truth that is given; incident "" is the newest one that came to a hypothesis."""
    train: Callable[[], Awaitable[Training]]
    show_classifier: Callable[[], Awaitable[tuple[ClassifierRecord | None, Sequence[ClassifierRecord]]]]
    """The one in use, and the newest trainings."""
    train_if_due: Callable[[], Awaitable[Training | None]]
    """For the scheduler: once a quarter, whatever the replicas."""
