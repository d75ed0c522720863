"""Watches: one JSON object a line for every change, from a resource version on."""

import asyncio
import json
from collections.abc import AsyncGenerator

from starlette.requests import Request

from . import errors
from .errors import ApiError, JsonObject
from .listing import present, read_filter
from .requests import Asked, whole_number
from .selectors import Matches
from .store import Change, Store

# kube-apiserver: min-request-timeout is 30 min and the watch cache sends a bookmark about every minute.
_LONGEST_S = 1800.0
_BOOKMARK_S = 60.0


def check_watch(request: Request, asked: Asked) -> Matches:
    """The filter of a watch, before the first byte is sent. Raises ApiError."""
    if request.query_params.get("sendInitialEvents"):
        why = "Forbidden: sendInitialEvents is forbidden for watch unless the WatchList feature gate is enabled"
        raise errors.invalid("ListOptions", "meta.k8s.io", "", "sendInitialEvents", why)
    whole_number(request, "resourceVersion")
    return read_filter(request, asked)


async def watch(store: Store, asked: Asked, request: Request, matches: Matches) -> AsyncGenerator[bytes]:
    """Lines until the time that the client gave is over."""
    loop = asyncio.get_running_loop()
    given = whole_number(request, "resourceVersion") or 0
    end = loop.time() + float(whole_number(request, "timeoutSeconds") or _LONGEST_S)
    bookmarks = request.query_params.get("allowWatchBookmarks", "").lower() in ("true", "1")
    changed, stop = store.subscribe()
    try:
        version = given or store.version
        for obj in [] if given else store.all_of(asked.resource, asked.namespace):
            if matches(obj):
                yield _line("ADDED", present(store, asked, request, obj))
        while loop.time() < end:
            changed.clear()
            for change in store.changes_after(version):
                version = change.version
                if event := _event(change, asked, matches):
                    yield _line(event[0], present(store, asked, request, event[1]))
            wait = min(end - loop.time(), _BOOKMARK_S)
            if not await _woken(changed, wait) and bookmarks:
                yield _line("BOOKMARK", _bookmark(asked, version))
    except ApiError as error:
        yield _line("ERROR", error.status)
    finally:
        stop()


async def _woken(changed: asyncio.Event, seconds: float) -> bool:
    """Whether something was written within so many seconds."""
    try:
        async with asyncio.timeout(max(0.0, seconds)):
            await changed.wait()
    except TimeoutError:
        return False
    return True


def _event(change: Change, asked: Asked, matches: Matches) -> tuple[str, JsonObject] | None:
    """What a write means for one watcher: objects that come into or go out of its filter are added or deleted."""
    if change.resource is not asked.resource:
        return None
    was = change.before is not None and matches(change.before)
    held = change.after is not None and matches(change.after)
    if held and change.after is not None:
        return ("MODIFIED" if was else "ADDED"), change.after
    if was and change.before is not None:
        gone = {**change.before, "metadata": {**change.before["metadata"], "resourceVersion": str(change.version)}}
        return "DELETED", gone
    return None


def _bookmark(asked: Asked, version: int) -> JsonObject:
    resource = asked.resource
    return {"kind": resource.kind, "apiVersion": resource.api_version, "metadata": {"resourceVersion": str(version)}}


def _line(kind: str, obj: JsonObject) -> bytes:
    return json.dumps({"type": kind, "object": obj}).encode() + b"\n"
