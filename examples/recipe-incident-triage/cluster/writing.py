"""Create, update, patch and delete."""

import copy
from typing import Any

from starlette.requests import Request

from . import errors
from .errors import JsonObject
from .kinds import DEPLOYMENTS, EVENTS, NAMESPACES, PODS, REPLICA_SETS, Resource
from .patches import apply_patch
from .replicasets import mark_for_deletion
from .requests import Asked, read_body, read_object, whole_number
from .selectors import render_selector
from .store import Preconditions, Store, controller_of
from .validation import prepare

# What the server alone writes; the rest of metadata belongs to callers.
_SERVERS_OWN = ("uid", "creationTimestamp", "deletionTimestamp", "deletionGracePeriodSeconds", "generation")


async def create(store: Store, asked: Asked, request: Request) -> JsonObject:
    """A new object from the body. Raises ApiError."""
    obj = await read_object(request)
    resource = asked.resource
    _check_kind(resource, obj)
    meta = _metadata(obj)
    for field in (*_SERVERS_OWN, "resourceVersion"):
        meta.pop(field, None)
    if resource.namespaced:
        _check_same(meta.setdefault("namespace", asked.namespace), asked.namespace, "namespace")
    if not meta.get("name"):
        if not meta.get("generateName"):
            why = "Required value: name or generateName is required"
            raise errors.invalid(resource.kind, resource.group, "", "metadata.name", why)
        meta["name"] = meta["generateName"] + store.random_suffix()
    if resource.namespaced and store.find(NAMESPACES, "", asked.namespace) is None:
        raise errors.not_found(NAMESPACES.plural, "", asked.namespace)
    if resource is not EVENTS:
        obj.pop("status", None)
        prepare(resource, obj)
    return store.create(resource, obj, dry_run=asked.dry_run)


async def update(store: Store, asked: Asked, request: Request) -> JsonObject:
    """Replace an object, its status or its scale. Raises ApiError."""
    obj = await read_object(request)
    before = store.get(asked.resource, asked.namespace, asked.name)
    if asked.subresource == "scale":
        return _write_scale(store, asked, before, obj)
    _check_kind(asked.resource, obj)
    return _write(store, asked, before, obj)


async def patch(store: Store, asked: Asked, request: Request) -> JsonObject:
    """Patch an object, its status or its scale. Raises ApiError."""
    content_type, changes = await read_body(request, patch=True)
    before = store.get(asked.resource, asked.namespace, asked.name)
    if asked.subresource == "scale":
        return _write_scale(store, asked, before, apply_patch(content_type, changes, scale_of(before)))
    return _write(store, asked, before, apply_patch(content_type, changes, before))


def _write(store: Store, asked: Asked, before: JsonObject, obj: JsonObject) -> JsonObject:
    resource = asked.resource
    meta = _metadata(obj)
    _check_same(meta.get("name"), asked.name, "name")
    if resource.namespaced:
        _check_same(meta.setdefault("namespace", asked.namespace), asked.namespace, "namespace")
    demand = Preconditions(uid=meta.get("uid"), resource_version=meta.get("resourceVersion"))
    if asked.subresource == "status":
        written = {**before, "status": obj.get("status") or {}}
    else:
        written = copy.deepcopy(obj)
        for field in _SERVERS_OWN:
            written["metadata"].pop(field, None)
            if field in before["metadata"]:
                written["metadata"][field] = before["metadata"][field]
        if "status" in before:
            written["status"] = before["status"]
        if resource is not EVENTS:
            prepare(resource, written)
        _check_unchangeable(resource, before, written)
    return store.update(resource, written, demand=demand, dry_run=asked.dry_run)


def _check_unchangeable(resource: Resource, before: JsonObject, after: JsonObject) -> None:
    name = before["metadata"]["name"]
    if resource in (DEPLOYMENTS, REPLICA_SETS) and before["spec"]["selector"] != after["spec"]["selector"]:
        why = f"Invalid value: {after['spec']['selector']}: field is immutable"
        raise errors.invalid(resource.kind, resource.group, name, "spec.selector", why)
    if resource is PODS and _without_images(before) != _without_images(after):
        why = (
            "Forbidden: pod updates may not change fields other than `spec.containers[*].image`,"
            "`spec.initContainers[*].image`,`spec.activeDeadlineSeconds`,`spec.tolerations` (only additions to "
            "existing tolerations),`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was "
            "previously negative)"
        )
        raise errors.invalid(resource.kind, resource.group, name, "spec", why)


