"""The whole workspace in one value: state, delivery, permits and the default people and channels."""

import re
from dataclasses import dataclass, field
from pathlib import Path

from slackbox import limits
from slackbox.auth import Tokens, make_tokens
from slackbox.clock import Clock, RealClock
from slackbox.delivery import Delivery, Pace
from slackbox.errors import WorldError
from slackbox.events import Events
from slackbox.faults import Faults
from slackbox.feed import Feed
from slackbox.journal import Journal
from slackbox.manifest import Manifest
from slackbox.permits import Permits
from slackbox.ratelimit import RateLimits
from slackbox.socketmode import Lifetime, SocketMode
from slackbox.views import Views
from slackbox.workspace import Channel, Names, Person, UserGroup, Workspace

DEFAULT_CHANNELS = ("alerts", "incidents", "digest")
_CHANNEL_NAME = re.compile(r"[a-z0-9_-]{1,80}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """How strict and how fast; seconds throughout."""

    seed: int = 1
    channels: tuple[str, ...] = ()
    private_channels: tuple[str, ...] = ()
    journal: Path | None = None
    ack_seconds: float = limits.ACK_SECONDS
    retry_delays: tuple[float, ...] = limits.RETRY_DELAYS_SECONDS
    rate_limits: bool | str = False
    """False, True (Slack's tiers) or a profile of ratelimit.PROFILES."""
    free_plan: bool = False
    """A workspace that does not pay: no canvases of its own and no user groups to change."""
    canvases: bool = True
    """Whether administrators let apps use canvases."""
    channel_streams: bool = True
    """Whether messages can be streamed outside direct messages; reports about Slack contradict each other."""
    edit_window_seconds: float | None = None
    """How long a message can be edited; None is for ever."""
    clock: Clock = field(default_factory=RealClock)
    ping_seconds: float = limits.PING_SECONDS
    connection_seconds: float | None = None
    connection_end: str = "refresh_requested"
    events_per_hour: int | None = limits.EVENTS_PER_HOUR


@dataclass(frozen=True, slots=True, kw_only=True)
class Box:
    options: Options
    manifest: Manifest
    tokens: Tokens
    clock: Clock
    feed: Feed
    journal: Journal
    workspace: Workspace
    delivery: Delivery
    sockets: SocketMode
    events: Events
    permits: Permits
    views: Views
    faults: Faults
    rates: RateLimits


def build_box(manifest: Manifest, options: Options) -> Box:
    """Put a workspace together and fill it with its people and channels.

    Raises SlackboxError for options that cannot be: a channel's name, a rate limit profile, a journal's place.
    """
    seed, clock, feed, faults = options.seed, options.clock, Feed(), Faults(options.clock)
    journal = Journal(clock, feed, options.journal)
    names = Names(app=f"A0{manifest.bot_key}", bot_user=f"U0{manifest.bot_key}", bot=f"B0{manifest.bot_key}")
    workspace = Workspace(names=names, clock=clock)
    pace = Pace(
        ack_seconds=options.ack_seconds, retry_delays=options.retry_delays, events_per_hour=options.events_per_hour
    )
    lifetime = Lifetime(seconds=options.connection_seconds, reason=options.connection_end)
    delivery = Delivery(clock=clock, journal=journal, feed=feed, faults=faults, pace=pace, seed=seed)
    _populate(workspace, manifest, options)
    return Box(
        options=options,
        manifest=manifest,
        tokens=make_tokens(seed),
        clock=clock,
        feed=feed,
        journal=journal,
        workspace=workspace,
        delivery=delivery,
        sockets=SocketMode(
            app_id=names.app, clock=clock, delivery=delivery, journal=journal, seed=seed, lifetime=lifetime
        ),
        events=Events(
            manifest=manifest, workspace=workspace, delivery=delivery, journal=journal, clock=clock, seed=seed
        ),
        permits=Permits(clock=clock, seed=seed),
        views=Views(names=names, feed=feed, seed=seed),
        faults=faults,
        rates=RateLimits(clock=clock, profile=options.rate_limits),
    )


def _populate(workspace: Workspace, manifest: Manifest, options: Options) -> None:
    people = (
        Person(id="U0ANA", name="ana", real_name="Ana Alvarez", title="On call"),
        Person(id="U0BEN", name="ben", real_name="Ben Okafor", title="Platform"),
        Person(id="U0CHEN", name="chen", real_name="Chen Wei", title="Payments"),
        Person(
            id=workspace.names.bot_user,
            name=manifest.bot_name.lower().replace(" ", "-"),
            real_name=manifest.bot_name,
            is_bot=True,
        ),
    )
    workspace.people = {person.id: person for person in people}
    workspace.groups = {"S0ONCALL": UserGroup(id="S0ONCALL", handle="oncall", name="On call", users=("U0ANA", "U0BEN"))}
    for name in dict.fromkeys((*DEFAULT_CHANNELS, *options.channels)):
        _open_channel(workspace, name, is_private=False)
    for name in dict.fromkeys(options.private_channels):
        _open_channel(workspace, name, is_private=True)


def _open_channel(workspace: Workspace, name: str, *, is_private: bool) -> None:
    """Raises WorldError for a name that Slack refuses, and for one whose id is taken."""
    bare = name.removeprefix("#")
    if _CHANNEL_NAME.fullmatch(bare) is None:
        raise WorldError(
            f"{name!r} cannot name a channel: up to 80 lower-case letters, digits, hyphens and underscores may."
        )
    key = "".join(letter for letter in bare.upper() if letter.isalnum())
    channel = Channel(id=f"C0{key}", name=bare, members=set(workspace.people), is_private=is_private)
    taken = workspace.channels.get(channel.id)
    if taken is not None and taken.name == bare:
        raise WorldError(f"There is already a channel #{bare}.")
    if taken is not None:
        raise WorldError(f"#{bare} would have the same id, {channel.id}, as #{taken.name}; choose another name.")
    workspace.channels[channel.id] = channel
