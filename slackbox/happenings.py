"""What else people do around the bot: channels close, files are shared, a stream is stopped, somebody goes away."""

from slackbox import messages, rooms
from slackbox.box import Box
from slackbox.errors import WorldError
from slackbox.files import File
from slackbox.jsons import Json
from slackbox.methods import streams
from slackbox.payloads import stand_in


def archive(box: Box, *, user: str, channel: str, archived: bool = True) -> None:
    """A person closes a channel to new messages, or opens it again."""
    person, room = stand_in(box, user, channel)
    if room.is_archived == archived:
        raise WorldError(f"#{room.name} is {'already' if archived else 'not'} archived.")
    rooms.archive(box, room, user=person.id, archived=archived)


def open_direct(box: Box, *, user: str) -> str:
    """A person opens their direct message with the bot. Returns the conversation's id."""
    person = box.workspace.get_person(user)
    if person.is_bot:
        raise WorldError(f"{person.name} is a bot, and bots have no direct messages with each other.")
    return rooms.open_direct(box, person.id).id


def share_file(
    box: Box, base: str, *, user: str, channel: str, filename: str, text: str, thread_ts: str | None = None
) -> Json:
    """A person shares a text file; `base` is where its bytes are fetched from. Returns {file, ts}."""
    person, room = stand_in(box, user, channel)
    data = text.encode()
    workspace = box.workspace
    file = File(
        id=workspace.next_id("F"),
        name=filename,
        title=filename,
        length=len(data),
        user=person.id,
        ticket="",
        created=workspace.seconds(),
        data=data,
        state="complete",
    )
    body: Json = {"type": "message", "subtype": "file_share", "user": person.id, "text": "", "upload": True}
    if thread_ts is not None:
        parent = workspace.get_post(channel, thread_ts)
        body["thread_ts"] = parent.thread_ts or parent.ts
    workspace.files[file.id] = file
    post = messages.post(box, room, body | {"files": [file.describe(base)]})
    file.shares[room.id] = [post.ts]
    box.events.file_shared(room, file.id, person.id)
    return {"file": file.id, "ts": post.ts}


def stop_stream(box: Box, *, user: str, channel: str, ts: str) -> None:
    """A person stops a message that the bot is still writing."""
    _, room = stand_in(box, user, channel)
    streams.stop_by_person(box, room, ts)


def set_presence(box: Box, *, user: str, away: bool) -> None:
    """A person goes away or comes back."""
    person = box.workspace.get_person(user)
    (box.workspace.away.add if away else box.workspace.away.discard)(person.id)


def assistant_thread(box: Box, *, channel: str, thread_ts: str) -> Json:
    """What the bot shows in a thread: its status, the thread's title, suggested prompts. Empty when nothing."""
    room = box.workspace.get_channel(channel)
    return dict(box.workspace.assistant.get((room.id, thread_ts), {}))
