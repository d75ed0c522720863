"""Socket Mode, interactions and faults, through the real Bolt and SDK."""

import asyncio
import json

import aiohttp
import pytest
import websockets
from slack_sdk.errors import SlackApiError
from slack_sdk.http_retry.builtin_async_handlers import AsyncRateLimitErrorRetryHandler

from slackbox.clock import VirtualClock
from slackbox.errors import WorldError
from slackbox.testing import running
from tests.slackbox import samples
from tests.slackbox.helpers import MANIFEST, app_of, client_of, connected, manifest_without


async def ignore():
    """Takes an event and does nothing, so that Bolt acknowledges it."""


async def address(box):
    return (await client_of(box, box.app_token).apps_connections_open(app_token=box.app_token))["url"]


async def next_frame(socket):
    return json.loads(await asyncio.wait_for(socket.recv(), 5))


async def test_a_message_reaches_the_bot_and_its_answer_stands_in_the_thread(slackbox):
    app = app_of(slackbox)

    @app.event("message")
    async def answer(event, client):
        if event.get("subtype") == "bot_message":
            await client.chat_postMessage(channel=event["channel"], thread_ts=event["ts"], text="looking")

    async with connected(slackbox, app):
        ts = await slackbox.alert(channel="alerts", text="High error rate")
        (reply,) = await slackbox.wait_for("alerts", thread_ts=ts, contains="looking")
    assert reply["bot_id"] == "B0AIOPS"


async def test_the_bots_own_messages_come_back_as_events(slackbox):
    async with websockets.connect(await address(slackbox), proxy=None) as socket:
        assert (await next_frame(socket))["type"] == "hello"
        await client_of(slackbox).chat_postMessage(channel="C0ALERTS", text="mine")
        frame = await next_frame(socket)
        await socket.send(json.dumps({"envelope_id": frame["envelope_id"]}))
        await slackbox.wait_until(lambda: True if slackbox.journal("ack") else None)
    event = frame["payload"]["event"]
    assert (event["type"], event["bot_id"], event["user"]) == ("message", "B0AIOPS", "U0AIOPS")
    assert frame["accepts_response_payload"] is False


async def test_a_mention_arrives_as_app_mention_and_as_message(slackbox):
    app, seen = app_of(slackbox), []

    @app.event("app_mention")
    async def mention(event):
        seen.append(("app_mention", event["ts"]))

    @app.event("message")
    async def message(event):
        seen.append(("message", event["ts"]))

    async with connected(slackbox, app):
        ts = await slackbox.post(user="ana", channel="alerts", text="<@U0AIOPS> why?")
        await slackbox.wait_until(lambda: True if len(slackbox.journal("ack")) == 2 else None)
    assert sorted(seen) == [("app_mention", ts), ("message", ts)]


async def test_edits_and_deletes_arrive_with_their_subtypes(slackbox):
    app, seen = app_of(slackbox), []

    @app.event({"type": "message", "subtype": "message_changed"})
    async def changed(event):
        seen.append((event["message"]["text"], event["previous_message"]["text"]))

    @app.event({"type": "message", "subtype": "message_deleted"})
    async def deleted(event):
        seen.append(event["deleted_ts"])

    app.event("message")(ignore)
    async with connected(slackbox, app):
        ts = await slackbox.post(user="ana", channel="alerts", text="one")
        await slackbox.edit(user="ana", channel="alerts", ts=ts, text="two")
        await slackbox.delete(user="ana", channel="alerts", ts=ts)
        await slackbox.wait_until(lambda: True if len(slackbox.journal("ack")) == 3 else None)
    assert ("two", "one") in seen
    assert ts in seen


async def test_events_that_are_not_subscribed_or_not_for_a_member_are_not_sent():
    async with running(manifest=manifest_without(events=["app_mention"])) as box:
        async with connected(box, app := app_of(box)):
            app.event("message")(ignore)
            await box.kick(user="aiops", channel="digest")
            await box.post(user="ana", channel="digest", text="unheard")
            await box.post(user="ana", channel="alerts", text="<@U0AIOPS> heard once")
            await box.wait_until(lambda: True if box.journal("ack") else None)
        sent = [each["frame"]["payload"]["event"]["type"] for each in box.journal("envelope")]
    assert sent == ["message"]


