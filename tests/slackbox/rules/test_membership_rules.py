"""Rule 5: membership, private channels, archived channels, direct messages."""

import pytest

from tests.slackbox.rules.office import manifest_of, office

TARGETS = {
    "chat.postMessage": {"text": "x"},
    "chat.postEphemeral": {"text": "x", "user": "U0ANA"},
    "chat.scheduleMessage": {"text": "x", "post_at": 1_800_000_000},
    "conversations.history": {},
    "conversations.replies": {"ts": "1.000001"},
    "reactions.add": {"name": "eyes", "timestamp": "1.000001"},
    "pins.add": {"timestamp": "1.000001"},
    "pins.list": {},
}


@pytest.mark.slack_rule(5)
@pytest.mark.parametrize("method", TARGETS)
async def test_outside_a_public_channel_it_is_not_in_channel_and_a_private_one_does_not_exist(method):
    async with office(private_channels=("secret",)) as desk:
        for channel in ("alerts", "secret"):
            await desk.box.kick(user="aiops", channel=channel)
        args = TARGETS[method]
        assert await desk.code(method, channel="C0ALERTS", **args) == "not_in_channel"
        assert await desk.code(method, channel="C0SECRET", **args) == "channel_not_found"
        assert await desk.code(method, channel="C0NOWHERE", **args) == "channel_not_found"


@pytest.mark.slack_rule(5)
async def test_a_public_channel_can_be_looked_at_and_joined_from_outside_a_private_one_cannot():
    async with office(private_channels=("secret",)) as desk:
        for channel in ("alerts", "secret"):
            await desk.box.kick(user="aiops", channel=channel)
        assert not (await desk.ok("conversations.info", channel="C0ALERTS"))["channel"]["is_member"]
        assert await desk.code("conversations.info", channel="C0SECRET") == "channel_not_found"
        assert await desk.code("conversations.members", channel="C0SECRET") == "channel_not_found"
        listed = await desk.ok("conversations.list", types="public_channel,private_channel")
        assert [each["id"] for each in listed["channels"]] == ["C0ALERTS", "C0INCIDENTS", "C0DIGEST"]
        assert await desk.code("conversations.join", channel="C0SECRET") == "channel_not_found"
        assert (await desk.ok("conversations.join", channel="C0ALERTS"))["channel"]["is_member"]
        assert (await desk.ok("conversations.join", channel="C0ALERTS"))["warning"] == "already_in_channel"
        (joined,) = await desk.events("member_joined_channel")
        assert joined["user"] == "U0AIOPS"
        await desk.ok("chat.postMessage", channel="C0ALERTS", text="here I am")


@pytest.mark.slack_rule(5)
async def test_a_public_channel_takes_posts_from_outside_only_with_the_scope_for_that():
    manifest = manifest_of(scopes=["chat:write", "chat:write.public", "commands"])
    async with office(manifest=manifest, private_channels=("secret",)) as desk:
        for channel in ("alerts", "secret"):
            await desk.box.kick(user="aiops", channel=channel)
        await desk.ok("chat.postMessage", channel="C0ALERTS", text="from outside")
        assert await desk.code("chat.postMessage", channel="C0SECRET", text="x") == "channel_not_found"


@pytest.mark.slack_rule(5)
async def test_an_archived_channel_can_be_read_but_nothing_in_it_changes():
    async with office() as desk:
        ts = (await desk.ok("chat.postMessage", channel="C0ALERTS", text="before"))["ts"]
        await desk.ok("conversations.archive", channel="C0ALERTS")
        assert await desk.code("conversations.archive", channel="C0ALERTS") == "already_archived"
        where = {"channel": "C0ALERTS"}
        refused = {
            "chat.postMessage": await desk.code("chat.postMessage", **where, text="x"),
            "chat.postEphemeral": await desk.code("chat.postEphemeral", **where, text="x", user="U0ANA"),
            "chat.update": await desk.code("chat.update", **where, text="x", ts=ts),
            "reactions.add": await desk.code("reactions.add", **where, name="eyes", timestamp=ts),
            "conversations.invite": await desk.code("conversations.invite", **where, users="U0ANA"),
            "conversations.setTopic": await desk.code("conversations.setTopic", **where, topic="x"),
            "conversations.join": await desk.code("conversations.join", **where),
        }
        assert set(refused.values()) == {"is_archived", "is_inactive"}
        assert refused["chat.update"] == "is_inactive"
        assert [each["text"] for each in (await desk.ok("conversations.history", **where))["messages"]] == ["before"]
        left = await desk.ok("conversations.list", exclude_archived=True)
        assert "C0ALERTS" not in [each["id"] for each in left["channels"]]
        await desk.ok("conversations.unarchive", channel="C0ALERTS")
        assert await desk.code("conversations.unarchive", channel="C0ALERTS") == "not_archived"
        await desk.ok("chat.postMessage", **where, text="after")


