"""Lists: selectors, pages, Tables."""

import base64
import json
from typing import Any

from starlette.requests import Request

from . import errors
from .errors import JsonObject
from .requests import Asked, wants_table, whole_number
from .selectors import Matches, parse_field_selector, parse_label_selector
from .store import Store
from .tables import render_table


def read_filter(request: Request, asked: Asked) -> Matches:
    """Label and field selector of a request as one predicate. Raises ApiError (400)."""
    labels = parse_label_selector(request.query_params.get("labelSelector", ""))
    fields = parse_field_selector(request.query_params.get("fieldSelector", ""), asked.resource.kind)

    def matches(obj: JsonObject) -> bool:
        meta = obj["metadata"]
        if asked.namespace and meta.get("namespace", "") != asked.namespace:
            return False
        return labels(meta.get("labels") or {}) and fields(obj)

    return matches


def list_objects(store: Store, asked: Asked, request: Request) -> JsonObject:
    """A List or a Table. Raises ApiError (400, 410)."""
    matches = read_filter(request, asked)
    found = [one for one in store.all_of(asked.resource, asked.namespace) if matches(one)]
    limit = whole_number(request, "limit") or 0
    version, start = str(store.version), ""
    if token := request.query_params.get("continue"):
        version, start = _read_token(store, token)
        found = [one for one in found if _place(one) > start]
    metadata: JsonObject = {"resourceVersion": version}
    if limit and len(found) > limit:
        left = len(found) - limit
        found = found[:limit]
        metadata["continue"] = _token(version, _place(found[-1]))
        if not request.query_params.get("labelSelector") and not request.query_params.get("fieldSelector"):
            metadata["remainingItemCount"] = left
    return present_list(store, asked, request, found, metadata)


def present_list(
    store: Store, asked: Asked, request: Request, found: list[JsonObject], metadata: JsonObject
) -> JsonObject:
    resource = asked.resource
    if wants_table(request):
        include = request.query_params.get("includeObject", "Metadata")
        return render_table(resource, found, store.clock.now(), include=include, metadata=metadata)
    items = [{key: value for key, value in one.items() if key not in ("kind", "apiVersion")} for one in found]
    return {"kind": f"{resource.kind}List", "apiVersion": resource.api_version, "metadata": metadata, "items": items}


def present(store: Store, asked: Asked, request: Request, obj: JsonObject) -> JsonObject:
    """One object, or a Table with one row."""
    if wants_table(request):
        metadata = {"resourceVersion": obj["metadata"].get("resourceVersion", "")}
        return present_list(store, asked, request, [obj], metadata)
    return obj


def _place(obj: JsonObject) -> str:
    return f"{obj['metadata'].get('namespace', '')}/{obj['metadata']['name']}"


def _token(version: str, start: str) -> str:
    return base64.urlsafe_b64encode(
        json.dumps({"v": "meta.k8s.io/v1", "rv": version, "start": start}).encode()
    ).decode()


def _read_token(store: Store, token: str) -> tuple[str, str]:
    try:
        parsed: Any = json.loads(base64.urlsafe_b64decode(token.encode()))
        version, start = str(parsed["rv"]), str(parsed["start"])
        store.changes_after(int(version))
    except (ValueError, KeyError, TypeError):
        raise errors.bad_request("continue key is not valid") from None
    return version, start
