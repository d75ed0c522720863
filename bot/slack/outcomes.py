"""Buttons, the message shortcut and the form of root causes. The form keeps what was typed until it is recorded."""

import json
import logging
import re
from dataclasses import replace

from slack_bolt.app.async_app import AsyncApp
from slack_bolt.context.ack.async_ack import AsyncAck
from slack_sdk.web.async_client import AsyncWebClient

from bot.core.alert import Anchor
from bot.core.errors import AiopsError, ChatError, NotAllowedError
from bot.core.hypothesis import CauseClass
from bot.core.outcome import MessageRef, OutcomeForm, OutcomeSource
from bot.core.root_cause import CAUSE_LIMIT, Label, find_root_cause, form_problems, links_in
from bot.core.text import clean, clip, plural
from bot.flows.learning.labels import Draft, Labels
from bot.flows.learning.record_outcome import Recorded
from bot.slack.payload import Json, body_of, record, records, text_of, with_addresses, words_of
from bot.slack.problems import translated
from bot.slack.tell import Teller, user_of
from bot.slack.views import outcome as view
from bot.slack.views import outcome_form as form
from bot.slack.views import replies
from bot.slack.views.message import Message
from bot.slack.views.modal import View, told
from bot.slack.views.similar import SIMILAR_VOTE
from bot.slack.views.text import with_people

_log = logging.getLogger(__name__)

SHORTCUT = "record_root_cause"


class OutcomeHandlers:
    """Every handler acknowledges, asks one flow, and answers the person who pressed."""

    def __init__(self, labels: Labels, *, client: AsyncWebClient, teller: Teller) -> None:
        self._labels = labels
        self._client = client
        self._teller = teller

    def register(self, app: AsyncApp) -> None:
        """Bind to Bolt."""
        # In a table each row's button has its own id.
        app.action(re.compile(rf"^{view.LABEL}(\.\d+)?$"))(self._on_label)
        app.action(view.LABEL_NEXT)(self._on_label_next)
        app.action(view.TAKE_OVER)(self._on_take_over)
        app.action(view.WITHDRAW_OUTCOME)(self._on_withdraw)
        app.action(SIMILAR_VOTE)(self._on_vote)
        app.shortcut(SHORTCUT)(self._on_shortcut)
        app.view(form.OUTCOME_FORM)(self._on_submit)

    # --- opening the form --------------------------------------------------------------------------------------------

    async def _on_label(self, ack: AsyncAck, body: Json) -> None:
        await ack()
        await self._teller.tell(body, self._open(body, _pressed(body), source=OutcomeSource.MODAL))

    async def _on_label_next(self, ack: AsyncAck, body: Json) -> None:
        await ack()
        await self._teller.tell(body, self._open_next(body))

    async def _open_next(self, body: Json) -> Message | None:
        """The newest incident without a root cause at the moment of the press."""
        waiting = await self._labels.unlabelled(1)
        if not waiting:
            return view.hint(view.NOTHING_TO_LABEL)
        return await self._open(body, waiting[0].id, source=OutcomeSource.MODAL)

    async def _on_shortcut(self, ack: AsyncAck, body: Json) -> None:
        await ack()
        await self._teller.tell(body, self._open_on_message(body))

    async def _open_on_message(self, body: Json) -> Message | None:
        message, channel = record(body.get("message")), text_of(record(body.get("channel")), "id")
        ts = text_of(message, "ts")
        incident = await self._labels.incident_at(Anchor(channel=channel, ts=text_of(message, "thread_ts") or ts))
        if incident is None:
            return view.hint(view.NOT_IN_A_THREAD)
        if text_of(message, "bot_id"):
            # What a bot says is no person's word on the cause.
            return await self._open(body, incident.id, source=OutcomeSource.MODAL)
        link = await permalink(self._client, channel, ts)
        reference = MessageRef(channel=channel, ts=ts, permalink=link)
        return await self._open(
            body, incident.id, source=OutcomeSource.SHORTCUT, words=_cause_in(message), message=reference
        )

    async def _open(
        self,
        body: Json,
        incident_id: str,
        *,
        source: OutcomeSource,
        words: str = "",
        message: MessageRef | None = None,
    ) -> Message | None:
        """Show the form. What keeps it from being shown is told in its place: the Home tab has no other answer."""
        try:
            draft = await self._labels.draft(incident_id)
            if draft.standing is not None and message is not None and _is_from(draft, message):
                # The label was taken from this message: what stands is what is corrected.
                words = ""
            shown = form.outcome_form(draft, source=source, words=clip(words, CAUSE_LIMIT), message=message)
        except AiopsError as error:
            _log.warning("the form for a root cause could not be opened: %s", error, exc_info=error)
            shown = told("Not opened", with_people(str(error), 1_000))
        with translated("views.open"):
            await self._client.views_open(trigger_id=text_of(body, "trigger_id"), view=dict(shown))
        return None

    # --- the form ----------------------------------------------------------------------------------------------------

    async def _on_submit(self, ack: AsyncAck, body: Json) -> None:
        """What is wrong is shown in the field, whatever it is, so that nothing typed is lost."""
        shown = record(body.get("view"))
        entered = _form_in(shown)
        problems = form_problems(entered)
        if not problems:
            try:
                done = await self._record(shown, entered, user_of(body))
            except NotAllowedError as error:
                # A field has no room for who may.
                shown = told("Not recorded", with_people(str(error), 1_000))
                await ack(response_action="update", view=dict(shown))
                return
            except (AiopsError, ValueError) as error:
                _log.warning("a root cause could not be recorded: %s", error, exc_info=error)
                text = str(error) if isinstance(error, AiopsError) else "This form cannot be read; open it again."
                problems = {form.CAUSE: f"Not recorded: {text}"}
            else:
                await _acknowledge(ack, done)
                return
        await ack(response_action="errors", errors={name: clip(why, 150) for name, why in problems.items()})

    async def _record(self, shown: Json, entered: OutcomeForm, user: str) -> Recorded:
        held = record(json.loads(text_of(shown, "private_metadata") or "{}"))
        ts = text_of(held, "ts")
        message = MessageRef(channel=text_of(held, "channel"), ts=ts, permalink=text_of(held, "permalink"))
        return await self._labels.record(
            Label(
                incident_id=text_of(held, "incident"),
                form=entered,
                author=user,
                source=OutcomeSource(text_of(held, "source")),
                message=message if ts else None,
            )
        )

    # --- small answers -----------------------------------------------------------------------------------------------

    async def _on_take_over(self, ack: AsyncAck, body: Json) -> None:
        await ack()
        await self._teller.tell(body, self._take_over(body))

    async def _take_over(self, body: Json) -> Message | None:
        try:
            done = await self._labels.take_over(_pressed(body), user_of(body))
        except NotAllowedError as error:
            return replies.spoken(str(error))
        return None if done.new else replies.spoken("These words are recorded already.")

    async def _on_withdraw(self, ack: AsyncAck, body: Json) -> None:
        await ack()
        await self._teller.tell(body, self._withdraw(body))

    async def _withdraw(self, body: Json) -> Message | None:
        try:
            withdrawn = await self._labels.withdraw(_pressed(body), user_of(body))
        except NotAllowedError as error:
            return replies.spoken(str(error))
        return None if withdrawn else replies.spoken("Nothing is recorded here any more.")

    async def _on_vote(self, ack: AsyncAck, body: Json) -> None:
        await ack()
        await self._teller.tell(body, self._vote(body))

    async def _vote(self, body: Json) -> Message:
        mark, _, incident_id = _pressed(body).partition(":")
        chosen = await self._labels.vote(incident_id, mark, user_of(body))
        if mark:
            return replies.said(f"Noted: {chosen[0].title} helped.")
        return replies.said(f"Noted: not related ({plural(len(chosen), 'record')}).")


