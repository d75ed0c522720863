"""The Web API's rules."""

import json
import subprocess
import sys
import urllib.request

import httpx
import pytest
from slack_sdk.errors import SlackApiError

from slackbox.clock import VirtualClock
from slackbox.testing import WaitTimeoutError, running
from tests.slackbox import samples
from tests.slackbox.helpers import MANIFEST, client_of, manifest_without


async def code_of(call):
    with pytest.raises(SlackApiError) as caught:
        await call
    return caught.value.response["error"]


async def raw(box, method, *, token=None, **request):
    headers = {"authorization": f"Bearer {token}"} if token else {}
    async with httpx.AsyncClient(trust_env=False) as client:
        return await client.post(f"{box.api_url}{method}", headers=headers | request.pop("headers", {}), **request)


async def test_tokens_are_told_apart(slackbox):
    assert (await raw(slackbox, "auth.test")).json()["error"] == "not_authed"
    assert (await raw(slackbox, "auth.test", token="xoxb-no")).json()["error"] == "invalid_auth"
    wrong = await raw(slackbox, "chat.postMessage", token=slackbox.app_token)
    assert wrong.json()["error"] == "not_allowed_token_type"
    opened = await raw(slackbox, "apps.connections.open", token=slackbox.bot_token)
    assert opened.json()["error"] == "not_allowed_token_type"


async def test_the_app_token_opens_connections_only_from_the_header(slackbox):
    answer = await raw(slackbox, "apps.connections.open", data={"token": slackbox.app_token})
    assert answer.json()["error"] == "not_authed"


async def test_a_method_outside_the_manifests_scopes_is_refused():
    async with running(manifest=manifest_without(scopes=["reactions:write"])) as box:
        ts = await box.post(user="ana", channel="alerts", text="hi")
        answer = await raw(
            box,
            "reactions.add",
            token=box.bot_token,
            params={"channel": "C0ALERTS", "name": "eyes", "timestamp": ts},
        )
        assert answer.json()["error"] == "missing_scope"
        assert answer.json()["needed"] == "reactions:write"
        assert answer.headers["x-accepted-oauth-scopes"] == "reactions:write"
        assert "reactions:write" not in answer.headers["x-oauth-scopes"]


@pytest.mark.parametrize("encoding", ["json", "form", "query", "multipart"])
async def test_arguments_are_read_in_every_encoding(slackbox, encoding):
    args = {"channel": "C0ALERTS", "text": "hello", "unfurl_links": "0"}
    blocks = [{"type": "divider"}]
    request = {
        "json": {"json": args | {"blocks": blocks}},
        "form": {"data": args | {"blocks": json.dumps(blocks)}},
        "query": {"params": args | {"blocks": json.dumps(blocks)}},
        "multipart": {"files": {name: (None, text) for name, text in (args | {"blocks": json.dumps(blocks)}).items()}},
    }[encoding]
    answer = (await raw(slackbox, "chat.postMessage", token=slackbox.bot_token, **request)).json()
    assert answer["ok"], answer
    assert answer["message"]["blocks"][0]["type"] == "divider"


async def test_an_unknown_method_is_refused_and_recorded():
    async with running(manifest=MANIFEST) as box:
        answer = await raw(box, "chat.shout", token=box.bot_token)
        assert answer.json()["error"] == "unknown_method"
        assert [each["method"] for each in box.violations("unknown_method")] == ["chat.shout"]


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
    assert bad.json()["error"] == "invalid_blocks"


async def test_metadata_comes_back_only_when_asked_for(slackbox):
    client = client_of(slackbox)
    metadata = {"event_type": "aiops.hypothesis", "event_payload": {"incident": "INC-1", "version": 1}}
    sent = await client.chat_postMessage(channel="C0ALERTS", text="x", metadata=metadata)
    plain = await client.conversations_history(channel="C0ALERTS")
    asked = await client.conversations_history(channel="C0ALERTS", include_all_metadata=True)
    assert "metadata" not in plain["messages"][0]
    assert asked["messages"][0]["metadata"] == metadata
    await client.chat_update(channel="C0ALERTS", ts=sent["ts"], text="y")
    assert (await slackbox.messages("alerts"))[0]["metadata"] == metadata
    assert (await slackbox.messages("alerts"))[0]["revisions"] == 1


