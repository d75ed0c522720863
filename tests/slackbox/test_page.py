"""The browser page, driven as a person would."""

import contextlib
import os
import shutil

import pytest
from playwright.async_api import async_playwright, expect

from tests.slackbox import samples
from tests.slackbox.helpers import app_of, client_of, connected

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")


@pytest.fixture(autouse=True)
def needs_chromium():
    if CHROMIUM is None:
        sentence = "chromium is not installed; on Debian and Ubuntu: apt-get install chromium"
        if os.environ.get("AIOPS_REQUIRE_SERVICES"):
            pytest.fail(sentence)
        pytest.skip(sentence)


@contextlib.asynccontextmanager
async def page_at(url):
    """A page whose script errors fail the test."""
    errors = []
    async with async_playwright() as play:
        browser = await play.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"])
        try:
            page = await browser.new_page()
            page.on("pageerror", lambda error: errors.append(str(error)))
            await page.goto(url)
            yield page
        finally:
            await browser.close()
    assert errors == []


async def ignore():
    """Takes an event and does nothing, so that Bolt acknowledges it."""


async def test_a_thread_opens_directly_and_every_block_is_drawn(slackbox):
    client = client_of(slackbox)
    parent = await slackbox.alert(channel="alerts", text="High error rate")
    for name, make in samples.MESSAGES.items():
        await client.chat_postMessage(channel="C0ALERTS", thread_ts=parent, text=name, blocks=make())
    async with page_at(f"{slackbox.url}/?channel=C0ALERTS&thread={parent}") as page:
        thread = page.locator("#thread-messages")
        await expect(thread.locator(".message")).to_have_count(len(samples.MESSAGES) + 1)
        await expect(thread.locator(".unknown-block")).to_have_count(0)
        await expect(thread.get_by_role("heading", name="Likely cause: checkout deploy v42")).to_be_visible()
        await expect(thread.locator(".plot")).to_have_count(1)
        await expect(page.locator("#messages .thread-line")).to_contain_text("5 replies")


async def test_a_person_writes_presses_a_button_and_submits_a_modal(slackbox):
    app, saved = app_of(slackbox), []
    app.event("message")(ignore)

    @app.action("restart")
    async def restart(ack, body, client):
        await ack()
        await client.views_open(trigger_id=body["trigger_id"], view=samples.modal())

    @app.view("root_cause")
    async def save(ack, body):
        saved.append((body["user"]["id"], body["view"]["state"]["values"]["cause"]["text"]["value"]))
        await ack()

    @app.command("/aiops")
    async def command(ack):
        await ack("nothing is running")

    async with connected(slackbox, app), page_at(f"{slackbox.url}/?channel=C0ALERTS") as page:
        await page.get_by_label("You are").select_option("U0BEN")
        composer = page.locator("#composer textarea")
        await composer.fill("is it *down*, @ana?")
        await composer.press("Enter")
        (written,) = await slackbox.wait_for("alerts", contains="down")
        assert (written["user"], written["text"]) == ("U0BEN", "is it *down*, <@U0ANA>?")
        await expect(page.locator("#messages strong", has_text="down")).to_be_visible()

        await composer.fill("/aiops status")
        await composer.press("Enter")
        await expect(page.locator(".ephemeral")).to_contain_text("nothing is running")

        await client_of(slackbox).chat_postMessage(channel="C0ALERTS", text="x", blocks=samples.hypothesis())
        await page.get_by_role("button", name="Restart").click()
        await page.locator("dialog").get_by_role("button", name="Restart").click()
        modal = page.locator("dialog")
        await modal.get_by_label("What was the cause?").fill("the deploy")
        await modal.get_by_role("button", name="Save").click()
        await expect(modal.get_by_role("alert")).to_contain_text("required")
        await modal.get_by_label("Partly").check()
        await modal.get_by_role("button", name="Save").click()
        await expect(modal).to_have_count(0)
    assert saved == [("U0BEN", "the deploy")]


async def test_an_update_leaves_what_the_reader_opened_open(slackbox):
    client = client_of(slackbox)
    sent = await client.chat_postMessage(channel="C0ALERTS", text="x", blocks=samples.hypothesis())
    async with page_at(f"{slackbox.url}/?channel=C0ALERTS") as page:
        summary = page.locator("details.container > summary")
        await summary.click()
        await expect(page.locator("details.container")).not_to_have_attribute("open", "")
        await client.chat_update(channel="C0ALERTS", ts=sent["ts"], text="y", blocks=samples.hypothesis())
        await slackbox.post(user="ana", channel="alerts", text="after the update")
        await expect(page.locator("#messages")).to_contain_text("after the update")
        await expect(page.locator("details.container")).not_to_have_attribute("open", "")


async def test_text_from_messages_never_becomes_markup_or_script(slackbox):
    await slackbox.alert(channel="alerts", text="<img src=x onerror=alert(1)> <javascript:alert(1)|click>")
    async with page_at(f"{slackbox.url}/?channel=C0ALERTS") as page:
        await expect(page.locator("#messages .message")).to_have_count(1)
        await expect(page.locator("#messages img")).to_have_count(0)
        hrefs = await page.locator("#messages a").evaluate_all("links => links.map(a => a.getAttribute('href'))")
    assert set(hrefs) == {"#"}
