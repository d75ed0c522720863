"""From changes in the workspace to Events API payloads, for those events the manifest subscribes to."""

import copy
import random

from slackbox.clock import Clock
from slackbox.delivery import Delivery
from slackbox.faults import EVENTS, Faults
from slackbox.jsons import Json
from slackbox.manifest import Manifest
from slackbox.workspace import Channel, Post, Workspace


class Events:
    """Nothing is sent that is not subscribed, or from a channel the bot is not in."""

    def __init__(
        self, *, manifest: Manifest, workspace: Workspace, delivery: Delivery, faults: Faults, clock: Clock, seed: int
    ) -> None:
        self._manifest = manifest
        self._workspace = workspace
        self._delivery = delivery
        self._faults = faults
        self._clock = clock
        self._random = random.Random(seed + 2)

    def posted(self, channel: Channel, post: Post) -> None:
        """A new message: the message event and, when the bot is mentioned by somebody else, app_mention too."""
        body = self._base(channel) | copy.deepcopy(post.body) | {"event_ts": post.ts}
        if post.thread_ts is not None:
            parent = channel.posts.get(post.thread_ts)
            if parent is not None and "user" in parent.body:
                body["parent_user_id"] = parent.body["user"]
        self._message(channel, body)
        names = self._workspace.names
        if f"<@{names.bot_user}>" in str(body.get("text", "")) and body.get("user") != names.bot_user:
            self._tell("app_mention", channel, {**body, "type": "app_mention"})

    def changed(self, channel: Channel, post: Post, previous: Json) -> None:
        ts = self._workspace.next_ts()
        self._message(
            channel,
            self._base(channel)
            | {"subtype": "message_changed", "hidden": True, "ts": ts, "event_ts": ts}
            | {"message": copy.deepcopy(post.body), "previous_message": previous},
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

    def reacted(self, channel: Channel, post: Post, user: str, name: str, *, added: bool) -> None:
        kind = "reaction_added" if added else "reaction_removed"
        item = {"type": "message", "channel": channel.id, "ts": post.ts}
        event: Json = {"type": kind, "user": user, "reaction": name, "item": item}
        event |= {"item_user": post.body.get("user"), "event_ts": self._workspace.next_ts()}
        self._tell(kind, channel, event)

    def home_opened(self, user: str, view: Json | None) -> None:
        event: Json = {"type": "app_home_opened", "user": user, "channel": f"D{user[1:]}", "tab": "home"}
        if view is not None:
            event["view"] = view
        self._tell("app_home_opened", None, event | {"event_ts": self._workspace.next_ts()})

    def _base(self, channel: Channel) -> Json:
        return {"type": "message", "channel": channel.id, "channel_type": _channel_type(channel)}

    def _message(self, channel: Channel, event: Json) -> None:
        event.pop("metadata", None)
        self._tell(channel.event_family, channel, event)

    def _tell(self, subscription: str, channel: Channel | None, event: Json) -> None:
        if subscription not in self._manifest.events:
            return
        if channel is not None and self._workspace.names.bot_user not in channel.members:
            return
        payload = self._callback(event)
        self._delivery.tell(payload)
        if self._faults.take(EVENTS) is not None:
            self._delivery.tell(copy.deepcopy(payload))

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
    return "group" if channel.is_private else "channel"
