"""Modals on the page: every input, errors at the input, a stack with a way back, and the keyboard alone."""

import asyncio

import pytest
from playwright.async_api import expect

from tests.slackbox import samples
from tests.slackbox.helpers import client_of, connected
from tests.slackbox.page_bot import card, page_bot
from tests.slackbox.page_driver import address, heard_by, page_at

pytestmark = pytest.mark.external_service("chromium")


async def post_card(box, **more):
    return (await client_of(box).chat_postMessage(channel="C0ALERTS", text="card", blocks=card(), **more))["ts"]


async def choose(page, label, *options):
    """Open a menu by its label, pick options, and leave it."""
    await page.get_by_label(label, exact=True).click()
    for each in options:
        await page.get_by_role("option", name=each).click()
    if await page.locator(".select-search").count():
        await page.keyboard.press("Escape")


async def test_a_modal_takes_every_kind_of_input_and_the_bot_gets_it(slackbox, tmp_path):
    app, heard = page_bot(slackbox)
    await post_card(slackbox)
    note = tmp_path / "note.txt"
    note.write_text("hello", encoding="utf-8")
    async with connected(slackbox, app), page_at(address(slackbox, user="ben", channel="alerts")) as page:
        await page.get_by_role("button", name="Open Form").click()
        modal = page.get_by_role("dialog", name="All inputs")
        await expect(modal.get_by_label("One line")).to_be_focused()
        await modal.get_by_label("One line").fill("the deploy")
        await modal.get_by_label("Several lines").fill("one\ntwo")
        await modal.get_by_label("A number").fill("7")
        await modal.get_by_label("An email").fill("ana@example.com")
        await modal.get_by_label("An address").fill("https://example.com/x")
        await modal.get_by_label("A time").fill("14:30")
        await modal.get_by_label("A moment").fill("2026-11-24T09:00")
        await choose(page, "A choice", "Deploy")
        await choose(page, "Several choices (optional)", "Deploy", "Config")
        await modal.get_by_label("A service").click()
        await page.keyboard.type("pay")
        await page.get_by_role("option", name="Payments").click()
        await choose(page, "A person (optional)", "Chen Wei")
        await choose(page, "Several people (optional)", "Ana", "Ben")
        await choose(page, "A channel (optional)", "#digest")
        await choose(page, "A conversation (optional)", "#incidents")
        await modal.get_by_role("group", name="Boxes").get_by_label("Capacity").check()
        await modal.get_by_role("radiogroup", name="One of these").get_by_label("Config").check()
        await modal.get_by_role("textbox", name="Rich words").click()
        await page.keyboard.press("Control+b")
        await page.keyboard.type("strong words")
        await modal.get_by_label("A file").set_input_files(note)
        await expect(modal.get_by_role("button", name="Remove note.txt")).to_be_visible()
        await modal.get_by_role("button", name="Send").click()
        await expect(modal).to_have_count(0)
    (sent,) = heard_by(heard, "form")
    values = sent["values"]
    assert sent["user"] == "U0BEN"
    texts = {name: values[name]["value"] for name in ("line", "lines", "number", "email", "url")}
    assert texts == {
        "line": "the deploy",
        "lines": "one\ntwo",
        "number": "7",
        "email": "ana@example.com",
        "url": "https://example.com/x",
    }
    assert (values["day"]["selected_date"], values["time"]["selected_time"]) == ("2026-11-23", "14:30")
    assert isinstance(values["moment"]["selected_date_time"], int)
    assert values["pick"]["selected_option"]["value"] == "deploy"
    assert [each["value"] for each in values["picks"]["selected_options"]] == ["deploy", "config"]
    assert values["service"]["selected_option"]["value"] == "payments"
    assert (values["user"]["selected_user"], values["users"]["selected_users"]) == ("U0CHEN", ["U0ANA", "U0BEN"])
    assert values["channel"]["selected_channel"] == "C0DIGEST"
    assert values["talk"]["selected_conversation"] == "C0INCIDENTS"
    assert [each["value"] for each in values["boxes"]["selected_options"]] == ["capacity"]
    assert values["radio"]["selected_option"]["value"] == "config"
    written = values["rich"]["rich_text_value"]["elements"][0]["elements"][0]
    assert written == {"type": "text", "text": "strong words", "style": {"bold": True}}
    assert [each["name"] for each in values["file"]["files"]] == ["note.txt"]


