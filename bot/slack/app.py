"""The Bolt app: every handler parses, calls one flow and answers."""

import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from slack_bolt.app.async_app import AsyncApp
from slack_bolt.context.ack.async_ack import AsyncAck
from slack_bolt.context.async_context import AsyncBoltContext
from slack_bolt.response import BoltResponse
from slack_sdk.web.async_client import AsyncWebClient

from bot.core.posts import DigestDetails
from bot.flows import Acting, Flows
from bot.flows.learning.labels import Labels
from bot.flows.learning.reports import Reports
from bot.slack.approvals import ApprovalHandlers
from bot.slack.commands import parse_ask, run_command, triage_message
from bot.slack.events import event_key, event_kind, is_own
from bot.slack.outcomes import OutcomeHandlers
from bot.slack.payload import Json, record, records, text_of
from bot.slack.runbooks import RunbookHandlers
from bot.slack.tell import Teller, user_of
from bot.slack.views import replies
from bot.slack.views.digest import VIEW_DETAILS, details_message
from bot.slack.views.fallback import plain_variant
from bot.slack.views.hypothesis import CLOSE_INCIDENT, RUN_AGAIN
from bot.slack.views.message import Message

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


def build(
    flows: Flows, acting: Acting, labels: Labels, reports: Reports, *, client: AsyncWebClient, config: SlackConfig
) -> AsyncApp:
    """The app, with the flows bound in. Events are acknowledged only once they are stored."""
    teller = Teller()
    app = AsyncApp(
        name="aiops",
        client=client,
        # Socket Mode has no signature to verify; the connection itself is authenticated.
        signing_secret="",
        before_authorize=_remember(flows, client, config),
    )
    app.event(_ANY)(_acknowledged)
    app.command(config.command)(_command(flows, acting, reports, client, teller))
    app.action(RUN_AGAIN)(_run_again(flows, teller))
    app.action(CLOSE_INCIDENT)(_close(flows, teller))
    app.action(VIEW_DETAILS)(_digest_details(reports, teller))
    ApprovalHandlers(acting, client=client, teller=teller).register(app)
    RunbookHandlers(acting, client=client, teller=teller).register(app)
    OutcomeHandlers(labels, client=client, teller=teller).register(app)
    app.action(_ANY)(_pressed)
    app.view(_ANY)(_pressed)
    app.shortcut("triage_message")(_triage_shortcut(flows, teller))
    app.shortcut(_ANY)(_unknown_shortcut(teller))
    app.error(teller.on_error)
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


def _command(
    flows: Flows, acting: Acting, reports: Reports, client: AsyncWebClient, teller: Teller
) -> Callable[[AsyncAck, Json], Awaitable[None]]:
    async def on_command(ack: AsyncAck, body: Json) -> None:
        await ack()
        await teller.tell(body, run_command(flows, acting, reports, client, parse_ask(body)))

    return on_command


def _run_again(flows: Flows, teller: Teller) -> Callable[[AsyncAck, Json], Awaitable[None]]:
    async def queue(incident_id: str, user: str) -> Message:
        queued = await flows.run_again(incident_id, user=user)
        return replies.run_again_message(incident_id, queued=queued)

    async def on_run_again(ack: AsyncAck, body: Json) -> None:
        await ack()
        incident_id = next((text_of(action, "value") for action in records(body.get("actions"))), "")
        await teller.tell(body, queue(incident_id, user_of(body)))

    return on_run_again


def _close(flows: Flows, teller: Teller) -> Callable[[AsyncAck, Json], Awaitable[None]]:
    async def close(incident_id: str, user: str) -> Message:
        return replies.close_message(incident_id, closed=await flows.close(incident_id, user=user, reason=""))

    async def on_close(ack: AsyncAck, body: Json) -> None:
        await ack()
        incident_id = next((text_of(action, "value") for action in records(body.get("actions"))), "")
        await teller.tell(body, close(incident_id, user_of(body)))

    return on_close


def _digest_details(reports: Reports, teller: Teller) -> Callable[[AsyncAck, Json], Awaitable[None]]:
    """What stands in the digest's thread, for whoever asks, with the labels as they are known now."""

    async def details(week: str) -> Message:
        # An answer has no second try, so it is given in blocks that every workspace takes.
        return plain_variant(details_message(DigestDetails(digest=await reports.digest(week))))

    async def on_details(ack: AsyncAck, body: Json) -> None:
        await ack()
        week = next((text_of(action, "value") for action in records(body.get("actions"))), "")
        await teller.tell(body, details(week))

    return on_details


def _triage_shortcut(flows: Flows, teller: Teller) -> Callable[[AsyncAck, Json], Awaitable[None]]:
    async def triage(message: Json, channel: str, user: str) -> Message:
        return replies.triage_started(await triage_message(flows, message, channel=channel, user=user))

    async def on_triage_shortcut(ack: AsyncAck, body: Json) -> None:
        await ack()
        channel = text_of(record(body.get("channel")), "id")
        await teller.tell(body, triage(record(body.get("message")), channel, user_of(body)))

    return on_triage_shortcut


def _unknown_shortcut(teller: Teller) -> Callable[[AsyncAck, Json], Awaitable[None]]:
    async def refuse() -> Message:
        return replies.said("This version cannot do that yet; nothing was changed.")

    async def on_unknown_shortcut(ack: AsyncAck, body: Json) -> None:
        await ack()
        await teller.tell(body, refuse())

    return on_unknown_shortcut