def _without_images(pod: JsonObject) -> JsonObject:
    spec = copy.deepcopy(pod["spec"])
    for container in spec["containers"]:
        container.pop("image")
    return spec


def scale_of(obj: JsonObject) -> JsonObject:
    """The autoscaling/v1 Scale of a workload."""
    meta = obj["metadata"]
    return {
        "kind": "Scale",
        "apiVersion": "autoscaling/v1",
        "metadata": {key: meta[key] for key in ("name", "namespace", "uid", "resourceVersion", "creationTimestamp")},
        "spec": {"replicas": obj["spec"]["replicas"]},
        "status": {
            "replicas": (obj.get("status") or {}).get("replicas", 0),
            "selector": render_selector(obj["spec"]["selector"]),
        },
    }


def _write_scale(store: Store, asked: Asked, before: JsonObject, scale: JsonObject) -> JsonObject:
    meta = scale.get("metadata") or {}
    _check_same(meta.get("name"), asked.name, "name")
    demand = Preconditions(uid=meta.get("uid"), resource_version=meta.get("resourceVersion"))
    before["spec"]["replicas"] = (scale.get("spec") or {}).get("replicas", 0)
    prepare(asked.resource, before)
    return scale_of(store.update(asked.resource, before, demand=demand, dry_run=asked.dry_run))


async def delete(store: Store, asked: Asked, request: Request) -> JsonObject:
    """Delete one object; a pod is ended gracefully first. Raises ApiError."""
    options = await _delete_options(request)
    return _delete_one(store, asked, asked.namespace, asked.name, options)


async def delete_listed(store: Store, asked: Asked, request: Request, found: list[JsonObject]) -> None:
    """Delete what a list found. Raises ApiError."""
    options = await _delete_options(request)
    for one in found:
        _delete_one(store, asked, one["metadata"].get("namespace", ""), one["metadata"]["name"], options)


async def _delete_options(request: Request) -> JsonObject:
    _, body = await read_body(request)
    options: JsonObject = body if isinstance(body, dict) else {}
    for name in ("gracePeriodSeconds", "propagationPolicy"):
        if (given := request.query_params.get(name)) is not None:
            options[name] = whole_number(request, name) if name == "gracePeriodSeconds" else given
    return options


def _delete_one(store: Store, asked: Asked, namespace: str, name: str, options: JsonObject) -> JsonObject:
    resource, given = asked.resource, options.get("preconditions") or {}
    demand = Preconditions(uid=given.get("uid"), resource_version=given.get("resourceVersion"))
    obj = store.check(resource, namespace, name, demand)
    grace = options.get("gracePeriodSeconds")
    if asked.dry_run or options.get("dryRun"):
        return obj if resource is PODS else _deleted(resource, obj)
    if resource is PODS and grace != 0:
        return mark_for_deletion(store, obj, grace)
    if options.get("propagationPolicy") == "Orphan":
        _let_go(store, obj)
    store.remove(resource, namespace, name)
    return _deleted(resource, obj)


def _let_go(store: Store, owner: JsonObject) -> None:
    for resource, obj in store.everything():
        if controller_of(obj).get("uid") == owner["metadata"]["uid"]:
            freed: Any = copy.deepcopy(obj)
            freed["metadata"].pop("ownerReferences")
            store.update(resource, freed)


def _deleted(resource: Resource, obj: JsonObject) -> JsonObject:
    details = {"name": obj["metadata"]["name"], "kind": resource.plural, "uid": obj["metadata"]["uid"]}
    if resource.group:
        details["group"] = resource.group
    return {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "details": details}


def _metadata(obj: JsonObject) -> JsonObject:
    meta: Any = obj.setdefault("metadata", {})
    if not isinstance(meta, dict):
        raise errors.bad_request("metadata must be a JSON object")
    return meta


def _check_kind(resource: Resource, obj: JsonObject) -> None:
    sent = (obj.get("apiVersion", resource.api_version), obj.get("kind", resource.kind))
    if sent != (resource.api_version, resource.kind):
        raise errors.bad_request(
            f'{sent[1]} in version "{sent[0]}" cannot be handled as a {resource.kind}: no kind "{sent[1]}" is '
            f'registered for version "{resource.api_version}"'
        )


def _check_same(sent: Any, path: str, field: str) -> None:
    if sent != path:
        raise errors.bad_request(
            f"the {field} of the provided object does not match the {field} sent on the request ({sent} != {path})"
        )
