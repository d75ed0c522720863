"""The browser page, read and used as a person would."""

import pytest
from playwright.async_api import expect

from tests.slackbox import samples
from tests.slackbox.helpers import client_of, connected
from tests.slackbox.page_bot import card, page_bot
from tests.slackbox.page_driver import address, browser, heard_by, page_at, page_in

pytestmark = pytest.mark.external_service("chromium")

ALERTS = "C0ALERTS"


async def post(box, **content):
    """The bot posts in #alerts. Returns the message's ts."""
    content.setdefault("text", "a message")
    return (await client_of(box).chat_postMessage(channel=ALERTS, **content))["ts"]


async def test_a_thread_opens_directly_and_every_block_is_drawn(slackbox):
    parent = await slackbox.alert(channel="alerts", text="High error rate")
    for name, make in samples.MESSAGES.items():
        await post(slackbox, thread_ts=parent, text=name, blocks=make())
    async with page_at(address(slackbox, channel=ALERTS, thread=parent)) as page:
        thread = page.locator("#thread-messages")
        await expect(thread.locator(".message")).to_have_count(len(samples.MESSAGES) + 1)
        await expect(thread.locator(".unknown-block")).to_have_count(0)
        await expect(thread.locator(".unknown-element")).to_have_count(0)
        await expect(thread.get_by_role("heading", name="Likely cause: checkout deploy v42")).to_be_visible()
        await expect(thread.locator(".plot").first).to_be_visible()
        await expect(page.locator("#messages .thread-line")).to_contain_text(f"{len(samples.MESSAGES)} replies")


async def test_a_person_opens_a_thread_from_the_channel_and_answers_in_it(slackbox):
    parent = await slackbox.alert(channel="alerts", text="High error rate")
    await post(slackbox, thread_ts=parent, text="looking")
    async with page_at(address(slackbox, user="ben", channel="alerts")) as page:
        await page.get_by_role("button", name="1 reply").click()
        await expect(page.locator("#thread-messages")).to_contain_text("looking")
        box = page.get_by_label("Reply in the thread in #alerts")
        await expect(box).to_be_focused()
        await box.fill("thanks, @ana & all")
        await box.press("Enter")
        (written,) = await slackbox.wait_for("alerts", thread_ts=parent, contains="thanks")
        await expect(page.locator("#thread-messages .message").last).to_contain_text("thanks, @ana & all")
        await expect(page.locator("#messages .thread-line")).to_contain_text("2 replies")
    assert (written["user"], written["text"]) == ("U0BEN", "thanks, <@U0ANA> &amp; all")


async def test_a_message_appears_changes_and_goes_without_a_reload(slackbox):
    async with page_at(address(slackbox, channel="alerts")) as page:
        await expect(page.locator("#messages")).to_contain_text("the very beginning of #alerts")
        ts = await slackbox.post(user="ben", channel="alerts", text="first")
        await expect(page.locator("#messages .message")).to_contain_text("first")
        await slackbox.edit(user="ben", channel="alerts", ts=ts, text="second")
        await expect(page.locator("#messages .message")).to_contain_text("second(edited)")
        await slackbox.react(user="chen", channel="alerts", ts=ts, name="eyes")
        await page.get_by_role("button", name="eyes, 1, chen").click()
        await expect(page.get_by_role("button", name="eyes, 2, chen, ana")).to_have_attribute("aria-pressed", "true")
        await slackbox.delete(user="ben", channel="alerts", ts=ts)
        await expect(page.locator("#messages .message")).to_have_count(0)


async def test_a_parent_that_was_deleted_leaves_its_replies_readable(slackbox):
    parent = await slackbox.post(user="ana", channel="alerts", text="oops")
    await slackbox.post(user="ben", channel="alerts", text="kept", thread_ts=parent)
    async with page_at(address(slackbox, channel="alerts", thread=parent)) as page:
        await expect(page.locator("#thread-messages")).to_contain_text("kept")
        await slackbox.delete(user="ana", channel="alerts", ts=parent)
        await expect(page.locator("#thread-messages .message").first).to_contain_text("This message was deleted.")
        await expect(page.locator("#thread-messages")).to_contain_text("kept")


