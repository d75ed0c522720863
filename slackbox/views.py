"""Modals and Home tabs that are open, per person, and what was entered in them.

https://docs.slack.dev/surfaces/modals
"""

import copy
import json
import random
from dataclasses import dataclass, field

from slackbox import limits
from slackbox.blocks import validate_view
from slackbox.elements import name_elements
from slackbox.errors import Refusal
from slackbox.feed import Feed
from slackbox.inputs import carried_state
from slackbox.jsons import Json
from slackbox.workspace import Names

_FIXED = ("id", "root_view_id", "previous_view_id")


@dataclass(slots=True, kw_only=True)
class Screen:
    """What one person sees: a stack of modals and a Home tab.

    `entered` is the state of each open view by its id and `chosen` that of messages by their ts; `origins` is the channel
    a view was opened from; `offered` the options that the app suggested last, by the view's id or the message's ts.
    """

    stack: list[Json] = field(default_factory=list[Json])
    home: Json | None = None
    entered: dict[str, Json] = field(default_factory=dict[str, Json])
    chosen: dict[str, Json] = field(default_factory=dict[str, Json])
    origins: dict[str, str | None] = field(default_factory=dict[str, str | None])
    offered: dict[str, dict[tuple[str, str], list[Json]]] = field(
        default_factory=dict[str, dict[tuple[str, str], list[Json]]]
    )

    @property
    def views(self) -> list[Json]:
        """Everything that is open here."""
        return [*self.stack, *([self.home] if self.home else [])]

    def forget_closed(self) -> None:
        """What was entered in a view that is gone is gone too."""
        left = {view["id"] for view in self.views}
        for view_id in [each for each in self.entered if each not in left]:
            del self.entered[view_id]
            self.origins.pop(view_id, None)
            self.offered.pop(view_id, None)


