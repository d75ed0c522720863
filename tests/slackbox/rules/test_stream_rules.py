"""Rule 26: only the bot's own messages change, and the states of a message that is still being written."""

import pytest
from slack_sdk.models.messages.chunk import MarkdownTextChunk, TaskUpdateChunk

from tests.slackbox.helpers import client_of
from tests.slackbox.rules.office import office

ALERTS = {"channel": "C0ALERTS"}
RECIPIENT = {"recipient_user_id": "U0ANA", "recipient_team_id": "T0SLACKBOX"}


def task(name="t1", title="Look", status="in_progress", **more):
    return {"type": "task_update", "id": name, "title": title, "status": status, **more}


async def begin(desk, **more):
    """A stream in a thread of #alerts: where it is."""
    parent = await desk.box.post(user="ana", channel="alerts", text="why?")
    answer = await desk.ok("chat.startStream", **ALERTS, thread_ts=parent, **RECIPIENT, **more)
    return ALERTS | {"ts": answer["ts"]}


@pytest.mark.slack_rule(26)
async def test_only_the_bots_own_messages_can_be_updated_or_deleted():
    async with office() as desk:
        foreign = [
            await desk.box.post(user="ana", channel="alerts", text="mine"),
            await desk.box.alert(channel="alerts", text="fire"),
            await desk.box.alert(channel="alerts", text="fire", app_id="A0PAGER"),
        ]
        for ts in foreign:
            assert await desk.code("chat.update", **ALERTS, ts=ts, text="x") == "cant_update_message"
            assert await desk.code("chat.delete", **ALERTS, ts=ts) == "cant_delete_message"
        for method in ("chat.update", "chat.delete"):
            assert await desk.code(method, **ALERTS, ts="1700000000.000001", text="x") == "message_not_found"
        own = (await desk.ok("chat.postMessage", **ALERTS, text="x"))["ts"]
        await desk.ok("chat.update", **ALERTS, ts=own, text="y")
        await desk.ok("chat.delete", **ALERTS, ts=own)
        assert await desk.code("chat.update", **ALERTS, ts=own, text="z") == "message_not_found"


@pytest.mark.slack_rule(26)
async def test_an_edit_comes_too_late_when_the_workspace_closes_the_window():
    async with office(edit_window_seconds=300) as desk:
        ts = (await desk.ok("chat.postMessage", **ALERTS, text="x"))["ts"]
        await desk.box.advance(299)
        await desk.ok("chat.update", **ALERTS, ts=ts, text="y")
        await desk.box.advance(2)
        assert await desk.code("chat.update", **ALERTS, ts=ts, text="z") == "edit_window_closed"
        assert await desk.code("chat.update", **ALERTS, ts=ts, text="z" * 4_001) == "edit_window_closed"


@pytest.mark.slack_rule(26)
async def test_a_stream_in_a_channel_needs_a_thread_and_a_recipient():
    async with office() as desk:
        parent = await desk.box.post(user="ana", channel="alerts", text="why?")
        start = {**ALERTS, "thread_ts": parent, **RECIPIENT}
        for field, code in (
            ("recipient_user_id", "missing_recipient_user_id"),
            ("recipient_team_id", "missing_recipient_team_id"),
            ("thread_ts", "invalid_arguments"),
        ):
            assert await desk.code("chat.startStream", **{k: v for k, v in start.items() if k != field}) == code
        assert await desk.code("chat.startStream", **start | {"recipient_user_id": "U0GHOST"}) == "user_not_found"
        assert await desk.code("chat.startStream", **start | {"recipient_team_id": "T0OTHER"}) == "team_not_found"
        assert await desk.code("chat.startStream", **start | {"thread_ts": "1.000001"}) == "thread_not_found"
        code = await desk.code("chat.startStream", **start, task_display_mode="grid")
        assert code == "invalid_arguments"
        assert len(await desk.box.messages("alerts")) == 1


