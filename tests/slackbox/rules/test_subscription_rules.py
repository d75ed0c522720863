"""Rules 3 and 4: what the manifest does not ask for does not exist."""

import json

import pytest

from slackbox.errors import ManifestError, WorldError
from slackbox.manifest import parse_manifest
from tests.slackbox.helpers import MANIFEST
from tests.slackbox.rules.desk import go, modal, section
from tests.slackbox.rules.office import EVERY_EVENT, manifest_of, office

HOME = {"type": "home", "blocks": [section("Home")]}
KINDS = {"message.channels": "C0ALERTS", "message.groups": "C0SECRET", "message.im": "D0ANA", "message.mpim": "group"}


async def say_everywhere(desk):
    """Ana writes one message in each kind of conversation; the group's id."""
    await desk.ok("conversations.open", users="U0ANA")
    group = (await desk.ok("conversations.open", users="U0ANA,U0BEN"))["channel"]["id"]
    for channel in KINDS.values():
        await desk.box.post(user="ana", channel=group if channel == "group" else channel, text="hello")
    return group


@pytest.mark.slack_rule(3)
@pytest.mark.parametrize("event", KINDS)
async def test_a_message_is_an_event_only_in_the_kind_of_conversation_that_is_subscribed(event):
    async with office(manifest=manifest_of(events=[event]), private_channels=("secret",)) as desk:
        group = await say_everywhere(desk)
        heard = await desk.events()
    assert [each["channel"] for each in heard] == [group if event == "message.mpim" else KINDS[event]]
    assert heard[0]["channel_type"] == {"channels": "channel", "groups": "group"}.get(event[8:], event[8:])


@pytest.mark.slack_rule(3)
async def test_everything_that_is_subscribed_is_heard_and_nothing_else():
    async def everything(events):
        async with office(manifest=manifest_of(events=events)) as desk:
            ts = await desk.box.post(user="ana", channel="alerts", text="<@U0AIOPS> look")
            await desk.box.react(user="ana", channel="alerts", ts=ts, name="eyes")
            await desk.box.react(user="ana", channel="alerts", ts=ts, name="eyes", remove=True)
            await desk.ok("pins.add", channel="C0ALERTS", timestamp=ts)
            await desk.ok("pins.remove", channel="C0ALERTS", timestamp=ts)
            await desk.ok("conversations.kick", channel="C0ALERTS", user="U0CHEN")
            await desk.ok("conversations.invite", channel="C0ALERTS", users="U0CHEN")
            await desk.box.share_file(user="ana", channel="alerts", filename="log.txt", text="x")
            await desk.ok("conversations.rename", channel="C0DIGEST", name="weekly")
            await desk.box.archive(user="ana", channel="weekly")
            await desk.box.archive(user="ana", channel="weekly", archived=False)
            await desk.ok("conversations.leave", channel="C0DIGEST")
            await desk.ok("conversations.create", name="new")
            await desk.ok("usergroups.users.update", usergroup="S0ONCALL", users="U0CHEN")
            await desk.box.home(user="ana")
            return {each["type"] for each in await desk.events()}

    assert await everything(EVERY_EVENT) == {
        *("message", "app_mention", "reaction_added", "reaction_removed", "pin_added", "pin_removed", "file_shared"),
        *("member_left_channel", "member_joined_channel", "channel_rename", "channel_archive", "channel_unarchive"),
        *("channel_left", "channel_created", "subteam_members_changed", "subteam_updated", "app_home_opened"),
    }
    assert await everything([]) == set()
    assert await everything(["pin_added", "app_home_opened"]) == {"pin_added", "app_home_opened"}


@pytest.mark.slack_rule(3)
async def test_nothing_is_heard_from_a_channel_the_bot_is_not_in():
    async with office() as desk:
        await desk.box.kick(user="aiops", channel="alerts")
        ts = await desk.box.post(user="ana", channel="alerts", text="<@U0AIOPS> are you there?")
        await desk.box.react(user="ana", channel="alerts", ts=ts, name="eyes")
        assert await desk.events("message") == []
        await desk.box.invite(user="aiops", channel="alerts")
        await desk.box.post(user="ana", channel="alerts", text="now?")
        assert [each["text"] for each in await desk.events("message")] == ["now?"]


