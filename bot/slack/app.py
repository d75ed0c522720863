"""The Bolt app: every handler parses, calls one flow and answers."""

import logging
import re
import secrets
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from slack_bolt.app.async_app import AsyncApp
from slack_bolt.context.ack.async_ack import AsyncAck
from slack_bolt.context.async_context import AsyncBoltContext
from slack_bolt.response import BoltResponse
from slack_sdk.web.async_client import AsyncWebClient

from bot.core.errors import AiopsError, ChatError
from bot.flows import Flows
from bot.slack.answers import answer
from bot.slack.commands import parse_ask, run_command, triage_message
from bot.slack.events import event_key, event_kind, is_own
from bot.slack.payload import Json, record, records, text_of
from bot.slack.views import replies
from bot.slack.views.hypothesis import RUN_AGAIN
from bot.slack.views.message import Message

_log = logging.getLogger(__name__)
_ANY = re.compile(r".*", re.DOTALL)
Next = Callable[[], Awaitable[BoltResponse]]


def _nothing() -> None:
    return


@dataclass(frozen=True, slots=True, kw_only=True)
class SlackConfig:
    """What the handlers need to know beside the flows."""

    command: str = "/aiops"
    on_stored: Callable[[], None] = _nothing
    """Called when an event has been written down, to wake whoever handles the inbox."""


def build(flows: Flows, *, client: AsyncWebClient, config: SlackConfig) -> AsyncApp:
    """The app, with the flows bound in. Events are acknowledged only once they are stored."""
    app = AsyncApp(
        name="aiops",
        client=client,
        # Socket Mode has no signature to verify; the connection itself is authenticated.
        signing_secret="",
        before_authorize=_remember(flows, client, config),
    )
    app.event(_ANY)(_acknowledged)
    app.command(config.command)(_command(flows, client))
    app.action(RUN_AGAIN)(_run_again(flows))
    app.action(_ANY)(_pressed)
    app.shortcut("triage_message")(_triage_shortcut(flows))
    app.shortcut(_ANY)(_unknown_shortcut)
    app.error(_on_error)
    return app


def _remember(
    flows: Flows, client: AsyncWebClient, config: SlackConfig
) -> Callable[[Json, AsyncBoltContext, Next], Awaitable[BoltResponse]]:
    """Runs before everything else, Bolt's own authorisation included.

    A failure to store raises, Bolt then answers 500, the event is not acknowledged, and Slack delivers it again.
    """

    async def remember_first(body: Json, context: AsyncBoltContext, next_: Next) -> BoltResponse:
        # Bolt makes a client for each request, which would find the environment's proxy again.
        context.client.proxy = client.proxy
        if text_of(body, "type") == "event_callback":
            if is_own(body) or not await flows.remember_event(event_key(body), event_kind(body), body):
                return BoltResponse(status=200)
            config.on_stored()
        return await next_()

    return remember_first


async def _acknowledged() -> None:
    """Every event has been stored already; without a listener Bolt would leave it unacknowledged."""


async def _pressed(ack: AsyncAck) -> None:
    """Buttons that are only links still want an acknowledgement."""
    await ack()


def _command(flows: Flows, client: AsyncWebClient) -> Callable[[AsyncAck, Json], Awaitable[None]]:
    async def on_command(ack: AsyncAck, body: Json) -> None:
        await ack()
        await _tell(body, run_command(flows, client, parse_ask(body)))

    return on_command


def _run_again(flows: Flows) -> Callable[[AsyncAck, Json], Awaitable[None]]:
    async def queue(incident_id: str, user: str) -> Message:
        queued = await flows.run_again(incident_id, user=user)
        return replies.run_again_message(incident_id, queued=queued)

    async def on_run_again(ack: AsyncAck, body: Json) -> None:
        await ack()
        incident_id = next((text_of(action, "value") for action in records(body.get("actions"))), "")
        await _tell(body, queue(incident_id, _user(body)))

    return on_run_again


def _triage_shortcut(flows: Flows) -> Callable[[AsyncAck, Json], Awaitable[None]]:
    async def triage(message: Json, channel: str, user: str) -> Message:
        return replies.triage_started(await triage_message(flows, message, channel=channel, user=user))

    async def on_triage_shortcut(ack: AsyncAck, body: Json) -> None:
        await ack()
        channel = text_of(record(body.get("channel")), "id")
        await _tell(body, triage(record(body.get("message")), channel, _user(body)))

    return on_triage_shortcut


async def _unknown_shortcut(ack: AsyncAck, body: Json) -> None:
    async def refuse() -> Message:
        return replies.said("This version cannot do that yet; nothing was changed.")

    await ack()
    await _tell(body, refuse())


async def _tell(body: Json, work: Awaitable[Message]) -> None:
    """Do what was asked and answer. Nothing may be raised from here to Bolt: it would withdraw the acknowledgement."""
    try:
        await _answer(body, await work)
    # The outermost point of a request; the handler below logs the error and tells the person.
    except Exception as error:  # noqa: BLE001 - see above
        await _on_error(error, body)


async def _on_error(error: Exception, body: Json) -> None:
    """People get a sentence and an id; the log gets the id and the cause."""
    error_id = secrets.token_hex(4)
    _log.error("Slack request failed, error id %s: %s", error_id, error, exc_info=error)
    text = str(error) if isinstance(error, AiopsError) else "Something went wrong here, not in what you typed."
    if not text_of(body, "response_url"):
        return
    try:
        await _answer(body, replies.error_message(text, error_id))
    except ChatError as unanswered:
        _log.warning("The person could not be told of error %s: %s", error_id, unanswered)


async def _answer(body: Json, message: Message) -> None:
    thread_ts = text_of(record(body.get("message")), "thread_ts")
    await answer(text_of(body, "response_url"), message, thread_ts=thread_ts)


def _user(body: Json) -> str:
    return text_of(record(body.get("user")), "id")
