"""files.*: an upload is announced, sent, completed and shared; see transfers.py for the bytes."""

from slackbox import limits, messages
from slackbox.errors import Refusal
from slackbox.files import File, tombstone
from slackbox.jsons import Json, as_list, as_object, objects_at, text_at
from slackbox.methods.call import Call, Method
from slackbox.methods.compose import thread_parent
from slackbox.transfers import upload_url
from slackbox.workspace import Channel, Post


def methods() -> list[Method]:
    write, read = ("files:write",), ("files:read",)
    return [
        Method(name="files.getUploadURLExternal", run=announce, scopes=write, tier=4),
        Method(name="files.completeUploadExternal", run=complete, scopes=write, tier=4),
        Method(name="files.info", run=info, scopes=read, tier=4),
        Method(name="files.list", run=list_files, scopes=read),
        Method(name="files.delete", run=delete, scopes=write),
        Method(name="files.upload", run=upload, scopes=write, tier=2),
    ]


def announce(call: Call) -> Json:
    name, length = call.required("filename"), call.whole("length")
    if length == 0:
        raise Refusal("missing_argument")
    if length < 0:
        raise Refusal("invalid_arguments", messages=["[ERROR] must be greater than 0 [json-pointer:/length]"])
    alt_txt, snippet = call.optional("alt_txt") or "", call.optional("snippet_type") or ""
    if len(alt_txt) > limits.FILE_ALT_TEXT:
        raise Refusal("alt_txt_too_large")
    if snippet and length > limits.FILE_SNIPPET_BYTES:
        raise Refusal("snippet_too_large")
    workspace = call.box.workspace
    file = File(
        id=workspace.next_id("F"),
        name=name,
        length=length,
        user=workspace.names.bot_user,
        ticket=workspace.next_id("U"),
        created=workspace.seconds(),
        alt_txt=alt_txt,
        snippet_type=snippet,
    )
    workspace.files[file.id] = file
    return {"upload_url": upload_url(call.netloc, file), "file_id": file.id}


def complete(call: Call) -> Json:
    """Finish uploads and share them. Nothing is changed unless all of it can be done."""
    listed = [as_object(each) or {} for each in as_list(call.args.get("files")) or []]
    if not listed:
        raise Refusal("invalid_arguments", messages=["[ERROR] missing required field: files"])
    files = [_uploaded(call, text_at(each, "id")) for each in listed]
    channels = _channels(call)
    if call.optional("thread_ts") and len(channels) != 1:
        raise Refusal("invalid_arguments", messages=["[ERROR] thread_ts needs one channel [json-pointer:/thread_ts]"])
    threads = [thread_parent(call, channel) for channel in channels]
    for file, given in zip(files, listed, strict=True):
        file.title, file.state = text_at(given, "title") or file.name, "complete"
        call.box.events.file_changed("file_created", file.id, file.user)
    for channel, thread in zip(channels, threads, strict=True):
        _share(call, channel, thread, files)
    return {"files": [file.describe(_base(call)) for file in files]}


def info(call: Call) -> Json:
    return {"file": _complete(call).describe(_base(call)), "comments": [], "response_metadata": {"next_cursor": ""}}


def list_files(call: Call) -> Json:
    """Pages by number, as this method has no cursor."""
    channel, user = call.optional("channel"), call.optional("user")
    if channel is not None and channel not in call.box.workspace.channels:
        raise Refusal("channel_not_found")
    found = [
        file
        for file in reversed(call.box.workspace.files.values())
        if file.state == "complete" and user in {None, file.user} and (channel is None or channel in file.shares)
    ]
    size = call.whole("count") if call.optional("count") else 100
    page = call.whole("page") if call.optional("page") else 1
    if size < 1 or page < 1:
        raise Refusal("invalid_arguments", messages=["[ERROR] count and page start at 1"])
    shown = found[(page - 1) * size : page * size]
    paging = {"count": size, "total": len(found), "page": page, "pages": -(-len(found) // size)}
    return {"files": [file.describe(_base(call)) for file in shown], "paging": paging}


def delete(call: Call) -> Json:
    file = _complete(call)
    if file.user != call.box.workspace.names.bot_user:
        raise Refusal("cant_delete_file")
    file.state, file.data = "deleted", b""
    for channel_id, stamps in file.shares.items():
        channel = call.box.workspace.channels[channel_id]
        for post in filter(None, map(channel.posts.get, stamps)):
            shown = objects_at(post.body, "files")
            kept = [tombstone(file.id) if each.get("id") == file.id else each for each in shown]
            messages.edit(call.box, channel, post, post.body | {"files": kept})
    call.box.events.file_changed("file_deleted", file.id, file.user)
    return {}


def upload(call: Call) -> Json:
    """The old way, which Slack has switched off."""
    call.box.journal.violation("method_deprecated", method=call.method)
    raise Refusal("method_deprecated")


def _base(call: Call) -> str:
    return f"http://{call.netloc}"


def _uploaded(call: Call, file_id: str) -> File:
    """Raises Refusal file_not_found for a file that nobody announced, whose bytes have not come, or that is complete."""
    file = call.box.workspace.files.get(file_id)
    if file is None or file.state != "uploaded":
        raise Refusal("file_not_found")
    return file


def _complete(call: Call) -> File:
    file = call.box.workspace.files.get(call.required("file", "file_not_found"))
    if file is None or file.state in {"announced", "uploaded"}:
        raise Refusal("file_not_found")
    if file.state == "deleted":
        raise Refusal("file_deleted")
    return file


def _channels(call: Call) -> list[Channel]:
    named = call.optional("channel_id") or call.optional("channels") or ""
    ids = list(dict.fromkeys(each.strip() for each in named.split(",") if each.strip()))
    if len(ids) > limits.FILE_CHANNELS:
        raise Refusal("channels_limit_exceeded")
    bot, found = call.box.workspace.names.bot_user, list[Channel]()
    for each in ids:
        channel = call.box.workspace.channels.get(each)
        if channel is None or (channel.is_private and bot not in channel.members):
            raise Refusal("channel_not_found")
        if bot not in channel.members:
            raise Refusal("not_in_channel")
        if channel.is_archived:
            raise Refusal("posting_to_channel_denied")
        found.append(channel)
    return found


def _share(call: Call, channel: Channel, thread: Post | None, files: list[File]) -> None:
    content: Json = {
        "subtype": "file_share",
        "text": call.optional("initial_comment") or "",
        "files": [file.describe(_base(call)) for file in files],
        "upload": True,
        "display_as_bot": True,
    }
    if thread is not None:
        content["thread_ts"] = thread.ts
    post = messages.post(call.box, channel, messages.bot_body(call.box, content))
    for file in files:
        file.shares.setdefault(channel.id, []).append(post.ts)
        call.box.events.file_shared(channel, file.id, file.user)
