"""Serving a world over HTTP."""

import asyncio
import base64
import contextlib
import socket
import tempfile
from collections.abc import AsyncGenerator, Generator
from dataclasses import dataclass
from pathlib import Path

import uvicorn
import yaml
from starlette.types import ASGIApp

from .access import Access
from .api import ApiServer, Discovery
from .certificates import Certificates, make_certificates
from .state_metrics import build_metrics_app
from .world import World


class _Server(uvicorn.Server):
    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None]:
        """Leave signals to the program, so that the world stops before its port closes."""
        yield


@dataclass(frozen=True, slots=True, kw_only=True)
class Served:
    """Where a cluster is, and with which tokens one comes in."""

    world: World
    url: str
    metrics_url: str
    tokens: dict[str, str]
    authority_pem: str
    """What clients trust."""
    running: "asyncio.Task[None] | None" = None
    """What keeps the world moving; it ends by itself only when it fails."""


@contextlib.asynccontextmanager
async def serve_cluster(
    world: World,
    *,
    host: str = "127.0.0.1",
    port: int = 0,
    metrics_port: int = 0,
    kind_of_discovery: Discovery = "aggregated",
    moving: bool = True,
) -> AsyncGenerator[Served]:
    """Serve the API and the metrics while the block runs; ports 0 pick free ones.

    With `moving` false nothing happens by itself: the caller settles or advances the world.
    """
    access = Access(world.scenario.users)
    api = ApiServer(world, access, kind_of_discovery).build_app()
    async with contextlib.AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="cluster-")))
        made = make_certificates(folder, host)
        url = await stack.enter_async_context(_serving(api, host, port, made))
        metrics_url = await stack.enter_async_context(_serving(build_metrics_app(world.store), host, metrics_port))
        running = asyncio.create_task(world.run()) if moving else None
        try:
            yield Served(
                world=world,
                url=url,
                metrics_url=metrics_url,
                tokens=access.tokens,
                authority_pem=made.authority_pem,
                running=running,
            )
        finally:
            if running is not None:
                await _end(running)


async def _end(running: "asyncio.Task[None]") -> None:
    """Stop the world; when it had stopped by itself, say why."""
    running.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await running


@contextlib.asynccontextmanager
async def _serving(app: ASGIApp, host: str, port: int, made: Certificates | None = None) -> AsyncGenerator[str]:
    with socket.create_server((host, port)) as listener:
        config = uvicorn.Config(
            app,
            log_config=None,
            access_log=False,
            lifespan="off",
            timeout_graceful_shutdown=1,
            ssl_certfile=made.certificate if made else None,
            ssl_keyfile=made.key if made else None,
        )
        server = _Server(config)
        task = asyncio.create_task(server.serve(sockets=[listener]))
        try:
            yield f"{'https' if made else 'http'}://{host}:{listener.getsockname()[1]}"
        finally:
            server.should_exit = True
            await task


def write_kubeconfig(file: Path, served: Served, *, user: str) -> None:
    """A kubeconfig with one context per user, named like the user; `user` is the current one.

    Raises ValueError for a user that the scenario does not have.
    """
    if user not in served.tokens:
        raise ValueError(f"there is no user {user!r}; known: {', '.join(served.tokens)}")
    namespace = served.world.scenario.namespace
    authority = base64.b64encode(served.authority_pem.encode()).decode()
    config = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "cluster", "cluster": {"server": served.url, "certificate-authority-data": authority}}],
        "users": [{"name": name, "user": {"token": token}} for name, token in served.tokens.items()],
        "contexts": [
            {"name": name, "context": {"cluster": "cluster", "user": name, "namespace": namespace}}
            for name in served.tokens
        ],
        "current-context": user,
    }
    file.touch(mode=0o600)
    file.write_text(yaml.safe_dump(config), encoding="utf-8")