async def test_an_unacknowledged_event_comes_again_with_the_same_id_and_is_given_up_after_three_retries():
    clock = VirtualClock()
    async with (
        running(manifest=MANIFEST, clock=clock, retry_delays=(0, 60, 300)) as box,
        websockets.connect(await address(box), proxy=None) as socket,
    ):
        assert (await next_frame(socket))["type"] == "hello"
        await box.post(user="ana", channel="alerts", text="x")
        frames = [await next_frame(socket)]
        for delay in (0, 60, 300):
            clock.advance(3 + delay)
            frames.append(await next_frame(socket))
        clock.advance(3)
        assert [each["retry_attempt"] for each in frames] == [0, 1, 2, 3]
        assert {each["retry_reason"] for each in frames[1:]} == {"timeout"}
        assert len({each["payload"]["event_id"] for each in frames}) == 1
        assert len({each["envelope_id"] for each in frames}) == 4
        assert [each["reason"] for each in box.unacked()] == ["timeout"]


async def test_each_envelope_goes_to_exactly_one_connection(slackbox):
    app = app_of(slackbox)
    app.event("message")(ignore)
    async with connected(slackbox, app), connected(slackbox, app, count=2):
        for n in range(12):
            await slackbox.post(user="ana", channel="alerts", text=str(n))
        await slackbox.wait_until(lambda: True if len(slackbox.journal("ack")) == 12 else None)
    envelopes = slackbox.journal("envelope")
    assert len(envelopes) == 12
    assert {each["connection"] for each in envelopes} == {"c1", "c2"}


async def test_events_wait_while_nobody_is_connected(slackbox):
    await slackbox.post(user="ana", channel="alerts", text="in the gap")
    app = app_of(slackbox)
    app.event("message")(ignore)
    async with connected(slackbox, app):
        await slackbox.wait_until(lambda: True if slackbox.journal("ack") else None)
    assert slackbox.journal("envelope")[0]["frame"]["payload"]["event"]["text"] == "in the gap"


async def test_a_ticket_opens_one_connection_only(slackbox):
    url = await address(slackbox)
    async with websockets.connect(url, proxy=None) as socket:
        hello = await next_frame(socket)
        assert (hello["type"], hello["num_connections"]) == ("hello", 1)
        with pytest.raises(websockets.InvalidStatus):
            await websockets.connect(url, proxy=None)


async def test_a_ticket_expires():
    clock = VirtualClock()
    async with running(manifest=MANIFEST, clock=clock) as box:
        url = await address(box)
        clock.advance(31)
        with pytest.raises(websockets.InvalidStatus):
            await websockets.connect(url, proxy=None)


async def test_the_eleventh_connection_is_sent_away(slackbox):
    sockets = [await websockets.connect(await address(slackbox), proxy=None) for _ in range(11)]
    try:
        frame = await next_frame(sockets[-1])
        assert (frame["type"], frame["reason"]) == ("disconnect", "too_many_websockets")
    finally:
        for socket in sockets:
            await socket.close()


async def test_a_ping_is_answered_with_its_own_body(slackbox):
    async with websockets.connect(await address(slackbox), proxy=None, ping_interval=None) as socket:
        pong = await socket.ping("sdk-ping-pong:1")
        await asyncio.wait_for(pong, 5)


@pytest.mark.parametrize("reason", ["refresh_requested", "abrupt"])
async def test_the_sdk_comes_back_after_a_disconnect(slackbox, reason):
    app = app_of(slackbox)
    app.event("message")(ignore)
    async with connected(slackbox, app) as handler:
        handler.client.ping_interval = 0.5
        assert await slackbox.disconnect(reason) == 1
        opened = lambda: [each for each in slackbox.journal("socket") if each["event"] == "open"]  # noqa: E731 - read twice
        await slackbox.wait_until(lambda: True if len(opened()) == 2 else None, timeout_s=40)
        await slackbox.post(user="ana", channel="alerts", text="still there?")
        await slackbox.wait_until(lambda: True if slackbox.journal("ack") else None)


async def test_wrong_acknowledgements_are_recorded(slackbox):
    async with websockets.connect(await address(slackbox), proxy=None) as socket:
        assert (await next_frame(socket))["type"] == "hello"
        await slackbox.post(user="ana", channel="alerts", text="x")
        frame = await next_frame(socket)
        for ack in ({"payload": {"text": "no"}}, {}, {"envelope_id": "strange"}):
            await socket.send(json.dumps({"envelope_id": frame["envelope_id"], **ack}))
        await slackbox.wait_until(lambda: True if len(slackbox.violations()) == 3 else None)
    rules = [each["rule"] for each in slackbox.violations()]
    assert rules == ["ack_payload_not_accepted", "second_ack", "unknown_envelope_id"]


