"""Rule 32: reactions, pins, bookmarks and canvases can be set once, taken back once, and only where that is allowed."""

import pytest

from tests.slackbox.rules.office import manifest_of, office

ALERTS = {"channel": "C0ALERTS"}
TAB = {"channel_id": "C0ALERTS"}


def markdown(text):
    return {"type": "markdown", "markdown": text}


async def message(desk):
    return ALERTS | {"timestamp": await desk.box.post(user="ana", channel="alerts", text="x")}


@pytest.mark.slack_rule(32)
async def test_a_reaction_is_added_once_and_removed_once():
    async with office() as desk:
        where = await message(desk)
        await desk.ok("reactions.add", **where, name=":eyes:")
        assert await desk.code("reactions.add", **where, name="eyes") == "already_reacted"
        await desk.box.react(user="ana", channel="alerts", ts=where["timestamp"], name="eyes")
        shown = (await desk.ok("reactions.get", **where))["message"]["reactions"]
        assert shown == [{"name": "eyes", "users": ["U0AIOPS", "U0ANA"], "count": 2}]
        await desk.ok("reactions.remove", **where, name="eyes")
        assert await desk.code("reactions.remove", **where, name="eyes") == "no_reaction"
        assert await desk.code("reactions.remove", **where, name="tada") == "no_reaction"


@pytest.mark.slack_rule(32)
async def test_a_reaction_needs_a_message_and_a_name():
    async with office() as desk:
        where = await message(desk)
        for name in ("", "Eyes", "two words", "eyes::skin-tone-9"):
            assert await desk.code("reactions.add", **where, name=name) == "invalid_name"
        await desk.ok("reactions.add", **where, name="thumbsup::skin-tone-2")
        for ts, code in ((None, "no_item_specified"), ("now", "bad_timestamp"), ("1.000001", "message_not_found")):
            for method in ("reactions.add", "pins.add", "pins.remove"):
                assert await desk.code(method, **ALERTS, timestamp=ts, name="eyes") == code


@pytest.mark.slack_rule(32)
async def test_one_person_adds_at_most_23_reactions_and_a_message_has_at_most_50():
    async with office() as desk:
        where = await message(desk)
        for n in range(23):
            await desk.ok("reactions.add", **where, name=f"mine-{n}")
        assert await desk.code("reactions.add", **where, name="one-more") == "too_many_reactions"
        assert await desk.code("reactions.add", **where, name="mine-1") == "already_reacted"
        where = await message(desk)
        for n in range(50):
            await desk.box.react(user="ana", channel="alerts", ts=where["timestamp"], name=f"hers-{n}")
        assert await desk.code("reactions.add", **where, name="one-more") == "too_many_emoji"
        await desk.ok("reactions.add", **where, name="hers-1")


@pytest.mark.slack_rule(32)
async def test_a_message_is_pinned_once_and_unpinned_once():
    async with office() as desk:
        where = await message(desk)
        await desk.ok("pins.add", **where)
        assert await desk.code("pins.add", **where) == "already_pinned"
        (item,) = (await desk.ok("pins.list", **ALERTS))["items"]
        assert (item["message"]["ts"], item["created_by"]) == (where["timestamp"], "U0AIOPS")
        history = await desk.ok("conversations.history", **ALERTS)
        assert (history["pin_count"], history["messages"][0]["pinned_to"]) == (1, ["C0ALERTS"])
        await desk.ok("pins.remove", **where)
        assert await desk.code("pins.remove", **where) == "no_pin"
        await desk.ok("pins.add", **where)
        await desk.box.delete(user="ana", channel="alerts", ts=where["timestamp"])
        assert (await desk.ok("pins.list", **ALERTS))["items"] == []
        assert [each["type"] for each in await desk.events() if "pin" in each["type"]] == [
            "pin_added",
            "pin_removed",
            "pin_added",
        ]


@pytest.mark.slack_rule(32)
async def test_a_channel_takes_100_pins():
    async with office() as desk:
        for _ in range(100):
            await desk.ok("pins.add", **await message(desk))
        assert await desk.code("pins.add", **await message(desk)) == "too_many_pins"


@pytest.mark.slack_rule(32)
async def test_a_bookmark_is_added_changed_and_removed():
    async with office() as desk:
        link = {"type": "link", "title": "Board", "link": "https://example.com/board"}
        made = (await desk.ok("bookmarks.add", **TAB, **link, emoji=":bar_chart:"))["bookmark"]
        mark = TAB | {"bookmark_id": made["id"]}
        await desk.box.advance(60)
        edited = (await desk.ok("bookmarks.edit", **mark, title="Dashboard"))["bookmark"]
        assert (edited["title"], edited["link"]) == ("Dashboard", link["link"])
        assert edited["date_updated"] == made["date_created"] + 60
        assert [each["id"] for each in (await desk.ok("bookmarks.list", **TAB))["bookmarks"]] == [made["id"]]
        assert await desk.code("bookmarks.add", **TAB, **link | {"link": "ftp://example.com"}) == "invalid_link"
        assert await desk.code("bookmarks.add", **TAB, **link | {"type": "folder"}) == "invalid_bookmark_type"
        assert await desk.code("bookmarks.add", **TAB, **link | {"title": "x" * 257}) == "invalid_arguments"
        assert await desk.code("bookmarks.add", **TAB, **link, emoji="chart") == "invalid_emoji"
        await desk.ok("bookmarks.remove", **mark)
        for method in ("bookmarks.remove", "bookmarks.edit"):
            assert await desk.code(method, **mark, title="x") == "not_found"
        for _ in range(100):
            await desk.ok("bookmarks.add", **TAB, **link)
        assert await desk.code("bookmarks.add", **TAB, **link) == "too_many_bookmarks"


