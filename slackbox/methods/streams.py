"""chat.startStream, appendStream, stopStream: a message that grows while it is written.

Slack closes a stream after half a minute without a piece and after five minutes in all; neither is documented.
"""

from slackbox import limits, messages
from slackbox.blocks import validate_blocks
from slackbox.box import Box
from slackbox.content import read_content, with_block_ids
from slackbox.errors import Refusal, WorldError
from slackbox.jsons import Json
from slackbox.methods.call import Call, Method
from slackbox.methods.compose import destination, require_own, thread_parent
from slackbox.streaming import DISPLAYS, State, Stream
from slackbox.workspace import Channel, Post

SESSION_STATUSES = frozenset({"active", "processing", "suspended", "closed"})


def methods() -> list[Method]:
    write = ("chat:write",)
    return [
        Method(name="chat.startStream", run=start, scopes=write, tier=2),
        Method(name="chat.appendStream", run=append, scopes=write, tier=4),
        Method(name="chat.stopStream", run=stop, scopes=write, tier=2),
    ]


def start(call: Call) -> Json:
    channel = destination(call)
    call.required("thread_ts")
    thread = thread_parent(call, channel)
    if not channel.is_im:
        _require_recipient(call)
    display = call.optional("task_display_mode") or "timeline"
    if display not in DISPLAYS:
        raise Refusal(
            "invalid_arguments", messages=["[ERROR] must be timeline or plan [json-pointer:/task_display_mode]"]
        )
    stream = Stream(display=display)
    _take(call, stream)
    thread_ts = thread.ts if thread else None
    body = messages.bot_body(call.box, {"thread_ts": thread_ts, **_shown(stream), "streaming_state": "in_progress"})
    post = messages.post(call.box, channel, body)
    call.box.workspace.streams[channel.id, post.ts] = stream
    _watch(call.box, channel, post, stream)
    stream.life = call.box.clock.call_later(
        limits.STREAM_LIFE_SECONDS, lambda: _expire(call.box, channel, post, stream, "life")
    )
    return {"channel": channel.id, "ts": post.ts}


def append(call: Call) -> Json:
    channel, post, stream = _open(call)
    if not _take(call, stream):
        raise Refusal("no_text")
    messages.refresh(call.box, post, post.body | _shown(stream))
    _watch(call.box, channel, post, stream)
    return {"channel": channel.id, "ts": post.ts}


def stop(call: Call) -> Json:
    """The last piece, and what stands under the finished message: blocks and metadata."""
    channel, post, stream = _open(call)
    status = call.optional("session_status")
    if status is not None and status not in SESSION_STATUSES:
        raise Refusal("invalid_arguments", messages=["[ERROR] unknown status [json-pointer:/session_status]"])
    last = _last_part(call)
    _take(call, stream)
    blocks = [*stream.blocks(), *last.pop("blocks", [])]
    problems = validate_blocks(blocks)
    if problems:
        raise Refusal("invalid_blocks", messages=problems)
    _end(call.box, channel, post, stream, "completed", {"blocks": blocks} | last)
    return {"channel": channel.id, "ts": post.ts, "message": call.box.workspace.render(post)}


def stop_by_person(box: Box, channel: Channel, ts: str) -> None:
    """A person stops a message that is being streamed. Raises WorldError when it is not."""
    stream = box.workspace.streams.get((channel.id, ts))
    if stream is None or stream.state != "open":
        raise WorldError(f"Message {ts} in {channel.name} is not being streamed.")
    _end(box, channel, channel.posts[ts], stream, "stopped_by_user", {})


def is_open(call: Call, channel: Channel, post: Post) -> bool:
    """Whether a message is still being streamed, so that it can be neither updated nor deleted."""
    stream = call.box.workspace.streams.get((channel.id, post.ts))
    return stream is not None and stream.state == "open"


def _require_recipient(call: Call) -> None:
    """Outside direct messages a stream is for one person, who must be named."""
    if not call.box.options.channel_streams:
        raise Refusal("channel_type_not_supported")
    team = call.required("recipient_team_id", "missing_recipient_team_id")
    user = call.required("recipient_user_id", "missing_recipient_user_id")
    if user not in call.box.workspace.people:
        raise Refusal("user_not_found")
    if team != call.box.workspace.names.team:
        raise Refusal("team_not_found")


def _take(call: Call, stream: Stream) -> bool:
    """Add the pieces of this call. Markdown is checked like any message's."""
    text = call.args.get("markdown_text")
    if text and not call.args.get("chunks"):
        read_content(call.box, {"markdown_text": text}, method=call.method)
    return stream.take(call.args)


def _last_part(call: Call) -> Json:
    """Blocks and metadata of the finished message; its text is what was streamed."""
    given = {name: call.args[name] for name in ("blocks", "metadata") if call.args.get(name) is not None}
    content = read_content(call.box, {"text": "streamed", **given}, method=call.method)
    del content["text"]
    return content | ({"blocks": with_block_ids(call.box, content["blocks"])} if content.get("blocks") else {})


def _open(call: Call) -> tuple[Channel, Post, Stream]:
    channel = call.channel()
    if channel.is_archived:
        raise Refusal("is_archived")
    post = require_own(call, channel, "message_not_in_streaming_state")
    stream = call.box.workspace.streams.get((channel.id, post.ts))
    if stream is not None and stream.state == "stopped_by_user":
        raise Refusal("stopped_by_user")
    if stream is None or stream.state != "open":
        raise Refusal("message_not_in_streaming_state")
    return channel, post, stream


def _watch(box: Box, channel: Channel, post: Post, stream: Stream) -> None:
    if stream.idle is not None:
        stream.idle.cancel()
    stream.idle = box.clock.call_later(limits.STREAM_IDLE_SECONDS, lambda: _expire(box, channel, post, stream, "idle"))


def _shown(stream: Stream) -> Json:
    return {"text": stream.text, "blocks": stream.blocks()}


def _expire(box: Box, channel: Channel, post: Post, stream: Stream, why: str) -> None:
    """Slack leaves a message that looks broken and tells nobody; a test should hear of it."""
    if stream.state == "open":
        box.journal.violation("stream_expired", channel=channel.id, ts=post.ts, limit=why)
        _end(box, channel, post, stream, "expired", {})


def _end(box: Box, channel: Channel, post: Post, stream: Stream, state: State, last: Json) -> None:
    stream.end(state)
    outcome = {"streaming_state": "errored" if state == "expired" else "completed"}
    messages.edit(box, channel, post, post.body | _shown(stream) | outcome | last)
