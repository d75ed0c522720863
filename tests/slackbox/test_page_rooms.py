"""What else stands in conversations on the page: direct messages, files, streams, status lines, pins, broadcasts, tables."""

import json

import pytest
from playwright.async_api import expect

from slackbox.manifest import parse_manifest
from tests.slackbox import samples
from tests.slackbox.helpers import MANIFEST, client_of
from tests.slackbox.page_driver import address, browser, page_at, page_in

pytestmark = pytest.mark.external_service("chromium")

MORE_SCOPES = ("im:write", "im:history", "files:write", "pins:write", "assistant:write")
# The smallest PNG: one red pixel.
PIXEL = bytes.fromhex(
    "89504e470d0a1a0a0000000d4948445200000001000000010802000000907753de"
    "0000000c49444154789c63f8cfc0000003010100c9fe92ef0000000049454e44ae426082"
)


@pytest.fixture
def slackbox_options():
    body = json.loads(MANIFEST.read_text(encoding="utf-8"))
    body["oauth_config"]["scopes"]["bot"] += MORE_SCOPES
    return {"manifest": parse_manifest(body), "private_channels": ("secret",)}


async def test_a_direct_message_is_seen_by_its_two_people_only(slackbox):
    client = client_of(slackbox)
    async with browser() as program, page_in(program, address(slackbox, user="ben")) as bens:
        async with page_in(program, address(slackbox, user="ana")) as anas:
            room = (await client.conversations_open(users="U0ANA"))["channel"]["id"]
            await client.chat_postMessage(channel=room, text="an approval waits for you")
            entry = anas.get_by_role("button", name="aiops, 1 unread, 1 mention")
            await entry.click()
            await expect(anas.locator("#messages")).to_contain_text("an approval waits for you")
            await anas.get_by_role("tab", name="Home").click()
            await expect(anas.locator("#home")).to_contain_text("has not published a Home tab for you")
            await anas.get_by_role("tab", name="Messages").click()
            await expect(anas.locator("#messages")).to_contain_text("an approval waits for you")
        await slackbox.post(user="chen", channel="alerts", text="later")
        await expect(bens.locator("#messages")).to_contain_text("later")
        await expect(bens.get_by_role("heading", name="Direct messages")).to_have_count(0)


async def test_a_private_channel_is_shown_to_its_members_only(slackbox):
    await slackbox.kick(user="ben", channel="secret")
    await slackbox.post(user="ana", channel="secret", text="hush")
    async with browser() as program:
        async with page_in(program, address(slackbox, user="ben", channel="secret")) as page:
            await expect(page.locator('[data-key="C0SECRET"]')).to_have_count(0)
            await expect(page.get_by_role("heading", name="#alerts").first).to_be_visible()
        async with page_in(program, address(slackbox, user="ana", channel="secret")) as page:
            await expect(page.locator("#messages")).to_contain_text("hush")


async def test_a_stream_grows_in_place_until_it_is_stopped(slackbox):
    client = client_of(slackbox)
    parent = await slackbox.post(user="ana", channel="alerts", text="why?")
    async with page_at(address(slackbox, channel="alerts", thread=parent)) as page:
        started = await client.api_call(
            "chat.startStream",
            json={
                "channel": "C0ALERTS",
                "thread_ts": parent,
                "recipient_user_id": "U0ANA",
                "recipient_team_id": "T0SLACKBOX",
                "markdown_text": "Because of ",
            },
        )
        answer = page.locator("#thread-messages .message").last
        await expect(answer).to_contain_text("Because of")
        await expect(answer).to_have_class("message streaming")
        more = {"channel": "C0ALERTS", "ts": started["ts"]}
        await client.api_call("chat.appendStream", json=more | {"markdown_text": "**deploy v42**"})
        await expect(answer.locator("strong", has_text="deploy v42")).to_be_visible()
        await client.api_call("chat.stopStream", json=more)
        await expect(answer).not_to_have_class("message streaming")


async def test_the_status_line_turns_with_its_words_and_goes_when_the_bot_answers(slackbox):
    client = client_of(slackbox)
    parent = await slackbox.post(user="ana", channel="alerts", text="why?")
    async with page_at(address(slackbox, channel="alerts", thread=parent)) as page:
        await expect(page.locator("#thread-messages .message")).to_have_count(1)
        await client.assistant_threads_setStatus(channel_id="C0ALERTS", thread_ts=parent, status="is reading the logs…")
        line = page.locator("#thread-messages .typing")
        await expect(line).to_have_text("aiops is reading the logs…")
        await client.assistant_threads_setStatus(
            channel_id="C0ALERTS",
            thread_ts=parent,
            status="thinking",
            loading_messages=["Asking Prometheus", "Counting"],
        )
        await expect(line).to_have_text("Asking Prometheus")
        await client.chat_postMessage(channel="C0ALERTS", thread_ts=parent, text="the deploy")
        await expect(line).to_have_count(0)


async def test_suggested_prompts_fill_the_reply(slackbox):
    client = client_of(slackbox)
    parent = await slackbox.post(user="ana", channel="alerts", text="hello")
    async with page_at(address(slackbox, channel="alerts", thread=parent)) as page:
        await expect(page.locator("#thread-messages .message")).to_have_count(1)
        await client.assistant_threads_setTitle(channel_id="C0ALERTS", thread_ts=parent, title="Checkout")
        await client.assistant_threads_setSuggestedPrompts(
            channel_id="C0ALERTS", thread_ts=parent, prompts=[{"title": "What broke?", "message": "What broke at 9?"}]
        )
        await expect(page.get_by_role("heading", name="Checkout")).to_be_visible()
        await page.get_by_role("button", name="What broke?").click()
        await expect(page.get_by_label("Reply in the thread")).to_have_value("What broke at 9?")


