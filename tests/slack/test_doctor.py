"""What `aiops doctor` says of a Slack app."""

from bot.slack.client import make_client
from bot.slack.doctor import check, check_approvers


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


async def test_the_doctor_reads_every_approver_and_names_those_that_cannot_approve(slackbox):
    bot_user = slackbox.box.workspace.names.bot_user
    named = {"default": ["S0ONCALL", "U0ANA"], "production": ["S0NOBODY", bot_user, "oncall"]}

    found = await check_approvers(make_client(slackbox.bot_token, slackbox.api_url), named)

    assert {each.name: each.ok for each in found} == {
        "approver S0ONCALL (default)": True,
        "approver U0ANA (default)": True,
        "approver S0NOBODY (production)": False,
        f"approver {bot_user} (production)": False,
        "approver oncall (production)": False,
    }
    assert all(each.words for each in found)
