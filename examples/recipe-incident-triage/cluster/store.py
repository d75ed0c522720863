"""Objects with resource versions: optimistic locking, watches, owners.

Everything happens between two awaits of one event loop, so no write is ever half done.
"""

import asyncio
import copy
import random
import uuid
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from . import errors
from .clock import Clock, stamp
from .errors import JsonObject
from .kinds import Resource

# Letters and digits that apimachinery uses for generated names: no vowels, so that no word appears by chance.
ALPHABET = "bcdfghjklmnpqrstvwxz2456789"
_KEPT_CHANGES = 20_000
_FIRST_VERSION = 1000
Key = tuple[str, str, str]


@dataclass(frozen=True, slots=True)
class Change:
    """One write. `before` is None for a new object, `after` for one that was removed."""

    version: int
    resource: Resource
    before: JsonObject | None
    after: JsonObject | None


@dataclass(slots=True, kw_only=True)
class Preconditions:
    """What a caller demands of the object as it is now."""

    uid: str | None = None
    resource_version: str | None = None


class Store:
    """The state of the cluster. Objects that come out are copies; they change only through the store."""

    def __init__(self, clock: Clock, chance: random.Random) -> None:
        self.clock = clock
        self._chance = chance
        self._objects: dict[Key, tuple[Resource, JsonObject]] = {}
        self._version = _FIRST_VERSION
        self._changes: deque[Change] = deque(maxlen=_KEPT_CHANGES)
        self._listeners: set[Callable[[], None]] = set()

    @property
    def version(self) -> int:
        """The newest resource version."""
        return self._version

    def find(self, resource: Resource, namespace: str, name: str) -> JsonObject | None:
        held = self._objects.get(_key(resource, namespace, name))
        return copy.deepcopy(held[1]) if held else None

    def get(self, resource: Resource, namespace: str, name: str) -> JsonObject:
        """Raises ApiError (404)."""
        found = self.find(resource, namespace, name)
        if found is None:
            raise errors.not_found(resource.plural, resource.group, name)
        return found

    def all_of(self, resource: Resource, namespace: str = "") -> list[JsonObject]:
        """All objects of a resource in a namespace, or everywhere, in the order of namespace and name."""
        plural = f"{resource.plural}.{resource.group}"
        keys = sorted(key for key in self._objects if key[0] == plural and namespace in ("", key[1]))
        return [copy.deepcopy(self._objects[key][1]) for key in keys]

    def create(self, resource: Resource, obj: JsonObject, *, dry_run: bool = False) -> JsonObject:
        """Store a new object with uid, version and creation time. Raises ApiError (409)."""
        obj = copy.deepcopy(obj)
        meta = obj.setdefault("metadata", {})
        if not meta.get("name") and meta.get("generateName"):
            meta["name"] = meta["generateName"] + self.random_suffix()
        key = _key(resource, meta.get("namespace", ""), meta["name"])
        if key in self._objects:
            raise errors.already_exists(resource.plural, resource.group, meta["name"])
        meta["uid"] = str(uuid.UUID(int=self._chance.getrandbits(128), version=4))
        meta["creationTimestamp"] = stamp(self.clock.now())
        if "spec" in obj:
            meta["generation"] = 1
        if dry_run:
            return obj
        return self._commit(resource, key, None, obj)

    def update(
        self, resource: Resource, obj: JsonObject, *, demand: Preconditions | None = None, dry_run: bool = False
    ) -> JsonObject:
        """Replace an object; one that is the same gets no new version. Raises ApiError (404, 409)."""
        meta = obj["metadata"]
        key = _key(resource, meta.get("namespace", ""), meta["name"])
        before = self._held(resource, key, demand or Preconditions())
        obj = copy.deepcopy(obj)
        for kept in ("uid", "creationTimestamp", "resourceVersion"):
            obj["metadata"][kept] = before["metadata"][kept]
        if "spec" in obj:
            changed = obj.get("spec") != before.get("spec")
            obj["metadata"]["generation"] = before["metadata"].get("generation", 1) + int(changed)
        if obj == before or dry_run:
            return obj
        return self._commit(resource, key, before, obj)

    def remove(self, resource: Resource, namespace: str, name: str, demand: Preconditions | None = None) -> JsonObject:
        """Take an object away; gives its last form. Raises ApiError (404, 409)."""
        key = _key(resource, namespace, name)
        before = self._held(resource, key, demand or Preconditions())
        return self._commit(resource, key, before, None)

    def check(self, resource: Resource, namespace: str, name: str, demand: Preconditions) -> JsonObject:
        """The object, when it is what the caller demands. Raises ApiError (404, 409)."""
        return copy.deepcopy(self._held(resource, _key(resource, namespace, name), demand))

    def _held(self, resource: Resource, key: Key, demand: Preconditions) -> JsonObject:
        if key not in self._objects:
            raise errors.not_found(resource.plural, resource.group, key[2])
        meta = self._objects[key][1]["metadata"]
        if demand.uid and demand.uid != meta["uid"]:
            why = f"Precondition failed: UID in precondition: {demand.uid}, UID in object meta: {meta['uid']}"
            raise errors.conflict(resource.plural, resource.group, key[2], why)
        if demand.resource_version and demand.resource_version != meta["resourceVersion"]:
            raise errors.conflict(resource.plural, resource.group, key[2])
        return self._objects[key][1]

    def _commit(self, resource: Resource, key: Key, before: JsonObject | None, after: JsonObject | None) -> JsonObject:
        self._version += 1
        final = copy.deepcopy(after if after is not None else before)
        assert final is not None, "a write has an object before or after it"
        final["metadata"]["resourceVersion"] = str(self._version)
        if after is None:
            del self._objects[key]
        else:
            self._objects[key] = (resource, final)
        self._changes.append(Change(self._version, resource, before or None, final if after is not None else None))
        for listener in list(self._listeners):
            listener()
        return copy.deepcopy(final)

    def owned_by(self, resource: Resource, owner: JsonObject) -> list[JsonObject]:
        """Objects whose controller is the owner."""
        uid, namespace = owner["metadata"]["uid"], owner["metadata"].get("namespace", "")
        return [one for one in self.all_of(resource, namespace) if controller_of(one).get("uid") == uid]

    def everything(self) -> Iterator[tuple[Resource, JsonObject]]:
        """All objects, not copied; they must not be changed."""
        yield from list(self._objects.values())

    def changes_after(self, version: int) -> list[Change]:
        """Writes newer than a version. Raises ApiError (410) when they are not all kept."""
        oldest = self._changes[0].version if self._changes else self._version + 1
        if version + 1 < oldest:
            raise errors.expired(f"too old resource version: {version} ({oldest})")
        return [change for change in self._changes if change.version > version]

    def subscribe(self) -> tuple[asyncio.Event, Callable[[], None]]:
        """An event that every write sets, and how to stop that."""
        event = asyncio.Event()
        self._listeners.add(event.set)
        return event, lambda: self._listeners.discard(event.set)

    def random_suffix(self, length: int = 5) -> str:
        return "".join(self._chance.choice(ALPHABET) for _ in range(length))


def controller_of(obj: JsonObject) -> JsonObject:
    """The owner reference of the controller, or an empty one."""
    references: list[Any] = obj["metadata"].get("ownerReferences") or []
    return next((one for one in references if one.get("controller")), {})


def owner_reference(owner: JsonObject) -> JsonObject:
    return {
        "apiVersion": owner["apiVersion"],
        "kind": owner["kind"],
        "name": owner["metadata"]["name"],
        "uid": owner["metadata"]["uid"],
        "controller": True,
        "blockOwnerDeletion": True,
    }


def _key(resource: Resource, namespace: str, name: str) -> Key:
    return (f"{resource.plural}.{resource.group}", namespace if resource.namespaced else "", name)