class Views:
    def __init__(self, *, names: Names, feed: Feed, seed: int) -> None:
        self._names = names
        self._feed = feed
        self._random = random.Random(seed + 4)
        self.screens: dict[str, Screen] = {}

    def screen(self, user: str) -> Screen:
        return self.screens.setdefault(user, Screen())

    def find(self, view_id: str) -> tuple[str, Json] | None:
        """The person who has this view open, and the view."""
        return self._first("id", view_id)

    def find_external(self, external_id: str) -> tuple[str, Json] | None:
        """As find, by the id that the app chose."""
        return self._first("external_id", external_id) if external_id else None

    def with_state(self, user: str, view: Json) -> Json:
        """A copy of the view as payloads show it, with what this person entered so far."""
        return copy.deepcopy(view) | {"state": {"values": copy.deepcopy(self.screen(user).entered[view["id"]])}}

    def enter(self, user: str, view_id: str, state: Json) -> None:
        """Keep what this person entered in a view so far; nothing to keep when it was closed meanwhile."""
        entered = self.screen(user).entered
        if view_id in entered:
            entered[view_id] = state
            self._show(user)

    def check(self, definition: Json, kind: str, *, instead_of: str | None = None) -> None:
        """Raises Refusal view_too_large, invalid_arguments or duplicate_external_id for a view that cannot be shown.

        `instead_of` is the id of the view it replaces, which may keep its external id.
        """
        if len(json.dumps(definition, ensure_ascii=False).encode()) > limits.VIEW_BYTES:
            raise Refusal("view_too_large")
        problems = validate_view(definition, kind)
        if problems:
            raise Refusal("invalid_arguments", messages=problems)
        taken = self.find_external(str(definition.get("external_id") or ""))
        if taken is not None and taken[1]["id"] != instead_of:
            raise Refusal("duplicate_external_id")

    def open(self, user: str, definition: Json, *, channel: str | None = None) -> Json:
        """Show a modal on an empty stack; a modal that was open is replaced. `channel` is where the person was."""
        self.check(definition, "modal")
        self.screen(user).stack.clear()
        return self._push(user, definition, channel)

    def push(self, user: str, definition: Json, *, over: str | None = None) -> Json:
        """Show a modal over the one that is open. Raises Refusal push_limit_reached at three.

        Raises not_found when `over`, the view the push comes from, was closed in the meantime.
        """
        self.check(definition, "modal")
        screen = self.screen(user)
        if over is not None and all(view["id"] != over for view in screen.stack):
            raise Refusal("not_found")
        if len(screen.stack) >= limits.VIEW_STACK:
            raise Refusal("push_limit_reached")
        return self._push(user, definition, screen.origins.get(screen.stack[-1]["id"]) if screen.stack else None)

    def update(self, found: tuple[str, Json] | None, definition: Json, expected_hash: str | None = None) -> Json:
        """Replace what an open view shows; entries stay where the ids stay. Raises Refusal not_found or hash_conflict."""
        if found is None:
            raise Refusal("not_found")
        user, view = found
        self.check(definition, str(view["type"]), instead_of=view["id"])
        if expected_hash and expected_hash != view["hash"]:
            raise Refusal("hash_conflict")
        kept = {key: view[key] for key in _FIXED}
        view.clear()
        view.update(self._complete(definition) | kept)
        self._carry(user, view)
        self._show(user)
        return copy.deepcopy(view)

    def publish(self, user: str, definition: Json, expected_hash: str | None = None) -> Json:
        """Set a person's Home tab. Raises Refusal hash_conflict when it is not the one the app knows."""
        home = self.screen(user).home
        self.check(definition, "home", instead_of=home["id"] if home else None)
        if expected_hash and (home is None or expected_hash != home["hash"]):
            raise Refusal("hash_conflict")
        view = self._complete(definition)
        view["id"] = view["root_view_id"] = home["id"] if home else view["id"]
        self.screen(user).home = view
        self._carry(user, view)
        self._show(user)
        return copy.deepcopy(view)

    def close(self, user: str, *, everything: bool = False) -> list[Json]:
        """Close the view on top or the whole stack. Returns what was closed, the top first."""
        screen = self.screen(user)
        stay = [] if everything else screen.stack[:-1]
        closed = [self.with_state(user, view) for view in reversed(screen.stack[len(stay) :])]
        screen.stack[:] = stay
        screen.forget_closed()
        self._show(user)
        return closed

    def drop(self, user: str, view_id: str) -> None:
        """Take one view out of the stack; what the app opened meanwhile stays."""
        screen = self.screen(user)
        screen.stack[:] = [view for view in screen.stack if view["id"] != view_id]
        screen.forget_closed()
        self._show(user)

    def _first(self, name: str, value: str) -> tuple[str, Json] | None:
        open_views = ((user, view) for user, screen in self.screens.items() for view in screen.views)
        return next(((user, view) for user, view in open_views if view[name] == value), None)

    def _push(self, user: str, definition: Json, channel: str | None) -> Json:
        screen = self.screen(user)
        view = self._complete(definition)
        view["root_view_id"] = screen.stack[0]["id"] if screen.stack else view["id"]
        view["previous_view_id"] = screen.stack[-1]["id"] if screen.stack else None
        screen.stack.append(view)
        screen.origins[view["id"]] = channel
        screen.forget_closed()
        self._carry(user, view)
        self._show(user)
        return copy.deepcopy(view)

    def _carry(self, user: str, view: Json) -> None:
        screen = self.screen(user)
        before = screen.entered.get(view["id"], {})
        screen.entered[view["id"]] = carried_state(view, before, screen.origins.get(view["id"]))

    def _complete(self, definition: Json) -> Json:
        view_id = f"V{self._random.getrandbits(44):011X}"
        defaults: Json = {
            "id": view_id,
            "team_id": self._names.team,
            "app_id": self._names.app,
            "app_installed_team_id": self._names.team,
            "bot_id": self._names.bot,
            "callback_id": "",
            "external_id": "",
            "private_metadata": "",
            "title": None,
            "submit": None,
            "close": None,
            "clear_on_close": False,
            "notify_on_close": False,
            "previous_view_id": None,
            "root_view_id": view_id,
            "state": {"values": {}},
            "hash": f"{self._random.getrandbits(40)}.{self._random.getrandbits(32):08x}",
        }
        view = defaults | copy.deepcopy(definition)
        name_elements(view["blocks"])
        for block in view["blocks"]:
            block.setdefault("block_id", f"{self._random.getrandbits(24):05x}")
        return view

    def _show(self, user: str) -> None:
        screen = self.screen(user)
        stack = [self.with_state(user, view) for view in screen.stack]
        home = self.with_state(user, screen.home) if screen.home else None
        self._feed.publish({"type": "views", "user": user, "stack": stack, "home": home})