@pytest.mark.slack_rule(5)
async def test_only_posting_takes_a_channels_name_for_its_id():
    async with office() as desk:
        assert (await desk.ok("chat.postMessage", channel="#alerts", text="x"))["channel"] == "C0ALERTS"
        assert (await desk.ok("chat.postMessage", channel="alerts", text="x"))["channel"] == "C0ALERTS"
        for method in ("conversations.history", "conversations.info", "pins.list"):
            assert await desk.code(method, channel="alerts") == "channel_not_found"


@pytest.mark.slack_rule(5)
async def test_a_direct_message_is_opened_once_and_belongs_to_the_two():
    async with office() as desk:
        opened = await desk.ok("conversations.open", users="U0ANA", return_im=True)
        again = await desk.ok("conversations.open", users="U0ANA")
        assert (opened["channel"]["is_im"], opened["channel"]["user"]) == (True, "U0ANA")
        assert again["channel"] == {"id": opened["channel"]["id"]}
        assert again["already_open"]
        direct = opened["channel"]["id"]
        assert (await desk.ok("chat.postMessage", channel="U0ANA", text="psst"))["channel"] == direct
        await desk.box.post(user="ana", channel=direct, text="<@U0AIOPS> yes?")
        heard = await desk.events()
        assert [(each["type"], each["channel_type"]) for each in heard] == [("message", "im")] * 2
        assert sorted((await desk.ok("conversations.members", channel=direct))["members"]) == ["U0AIOPS", "U0ANA"]
        assert await desk.code("conversations.archive", channel=direct) == "method_not_supported_for_channel_type"
        assert await desk.code("conversations.open", users="U0NOBODY") == "user_not_found"
        assert await desk.code("conversations.open") == "users_list_not_supplied"
        assert await desk.code("conversations.open", channel="C0ALERTS") == "method_not_supported_for_channel_type"


@pytest.mark.slack_rule(5)
async def test_several_people_share_one_group_conversation():
    async with office() as desk:
        first = (await desk.ok("conversations.open", users="U0ANA,U0BEN", return_im=True))["channel"]
        same = (await desk.ok("conversations.open", users="U0BEN,U0ANA"))["channel"]
        assert first["is_mpim"]
        assert first["id"] == same["id"]
        await desk.box.post(user="ben", channel=first["id"], text="hello")
        assert [each["channel_type"] for each in await desk.events("message")] == ["mpim"]
    async with office(manifest=manifest_of(without={"mpim:write"})) as desk:
        assert await desk.code("conversations.open", users="U0ANA,U0BEN") == "missing_scope"


@pytest.mark.slack_rule(5)
async def test_creating_naming_inviting_and_removing_follow_slacks_rules():
    async with office() as desk:
        made = (await desk.ok("conversations.create", name="inc-42"))["channel"]
        where = {"channel": made["id"]}
        assert made["is_member"]
        assert made["creator"] == "U0AIOPS"
        wrong = {"": "required", "Inc": "specials", "a b": "specials", "x" * 81: "maxlength", "--": "punctuation"}
        for name, kind in wrong.items():
            assert await desk.code("conversations.create", name=name) == f"invalid_name_{kind}"
        assert await desk.code("conversations.create", name="inc-42") == "name_taken"
        await desk.ok("conversations.invite", **where, users="U0ANA,U0BEN")
        refused = await desk.bot.call("conversations.invite", **where, users="U0ANA,U0AIOPS,U0NOBODY")
        assert [each["error"] for each in refused["errors"]] == [
            "already_in_channel",
            "cant_invite_self",
            "user_not_found",
        ]
        forced = await desk.ok("conversations.invite", **where, users="U0ANA,U0CHEN", force=True)
        assert [each["user"] for each in forced["errors"]] == ["U0ANA"]
        assert await desk.code("conversations.kick", **where, user="U0AIOPS") == "cant_kick_self"
        await desk.ok("conversations.kick", **where, user="U0BEN")
        assert await desk.code("conversations.kick", **where, user="U0BEN") == "not_in_channel"
        assert (await desk.ok("conversations.members", **where))["members"] == ["U0AIOPS", "U0ANA", "U0CHEN"]
        topic = (await desk.ok("conversations.setTopic", **where, topic="checkout is slow"))["channel"]["topic"]
        assert topic["value"] == "checkout is slow"
        assert await desk.code("conversations.setTopic", **where, topic="x" * 251) == "too_long"
        assert (await desk.ok("conversations.rename", **where, name="inc-43"))["channel"]["name"] == "inc-43"
        await desk.ok("conversations.leave", **where)
        assert (await desk.ok("conversations.leave", **where))["not_in_channel"]
        assert await desk.code("chat.postMessage", **where, text="x") == "not_in_channel"
