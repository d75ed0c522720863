"""chat.*: posting, editing and deleting the bot's messages."""

import copy

from slackbox import limits, messages
from slackbox.content import read_content, require_something, with_block_ids
from slackbox.errors import Refusal
from slackbox.jsons import Json
from slackbox.methods.call import Call, Method
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
    channel = _writable(call)
    content = read_content(call.box, call.args, method=call.method)
    require_something(content)
    _hold_block_ids(call, content)
    content.setdefault("text", "")
    thread = _thread(call, channel)
    if thread is not None:
        content["thread_ts"] = thread.ts
        if call.flag("reply_broadcast"):
            content |= {"subtype": "thread_broadcast", "root": copy.deepcopy(thread.body)}
    post = messages.post(call.box, channel, messages.bot_body(call.box, content))
    shown = call.box.workspace.render(post, metadata=True)
    return {"channel": channel.id, "ts": post.ts, "message": shown}


def update(call: Call) -> Json:
    channel = _writable(call)
    post = _own(call, channel, "cant_update_message")
    if len(str(call.args.get("text") or "")) > limits.UPDATE_TEXT:
        raise Refusal("msg_too_long")
    content = read_content(call.box, call.args, method=call.method)
    _hold_block_ids(call, content)
    body = copy.deepcopy(post.body) | content
    require_something(body)
    if not body.get("blocks"):
        body["edited"] = {"user": call.box.workspace.names.bot_user, "ts": call.box.workspace.next_ts()}
    messages.edit(call.box, channel, post, body)
    shown = call.box.workspace.render(post, metadata=True)
    return {"channel": channel.id, "ts": post.ts, "text": body.get("text", ""), "message": shown}


def delete(call: Call) -> Json:
    channel = call.channel()
    post = _own(call, channel, "cant_delete_message")
    messages.delete(call.box, channel, post)
    return {"channel": channel.id, "ts": post.ts}


def post_ephemeral(call: Call) -> Json:
    channel = _writable(call)
    user = call.required("user", "user_not_found")
    if user not in channel.members:
        raise Refusal("user_not_in_channel")
    content = read_content(call.box, call.args, method=call.method)
    require_something(content)
    _hold_block_ids(call, content)
    thread = call.optional("thread_ts")
    if thread is not None:
        content["thread_ts"] = thread
    shown = messages.show_privately(call.box, channel, user, messages.bot_body(call.box, content))
    return {"message_ts": shown["ts"]}


def get_permalink(call: Call) -> Json:
    channel = call.channel(member=False)
    post = call.post(channel, "message_ts")
    link = f"http://{call.netloc}/archives/{channel.id}/p{post.ts.replace('.', '')}"
    if post.thread_ts is not None:
        link += f"?thread_ts={post.thread_ts}&cid={channel.id}"
    return {"channel": channel.id, "permalink": link}


def _writable(call: Call) -> Channel:
    channel = call.channel()
    if channel.is_archived:
        raise Refusal("is_archived")
    return channel


def _own(call: Call, channel: Channel, code: str) -> Post:
    post = call.post(channel)
    if post.body.get("bot_id") != call.box.workspace.names.bot:
        raise Refusal(code)
    return post


def _thread(call: Call, channel: Channel) -> Post | None:
    """The parent of the thread; a reply's ts stands for its thread, as in Slack."""
    ts = call.optional("thread_ts")
    if ts is None:
        return None
    post = channel.posts.get(ts)
    parent = channel.posts.get(post.thread_ts) if post and post.thread_ts else post
    if parent is None:
        raise Refusal("thread_not_found")
    return parent


def _hold_block_ids(call: Call, content: Json) -> None:
    if content.get("blocks"):
        content["blocks"] = with_block_ids(call.box, content["blocks"])
