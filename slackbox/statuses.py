"""The line under a thread that says what the app is doing. It goes when the app replies, or after two minutes."""

from slackbox import limits
from slackbox.box import Box
from slackbox.jsons import Json


def show(box: Box, channel: str, thread_ts: str, status: str, loading: list[str]) -> None:
    """Set the line; an empty status takes it away."""
    if not status:
        clear(box, channel, thread_ts)
        return
    stamp = box.workspace.next_ts()
    shown: Json = {"status": status, "loading_messages": loading, "status_ts": stamp}
    box.workspace.assistant.setdefault((channel, thread_ts), {}).update(shown)
    _publish(box, channel, thread_ts, status)

    def expire() -> None:
        if box.workspace.assistant[channel, thread_ts].get("status_ts") == stamp:
            clear(box, channel, thread_ts)

    box.clock.call_later(limits.STATUS_SECONDS, expire)


def clear(box: Box, channel: str, thread_ts: str) -> None:
    """Take the line away; nothing happens when there is none."""
    known = box.workspace.assistant.get((channel, thread_ts))
    if known is not None and known.pop("status", ""):
        known.pop("loading_messages", None)
        known.pop("status_ts", None)
        _publish(box, channel, thread_ts, "")


def _publish(box: Box, channel: str, thread_ts: str, status: str) -> None:
    box.feed.publish({"type": "status", "channel": channel, "thread_ts": thread_ts, "status": status})
