"""From changes in the workspace to Events API payloads, for those events the manifest subscribes to."""

import random
from collections.abc import Mapping
from typing import Final

from slackbox.clock import Clock
from slackbox.delivery import Delivery
from slackbox.journal import Journal
from slackbox.jsons import Json, copied, object_at
from slackbox.manifest import Manifest
from slackbox.mrkdwn import shown_references
from slackbox.workspace import Channel, Post, Workspace

# The scope each subscription needs, from the reference page of each event. `*` is the kind of conversation: channels,
# groups, im or mpim. What is not here needs none.
SCOPES: Final[Mapping[str, str]] = {
    "app_mention": "app_mentions:read",
    "channel_archive": "channels:read",
    "channel_created": "channels:read",
    "channel_left": "channels:read",
    "channel_rename": "channels:read",
    "channel_unarchive": "channels:read",
    "file_created": "files:read",
    "file_deleted": "files:read",
    "file_shared": "files:read",
    "group_archive": "groups:read",
    "group_left": "groups:read",
    "group_rename": "groups:read",
    "group_unarchive": "groups:read",
    "member_joined_channel": "*:read",
    "member_left_channel": "*:read",
    "message.channels": "channels:history",
    "message.groups": "groups:history",
    "message.im": "im:history",
    "message.mpim": "mpim:history",
    "pin_added": "pins:read",
    "pin_removed": "pins:read",
    "reaction_added": "reactions:read",
    "reaction_removed": "reactions:read",
    "subteam_created": "usergroups:read",
    "subteam_members_changed": "usergroups:read",
    "subteam_updated": "usergroups:read",
}


