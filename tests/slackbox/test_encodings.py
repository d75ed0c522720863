"""Arguments and errors on the wire, as clients in every language send and read them."""

import json

import pytest

from slackbox.testing import running
from tests.slackbox.helpers import client_of
from tests.slackbox.rules.office import ask, manifest_of

BLOCKS = [{"type": "divider"}]
ARGS = {"channel": "C0ALERTS", "text": '{"a": 1}', "reply_broadcast": "0"}


def as_fields(args):
    return {name: each if isinstance(each, str) else json.dumps(each) for name, each in args.items()}


@pytest.mark.parametrize("encoding", ["json", "form", "query", "query and GET", "multipart", "split"])
async def test_every_encoding_gives_the_same_message(slackbox, encoding):
    args = ARGS | {"blocks": BLOCKS}
    fields = as_fields(args)
    request = {
        "json": {"json": args},
        "form": {"data": fields},
        "query": {"params": fields},
        "query and GET": {"params": fields, "verb": "GET"},
        "multipart": {"files": {name: (None, text) for name, text in fields.items()}},
        "split": {"params": {"channel": "C0DIGEST", "blocks": fields["blocks"]}, "json": ARGS},
    }[encoding]
    answer = (await ask(slackbox, "chat.postMessage", token=slackbox.bot_token, **request)).json()
    assert answer["ok"], answer
    assert answer["channel"] == "C0ALERTS"
    assert answer["message"]["blocks"][0]["type"] == "divider"
    # Only the fields that Slack calls structured are JSON; a text that looks like it stays a text.
    assert answer["message"]["text"] == '{"a": 1}'


@pytest.mark.parametrize("value", ["1", "true", True, 1])
async def test_a_flag_may_be_a_digit_a_word_or_a_boolean(slackbox, value):
    args = {"channel": "C0ALERTS", "include_num_members": value}
    request = {"params": args} if isinstance(value, str) else {"json": args}
    answer = (await ask(slackbox, "conversations.info", token=slackbox.bot_token, **request)).json()
    assert answer["channel"]["num_members"] == 4


@pytest.mark.parametrize(
    ("request_", "code"),
    [
        ({"content": b"{", "headers": {"content-type": "application/json"}}, "invalid_json"),
        ({"content": b"[1]", "headers": {"content-type": "application/json"}}, "json_not_object"),
        ({"content": b"a=1", "headers": {"content-type": "text/plain"}}, "invalid_post_type"),
        ({"content": b"a=1"}, "missing_post_type"),
        ({"content": b"rubbish", "headers": {"content-type": "multipart/form-data"}}, "invalid_form_data"),
    ],
)
async def test_a_body_that_cannot_be_read_says_why(slackbox, request_, code):
    answer = await ask(slackbox, "chat.postMessage", token=slackbox.bot_token, **request_)
    assert answer.json() == {"ok": False, "error": code}


async def test_a_structured_field_that_is_not_json_is_named_by_pointer(slackbox):
    fields = {"channel": "C0ALERTS", "text": "x", "metadata": "{"}
    answer = (await ask(slackbox, "chat.postMessage", token=slackbox.bot_token, data=fields)).json()
    assert answer["error"] == "invalid_arguments"
    assert answer["response_metadata"]["messages"] == ["[ERROR] metadata is not JSON [json-pointer:/metadata]"]


async def test_what_the_official_client_sends_with_an_empty_body_is_read():
    async with running(manifest=manifest_of()) as box:
        client = client_of(box)
        ts = await box.post(user="ana", channel="alerts", text="x")
        await client.reactions_add(channel="C0ALERTS", name="eyes", timestamp=ts)
        await client.pins_add(channel="C0ALERTS", timestamp=ts)
        opened = await client.conversations_open(users=["U0ANA", "U0BEN"], return_im=True)
        assert opened["channel"]["is_mpim"]
        assert (await client.blocks_validate(blocks=BLOCKS))["ok"]
        page = await client.conversations_history(channel="C0ALERTS", limit=1, include_all_metadata=True)
        assert page["messages"][0]["reactions"][0]["name"] == "eyes"
        changes = [{"operation": "insert_at_end", "document_content": {"type": "markdown", "markdown": "x"}}]
        canvas = await client.canvases_create(title="x")
        await client.canvases_edit(canvas_id=canvas["canvas_id"], changes=changes)