async def test_a_commands_acknowledgement_is_shown_to_the_person_alone(slackbox):
    app = app_of(slackbox)

    @app.command("/aiops")
    async def command(ack, body):
        await ack(f"working on {body['text']}")

    async with connected(slackbox, app):
        answer = await slackbox.command(user="ana", channel="alerts", command="/aiops", text="status")
    assert answer["acked"]
    assert [each["text"] for each in answer["ephemeral"]] == ["working on status"]
    assert await slackbox.messages("alerts") == []
    with pytest.raises(WorldError, match="/aiops"):
        await slackbox.command(user="ana", channel="alerts", command="/aipos")


async def test_a_command_that_is_not_acknowledged_fails_for_the_person():
    async with running(manifest=MANIFEST, ack_seconds=0.1) as box, connected(box, app_of(box)):
        answer = await box.command(user="ana", channel="alerts", command="/aiops", text="x")
        assert not answer["acked"]
        assert "operation_timeout" in answer["ephemeral"][0]["text"]
        assert [each["kind"] for each in box.forgive_unacked()] == ["slash_commands"]


async def test_a_press_reaches_the_bot_and_its_response_url_replaces_the_message(slackbox):
    app = app_of(slackbox)
    app.event("message")(ignore)
    pressed = asyncio.get_running_loop().create_future()

    @app.action("review")
    async def review(ack, body, respond):
        await ack()
        respond.proxy = None
        pressed.set_result(body)
        await respond(replace_original=True, text="approved by ana")

    async with connected(slackbox, app):
        sent = await client_of(slackbox).chat_postMessage(channel="C0ALERTS", text="x", blocks=samples.hypothesis())
        answer = await slackbox.press(user="ana", channel="alerts", ts=sent["ts"], action_id="review")
        await slackbox.wait_for("alerts", contains="approved by ana")
    body = await pressed
    assert answer == {"acked": True}
    assert body["user"]["id"] == "U0ANA"
    assert body["actions"][0]["value"] == "h1"
    assert body["actions"][0]["block_id"] == "act"
    assert body["message"]["ts"] == sent["ts"]


async def test_a_press_on_an_older_version_carries_the_message_as_it_was(slackbox):
    app = app_of(slackbox)
    app.event("message")(ignore)
    seen = []

    @app.action("go")
    async def go(ack, body):
        seen.append(body)
        await ack()

    def version(n):
        return [{"type": "actions", "block_id": f"v{n}", "elements": [samples.button("Go", "go", value=str(n))]}]

    async with connected(slackbox, app):
        client = client_of(slackbox)
        sent = await client.chat_postMessage(channel="C0ALERTS", text="one", blocks=version(1))
        await client.chat_update(channel="C0ALERTS", ts=sent["ts"], text="two", blocks=version(2))
        await slackbox.press(user="ben", channel="alerts", ts=sent["ts"], action_id="go", block_id="v1")
    assert (seen[0]["actions"][0]["value"], seen[0]["message"]["text"]) == ("1", "one")


async def test_a_modal_is_opened_corrected_and_submitted(slackbox):
    app, states = app_of(slackbox), []
    app.event("message")(ignore)

    @app.shortcut("triage_message")
    async def shortcut(ack, body, client):
        await ack()
        await client.views_open(trigger_id=body["trigger_id"], view=samples.modal())

    @app.view("root_cause")
    async def submitted(ack, body):
        states.append(body["view"]["state"]["values"])
        if len(states) == 1:
            await ack(response_action="errors", errors={"cause": "Say more."})
        else:
            await ack()

    async with connected(slackbox, app):
        ts = await slackbox.post(user="ana", channel="alerts", text="it was the deploy")
        await slackbox.shortcut(user="ana", channel="alerts", ts=ts, callback_id="triage_message")
        (view,) = await slackbox.open_views("ana")
        values = {"cause": {"text": "deploy"}, "right": {"choice": "yes"}}
        missing = await slackbox.submit(user="ana", view_id=view["id"], values={"cause": {"text": "deploy"}})
        first = await slackbox.submit(user="ana", view_id=view["id"], values=values)
        second = await slackbox.submit(user="ana", view_id=view["id"], values=values)
    assert list(missing["errors"]) == ["right"]
    assert first["errors"] == {"cause": "Say more."}
    assert second["view"] is None
    assert states[0]["right"]["choice"]["selected_option"]["value"] == "yes"
    assert states[0]["cause"]["text"] == {"type": "plain_text_input", "value": "deploy"}


