"""Routes: Slack's own (/api, /link, response addresses), the test API and the page."""

from starlette.applications import Starlette
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocket

from slackbox import page_api, test_api
from slackbox.box import Box
from slackbox.methods import method_table
from slackbox.web_api import WebApi


def build_app(box: Box) -> Starlette:
    """The ASGI application of one workspace."""
    api = WebApi(box=box, table=method_table())

    async def link(socket: WebSocket) -> None:
        await box.sockets.serve(socket)

    return Starlette(
        routes=[
            Route("/api/{method}", api.handle, methods=["GET", "POST"]),
            Route("/_response/{name}", api.handle_response_url, methods=["POST"]),
            WebSocketRoute("/link/", link),
            *test_api.routes(box),
            *page_api.routes(box),
        ]
    )
