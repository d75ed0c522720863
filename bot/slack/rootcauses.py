"""Messages that say `root cause: …`: recorded once each, offered anew when edited, marked when deleted."""

import logging
from typing import Final

from slack_sdk.web.async_client import AsyncWebClient

from bot.core.alert import Anchor
from bot.core.errors import ChatError, ChatUnavailableError, NotAllowedError
from bot.core.outcome import MessageRef, OutcomeSource
from bot.core.root_cause import CAUSE_LIMIT, Label, Spoken, find_root_cause
from bot.core.text import clean
from bot.flows import Flows
from bot.flows.learning.labels import Labels
from bot.slack.events import event_key, history_body
from bot.slack.outcomes import form_of, permalink
from bot.slack.payload import Json, body_of, is_ts, record, records, text_of, with_addresses
from bot.slack.problems import translated
from bot.slack.views import outcome as view
from bot.slack.views.text import Mrkdwn, with_people

_log = logging.getLogger(__name__)

# Threads of each sort that are read after a connection was lost: Slack allows some fifty such calls a minute.
_THREADS: Final = 20
_REPLIES: Final = 999
# What people write; joins, topics and other bots' messages have other subtypes.
_WRITTEN: Final = frozenset({"", "thread_broadcast", "file_share", "me_message"})


class RootCauseMessages:
    """Hears every message of every channel that the bot is in; nearly all of them are none of its business."""

    def __init__(self, labels: Labels, client: AsyncWebClient) -> None:
        self._labels = labels
        self._client = client
        self._own = ""

    async def hear(self, event: Json) -> None:
        """Take one message event. Raises AiopsError when it should be tried again."""
        channel, subtype = text_of(event, "channel"), text_of(event, "subtype")
        if subtype == "message_deleted":
            await self._labels.message_deleted(channel, text_of(event, "deleted_ts"))
        elif subtype == "message_changed":
            await self._changed(channel, record(event.get("message")), record(event.get("previous_message")))
        else:
            await self._said(channel, event, replying=True)

    async def _changed(self, channel: str, message: Json, before: Json) -> None:
        if text_of(message, "text") == text_of(before, "text"):
            # An unfurled link or a new reply changes the message, too.
            return
        if not _is_persons(message):
            return
        # A label may have been taken from free text, by the shortcut: then the whole text is what is offered.
        spoken = await self._spoken(message)
        words = spoken.words if spoken is not None else clean(with_addresses(text_of(message, "text"))).strip()
        reference = MessageRef(channel=channel, ts=text_of(message, "ts"))
        offered = bool(words) and await self._labels.offer_update(reference, words, user=text_of(message, "user"))
        if not offered and spoken is not None and spoken.words:
            # It became a root cause by the edit: a typing error was mended. Only the first try is answered if it fails.
            await self._said(channel, message, replying=False)

    async def _spoken(self, message: Json) -> Spoken | None:
        """What a person's message says; None when it is somebody else's or says nothing of a root cause."""
        if not _is_persons(message):
            return None
        spoken = find_root_cause(clean(with_addresses(text_of(message, "text"))))
        if spoken is None or (spoken.to and spoken.to != await self._own_id()):
            return None
        return spoken

    async def _said(self, channel: str, message: Json, *, replying: bool) -> None:
        spoken = await self._spoken(message)
        ts, thread = text_of(message, "ts"), text_of(message, "thread_ts")
        if spoken is None or not is_ts(ts):
            return
        incident = (
            await self._labels.incident_at(Anchor(channel=channel, ts=thread)) if thread and thread != ts else None
        )
        if incident is None or not spoken.words:
            if replying:
                await self._whisper(channel, message, view.NO_WORDS if incident is not None else view.ELSEWHERE)
            return
        label = Label(
            incident_id=incident.id,
            form=form_of(spoken.words),
            author=text_of(message, "user"),
            source=OutcomeSource.REPLY,
            message=MessageRef(channel=channel, ts=ts, permalink=await permalink(self._client, channel, ts)),
        )
        try:
            done = await self._labels.record(label)
        except NotAllowedError as error:
            await self._whisper(channel, message, with_people(str(error), 1_000))
            return
        if done.new and done.cut:
            cut = Mrkdwn(f"Recorded. Of these words the first {CAUSE_LIMIT:,} characters are kept.")
            await self._whisper(channel, message, cut)

    async def _whisper(self, channel: str, message: Json, text: Mrkdwn) -> None:
        """Only the author sees it. A refusal changes nothing about what was recorded."""
        shown = view.hint(text)
        arguments: dict[str, object] = {
            "channel": channel,
            "user": text_of(message, "user"),
            "text": shown.text,
            "blocks": shown.blocks,
        }
        if text_of(message, "thread_ts"):
            arguments["thread_ts"] = text_of(message, "thread_ts")
        try:
            with translated("chat.postEphemeral"):
                await self._client.api_call("chat.postEphemeral", json=arguments)
        except ChatUnavailableError:
            raise
        except ChatError as error:
            _log.warning("a person could not be told about their root cause: %s", error)

    async def look_back(self, flows: Flows) -> int:
        """
        Read the threads that still lack a root cause for one that was written while no connection was open.

        A channel's history does not hold replies. How many messages were new. Raises StoreError.
        """
        found = 0
        await self._follow_recorded()
        threads = [*await flows.list_incidents(_THREADS, True), *await self._labels.unlabelled(_THREADS)]
        for incident in threads:
            if incident.thread_ts is None:
                continue
            try:
                replied = await self._replies(incident.channel, incident.thread_ts)
            except ChatError as error:
                _log.warning("the thread of %s could not be read for what was missed: %s", incident.id, error)
                continue
            for message in replied:
                if await self._spoken(message) is not None:
                    body = history_body(incident.channel, message)
                    found += await flows.remember_event(event_key(body), "message", body)
        return found

    async def _follow_recorded(self) -> None:
        """What happened to the messages of the newest labels while no connection was open: edited or deleted."""
        for outcome in await self._labels.recorded(_THREADS):
            message = outcome.message
            if message is None or outcome.message_deleted:
                continue
            thread = (await self._labels.draft(outcome.incident_id)).incident.thread_ts
            if thread is None:
                continue
            try:
                replied = await self._replies(message.channel, thread)
            except ChatError as error:
                _log.warning("the thread of %s could not be read for edits: %s", outcome.incident_id, error)
                continue
            now = next((one for one in replied if text_of(one, "ts") == message.ts), None)
            if now is None and replied and len(replied) < _REPLIES:
                await self._labels.message_deleted(message.channel, message.ts)
            elif now is not None and _edited_at(now) > outcome.recorded_at.timestamp():
                await self._changed(message.channel, now, {})

    async def _replies(self, channel: str, thread_ts: str) -> list[Json]:
        arguments = {"channel": channel, "ts": thread_ts, "limit": _REPLIES}
        with translated("conversations.replies"):
            answer = await self._client.api_call("conversations.replies", http_verb="GET", params=arguments)
        return records(body_of(answer).get("messages"))

    async def _own_id(self) -> str:
        if not self._own:
            with translated("auth.test"):
                self._own = text_of(body_of(await self._client.auth_test()), "user_id")
        return self._own


def _edited_at(message: Json) -> float:
    """Seconds since the epoch; 0 for a message that was never edited."""
    ts = text_of(record(message.get("edited")), "ts")
    return float(ts) if is_ts(ts) else 0.0


def _is_persons(message: Json) -> bool:
    written = text_of(message, "subtype") in _WRITTEN and bool(text_of(message, "user"))
    return written and not text_of(message, "bot_id")