class Events:
    """Nothing is sent that is not subscribed and covered by a scope, or from a channel the bot is not in."""

    def __init__(
        self,
        *,
        manifest: Manifest,
        workspace: Workspace,
        delivery: Delivery,
        journal: Journal,
        clock: Clock,
        seed: int,
    ) -> None:
        self._journal = journal
        self._complained: set[str] = set()
        self._manifest = manifest
        self._workspace = workspace
        self._delivery = delivery
        self._clock = clock
        self._random = random.Random(seed + 2)

    def posted(self, channel: Channel, post: Post) -> None:
        """A new message: the message event and, when the bot is mentioned by somebody else, app_mention too."""
        body = self._base(channel) | copied(post.body) | {"event_ts": post.ts}
        if post.thread_ts is not None:
            parent = channel.posts.get(post.thread_ts)
            if parent is not None and "user" in parent.body:
                body["parent_user_id"] = parent.body["user"]
        self._message(channel, body)
        if self._mentions_bot(body) and not channel.is_im:
            self._tell("app_mention", channel, {**_without_metadata(body), "type": "app_mention"})

    def changed(self, channel: Channel, post: Post, previous: Json) -> None:
        ts = self._workspace.next_ts()
        self._message(
            channel,
            self._base(channel)
            | {"subtype": "message_changed", "hidden": True, "ts": ts, "event_ts": ts}
            | {"message": copied(post.body), "previous_message": previous},
        )

    def deleted(self, channel: Channel, previous: Json) -> None:
        ts = self._workspace.next_ts()
        self._message(
            channel,
            self._base(channel)
            | {"subtype": "message_deleted", "hidden": True, "ts": ts, "event_ts": ts}
            | {"deleted_ts": previous["ts"], "previous_message": previous},
        )

    def joined(self, channel: Channel, user: str, inviter: str | None = None) -> None:
        event: Json = {"type": "member_joined_channel", "user": user, "channel": channel.id}
        event |= {"channel_type": _channel_type(channel), "team": self._workspace.names.team}
        if inviter is not None:
            event["inviter"] = inviter
        self._tell("member_joined_channel", channel, event | {"event_ts": self._workspace.next_ts()})

    def left(self, channel: Channel, user: str) -> None:
        """Somebody is no longer a member. Of its own leaving the bot hears by channel_left or group_left."""
        stamp = self._workspace.next_ts()
        if user == self._workspace.names.bot_user:
            kind = "group_left" if channel.is_private else "channel_left"
            self._tell(kind, None, {"type": kind, "channel": channel.id, "actor_id": user, "event_ts": stamp})
            return
        event: Json = {"type": "member_left_channel", "user": user, "channel": channel.id}
        event |= {"channel_type": _channel_type(channel), "team": self._workspace.names.team}
        self._tell("member_left_channel", channel, event | {"event_ts": stamp})

    def channel_created(self, channel: Channel) -> None:
        """A public channel; the bot need not be in it."""
        shown: Json = {"id": channel.id, "name": channel.name, "created": channel.created, "creator": channel.creator}
        self._tell("channel_created", None, self._plain("channel_created", {"channel": shown}))

    def archived(self, channel: Channel, user: str, *, archived: bool) -> None:
        kind = f"{'group' if channel.is_private else 'channel'}_{'archive' if archived else 'unarchive'}"
        self._tell(kind, channel, self._plain(kind, {"channel": channel.id, "user": user}))

    def renamed(self, channel: Channel) -> None:
        kind = "group_rename" if channel.is_private else "channel_rename"
        shown: Json = {"id": channel.id, "name": channel.name, "created": channel.created}
        self._tell(kind, channel, self._plain(kind, {"channel": shown}))

    def pinned(self, channel: Channel, post: Post, user: str, *, added: bool) -> None:
        kind = "pin_added" if added else "pin_removed"
        item: Json = {"type": "message", "channel": channel.id, "message": _without_metadata(post.body)}
        self._tell(kind, channel, self._plain(kind, {"user": user, "channel_id": channel.id, "item": item}))

    def file_shared(self, channel: Channel, file_id: str, user: str) -> None:
        about: Json = {"file_id": file_id, "file": {"id": file_id}, "user_id": user, "channel_id": channel.id}
        self._tell("file_shared", channel, self._plain("file_shared", about))

    def file_changed(self, kind: str, file_id: str, user: str) -> None:
        """file_created or file_deleted."""
        self._tell(kind, None, self._plain(kind, {"file_id": file_id, "file": {"id": file_id}, "user_id": user}))

    def group_changed(self, kind: str, about: Json) -> None:
        """subteam_created, subteam_updated or subteam_members_changed."""
        self._tell(kind, None, self._plain(kind, about))

    def reacted(self, channel: Channel, post: Post, user: str, name: str, *, added: bool) -> None:
        kind = "reaction_added" if added else "reaction_removed"
        item = {"type": "message", "channel": channel.id, "ts": post.ts}
        about: Json = {"user": user, "reaction": name, "item": item, "item_user": post.body.get("user")}
        self._tell(kind, channel, self._plain(kind, about))

    def home_opened(self, user: str, view: Json | None) -> None:
        event: Json = {"type": "app_home_opened", "user": user, "channel": f"D{user[1:]}", "tab": "home"}
        if view is not None:
            event["view"] = view
        self._tell("app_home_opened", None, event | {"event_ts": self._workspace.next_ts()})

    def _mentions_bot(self, body: Json) -> bool:
        """Whether somebody else names the bot where Slack looks: in the text and in blocks, not in attachments."""
        bot = self._workspace.names.bot_user
        shown = {"text": body.get("text"), "blocks": body.get("blocks")}
        return body.get("user") != bot and any(
            each.kind == "user" and each.target == bot for each in shown_references(shown)
        )

    def _base(self, channel: Channel) -> Json:
        return {"type": "message", "channel": channel.id, "channel_type": _channel_type(channel)}

    def _plain(self, kind: str, about: Json) -> Json:
        return {"type": kind, **about, "event_ts": self._workspace.next_ts()}

    def _message(self, channel: Channel, event: Json) -> None:
        self._tell(channel.event_family, channel, _without_metadata(event))

    def _tell(self, subscription: str, channel: Channel | None, event: Json) -> None:
        if subscription not in self._manifest.events:
            return
        if channel is not None and self._workspace.names.bot_user not in channel.members:
            return
        scope = SCOPES.get(subscription, "").replace("*", channel.scope_family if channel else "channels")
        if scope and scope not in self._manifest.scopes:
            self._complain(subscription, scope)
            return
        self._delivery.tell(self._callback(event))

    def _complain(self, subscription: str, scope: str) -> None:
        """Slack delivers nothing and says nothing; a test should hear of it, once."""
        if subscription not in self._complained:
            self._complained.add(subscription)
            self._journal.violation("event_without_scope", event=subscription, needed=scope)

    def _callback(self, event: Json) -> Json:
        names = self._workspace.names
        return {
            "token": "verification-token",
            "team_id": names.team,
            "api_app_id": names.app,
            "event": event,
            "type": "event_callback",
            "event_id": f"Ev{self._random.getrandbits(44):011X}",
            "event_time": int(self._clock.now().timestamp()),
            "authorizations": [
                {
                    "enterprise_id": None,
                    "team_id": names.team,
                    "user_id": names.bot_user,
                    "is_bot": True,
                    "is_enterprise_install": False,
                }
            ],
            "is_ext_shared_channel": False,
            "event_context": f"4-{self._random.getrandbits(64):016x}",
        }


def _channel_type(channel: Channel) -> str:
    """Slack's word for the kind of conversation in message events."""
    return channel.kind


def _without_metadata(event: Json) -> Json:
    """A copy; metadata is read with include_all_metadata, an event never carries it."""
    bare = copied({name: value for name, value in event.items() if name != "metadata"})
    for name in ("message", "previous_message", "root"):
        object_at(bare, name).pop("metadata", None)
    return bare
