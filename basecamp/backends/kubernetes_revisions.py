"""The history of a deployment: its revisions, and what each has otherwise than the one before; pure."""

from __future__ import annotations

import copy
import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Literal

from basecamp.backends.kubernetes_masking import mask_value
from basecamp.backends.kubernetes_results import Revision, TemplateChange
from basecamp.backends.kubernetes_views import (
    CHANGE_CAUSE,
    JsonObject,
    annotation,
    born,
    images,
    revision_of,
    rows,
    section,
)

HASH_LABEL = "pod-template-hash"
_Field = Literal["image", "env", "limits", "requests", "command", "args", "other"]
_COMPARED = frozenset({"name", "image", "env", "resources", "command", "args"})
_MOST_VALUE = 300


def describe_revisions(replica_sets: Sequence[JsonObject], current: int, now: datetime) -> list[Revision]:
    """Newest first."""
    known = [(number, one) for one in replica_sets if (number := revision_of(one)) is not None]
    ordered = sorted(known, key=lambda pair: pair[0])
    found: list[Revision] = []
    before: JsonObject | None = None
    for number, replica_set in ordered:
        template = replica_set["spec"]["template"]
        found.append(
            Revision(
                revision=number,
                current=number == current,
                replica_set=replica_set["metadata"]["name"],
                replica_set_uid=replica_set["metadata"]["uid"],
                replicas=section(replica_set, "status").get("replicas", 0),
                ready=section(replica_set, "status").get("readyReplicas", 0),
                images=images(template),
                change_cause=annotation(replica_set, CHANGE_CAUSE),
                created_at=born(replica_set),
                age_seconds=max(0, int((now - born(replica_set)).total_seconds())),
                changes=compare_templates(before, template) if before is not None else [],
            )
        )
        before = template
    return found[::-1]


def bare_template(replica_set: JsonObject) -> JsonObject:
    """The pod template of a replica set as a deployment would hold it: without the hash label."""
    template: JsonObject = copy.deepcopy(replica_set["spec"]["template"])
    section(template, "metadata", "labels").pop(HASH_LABEL, None)
    return template


def compare_templates(before: JsonObject, after: JsonObject) -> list[TemplateChange]:
    """What differs between two pod templates; values that look secret are masked."""
    changes: list[TemplateChange] = []
    for kind in ("initContainers", "containers"):
        old = {one["name"]: one for one in rows(before["spec"], kind)}
        new = {one["name"]: one for one in rows(after["spec"], kind)}
        for name in [*old, *(name for name in new if name not in old)]:
            changes.extend(_compare_containers(name, old.get(name), new.get(name)))
    old_pod, new_pod = _pod_fields(before), _pod_fields(after)
    changes.extend(_compare_maps("", "other", old_pod, new_pod, prefix="spec."))
    for part in ("labels", "annotations"):
        old_part, new_part = _metadata(before, part), _metadata(after, part)
        changes.extend(_compare_maps("", "other", old_part, new_part, prefix=f"{part}."))
    return changes


def _pod_fields(template: JsonObject) -> JsonObject:
    return {key: value for key, value in template["spec"].items() if not key.lower().endswith("containers")}


def _metadata(template: JsonObject, part: str) -> JsonObject:
    return {key: value for key, value in section(template, "metadata", part).items() if key != HASH_LABEL}


def _compare_containers(name: str, old: JsonObject | None, new: JsonObject | None) -> list[TemplateChange]:
    if old is None or new is None:
        return _changed(name, "other", "container", old and old["image"], new and new["image"])
    changes = _changed(name, "image", "image", old["image"], new["image"])
    changes += _compare_maps(name, "env", _environment(old), _environment(new))
    for kind in ("limits", "requests"):
        changes += _compare_maps(name, kind, section(old, "resources", kind), section(new, "resources", kind))
    for kind in ("command", "args"):
        changes += _changed(name, kind, kind, old.get(kind), new.get(kind))
    others = [key for key in {**old, **new} if key not in _COMPARED]
    for key in others:
        changes += _changed(name, "other", key, old.get(key), new.get(key))
    return changes


def _environment(container: JsonObject) -> dict[str, Any]:
    """Name to value, or to where the value comes from."""
    return {one["name"]: one.get("value", one.get("valueFrom", "")) for one in rows(container, "env")}


def _compare_maps(
    container: str,
    field: Literal["env", "limits", "requests", "other"],
    old: Mapping[str, Any],
    new: Mapping[str, Any],
    *,
    prefix: str = "",
) -> list[TemplateChange]:
    found: list[TemplateChange] = []
    for key in {**old, **new}:
        found += _changed(container, field, f"{prefix}{key}", old.get(key), new.get(key))
    return found


def _changed(container: str, field: _Field, name: str, old: Any, new: Any) -> list[TemplateChange]:
    if old == new:
        return []
    before, after = _shown(name, old), _shown(name, new)
    return [TemplateChange(container=container, field=field, name=name, before=before, after=after)]


def _shown(name: str, value: Any) -> str | None:
    """A value for people. Where a value comes from is no secret, what it is may be one."""
    if value is None:
        return None
    if isinstance(value, str):
        return mask_value(name, value)[:_MOST_VALUE]
    return mask_value("", json.dumps(value, sort_keys=True))[:_MOST_VALUE]
