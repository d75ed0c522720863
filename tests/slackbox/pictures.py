"""Pictures of the page for the documentation: `python -m tests.slackbox.pictures docs/images/slackbox`."""

import asyncio
import sys
from pathlib import Path

from slackbox.testing import running
from tests.slackbox import samples
from tests.slackbox.helpers import MANIFEST, client_of, connected
from tests.slackbox.page_bot import card, page_bot
from tests.slackbox.page_driver import address, browser, page_in

# What the gallery shows; the rest of the samples is the same blocks once more.
SHOWN = ("similar", "approval", "run progress", "digest", "other")
LAPTOP = {"width": 1280, "height": 860}
ALERT = {
    "text": "",
    "username": "Alertmanager",
    "attachments": [
        {
            "color": "danger",
            "title": "[FIRING:1] HighErrorRate",
            "title_link": "https://example.com/alerts/1",
            "text": "4.1 % of requests to `checkout` fail, 0.3 % is usual.",
            "fields": [
                {"title": "severity", "value": "critical", "short": True},
                {"title": "service", "value": "checkout", "short": True},
            ],
            "footer": "Alertmanager · cluster eu-1",
        }
    ],
}


async def take_pictures(folder):
    """Draw every picture into `folder`. Returns their paths."""
    async with running(manifest=MANIFEST) as box, browser() as program:
        app, _ = page_bot(box)
        async with connected(box, app):
            parent = await _tell_story(box)
            await _thread(box, program, folder, parent)
            await _forms(box, program, folder)
            await _gallery(box, program, folder)
    return sorted(folder.glob("*.png"))


async def _tell_story(box):
    client = client_of(box)
    await box.post(user="ben", channel="alerts", text="Rolling out `checkout` v42 now, <@U0ANA> has the pager")
    parent = await box.alert(channel="alerts", **ALERT)
    await box.react(user="ana", channel="alerts", ts=parent, name="white_check_mark")
    for name in ("progress", "hypothesis"):
        await client.chat_postMessage(channel="C0ALERTS", thread_ts=parent, text=name, blocks=samples.MESSAGES[name]())
    await box.post(
        user="ana", channel="alerts", text="That fits: it began *two minutes* after the deploy.", thread_ts=parent
    )
    await box.post(user="chen", channel="incidents", text="<@U0BEN> customers see it too")
    await client.chat_postMessage(channel="C0INCIDENTS", text="card", blocks=card())
    return parent


async def _thread(box, program, folder, parent):
    url = address(box, user="ben", channel="alerts", thread=parent)
    for scheme in ("light", "dark"):
        async with page_in(program, url, viewport=LAPTOP, color_scheme=scheme) as page:
            await page.locator("#thread-messages .message").nth(3).wait_for()
            await _shoot(page, folder / f"thread-{scheme}.png")


async def _forms(box, program, folder):
    async with page_in(program, address(box, user="ana", channel="incidents"), viewport=LAPTOP) as page:
        await page.get_by_role("button", name="Open Form").click()
        modal = page.get_by_role("dialog", name="All inputs")
        await modal.get_by_label("One line").fill("bad")
        await modal.get_by_label("A number").fill("11")
        await modal.get_by_role("button", name="Send").click()
        await modal.locator(".invalid").first.wait_for()
        await _shoot(page, folder / "modal-error.png")
        await modal.get_by_role("button", name="Cancel").click()
        await page.locator('[data-key="app"]').click()
        await page.get_by_role("heading", name="Approvals waiting for you").wait_for()
        await _shoot(page, folder / "home.png")


async def _gallery(box, program, folder):
    parent = await box.post(user="ana", channel="digest", text="Every block")
    for name in SHOWN:
        blocks = samples.MESSAGES[name]()
        await client_of(box).chat_postMessage(channel="C0DIGEST", thread_ts=parent, text=name, blocks=blocks)
    url = address(box, user="ben", channel="digest", thread=parent)
    for scheme in ("light", "dark"):
        async with page_in(program, url, viewport={"width": 860, "height": 1000}, color_scheme=scheme) as page:
            messages = page.locator("#thread-messages")
            await messages.locator(".message").nth(len(SHOWN)).wait_for()
            tall = await messages.evaluate("box => box.scrollHeight")
            await page.set_viewport_size({"width": 860, "height": tall + 200})
            await _shoot(page.locator("#thread"), folder / f"blocks-{scheme}.png")


async def _shoot(what, path):
    # Turning marks would make each picture differ from the last.
    await what.screenshot(path=path, animations="disabled", caret="hide")


if __name__ == "__main__":
    target = Path(sys.argv[1] if len(sys.argv) > 1 else "docs/images/slackbox")
    target.mkdir(parents=True, exist_ok=True)
    for drawn in asyncio.run(take_pictures(target)):
        print(f"{drawn} {drawn.stat().st_size // 1000} kB")
