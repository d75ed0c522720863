"""Slack's events: which is which, and under which name one is remembered."""

from bot.slack.payload import Json, is_ts, record, records, text_of

_CHANGED = "message_changed"
_ABOUT_OTHER_MESSAGES = frozenset({_CHANGED, "message_deleted", "message_replied"})


def event_of(body: Json) -> Json:
    """The event inside an event_callback."""
    return record(body.get("event"))


def event_kind(body: Json) -> str:
    """`message`, `message.bot_message`, `app_mention`, …"""
    event = event_of(body)
    return ".".join(filter(None, (text_of(event, "type"), text_of(event, "subtype")))) or "unknown"


def event_key(body: Json) -> str:
    """The name an event is remembered by, the same for every way it can reach us.

    A message is known by channel and ts, so that an event, its redelivery and the channel's history are one; an edit adds
    the ts of the edit. Anything else has Slack's event_id, which is stable over redeliveries.
    """
    event = event_of(body)
    channel, subtype = text_of(event, "channel"), text_of(event, "subtype")
    message = record(event.get("message")) if subtype == _CHANGED else event
    usable = text_of(event, "type") == "message" and (subtype == _CHANGED or subtype not in _ABOUT_OTHER_MESSAGES)
    ts, edited = text_of(message, "ts"), text_of(record(message.get("edited")), "ts")
    if usable and channel and is_ts(ts) and (edited or subtype != _CHANGED):
        return f"message:{channel}:{ts}:{edited}" if edited else f"message:{channel}:{ts}"
    return f"event:{text_of(body, 'event_id')}"


def is_own(body: Json) -> bool:
    """Whether the bot itself caused the event: its own posts and edits come back as events."""
    bot = next((text_of(each, "user_id") for each in records(body.get("authorizations"))), "")
    event = event_of(body)
    authors = {text_of(event, "user")} | {
        text_of(record(event.get(key)), "user") for key in ("message", "previous_message")
    }
    return bool(bot) and bot in authors


def changed_message(event: Json) -> tuple[Json, Json]:
    """The message that an event is about as it reads now, and as it read before an edit (empty when it is new)."""
    if text_of(event, "subtype") == _CHANGED:
        return record(event.get("message")), record(event.get("previous_message"))
    return ({}, {}) if text_of(event, "subtype") in _ABOUT_OTHER_MESSAGES else (event, {})


def history_body(channel: str, message: Json) -> Json:
    """A message of a channel's history in the form of the event that should have told of it."""
    ts = text_of(message, "ts")
    event = {**message, "type": "message", "channel": channel}
    return {"type": "event_callback", "event_id": f"history:{channel}:{ts}", "event": event}