async def test_a_plan_moves_on_in_place_and_what_the_reader_opened_stays_open(slackbox):
    ts = await post(slackbox, blocks=[*samples.progress(), *samples.hypothesis()])
    async with page_at(address(slackbox, channel="alerts")) as page:
        await expect(page.locator(".plan .status.in_progress")).to_have_count(2)
        summary = page.locator("details.container > summary")
        await summary.click()
        await summary.evaluate("node => { node.marked = true; }")
        plan = samples.progress()
        for task in plan[0]["tasks"]:
            task["status"] = "complete"
        await client_of(slackbox).chat_update(channel=ALERTS, ts=ts, text="done", blocks=[*plan, *samples.hypothesis()])
        await expect(page.locator(".plan .status.complete")).to_have_count(4)
        await expect(page.locator("details.container")).not_to_have_attribute("open", "")


async def test_an_update_leaves_focus_in_a_block_that_did_not_change(slackbox):
    ts = await post(slackbox, blocks=card())
    async with page_at(address(slackbox, channel="alerts")) as page:
        await page.get_by_role("button", name="Open Form").focus()
        shown = (await slackbox.messages("alerts"))[0]["blocks"]
        shown[0] = {"type": "section", "block_id": shown[0]["block_id"], "text": samples.mrkdwn("other words")}
        await client_of(slackbox).chat_update(channel=ALERTS, ts=ts, text="new", blocks=shown)
        await expect(page.locator("#messages")).to_contain_text("other words")
        await expect(page.get_by_role("button", name="Open Form")).to_be_focused()


async def test_a_button_reaches_the_bot_and_a_confirm_dialog_can_be_accepted_or_declined(slackbox):
    app, heard = page_bot(slackbox)
    await post(slackbox, blocks=card())
    async with connected(slackbox, app), page_at(address(slackbox, user="ben", channel="alerts")) as page:
        restart = page.locator("#messages").get_by_role("button", name="Restart", exact=True)
        await restart.click()
        dialog = page.get_by_role("alertdialog", name="Restart checkout?")
        await expect(dialog).to_contain_text("Three pods restart")
        await expect(dialog.get_by_role("button", name="Cancel")).to_be_focused()
        await dialog.get_by_role("button", name="Cancel").click()
        await expect(dialog).to_have_count(0)
        await expect(restart).to_be_focused()
        await page.get_by_role("button", name="Details").click()
        await expect(page.locator(".ephemeral")).to_contain_text("for your eyes only")
        assert heard_by(heard, "restart") == []

        await restart.click()
        await dialog.get_by_role("button", name="Restart").click()
        await slackbox.wait_until(lambda: heard_by(heard, "restart") or None)
    (payload,) = heard_by(heard, "restart")
    assert (payload["user"]["id"], payload["actions"][0]["block_id"]) == ("U0BEN", "act")


async def test_menus_overflow_and_choices_in_a_message_send_what_was_chosen(slackbox):
    app, heard = page_bot(slackbox)
    await post(slackbox, blocks=card())
    async with connected(slackbox, app), page_at(address(slackbox, channel="alerts")) as page:
        await page.get_by_role("combobox", name="Cause").click()
        await page.get_by_role("option", name="Capacity").click()
        await page.get_by_role("button", name="More actions").click()
        await page.get_by_role("menuitem", name="Mute").click()
        await page.get_by_label("Loud").check()
        await page.locator('[data-action-id="day"]').fill("2026-12-24")
        await slackbox.wait_until(lambda: True if len(heard) == 4 else None)
    actions = {name: body["actions"][0] for name, body in heard}
    assert actions["pick"]["selected_option"]["value"] == "capacity"
    assert actions["more"]["selected_option"]["value"] == "mute"
    assert [each["value"] for each in actions["boxes"]["selected_options"]] == ["loud"]
    assert actions["day"]["selected_date"] == "2026-12-24"


async def test_options_of_an_external_select_come_from_the_bot(slackbox):
    app, heard = page_bot(slackbox)
    await post(slackbox, blocks=card())
    async with connected(slackbox, app), page_at(address(slackbox, channel="alerts")) as page:
        await page.get_by_role("combobox", name="Service").click()
        await expect(page.get_by_role("status").filter(has_text="at least 2 letters")).to_be_visible()
        await page.keyboard.type("ch")
        await page.get_by_role("option", name="Search").click()
        await slackbox.wait_until(lambda: heard_by(heard, "service") or None)
    assert heard_by(heard, "options")[-1]["value"] == "ch"
    assert heard_by(heard, "service")[0]["actions"][0]["selected_option"]["value"] == "search"


