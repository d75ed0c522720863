"""What people do in modals and in the Home tab: open it, enter values, press, submit, close.

https://docs.slack.dev/surfaces/modals and https://docs.slack.dev/reference/interaction-payloads/view-interactions-payload
"""

import copy
from typing import Any

from slackbox import ephemerals, limits
from slackbox.blocks import validate_view
from slackbox.box import Box
from slackbox.delivery import Answer
from slackbox.elements import Placed, elements_of, find_element, known_actions
from slackbox.errors import Refusal, WorldError, nearest
from slackbox.inputs import Hand, complaints, entered_state, refuse_unknown
from slackbox.interactions import act_on, ask_for_options, asked
from slackbox.jsons import Json, as_object, list_at, object_at, text_at
from slackbox.payloads import TROUBLE, common, interact
from slackbox.workspace import Person

_TYPED = frozenset({"plain_text_input", "email_text_input", "url_text_input", "number_input", "rich_text_input"})


def open_home(box: Box, *, user: str) -> Json:
    """Open the app's Home tab. Raises WorldError when the manifest has none."""
    person = box.workspace.get_person(user)
    if not box.manifest.home_tab:
        raise WorldError("The manifest has the Home tab switched off (features.app_home.home_tab_enabled).")
    home = box.views.screen(person.id).home
    shown = box.views.with_state(person.id, home) if home else None
    box.events.home_opened(person.id, shown)
    return {"view": copy.deepcopy(shown)}


def reload(box: Box, *, user: str) -> Json:
    """The person's client starts anew: modals and ephemeral messages are gone, and the app hears nothing of it."""
    person = box.workspace.get_person(user)
    screen = box.views.screen(person.id)
    screen.chosen.clear()
    screen.offered.clear()
    closed = box.views.close(person.id, everything=True)
    return {"ephemerals": ephemerals.forget(box, person.id), "views": len(closed)}


async def press_in_view(
    box: Box,
    *,
    user: str,
    view_id: str,
    action_id: str,
    block_id: str | None,
    value: Any,
    state: Json,
    confirm: bool = True,
    base: str = "",
) -> Json:
    """Press something in the modal on top or in the Home tab. Returns {acked}, and `url` for a button that opens one."""
    person, view = on_screen(box, user, view_id)
    placed = _element_in(view, action_id, block_id, value)
    hand, screen = _hand(box, person, view, base), box.views.screen(person.id)
    entered = entered_state(hand, view, screen.entered[view["id"]], state)
    action = act_on(hand, placed, value, entered)
    if not asked(placed, confirm):
        return {"acked": False, "declined": True}
    box.views.enter(person.id, view["id"], entered)
    return await _send_action(box, person, view, action)


async def fill(box: Box, *, user: str, view_id: str, values: Json, base: str = "") -> Json:
    """Enter values, {block_id: {action_id: value}}, without submitting. Returns {acked, sent, state}.

    What tells the app at once does so here, one after the other: menus outside inputs, inputs with `dispatch_action`
    (texts only when they dispatch on_character_entered; otherwise a press stands for the Enter key).
    """
    person, view = on_screen(box, user, view_id)
    refuse_unknown(view, values)
    hand, screen = _hand(box, person, view, base), box.views.screen(person.id)
    box.views.enter(person.id, view["id"], entered_state(hand, view, screen.entered[view["id"]], values))
    telling = [each for each in elements_of(view) if each.action_id in object_at(values, each.block_id)]
    answers: list[bool] = []
    for placed in telling:
        if _tells_while_entering(placed):
            entry = object_at(object_at(screen.entered.get(view["id"], {}), placed.block_id), placed.action_id)
            action = {"action_id": placed.action_id, "block_id": placed.block_id, **copy.deepcopy(entry)}
            answers.append((await _send_action(box, person, view, action))["acked"])
    state = copy.deepcopy(screen.entered.get(view["id"], {}))
    return {"acked": all(answers), "sent": len(answers), "state": {"values": state}}


