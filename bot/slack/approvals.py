"""Buttons and modals of approvals and runs. The buttons carry an opaque id; everything is read and checked anew."""

import json
import logging
from collections.abc import Awaitable, Callable, Mapping

from slack_bolt.app.async_app import AsyncApp
from slack_bolt.context.ack.async_ack import AsyncAck
from slack_sdk.web.async_client import AsyncWebClient

from bot.core.approval import Say, Verdict
from bot.core.errors import AiopsError
from bot.core.policy import Effect
from bot.flows import Acting
from bot.slack.payload import Json, record, records, text_of
from bot.slack.problems import translated
from bot.slack.tell import Teller, user_of
from bot.slack.views import approval as view
from bot.slack.views import replies, run
from bot.slack.views.elicitation import FIELD, entered_values
from bot.slack.views.message import Message
from bot.slack.views.modal import told
from bot.slack.views.text import with_people

_log = logging.getLogger(__name__)

Handler = Callable[[AsyncAck, Json], Awaitable[None]]


class ApprovalHandlers:
    """Every handler acknowledges, asks one flow, and answers the person who pressed."""

    def __init__(self, acting: Acting, *, client: AsyncWebClient, teller: Teller) -> None:
        self._acting = acting
        self._client = client
        self._teller = teller

    def register(self, app: AsyncApp) -> None:
        """Bind to Bolt."""
        app.action(view.REVIEW)(self._opens(Verdict.APPROVE))
        app.action(view.REJECT)(self._opens(Verdict.REJECT))
        app.action(view.APPROVE)(self._decides(Verdict.APPROVE))
        app.action(view.WITHDRAW)(self._decides(Verdict.WITHDRAW))
        app.view(view.APPROVE_FORM)(self._submits(Verdict.APPROVE, "Not approved"))
        app.view(view.REJECT_FORM)(self._submits(Verdict.REJECT, "Not rejected"))
        app.action(run.STOP)(self._on_stop)
        app.action(run.CARRIED_OUT)(self._settles(carried_out=True))
        app.action(run.NOT_CARRIED_OUT)(self._settles(carried_out=False))

    def _opens(self, verdict: Verdict) -> Handler:
        """Show the form of a verdict, or say at once why there is none for this person."""

        async def on_press(ack: AsyncAck, body: Json) -> None:
            await ack()
            await self._teller.tell(body, self._open(verdict, body))

        return on_press

    async def _open(self, verdict: Verdict, body: Json) -> Message | None:
        review = await self._acting.review(pressed_value(body), user_of(body), verdict)
        if review.refused:
            return replies.spoken(review.refused)
        approving = verdict is Verdict.APPROVE
        form = view.approve_form(review.approval, review.entered) if approving else view.reject_form(review.approval)
        with translated("views.open"):
            await self._client.views_open(trigger_id=text_of(body, "trigger_id"), view=dict(form))
        return None

    def _decides(self, verdict: Verdict) -> Handler:
        async def on_press(ack: AsyncAck, body: Json) -> None:
            await ack()
            await self._teller.tell(body, self._decide(body, verdict))

        return on_press

    async def _decide(self, body: Json, verdict: Verdict) -> Message | None:
        review = await self._acting.review(pressed_value(body), user_of(body), verdict)
        envelope = review.approval.envelope
        if verdict is Verdict.APPROVE and envelope.question is not None:
            return replies.spoken("What a server asks is answered in its form.")
        if verdict is Verdict.APPROVE and envelope.effect is Effect.DESTRUCTIVE:
            return replies.spoken("A destructive step is approved in its form, after a look at the exact call.")
        # An approval's content is frozen, so its id stands for what the card showed.
        say = Say(user=user_of(body), verdict=verdict, shown_sha256=review.approval.sha256)
        answer = await self._acting.decide(review.approval.id, say)
        return None if answer.done else replies.spoken(answer.text)

    def _submits(self, verdict: Verdict, sorry: str) -> Handler:
        """The submission is the verdict; a refusal replaces the form with the reason."""

        async def on_submit(ack: AsyncAck, body: Json) -> None:
            shown = record(body.get("view"))
            try:
                held = record(json.loads(text_of(shown, "private_metadata") or "{}"))
                approval_id = text_of(held, "approval")
                say = Say(
                    user=user_of(body),
                    verdict=verdict,
                    shown_sha256=text_of(held, "sha256"),
                    reason=entered(shown, view.REASON),
                    answer=await self._answered(approval_id, shown, user=user_of(body), verdict=verdict),
                )
                answer = await self._acting.decide(approval_id, say)
            except (AiopsError, ValueError) as error:
                _log.warning("a verdict could not be taken: %s", error, exc_info=error)
                text = str(error) if isinstance(error, AiopsError) else "This form cannot be read; open it again."
                await ack(response_action="update", view=dict(told(sorry, with_people(text, 1_000))))
                return
            if answer.done:
                await ack()
                return
            if answer.problems:
                # The form stays open, with each problem at its input.
                errors = {f"{FIELD}{place}": why[:150] for place, why in answer.problems.items()}
                await ack(response_action="errors", errors=errors)
                return
            await ack(response_action="update", view=dict(told(sorry, with_people(answer.text, 1_000))))

        return on_submit

    async def _answered(self, approval_id: str, shown: Json, *, user: str, verdict: Verdict) -> Mapping[str, list[str]]:
        """What was entered into a server's form; nothing where there is none."""
        if verdict is not Verdict.APPROVE:
            return {}
        form = (await self._acting.review(approval_id, user, verdict)).approval.envelope.question
        return entered_values(form, chosen(shown)) if form is not None else {}

    async def _on_stop(self, ack: AsyncAck, body: Json) -> None:
        await ack()
        await self._teller.tell(body, self._stop(body))

    async def _stop(self, body: Json) -> Message:
        answer = await self._acting.stop(pressed_value(body), user_of(body))
        return replies.spoken(answer.text)

    def _settles(self, *, carried_out: bool) -> Handler:
        async def settle(body: Json) -> Message:
            run_id, _, number = pressed_value(body).rpartition(":")
            step = int(number) if number.isdecimal() else 0
            answer = await self._acting.settle_unknown(run_id, step, user_of(body), carried_out)
            return replies.spoken(answer.text)

        async def on_press(ack: AsyncAck, body: Json) -> None:
            await ack()
            await self._teller.tell(body, settle(body))

        return on_press


def pressed_value(body: Json) -> str:
    """What the pressed button carries."""
    return next((text_of(action, "value") for action in records(body.get("actions"))), "")


def chosen(view: Json) -> dict[str, list[str]]:
    """What every input of a submitted modal holds, by block: its text, or its chosen options."""
    found: dict[str, list[str]] = {}
    for block_id, block in record(record(view.get("state")).get("values")).items():
        for element in record(block).values():
            held = record(element)
            picked = [record(held.get("selected_option")), *records(held.get("selected_options"))]
            values = [text_of(one, "value") for one in picked if one] or [text_of(held, "value")]
            found[block_id] = [one for one in values if one]
    return found


def entered(view: Json, block_id: str) -> str:
    """The text of one input of a submitted modal."""
    block = record(record(record(view.get("state")).get("values")).get(block_id))
    return next((text_of(record(element), "value") for element in block.values()), "")
