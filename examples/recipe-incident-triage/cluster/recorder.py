"""Events: what happened to which object, counted when it happens again, forgotten after an hour."""

import uuid
from datetime import timedelta

from .clock import parse_stamp, stamp
from .errors import JsonObject
from .kinds import EVENTS
from .store import Store

# kube-apiserver's --event-ttl.
EVENTS_KEPT = timedelta(hours=1)


class Recorder:
    """Writes events the way client-go's recorder does."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def record(self, about: JsonObject, kind: str, reason: str, message: str, source: str, *, field: str = "") -> None:
        """One happening; `kind` is Normal or Warning, `source` the component, `field` a path inside the object."""
        now = stamp(self._store.clock.now())
        involved = _reference(about, field)
        for event in self._store.all_of(EVENTS, involved["namespace"]):
            same = (event["involvedObject"], event["type"], event["reason"], event["message"])
            if _identity(same) == _identity((involved, kind, reason, message)):
                event["count"] += 1
                event["lastTimestamp"] = now
                self._store.update(EVENTS, event)
                return
        suffix = uuid.uuid5(uuid.NAMESPACE_OID, f"{involved}{kind}{reason}{message}{now}").hex[:16]
        self._store.create(
            EVENTS,
            {
                "apiVersion": "v1",
                "kind": "Event",
                "metadata": {"name": f"{involved['name']}.{suffix}", "namespace": involved["namespace"]},
                "involvedObject": involved,
                "type": kind,
                "reason": reason,
                "message": message,
                "source": {"component": source} | _host(about, source),
                "reportingComponent": source,
                "reportingInstance": "",
                "firstTimestamp": now,
                "lastTimestamp": now,
                "eventTime": None,
                "count": 1,
            },
        )

    def forget_old(self) -> None:
        """Drop events that are older than an hour."""
        limit = self._store.clock.now() - EVENTS_KEPT
        for event in self._store.all_of(EVENTS):
            if parse_stamp(event.get("lastTimestamp") or event["metadata"]["creationTimestamp"]) < limit:
                self._store.remove(EVENTS, event["metadata"]["namespace"], event["metadata"]["name"])


def _reference(about: JsonObject, field: str) -> JsonObject:
    meta = about["metadata"]
    reference = {
        "kind": about["kind"],
        "namespace": meta.get("namespace") or "default",
        "name": meta["name"],
        "uid": meta["uid"],
        "apiVersion": about["apiVersion"],
        "resourceVersion": meta["resourceVersion"],
    }
    return reference | ({"fieldPath": field} if field else {})


def _host(about: JsonObject, source: str) -> JsonObject:
    node = (about.get("spec") or {}).get("nodeName")
    return {"host": node} if source == "kubelet" and node else {}


def _identity(parts: tuple[JsonObject, str, str, str]) -> tuple[str, str, str, str, str]:
    """What makes two happenings the same; the version of the object does not."""
    return (str(parts[0].get("uid")), str(parts[0].get("fieldPath", "")), parts[1], parts[2], parts[3])
