"""Methods without a rule of their own: pages, scheduled messages, assistant threads, people and groups."""

import pytest

from slackbox.errors import WorldError
from tests.slackbox.rules.office import ask, manifest_of, office

ALERTS = {"channel": "C0ALERTS"}
PAGED = {
    "conversations.list": ("channels", {}),
    "conversations.members": ("members", ALERTS),
    "conversations.history": ("messages", ALERTS),
    "conversations.replies": ("messages", ALERTS),
    "users.list": ("members", {}),
    "users.conversations": ("channels", {"user": "U0BEN"}),
    "reactions.list": ("items", {"user": "U0ANA"}),
    "chat.scheduledMessages.list": ("scheduled_messages", {}),
}


async def fill(desk):
    """At least three of everything; the ts of a thread's parent."""
    stamps = [await desk.box.post(user="ana", channel="alerts", text=str(n)) for n in range(3)]
    for n, ts in enumerate(stamps):
        await desk.box.react(user="ana", channel="alerts", ts=ts, name="eyes")
        await desk.box.post(user="ben", channel="alerts", text="reply", thread_ts=stamps[0])
        at = int(desk.box.now().timestamp()) + 100 + n
        await desk.ok("chat.scheduleMessage", **ALERTS, text="later", post_at=at)
    return stamps[0]


@pytest.mark.parametrize("method", PAGED)
async def test_pages_of_one_give_the_same_as_one_page_of_all(method):
    key, args = PAGED[method]
    async with office() as desk:
        args = args | ({"ts": await fill(desk)} if method == "conversations.replies" else {})
        if method != "conversations.replies":
            await fill(desk)
        whole = (await desk.ok(method, **args))[key]
        pieces, cursor = [], None
        while cursor != "":
            page = await desk.ok(method, **args, limit=1, cursor=cursor)
            assert len(page[key]) == 1
            pieces += page[key]
            cursor = page.get("response_metadata", {}).get("next_cursor", "")
        assert len(whole) >= 3
        assert pieces == whole
        for wrong in ("nonsense", "bm9uZQ=="):
            assert await desk.code(method, **args, cursor=wrong) == "invalid_cursor"
        for wrong in ("many", -1, 1_001):
            assert await desk.code(method, **args, limit=wrong) == "invalid_limit"


async def test_history_is_cut_by_time_to_the_microsecond():
    async with office() as desk:
        stamps = [await desk.box.post(user="ana", channel="alerts", text=str(n)) for n in range(5)]

        async def texts(**bounds):
            found = await desk.ok("conversations.history", **ALERTS, **bounds)
            return [each["text"] for each in found["messages"]]

        assert await texts(oldest=stamps[1], latest=stamps[3]) == ["2"]
        assert await texts(oldest=stamps[1], latest=stamps[3], inclusive=1) == ["3", "2", "1"]
        assert await texts(latest=stamps[0]) == []
        assert await desk.code("conversations.history", **ALERTS, oldest="now") == "invalid_ts_oldest"
        assert await desk.code("conversations.history", **ALERTS, latest="now") == "invalid_ts_latest"


async def test_a_scheduled_message_is_posted_at_its_time_and_not_before():
    async with office() as desk:
        parent = await desk.box.post(user="ana", channel="alerts", text="parent")
        at = int(desk.box.now().timestamp()) + 3600
        args = {"text": "an hour later", "post_at": at, "thread_ts": parent}
        waiting = await desk.ok("chat.scheduleMessage", **ALERTS, **args)
        (listed,) = (await desk.ok("chat.scheduledMessages.list"))["scheduled_messages"]
        assert (listed["id"], listed["post_at"]) == (waiting["scheduled_message_id"], at)
        await desk.box.advance(3599)
        assert len(await desk.box.messages("alerts", parent)) == 1
        await desk.box.advance(1)
        (_, posted) = await desk.box.messages("alerts", parent)
        assert (posted["text"], posted["bot_id"]) == ("an hour later", "B0AIOPS")
        assert (await desk.ok("chat.scheduledMessages.list"))["scheduled_messages"] == []
        assert [each["text"] for each in await desk.events("message")] == ["parent", "an hour later"]


async def test_a_scheduled_message_can_be_taken_back_until_its_last_minute():
    async with office() as desk:
        at = int(desk.box.now().timestamp()) + 600
        names = []
        for _ in range(2):
            answer = await desk.ok("chat.scheduleMessage", **ALERTS, text="x", post_at=at)
            names.append({"scheduled_message_id": answer["scheduled_message_id"]})
        await desk.ok("chat.deleteScheduledMessage", **ALERTS, **names[0])
        assert await desk.code("chat.deleteScheduledMessage", **ALERTS, **names[0]) == "invalid_scheduled_message_id"
        await desk.box.advance(541)
        assert await desk.code("chat.deleteScheduledMessage", **ALERTS, **names[1]) == "invalid_scheduled_message_id"
        await desk.box.advance(59)
        assert len(await desk.box.messages("alerts")) == 1