@pytest.mark.slack_rule(3)
async def test_a_subscription_without_its_scope_delivers_nothing_and_is_recorded_once():
    async with office(manifest=manifest_of(without={"channels:history"})) as desk:
        for text in ("one", "two"):
            await desk.box.post(user="ana", channel="alerts", text=text)
        assert await desk.events("message") == []
        (found,) = desk.box.violations("event_without_scope")
    assert (found["event"], found["needed"]) == ("message.channels", "channels:history")


@pytest.mark.slack_rule(4)
async def test_a_command_and_a_shortcut_exist_only_when_the_manifest_has_them():
    async with office() as desk:
        with pytest.raises(WorldError, match=r"no command '/aiop'\. Did you mean /aiops\?"):
            await desk.box.command(user="ana", channel="alerts", command="/aiop")
        ts = await desk.box.post(user="ana", channel="alerts", text="look")
        with pytest.raises(WorldError, match="triage_message"):
            await desk.box.shortcut(user="ana", channel="alerts", ts=ts, callback_id="triage_mesage")
        assert (await desk.box.command(user="ana", channel="alerts", command="/aiops"))["acked"]
        assert (await desk.box.shortcut(user="ana", channel="alerts", ts=ts, callback_id="triage_message"))["acked"]


@pytest.mark.slack_rule(4)
@pytest.mark.parametrize("section_name", ["slash_commands", "shortcuts"])
def test_commands_and_shortcuts_need_the_commands_scope_in_the_manifest(section_name):
    body = json.loads(MANIFEST.read_text(encoding="utf-8"))
    body["oauth_config"]["scopes"]["bot"].remove("commands")
    body["features"] = {section_name: body["features"][section_name]}
    with pytest.raises(ManifestError, match=rf'features\.{section_name} .* needs the bot scope "commands"'):
        parse_manifest(body)


@pytest.mark.slack_rule(4)
async def test_without_interactivity_no_button_shortcut_or_modal_works():
    manifest = manifest_of(settings={"interactivity": {"is_enabled": False}})
    async with office(manifest=manifest) as desk:
        block = {"type": "actions", "block_id": "b", "elements": [go()]}
        ts = (await desk.ok("chat.postMessage", channel="C0ALERTS", text="x", blocks=[block]))["ts"]
        with pytest.raises(WorldError, match="interactivity switched off"):
            await desk.box.press(user="ana", channel="alerts", ts=ts, action_id="go")
        with pytest.raises(WorldError, match="interactivity switched off"):
            await desk.box.shortcut(user="ana", channel="alerts", ts=ts, callback_id="triage_message")
        await desk.box.command(user="ana", channel="alerts", command="/aiops")
        (command,) = desk.bot.of("command")
        view = modal(section("Hello"))
        assert await desk.code("views.open", trigger_id=command["trigger_id"], view=view) == "not_enabled"


@pytest.mark.slack_rule(4)
async def test_without_the_home_tab_nothing_can_be_published_or_opened():
    async with office(manifest=manifest_of(features={"app_home": {"messages_tab_enabled": True}})) as desk:
        assert await desk.code("views.publish", user_id="U0ANA", view=HOME) == "not_enabled"
        with pytest.raises(WorldError, match="home_tab_enabled"):
            await desk.box.home(user="ana")
        assert await desk.events("app_home_opened") == []
    async with office() as desk:
        await desk.ok("views.publish", user_id="U0ANA", view=HOME)


@pytest.mark.slack_rule(4)
async def test_without_the_messages_tab_there_is_no_direct_message_to_write_in():
    async with office(manifest=manifest_of(features={"app_home": {"home_tab_enabled": True}})) as desk:
        assert await desk.code("chat.postMessage", channel="U0ANA", text="hi") == "messages_tab_disabled"


@pytest.mark.slack_rule(4)
async def test_without_socket_mode_no_socket_is_opened():
    async with office() as desk:
        assert desk.box.box.delivery.connections == 1
    manifest = manifest_of(settings={"socket_mode_enabled": False})
    with pytest.raises(KeyError, match="url"):
        async with office(manifest=manifest):
            pass
