"""Recording root causes, bound to its adapters."""

from functools import partial

from bot.adapters.tools import McpTools
from bot.bootstrap.hands import Hands
from bot.core.errors import ToolError
from bot.core.root_cause import Label
from bot.flows.learning.ask_outcome import ask_outcomes
from bot.flows.learning.import_history import import_history
from bot.flows.learning.judge import Judge
from bot.flows.learning.labels import (
    Labels,
    draft_outcome,
    incident_at,
    judge_nothing,
    label_history,
    list_recorded,
    list_unlabelled,
)
from bot.flows.learning.link_labels import link_labels
from bot.flows.learning.messages import message_deleted, offer_update, take_over
from bot.flows.learning.overwriting import check_overwriting, check_person
from bot.flows.learning.record_outcome import Recorded, record_outcome
from bot.flows.learning.vote import vote_similar
from bot.flows.learning.withdraw_outcome import withdraw_outcome
from bot.ports import Approvers
from bot.settings import Settings

# Slack waits three seconds for the answer to a form, and the catalogue is only asked about one word of it.
_CATALOGUE_S = 1.0


def bind_labels(settings: Settings, hands: Hands, approvers: Approvers | None = None) -> Labels:
    """Everything about labels, with its adapters; without `approvers`, as at the command line, everybody may change them."""
    store, clock, judging = hands.store, hands.clock, hands.model is not None
    may_overwrite = partial(check_overwriting, store=store, approvers=approvers) if approvers is not None else None
    may_withdraw = partial(check_person, store=store, approvers=approvers) if approvers is not None else None

    async def record(label: Label, /) -> Recorded:
        return await record_outcome(
            label,
            store=store,
            clock=clock,
            services=partial(catalogue, hands.tools),
            judging=judging,
            channel=settings.config.channels.post,
            may_overwrite=may_overwrite,
        )

    async def withdraw(incident_id: str, user: str, /) -> bool:
        return await withdraw_outcome(
            incident_id,
            user=user,
            store=store,
            clock=clock,
            channel=settings.config.channels.post,
            may_withdraw=may_withdraw,
        )

    judge_next = judge_nothing
    if hands.model is not None:
        judge_next = Judge(
            store=store,
            clock=clock,
            prompts=hands.prompts,
            model=hands.model,
            budget=hands.budget,
            timeout_s=settings.environment.llm_timeout_seconds,
            channel=settings.config.channels.post,
        ).judge_next
    return Labels(
        draft=partial(draft_outcome, store=store),
        incident_at=partial(incident_at, store=store),
        record=record,
        offer_update=partial(offer_update, store=store, clock=clock),
        take_over=lambda operation, user: take_over(operation, user=user, store=store, record=record),
        withdraw=withdraw,
        message_deleted=partial(message_deleted, store=store, clock=clock, judging=judging),
        vote=lambda incident, mark, user: vote_similar(incident, mark, user=user, store=store, clock=clock),
        history=partial(label_history, store=store),
        recorded=partial(list_recorded, store=store),
        unlabelled=partial(list_unlabelled, store=store),
        import_history=partial(import_history, store=store, clock=clock),
        ask=partial(ask_outcomes, store=store, clock=clock),
        link=partial(link_labels, store=store, clock=clock),
        judge_next=judge_next,
    )


async def catalogue(tools: McpTools) -> frozenset[str] | None:
    """Names of the catalogue's services; None while it cannot be asked."""
    try:
        result = await tools.call("list_services", {}, timeout_s=_CATALOGUE_S, about="catalogue")
    except ToolError:
        return None
    services = result.structured.get("services")
    if not isinstance(services, list):
        return None
    return frozenset(str(one["name"]) for one in services if isinstance(one, dict) and "name" in one)  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType] - checked as it is read