async def test_a_command_is_completed_with_its_usage_and_run(slackbox):
    app, heard = page_bot(slackbox)
    async with connected(slackbox, app), page_at(address(slackbox, user="ben", channel="alerts")) as page:
        box = page.get_by_label("Message #alerts")
        await box.press_sequentially("/ai")
        await expect(page.get_by_role("option", name="/aiops")).to_contain_text("Investigate an alert")
        await box.press("Enter")
        await expect(box).to_have_value("/aiops ")
        await expect(page.locator("#composer .compose-hint")).to_contain_text("triage <text or link> | similar <text>")
        await box.press_sequentially("si")
        await box.press("Tab")
        await expect(box).to_have_value("/aiops similar ")
        await box.press_sequentially("errors of @an")
        await box.press("Enter")
        await expect(box).to_have_value("/aiops similar errors of @ana ")
        await box.press("Enter")
        await expect(page.locator(".ephemeral")).to_contain_text("nothing to do for similar errors of")
        await expect(page.locator(".ephemeral")).to_contain_text("Only visible to you")
    (ran,) = heard_by(heard, "/aiops")
    assert (ran["user_id"], ran["text"]) == ("U0BEN", "similar errors of <@U0ANA|ana>")


async def test_a_command_in_a_thread_is_refused_and_what_was_typed_stays(slackbox):
    parent = await slackbox.alert(channel="alerts", text="High error rate")
    async with page_at(address(slackbox, channel="alerts", thread=parent)) as page:
        box = page.get_by_label("Reply in the thread")
        await box.press_sequentially("/aiops status")
        await expect(page.locator("#thread-composer .compose-hint")).to_contain_text("do not run in threads")
        # A refusal is answered with status 400, which the browser's own console reports; so nothing is sent here.
        await box.fill("")


async def test_a_shortcut_in_the_message_menu_reaches_the_bot(slackbox):
    app, heard = page_bot(slackbox)
    ts = await slackbox.alert(channel="alerts", text="High error rate")
    async with connected(slackbox, app), page_at(address(slackbox, channel="alerts")) as page:
        await page.locator("#messages .message").hover()
        await page.get_by_role("button", name="More message actions").click()
        await page.get_by_role("menuitem", name="Triage this message").click()
        await expect(page.locator("#messages .thread-line")).to_contain_text("1 reply")
    assert heard_by(heard, "triage_message")[0]["message_ts"] == ts


async def test_an_ephemeral_message_is_seen_by_one_person_and_gone_after_a_reload(slackbox):
    url = address(slackbox, user="ana", channel="alerts")
    async with browser() as program, page_in(program, url) as anas:
        async with page_in(program, address(slackbox, user="ben", channel="alerts")) as bens:
            await client_of(slackbox).chat_postEphemeral(channel=ALERTS, user="U0ANA", text="psst")
            await slackbox.post(user="chen", channel="alerts", text="for everyone")
            await expect(anas.locator(".ephemeral")).to_contain_text("psst")
            await expect(bens.locator("#messages")).to_contain_text("for everyone")
            await expect(bens.locator("#messages")).not_to_contain_text("psst")
        await anas.reload()
        await expect(anas.locator("#messages")).to_contain_text("for everyone")
        await expect(anas.locator("#messages")).not_to_contain_text("psst")


async def test_a_person_is_chosen_in_the_address_or_on_the_page(slackbox):
    async with page_at(address(slackbox, user="chen", channel="alerts")) as page:
        await expect(page.locator(".person")).to_contain_text("Chen Wei")
        await page.get_by_role("button", name="You are Chen Wei").click()
        await page.get_by_role("menuitemradio", name="Ben Okafor").click()
        await expect(page.locator(".person")).to_contain_text("Ben Okafor")
        box = page.get_by_label("Message #alerts")
        await box.fill("it is me")
        await box.press("Enter")
        (written,) = await slackbox.wait_for("alerts", contains="it is me")
        assert "user=U0BEN" in page.url
    assert written["user"] == "U0BEN"