async def test_errors_stand_at_their_inputs_and_what_was_typed_stays(slackbox):
    app, heard = page_bot(slackbox)
    await post_card(slackbox)
    async with connected(slackbox, app), page_at(address(slackbox, channel="alerts")) as page:
        await page.get_by_role("button", name="Open Form").click()
        modal = page.get_by_role("dialog", name="All inputs")
        line = modal.get_by_label("One line")
        await modal.get_by_label("A number").fill("11")
        await modal.get_by_role("button", name="Send").click()
        await expect(modal.locator('[data-error-for="line"]')).to_have_text("Please complete this required field.")
        await expect(modal.locator('[data-error-for="number"]')).to_have_text("Please enter a number of 9 or less.")
        await expect(line).to_be_focused()
        await expect(line).to_have_attribute("aria-invalid", "true")
        assert heard_by(heard, "form") == []

        await line.fill("bad")
        await expect(modal.locator('[data-error-for="line"]')).to_be_empty()
        await modal.get_by_label("A number").fill("3")
        await choose(page, "A choice", "Deploy")
        await modal.get_by_role("button", name="Send").click()
        await expect(modal.locator('[data-error-for="line"]')).to_have_text("The bot does not like this line.")
        await expect(line).to_have_value("bad")
        await line.fill("good")
        await modal.get_by_role("button", name="Send").click()
        await expect(modal).to_have_count(0)
    assert [each["values"]["line"]["value"] for each in heard_by(heard, "form")] == ["bad", "good"]


async def test_a_modal_that_the_bot_does_not_answer_says_so_and_stays(slackbox):
    app, _ = page_bot(slackbox)
    await post_card(slackbox)
    async with page_at(address(slackbox, channel="alerts")) as page:
        async with connected(slackbox, app):
            await page.get_by_role("button", name="Open Form").click()
            modal = page.get_by_role("dialog", name="All inputs")
            await modal.get_by_label("One line").fill("the deploy")
            await modal.get_by_label("A number").fill("3")
            await choose(page, "A choice", "Deploy")
        await slackbox.wait_until(lambda: True if slackbox.box.delivery.connections == 0 else None)
        await modal.get_by_role("button", name="Send").click()
        await expect(modal.locator(".modal-failure")).not_to_be_empty()
        await expect(modal.get_by_label("One line")).to_have_value("the deploy")
    slackbox.forgive_unacked()


async def test_a_modal_shows_that_it_waits_and_sends_only_once(slackbox):
    app, heard = page_bot(slackbox)
    await post_card(slackbox)
    held = asyncio.Event()

    @app.middleware
    async def hold(body, next_):
        if body.get("type") == "view_submission":
            await held.wait()
        await next_()

    async with connected(slackbox, app), page_at(address(slackbox, channel="alerts")) as page:
        await page.get_by_role("button", name="Open Form").click()
        modal = page.get_by_role("dialog", name="All inputs")
        await modal.get_by_label("One line").fill("the deploy")
        await modal.get_by_label("A number").fill("3")
        await choose(page, "A choice", "Deploy")
        await modal.get_by_label("A number").press("Enter")
        await expect(modal).to_have_attribute("aria-busy", "true")
        await modal.get_by_label("A number").press("Enter")
        held.set()
        await expect(modal).to_have_count(0)
    assert len(heard_by(heard, "form")) == 1


async def test_a_pushed_modal_has_a_way_back_to_what_was_typed_below(slackbox):
    app, _ = page_bot(slackbox)
    await post_card(slackbox)
    async with connected(slackbox, app), page_at(address(slackbox, channel="alerts")) as page:
        await page.get_by_role("button", name="Open Form").click()
        await page.get_by_role("dialog", name="All inputs").get_by_label("One line").fill("half done")
        await page.get_by_role("button", name="Push").click()
        top = page.get_by_role("dialog", name="On top")
        await expect(top).to_contain_text("The form is still below.")
        await top.get_by_role("button", name="Back").first.click()
        await expect(page.get_by_role("dialog", name="All inputs").get_by_label("One line")).to_have_value("half done")
        await page.keyboard.press("Escape")
        await expect(page.get_by_role("dialog")).to_have_count(0)