async def test_what_is_scheduled_must_be_a_message_at_a_time_that_is_possible():
    async with office() as desk:
        now = int(desk.box.now().timestamp())

        async def code(**args):
            return await desk.code("chat.scheduleMessage", **ALERTS, **{"text": "x", "post_at": now + 60, **args})

        assert await code(post_at=now) == "time_in_past"
        assert await code(post_at=now + 120 * 86_400 + 1) == "time_too_far"
        assert await code(post_at="tomorrow") == "invalid_time"
        assert await code(text="") == "no_text"
        assert await code(blocks=[{"type": "headr"}]) == "invalid_blocks"
        assert await desk.code("chat.scheduledMessages.list", channel="C0GHOST") == "invalid_channel"
        start = now - now % 300 + 600
        for n in range(30):
            await desk.ok("chat.scheduleMessage", **ALERTS, text="x", post_at=start + n)
        assert await code(post_at=start + 299) == "restricted_too_many"
        await desk.ok("chat.scheduleMessage", **ALERTS, text="x", post_at=start + 300)


async def test_a_scheduled_message_for_a_channel_that_closed_meanwhile_is_recorded_as_lost():
    async with office() as desk:
        at = int(desk.box.now().timestamp()) + 60
        answer = await desk.ok("chat.scheduleMessage", **ALERTS, text="x", post_at=at)
        await desk.box.archive(user="ana", channel="alerts")
        await desk.box.advance(61)
        assert await desk.box.messages("alerts") == []
        (lost,) = desk.box.violations("scheduled_message_lost")
        assert lost["id"] == answer["scheduled_message_id"]


async def test_a_status_goes_when_the_bot_replies_or_after_two_minutes():
    async with office() as desk:
        parent = await desk.box.post(user="ana", channel="alerts", text="why?")
        where = {"channel_id": "C0ALERTS", "thread_ts": parent}

        async def shown():
            return (await desk.box.assistant(channel="alerts", thread_ts=parent)).get("status")

        await desk.ok("assistant.threads.setStatus", **where, status="is thinking", loading_messages=["one", "two"])
        assert await shown() == "is thinking"
        await desk.box.post(user="ben", channel="alerts", text="me too", thread_ts=parent)
        assert await shown() == "is thinking"
        await desk.ok("chat.postMessage", **ALERTS, text="because", thread_ts=parent)
        assert await shown() is None
        await desk.ok("assistant.threads.setStatus", **where, status="one")
        await desk.box.advance(100)
        await desk.ok("assistant.threads.setStatus", **where, status="two")
        await desk.box.advance(100)
        assert await shown() == "two"
        await desk.box.advance(20)
        assert await shown() is None
        await desk.ok("assistant.threads.setStatus", **where, status="three")
        await desk.ok("assistant.threads.setStatus", **where, status="")
        assert await shown() is None
        many = ["x"] * 11
        code = await desk.code("assistant.threads.setStatus", **where, status="x", loading_messages=many)
        assert code == "invalid_arguments"
        code = await desk.code("assistant.threads.setStatus", **where | {"thread_ts": "1.000001"}, status="x")
        assert code == "invalid_thread_ts"


async def test_a_thread_gets_a_title_and_up_to_four_prompts():
    async with office() as desk:
        parent = await desk.box.post(user="ana", channel="alerts", text="why?")
        where = {"channel_id": "C0ALERTS", "thread_ts": parent}
        prompts = [{"title": f"Ask {n}", "message": "why?"} for n in range(4)]
        await desk.ok("assistant.threads.setTitle", **where, title="Checkout")
        await desk.ok("assistant.threads.setSuggestedPrompts", **where, prompts=prompts, title="Try")
        shown = await desk.box.assistant(channel="alerts", thread_ts=parent)
        assert shown == {"title": "Checkout", "prompts": prompts, "prompts_title": "Try"}
        for wrong in ([], prompts + prompts[:1], [{"title": "only"}]):
            code = await desk.code("assistant.threads.setSuggestedPrompts", **where, prompts=wrong)
            assert code == "invalid_arguments"
    async with office(manifest=manifest_of(without={"assistant:write"})) as desk:
        parent = await desk.box.post(user="ana", channel="alerts", text="why?")
        where = {"channel_id": "C0ALERTS", "thread_ts": parent}
        assert await desk.code("assistant.threads.setTitle", **where, title="x") == "missing_scope"
        await desk.ok("assistant.threads.setStatus", **where, status="needs only chat:write")