async def test_files_are_shown_as_pictures_or_offered_for_download(slackbox):
    client = client_of(slackbox)
    await client.files_upload_v2(
        channel="C0ALERTS", filename="graph.png", content=PIXEL, title="Error rate", alt_txt="a rise"
    )
    await client.files_upload_v2(
        channel="C0ALERTS", filename="pods.log", content="<b>line</b>", title="Log of the pods"
    )
    async with page_at(address(slackbox, user="ana", channel="alerts")) as page:
        shown = page.get_by_role("img", name="a rise")
        await expect(shown).to_be_visible()
        assert await shown.evaluate("node => node.naturalWidth") == 1
        await expect(page.locator(".file-chip")).to_contain_text("Log of the pods")
        async with page.expect_download() as waiting:
            await page.get_by_role("link", name="Log of the pods").click()
        saved = await (await waiting.value).path()
        assert saved.read_bytes() == b"<b>line</b>"


async def test_a_pin_is_marked_on_its_message(slackbox):
    ts = await slackbox.post(user="ana", channel="alerts", text="the runbook")
    async with page_at(address(slackbox, channel="alerts")) as page:
        await expect(page.locator("#messages .message")).to_have_count(1)
        await client_of(slackbox).pins_add(channel="C0ALERTS", timestamp=ts)
        await expect(page.locator("#messages .note")).to_have_text("Pinned by aiops")
        await client_of(slackbox).pins_remove(channel="C0ALERTS", timestamp=ts)
        await expect(page.locator("#messages .note")).to_have_count(0)


async def test_a_reply_can_also_go_to_the_channel_and_leads_back_to_its_thread(slackbox):
    parent = await slackbox.alert(channel="alerts", text="High error rate")
    async with page_at(address(slackbox, user="ben", channel="alerts", thread=parent)) as page:
        box = page.get_by_label("Reply in the thread in #alerts")
        await page.get_by_label("Also send to #alerts").check()
        await box.fill("it is over")
        await box.press("Enter")
        broadcast = page.locator("#messages .message").last
        await expect(broadcast).to_contain_text("it is over")
        await expect(page.get_by_label("Also send to #alerts")).not_to_be_checked()
        await page.get_by_role("button", name="Close thread").click()
        await broadcast.get_by_role("button", name="High error rate").click()
        await expect(page.locator("#thread-messages")).to_contain_text("Also sent to the channel")


async def test_a_data_table_pages_and_sorts_and_keeps_its_place_when_the_message_changes(slackbox):
    client = client_of(slackbox)
    sent = await client.chat_postMessage(channel="C0DIGEST", text="digest", blocks=samples.digest())
    async with page_at(address(slackbox, channel="digest")) as page:
        names = page.locator(".data-table tbody th")
        await expect(names).to_have_text(["INC-1", "INC-2"])
        await page.get_by_role("button", name="Next page").click()
        await expect(names).to_have_text(["INC-3", "INC-4"])
        await page.get_by_role("button", name="Confidence").click()
        await expect(names).to_have_text(["INC-5", "INC-4"])
        await expect(page.get_by_role("columnheader", name="Confidence")).to_have_attribute("aria-sort", "ascending")
        changed = (await slackbox.messages("digest"))[0]["blocks"]
        table = next(each for each in changed if each["type"] == "data_table")
        table["rows"][1][0]["text"] = "INC-1 (labelled)"
        await client.chat_update(channel="C0DIGEST", ts=sent["ts"], text="digest", blocks=changed)
        await page.get_by_role("button", name="Next page").click()
        await page.get_by_role("button", name="Next page").click()
        await expect(names).to_have_text(["INC-1 (labelled)"])


async def test_own_messages_are_edited_and_deleted_from_the_message_menu(slackbox):
    await slackbox.post(user="ana", channel="alerts", text="it is &lt;fine&gt;, <@U0BEN>")
    async with page_at(address(slackbox, user="ana", channel="alerts")) as page:
        box = page.get_by_label("Message #alerts")
        await box.press("ArrowUp")
        await expect(box).to_have_value("it is <fine>, @ben")
        await box.fill("it is not, @ben!")
        await box.press("Enter")
        (edited,) = await slackbox.wait_for("alerts", contains="it is not, <@U0BEN>!")
        await expect(page.locator("#messages .edited")).to_have_text("(edited)")
        await page.locator("#messages .message").hover()
        await page.get_by_role("button", name="More message actions").click()
        await page.get_by_role("menuitem", name="Delete message").click()
        await page.get_by_role("alertdialog").get_by_role("button", name="Delete").click()
        await expect(page.locator("#messages .message")).to_have_count(0)
    assert edited["user"] == "U0ANA"


async def test_a_permalink_opens_the_thread_of_a_reply(slackbox):
    parent = await slackbox.alert(channel="incidents", text="High error rate")
    reply = await slackbox.post(user="ben", channel="incidents", text="here it is", thread_ts=parent)
    link = (await client_of(slackbox).chat_getPermalink(channel="C0INCIDENTS", message_ts=reply))["permalink"]
    async with page_at(link) as page:
        await expect(page.locator("#thread-messages")).to_contain_text("here it is")
        await expect(page.get_by_role("heading", name="#incidents").first).to_be_visible()


async def test_what_slack_would_let_pass_is_listed_on_the_page(slackbox):
    async with page_at(address(slackbox, channel="alerts")) as page:
        silent = {"channel": "C0ALERTS", "blocks": [{"type": "divider"}]}
        await client_of(slackbox).api_call("chat.postMessage", json=silent)
        await page.get_by_role("button", name="1 broken rule").click()
        await expect(page.get_by_role("menu")).to_contain_text("missing_text_fallback")