async def test_metadata_is_flat_and_small(slackbox):
    client = client_of(slackbox)

    def post(payload):
        metadata = {"event_type": "aiops.x", "event_payload": payload}
        return client.chat_postMessage(channel="C0ALERTS", text="x", metadata=metadata)

    assert await code_of(post({"nested": {"a": 1}})) == "invalid_metadata_format"
    assert await code_of(post({"big": "x" * 8000})) == "metadata_too_large"


async def test_only_the_bots_own_messages_can_be_updated_or_deleted(slackbox):
    client = client_of(slackbox)
    ts = await slackbox.post(user="ana", channel="alerts", text="mine")
    assert await code_of(client.chat_update(channel="C0ALERTS", ts=ts, text="x")) == "cant_update_message"
    assert await code_of(client.chat_delete(channel="C0ALERTS", ts=ts)) == "cant_delete_message"
    assert await code_of(client.chat_update(channel="C0ALERTS", ts="1.1", text="x")) == "message_not_found"
    own = await client.chat_postMessage(channel="C0ALERTS", text="x")
    too_long = client.chat_update(channel="C0ALERTS", ts=own["ts"], text="x" * 4001)
    assert await code_of(too_long) == "msg_too_long"


async def test_a_reply_to_a_reply_joins_the_same_thread(slackbox):
    client = client_of(slackbox)
    parent = await slackbox.post(user="ana", channel="alerts", text="parent")
    reply = await slackbox.post(user="ben", channel="alerts", text="reply", thread_ts=parent)
    await client.chat_postMessage(channel="C0ALERTS", text="again", thread_ts=reply)
    thread = await client.conversations_replies(channel="C0ALERTS", ts=parent)
    assert [each["text"] for each in thread["messages"]] == ["parent", "reply", "again"]
    assert thread["messages"][0]["reply_count"] == 2
    assert thread["messages"][0]["reply_users"] == ["U0BEN", "U0AIOPS"]
    assert thread["messages"][0]["latest_reply"] == thread["messages"][2]["ts"]
    assert len((await client.conversations_history(channel="C0ALERTS"))["messages"]) == 1


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


async def test_a_private_channel_the_bot_is_not_in_does_not_exist_for_it():
    async with running(manifest=MANIFEST, private_channels=("secret",)) as box:
        client = client_of(box)
        assert (await client.conversations_info(channel="C0SECRET"))["channel"]["is_private"]
        await box.kick(user="aiops", channel="secret")
        assert await code_of(client.conversations_info(channel="C0SECRET")) == "channel_not_found"


async def test_a_reaction_can_be_added_once(slackbox):
    client = client_of(slackbox)
    ts = await slackbox.post(user="ana", channel="alerts", text="x")
    await client.reactions_add(channel="C0ALERTS", name="eyes", timestamp=ts)
    assert await code_of(client.reactions_add(channel="C0ALERTS", name="eyes", timestamp=ts)) == "already_reacted"
    assert (await slackbox.messages("alerts"))[0]["reactions"] == [{"name": "eyes", "users": ["U0AIOPS"], "count": 1}]
    await client.reactions_remove(channel="C0ALERTS", name="eyes", timestamp=ts)
    assert await code_of(client.reactions_remove(channel="C0ALERTS", name="eyes", timestamp=ts)) == "no_reaction"


async def test_an_ephemeral_message_is_for_a_member_and_in_no_history(slackbox):
    client = client_of(slackbox)
    await client.chat_postEphemeral(channel="C0ALERTS", user="U0ANA", text="psst")
    assert await slackbox.messages("alerts") == []
    await slackbox.kick(user="chen", channel="alerts")
    outside = client.chat_postEphemeral(channel="C0ALERTS", user="U0CHEN", text="psst")
    assert await code_of(outside) == "user_not_in_channel"


async def test_rate_limits_are_per_channel_and_say_how_long_to_wait():
    clock = VirtualClock()
    async with running(manifest=MANIFEST, rate_limits=True, clock=clock) as box:

        async def post(channel="C0ALERTS"):
            return await raw(box, "chat.postMessage", token=box.bot_token, json={"channel": channel, "text": "x"})

        answers = [await post() for _ in range(6)]
        assert [each.status_code for each in answers] == [200] * 5 + [429]
        assert answers[-1].json()["error"] == "ratelimited"
        assert answers[-1].headers["retry-after"] == "1"
        assert (await post("C0DIGEST")).status_code == 200
        clock.advance(1)
        assert (await post()).status_code == 200


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
