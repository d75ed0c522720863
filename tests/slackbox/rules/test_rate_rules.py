"""Rule 30: token buckets by virtual time, in the profiles that an option names."""

import pytest

from slackbox.errors import SlackboxError
from slackbox.testing import running
from tests.slackbox.rules.office import ask, manifest_of, office


async def status(desk, method="chat.postMessage", **args):
    """The status of one call, its error and how long to wait."""
    given = args or {"channel": "C0ALERTS", "text": "x"}
    answer = await ask(desk.box, method, token=desk.box.bot_token, json=given)
    return answer.status_code, answer.json().get("error"), answer.headers.get("retry-after")


@pytest.mark.slack_rule(30)
async def test_a_channel_takes_one_post_a_second_after_a_small_burst():
    async with office(rate_limits=True) as desk:
        assert [(await status(desk))[0] for _ in range(5)] == [200] * 5
        assert await status(desk) == (429, "ratelimited", "1")
        by_name = await status(desk, channel="#alerts", text="x")
        assert by_name[0] == 429
        assert (await status(desk, channel="C0DIGEST", text="x"))[0] == 200
        await desk.box.advance(1)
        assert (await status(desk))[0] == 200
        assert (await status(desk))[0] == 429
        assert len(await desk.box.messages("alerts")) == 6


@pytest.mark.slack_rule(30)
async def test_a_method_has_its_tiers_calls_a_minute_and_says_how_long_to_wait():
    async with office(rate_limits=True) as desk:
        for method, calls, wait in (("users.list", 20, "3"), ("conversations.info", 50, "2"), ("users.info", 100, "1")):
            args = {"channel": "C0ALERTS", "user": "U0ANA"}
            codes = [(await status(desk, method, **args))[0] for _ in range(calls)]
            assert codes == [200] * calls
            assert await status(desk, method, **args) == (429, "ratelimited", wait)
            await desk.box.advance(float(wait))
            assert (await status(desk, method, **args))[0] == 200


@pytest.mark.slack_rule(30)
async def test_the_workspace_has_a_limit_of_its_own_for_posts():
    channels = tuple(f"room-{n}" for n in range(61))
    async with office(rate_limits=True, channels=channels) as desk:
        codes = [await status(desk, channel=f"C0ROOM{n // 5}", text="x") for n in range(301)]
    assert [each[0] for each in codes[:300]] == [200] * 300
    assert codes[300] == (429, "rate_limited", "1")


@pytest.mark.slack_rule(30)
async def test_the_strict_profile_has_hardly_any_burst():
    async with office(rate_limits="strict") as desk:
        assert [(await status(desk))[0] for _ in range(2)] == [200, 429]
        args = {"channel": "C0ALERTS"}
        codes = [(await status(desk, "conversations.info", **args))[0] for _ in range(6)]
        assert codes == [200] * 5 + [429]
        await desk.box.advance(1)
        assert (await status(desk))[0] == 200


@pytest.mark.slack_rule(30)
async def test_the_first_call_profile_refuses_every_method_once():
    async with running(manifest=manifest_of(), rate_limits="first_call") as box:
        for method in ("auth.test", "chat.postMessage", "conversations.info"):
            args = {"channel": "C0ALERTS", "text": "x"}
            first = await ask(box, method, token=box.bot_token, json=args)
            second = await ask(box, method, token=box.bot_token, json=args)
            assert (first.status_code, first.json()["error"], first.headers["retry-after"]) == (429, "ratelimited", "1")
            assert second.json()["ok"]
        assert len(await box.messages("alerts")) == 1


@pytest.mark.slack_rule(30)
async def test_nothing_is_refused_unless_it_was_asked_for():
    async with office() as desk:
        assert {(await status(desk))[0] for _ in range(30)} == {200}
    async with office(rate_limits="off") as desk:
        assert {(await status(desk))[0] for _ in range(30)} == {200}


@pytest.mark.slack_rule(30)
async def test_an_unknown_profile_is_named_with_the_nearest():
    with pytest.raises(SlackboxError, match=r"no rate limit profile 'strickt'\. Did you mean strict\?"):
        async with office(rate_limits="strickt"):
            pass
