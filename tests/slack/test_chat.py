"""Posting, editing, finding and pacing against a workspace that enforces Slack's rules."""

from dataclasses import replace

import pytest

from bot.core.alert import Anchor
from bot.core.errors import ChatError, ChatUnavailableError
from bot.core.posts import Post, PostKind
from bot.slack.chat import SlackChat
from bot.slack.client import is_loopback, make_client
from tests.slack import situations

CONTENTS = situations.contents()


class Time:
    """A clock that moves only while somebody waits."""

    def __init__(self) -> None:
        self.now = 100.0
        self.waits: list[float] = []

    def monotonic(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        self.waits.append(seconds)
        self.now += seconds


@pytest.fixture
def time():
    return Time()


@pytest.fixture
def chat(slackbox, time):
    return SlackChat(make_client(slackbox.bot_token, slackbox.api_url), monotonic=time.monotonic, sleep=time.sleep)


def post(name="alert_firing", **changes):
    base = Post(
        operation=f"INC-7:{name}:1",
        incident_id="INC-7",
        kind=PostKind.ALERT,
        channel="#alerts",
        thread_ts=None,
        ts=None,
        version=1,
        content=CONTENTS[name],
    )
    return replace(base, **changes)


async def test_a_post_stands_in_the_named_channel_with_its_metadata(slackbox, chat):
    anchor = await chat.send(post())

    [message] = await slackbox.messages("C0ALERTS")
    assert anchor == Anchor(channel="C0ALERTS", ts=message["ts"])
    assert message["metadata"] == {
        "event_type": "aiops.alert",
        "event_payload": {"incident": "INC-7", "version": 1, "operation": "INC-7:alert_firing:1"},
    }
    assert message["text"] == "Critical: PaymentErrorsHigh on payments. Investigating."
    assert slackbox.violations() == []


async def test_a_post_with_a_ts_is_edited_in_place(slackbox, chat):
    anchor = await chat.send(post())

    again = await chat.send(post("alert_resolved", operation="INC-7:alert_firing:1", ts=anchor.ts, version=2))

    [message] = await slackbox.messages("C0ALERTS")
    assert again == anchor
    assert message["text"].startswith("Resolved: ")
    assert message["metadata"]["event_payload"]["version"] == 2


@pytest.mark.parametrize("name", CONTENTS)
async def test_every_message_is_taken_as_new_and_as_edit(slackbox, chat, name):
    parent = await chat.send(post())

    anchor = await chat.send(post(name, thread_ts=parent.ts))
    await chat.send(post(name, thread_ts=parent.ts, ts=anchor.ts))

    assert len(await slackbox.messages("C0ALERTS", parent.ts)) == 2
    assert slackbox.violations() == []


async def test_an_unknown_channel_is_named_with_the_nearest_one(chat):
    with pytest.raises(ChatError, match=r"no channel #alrets.*Did you mean #alerts"):
        await chat.send(post(channel="#alrets"))


async def test_a_channel_without_the_bot_says_how_to_invite_it(slackbox, chat):
    await slackbox.kick(user=slackbox.box.workspace.names.bot_user, channel="C0DIGEST")

    with pytest.raises(ChatError, match=r"chat.postMessage: not_in_channel.*/invite @aiops"):
        await chat.send(post(channel="C0DIGEST"))


async def test_a_deleted_message_cannot_be_edited_and_another_try_is_no_use(chat):
    with pytest.raises(ChatError, match="message_not_found") as caught:
        await chat.send(post(ts="1700000000.000100"))

    assert not isinstance(caught.value, ChatUnavailableError)


async def test_a_rate_limit_is_passed_on_with_its_pause_and_holds_the_channel(slackbox, chat, time):
    await slackbox.fault("chat.postMessage", "ratelimited", retry_after=7)

    with pytest.raises(ChatUnavailableError) as caught:
        await chat.send(post())
    assert caught.value.retry_after_s == 7

    with pytest.raises(ChatUnavailableError, match="pause"):
        await chat.send(post())
    time.now += 7
    await chat.send(post())

    assert len(await slackbox.messages("C0ALERTS")) == 1


@pytest.mark.parametrize(("kind", "more"), [("status", {"status": 503}), ("malformed", {}), ("drop", {})])
async def test_slack_being_away_is_worth_another_try(slackbox, chat, kind, more):
    await slackbox.fault("chat.postMessage", kind, **more)

    with pytest.raises(ChatUnavailableError):
        await chat.send(post())

    await chat.send(post())
    assert len(await slackbox.messages("C0ALERTS")) == 1


async def test_a_post_whose_answer_was_lost_is_found_and_was_made_once(slackbox, chat):
    parent = await chat.send(post())
    for doubtful in (post("notice", thread_ts=parent.ts), post("similar")):
        assert await chat.find(doubtful) is None
        await slackbox.fault("chat.postMessage", "apply_then_drop")
        with pytest.raises(ChatUnavailableError):
            await chat.send(doubtful)

        found = await chat.find(doubtful)

        same = [
            message["ts"]
            for message in await slackbox.messages("C0ALERTS")
            if message["metadata"]["event_payload"]["operation"] == doubtful.operation
        ]
        assert same == [found.ts]


async def test_nothing_is_found_in_a_thread_that_is_gone(chat):
    assert await chat.find(post(thread_ts="1700000000.000100")) is None


async def test_a_burst_passes_and_then_one_message_a_second(slackbox, chat, time):
    for _ in range(6):
        await chat.send(post())
    await chat.send(post(channel="C0DIGEST"))

    assert time.waits == [1.0, 1.0, 1.0]


async def test_refused_blocks_are_sent_again_as_plain_sections(slackbox, chat, monkeypatch):
    monkeypatch.setattr("bot.slack.chat.views.render", _with_unknown_block)

    await chat.send(post("progress_running"))

    [message] = await slackbox.messages("C0ALERTS")
    assert {block["type"] for block in message["blocks"]} == {"section"}
    assert "Checked recent changes" in message["blocks"][0]["text"]["text"]


def _with_unknown_block(content):
    """A workspace that does not know one field of a newer block."""
    from bot.slack.views.progress import progress_message

    message = progress_message(content)
    return replace(message, blocks=({**message.blocks[0], "unheard_of": 1},))


async def test_a_permalink_leads_to_the_message(chat):
    anchor = await chat.send(post())

    link = await chat.permalink(anchor)

    assert f"/archives/C0ALERTS/p{anchor.ts.replace('.', '')}" in link


async def test_loopback_is_never_asked_through_a_proxy(slackbox, monkeypatch):
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:9")

    await SlackChat(make_client(slackbox.bot_token, slackbox.api_url)).send(post())

    assert len(await slackbox.messages("C0ALERTS")) == 1
    assert make_client("xoxb-1", "https://slack.com/api/").proxy == "http://127.0.0.1:9"
    assert not is_loopback("https://slack.com/api/")
