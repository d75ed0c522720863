"""The words after /aiops."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace

from slack_sdk.web.async_client import AsyncWebClient

from bot.core.alert import Anchor
from bot.core.text import clean, clip
from bot.flows import Acting, Flows
from bot.flows.learning.reports import Reports
from bot.slack.alertmessages import parse_alert_message
from bot.slack.links import find_permalink, read_message
from bot.slack.payload import Json, text_of, with_addresses, words_of
from bot.slack.runbooks import open_runbook_form
from bot.slack.views import replies
from bot.slack.views.digest import digest_asked
from bot.slack.views.message import Message
from bot.slack.views.runbook import runbook_list, runs_message
from bot.slack.views.similar import similar_found

_TEXT_LIMIT = 4_000
_RUNS = 15


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """A slash command as somebody typed it."""

    command: str
    verb: str
    rest: str
    channel: str
    user: str
    trigger_id: str = ""


def parse_ask(body: Json) -> Ask:
    """Read a command permissively: any white space, any case, an optional colon after the verb."""
    text = clean(with_addresses(text_of(body, "text"))).strip()
    verb, rest = (*text.split(maxsplit=1), "", "")[:2]
    return Ask(
        command=text_of(body, "command"),
        verb=verb.lower().strip(":").strip(),
        rest=clip(rest.strip(), _TEXT_LIMIT),
        channel=text_of(body, "channel_id"),
        user=text_of(body, "user_id"),
        trigger_id=text_of(body, "trigger_id"),
    )


async def run_command(
    flows: Flows, acting: Acting, reports: Reports, client: AsyncWebClient, ask: Ask
) -> Message | None:
    """Do what was asked and return the ephemeral answer, if there is one. Raises AiopsError with words for the person."""
    verbs: Mapping[str, Callable[[], Awaitable[Message | None]]] = {
        "triage": lambda: _triage(flows, client, ask),
        "similar": lambda: _similar(flows, ask),
        "status": lambda: _status(flows),
        "runbook": lambda: _runbook(flows, acting, client, ask),
        "runs": lambda: _runs(acting),
        "digest": lambda: _digest(reports, ask),
        "pause": lambda: _pause(acting, ask),
        "resume": lambda: _resume(acting, ask),
    }
    chosen = verbs.get(ask.verb)
    if chosen is not None:
        return await chosen()
    return replies.help_message(ask.command, "" if ask.verb in {"", "help", "?"} else ask.verb)


async def triage_message(flows: Flows, message: Json, *, channel: str, user: str) -> str:
    """Investigate an existing message, with the answer in its thread; returns the incident's id.

    An Alertmanager message is taken in as the alert that it is, anything else as a person's words.
    """
    delivery = parse_alert_message(channel, message)
    if delivery is not None:
        incidents = await flows.receive(replace(delivery, requested_by=user))
        if incidents:
            return incidents[0]
    anchor = Anchor(channel=channel, ts=text_of(message, "thread_ts") or text_of(message, "ts"))
    return await flows.start_triage(
        clip(clean(words_of(message)), _TEXT_LIMIT), channel=channel, user=user, anchor=anchor
    )


async def _triage(flows: Flows, client: AsyncWebClient, ask: Ask) -> Message:
    if not ask.rest:
        return replies.usage_message(ask.command, "triage", "<text or link>")
    linked = find_permalink(ask.rest)
    if linked is not None:
        message = await read_message(client, *linked)
        incident_id = await triage_message(flows, message, channel=linked[0].channel, user=ask.user)
    else:
        incident_id = await flows.start_triage(ask.rest, channel=ask.channel, user=ask.user)
    return replies.triage_started(incident_id)


async def _similar(flows: Flows, ask: Ask) -> Message:
    if not ask.rest:
        return replies.usage_message(ask.command, "similar", "<text>")
    return similar_found(await flows.similar(ask.rest))


async def _status(flows: Flows) -> Message:
    return replies.status_message(await flows.status())


async def _runbook(flows: Flows, acting: Acting, client: AsyncWebClient, ask: Ask) -> Message | None:
    """Open the form. No slash command acts by itself: the form plans a run, and its writes still ask."""
    if not ask.rest:
        return runbook_list(acting.runbooks(), ask.command)
    await open_runbook_form(flows, acting, client, name=ask.rest, trigger_id=ask.trigger_id, channel=ask.channel)
    return None


async def _runs(acting: Acting) -> Message:
    return runs_message(await acting.runs(_RUNS))


async def _digest(reports: Reports, ask: Ask) -> Message:
    return digest_asked(await reports.post_now(ask.channel, ask.user))


async def _pause(acting: Acting, ask: Ask) -> Message:
    return replies.spoken((await acting.pause(ask.user, ask.rest)).text)


async def _resume(acting: Acting, ask: Ask) -> Message:
    return replies.spoken((await acting.resume(ask.user, ask.rest)).text)
