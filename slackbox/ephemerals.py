"""Ephemeral messages: one person sees them, nobody finds them in a history, only a response address changes them.

https://docs.slack.dev/messaging#ephemeral and https://docs.slack.dev/messaging/modifying-messages
"""

from slackbox import messages
from slackbox.box import Box
from slackbox.jsons import Json
from slackbox.workspace import Channel


def shown_to(box: Box, user: str, channel: str | None = None) -> list[Json]:
    """What a person sees of them now, oldest first."""
    return [each for each in box.workspace.ephemerals if each["to"] == user and channel in {None, each["channel"]}]


def find(box: Box, user: str, ts: str) -> Json | None:
    """The ephemeral message with this ts if this person sees it."""
    return next((each for each in shown_to(box, user) if each["ts"] == ts), None)


def post(box: Box, channel: Channel, user: str, content: Json) -> str:
    """Show one from the bot and return its ts.

    Slack takes one for a thread nobody has replied to, but shows it to nobody; that is recorded as a violation.
    """
    thread = content.get("thread_ts")
    if thread is not None and not channel.threads.get(thread):
        box.journal.violation("ephemeral_in_quiet_thread", channel=channel.id, thread_ts=thread, user=user)
        return box.workspace.next_ts()
    return str(messages.show_privately(box, channel, user, messages.bot_body(box, content))["ts"])


def replace(box: Box, shown: Json, content: Json) -> None:
    """Put other content into an ephemeral message that is still on the screen."""
    kept = {name: value for name, value in shown.items() if name not in {"text", "blocks", "attachments"}}
    shown.clear()
    shown.update(kept | content)
    box.feed.publish({"type": "ephemeral", "user": shown["to"], "channel": shown["channel"], "message": dict(shown)})


def remove(box: Box, shown: Json) -> None:
    """Take an ephemeral message off the screen."""
    box.workspace.ephemerals.remove(shown)
    box.feed.publish({"type": "deleted", "channel": shown["channel"], "ts": shown["ts"]})


def forget(box: Box, user: str) -> int:
    """The person's client was reloaded: all of theirs are gone. Returns how many there were."""
    gone = shown_to(box, user)
    for each in gone:
        remove(box, each)
    return len(gone)
