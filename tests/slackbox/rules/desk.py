"""A bot at the protocol's own level: HTTP calls and a WebSocket, every acknowledgement chosen by the test."""

import asyncio
import contextlib
import copy
import json

import httpx
import websockets

from slackbox.manifest import parse_manifest
from tests.slackbox.helpers import MANIFEST
from tests.slackbox.samples import button, mrkdwn, plain

SILENT = object()


class Bot:
    """What it heard, oldest first, and how it answers: by the payload's type, a payload, a function of it, or SILENT."""

    def __init__(self, box, socket):
        self._box = box
        self._socket = socket
        self.heard = []
        self.answers = {}

    async def call(self, method, **args):
        """One Web API call with the bot's token; the answer's body."""
        async with httpx.AsyncClient(trust_env=False) as client:
            headers = {"authorization": f"Bearer {self._box.bot_token}"}
            return (await client.post(f"{self._box.api_url}{method}", json=args, headers=headers)).json()

    async def respond(self, response_url, **body):
        """A post to a response address: its status and body."""
        async with httpx.AsyncClient(trust_env=False) as client:
            answer = await client.post(response_url, json=body)
            return answer.status_code, answer.text

    def of(self, kind):
        """The payloads of one type, oldest first."""
        return [each for each in self.heard if kind in {each.get("type"), "command" if "command" in each else None}]

    async def listen(self):
        async for text in self._socket:
            frame = json.loads(text)
            if "envelope_id" not in frame:
                continue
            payload = frame["payload"]
            self.heard.append(payload)
            answer = self.answers.get(payload.get("type", "command"))
            if callable(answer):
                answer = answer(payload)
            if asyncio.iscoroutine(answer):
                answer = await answer
            if answer is not SILENT:
                ack = {"envelope_id": frame["envelope_id"]} | ({"payload": answer} if answer else {})
                await self._socket.send(json.dumps(ack))


@contextlib.asynccontextmanager
async def bot_on(box, count=1):
    """A bot that is connected for the length of the block. `count` is how many are connected then."""
    async with httpx.AsyncClient(trust_env=False) as client:
        headers = {"authorization": f"Bearer {box.app_token}"}
        address = (await client.post(f"{box.api_url}apps.connections.open", headers=headers)).json()["url"]
    async with websockets.connect(address, proxy=None) as socket:
        bot = Bot(box, socket)
        listening = asyncio.create_task(bot.listen())
        try:
            await box.connected(count)
            yield bot
        finally:
            listening.cancel()
            with contextlib.suppress(asyncio.CancelledError, websockets.ConnectionClosed):
                await listening


def manifest(**features):
    """The repository's manifest with some features put in."""
    body = json.loads(MANIFEST.read_text(encoding="utf-8"))
    return parse_manifest(body | {"features": body["features"] | features})


def modal(*blocks, **more):
    return {"type": "modal", "title": plain("Title"), "submit": plain("Save"), "blocks": list(blocks), **more}


def input_block(block_id, kind, *, action_id="it", optional=False, dispatch=False, **element):
    block = {"type": "input", "block_id": block_id, "label": plain(block_id), "optional": optional}
    block |= {"dispatch_action": True} if dispatch else {}
    return block | {"element": {"type": kind, "action_id": action_id, **element}}


def options(*values):
    return [{"text": plain(value.title()), "value": value} for value in values]


def actions(block_id, *elements):
    return {"type": "actions", "block_id": block_id, "elements": list(elements)}


def section(text, **more):
    return {"type": "section", "text": mrkdwn(text), **more}


def go(value="1", **more):
    return button("Go", "go", value=value, **more)


async def trigger_of(box, bot, user="ana"):
    """A trigger id from a message shortcut."""
    ts = await box.post(user="ben", channel="alerts", text="look")
    assert (await box.shortcut(user=user, channel="alerts", ts=ts, callback_id="triage_message"))["acked"]
    return bot.of("message_action")[-1]["trigger_id"]


async def open_modal(box, bot, view, user="ana"):
    answer = await bot.call("views.open", trigger_id=await trigger_of(box, bot, user), view=view)
    assert answer["ok"], answer
    return answer["view"]


async def post_blocks(bot, *blocks, **more):
    """A message of the bot with blocks; its ts."""
    answer = await bot.call(
        "chat.postMessage", channel="C0ALERTS", text="x", blocks=copy.deepcopy(list(blocks)), **more
    )
    assert answer["ok"], answer
    return answer["ts"]