async def test_unread_marks_are_each_persons_own_and_a_mention_counts(slackbox):
    url = address(slackbox, user="ana", channel="alerts")
    async with browser() as program, page_in(program, url) as anas:
        async with page_in(program, address(slackbox, user="ben", channel="incidents")) as bens:
            await slackbox.post(user="chen", channel="incidents", text="just so you know")
            await slackbox.post(user="chen", channel="incidents", text="<@U0ANA> please look")
            await expect(bens.locator("#messages")).to_contain_text("please look")
            room = anas.get_by_role("button", name="incidents, 2 unread, 1 mention")
            await expect(room).to_be_visible()
            await expect(bens.locator(".room.unread")).to_have_count(0)
        await expect(anas).to_have_title("(1) #alerts · slackbox")
        await room.click()
        await expect(anas.locator(".new-line")).to_have_text("New")
        await expect(anas.locator(".room.unread")).to_have_count(0)
        await anas.reload()
        await expect(anas.locator(".message")).to_have_count(2)
        await expect(anas.locator(".new-line")).to_have_count(0)


async def test_the_home_tab_is_published_for_a_person_and_its_buttons_work(slackbox):
    app, heard = page_bot(slackbox)
    async with connected(slackbox, app), page_at(address(slackbox, user="ben", channel="alerts")) as page:
        await page.locator('[data-key="app"]').click()
        await expect(page.get_by_role("heading", name="Approvals waiting for you")).to_be_visible()
        await expect(page.locator("#home")).to_contain_text("opened 1 times")
        await page.locator("#home").get_by_role("button", name="Open").click()
        await expect(page.get_by_role("dialog", name="All inputs")).to_be_visible()
    assert heard_by(heard, "app_home_opened")[0]["user"] == "U0BEN"


async def test_dark_follows_the_system_and_the_switch_overrules_it_and_is_remembered(slackbox):
    async def background():
        return await page.evaluate("getComputedStyle(document.body).backgroundColor")

    async with page_at(address(slackbox, channel="alerts"), color_scheme="dark") as page:
        dark = await background()
        await page.get_by_role("button", name="Light or dark").click()
        await page.get_by_role("menuitemradio", name="Light").click()
        light = await background()
        await page.reload()
        await page.locator(".person").wait_for()
        assert (dark, light, await background()) == ("rgb(26, 29, 33)", "rgb(255, 255, 255)", "rgb(255, 255, 255)")


async def test_a_block_the_page_does_not_know_is_shown_with_its_json(slackbox):
    await slackbox.alert(channel="alerts", text="x", blocks=[{"type": "hologram", "depth": 3}])
    async with page_at(address(slackbox, channel="alerts")) as page:
        box = page.locator(".unknown-block")
        await expect(box).to_contain_text("This page does not draw “hologram” blocks")
        await expect(box.locator("pre")).to_contain_text('"depth": 3')


async def test_a_malformed_block_of_another_sender_does_not_hide_the_others(slackbox):
    blocks = [{"type": "table", "rows": 7}, {"type": "header", "text": samples.plain("still here")}]
    await slackbox.alert(channel="alerts", text="x", blocks=blocks)
    async with page_at(address(slackbox, channel="alerts")) as page:
        await expect(page.get_by_role("heading", name="still here")).to_be_visible()
        await expect(page.locator(".unknown-block")).to_contain_text("Could not be drawn")


HOSTILE = '<img src=x onerror="window.hit=1"><script>window.hit=1</script> <javascript:window.hit=1|click> "><svg onload=window.hit=1>'