async def test_the_keyboard_alone_opens_a_thread_presses_a_button_and_submits_a_modal(slackbox):
    app, heard = page_bot(slackbox)
    parent = await slackbox.alert(channel="alerts", text="High error rate")
    await client_of(slackbox).chat_postMessage(channel="C0ALERTS", text="card", blocks=card(), thread_ts=parent)
    async with connected(slackbox, app), page_at(address(slackbox, user="ana", channel="alerts")) as page:
        key = page.keyboard.press
        await key("Control+k")
        await page.keyboard.type("alerts")
        await key("Enter")
        await key("Shift+F6")
        await expect(page.locator("#messages .message")).to_be_focused()
        await key("t")
        await expect(page.get_by_label("Reply in the thread")).to_be_focused()
        await expect(page.locator("#thread-messages .message")).to_have_count(2)
        await key("Shift+F6")
        await expect(page.locator("#thread-messages .message").last).to_be_focused()
        await tab_to(page, "Open Form")
        await key("Enter")
        modal = page.get_by_role("dialog", name="All inputs")
        await expect(modal.get_by_label("One line")).to_be_focused()
        await page.keyboard.type("typed")
        await key("Tab")
        await key("Tab")
        await page.keyboard.type("5")
        await tab_to(page, "A choice")
        await key("ArrowDown")
        await key("ArrowDown")
        await key("Enter")
        await expect(modal.get_by_label("A choice")).to_be_focused()
        await expect(modal.get_by_label("A choice")).to_contain_text("Capacity")
        await tab_to(page, "Send")
        await key("Enter")
        await expect(modal).to_have_count(0)
        await key("Escape")
        await expect(page.locator("#thread")).to_be_hidden()
    (sent,) = heard_by(heard, "form")
    chosen = sent["values"]["pick"]["selected_option"]["value"]
    assert (sent["values"]["line"]["value"], sent["values"]["number"]["value"], chosen) == ("typed", "5", "capacity")


async def tab_to(page, name):
    """Press Tab until something with this name has the focus."""
    for _ in range(40):
        await page.keyboard.press("Tab")
        found = await page.evaluate(
            "() => { const e = document.activeElement; return e.labels?.[0]?.textContent || e.ariaLabel || e.textContent; }"
        )
        if found.strip() == name:
            return
    pytest.fail(f"Tab never came to {name!r}.")


async def test_focus_stays_inside_an_open_modal(slackbox):
    app, _ = page_bot(slackbox)
    await post_card(slackbox)
    async with connected(slackbox, app), page_at(address(slackbox, channel="alerts")) as page:
        await page.get_by_role("button", name="Open Form").click()
        await expect(page.get_by_role("dialog")).to_be_visible()
        for press in ["Tab"] * 45 + ["Shift+Tab"] * 3:
            await page.keyboard.press(press)
            assert await page.evaluate("document.activeElement.closest('dialog') !== null")


async def test_values_outlive_an_update_only_where_the_ids_stay(slackbox):
    app, _ = page_bot(slackbox)
    await post_card(slackbox)
    async with connected(slackbox, app), page_at(address(slackbox, user="ana", channel="alerts")) as page:
        await page.get_by_role("button", name="Open Form").click()
        modal = page.get_by_role("dialog", name="All inputs")
        await modal.get_by_label("One line").fill("kept")
        await modal.get_by_label("A number").fill("4")
        (view,) = await slackbox.open_views("ana")
        blocks = [each for each in samples.modal()["blocks"] if each["type"] == "alert"]
        same = [each for each in view["blocks"] if each["block_id"] == "line"]
        other = [{**each, "block_id": "number2"} for each in view["blocks"] if each["block_id"] == "number"]
        changed = {"type": "modal", "title": view["title"], "submit": view["submit"], "blocks": blocks + same + other}
        await client_of(slackbox).views_update(view_id=view["id"], view=changed)
        await expect(modal.get_by_role("note")).to_be_visible()
        await expect(modal.get_by_label("One line")).to_have_value("kept")
        await expect(modal.get_by_label("A number")).to_have_value("")
