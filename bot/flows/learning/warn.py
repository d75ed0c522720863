"""A hypothesis of a kind that was often wrong says so on its card."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import cast

from bot.core.hypothesis import Assessment
from bot.core.misses import describe
from bot.ports import Brief, Concluded, Transaction


async def warned(tx: Transaction, brief: Brief, event: Concluded) -> Assessment:
    """
    The assessment, with a note when calls like this one were missed more often than others.

    Only corners of class, service and alert count, for they can be checked by a reader, and only of a classifier that
    has shipped. The note is for people; the confidence is not touched.
    """
    assessment = event.assessment
    record = await tx.classifier_in_use() if assessment.hypotheses else None
    if record is None:
        return assessment
    own = {
        "class": min(assessment.hypotheses, key=lambda one: one.rank).cause_class.value,
        "service": brief.incident.service,
        "alert": _alert_class(brief, event),
    }
    for corner in cast("Sequence[Mapping[str, object]]", record.body.get("corners") or ()):
        traits = cast("Mapping[str, str]", corner["traits"])
        if all(own.get(name) == value for name, value in traits.items()):
            note = (
                f"Be wary: {describe(traits)} were wrong {corner['missed']} of {corner['n']} times "
                f"(all calls: {corner['all_missed']} of {corner['all_n']}; {record.quarter})."
            )
            return replace(assessment, notes=(*assessment.notes, note))
    return assessment


def _alert_class(brief: Brief, event: Concluded) -> str:
    """The alert that the runbook is for, else the first: as the store names the class of a call."""
    names = [alert.name for alert in brief.alerts]
    alerts = event.runbook.alerts if event.runbook else ()
    return next((name for name in names if name in alerts), names[0] if names else "")