@pytest.mark.slack_rule(26)
async def test_a_direct_message_is_streamed_without_a_recipient():
    async with office(channel_streams=False) as desk:
        direct = await desk.box.direct(user="ana")
        parent = await desk.box.post(user="ana", channel=direct, text="why?")
        await desk.ok("chat.startStream", channel=direct, thread_ts=parent, markdown_text="Because")
        parent = await desk.box.post(user="ana", channel="alerts", text="why?")
        code = await desk.code("chat.startStream", **ALERTS, thread_ts=parent, **RECIPIENT)
        assert code == "channel_type_not_supported"


@pytest.mark.slack_rule(26)
async def test_while_a_stream_is_open_its_message_can_be_neither_updated_nor_deleted():
    async with office() as desk:
        where = await begin(desk, markdown_text="Look")
        assert await desk.code("chat.update", **where, text="x") == "streaming_state_conflict"
        assert await desk.code("chat.delete", **where) == "cant_delete_message"
        await desk.ok("chat.appendStream", **where, markdown_text="ing…")
        stopped = await desk.ok("chat.stopStream", **where, markdown_text=" found.", metadata=METADATA)
        assert stopped["message"]["text"] == "Looking… found."
        for method in ("chat.appendStream", "chat.stopStream"):
            assert await desk.code(method, **where, markdown_text="x") == "message_not_in_streaming_state"
        await desk.ok("chat.update", **where, text="Found.")
        await desk.ok("chat.delete", **where)


METADATA = {"event_type": "aiops.answer", "event_payload": {"n": 1}}


@pytest.mark.slack_rule(26)
async def test_the_app_hears_of_the_message_when_it_begins_and_when_it_is_finished():
    async with office() as desk:
        where = await begin(desk, markdown_text="a")
        for piece in "bcd":
            await desk.ok("chat.appendStream", **where, markdown_text=piece)
        footer = {"type": "context", "elements": [{"type": "mrkdwn", "text": "rules v3"}]}
        await desk.ok("chat.stopStream", **where, blocks=[footer], metadata=METADATA, session_status="active")
        heard = (await desk.events("message"))[1:]
        assert [each.get("subtype") for each in heard] == [None, "message_changed"]
        assert heard[1]["message"]["text"] == "abcd"
        (_, shown) = await desk.box.messages("alerts")
        assert [each["type"] for each in shown["blocks"]] == ["markdown", "context"]
        assert shown["metadata"] == METADATA
        assert desk.box.violations() == []


@pytest.mark.slack_rule(26)
async def test_a_stream_that_is_idle_for_thirty_seconds_is_closed_and_recorded():
    async with office() as desk:
        where = await begin(desk, markdown_text="Look")
        await desk.box.advance(29)
        await desk.ok("chat.appendStream", **where, markdown_text="ing")
        await desk.box.advance(29)
        await desk.ok("chat.appendStream", **where, markdown_text="…")
        await desk.box.advance(30)
        for method in ("chat.appendStream", "chat.stopStream"):
            assert await desk.code(method, **where, markdown_text="x") == "message_not_in_streaming_state"
        assert [each["limit"] for each in desk.box.violations("stream_expired")] == ["idle"]
        assert (await desk.box.messages("alerts"))[-1]["text"] == "Looking…"
        await desk.ok("chat.update", **where, text="The answer, after all.")


@pytest.mark.slack_rule(26)
async def test_a_stream_lives_for_five_minutes_however_busy_it_is():
    async with office() as desk:
        where = await begin(desk)
        for _ in range(14):
            await desk.box.advance(20)
            await desk.ok("chat.appendStream", **where, markdown_text=".")
        await desk.box.advance(20)
        assert await desk.code("chat.appendStream", **where, markdown_text=".") == "message_not_in_streaming_state"
        assert [each["limit"] for each in desk.box.violations("stream_expired")] == ["life"]


@pytest.mark.slack_rule(26)
async def test_a_person_can_stop_a_stream():
    async with office() as desk:
        where = await begin(desk, markdown_text="Blah")
        await desk.box.stop_stream(user="ana", channel="alerts", ts=where["ts"])
        for method in ("chat.appendStream", "chat.stopStream"):
            assert await desk.code(method, **where, markdown_text="x") == "stopped_by_user"
        await desk.box.advance(600)
        assert desk.box.violations() == []


