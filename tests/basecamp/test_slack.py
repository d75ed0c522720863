"""Posting to a strict local Slack workspace: what people see, and that nobody is pinged."""

from __future__ import annotations

import pytest

from tests.basecamp.calls import call, refused
from tests.basecamp.grants import ENVIRON, outcomes, write, written

SHOUT = "<!here> <!channel> <@U0ALICE> @here <https://evil.example|click> a & b\u200b\x07 *bold*"


@pytest.fixture
def settings(slackbox) -> str:
    return f'slack: {{token: "{slackbox.bot_token}", api_url: "{slackbox.api_url}", channels: ["#ops"]}}\n'


@pytest.fixture
def slackbox_options(request) -> dict:
    return {"manifest": request.config.rootpath / "manifest.json", "channels": ("ops",)}


async def test_a_text_is_posted_as_it_was_previewed_and_pings_nobody(slackbox, settings, connected):
    await slackbox.invite(user="aiops", channel="ops")
    async with connected(settings, ENVIRON) as client:
        arguments = {"channel": "#ops", "text": SHOUT}
        preview = await call(client, "preview_write", tool="notify_slack", arguments=arguments)
        before = await slackbox.messages("ops")
        result = await written(client, "notify_slack", **arguments)
    (message,) = [each for each in await slackbox.messages("ops") if each["ts"] == result["after"]["ts"]]
    assert SHOUT not in str(before)
    assert message["text"] == preview["targets"][0]["detail"]
    assert message["text"].startswith(
        "&lt;!here&gt; &lt;!channel&gt; &lt;@U0ALICE&gt; @here &lt;https://evil.example|click"
    )
    assert message["text"].endswith("a &amp; b *bold*")
    assert outcomes(result) == {"#ops": "changed"}


@pytest.mark.parametrize(
    ("channel", "text", "words"),
    [
        ("#opz", "x", "did you mean '#ops'?"),
        ("U0ALICE00", "x", "write a channel's id such as C0123456789, or #name"),
        ("@alice", "x", "write a channel's id"),
        ("ops", "x", "write a channel's id"),
        ("#ops", " \n", "text must have 1 to 3000 characters"),
        ("#ops", "x" * 3001, "it has 3001"),
    ],
)
async def test_other_channels_and_unfit_texts_are_refused(slackbox, settings, connected, channel, text, words):
    async with connected(settings, ENVIRON) as client:
        answer = await write(client, "notify_slack", channel=channel, text=text)
        preview = await refused(
            client, "preview_write", tool="notify_slack", arguments={"channel": channel, "text": text}
        )
    assert words in answer.content[0].text
    assert answer.meta["aiops/outcome"] == "refused"
    assert words in preview


async def test_slacks_own_refusal_comes_back_in_its_words_without_the_token(slackbox, settings, connected):
    wrong = settings.replace(slackbox.bot_token, "xoxb-wrong-token")
    async with connected(wrong, ENVIRON) as client:
        answer = await write(client, "notify_slack", channel="#ops", text="x")
    assert answer.content[0].text == "failed: slack: chat.postMessage: invalid_auth"


async def test_without_slack_there_is_no_such_tool(connected):
    async with connected("logs: {folder: logs}\n", ENVIRON) as client:
        assert [tool.name for tool in (await client.list_tools()).tools] == ["read_logs"]