async def test_a_trigger_id_is_good_once_and_for_three_seconds():
    clock = VirtualClock()
    async with running(manifest=MANIFEST, clock=clock) as box:
        client = client_of(box)

        async def opened(trigger):
            try:
                return (await client.views_open(trigger_id=trigger, view=samples.modal()))["ok"]
            except SlackApiError as error:
                return error.response["error"]

        good = box.box.permits.trigger("U0ANA")
        late = box.box.permits.trigger("U0ANA")
        assert await opened(good) is True
        assert await opened(good) == "exchanged_trigger_id"
        clock.advance(3.1)
        assert await opened(late) == "expired_trigger_id"
        assert await opened("1.2.3") == "invalid_trigger_id"


async def test_a_response_address_takes_five_posts_in_thirty_minutes():
    clock = VirtualClock()
    async with running(manifest=MANIFEST, clock=clock) as box, aiohttp.ClientSession() as session:

        async def post(url):
            async with session.post(url, json={"text": "x", "response_type": "in_channel"}) as response:
                return response.status

        used = box.box.permits.response_url(box.url, user="U0ANA", channel="C0ALERTS")
        late = box.box.permits.response_url(box.url, user="U0ANA", channel="C0ALERTS")
        assert [await post(used) for _ in range(6)] == [200] * 5 + [404]
        clock.advance(30 * 60 + 1)
        assert await post(late) == 404
        assert len(await box.messages("alerts")) == 5


async def test_the_home_tab_is_published_for_the_person_who_opened_it(slackbox):
    app = app_of(slackbox)

    @app.event("app_home_opened")
    async def home(event, client):
        view = {"type": "home", "blocks": [{"type": "header", "text": samples.plain("Hello")}]}
        await client.views_publish(user_id=event["user"], view=view)

    async with connected(slackbox, app):
        await slackbox.home(user="ben")
        published = await slackbox.wait_until(lambda: slackbox.box.views.screen("U0BEN").home)
    assert published["blocks"][0]["text"]["text"] == "Hello"
    assert slackbox.box.views.screen("U0ANA").home is None


async def test_a_dropped_answer_leaves_the_message_posted(slackbox):
    client = client_of(slackbox)
    client.retry_handlers.clear()
    await slackbox.fault("chat.postMessage", "apply_then_drop")
    with pytest.raises(aiohttp.ClientError):
        await client.chat_postMessage(channel="C0ALERTS", text="once")
    assert [each["text"] for each in await slackbox.messages("alerts")] == ["once"]
    await client.chat_postMessage(channel="C0ALERTS", text="fault is used up")


async def test_being_told_to_wait_is_honoured_by_the_sdks_handler(slackbox):
    client = client_of(slackbox)
    client.retry_handlers.append(AsyncRateLimitErrorRetryHandler(max_retry_count=1))
    await slackbox.fault("chat.postMessage", "ratelimited", retry_after=1)
    assert (await client.chat_postMessage(channel="C0ALERTS", text="later"))["ok"]
    assert [each["fault"] for each in slackbox.journal("fault")] == ["ratelimited"]


@pytest.mark.parametrize(("kind", "more"), [("status", {"status": 503}), ("malformed", {}), ("drop", {})])
async def test_a_failure_before_the_method_runs_changes_nothing(slackbox, kind, more):
    client = client_of(slackbox)
    client.retry_handlers.clear()
    await slackbox.fault("chat.postMessage", kind, **more)
    with pytest.raises((SlackApiError, aiohttp.ClientError, ValueError)):
        await client.chat_postMessage(channel="C0ALERTS", text="never")
    assert await slackbox.messages("alerts") == []


async def test_an_event_can_be_delivered_twice(slackbox):
    app = app_of(slackbox)
    app.event("message")(ignore)
    await slackbox.fault("events", "duplicate")
    async with connected(slackbox, app):
        await slackbox.post(user="ana", channel="alerts", text="x")
        await slackbox.wait_until(lambda: True if len(slackbox.journal("ack")) == 2 else None)
    frames = [each["frame"] for each in slackbox.journal("envelope")]
    assert len({each["payload"]["event_id"] for each in frames}) == 1
    assert len({each["envelope_id"] for each in frames}) == 2
