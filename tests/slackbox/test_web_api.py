"""The Web API's rules."""

import json
import subprocess
import sys
import urllib.request

import httpx
import pytest
from slack_sdk.errors import SlackApiError

from slackbox.testing import WaitTimeoutError, running
from tests.slackbox import samples
from tests.slackbox.helpers import MANIFEST, client_of


async def code_of(call):
    with pytest.raises(SlackApiError) as caught:
        await call
    return caught.value.response["error"]


async def raw(box, method, *, token=None, **request):
    headers = {"authorization": f"Bearer {token}"} if token else {}
    async with httpx.AsyncClient(trust_env=False) as client:
        return await client.post(f"{box.api_url}{method}", headers=headers | request.pop("headers", {}), **request)


async def test_posting_needs_membership_content_and_a_thread_that_exists(slackbox):
    client = client_of(slackbox)
    await slackbox.kick(user="aiops", channel="digest")
    assert await code_of(client.chat_postMessage(channel="C0DIGEST", text="x")) == "not_in_channel"
    assert await code_of(client.chat_postMessage(channel="C0NONE", text="x")) == "channel_not_found"
    assert await code_of(client.api_call("chat.postMessage", json={"channel": "C0ALERTS"})) == "no_text"
    late = client.chat_postMessage(channel="C0ALERTS", text="x", thread_ts="1.000001")
    assert await code_of(late) == "thread_not_found"
    both = client.api_call("chat.postMessage", json={"channel": "C0ALERTS", "text": "a", "markdown_text": "b"})
    assert await code_of(both) == "markdown_text_conflict"


async def test_invalid_blocks_are_named_by_json_pointer(slackbox):
    with pytest.raises(SlackApiError) as caught:
        await client_of(slackbox).chat_postMessage(channel="C0ALERTS", text="x", blocks=[{"type": "headr"}])
    response = caught.value.response
    assert response["error"] == "invalid_blocks"
    assert "[json-pointer:/blocks/0/type]" in response["response_metadata"]["messages"][0]


async def test_blocks_that_are_long_in_total_are_refused(slackbox):
    long = [{"type": "section", "text": samples.mrkdwn("x" * 2900)} for _ in range(5)]
    assert await code_of(client_of(slackbox).chat_postMessage(channel="C0ALERTS", text="x", blocks=long)) == (
        "msg_blocks_too_long"
    )


async def test_blocks_can_be_validated_without_a_token(slackbox):
    good = await raw(slackbox, "blocks.validate", params={"blocks": json.dumps(samples.hypothesis())})
    bad = await raw(slackbox, "blocks.validate", json={"view": samples.modal() | {"title": samples.plain("x" * 30)}})
    assert good.json() == {"ok": True}
    assert bad.json()["error"] == "invalid_view"


async def test_an_edit_takes_a_shorter_text_than_a_post(slackbox):
    client = client_of(slackbox)
    own = await client.chat_postMessage(channel="C0ALERTS", text="x")
    too_long = client.chat_update(channel="C0ALERTS", ts=own["ts"], text="x" * 4001)
    assert await code_of(too_long) == "msg_too_long"


async def test_history_is_newest_first_and_paged_by_cursor(slackbox):
    client = client_of(slackbox)
    stamps = [await slackbox.post(user="ana", channel="alerts", text=str(n)) for n in range(5)]
    assert stamps == sorted(set(stamps))
    seen = []
    cursor = None
    while cursor != "":
        page = await client.conversations_history(channel="C0ALERTS", limit=2, cursor=cursor)
        seen += [each["text"] for each in page["messages"]]
        cursor = (page.get("response_metadata") or {}).get("next_cursor", "")
    assert seen == ["4", "3", "2", "1", "0"]
    newer = await client.conversations_history(channel="C0ALERTS", oldest=stamps[3])
    assert [each["text"] for each in newer["messages"]] == ["4"]
    assert await code_of(client.conversations_history(channel="C0ALERTS", cursor="bm9wZQ==")) == "invalid_cursor"