@pytest.mark.slack_rule(26)
async def test_appending_needs_a_stream_of_ones_own_and_something_to_append():
    async with office() as desk:
        where = await begin(desk)
        assert await desk.code("chat.appendStream", **where) == "no_text"
        plain = (await desk.ok("chat.postMessage", **ALERTS, text="x"))["ts"]
        foreign = await desk.box.post(user="ana", channel="alerts", text="x")
        for ts in (plain, foreign):
            code = await desk.code("chat.appendStream", **ALERTS, ts=ts, markdown_text="x")
            assert code == "message_not_in_streaming_state"
        code = await desk.code("chat.appendStream", **ALERTS, ts="1700000000.000001", markdown_text="x")
        assert code == "message_not_found"


@pytest.mark.slack_rule(26)
@pytest.mark.parametrize(
    "chunk",
    [
        task(title="x" * 257),
        task(details="x" * 257),
        task(output="x" * 257),
        task(status="done"),
        {"type": "task_update", "id": "t1", "status": "pending"},
        {"type": "plan_update", "title": "x" * 257},
        {"type": "plan_update"},
        {"type": "markdown_text", "text": ""},
        {"type": "picture"},
        "text",
    ],
)
async def test_a_chunk_that_is_wrong_or_longer_than_256_characters_is_refused_and_changes_nothing(chunk):
    async with office() as desk:
        where = await begin(desk, chunks=[task()])
        before = await desk.box.messages("alerts")
        assert await desk.code("chat.appendStream", **where, chunks=[task("t2"), chunk]) == "invalid_chunks"
        assert await desk.box.messages("alerts") == before


@pytest.mark.slack_rule(26)
async def test_markdown_and_chunks_do_not_mix_and_the_text_has_an_end():
    async with office() as desk:
        where = await begin(desk, markdown_text="x" * 11_999)
        both = {"markdown_text": "y", "chunks": [task()]}
        code = await desk.code("chat.appendStream", **where, **both)
        assert code == "cannot_provide_both_markdown_text_and_chunks"
        assert await desk.code("chat.appendStream", **where, chunks=[task()]) == "streaming_mode_mismatch"
        assert await desk.code("chat.appendStream", **where, markdown_text="yy") == "msg_too_long"
        bad = [{"type": "blocks", "blocks": [{"type": "headr"}]}]
        where = await begin(desk)
        assert await desk.code("chat.appendStream", **where, chunks=bad) == "invalid_blocks"


@pytest.mark.slack_rule(26)
async def test_tasks_become_cards_or_one_plan_and_their_details_grow():
    async def shown(mode):
        async with office() as desk:
            where = await begin(desk, task_display_mode=mode, chunks=[{"type": "plan_update", "title": "Checking"}])
            await desk.ok("chat.appendStream", **where, chunks=[task("t1", details="one. "), task("t2")])
            done = task("t1", status="complete", details="two.", output="ok")
            await desk.ok("chat.stopStream", **where, chunks=[done, {"type": "markdown_text", "text": "Done."}])
            return (await desk.box.messages("alerts"))[-1]["blocks"]

    cards, (plan, text) = await shown("timeline"), await shown("plan")
    assert [each["type"] for each in cards] == ["task_card", "task_card", "markdown"]
    assert [each["task_id"] for each in plan["tasks"]] == ["t1", "t2"]
    assert (plan["title"], text["text"]) == ("Checking", "Done.")
    for card in (cards[0], plan["tasks"][0]):
        assert card["status"] == "complete"
        assert card["details"]["elements"][0]["elements"][0]["text"] == "one. two."


@pytest.mark.slack_rule(26)
async def test_the_official_stream_helper_works():
    async with office() as desk:
        parent = await desk.box.post(user="ana", channel="alerts", text="why?")
        stream = await client_of(desk.box).chat_stream(**ALERTS, thread_ts=parent, **RECIPIENT)
        await stream.append(markdown_text="Because " * 40)
        await stream.append(chunks=[TaskUpdateChunk(id="t1", title="Look", status="complete")])
        await stream.stop(chunks=[MarkdownTextChunk(text="that is why.")])
        (_, shown) = await desk.box.messages("alerts")
    assert shown["text"] == "Because " * 40 + "that is why."
    assert [each["type"] for each in shown["blocks"]] == ["markdown", "task_card", "markdown"]