async def _acknowledge(ack: AsyncAck, done: Recorded) -> None:
    if done.new:
        await ack()
        return
    shown: View = told("Recorded already", with_people("This is what stands already; nothing was changed.", 200))
    await ack(response_action="update", view=dict(shown))


async def permalink(client: AsyncWebClient, channel: str, ts: str) -> str:
    """A link to a message; empty while Slack does not give it, for a label counts without its link."""
    try:
        with translated("chat.getPermalink"):
            return text_of(body_of(await client.chat_getPermalink(channel=channel, message_ts=ts)), "permalink")
    except ChatError as error:
        _log.warning("no link to the message %s: %s", ts, error)
        return ""


def _is_from(draft: Draft, message: MessageRef) -> bool:
    known = draft.standing.message if draft.standing is not None else None
    return known is not None and (known.channel, known.ts) == (message.channel, message.ts)


def _cause_in(message: Json) -> str:
    """What a message says, without the words `root cause:` before it."""
    words = clean(words_of(message)).strip()
    found = find_root_cause(words)
    return found.words if found is not None else words


def form_of(words: str) -> OutcomeForm:
    """The form that a reply stands for: the cause in its own words, and the links in it."""
    return OutcomeForm(cause=words, links=links_in(words))


def _pressed(body: Json) -> str:
    """What the pressed button or menu line carries."""
    chosen = [
        text_of(action, "value") or text_of(record(action.get("selected_option")), "value")
        for action in records(body.get("actions"))
    ]
    return chosen[0] if chosen else ""


def _form_in(shown: Json) -> OutcomeForm:
    values = record(record(shown.get("state")).get("values"))
    ticked = records(record(record(values.get(form.NOT_ESTABLISHED)).get(form.NOT_ESTABLISHED)).get("selected_options"))
    chosen = _value(values, form.CLASS)
    worked = _value(values, form.WORKED)
    made = OutcomeForm(
        cause=_value(values, form.CAUSE),
        cause_class=CauseClass(chosen) if chosen in set(CauseClass) else None,
        component=_value(values, form.COMPONENT),
        change_id=_value(values, form.CHANGE),
        grade=form.grade_of(_value(values, form.GRADE)),
        fixed_by=_value(values, form.FIXED_BY),
        fix_worked={"yes": True, "no": False}.get(worked),
        established=not ticked,
    )
    links = [line.strip() for line in with_addresses(_value(values, form.LINKS)).split("\n")]
    return replace(made, links=tuple(line for line in links if line))


def _value(values: Json, block_id: str) -> str:
    """What one input holds: its text, or its chosen option."""
    held = record(record(values.get(block_id)).get(block_id))
    return text_of(record(held.get("selected_option")), "value") or text_of(held, "value")
