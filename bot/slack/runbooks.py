"""The form that starts a runbook, and what its submission does."""

import json
import logging

from slack_bolt.app.async_app import AsyncApp
from slack_bolt.context.ack.async_ack import AsyncAck
from slack_sdk.web.async_client import AsyncWebClient

from bot.core.errors import AiopsError, NotFoundError, PayloadError
from bot.core.runbook import Runbook
from bot.flows import Acting, Flows
from bot.flows.acting.start import RunWish
from bot.slack.approvals import entered
from bot.slack.payload import Json, record, text_of
from bot.slack.problems import translated
from bot.slack.tell import Teller, user_of
from bot.slack.views import runbook as view
from bot.slack.views.modal import told
from bot.slack.views.text import Mrkdwn, code, with_people

_log = logging.getLogger(__name__)


async def open_runbook_form(
    flows: Flows, acting: Acting, client: AsyncWebClient, *, name: str, trigger_id: str, channel: str
) -> None:
    """Show the form of a runbook. Raises NotFoundError with the names that there are."""
    found = runbook_named(acting, name)
    incidents = await flows.list_incidents(25, True)
    defaults = await acting.parameters(found, incidents[0].id if incidents else "")
    level = await acting.level(found)
    form = view.runbook_form(found, level=level, incidents=incidents, defaults=defaults, channel=channel)
    with translated("views.open"):
        await client.views_open(trigger_id=trigger_id, view=dict(form))


def runbook_named(acting: Acting, name: str) -> Runbook:
    """By id. Raises NotFoundError; PayloadError for one that only people may follow."""
    runbooks = acting.runbooks()
    found = next((one for one in runbooks if one.id == name.strip().lower()), None)
    if found is None:
        known = ", ".join(one.id for one in runbooks if one.ai_executable) or "none"
        raise NotFoundError(f"There is no runbook {name.strip()[:80]!r}. Those that can be started: {known}.")
    if not found.ai_executable:
        raise PayloadError(f"The runbook {found.id} is not AI-executable; a person has to follow it.")
    return found


class RunbookHandlers:
    """Takes the submitted form."""

    def __init__(self, acting: Acting, *, client: AsyncWebClient, teller: Teller) -> None:
        self._acting = acting
        self._client = client
        self._teller = teller

    def register(self, app: AsyncApp) -> None:
        """Bind to Bolt."""
        app.view(view.RUNBOOK_FORM)(self._on_submit)

    async def _on_submit(self, ack: AsyncAck, body: Json) -> None:
        """Wrong values are shown at their inputs; nothing is planned then."""
        shown = record(body.get("view"))
        try:
            held = record(json.loads(text_of(shown, "private_metadata") or "{}"))
            found = runbook_named(self._acting, text_of(held, "runbook"))
            given = {one.name: _value(shown, f"{view.PARAMETER}{one.name}") for one in found.parameters}
            problems = await self._acting.check(found, _incident(shown), given)
            if problems:
                errors = {f"{view.PARAMETER}{name}": why[:150] for name, why in problems.items()}
                await ack(response_action="errors", errors=errors)
                return
            started = await self._acting.start_run(
                RunWish(
                    runbook=found.id,
                    user=user_of(body),
                    channel=text_of(held, "channel"),
                    incident_id=_incident(shown),
                    reason=entered(shown, view.REASON),
                    parameters=given,
                )
            )
        except (AiopsError, ValueError) as error:
            _log.warning("a runbook could not be started: %s", error, exc_info=error)
            text = str(error) if isinstance(error, AiopsError) else "This form cannot be read; open it again."
            await ack(response_action="update", view=dict(told("Not started", with_people(text, 1_000))))
            return
        if not started.run_id:
            text = Mrkdwn(f"This runbook is being followed for {code(started.incident_id, 40)} already.")
            await ack(response_action="update", view=dict(told("Not started", text)))
            return
        await ack()


def _incident(shown: Json) -> str:
    chosen = _value(shown, view.INCIDENT)
    return "" if chosen == view.NEW_INCIDENT else chosen


def _value(shown: Json, block_id: str) -> str:
    """What one input holds: its text, or its chosen option."""
    block = record(record(record(shown.get("state")).get("values")).get(block_id))
    for element in block.values():
        held = record(element)
        return text_of(record(held.get("selected_option")), "value") or text_of(held, "value")
    return ""
