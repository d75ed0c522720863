"""One Socket Mode connection in the test's own hands: every frame read, every acknowledgement sent by the test."""

import asyncio
import contextlib
import json
import ssl

import httpx
import websockets
from websockets.asyncio.client import ClientConnection
from websockets.frames import Opcode

WAIT_S = 5
# All is plain HTTP on loopback; a client that loads certificates takes longer for that than for its call.
PLAIN = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)


class PingedConnection(ClientConnection):
    """Remembers that the server pinged and how many frames it sent; answers pings as any client does."""

    def __init__(self, *args, **more):
        super().__init__(*args, **more)
        self.pinged = asyncio.Event()
        self.sent_to_us = 0

    def process_event(self, event):
        if getattr(event, "opcode", None) is Opcode.PING:
            self.pinged.set()
        if getattr(event, "opcode", None) is Opcode.TEXT:
            self.sent_to_us += 1
        super().process_event(event)


class Link:
    def __init__(self, socket):
        self.socket = socket
        self._read = 0

    async def frame(self):
        """The next frame. Fails after some seconds without one."""
        text = await asyncio.wait_for(self.socket.recv(), WAIT_S)
        self._read += 1
        return json.loads(text)

    async def ack(self, frame, **more):
        await self.socket.send(json.dumps({"envelope_id": frame["envelope_id"], **more}))

    async def pong(self, body):
        """Ping with this body and wait for the pong with the same."""
        await asyncio.wait_for(await self.socket.ping(body), WAIT_S)

    async def nothing_more(self):
        """True when all that came was read. The server answers a ping after what it sent before."""
        await self.pong("anything else?")
        return self.socket.sent_to_us == self._read

    async def end(self):
        """Wait for the end. The code of the close frame, None when the connection broke without one."""
        with contextlib.suppress(websockets.ConnectionClosed):
            while True:
                await asyncio.wait_for(self.socket.recv(), WAIT_S)
        return self.socket.protocol.close_rcvd and self.socket.protocol.close_rcvd.code


async def call(box, method, *, token=None, **args):
    """One Web API call; the response."""
    async with httpx.AsyncClient(trust_env=False, verify=PLAIN) as client:
        headers = {"authorization": f"Bearer {token or box.bot_token}"}
        return await client.post(f"{box.api_url}{method}", json=args, headers=headers)


async def act(box, name, **body):
    """One call of the test API over HTTP: its status and body."""
    async with httpx.AsyncClient(trust_env=False, verify=PLAIN) as client:
        answer = await client.post(f"{box.url}/_test/{name}", json=body)
        return answer.status_code, answer.json()


async def address(box):
    return (await call(box, "apps.connections.open", token=box.app_token)).json()["url"]


@contextlib.asynccontextmanager
async def dial(url):
    """A connection to an address, before anything was read from it."""
    more = {"proxy": None, "ping_interval": None, "close_timeout": 1, "create_connection": PingedConnection}
    async with websockets.connect(url, **more) as socket:
        yield Link(socket)


@contextlib.asynccontextmanager
async def linked(box):
    """A connection whose hello was read."""
    async with dial(await address(box)) as link:
        assert (await link.frame())["type"] == "hello"
        yield link


async def acked(box, count):
    """Wait until so many acknowledgements have arrived."""
    await box.wait_until(lambda: True if len(box.journal("ack")) >= count else None)


async def say(box, text="x"):
    return await box.post(user="ana", channel="alerts", text=text)


def texts(frames):
    return [each["payload"]["event"]["text"] for each in frames]
