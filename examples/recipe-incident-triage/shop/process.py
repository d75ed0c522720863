"""What every part of the shop shares: stopping on a signal, and serving HTTP beside the work."""

import asyncio
import contextlib
import json
import signal
import socket
from collections.abc import AsyncGenerator, Callable, Coroutine, Generator

import uvicorn
from starlette.types import ASGIApp


class _Server(uvicorn.Server):
    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None]:
        """Leave signals to `run`, so that the work stops before its port closes."""
        yield


def run(main: Callable[[asyncio.Event], Coroutine[None, None, None]]) -> None:
    """Run `main` with an event that SIGTERM or SIGINT sets; return when it has cleaned up."""

    async def body() -> None:
        stop = asyncio.Event()
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, stop.set)
        await main(stop)

    asyncio.run(body())


@contextlib.asynccontextmanager
async def serving(app: ASGIApp, *, host: str, port: int) -> AsyncGenerator[str]:
    """Serve `app` while the block runs; gives the base URL (port 0 picks a free port)."""
    listener = socket.create_server((host, port))
    config = uvicorn.Config(app, log_config=None, access_log=False, lifespan="off", timeout_graceful_shutdown=2)
    server = _Server(config)
    # The socket listens already, so a caller may connect before uvicorn has taken its first step.
    task = asyncio.create_task(server.serve(sockets=[listener]))
    try:
        yield f"http://{host}:{listener.getsockname()[1]}"
    finally:
        server.should_exit = True
        await task
        listener.close()


async def stopped_within(stop: asyncio.Event, seconds: float) -> bool:
    """Wait at most `seconds`; true when `stop` was set meanwhile."""
    try:
        async with asyncio.timeout(seconds):
            await stop.wait()
    except TimeoutError:
        return False
    return True


def announce(**fields: str | int) -> None:
    """Print the one JSON line that tells the parent process this part is ready."""
    print(json.dumps(fields), flush=True)
