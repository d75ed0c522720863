"""What the methods that write messages share: where to, what, as whom, in which thread."""

from slackbox import mrkdwn, rooms
from slackbox.auth import require_scope
from slackbox.content import read_content, require_something, with_block_ids
from slackbox.errors import Refusal
from slackbox.jsons import Json
from slackbox.methods.call import Call
from slackbox.workspace import Channel, Post

_CUSTOM = ("username", "icon_emoji", "icon_url")


def destination(call: Call) -> Channel:
    """Where a new message goes: a channel by id or name, or a person by id for the direct message with them.

    Raises Refusal channel_not_found, not_in_channel, is_archived or messages_tab_disabled. A public channel can be
    written to from outside with the scope chat:write.public.
    """
    given = call.required("channel", "channel_not_found")
    person = call.box.workspace.people.get(given)
    if person is not None:
        channel = None if person.is_bot else rooms.open_direct(call.box, person.id)
        if channel is None:
            raise Refusal("channel_not_found")
    else:
        channel = call.channel(named=True, member=False)
    if channel.is_im and not call.box.manifest.messages_tab:
        raise Refusal("messages_tab_disabled")
    outside = call.box.workspace.names.bot_user not in channel.members
    if outside and "chat:write.public" not in call.box.manifest.scopes:
        raise Refusal("not_in_channel")
    if channel.is_archived:
        raise Refusal("is_archived")
    return channel


def compose(call: Call) -> Json:
    """The content of a new message. Raises Refusal no_text and the codes of read_content."""
    content = content_of(call)
    require_something(content)
    content.setdefault("text", "")
    return content | _sender(call)


def content_of(call: Call, *, without: tuple[str, ...] = ()) -> Json:
    """The content that the arguments hold, with ids for its blocks and names linked where that was asked for."""
    if call.flag("as_user"):
        raise Refusal("as_user_not_supported")
    args = {name: value for name, value in call.args.items() if name not in without}
    if call.flag("link_names") or call.args.get("parse") == "full":
        args |= {"text": mrkdwn.link_names(str(args["text"]), _names(call))} if args.get("text") else {}
    content = read_content(call.box, args, method=call.method)
    if content.get("blocks"):
        content["blocks"] = with_block_ids(call.box, content["blocks"])
    return content


def thread_parent(call: Call, channel: Channel) -> Post | None:
    """The parent of the thread that was asked for; a reply's ts stands for its thread. Raises thread_not_found."""
    ts = call.optional("thread_ts")
    if ts is None:
        return None
    post = channel.posts.get(ts)
    parent = channel.posts.get(post.thread_ts) if post and post.thread_ts else post
    if parent is None:
        raise Refusal("thread_not_found")
    return parent


def require_own(call: Call, channel: Channel, code: str) -> Post:
    """The message argument. Raises Refusal message_not_found, or `code` when somebody else wrote it."""
    post = call.post(channel)
    if post.body.get("bot_id") != call.box.workspace.names.bot or post.body.get("subtype") == "tombstone":
        raise Refusal(code)
    return post


def _sender(call: Call) -> Json:
    """Another name or picture for this message, which Slack leaves out without a word when the scope is missing."""
    given = {name: call.args[name] for name in _CUSTOM if call.args.get(name)}
    if not given:
        return {}
    try:
        require_scope(call.box.manifest, "chat:write.customize")
    except Refusal:
        call.box.journal.violation("customize_without_scope", method=call.method, arguments=sorted(given))
        return {}
    icons = {name: given[name] for name in ("icon_emoji", "icon_url") if name in given}
    named = {"username": given["username"]} if "username" in given else {}
    return named | ({"icons": icons} if icons else {})


def _names(call: Call) -> dict[str, str]:
    workspace = call.box.workspace
    people = {person.name: f"<@{person.id}>" for person in workspace.people.values()}
    groups = {group.handle: f"<!subteam^{group.id}>" for group in workspace.groups.values()}
    return people | groups | {name: f"<!{name}>" for name in ("here", "channel", "everyone")}
