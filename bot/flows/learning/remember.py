"""
Make labelled and imported incidents records that are searched.

A sweep, not a step of recording: it survives a crash between label and record, and nobody who records waits for it. A
corrected, withdrawn or newly linked label makes its record anew; only texts are written here, vectors follow in the sync.
"""

from bot.core.hypothesis import CauseClass
from bot.core.postmortem import Postmortem, from_history, from_incident
from bot.core.text import clip
from bot.ports import Labelled, PastIncident, PostmortemIndex, Store

_AT_ONCE = 500
_SYMPTOM_LIMIT = 2_000


async def remember_past(*, store: Store, index: PostmortemIndex, model: str) -> int:
    """Bring the texts of the index up to the labels and the imported history; how many records changed or went."""
    async with store.transaction() as tx:
        labelled = await tx.unremembered_labels(model=model, limit=_AT_ONCE)
        imported = await tx.unremembered_history(model=model, limit=_AT_ONCE)
        outlived = await tx.outlived_records()
    records = [*map(_of_label, labelled), *(_of_history(past, mark) for past, mark in imported)]
    if records:
        await index.announce(records)
    if outlived:
        await index.remove(outlived)
    return len(records) + len(outlived)


def _of_label(one: Labelled) -> Postmortem:
    form = one.form
    about = ", ".join(
        f"{what} {name}" for what, name in (("component", form.component), ("change", form.change_id)) if name
    )
    return from_incident(
        incident_id=one.incident_id,
        title=one.title,
        service=one.service,
        severity=one.severity,
        alerts=[clip(words, _SYMPTOM_LIMIT) for words in one.told],
        started=one.started_at,
        cause=f"{form.cause} ({about})" if about else form.cause,
        cause_class=(form.cause_class or CauseClass.UNKNOWN).value,
        fix=form.fixed_by,
        worked=form.fix_worked,
        sha256=one.mark,
        link=one.link,
    )


def _of_history(past: PastIncident, mark: str) -> Postmortem:
    return from_history(
        name=past.id,
        title=past.title,
        service=past.service,
        severity=past.severity,
        alerts=past.alerts,
        started=past.started_at,
        cause=past.cause,
        cause_class=past.cause_class,
        fix=past.fix,
        worked=past.fix_worked,
        sha256=mark,
        component=past.component,
        link=past.url,
    )