async def test_hostile_text_stays_text_wherever_it_is_shown(slackbox):
    plain, mrkdwn = samples.plain(HOSTILE[:150]), samples.mrkdwn(HOSTILE)
    link = {"type": "link", "url": "javascript:window.hit=1", "text": "press me"}
    color = {"type": "color", "value": "url(https://example.com/x)"}
    blocks = [
        {"type": "header", "text": plain},
        {"type": "section", "text": mrkdwn, "fields": [mrkdwn]},
        {"type": "context", "elements": [mrkdwn]},
        {
            "type": "markdown",
            "text": f"# {HOSTILE}\n[x](javascript:window.hit=1)\n| a | b |\n|---|---|\n| {HOSTILE} | 2 |",
        },
        {"type": "rich_text", "elements": [{"type": "rich_text_section", "elements": [link, color]}]},
        {"type": "actions", "elements": [{**samples.button("go", "go"), "url": "javascript:window.hit=1"}]},
        {"type": "image", "image_url": "javascript:window.hit=1", "alt_text": HOSTILE},
        {"type": HOSTILE, "text": HOSTILE},
        {"type": "constructor"},
        {"type": "actions", "elements": [{"type": "constructor"}]},
        {"type": "context", "elements": [samples.mrkdwn(":constructor: <!date^1^{constructor}|x>")]},
    ]
    attachment = {
        "title": HOSTILE,
        "title_link": "javascript:window.hit=1",
        "text": HOSTILE,
        "color": "red;background:url(//x)",
    }
    await slackbox.alert(channel="alerts", text=HOSTILE, username=HOSTILE, attachments=[attachment])
    await slackbox.alert(channel="alerts", text="x", blocks=blocks)
    async with page_at(address(slackbox, channel="alerts")) as page:
        messages = page.locator("#messages")
        await expect(messages.locator(".message")).to_have_count(2)
        await expect(messages.locator("img, script, svg[onload], [onerror]")).to_have_count(0)
        links = await messages.locator("a").evaluate_all("all => all.map(each => each.protocol)")
        assert set(links) <= {"http:", "https:"}
        await expect(messages.get_by_text("onerror").first).to_be_visible()
        assert await page.evaluate("window.hit") is None
        assert await page.locator("body > script:not([src])").count() == 0


async def test_the_page_comes_back_with_all_it_missed_when_the_connection_was_lost(slackbox):
    connections = []

    def through(route):
        route.connect_to_server()
        connections.append(route)

    async def prepare(page):
        await page.route_web_socket("**/_page/live*", through)

    async with page_at(address(slackbox, channel="alerts"), prepare=prepare) as page:
        await slackbox.post(user="ben", channel="alerts", text="before")
        await expect(page.locator("#messages")).to_contain_text("before")
        await connections[0].close()
        await slackbox.post(user="ben", channel="alerts", text="meanwhile")
        await expect(page.locator("#messages .message")).to_have_count(2)
        await expect(page.locator("#messages")).to_contain_text("meanwhile")
        await expect(page.locator("#offline")).to_be_hidden()
    assert len(connections) == 2


async def test_older_messages_come_when_the_reader_scrolls_up(slackbox):
    for number in range(130):
        await slackbox.post(user="ben", channel="alerts", text=f"line {number}")
    async with page_at(address(slackbox, channel="alerts")) as page:
        await expect(page.locator("#messages .message")).to_have_count(100)
        await page.locator("#messages").evaluate("box => { box.scrollTop = 0; }")
        await expect(page.locator("#messages .message")).to_have_count(130)
        await expect(page.locator("#messages")).to_contain_text("the very beginning of #alerts")


async def test_a_phone_wide_window_shows_one_column_at_a_time_and_nothing_is_cut_off(slackbox):
    parent = await slackbox.alert(channel="alerts", text="High error rate " + "verylongword" * 30)
    for make in samples.MESSAGES.values():
        await post(slackbox, thread_ts=parent, text="x", blocks=make())
    async with page_at(address(slackbox, channel="alerts"), viewport={"width": 390, "height": 844}) as page:
        await expect(page.locator("#sidebar")).to_be_hidden()
        await page.locator(".thread-line").click()
        await expect(page.locator("#main")).to_be_hidden()
        await expect(page.locator("#thread-messages .message")).to_have_count(len(samples.MESSAGES) + 1)
        wide = await page.evaluate(
            "[document.documentElement.scrollWidth, document.getElementById('thread-messages').scrollWidth]"
        )
        assert max(wide) <= 390
        await page.get_by_role("button", name="Close thread").click()
        await page.get_by_role("button", name="Show the channels").click()
        await page.get_by_role("button", name="incidents").click()
        await expect(page.get_by_role("heading", name="#incidents").first).to_be_visible()
