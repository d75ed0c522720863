"""Rules 21 to 24: stamps and threads, the bot's own echo, mentions, subtypes and metadata."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slackbox.clock import VirtualClock
from slackbox.workspace import Channel, Names, Workspace
from tests.slackbox.rules.office import manifest_of, office

ALERTS = {"channel": "C0ALERTS"}
METADATA = {"event_type": "aiops.hypothesis", "event_payload": {"incident": "INC-1", "version": 2}}


@pytest.mark.slack_rule(21)
@given(steps=st.lists(st.sampled_from([0.0, 0.000_000_4, 0.000_001, 0.5, 61.0]), min_size=1, max_size=40))
def test_stamps_are_unique_strings_that_rise_however_time_passes(steps):
    clock = VirtualClock()
    workspace = Workspace(names=Names(app="A0X", bot_user="U0X", bot="B0X"), clock=clock)
    rooms = [Channel(id=f"C0{n}", name=str(n), members=set()) for n in range(2)]
    stamps = []
    for n, step in enumerate(steps):
        clock.advance(step)
        stamps.append(workspace.add(rooms[n % 2], {"text": "x"}).ts)
    assert stamps == sorted(set(stamps), key=lambda ts: tuple(map(int, ts.split("."))))
    assert all(len(ts.partition(".")[2]) == 6 for ts in stamps)


@pytest.mark.slack_rule(21)
async def test_a_parent_counts_its_replies_their_authors_and_names_the_latest():
    async with office() as desk:
        parent = await desk.box.post(user="ana", channel="alerts", text="parent")
        assert "thread_ts" not in (await desk.ok("conversations.history", **ALERTS))["messages"][0]
        await desk.box.post(user="ben", channel="alerts", text="one", thread_ts=parent)
        await desk.ok("chat.postMessage", **ALERTS, text="two", thread_ts=parent)
        last = await desk.box.post(user="ben", channel="alerts", text="three", thread_ts=parent)
        (shown,) = (await desk.ok("conversations.history", **ALERTS))["messages"]
        expected = {"thread_ts": parent, "reply_count": 3, "reply_users_count": 2, "latest_reply": last}
        assert expected.items() <= shown.items()
        assert shown["reply_users"] == ["U0BEN", "U0AIOPS"]
        await desk.box.delete(user="ben", channel="alerts", ts=last)
        assert (await desk.ok("conversations.history", **ALERTS))["messages"][0]["reply_count"] == 2


@pytest.mark.slack_rule(21)
async def test_a_reply_to_a_reply_joins_the_same_thread():
    async with office() as desk:
        parent = await desk.box.post(user="ana", channel="alerts", text="parent")
        reply = await desk.box.post(user="ben", channel="alerts", text="reply", thread_ts=parent)
        sent = await desk.ok("chat.postMessage", **ALERTS, text="again", thread_ts=reply)
        assert sent["message"]["thread_ts"] == parent
        by_reply = await desk.ok("conversations.replies", **ALERTS, ts=reply)
        assert [each["text"] for each in by_reply["messages"]] == ["parent", "reply", "again"]
        assert [each["text"] for each in (await desk.ok("conversations.history", **ALERTS))["messages"]] == ["parent"]


@pytest.mark.slack_rule(21)
@pytest.mark.parametrize("method", ["chat.postMessage", "chat.postEphemeral", "chat.scheduleMessage"])
async def test_a_thread_that_is_not_there_is_thread_not_found(method):
    async with office() as desk:
        more = {"user": "U0ANA", "post_at": int(desk.box.now().timestamp()) + 60}
        code = await desk.code(method, **ALERTS, text="x", thread_ts="1700000000.000001", **more)
        assert code == "thread_not_found"
        assert await desk.code("conversations.replies", **ALERTS, ts="1700000000.000001") == "thread_not_found"


@pytest.mark.slack_rule(22)
async def test_the_bot_hears_its_own_messages_edits_and_reactions():
    async with office() as desk:
        ts = (await desk.ok("chat.postMessage", **ALERTS, text="mine <@U0AIOPS>"))["ts"]
        await desk.ok("chat.update", **ALERTS, ts=ts, text="still mine")
        await desk.ok("reactions.add", **ALERTS, timestamp=ts, name="eyes")
        heard = await desk.events()
    assert [(each["type"], each.get("subtype")) for each in heard] == [
        ("message", None),
        ("message", "message_changed"),
        ("reaction_added", None),
    ]
    assert (heard[0]["bot_id"], heard[0]["user"], heard[0]["app_id"]) == ("B0AIOPS", "U0AIOPS", "A0AIOPS")
    assert heard[2]["user"] == "U0AIOPS"


@pytest.mark.slack_rule(23)
async def test_a_mention_makes_two_events_for_the_same_message():
    async with office() as desk:
        ts = await desk.box.post(user="ana", channel="alerts", text="hey <@U0AIOPS|aiops>, look")
        heard = await desk.events()
    assert sorted(each["type"] for each in heard) == ["app_mention", "message"]
    assert {each["ts"] for each in heard} == {ts}
    assert {each["user"] for each in heard} == {"U0ANA"}


@pytest.mark.slack_rule(23)
async def test_a_mention_counts_in_blocks_and_from_other_apps_but_not_in_attachments_or_escaped():
    rich = {"type": "rich_text_section", "elements": [{"type": "user", "user_id": "U0AIOPS"}]}
    async with office() as desk:
        mentions = [
            await desk.box.alert(channel="alerts", text="<@U0AIOPS> fire", app_id="A0PAGER"),
            await desk.box.alert(channel="alerts", text="x", blocks=[{"type": "rich_text", "elements": [rich]}]),
        ]
        await desk.box.alert(channel="alerts", attachments=[{"text": "<@U0AIOPS> in an attachment"}])
        await desk.box.post(user="ana", channel="alerts", text="&lt;@U0AIOPS&gt; and @aiops")
        await desk.box.post(user="ana", channel="alerts", text="<@U0BEN>")
        assert [each["ts"] for each in await desk.events("app_mention")] == mentions
        assert len(await desk.events("message")) == 5


@pytest.mark.slack_rule(23)
async def test_a_mention_can_be_subscribed_without_the_messages():
    async with office(manifest=manifest_of(events=["app_mention"])) as desk:
        await desk.box.post(user="ana", channel="alerts", text="<@U0AIOPS>")
        assert [each["type"] for each in await desk.events()] == ["app_mention"]


@pytest.mark.slack_rule(24)
async def test_edits_and_deletions_carry_both_versions_under_their_subtypes():
    async with office() as desk:
        ts = await desk.box.post(user="ana", channel="alerts", text="frist")
        await desk.box.edit(user="ana", channel="alerts", ts=ts, text="first")
        await desk.box.delete(user="ana", channel="alerts", ts=ts)
        (changed,) = await desk.events(subtype="message_changed")
        (deleted,) = await desk.events(subtype="message_deleted")
    assert (changed["previous_message"]["text"], changed["message"]["text"]) == ("frist", "first")
    assert changed["message"]["ts"] == ts != changed["ts"]
    assert changed["message"]["edited"]["user"] == "U0ANA"
    assert changed["hidden"]
    assert (deleted["deleted_ts"], deleted["previous_message"]["text"]) == (ts, "first")


@pytest.mark.slack_rule(24)
async def test_a_reply_sent_to_the_channel_too_is_a_thread_broadcast_in_both_places():
    async with office() as desk:
        parent = await desk.box.post(user="ana", channel="alerts", text="parent")
        sent = await desk.ok("chat.postMessage", **ALERTS, text="all", thread_ts=parent, reply_broadcast=True)
        (event,) = await desk.events(subtype="thread_broadcast")
        assert (event["thread_ts"], event["root"]["text"]) == (parent, "parent")
        history = (await desk.ok("conversations.history", **ALERTS))["messages"]
        assert [each["ts"] for each in history] == [sent["ts"], parent]
        quiet = (await desk.ok("chat.postMessage", **ALERTS, text="quiet", thread_ts=parent))["ts"]
        await desk.ok("chat.update", **ALERTS, ts=quiet, text="louder", reply_broadcast=True)
        assert len((await desk.ok("conversations.history", **ALERTS))["messages"]) == 3
        alone = (await desk.ok("chat.postMessage", **ALERTS, text="alone"))["ts"]
        code = await desk.code("chat.update", **ALERTS, ts=alone, text="x", reply_broadcast=True)
        assert code == "cant_broadcast_message"


@pytest.mark.slack_rule(24)
async def test_an_edit_is_marked_as_one_only_without_blocks():
    block = {"type": "section", "text": {"type": "mrkdwn", "text": "x"}}
    async with office() as desk:
        plain = (await desk.ok("chat.postMessage", **ALERTS, text="x"))["ts"]
        built = (await desk.ok("chat.postMessage", **ALERTS, text="x", blocks=[block]))["ts"]
        assert "edited" in (await desk.ok("chat.update", **ALERTS, ts=plain, text="y"))["message"]
        assert "edited" not in (await desk.ok("chat.update", **ALERTS, ts=built, text="y"))["message"]


@pytest.mark.slack_rule(24)
async def test_metadata_comes_back_with_the_flag_only_and_never_in_an_event():
    async with office() as desk:
        parent = await desk.box.post(user="ana", channel="alerts", text="parent")
        sent = await desk.ok("chat.postMessage", **ALERTS, text="x", thread_ts=parent, metadata=METADATA)
        await desk.ok("chat.update", **ALERTS, ts=sent["ts"], text="y")
        for method, args in (("conversations.replies", {"ts": parent}), ("conversations.history", {})):
            plain = await desk.ok(method, **ALERTS, **args)
            assert all("metadata" not in each for each in plain["messages"])
        asked = await desk.ok("conversations.replies", **ALERTS, ts=parent, include_all_metadata=True)
        assert asked["messages"][-1]["metadata"] == METADATA
        assert "metadata" not in str(await desk.events("message"))
        other = METADATA | {"event_type": "aiops.other"}
        await desk.ok("chat.update", **ALERTS, ts=sent["ts"], text="z", metadata=other)
        assert (await desk.box.messages("alerts", parent))[-1]["metadata"] == other
        await desk.ok("chat.update", **ALERTS, ts=sent["ts"], text="z", metadata={})
        assert "metadata" not in (await desk.box.messages("alerts", parent))[-1]


@pytest.mark.slack_rule(24)
@pytest.mark.parametrize(
    ("metadata", "code"),
    [
        ({"event_type": "aiops.x"}, "invalid_metadata_format"),
        ({"event_type": "aiops.x", "event_payload": {"deep": {"a": 1}}}, "invalid_metadata_format"),
        ({"event_type": "aiops.x", "event_payload": {"big": "x" * 8_000}}, "metadata_too_large"),
    ],
)
async def test_metadata_is_complete_flat_and_small(metadata, code):
    async with office() as desk:
        assert await desk.code("chat.postMessage", **ALERTS, text="x", metadata=metadata) == code