async def suggest_in_view(
    box: Box, *, user: str, view_id: str, action_id: str, query: str = "", block_id: str | None = None
) -> Json:
    """Type in a menu of a view whose options come from the app. Returns {acked, sent, options, option_groups}."""
    person, view = on_screen(box, user, view_id)
    placed = _element_in(view, action_id, block_id, None)
    payload = common(box, person, "block_suggestion") | {
        "container": {"type": "view", "view_id": view["id"]},
        "view": box.views.with_state(person.id, view),
    }
    return await ask_for_options(box, payload, placed, query, key=view["id"], user=person.id)


async def submit(box: Box, *, user: str, view_id: str, values: Json, base: str = "") -> Json:
    """Submit the modal on top. Returns {acked, errors, failure, view}.

    What Slack's client refuses (required, too short, no number) is in `errors` and nothing is sent. `failure` is the line
    a person sees when the app did not answer, or not with something Slack can use. `view` is what is open then.
    """
    person, view = on_screen(box, user, view_id)
    if view["type"] != "modal" or not view.get("submit"):
        raise WorldError(f"View {view_id!r} has no Submit button.")
    refuse_unknown(view, values)
    hand, screen = _hand(box, person, view, base), box.views.screen(person.id)
    entered = entered_state(hand, view, screen.entered[view["id"]], values)
    box.views.enter(person.id, view["id"], entered)
    wrong = complaints(view, entered)
    if wrong:
        return _submitted(acked=False, view=view, errors=wrong)
    payload: Json = common(box, person, "view_submission") | {
        "trigger_id": box.permits.trigger(person.id, over_view=view["id"], channel=screen.origins.get(view["id"])),
        "view": box.views.with_state(person.id, view),
        "response_urls": _response_urls(box, base, person, view, entered),
    }
    answer = await box.delivery.ask("interactive", payload, accepts_response=True)
    if not answer.acked:
        return _submitted(acked=False, view=view, failure=TROUBLE)
    return _after_submission(box, person, view, answer)


async def close_view(box: Box, *, user: str, view_id: str, everything: bool = False) -> Json:
    """Dismiss the modal on top with its Cancel button, or the whole stack with the X (`everything`).

    `clear_on_close` makes Cancel close the whole stack too. The bot hears of those views that ask for it.
    """
    person, view = on_screen(box, user, view_id)
    if view["type"] != "modal":
        raise WorldError("The Home tab cannot be closed.")
    cleared = everything or bool(view.get("clear_on_close"))
    told = [each for each in box.views.close(person.id, everything=cleared) if each.get("notify_on_close")]
    acked = True
    for each in told:
        payload = common(box, person, "view_closed") | {"view": each, "is_cleared": cleared}
        acked = (await interact(box, payload))["acked"] and acked
    return {"acked": acked}


def on_screen(box: Box, user: str, view_id: str) -> tuple[Person, Json]:
    """A view that this person sees: the modal on top or the Home tab. Raises WorldError."""
    person = box.workspace.get_person(user)
    screen = box.views.screen(person.id)
    view = next((each for each in screen.views if each["id"] == view_id), None)
    if view is None:
        raise WorldError(f"{user} has no open view {view_id!r}. {nearest(view_id, [v['id'] for v in screen.views])}")
    if view["type"] == "modal" and view is not screen.stack[-1]:
        raise WorldError(f"View {view_id!r} is covered by {screen.stack[-1]['id']!r}; only the one on top can be used.")
    return person, view


def _hand(box: Box, person: Person, view: Json, base: str) -> Hand:
    offered = box.views.screen(person.id).offered.get(view["id"], {})
    return Hand(workspace=box.workspace, person=person, offered=offered, base=base)


def _element_in(view: Json, action_id: str, block_id: str | None, value: Any) -> Placed:
    placed = find_element(view, action_id, block_id, value)
    if placed is None:
        raise WorldError(
            f"There is no {action_id!r} to press in view {view['id']}. {nearest(action_id, known_actions(view))}"
        )
    return placed