async def test_people_groups_and_channels_can_be_read(slackbox):
    client = client_of(slackbox)
    assert (await client.auth_test())["user_id"] == "U0AIOPS"
    assert (await client.users_info(user="U0ANA"))["user"]["name"] == "ana"
    assert len((await client.users_list())["members"]) == 4
    assert (await client.usergroups_users_list(usergroup="S0ONCALL"))["users"] == ["U0ANA", "U0BEN"]
    names = [each["name"] for each in (await client.conversations_list())["channels"]]
    assert names == ["alerts", "incidents", "digest"]
    assert "U0AIOPS" in (await client.conversations_members(channel="C0ALERTS"))["members"]
    assert await code_of(client.conversations_join(channel="C0ALERTS")) == "missing_scope"


async def test_an_ephemeral_message_is_for_a_member_and_in_no_history(slackbox):
    client = client_of(slackbox)
    await client.chat_postEphemeral(channel="C0ALERTS", user="U0ANA", text="psst")
    assert await slackbox.messages("alerts") == []
    await slackbox.kick(user="chen", channel="alerts")
    outside = client.chat_postEphemeral(channel="C0ALERTS", user="U0CHEN", text="psst")
    assert await code_of(outside) == "user_not_in_channel"


async def test_what_slack_tolerates_but_a_bot_should_not_do_is_recorded(slackbox):
    client = client_of(slackbox)
    await client.api_call("chat.postMessage", json={"channel": "C0ALERTS", "blocks": [{"type": "divider"}]})
    await client.chat_postMessage(channel="C0ALERTS", text="look <!channel>")
    assert [each["rule"] for each in slackbox.violations()] == ["missing_text_fallback", "pings_everyone"]


async def test_the_journal_holds_no_tokens(tmp_path):
    path = tmp_path / "journal.jsonl"
    async with running(manifest=MANIFEST, journal=path) as box:
        await client_of(box).chat_postMessage(channel="C0ALERTS", text=f"leaked {box.bot_token}")
    text = path.read_text(encoding="utf-8")
    assert "chat.postMessage" in text
    assert box.bot_token not in text


async def test_waiting_in_vain_says_what_was_seen_instead(slackbox):
    await slackbox.post(user="ana", channel="alerts", text="something else")
    with pytest.raises(WaitTimeoutError, match="something else"):
        await slackbox.wait_for("alerts", contains="hypothesis", timeout_s=0.05)


async def test_the_test_api_names_the_nearest_when_something_is_not_there(slackbox):
    async with httpx.AsyncClient(trust_env=False) as client:
        url = f"{slackbox.url}/_test/post"
        wrong = await client.post(url, json={"user": "anna", "channel": "alerts", "text": "x"})
        short = await client.post(url, json={"user": "ana"})
        late = await client.post(f"{slackbox.url}/_test/wait", json={"channel": "alerts", "timeout_s": 0.05})
    assert wrong.status_code == 400
    assert "Did you mean ana?" in wrong.json()["error"]
    assert "channel is missing" in short.json()["error"]
    assert late.status_code == 408
    assert late.json()["seen"] == []


def test_the_command_line_prints_addresses_and_stops_on_a_signal():
    command = [sys.executable, "-m", "slackbox", "serve", "--port", "0", "--json", "--manifest", str(MANIFEST)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        facts = json.loads(process.stdout.readline())
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with opener.open(f"{facts['SLACK_API_URL']}api.test", timeout=5) as response:
            assert json.load(response)["ok"]
        process.terminate()
        assert process.wait(timeout=10) == 0
    assert facts["SLACK_BOT_TOKEN"].startswith("xoxb-")


def test_a_missing_manifest_is_named():
    command = [sys.executable, "-m", "slackbox", "serve", "--manifest", "nowhere.json"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=20)
    assert done.returncode == 2
    assert "nowhere.json" in done.stderr


async def test_a_deleted_parent_leaves_a_tombstone_and_a_deleted_reply_is_gone(slackbox):
    parent = await slackbox.post(user="ana", channel="alerts", text="parent")
    first = await slackbox.post(user="ben", channel="alerts", text="first", thread_ts=parent)
    await slackbox.post(user="ben", channel="alerts", text="second", thread_ts=parent)
    await slackbox.delete(user="ben", channel="alerts", ts=first)
    await slackbox.delete(user="ana", channel="alerts", ts=parent)
    thread = await slackbox.messages("alerts", parent)
    assert [each.get("subtype") for each in thread] == ["tombstone", None]
    assert thread[0]["reply_count"] == 1