@pytest.mark.slack_rule(32)
async def test_a_workspace_that_does_not_pay_has_one_canvas_for_each_channel_and_none_alone():
    async with office(free_plan=True) as desk:
        alone = await desk.code("canvases.create", title="Alone")
        assert alone == "free_teams_cannot_create_standalone_canvases"
        made = await desk.ok("conversations.canvases.create", **TAB, document_content=markdown("# Timeline"))
        for method in ("conversations.canvases.create", "canvases.create"):
            assert await desk.code(method, **TAB) == "free_team_canvas_tab_already_exists"
        change = {"operation": "insert_at_end", "document_content": markdown("09:00 paged")}
        await desk.ok("canvases.edit", canvas_id=made["canvas_id"], changes=[change])
        code = await desk.code("usergroups.users.update", usergroup="S0ONCALL", users="U0ANA")
        assert code == "plan_upgrade_required"
    async with office(canvases=False) as desk:
        assert await desk.code("canvases.create", title="x") == "canvas_disabled_user_team"
        assert await desk.code("conversations.canvases.create", **TAB) == "canvas_disabled_user_team"


@pytest.mark.slack_rule(32)
async def test_a_channel_has_one_canvas_of_its_own():
    async with office() as desk:
        made = await desk.ok("conversations.canvases.create", **TAB)
        assert await desk.code("conversations.canvases.create", **TAB) == "channel_canvas_already_exists"
        await desk.ok("canvases.delete", canvas_id=made["canvas_id"])
        assert await desk.code("canvases.delete", canvas_id=made["canvas_id"]) == "canvas_not_found"
        await desk.ok("conversations.canvases.create", **TAB)
        await desk.box.kick(user="aiops", channel="alerts")
        assert await desk.code("conversations.canvases.create", **TAB) == "not_in_channel"


@pytest.mark.slack_rule(32)
async def test_a_canvas_takes_one_change_at_a_time_by_section():
    async with office() as desk:
        content = markdown("# Timeline\n\n09:00 paged\n\n09:05 acknowledged")
        canvas = {"canvas_id": (await desk.ok("canvases.create", title="INC-1", document_content=content))["canvas_id"]}

        async def section(**criteria):
            found = await desk.ok("canvases.sections.lookup", **canvas, criteria=criteria)
            return found["sections"][0]["id"]

        def change(operation, text=None, section_id=None):
            return {"operation": operation, "document_content": markdown(text or "x"), "section_id": section_id}

        async def edit(**more):
            await desk.ok("canvases.edit", **canvas, changes=[change(**more)])

        await edit(operation="insert_after", text="09:02 seen", section_id=await section(contains_text="paged"))
        await edit(operation="delete", section_id=await section(contains_text="acknowledged"))
        await edit(operation="replace", text="# Events", section_id=await section(section_types=["h1"]))
        await edit(operation="insert_at_end", text="09:30 fixed")
        shown = (await desk.ok("canvases.getContent", **canvas))["content"]["markdown"]
        assert shown == "# Events\n\n09:00 paged\n\n09:02 seen\n\n09:30 fixed"
        two = [change("insert_at_end"), change("insert_at_end")]
        assert await desk.code("canvases.edit", **canvas, changes=two) == "invalid_arguments"
        for wrong in (change("insert_before"), change("explode"), change("delete", section_id="temp:C:none")):
            refused = await desk.bot.call("canvases.edit", **canvas, changes=[wrong])
            assert (refused["error"], bool(refused["detail"])) == ("canvas_editing_failed", True)
        html = {"type": "html", "markdown": "<b>x</b>"}
        assert await desk.code("canvases.create", document_content=html) == "canvas_creation_failed"


@pytest.mark.slack_rule(32)
async def test_reactions_of_a_person_are_listed_by_pages():
    async with office() as desk:
        stamps = [(await message(desk))["timestamp"] for _ in range(5)]
        for ts in stamps:
            await desk.box.react(user="ana", channel="alerts", ts=ts, name="eyes")
        seen, cursor = [], None
        while cursor != "":
            page = await desk.ok("reactions.list", user="U0ANA", limit=2, cursor=cursor)
            seen += [each["message"]["ts"] for each in page["items"]]
            cursor = page["response_metadata"]["next_cursor"]
        assert seen == stamps
        assert (await desk.ok("reactions.list"))["items"] == []
        assert await desk.code("reactions.list", user="U0GHOST") == "user_not_found"
    async with office(manifest=manifest_of(without={"reactions:read"})) as desk:
        assert await desk.code("reactions.list") == "missing_scope"