async def test_groups_are_made_filled_and_disabled():
    async with office() as desk:
        made = (await desk.ok("usergroups.create", name="Data Platform", description="pipes"))["usergroup"]
        group = {"usergroup": made["id"]}
        assert (made["handle"], made["user_count"]) == ("data-platform", 0)
        assert await desk.code("usergroups.create", name="Data Platform") == "name_already_exists"
        assert await desk.code("usergroups.create", name="x", handle="ana") == "handle_already_exists"
        assert await desk.code("usergroups.create", name="x", handle="B@d") == "bad_handle"
        await desk.ok("usergroups.users.update", **group, users="U0ANA,U0CHEN")
        assert (await desk.ok("usergroups.users.list", **group))["users"] == ["U0ANA", "U0CHEN"]
        assert await desk.code("usergroups.users.update", **group, users="U0GHOST") == "invalid_users"
        assert await desk.code("usergroups.users.update", **group, users="") == "no_users_provided"
        (changed,) = await desk.events("subteam_members_changed")
        assert (changed["subteam_id"], changed["added_users_count"]) == (made["id"], 2)
        assert (await desk.ok("usergroups.update", **group, handle="data"))["usergroup"]["handle"] == "data"
        await desk.ok("usergroups.disable", **group)
        assert [each["id"] for each in (await desk.ok("usergroups.list"))["usergroups"]] == ["S0ONCALL"]
        everyone = await desk.ok("usergroups.list", include_disabled=True, include_users=True)
        assert everyone["usergroups"][1]["date_delete"] > 0
        assert await desk.code("usergroups.users.list", **group) == "no_such_subteam"
        await desk.ok("usergroups.enable", **group)
        assert len((await desk.ok("usergroups.list"))["usergroups"]) == 2
        assert await desk.code("usergroups.users.list", usergroup="S0GHOST") == "no_such_subteam"


async def test_people_the_bot_and_the_team_can_be_asked_about():
    async with office() as desk:
        assert (await desk.ok("users.getPresence", user="U0ANA"))["presence"] == "active"
        await desk.box.presence(user="ana", away=True)
        assert (await desk.ok("users.getPresence", user="U0ANA"))["presence"] == "away"
        for method in ("users.info", "users.getPresence", "users.conversations"):
            assert await desk.code(method, user="U0GHOST") == "user_not_found"
        assert (await desk.ok("bots.info", bot="B0AIOPS"))["bot"]["user_id"] == "U0AIOPS"
        assert await desk.code("bots.info", bot="B0GHOST") == "bot_not_found"
        assert (await desk.ok("team.info"))["team"]["id"] == "T0SLACKBOX"
        assert (await desk.ok("emoji.list"))["emoji"] == {}
        await desk.box.kick(user="ben", channel="digest")
        rooms = await desk.ok("users.conversations", user="U0BEN")
        assert [each["name"] for each in rooms["channels"]] == ["alerts", "incidents"]


async def test_the_test_api_offers_the_same_acts_over_http():
    async with office() as desk:
        parent = await desk.box.post(user="ana", channel="alerts", text="why?")

        async def act(name, **body):
            answer = await ask(desk.box, f"../_test/{name}", json=body)
            return answer.status_code, answer.json()

        assert await act("direct", user="ana") == (200, {"channel": "D0ANA"})
        shared = await act("share_file", user="ana", channel="alerts", filename="a.txt", text="x", thread_ts=parent)
        assert (await desk.ok("files.info", file=shared[1]["file"]))["file"]["size"] == 1
        assert await act("presence", user="ana") == (200, {})
        await desk.ok("assistant.threads.setTitle", channel_id="C0ALERTS", thread_ts=parent, title="T")
        assert await act("assistant", channel="alerts", thread_ts=parent) == (200, {"title": "T"})
        started = await desk.ok(
            "chat.startStream", **ALERTS, thread_ts=parent, recipient_user_id="U0ANA", recipient_team_id="T0SLACKBOX"
        )
        assert await act("stop_stream", user="ana", channel="alerts", ts=started["ts"]) == (200, {})
        status, answer = await act("stop_stream", user="ana", channel="alerts", ts=started["ts"])
        assert (status, "is not being streamed" in answer["error"]) == (400, True)
        assert await act("archive", user="ana", channel="alerts") == (200, {})
        assert (await act("archive", user="ana", channel="alerts"))[0] == 400
        with pytest.raises(WorldError, match="is a bot"):
            await desk.box.direct(user="aiops")
