"""The measurements: posts a second, from post to paint, start to ready, memory."""

import asyncio
import contextlib
import json
import shutil
import time
from collections.abc import AsyncGenerator
from dataclasses import dataclass
from typing import Any

from websockets.asyncio.client import connect

from slackbox.bench.figures import BenchError, Figure
from slackbox.bench.served import Caller, Served, card, connection, served
from slackbox.jsons import Json

POSTS_A_SECOND = 200
PAINT_MILLISECONDS = 100
START_SECONDS = 1.0
# Rates are measured in so many parts, so that one pause shows as a low part and not only as a lower mean.
PARTS = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    posts: int
    connections: int
    paints: int
    starts: int


async def starts(plan: Plan) -> list[Figure]:
    """From starting the process to its first answer, and what it then holds in memory."""
    seconds: list[float] = []
    memory: list[float] = []
    for _ in range(plan.starts):
        async with served() as box:
            seconds.append(box.ready_seconds)
            memory.append(box.resident_megabytes())
    return [
        Figure(what="start to first answer", unit="s", samples=seconds, target=START_SECONDS),
        Figure(what="resident memory when ready", unit="MB", samples=memory),
    ]


async def posts(plan: Plan) -> list[Figure]:
    """Posts over kept connections from this process: bare text, a card, and a card while a bot takes the events."""
    figures = await _posting("text", {"channel": "C0ALERTS", "text": "High error rate on checkout"}, plan)
    content = {"channel": "C0ALERTS", "text": "Likely cause", "blocks": card()}
    figures += await _posting("a card of nine blocks", content, plan)
    figures += await _posting("a card, with a bot acknowledging", content, plan, listening=True)
    return figures


async def _posting(name: str, content: Json, plan: Plan, *, listening: bool = False) -> list[Figure]:
    async with served() as box, contextlib.AsyncExitStack() as stack:
        if listening:
            await stack.enter_async_context(_acknowledging(box))
        callers = [await stack.enter_async_context(connection(box.url, box.bot_token)) for _ in range(plan.connections)]
        rates: list[float] = []
        waits: list[float] = []
        share = max(1, plan.posts // PARTS // plan.connections)
        for _ in range(PARTS):
            began = time.perf_counter()
            done = await asyncio.gather(*(_post(caller, content, share) for caller in callers))
            rates.append(share * plan.connections / (time.perf_counter() - began))
            waits += [wait for each in done for wait in each]
        memory = box.resident_megabytes()
    rate = Figure(
        what=f"posts accepted: {name}",
        unit="1/s",
        samples=rates,
        count=len(waits),
        target=POSTS_A_SECOND,
        at_least=True,
    )
    answer = Figure(what=f"post to answer: {name}", unit="ms", samples=waits)
    held = Figure(what=f"resident memory after them: {name}", unit="MB", samples=[memory], count=len(waits))
    return [rate, answer, held]


async def _post(caller: Caller, content: Json, times: int) -> list[float]:
    waits: list[float] = []
    for _ in range(times):
        began = time.perf_counter()
        await caller.call("chat.postMessage", content)
        waits.append((time.perf_counter() - began) * 1000)
    return waits


@contextlib.asynccontextmanager
async def _acknowledging(box: Served) -> AsyncGenerator[None]:
    """A bot that does nothing but acknowledge."""
    async with connection(box.url, box.app_token) as caller:
        url = str((await caller.call("apps.connections.open", {}))["url"])
    async with connect(url, proxy=None) as socket:
        await socket.recv()

        async def acknowledge() -> None:
            async for frame in socket:
                await socket.send(json.dumps({"envelope_id": json.loads(frame)["envelope_id"]}))

        task = asyncio.create_task(acknowledge())
        try:
            yield
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)


# Runs in the page before its own scripts. A text is reported once the frame that shows it was handed to the screen: a
# message event that is sent from an animation frame is handled after that frame was painted.
_WATCH = """
(() => {
  const seen = new Set();
  const report = (word) => requestAnimationFrame(() => {
    const channel = new MessageChannel();
    channel.port1.onmessage = () => window.slackboxPainted(word, performance.timeOrigin + performance.now());
    channel.port2.postMessage(null);
  });
  const look = () => {
    const shown = document.querySelector("#messages")?.innerText ?? "";
    for (const [word] of shown.matchAll(/paint-\\d+-end/g)) {
      if (!seen.has(word)) { seen.add(word); report(word); }
    }
  };
  new MutationObserver(look).observe(document, { childList: true, subtree: true, characterData: true });
})();
"""


async def paints(plan: Plan) -> list[Figure]:
    """From the call of chat.postMessage to the painted message, in real Chromium. Raises BenchError without it."""
    try:
        from playwright.async_api import async_playwright
    except ImportError as error:
        raise BenchError(
            "post to paint was not measured: Playwright is not installed (pip install playwright)"
        ) from error
    chromium = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if chromium is None:
        raise BenchError("post to paint was not measured: there is no Chromium on the path")
    async with served() as box, async_playwright() as play:
        browser = await play.chromium.launch(executable_path=chromium, args=["--no-sandbox", "--disable-gpu"])
        try:
            plain = await _painting(await browser.new_page(), box, plan.paints, {})
            cards = await _painting(await browser.new_page(), box, plan.paints, {"blocks": True})
        finally:
            await browser.close()
    return [
        Figure(what="post to painted: text", unit="ms", samples=plain, target=PAINT_MILLISECONDS),
        Figure(what="post to painted: a card of nine blocks", unit="ms", samples=cards, target=PAINT_MILLISECONDS),
    ]


async def _painting(page: Any, box: Served, count: int, more: Json) -> list[float]:
    waiting: dict[str, asyncio.Future[float]] = {}

    def painted(word: str, at: float) -> None:
        if word in waiting and not waiting[word].done():
            waiting[word].set_result(at)

    await page.expose_function("slackboxPainted", painted)
    await page.add_init_script(_WATCH)
    await page.goto(f"{box.url}/?channel=C0ALERTS")
    await page.wait_for_selector("#messages")
    waits: list[float] = []
    async with connection(box.url, box.bot_token) as caller:
        for n in range(count):
            word = f"paint-{len(waits)}{'1' if more else '0'}{n}-end"
            waiting[word] = asyncio.get_running_loop().create_future()
            sent = time.time() * 1000
            blocks = [*card(), {"type": "section", "text": {"type": "mrkdwn", "text": word}}]
            content = {"channel": "C0ALERTS", "text": word} | ({"blocks": blocks} if more else {})
            await caller.call("chat.postMessage", content)
            waits.append(await asyncio.wait_for(waiting[word], 10) - sent)
    await page.close()
    return waits
