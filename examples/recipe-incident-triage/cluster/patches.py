"""The three kinds of PATCH.

JSON patch: RFC 6902. Merge patch: RFC 7396. Strategic merge patch: the merge keys of the Kubernetes API types and the
directives `$patch`, `$setElementOrder`, `$deleteFromPrimitiveList`, `$retainKeys`.
"""

import copy
from typing import Any, cast

from .errors import JsonObject, bad_request, patch_failed

JSON_PATCH = "application/json-patch+json"
MERGE_PATCH = "application/merge-patch+json"
STRATEGIC_PATCH = "application/strategic-merge-patch+json"
CONTENT_TYPES = [JSON_PATCH, MERGE_PATCH, STRATEGIC_PATCH]

# patchMergeKey of the lists that are merged element by element; a list that is not named here is replaced.
_MERGE_KEYS = {
    "containers": "name",
    "initContainers": "name",
    "ephemeralContainers": "name",
    "env": "name",
    "volumes": "name",
    "volumeMounts": "mountPath",
    "volumeDevices": "devicePath",
    "imagePullSecrets": "name",
    "hostAliases": "ip",
    "ports": "containerPort",
    "conditions": "type",
    "ownerReferences": "uid",
    "topologySpreadConstraints": "topologyKey",
}
_PRIMITIVE_LISTS = {"finalizers"}


def apply_patch(content_type: str, patch: Any, obj: JsonObject) -> JsonObject:
    """The patched object; the one given stays as it is. Raises ApiError (400, 422)."""
    if content_type == JSON_PATCH:
        return _json_patch(patch, obj)
    if not isinstance(patch, dict):
        raise bad_request("a merge patch must be a JSON object")
    changes = cast("JsonObject", patch)
    return _merge(obj, changes) if content_type == MERGE_PATCH else _strategic(obj, changes)


def _merge(target: Any, patch: JsonObject) -> JsonObject:
    result: JsonObject = dict(target) if isinstance(target, dict) else {}
    for key, value in patch.items():
        if value is None:
            result.pop(key, None)
        elif isinstance(value, dict):
            result[key] = _merge(result.get(key), cast("JsonObject", value))
        else:
            result[key] = copy.deepcopy(value)
    return result


def _strategic(target: Any, patch: JsonObject) -> JsonObject:
    directive = patch.get("$patch")
    if directive == "replace":
        return {key: copy.deepcopy(value) for key, value in patch.items() if not key.startswith("$")}
    if directive == "delete":
        return {}
    result: JsonObject = dict(target) if isinstance(target, dict) else {}
    if "$retainKeys" in patch:
        result = {key: value for key, value in result.items() if key in patch["$retainKeys"]}
    for key, value in patch.items():
        if key.startswith("$deleteFromPrimitiveList/"):
            name = key.partition("/")[2]
            result[name] = [one for one in result.get(name) or [] if one not in value]
        elif not key.startswith("$"):
            _strategic_field(result, key, value, patch.get(f"$setElementOrder/{key}"))
    return result


def _strategic_field(result: JsonObject, key: str, value: Any, order: list[Any] | None) -> None:
    if value is None:
        result.pop(key, None)
    elif isinstance(value, dict):
        result[key] = _strategic(result.get(key), cast("JsonObject", value))
    elif isinstance(value, list):
        result[key] = _strategic_list(key, result.get(key) or [], cast("list[Any]", value), order)
    else:
        result[key] = value


def _strategic_list(name: str, old: list[Any], patch: list[Any], order: list[Any] | None) -> list[Any]:
    if name in _PRIMITIVE_LISTS:
        return [*old, *(one for one in patch if one not in old)]
    merge_key = _MERGE_KEYS.get(name)
    if merge_key is None or not all(isinstance(one, dict) for one in patch):
        return copy.deepcopy(patch)
    if any(one.get("$patch") == "replace" for one in patch):
        return [copy.deepcopy(one) for one in patch if "$patch" not in one]
    result = list(old)
    for one in patch:
        result = _merge_element(result, one, merge_key)
    if order:
        places = {one.get(merge_key): index for index, one in enumerate(order)}
        result.sort(key=lambda held: places.get(held.get(merge_key), len(places)))
    return result


def _merge_element(held: list[JsonObject], one: JsonObject, merge_key: str) -> list[JsonObject]:
    """A list with one element of a patch put in, merged or taken out."""
    if merge_key not in one:
        raise bad_request(f"map: {one} does not contain declared merge key: {merge_key}")
    same = [each for each in held if each.get(merge_key) == one[merge_key]]
    if one.get("$patch") == "delete":
        return [each for each in held if each not in same]
    if not same:
        return [*held, _strategic({}, one)]
    return [_strategic(each, one) if each is same[0] else each for each in held]


def _json_patch(operations: Any, obj: JsonObject) -> JsonObject:
    if not isinstance(operations, list):
        raise bad_request("a JSON patch must be a list of operations")
    document: Any = copy.deepcopy(obj)
    try:
        for operation in cast("list[JsonObject]", operations):
            document = _operate(document, operation)
    except (KeyError, IndexError, ValueError, TypeError):
        raise patch_failed() from None
    return document


def _operate(document: Any, operation: JsonObject) -> Any:
    """One operation. Raises KeyError, IndexError, ValueError or TypeError when it cannot be done."""
    kind, path = operation["op"], _pointer(operation["path"])
    if kind == "test":
        if _get(document, path) != operation.get("value"):
            raise ValueError("test failed")
        return document
    if kind in ("move", "copy"):
        source = _pointer(operation["from"])
        value = copy.deepcopy(_get(document, source))
        if kind == "move":
            _remove(document, source)
        return _put(document, path, value, adding=True)
    if kind == "remove":
        _remove(document, path)
        return document
    if kind in ("add", "replace"):
        return _put(document, path, operation["value"], adding=kind == "add")
    raise ValueError(f"unknown operation {kind}")


def _pointer(text: str) -> list[str]:
    """RFC 6901."""
    if text == "":
        return []
    if not text.startswith("/"):
        raise ValueError("a pointer begins with /")
    return [part.replace("~1", "/").replace("~0", "~") for part in text[1:].split("/")]


def _get(document: Any, path: list[str]) -> Any:
    for part in path:
        document = document[int(part)] if isinstance(document, list) else document[part]
    return document


def _remove(document: Any, path: list[str]) -> None:
    parent = _get(document, path[:-1])
    del parent[int(path[-1]) if isinstance(parent, list) else path[-1]]


def _put(document: Any, path: list[str], value: Any, *, adding: bool) -> Any:
    if not path:
        return value
    parent, last = _get(document, path[:-1]), path[-1]
    if isinstance(parent, list):
        if adding:
            parent.insert(len(cast("list[Any]", parent)) if last == "-" else int(last), value)
        else:
            parent[int(last)] = value
    elif adding or last in parent:
        parent[last] = value
    else:
        raise KeyError(last)
    return document
