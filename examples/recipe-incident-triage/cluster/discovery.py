"""What the server says about itself: version, groups, resources, and as much OpenAPI as kubectl asks for."""

from typing import Any

from .errors import JsonObject
from .kinds import RESOURCES, Resource

_REVIEWS = (
    ("authentication.k8s.io", "selfsubjectreviews", "SelfSubjectReview"),
    ("authorization.k8s.io", "selfsubjectaccessreviews", "SelfSubjectAccessReview"),
)
AGGREGATED = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList"


def version(text: str) -> JsonObject:
    """GET /version."""
    major, minor, _ = text.removeprefix("v").split(".")
    return {
        "major": major,
        "minor": minor,
        "gitVersion": text,
        "gitCommit": "0000000000000000000000000000000000000000",
        "gitTreeState": "clean",
        "buildDate": "2025-04-22T15:56:03Z",
        "goVersion": "go1.23.6",
        "compiler": "gc",
        "platform": "linux/amd64",
    }


def groups() -> list[str]:
    """All named groups, in the order of their first resource."""
    named = [one.group for one in RESOURCES if one.group] + [group for group, _, _ in _REVIEWS]
    return list(dict.fromkeys(named))


def core_versions(host: str) -> JsonObject:
    """GET /api, the old way."""
    by_client = [{"clientCIDR": "0.0.0.0/0", "serverAddress": host}]
    return {"kind": "APIVersions", "versions": ["v1"], "serverAddressByClientCIDRs": by_client}


def group_list() -> JsonObject:
    """GET /apis, the old way."""
    return {"kind": "APIGroupList", "apiVersion": "v1", "groups": [group(name) for name in groups()]}


def group(name: str) -> JsonObject:
    """GET /apis/NAME."""
    entry = {"groupVersion": f"{name}/v1", "version": "v1"}
    return {"kind": "APIGroup", "apiVersion": "v1", "name": name, "versions": [entry], "preferredVersion": entry}


def resource_list(group_name: str) -> JsonObject:
    """GET /api/v1 and /apis/GROUP/v1."""
    rows: list[JsonObject] = []
    for resource in RESOURCES:
        if resource.group == group_name:
            rows.append(_row(resource))
            rows.extend(
                {
                    "name": f"{resource.plural}/{name}",
                    "singularName": "",
                    "namespaced": resource.namespaced,
                    "kind": kind,
                    "verbs": list(verbs),
                    **({"group": "autoscaling", "version": "v1"} if kind == "Scale" else {}),
                }
                for name, kind, verbs in resource.subresources
            )
    rows.extend(
        {"name": plural, "singularName": kind.lower(), "namespaced": False, "kind": kind, "verbs": ["create"]}
        for owner, plural, kind in _REVIEWS
        if owner == group_name
    )
    group_version = f"{group_name}/v1" if group_name else "v1"
    return {"kind": "APIResourceList", "apiVersion": "v1", "groupVersion": group_version, "resources": rows}


def _row(resource: Resource) -> JsonObject:
    return {
        "name": resource.plural,
        "singularName": resource.singular,
        "namespaced": resource.namespaced,
        "kind": resource.kind,
        "verbs": list(resource.verbs),
        **({"shortNames": list(resource.short)} if resource.short else {}),
        **({"categories": ["all"]} if resource.plural in ("pods", "deployments", "replicasets") else {}),
    }


def aggregated(group_names: list[str]) -> JsonObject:
    """GET /api and /apis in one answer each (KEP 3352), for clients that accept it."""
    return {
        "kind": "APIGroupDiscoveryList",
        "apiVersion": "apidiscovery.k8s.io/v2",
        "metadata": {},
        "items": [_aggregated_group(name) for name in group_names],
    }


def _aggregated_group(name: str) -> JsonObject:
    rows: dict[str, JsonObject] = {}
    for row in resource_list(name)["resources"]:
        plural, _, below = row["name"].partition("/")
        kind: JsonObject = {"group": row.get("group", name), "version": "v1", "kind": row["kind"]}
        if below:
            entry = {"subresource": below, "responseKind": kind, "verbs": row["verbs"]}
            rows[plural].setdefault("subresources", []).append(entry)
        else:
            rows[plural] = {
                "resource": plural,
                "responseKind": kind,
                "scope": "Namespaced" if row["namespaced"] else "Cluster",
                "singularResource": row["singularName"],
                "verbs": row["verbs"],
                **{key: row[key] for key in ("shortNames", "categories") if key in row},
            }
    entry = {"version": "v1", "resources": list(rows.values()), "freshness": "Current"}
    return {"metadata": {"name": name} if name else {"creationTimestamp": None}, "versions": [entry]}


def openapi_index() -> JsonObject:
    """GET /openapi/v3."""
    paths = ["api/v1", *(f"apis/{name}/v1" for name in groups())]
    return {"paths": {path: {"serverRelativeURL": f"/openapi/v3/{path}?hash=1"} for path in paths}}


def openapi(group_name: str) -> JsonObject:
    """GET /openapi/v3/…: kinds and the query parameter by which kubectl sees that the server checks fields itself."""
    paths: dict[str, Any] = {}
    schemas: dict[str, Any] = {}
    for resource in (one for one in RESOURCES if one.group == group_name):
        kind = {"group": resource.group, "kind": resource.kind, "version": resource.version}
        base = f"/apis/{resource.group}/v1" if resource.group else "/api/v1"
        middle = "/namespaces/{namespace}" if resource.namespaced else ""
        check = {"name": "fieldValidation", "in": "query", "schema": {"type": "string", "uniqueItems": True}}
        dry = {"name": "dryRun", "in": "query", "schema": {"type": "string", "uniqueItems": True}}
        ok = {"responses": {"200": {"description": "OK"}}, "x-kubernetes-group-version-kind": kind}
        paths[f"{base}{middle}/{resource.plural}/{{name}}"] = {"patch": {**ok, "parameters": [check, dry]}}
        name = f"io.k8s.api.{(resource.group or 'core').partition('.')[0]}.v1.{resource.kind}"
        schemas[name] = {"type": "object", "x-kubernetes-group-version-kind": [kind]}
    info = {"title": "Kubernetes", "version": "v1.32.4"}
    return {"openapi": "3.0.0", "info": info, "paths": paths, "components": {"schemas": schemas}}
