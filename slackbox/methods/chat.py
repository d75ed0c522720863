"""chat.*: posting, editing and deleting the bot's messages."""

import copy
from datetime import timedelta

from slackbox import ephemerals, limits, messages
from slackbox.content import require_something
from slackbox.errors import Refusal
from slackbox.jsons import Json
from slackbox.methods import streams
from slackbox.methods.call import Call, Method, moment
from slackbox.methods.compose import compose, content_of, destination, require_own, thread_parent
from slackbox.workspace import Channel, Post


def methods() -> list[Method]:
    write = ("chat:write",)
    return [
        Method(name="chat.postMessage", run=post_message, scopes=write, tier=0),
        Method(name="chat.update", run=update, scopes=write),
        Method(name="chat.delete", run=delete, scopes=write),
        Method(name="chat.postEphemeral", run=post_ephemeral, scopes=write, tier=4),
        Method(name="chat.getPermalink", run=get_permalink, tier=0),
    ]


def post_message(call: Call) -> Json:
    channel = destination(call)
    content = compose(call)
    thread = thread_parent(call, channel)
    if thread is not None:
        content["thread_ts"] = thread.ts
        if call.flag("reply_broadcast"):
            content |= broadcast(thread)
    post = messages.post(call.box, channel, messages.bot_body(call.box, content))
    shown = call.box.workspace.render(post, metadata=True)
    return {"channel": channel.id, "ts": post.ts, "message": shown}


def broadcast(thread: Post) -> Json:
    """What makes a reply one that is also sent to the channel."""
    root = {name: value for name, value in thread.body.items() if name != "metadata"}
    return {"subtype": "thread_broadcast", "root": copy.deepcopy(root)}


def update(call: Call) -> Json:
    channel = call.channel()
    if channel.is_archived:
        raise Refusal("is_inactive")
    post = require_own(call, channel, "cant_update_message")
    if streams.is_open(call, channel, post):
        raise Refusal("streaming_state_conflict")
    _require_open_window(call, post)
    if len(str(call.args.get("text") or "")) > limits.UPDATE_TEXT:
        raise Refusal("msg_too_long")
    body = _revised(call, channel, post)
    require_something(body)
    if not body.get("blocks"):
        body["edited"] = {"user": call.box.workspace.names.bot_user, "ts": call.box.workspace.next_ts()}
    messages.edit(call.box, channel, post, body)
    shown = call.box.workspace.render(post, metadata=True)
    return {"channel": channel.id, "ts": post.ts, "text": post.body.get("text", ""), "message": shown}


def delete(call: Call) -> Json:
    channel = call.channel()
    post = require_own(call, channel, "cant_delete_message")
    if streams.is_open(call, channel, post):
        raise Refusal("cant_delete_message")
    messages.delete(call.box, channel, post)
    return {"channel": channel.id, "ts": post.ts}


def post_ephemeral(call: Call) -> Json:
    channel = destination(call)
    user = call.required("user", "user_not_found")
    if user not in channel.members:
        raise Refusal("user_not_in_channel")
    content = compose(call)
    thread = thread_parent(call, channel)
    if thread is not None:
        content["thread_ts"] = thread.ts
    return {"message_ts": ephemerals.post(call.box, channel, user, content)}


def get_permalink(call: Call) -> Json:
    channel = call.channel(member=False)
    post = call.post(channel, "message_ts")
    link = f"http://{call.netloc}/archives/{channel.id}/p{post.ts.replace('.', '')}"
    if post.thread_ts is not None:
        link += f"?thread_ts={post.thread_ts}&cid={channel.id}"
    return {"channel": channel.id, "permalink": link}


def _revised(call: Call, channel: Channel, post: Post) -> Json:
    """The message after the edit. Metadata stays unless it is given; an empty object takes it away."""
    clears = call.args.get("metadata") == {}
    content = content_of(call, without=("metadata",) if clears else ())
    body = copy.deepcopy(post.body)
    if clears:
        body.pop("metadata", None)
    if call.flag("reply_broadcast") and body.get("subtype") != "thread_broadcast":
        thread = channel.posts.get(post.thread_ts or "")
        if thread is None:
            raise Refusal("cant_broadcast_message")
        body |= broadcast(thread)
    return body | content


def _require_open_window(call: Call, post: Post) -> None:
    window = call.box.options.edit_window_seconds
    if window is not None and call.box.clock.now() > moment(post.ts) + timedelta(seconds=window):
        raise Refusal("edit_window_closed")
