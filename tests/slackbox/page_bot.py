"""A small Bolt app for the page's tests: what a person does on the page reaches it through Socket Mode and back."""

from tests.slackbox.helpers import app_of
from tests.slackbox.samples import CONFIRM, button, mrkdwn, plain

SERVICES = ("checkout", "payments", "search", "cart", "shipping")


def option(word):
    return {"text": plain(word.title()), "value": word}


def field(block_id, label, element, **more):
    return {"type": "input", "block_id": block_id, "label": plain(label), "element": element, **more}


def element(kind, **more):
    return {"type": kind, "action_id": "value", **more}


def form():
    """A modal with every kind of input."""
    words = [option("deploy"), option("capacity"), option("config")]
    blocks = [
        {"type": "section", "text": mrkdwn("Everything the bot can ask for."), "accessory": button("Push", "push")},
        field("line", "One line", element("plain_text_input", placeholder=plain("in a few words"))),
        field(
            "lines", "Several lines", element("plain_text_input", multiline=True), optional=True, hint=plain("Be kind.")
        ),
        field("number", "A number", element("number_input", is_decimal_allowed=False, min_value="1", max_value="9")),
        field("email", "An email", element("email_text_input"), optional=True),
        field("url", "An address", element("url_text_input"), optional=True),
        field("day", "A day", element("datepicker", initial_date="2026-11-23"), optional=True),
        field("time", "A time", element("timepicker"), optional=True),
        field("moment", "A moment", element("datetimepicker"), optional=True),
        field("pick", "A choice", element("static_select", options=words)),
        field("picks", "Several choices", element("multi_static_select", options=words), optional=True),
        field("service", "A service", element("external_select", min_query_length=2), optional=True),
        field("services", "Several services", element("multi_external_select", min_query_length=1), optional=True),
        field("user", "A person", element("users_select"), optional=True),
        field("users", "Several people", element("multi_users_select"), optional=True),
        field("channel", "A channel", element("channels_select"), optional=True),
        field("talk", "A conversation", element("conversations_select"), optional=True),
        field("boxes", "Boxes", element("checkboxes", options=words), optional=True),
        field("radio", "One of these", element("radio_buttons", options=words), optional=True),
        field("rich", "Rich words", element("rich_text_input"), optional=True),
        field("file", "A file", element("file_input", filetypes=["txt"], max_files=2), optional=True),
    ]
    return {
        "type": "modal",
        "callback_id": "form",
        "title": plain("All inputs"),
        "submit": plain("Send"),
        "close": plain("Cancel"),
        "blocks": blocks,
    }


def second_view():
    return {
        "type": "modal",
        "callback_id": "second",
        "title": plain("On top"),
        "close": plain("Back"),
        "blocks": [{"type": "section", "text": plain("The form is still below.")}],
    }


def card():
    """A message with one of everything that can be pressed."""
    menu = {"placeholder": plain("Cause"), "options": [option("deploy"), option("capacity")]}
    return [
        {"type": "section", "text": mrkdwn("Restart `checkout`?"), "accessory": button("Details", "details")},
        {
            "type": "actions",
            "block_id": "act",
            "elements": [
                button("Open Form", "open_form", style="primary"),
                button("Restart", "restart", style="danger", confirm=CONFIRM),
                {"type": "static_select", "action_id": "pick", **menu},
                {
                    "type": "external_select",
                    "action_id": "service",
                    "placeholder": plain("Service"),
                    "min_query_length": 2,
                },
                {"type": "overflow", "action_id": "more", "options": [option("rerun"), option("mute")]},
                {"type": "datepicker", "action_id": "day", "placeholder": plain("Day")},
                {"type": "checkboxes", "action_id": "boxes", "options": [option("loud")]},
            ],
        },
    ]


def home(counter):
    return {
        "type": "home",
        "blocks": [
            {"type": "header", "text": plain("Approvals waiting for you")},
            {
                "type": "section",
                "text": mrkdwn(f"*Restart checkout-api (prod)*\nAsked by ben, opened {counter} times"),
                "accessory": button("Open", "open_form"),
            },
            {"type": "divider"},
            {"type": "section", "fields": [mrkdwn("*Running*\n2 investigations"), mrkdwn("*Unlabelled*\n3 incidents")]},
            {"type": "context", "elements": [mrkdwn("connected · 3 channels watched")]},
        ],
    }


def page_bot(box):
    """The app, and the list of (action or callback id, payload) that it heard."""
    app, heard = app_of(box), []

    async def hear(body):
        action = body["actions"][0] if body.get("actions") else {}
        heard.append((action.get("action_id") or body.get("command") or body.get("callback_id"), body))

    for kind in ("message", "app_mention", "member_joined_channel", "reaction_added"):
        app.event(kind)(_ignore)
    _add_presses(app, hear)
    _add_views(app, heard)

    @app.command("/aiops")
    async def command(ack, body):
        await hear(body)
        await ack(f"nothing to do for {body['text']}")

    @app.shortcut("triage_message")
    async def triage(ack, body, client):
        await hear(body)
        await ack()
        await client.chat_postMessage(channel=body["channel"]["id"], thread_ts=body["message_ts"], text="on it")

    @app.event("app_home_opened")
    async def opened(event, client):
        heard.append(("app_home_opened", event))
        count = len([name for name, _ in heard if name == "app_home_opened"])
        await client.views_publish(user_id=event["user"], view=home(count))

    return app, heard


async def _ignore():
    """Takes an event and does nothing, so that Bolt acknowledges it."""


def _add_presses(app, hear):
    @app.action("open_form")
    async def open_form(ack, body, client):
        await hear(body)
        await ack()
        await client.views_open(trigger_id=body["trigger_id"], view=form())

    @app.action("push")
    async def push(ack, body, client):
        await hear(body)
        await ack()
        await client.views_push(trigger_id=body["trigger_id"], view=second_view())

    @app.action("details")
    async def details(ack, body, client):
        await hear(body)
        await ack()
        await client.chat_postEphemeral(
            channel=body["channel"]["id"], user=body["user"]["id"], text="for your eyes only"
        )

    for name in ("restart", "pick", "service", "more", "day", "boxes", "review", "feedback", "remove"):

        @app.action(name)
        async def any_press(ack, body):
            await hear(body)
            await ack()


def _add_views(app, heard):
    async def services(ack, body):
        heard.append(("options", body))
        await ack(options=[option(name) for name in SERVICES if body["value"].lower() in name])

    app.options("service")(services)
    app.options("value")(services)

    @app.view("form")
    async def submitted(ack, body):
        values = {block: entry["value"] for block, entry in body["view"]["state"]["values"].items()}
        heard.append(("form", {"user": body["user"]["id"], "values": values}))
        if values["line"]["value"] == "bad":
            await ack(response_action="errors", errors={"line": "The bot does not like this line."})
        else:
            await ack()

    @app.view("root_cause")
    async def cause(ack, body):
        heard.append(("root_cause", body["view"]["state"]["values"]))
        await ack()
