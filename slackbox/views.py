"""Modals and Home tabs that are open, per person."""

import copy
import json
import random
from dataclasses import dataclass, field

from slackbox import limits
from slackbox.blocks import validate_view
from slackbox.elements import name_elements
from slackbox.errors import Refusal
from slackbox.feed import Feed
from slackbox.jsons import Json
from slackbox.workspace import Names


@dataclass(slots=True, kw_only=True)
class Screen:
    """What one person sees: a stack of modals and a Home tab."""

    stack: list[Json] = field(default_factory=list[Json])
    home: Json | None = None


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
        for user, screen in self.screens.items():
            for view in [*screen.stack, *([screen.home] if screen.home else [])]:
                if view["id"] == view_id or (view_id and view.get("external_id") == view_id):
                    return user, view
        return None

    def open(self, user: str, definition: Json) -> Json:
        """Show a modal on an empty stack; a modal that was open is replaced."""
        self._check(definition, "modal")
        self.screen(user).stack.clear()
        return self._push(user, definition)

    def push(self, user: str, definition: Json) -> Json:
        """Show a modal over the one that is open. Raises Refusal push_limit_reached at three."""
        self._check(definition, "modal")
        if len(self.screen(user).stack) >= limits.VIEW_STACK:
            raise Refusal("push_limit_reached")
        return self._push(user, definition)

    def update(self, view_id: str, definition: Json, expected_hash: str | None = None) -> Json:
        """Replace what an open view shows. Raises Refusal not_found or hash_conflict."""
        found = self.find(view_id)
        if found is None:
            raise Refusal("not_found")
        user, view = found
        self._check(definition, str(view["type"]))
        if expected_hash and expected_hash != view["hash"]:
            raise Refusal("hash_conflict")
        kept = {key: view[key] for key in ("id", "root_view_id", "previous_view_id", "team_id", "app_id", "bot_id")}
        view.clear()
        view.update(self._complete(definition) | kept)
        self._show(user)
        return copy.deepcopy(view)

    def publish(self, user: str, definition: Json, expected_hash: str | None = None) -> Json:
        """Set a person's Home tab."""
        self._check(definition, "home")
        screen = self.screen(user)
        if expected_hash and screen.home is not None and expected_hash != screen.home["hash"]:
            raise Refusal("hash_conflict")
        view = self._complete(definition)
        if screen.home is not None:
            view["id"] = screen.home["id"]
        screen.home = view | {"root_view_id": view["id"]}
        self._show(user)
        return copy.deepcopy(screen.home)

    def close(self, user: str, *, everything: bool = False) -> None:
        stack = self.screen(user).stack
        if everything:
            stack.clear()
        elif stack:
            stack.pop()
        self._show(user)

    def _push(self, user: str, definition: Json) -> Json:
        stack = self.screen(user).stack
        self._refuse_double(definition)
        view = self._complete(definition)
        view["root_view_id"] = stack[0]["id"] if stack else view["id"]
        view["previous_view_id"] = stack[-1]["id"] if stack else None
        stack.append(view)
        self._show(user)
        return copy.deepcopy(view)

    def _refuse_double(self, definition: Json) -> None:
        external = definition.get("external_id")
        if external and self.find(str(external)):
            raise Refusal("duplicate_external_id")

    def _check(self, definition: Json, kind: str) -> None:
        if len(json.dumps(definition).encode()) > limits.VIEW_BYTES:
            raise Refusal("view_too_large")
        problems = validate_view(definition, kind)
        if problems:
            raise Refusal("invalid_arguments", messages=problems)

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
        self._feed.publish({"type": "views", "user": user, "stack": screen.stack, "home": screen.home})
