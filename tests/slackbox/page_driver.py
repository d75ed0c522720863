"""Real Chromium on the page. Anything that the page complains of, or asks another machine for, fails the test."""

import contextlib
import shutil
from urllib.parse import urlencode, urlsplit

from playwright.async_api import async_playwright

NEEDS = "chromium"


@contextlib.asynccontextmanager
async def browser():
    """Chromium of this machine."""
    async with async_playwright() as play:
        arguments = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
        program = await play.chromium.launch(executable_path=shutil.which(NEEDS), args=arguments)
        try:
            yield program
        finally:
            await program.close()


def address(box, **query):
    return f"{box.url}/?{urlencode(query)}"


@contextlib.asynccontextmanager
async def page_in(program, url, *, prepare=None, **options):
    """One page of its own; closes with a check of its console and of where it sent requests.

    `prepare` gets the page before it goes anywhere.
    """
    wrong = []
    context = await program.new_context(**options)
    page = await context.new_page()
    page.on("pageerror", lambda error: wrong.append(f"script error: {error}"))
    page.on(
        "console", lambda line: wrong.append(f"console: {line.text}") if line.type in {"error", "warning"} else None
    )
    page.on("request", lambda request: wrong.append(f"request: {request.url}") if _leaves(request.url) else None)
    if prepare is not None:
        await prepare(page)
    await page.goto(url)
    await page.locator("#sidebar .person").wait_for(state="attached")
    try:
        yield page
    finally:
        await context.close()
    assert not wrong, wrong


@contextlib.asynccontextmanager
async def page_at(url, **options):
    """A browser with one page."""
    async with browser() as program, page_in(program, url, **options) as page:
        yield page


def _leaves(url):
    parts = urlsplit(url)
    return parts.scheme in {"http", "https", "ws", "wss"} and parts.hostname not in {"127.0.0.1", "localhost"}


def heard_by(heard, name):
    """What the app heard under one name."""
    return [body for each, body in heard if each == name]
