"""What Slack's refusals mean for people, and which of them are worth another try."""

from collections.abc import Generator, Mapping
from contextlib import contextmanager
from typing import Final, cast

import aiohttp
from slack_sdk.errors import SlackApiError

from bot.core.errors import ChatError, ChatUnavailableError
from bot.slack.payload import Json, record, text_of

# Codes that pass by themselves, from the error lists of the method pages at https://docs.slack.dev/reference/methods.
_PASSING: Final = frozenset(
    {
        "accesslimited",
        "fatal_error",
        "internal_error",
        "message_limit_exceeded",
        "rate_limited",
        "ratelimited",
        "request_timeout",
        "service_unavailable",
        "team_added_to_org",
    }
)
_MENDS: Final = {
    "not_in_channel": "Invite the bot: type /invite @aiops in that channel.",
    "channel_not_found": "Check the channel's name or id in aiops.yaml; a private channel must invite the bot first.",
    "is_archived": "Unarchive the channel or name another one in aiops.yaml.",
    "invalid_auth": "SLACK_BOT_TOKEN is not valid for this workspace; copy it again from the app's OAuth page.",
    "not_authed": "SLACK_BOT_TOKEN is empty.",
    "token_revoked": "Reinstall the app and copy the new SLACK_BOT_TOKEN.",
    "account_inactive": "The app was removed from the workspace; reinstall it.",
    "not_allowed_token_type": "A bot token (xoxb-) and an app token (xapp-) have been mixed up.",
    "restricted_action": "A workspace setting forbids posting there; ask an admin or use another channel.",
    "cant_update_message": "The message was posted by somebody else, so it cannot be edited.",
    "message_not_found": "The message was deleted in Slack.",
    "thread_not_found": "The message that the thread hangs under was deleted in Slack.",
    "msg_too_long": "The text is longer than Slack takes.",
    "msg_blocks_too_long": "The blocks are longer than Slack takes.",
}
_RETRY_AFTER_S: Final = 30.0


def refusal_code(error: BaseException | None) -> str:
    """Slack's error code behind an error of ours or its library's; an empty string when Slack gave none."""
    if isinstance(error, ChatError):
        return refusal_code(error.__cause__)
    return text_of(_body(error), "error") if isinstance(error, SlackApiError) else ""


def explain(method: str, error: SlackApiError) -> ChatError:
    """Name the method, Slack's code and how to mend it; ChatUnavailableError when another try may help."""
    code, status = refusal_code(error), _status(error)
    if status == 429 or code in {"ratelimited", "rate_limited"}:
        wait = _retry_after(error)
        return ChatUnavailableError(f"Slack limits {method}; it asks to wait {wait:g} s.", retry_after_s=wait)
    if status >= 500 or not code or code in _PASSING:
        what = f"status {status}" if status >= 500 else code or "an answer that is not JSON"
        return ChatUnavailableError(f"Slack could not answer {method}: {what}.")
    return ChatError(f"Slack refused {method}: {code}. {_mend(code, _body(error))}".rstrip())


@contextmanager
def translated(method: str) -> Generator[None]:
    """Errors of Slack's library and of the network leave as ChatError or ChatUnavailableError."""
    try:
        yield
    except SlackApiError as error:
        raise explain(method, error) from error
    except (TimeoutError, aiohttp.ClientError, OSError) as error:
        raise ChatUnavailableError(f"Slack did not answer {method}: {error or type(error).__name__}.") from error


def _mend(code: str, body: Json) -> str:
    if code == "missing_scope":
        needed, provided = text_of(body, "needed"), text_of(body, "provided")
        return f"Add the scope {needed} in the app's settings and reinstall it; it has {provided or 'none'}."
    if code == "invalid_blocks":
        return f"Slack says: {record(body.get('response_metadata')).get('messages', 'nothing more')}."
    return _MENDS.get(code, "See the method's page at docs.slack.dev for this code.")


def _response(error: SlackApiError) -> object:
    """The library's own response, or aiohttp's when the body was not JSON."""
    return cast("object", error.response)


def _body(error: SlackApiError) -> Json:
    response = _response(error)
    return record(getattr(response, "data", response))


def _status(error: SlackApiError) -> int:
    response = _response(error)
    given = getattr(response, "status_code", None) or getattr(response, "status", None)
    return given if isinstance(given, int) else 0


def _retry_after(error: SlackApiError) -> float:
    headers = cast("Mapping[str, str]", getattr(_response(error), "headers", {}))
    given = next((value for key, value in headers.items() if key.lower() == "retry-after"), "")
    try:
        return max(1.0, float(given))
    except ValueError:
        return _RETRY_AFTER_S
