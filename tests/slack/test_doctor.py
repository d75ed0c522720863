"""What `aiops doctor` says of a Slack app."""

from bot.slack.client import make_client
from bot.slack.doctor import check


async def test_the_doctor_finds_a_right_set_up_right(slackbox):
    scopes = ["chat:write", "commands", "channels:history"]

    found = await check(
        make_client(slackbox.bot_token, slackbox.api_url),
        app_token=slackbox.app_token,
        needed_scopes=scopes,
        channels=["#alerts"],
    )

    assert [(each.name, each.ok) for each in found] == [
        ("bot token", True),
        ("scopes", True),
        ("app token", True),
        ("channel #alerts", True),
    ]


async def test_the_doctor_says_how_to_mend_what_is_wrong(slackbox):
    await slackbox.kick(user=slackbox.box.workspace.names.bot_user, channel="C0DIGEST")

    found = await check(
        make_client(slackbox.bot_token, slackbox.api_url),
        app_token="xapp-wrong",
        needed_scopes=["chat:write", "pins:write"],
        channels=["C0DIGEST", "#alrets"],
    )

    wrong = {each.name: f"{each.words}. {each.mend}" for each in found if not each.ok}
    assert "pins:write" in wrong["scopes"]
    assert "invalid_auth" in wrong["app token"]
    assert "/invite" in wrong["channel C0DIGEST"]
    assert "#alerts" in wrong["channel #alrets"]