def _tells_while_entering(placed: Placed) -> bool:
    if not placed.is_live or placed.kind not in _TYPED:
        return placed.is_live
    return "on_character_entered" in list_at(object_at(placed.element, "dispatch_action_config"), "trigger_actions_on")


async def _send_action(box: Box, person: Person, view: Json, action: Json) -> Json:
    over = view["id"] if view["type"] == "modal" else None
    origin = box.views.screen(person.id).origins.get(view["id"])
    payload = common(box, person, "block_actions") | {
        "container": {"type": "view", "view_id": view["id"]},
        "trigger_id": box.permits.trigger(person.id, over_view=over, channel=origin),
        "view": box.views.with_state(person.id, view),
        "actions": [action | {"action_ts": box.workspace.next_ts()}],
    }
    return await interact(box, payload) | ({"url": action["url"]} if "url" in action else {})


def _response_urls(box: Box, base: str, person: Person, view: Json, entered: Json) -> list[Json]:
    """One address for each chosen conversation whose menu asks for it with `response_url_enabled`."""
    urls: list[Json] = []
    for placed in elements_of(view):
        entry = object_at(object_at(entered, placed.block_id), placed.action_id)
        channel = entry.get("selected_conversation") or entry.get("selected_channel")
        if channel and placed.is_input and placed.element.get("response_url_enabled"):
            url = box.permits.response_url(base, user=person.id, channel=channel)
            where = {"block_id": placed.block_id, "action_id": placed.action_id}
            urls.append(where | {"channel_id": channel, "response_url": url})
    return urls


def _submitted(*, acked: bool, view: Json | None, errors: Json | None = None, failure: str | None = None) -> Json:
    return {"acked": acked, "errors": errors or {}, "failure": failure, "view": copy.deepcopy(view)}


def _after_submission(box: Box, person: Person, view: Json, answer: Answer) -> Json:
    """Act on response_action. What Slack cannot use is a violation, and the person sees that something went wrong."""
    action, payload = text_at(answer.payload, "response_action"), answer.payload
    if not payload or action == "clear":
        if action == "clear":
            box.views.close(person.id, everything=True)
        else:
            box.views.drop(person.id, view["id"])
        stack = box.views.screen(person.id).stack
        return _submitted(acked=True, view=stack[-1] if stack else None)
    if action == "errors":
        return _show_errors(box, view, object_at(payload, "errors"))
    if action in {"update", "push"}:
        return _show_next(box, person, view, action, as_object(payload.get("view")) or {})
    box.journal.violation("unknown_response_action", action=payload.get("response_action"), payload=payload)
    return _submitted(acked=True, view=view, failure=TROUBLE)


def _show_errors(box: Box, view: Json, errors: Json) -> Json:
    """Errors stand under inputs, so each must name the block of one."""
    inputs = {block["block_id"] for block in view["blocks"] if block.get("type") == "input"}
    wrong = [name for name, words in errors.items() if name not in inputs or not isinstance(words, str)]
    for name in wrong:
        box.journal.violation("error_for_unknown_block", block_id=name)
    if not errors:
        box.journal.violation("no_errors_in_ack", view_id=view["id"])
    if wrong or not errors:
        return _submitted(acked=True, view=view, failure=TROUBLE)
    return _submitted(acked=True, view=view, errors=errors)


def _show_next(box: Box, person: Person, view: Json, action: str, definition: Json) -> Json:
    problems = validate_view(definition, "modal")
    if problems:
        box.journal.violation("invalid_view_in_ack", problems=problems)
        return _submitted(acked=True, view=view, failure=TROUBLE)
    try:
        if action == "update":
            shown = box.views.update(box.views.find(view["id"]), definition)
        else:
            shown = box.views.push(person.id, definition, over=view["id"])
    except Refusal as refusal:
        box.journal.violation("view_in_ack_refused", code=refusal.code, stack=limits.VIEW_STACK)
        return _submitted(acked=True, view=view, failure=TROUBLE)
    return _submitted(acked=True, view=shown)
