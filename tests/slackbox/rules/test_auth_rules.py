"""Rules 1 and 2: which token may do what, and the scopes of the shipped manifest."""

import pytest

from slackbox.methods import method_table
from slackbox.testing import running
from tests.slackbox.rules.office import EVERY_SCOPE, ask, manifest_of, office

POST = {"channel": "C0ALERTS", "text": "hello"}


@pytest.mark.slack_rule(1)
async def test_no_token_a_strange_token_and_the_wrong_kind_of_token_have_a_code_each(slackbox):
    missing = await ask(slackbox, "chat.postMessage", json=POST)
    strange = await ask(slackbox, "chat.postMessage", token="xoxb-nobody", json=POST)
    other_kind = await ask(slackbox, "chat.postMessage", token=slackbox.app_token, json=POST)
    codes = [answer.json()["error"] for answer in (missing, strange, other_kind)]
    assert codes == ["not_authed", "invalid_auth", "not_allowed_token_type"]
    assert await slackbox.messages("alerts") == []


@pytest.mark.slack_rule(1)
async def test_a_socket_is_opened_only_with_the_app_token_in_the_header_of_a_post(slackbox):
    async def opened(**request):
        return (await ask(slackbox, "apps.connections.open", **request)).json()

    assert (await opened(data={"token": slackbox.app_token}))["error"] == "not_authed"
    assert (await opened(json={"token": slackbox.app_token}))["error"] == "not_authed"
    assert (await opened(token=slackbox.bot_token))["error"] == "not_allowed_token_type"
    assert (await opened(token=slackbox.app_token, verb="GET"))["error"] == "insecure_request"
    assert (await opened(token=slackbox.app_token))["url"].startswith("ws://127.0.0.1:")


@pytest.mark.slack_rule(1)
async def test_a_bot_token_counts_in_the_header_and_in_a_form_but_not_in_json_or_a_query(slackbox):
    token = {"token": slackbox.bot_token}
    assert (await ask(slackbox, "auth.test", data=token)).json()["ok"]
    assert (await ask(slackbox, "auth.test", token=slackbox.bot_token)).json()["ok"]
    assert (await ask(slackbox, "auth.test", json=token)).json()["error"] == "not_authed"
    assert (await ask(slackbox, "auth.test", params=token)).json()["error"] == "not_authed"
    assert [each["place"] for each in slackbox.violations("token_not_in_header")] == ["json", "query"]


@pytest.mark.slack_rule(1)
async def test_a_revoked_token_is_no_longer_a_token(slackbox):
    asked = await ask(slackbox, "auth.revoke", token=slackbox.bot_token, verb="GET", params={"test": "1"})
    assert asked.json() == {"ok": True, "revoked": False}
    assert (await ask(slackbox, "auth.test", token=slackbox.bot_token)).json()["ok"]
    assert (await ask(slackbox, "auth.revoke", token=slackbox.bot_token)).json()["revoked"]
    assert (await ask(slackbox, "auth.test", token=slackbox.bot_token)).json()["error"] == "token_revoked"


@pytest.mark.slack_rule(2)
async def test_a_method_without_its_scope_says_what_it_needs_and_what_the_manifest_grants():
    async with running(manifest=manifest_of(scopes=["chat:write", "commands"])) as box:
        args = {"channel": "C0ALERTS", "timestamp": "1.000001", "name": "eyes"}
        answer = await ask(box, "reactions.add", token=box.bot_token, params=args)
    expected = {"ok": False, "error": "missing_scope", "needed": "reactions:write", "provided": "chat:write,commands"}
    assert answer.json() == expected
    assert answer.headers["x-oauth-scopes"] == "chat:write,commands"
    assert answer.headers["x-accepted-oauth-scopes"] == "reactions:write"


@pytest.mark.slack_rule(2)
@pytest.mark.parametrize("method", sorted(name for name, each in method_table().items() if each.scopes))
async def test_no_method_runs_for_a_manifest_that_grants_none_of_its_scopes(method):
    accepted = method_table()[method].scopes
    async with running(manifest=manifest_of(without={*accepted, "commands"}, features=NO_COMMANDS)) as box:
        answer = (await ask(box, method, token=box.bot_token, json={})).json()
    assert answer["error"] == "missing_scope"
    assert answer["needed"] == ",".join(accepted)
    assert set(answer["provided"].split(",")) == set(EVERY_SCOPE) - {*accepted, "commands"}


NO_COMMANDS = {"slash_commands": [], "shortcuts": []}


@pytest.mark.slack_rule(2)
async def test_each_kind_of_conversation_needs_a_scope_of_its_own():
    manifest = manifest_of(without={"groups:history", "im:history", "mpim:history", "groups:read"})
    async with office(manifest=manifest, private_channels=("secret",)) as desk:
        direct = (await desk.ok("conversations.open", users="U0ANA"))["channel"]["id"]
        group = (await desk.ok("conversations.open", users="U0ANA,U0BEN"))["channel"]["id"]
        await desk.ok("conversations.history", channel="C0ALERTS")
        for channel, needed in (("C0SECRET", "groups"), (direct, "im"), (group, "mpim")):
            refused = await desk.bot.call("conversations.history", channel=channel)
            assert (refused["error"], refused["needed"]) == ("missing_scope", f"{needed}:history")
        refused = await desk.bot.call("conversations.list", types="public_channel,private_channel")
        assert refused["needed"] == "groups:read"


@pytest.mark.slack_rule(2)
async def test_a_persons_address_is_shown_only_with_its_own_scope():
    async with office() as desk:
        shown = await desk.ok("users.lookupByEmail", email="Ana@example.com")
        assert shown["user"]["profile"]["email"] == "ana@example.com"
        assert await desk.code("users.lookupByEmail", email="nobody@example.com") == "users_not_found"
    async with office(manifest=manifest_of(without={"users:read.email"})) as desk:
        assert "email" not in (await desk.ok("users.info", user="U0ANA"))["user"]["profile"]
        assert await desk.code("users.lookupByEmail", email="ana@example.com") == "missing_scope"


@pytest.mark.slack_rule(2)
async def test_another_name_for_a_message_without_the_scope_is_left_out_and_recorded():
    async with office() as desk:
        sent = await desk.ok("chat.postMessage", **POST, username="Pager", icon_emoji=":siren:")
        assert sent["message"]["username"] == "Pager"
        assert sent["message"]["icons"] == {"icon_emoji": ":siren:"}
    async with office(manifest=manifest_of(without={"chat:write.customize"})) as desk:
        assert "username" not in (await desk.ok("chat.postMessage", **POST, username="Pager"))["message"]
        assert desk.box.violations("customize_without_scope")[0]["arguments"] == ["username"]
