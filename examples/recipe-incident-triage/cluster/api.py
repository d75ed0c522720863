"""The API server: authentication, authorization, and a handler for each verb."""

from collections.abc import Awaitable, Callable
from typing import Literal

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route

from . import discovery, errors, writing
from .access import Access, Wish, allowed
from .errors import ApiError, JsonObject
from .kinds import PODS
from .listing import list_objects, present, read_filter
from .pod_logs import find_run, log_lines, read_log_wish
from .replicasets import mark_for_deletion
from .requests import Asked, media_types, read_object, read_request
from .scenario import User
from .watching import check_watch, watch
from .world import World

Discovery = Literal["aggregated", "legacy"]
_METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE"]
_Handler = Callable[[Request, User], Awaitable[Response]]
_REVIEWS = {
    "/apis/authentication.k8s.io/v1/selfsubjectreviews": "_who_am_i",
    "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews": "_may_i",
}


class ApiServer:
    """Serves one world; `build_app` gives its HTTP application.

    `kind_of_discovery` is "aggregated" (servers from 1.27 on, for clients that ask for it) or "legacy" (older ones,
    which have no /openapi/v3 either).
    """

    def __init__(self, world: World, access: Access, kind_of_discovery: Discovery = "aggregated") -> None:
        self._world = world
        self._store = world.store
        self._access = access
        self._discovery = kind_of_discovery

    def build_app(self) -> Starlette:
        """The HTTP application."""
        known = self._known
        return Starlette(
            routes=[
                Route("/version", _refusing(self._version)),
                *(Route(path, _healthy) for path in ("/healthz", "/livez", "/readyz")),
                Route("/api", known(self._core)),
                Route("/apis", known(self._groups)),
                Route("/openapi/v3", known(self._openapi)),
                Route("/openapi/v3/{path:path}", known(self._openapi)),
                Route("/api/v1", known(self._resources)),
                Route("/apis/{group}", known(self._group)),
                Route("/apis/{group}/v1", known(self._resources)),
                *(Route(path, known(getattr(self, name)), methods=["POST"]) for path, name in _REVIEWS.items()),
                Route("/api/{path:path}", known(self._resource), methods=_METHODS),
                Route("/apis/{path:path}", known(self._resource), methods=_METHODS),
                Route("/{path:path}", known(_nothing_here), methods=_METHODS),
            ]
        )

    def _known(self, handler: _Handler) -> Callable[[Request], Awaitable[Response]]:
        """An endpoint for those whose token is known."""

        async def endpoint(request: Request) -> Response:
            return await handler(request, self._access.authenticate(request.headers.get("authorization")))

        return _refusing(endpoint)

    async def _version(self, _request: Request) -> Response:
        return JSONResponse(discovery.version(self._world.scenario.cluster.version))

    async def _core(self, request: Request, _user: User) -> Response:
        if self._wants_aggregated(request):
            return JSONResponse(discovery.aggregated([""]), media_type=discovery.AGGREGATED)
        return JSONResponse(discovery.core_versions(request.url.netloc))

    async def _groups(self, request: Request, _user: User) -> Response:
        if self._wants_aggregated(request):
            return JSONResponse(discovery.aggregated(discovery.groups()), media_type=discovery.AGGREGATED)
        return JSONResponse(discovery.group_list())

    def _wants_aggregated(self, request: Request) -> bool:
        return self._discovery == "aggregated" and any(
            one.get("as") == "APIGroupDiscoveryList" and one.get("v") == "v2" for _, one in media_types(request)
        )

    async def _group(self, request: Request, _user: User) -> Response:
        if request.path_params["group"] not in discovery.groups():
            raise errors.no_such_path()
        return JSONResponse(discovery.group(request.path_params["group"]))

    async def _resources(self, request: Request, _user: User) -> Response:
        group = request.path_params.get("group", "")
        if group and group not in discovery.groups():
            raise errors.no_such_path()
        return JSONResponse(discovery.resource_list(group))

    async def _openapi(self, request: Request, _user: User) -> Response:
        if self._discovery == "legacy":
            raise errors.no_such_path()
        path = request.path_params.get("path")
        if path is None:
            return JSONResponse(discovery.openapi_index())
        group = "" if path == "api/v1" else path.removeprefix("apis/").removesuffix("/v1")
        if group and group not in discovery.groups():
            raise errors.no_such_path()
        return JSONResponse(discovery.openapi(group))

    async def _who_am_i(self, _request: Request, user: User) -> Response:
        info = {"username": user.name, "groups": ["system:authenticated"]}
        body = {"kind": "SelfSubjectReview", "apiVersion": "authentication.k8s.io/v1", "metadata": {}}
        return JSONResponse({**body, "status": {"userInfo": info}}, status_code=201)

    async def _may_i(self, request: Request, user: User) -> Response:
        review = await read_object(request)
        asked: JsonObject = (review.get("spec") or {}).get("resourceAttributes") or {}
        below = f"/{asked['subresource']}" if asked.get("subresource") else ""
        wish = Wish(
            verb=asked.get("verb", ""), group=asked.get("group", ""), resource=asked.get("resource", "") + below
        )
        status = {"allowed": allowed(user, wish)}
        body = {"kind": "SelfSubjectAccessReview", "apiVersion": "authorization.k8s.io/v1", "metadata": {}}
        return JSONResponse({**body, "spec": review.get("spec") or {}, "status": status}, status_code=201)

    async def _resource(self, request: Request, user: User) -> Response:
        asked = read_request(request)
        self._access.authorize(user, asked.wish)
        if asked.subresource in ("log", "eviction"):
            return await (self._log if asked.subresource == "log" else self._evict)(request, asked)
        if asked.verb == "watch":
            matches = check_watch(request, asked)
            lines = watch(self._store, asked, request, matches)
            return StreamingResponse(lines, media_type="application/json")
        if asked.verb == "list":
            return JSONResponse(list_objects(self._store, asked, request))
        if asked.verb == "deletecollection":
            matches = read_filter(request, asked)
            found = [one for one in self._store.all_of(asked.resource, asked.namespace) if matches(one)]
            await writing.delete_listed(self._store, asked, request, found)
            return JSONResponse({"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success"})
        return await self._one_object(request, asked)

    async def _one_object(self, request: Request, asked: Asked) -> Response:
        if asked.verb == "get":
            obj = self._store.get(asked.resource, asked.namespace, asked.name)
            if asked.subresource == "scale":
                obj = writing.scale_of(obj)
        elif asked.verb == "create":
            obj = await writing.create(self._store, asked, request)
        elif asked.verb == "update":
            obj = await writing.update(self._store, asked, request)
        elif asked.verb == "patch":
            obj = await writing.patch(self._store, asked, request)
        else:
            return JSONResponse(await writing.delete(self._store, asked, request))
        code = 201 if asked.verb == "create" else 200
        return JSONResponse(present(self._store, asked, request, obj), status_code=code)

    async def _log(self, request: Request, asked: Asked) -> Response:
        pod = self._store.get(PODS, asked.namespace, asked.name)
        wish = read_log_wish(request, pod, self._world.now())
        run = find_run(self._world.kubelet, wish)
        return StreamingResponse(log_lines(self._world.kubelet, wish, run), media_type="text/plain")

    async def _evict(self, request: Request, asked: Asked) -> Response:
        await read_object(request)
        pod = self._store.get(PODS, asked.namespace, asked.name)
        if not asked.dry_run:
            mark_for_deletion(self._store, pod)
        return JSONResponse(
            {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success"}, status_code=201
        )


def _refusing(handler: Callable[[Request], Awaitable[Response]]) -> Callable[[Request], Awaitable[Response]]:
    """An endpoint that answers our refusals as Status objects."""

    async def endpoint(request: Request) -> Response:
        try:
            return await handler(request)
        except ApiError as error:
            headers = {"WWW-Authenticate": "Bearer"} if error.code == 401 else None
            return JSONResponse(error.status, status_code=error.code, headers=headers)

    return endpoint


async def _nothing_here(_request: Request, _user: User) -> Response:
    raise errors.no_such_path()


async def _healthy(_request: Request) -> Response:
    return PlainTextResponse("ok")
