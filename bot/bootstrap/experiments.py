"""Replay, eval cases and the classifier, bound to their adapters."""

from functools import partial

from bot.adapters.classifier import SklearnMisses
from bot.adapters.llm import LiteLlm
from bot.agent.reason import ReasonLimits
from bot.bootstrap.hands import Hands
from bot.core.budget import BudgetLimits
from bot.core.errors import ConfigError
from bot.flows.learning.experiments import Experiments
from bot.flows.learning.export_case import ExportedCase, export_case
from bot.flows.learning.record_case import record_case
from bot.flows.learning.replay import Bench, ReplayReport, ReplayWish, replay
from bot.flows.learning.train_classifier import show_classifier, train_classifier, train_if_due
from bot.settings import Settings

# An incident is replayed as often as somebody likes, so only the run's purse and the agent's day bound a replay.
_NO_BOUND = 10**9


def bind_experiments(settings: Settings, hands: Hands) -> Experiments:
    """The verbs with their adapters."""
    train = partial(
        train_classifier, store=hands.store, embedder=hands.embedder, learner=SklearnMisses(), clock=hands.clock
    )
    due = partial(train_if_due, store=hands.store, embedder=hands.embedder, learner=SklearnMisses(), clock=hands.clock)

    async def export(incident_id: str, slug: str) -> ExportedCase:
        return await export_case(incident_id, slug=slug, store=hands.store)

    return Experiments(
        replay=partial(_replay, settings, hands),
        export_case=export,
        record_case=partial(record_case, store=hands.store),
        train=train,
        show_classifier=partial(show_classifier, store=hands.store),
        train_if_due=due,
    )


async def _replay(settings: Settings, hands: Hands, wish: ReplayWish) -> ReplayReport:
    """Raises ConfigError for a prompt without a model, and for a version that is not there."""
    env, budgets = settings.environment, settings.config.budgets
    name = wish.model or env.llm_model or ""
    if wish.offline and (wish.model or wish.prompts):
        raise ConfigError("--analyst offline asks no model, so it takes neither --model nor --prompt")
    if wish.prompts and not name:
        raise ConfigError("A prompt is for a model: set LLM_MODEL, or give --model NAME")
    prompts = hands.prompts.pinned(wish.prompts)
    model = None if wish.offline or not name else LiteLlm(name, base_url=env.llm_base_url, api_key=env.llm_api_key)
    limits = BudgetLimits(
        tokens_per_incident=_NO_BOUND,
        cost_usd_per_incident=float(_NO_BOUND),
        tokens_per_agent_per_day=budgets.tokens_per_agent_per_day,
    )
    bench = Bench(
        store=hands.store,
        clock=hands.clock,
        model=model,
        # What costs nothing stays free: the offline analyst's texts are not judged by a model.
        judge=hands.model if model is not None else None,
        prompts=prompts,
        runbooks=hands.runbooks,
        budget=hands.budget.limited(limits, model.price if model is not None else None),
        limits=ReasonLimits(
            tokens=budgets.tokens_per_incident,
            steps=budgets.steps_per_incident,
            model_timeout_s=env.llm_timeout_seconds,
        ),
    )
    try:
        return await replay(wish, bench=bench)
    finally:
        if model is not None:
            await model.aclose()
