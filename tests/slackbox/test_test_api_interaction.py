"""People's hands over HTTP: the calls of the test API that press, fill, suggest, submit, close and look."""

import httpx

from slackbox.testing import running
from tests.slackbox import samples
from tests.slackbox.rules.desk import actions, bot_on, go, input_block, manifest, modal, options, post_blocks

GLOBAL = {"name": "Report", "type": "global", "callback_id": "report", "description": "Report an incident"}


async def test_a_modal_is_worked_with_over_http():
    async with (
        running(manifest=manifest(shortcuts=[GLOBAL])) as box,
        bot_on(box) as bot,
        httpx.AsyncClient(trust_env=False, base_url=box.url) as client,
    ):

        async def act(name, **body):
            answer = await client.post(f"/_test/{name}", json={"user": "ana"} | body)
            return answer.status_code, answer.json()

        assert await act("shortcut", callback_id="report") == (200, {"acked": True})
        form = modal(
            input_block("text", "plain_text_input"),
            input_block("menu", "external_select"),
            actions("a", go(confirm=samples.CONFIRM)),
            notify_on_close=True,
        )
        await bot.call("views.open", trigger_id=bot.of("shortcut")[0]["trigger_id"], view=form)
        [view] = (await client.get("/_test/views", params={"user": "ana"})).json()["stack"]
        on = {"view_id": view["id"]}
        bot.answers["block_suggestion"] = {"options": options("cart")}
        _, suggested = await act("suggest", **on, action_id="it", block_id="menu", query="car")
        _, filled = await act("fill", **on, values={"text": {"it": "typed"}, "menu": {"it": "cart"}})
        _, declined = await act("press", **on, action_id="go", confirm=False)
        bot.answers["view_submission"] = {"response_action": "update", "view": form}
        _, submitted = await act("submit", **on)
        _, shown = 200, (await client.get("/_test/views", params={"user": "ana"})).json()
        closed = await act("close", **on, everything=True)
        wrong = await act("submit", **on)
    assert [each["value"] for each in suggested["options"]] == ["cart"]
    assert (filled["sent"], filled["state"]["values"]["text"]["it"]["value"]) == (0, "typed")
    assert declined == {"acked": False, "declined": True}
    assert (submitted["acked"], submitted["failure"], submitted["view"]["id"]) == (True, None, view["id"])
    assert shown["stack"][0]["state"]["values"]["menu"]["it"]["selected_option"]["value"] == "cart"
    assert closed == (200, {"acked": True})
    assert bot.of("view_closed")[0]["is_cleared"]
    assert (wrong[0], "no open view" in wrong[1]["error"]) == (400, True)


async def test_ephemeral_messages_menus_and_commands_are_worked_with_over_http(slackbox):
    menu = {"type": "external_select", "action_id": "service"}
    async with bot_on(slackbox) as bot, httpx.AsyncClient(trust_env=False, base_url=slackbox.url) as client:
        bot.answers["block_suggestion"] = {"options": options("cart")}
        ts = await post_blocks(bot, actions("a", menu))
        body = {"user": "ana", "channel": "alerts", "ts": ts, "action_id": "service", "query": "cart"}
        suggested = (await client.post("/_test/suggest", json=body)).json()
        body = {"user": "ana", "channel": "alerts", "command": "/aiops", "thread_ts": ts}
        refused = await client.post("/_test/command", json=body)
        await bot.call("chat.postEphemeral", channel="C0ALERTS", user="U0ANA", text="psst")
        seen = (await client.get("/_test/ephemerals", params={"user": "ana", "channel": "alerts"})).json()
        everyone = (await client.get("/_test/ephemerals")).json()
        reloaded = (await client.post("/_test/reload", json={"user": "ana"})).json()
        unknown = await client.get("/_test/ephemerals", params={"user": "anna"})
    assert [each["value"] for each in suggested["options"]] == ["cart"]
    assert (refused.status_code, "not supported in threads" in refused.json()["error"]) == (400, True)
    assert [each["text"] for each in seen["messages"]] == ["psst"]
    assert everyone == seen
    assert reloaded == {"ephemerals": 1, "views": 0}
    assert (unknown.status_code, "Did you mean ana" in unknown.json()["error"]) == (400, True)
