"""A cable between a client and a server on loopback, which can be cut in the middle of a conversation."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from tests.support.ports import listening_socket


@dataclass
class Cable:
    """Carries bytes; once `cut_at` has been heard in a request, the answer to it never arrives."""

    host: str
    port: int
    cut_at: bytes = b""
    cuts: int = 0
    url: str = ""
    _tasks: set[asyncio.Task[None]] = field(default_factory=set)

    async def joined(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there, back = await asyncio.open_connection(self.host, self.port)
        heard = bytearray()
        up = asyncio.create_task(self._up(reader, back, heard))
        down = asyncio.create_task(self._down(there, writer, heard))
        self._tasks |= {up, down}
        try:
            await asyncio.wait({up, down}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in (up, down):
                task.cancel()
                self._tasks.discard(task)
            for end in (writer, back):
                with contextlib.suppress(OSError):
                    end.close()

    async def _up(self, reader: asyncio.StreamReader, back: asyncio.StreamWriter, heard: bytearray) -> None:
        while data := await reader.read(65_536):
            heard += data
            back.write(data)
            await back.drain()

    async def _down(self, there: asyncio.StreamReader, writer: asyncio.StreamWriter, heard: bytearray) -> None:
        while data := await there.read(65_536):
            if self.cut_at and self.cut_at in heard:
                self.cuts += 1
                return
            heard.clear()
            writer.write(data)
            await writer.drain()


@asynccontextmanager
async def cable_to(url: str) -> AsyncIterator[Cable]:
    """A cable to a server; its `url` is the near end."""
    parts = urlsplit(url)
    assert parts.hostname is not None
    assert parts.port is not None
    cable = Cable(parts.hostname, parts.port)
    server = await asyncio.start_server(cable.joined, sock=listening_socket())
    cable.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    try:
        yield cable
    finally:
        server.close()
        for task in list(cable._tasks):
            task.cancel()
        await server.wait_closed()
