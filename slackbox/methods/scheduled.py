"""chat.scheduleMessage and its kin: messages that wait for their time, by the workspace's clock."""

from slackbox import limits, messages
from slackbox.box import Box
from slackbox.errors import Refusal
from slackbox.jsons import Json
from slackbox.methods.call import Call, Method, page_of
from slackbox.methods.chat import broadcast
from slackbox.methods.compose import compose, destination, thread_parent
from slackbox.workspace import Channel, Scheduled


def methods() -> list[Method]:
    write = ("chat:write",)
    return [
        Method(name="chat.scheduleMessage", run=schedule, scopes=write),
        Method(name="chat.deleteScheduledMessage", run=delete, scopes=write),
        Method(name="chat.scheduledMessages.list", run=list_scheduled),
    ]


def schedule(call: Call) -> Json:
    channel = destination(call)
    post_at = call.whole("post_at", "invalid_time")
    _require_free_time(call, channel, post_at)
    content = compose(call)
    thread = thread_parent(call, channel)
    if thread is not None:
        content["thread_ts"] = thread.ts
        content |= broadcast(thread) if call.flag("reply_broadcast") else {}
    box, workspace = call.box, call.box.workspace
    waiting = Scheduled(
        id=workspace.next_id("Q"),
        channel=channel.id,
        post_at=post_at,
        created=workspace.seconds(),
        content=content,
    )
    delay = post_at - box.clock.now().timestamp()
    waiting.timer = box.clock.call_later(delay, lambda: _send(box, waiting))
    workspace.scheduled[waiting.id] = waiting
    shown = messages.bot_body(box, content) | {"type": "delayed_message"}
    return {"channel": channel.id, "scheduled_message_id": waiting.id, "post_at": post_at, "message": shown}


def delete(call: Call) -> Json:
    channel = call.channel()
    name = call.required("scheduled_message_id", "invalid_scheduled_message_id")
    waiting = call.box.workspace.scheduled.get(name)
    if waiting is None or waiting.channel != channel.id:
        raise Refusal("invalid_scheduled_message_id")
    if waiting.post_at - call.box.clock.now().timestamp() < limits.SCHEDULE_LOCK_SECONDS:
        # Slack does not take a message back in its last minute.
        raise Refusal("invalid_scheduled_message_id")
    if waiting.timer is not None:
        waiting.timer.cancel()
    del call.box.workspace.scheduled[waiting.id]
    return {}


def list_scheduled(call: Call) -> Json:
    wanted = call.optional("channel")
    if wanted is not None and wanted not in call.box.workspace.channels:
        raise Refusal("invalid_channel")
    oldest, latest = _bound(call, "oldest"), _bound(call, "latest")
    rows: list[Json] = [
        {
            "id": each.id,
            "channel_id": each.channel,
            "post_at": each.post_at,
            "date_created": each.created,
            "text": each.content.get("text", ""),
        }
        for each in sorted(call.box.workspace.scheduled.values(), key=lambda each: (each.post_at, each.id))
        if wanted in {None, each.channel}
        and (oldest is None or each.post_at >= oldest)
        and (latest is None or each.post_at <= latest)
    ]
    page, cursor = page_of(rows, call, key="id", default=100, most=limits.LIST_PAGE)
    return {"scheduled_messages": page, "response_metadata": {"next_cursor": cursor}}


def _bound(call: Call, name: str) -> float | None:
    raw = call.optional(name)
    if raw is None:
        return None
    if not raw.replace(".", "", 1).isdigit():
        raise Refusal("invalid_arguments", messages=[f"[ERROR] {name} is not a time [json-pointer:/{name}]"])
    return float(raw)


def _require_free_time(call: Call, channel: Channel, post_at: int) -> None:
    """Raises Refusal time_in_past, time_too_far, or restricted_too_many for a full five minutes."""
    now = call.box.clock.now().timestamp()
    if post_at <= now:
        raise Refusal("time_in_past")
    if post_at > now + limits.SCHEDULE_AHEAD_SECONDS:
        raise Refusal("time_too_far")
    window = post_at // limits.SCHEDULE_WINDOW_SECONDS
    beside = [
        each
        for each in call.box.workspace.scheduled.values()
        if each.channel == channel.id and each.post_at // limits.SCHEDULE_WINDOW_SECONDS == window
    ]
    if len(beside) >= limits.SCHEDULE_PER_WINDOW:
        raise Refusal("restricted_too_many")


def _send(box: Box, waiting: Scheduled) -> None:
    """Its time has come. A channel that was archived or left meanwhile gets nothing, and Slack tells nobody."""
    box.workspace.scheduled.pop(waiting.id, None)
    channel = box.workspace.channels[waiting.channel]
    bot = box.workspace.names.bot_user
    reachable = bot in channel.members or "chat:write.public" in box.manifest.scopes
    parent = waiting.content.get("thread_ts")
    if channel.is_archived or not reachable or (parent and parent not in channel.posts):
        box.journal.violation("scheduled_message_lost", id=waiting.id, channel=channel.id)
        return
    messages.post(box, channel, messages.bot_body(box, waiting.content))
