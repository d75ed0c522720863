"""What a request asks for: path, verb, wanted form of the answer, body.

The reading of paths is that of k8s.io/apiserver/pkg/endpoints/request (RequestInfo).
"""

import json
from dataclasses import dataclass
from typing import Any, cast

import yaml
from starlette.requests import Request

from . import errors
from .access import Wish
from .errors import JsonObject
from .kinds import NAMESPACES, Resource, find_resource
from .patches import CONTENT_TYPES

_MOST_BODY = 3 * 1024 * 1024  # kube-apiserver's limit


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """One request for a resource."""

    resource: Resource
    verb: str
    namespace: str = ""
    name: str = ""
    subresource: str = ""
    dry_run: bool = False

    @property
    def wish(self) -> Wish:
        """The same as authorization sees it."""
        below = f"/{self.subresource}" if self.subresource else ""
        return Wish(
            verb=self.verb,
            group=self.resource.group,
            resource=self.resource.plural + below,
            namespace=self.namespace,
            name=self.name,
        )


def read_request(request: Request) -> Asked:
    """Parse the path and the verb. Raises ApiError (404, 405, 400)."""
    parts = [part for part in request.url.path.split("/") if part]
    group, version, rest = ("", parts[1:2], parts[2:]) if parts[0] == "api" else (parts[1], parts[2:3], parts[3:])
    namespace = ""
    if len(rest) >= 3 and rest[0] == NAMESPACES.plural:
        namespace, rest = rest[1], rest[2:]
    resource = find_resource(group, version[0] if version else "", rest[0]) if rest else None
    if resource is None or len(rest) > 3 or (namespace and not resource.namespaced):
        raise errors.no_such_path()
    name, subresource = (*rest[1:], "", "")[:2]
    verb = _verb(request, name)
    if subresource:
        verbs = next((verbs for one, _, verbs in resource.subresources if one == subresource), None)
        if verbs is None:
            raise errors.no_such_path()
        if verb not in verbs:
            raise errors.method_not_allowed()
    elif verb not in resource.verbs:
        raise errors.method_not_allowed()
    if name and resource.namespaced and not namespace:
        raise errors.no_such_path()
    return Asked(
        resource=resource,
        verb=verb,
        namespace=namespace,
        name=name,
        subresource=subresource,
        dry_run=_dry_run(request.query_params.getlist("dryRun")),
    )


def _verb(request: Request, name: str) -> str:
    if request.method in ("GET", "HEAD"):
        watching = request.query_params.get("watch", "").lower() in ("true", "1")
        return "get" if name else "watch" if watching else "list"
    with_name = {"PUT": "update", "PATCH": "patch", "DELETE": "delete", "POST": "create"}
    without = {"POST": "create", "DELETE": "deletecollection"}
    verb = (with_name if name else without).get(request.method)
    if verb is None or (verb == "create" and name and request.url.path.count("/") < 5):
        raise errors.method_not_allowed()
    return verb


def _dry_run(values: list[str]) -> bool:
    if any(value != "All" for value in values):
        raise errors.bad_request(f'invalid dry run: Unsupported value: {values}: supported values: "All"')
    return bool(values)


def media_types(request: Request) -> list[tuple[str, dict[str, str]]]:
    """The Accept header: media type and parameters, as sent."""
    found: list[tuple[str, dict[str, str]]] = []
    for part in request.headers.get("accept", "*/*").split(","):
        media, *parameters = (piece.strip() for piece in part.split(";"))
        found.append((media, dict(one.partition("=")[::2] for one in parameters)))
    return found


def wants_table(request: Request) -> bool:
    """Whether the first form that the client accepts and we have is a Table."""
    for media, parameters in media_types(request):
        if media == "application/json" and parameters.get("as") == "Table":
            return True
        if media in ("application/json", "*/*", "application/*") and "as" not in parameters:
            return False
    return False


async def read_body(request: Request, *, patch: bool = False) -> tuple[str, Any]:
    """Content type and parsed body. Raises ApiError (400, 413, 415)."""
    sent = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    accepted = CONTENT_TYPES if patch else ["application/json", "application/yaml"]
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > _MOST_BODY:
            raise errors.ApiError(413, "RequestEntityTooLarge", f"limit is {_MOST_BODY}")
    if not body:
        return sent, None
    if sent and sent not in accepted and not (sent == "*/*" and not patch):
        raise errors.unsupported_media_type(sent, accepted)
    try:
        if sent == "application/yaml":
            return sent, yaml.safe_load(body.decode())
        return sent, json.loads(body)
    except (ValueError, yaml.YAMLError) as error:
        raise errors.bad_request(f"the object provided is unrecognized (must be of type JSON): {error}") from None


async def read_object(request: Request) -> JsonObject:
    """A body that must be an object. Raises ApiError."""
    _, body = await read_body(request)
    if not isinstance(body, dict):
        raise errors.bad_request("the body of the request must be one JSON object")
    return cast("JsonObject", body)


def whole_number(request: Request, name: str) -> int | None:
    """A query parameter that is a number. Raises ApiError (400)."""
    text = request.query_params.get(name)
    if text is None or text == "":
        return None
    try:
        return int(text)
    except ValueError:
        raise errors.bad_request(
            f'unable to decode "{name}": strconv.ParseInt: parsing "{text}": invalid syntax'
        ) from None
