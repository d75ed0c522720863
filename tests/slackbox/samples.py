"""Valid examples: every block and every element that slackbox knows, and each message a triage bot designs.

MESSAGES and VIEWS make whole payloads, new with each call; BLOCKS and ELEMENTS hold one example by type, to be changed
only as a copy.
"""

import copy


def plain(text):
    return {"type": "plain_text", "text": text}


def mrkdwn(text):
    return {"type": "mrkdwn", "text": text}


def rich(*words):
    return {
        "type": "rich_text",
        "elements": [{"type": "rich_text_section", "elements": [{"type": "text", "text": word} for word in words]}],
    }


def button(text, action_id, **more):
    return {"type": "button", "text": plain(text), "action_id": action_id, **copy.deepcopy(more)}


def cell(text):
    return {"type": "raw_text", "text": text}


def card(title, body, action_id):
    return {
        "type": "card",
        "title": mrkdwn(title),
        "subtitle": mrkdwn("12 Oct 2026 · 83 % match"),
        "body": mrkdwn(body),
        "actions": [button("Open Incident", action_id, value="INC-7")],
    }


WEEKS = ["W42", "W43", "W44", "W45", "W46", "W47"]

CONFIRM = {
    "title": plain("Restart checkout?"),
    "text": plain("Three pods restart one after the other."),
    "confirm": plain("Restart"),
    "deny": plain("Cancel"),
    "style": "danger",
}


def series(name, *values):
    points = [{"label": week, "value": value} for week, value in zip(WEEKS, values, strict=True)]
    return {"name": name, "data": points}


def hypothesis():
    """A message such as a triage bot posts."""
    return [
        {"type": "header", "text": plain("Likely cause: checkout deploy v42")},
        {
            "type": "section",
            "text": mrkdwn(
                "Error rate on `checkout` rose from *0.3 %* to *4.1 %* two minutes after <https://example.com/v42|v42>."
            ),
            "fields": [
                mrkdwn("*Confidence*\n72 %, from 34 similar calls"),
                mrkdwn("*Service*\ncheckout (payments)"),
                mrkdwn("*Started*\n<!date^1795424400^{date_short_pretty} {time}|09:00 UTC>"),
                mrkdwn("*Blast radius*\n3 services, <@U0CHEN> owns"),
            ],
        },
        {"type": "divider"},
        {
            "type": "container",
            "title": plain("Evidence (3)"),
            "is_collapsible": True,
            "default_collapsed": False,
            "child_blocks": [
                {"type": "section", "text": mrkdwn("*E1* v42 deployed 08:58 by ben · <https://example.com|commit>")},
                {"type": "section", "text": mrkdwn("*E2* `NullPointerException` ×214 since 09:00, none before")},
                {"type": "section", "text": mrkdwn("*E3* p95 latency of `payments` unchanged")},
            ],
        },
        {
            "type": "context",
            "elements": [mrkdwn("offline analyst · evidence until 09:04 UTC"), mrkdwn(":bar_chart: 3 of 5 sources")],
        },
        {
            "type": "actions",
            "block_id": "act",
            "elements": [
                button("Review Fix", "review", style="primary", value="h1"),
                button("Record Root Cause", "record"),
                button("Restart", "restart", style="danger", confirm=CONFIRM),
                {
                    "type": "overflow",
                    "action_id": "more",
                    "options": [
                        {"text": plain("Run again"), "value": "rerun"},
                        {"text": plain("Wrong service"), "value": "wrong"},
                    ],
                },
            ],
        },
        {
            "type": "context_actions",
            "elements": [
                {
                    "type": "feedback_buttons",
                    "action_id": "feedback",
                    "positive_button": {"text": plain("Good"), "value": "good"},
                    "negative_button": {"text": plain("Bad"), "value": "bad"},
                },
                {"type": "icon_button", "icon": "trash", "text": plain("Remove"), "action_id": "remove"},
            ],
        },
    ]


def progress():
    """Live progress while the bot looks for a cause."""
    return [
        {
            "type": "plan",
            "title": "Checking recent changes",
            "tasks": [
                {
                    "type": "task_card",
                    "task_id": "1",
                    "title": "Read metrics",
                    "status": "complete",
                    "details": rich("checkout, 08:45 to 09:05"),
                    "output": rich("errors 0.3 % → 4.1 %"),
                    "sources": [{"type": "url", "url": "https://example.com", "text": "Prometheus"}],
                },
                {"type": "task_card", "task_id": "2", "title": "Check recent changes", "status": "in_progress"},
                {"type": "task_card", "task_id": "3", "title": "Search logs", "status": "error"},
                {"type": "task_card", "task_id": "4", "title": "Find similar incidents", "status": "pending"},
            ],
        }
    ]


def similar():
    return [
        {
            "type": "carousel",
            "elements": [
                card("INC-7 Checkout 500s", "Deploy removed a null check; rolled back v31.", "open1"),
                card("INC-3 Payment timeouts", "Connection pool too small after a migration.", "open2"),
                card("INC-2 Cart errors", "Feature flag enabled for everyone.", "open3"),
            ],
        },
        {
            "type": "table",
            "rows": [
                [cell("Incident"), cell("Cause"), cell("Match")],
                [cell("INC-7"), cell("deploy"), {"type": "raw_number", "value": 83, "text": "83 %"}],
                [cell("INC-3"), rich("capacity"), {"type": "raw_number", "value": 61, "text": "61 %"}],
            ],
            "column_settings": [{"align": "left"}, {"is_wrapped": True}, {"align": "right"}],
        },
    ]


def digest():
    """The weekly digest with its charts and its worst cases."""
    return [
        {"type": "section", "text": mrkdwn("Top-1 right in *61 %* of 23 labelled incidents, up 8 points")},
        {
            "type": "data_visualization",
            "title": "First hypothesis right",
            "chart": {
                "type": "line",
                "series": [series("top 1", 44, 48, 50, 49, 53, 61), series("top 3", 66, 70, 69, 74, 78, 81)],
                "axis_config": {"categories": list(WEEKS), "x_label": "week", "y_label": "% of incidents"},
            },
        },
        {
            "type": "data_visualization",
            "title": "Causes",
            "chart": {"type": "pie", "segments": [{"label": "deploy", "value": 12}, {"label": "capacity", "value": 5}]},
        },
        {
            "type": "data_table",
            "caption": "Worst misses",
            "page_size": 2,
            "rows": [
                [cell("Incident"), cell("Confidence"), cell("Label")],
                *(
                    [
                        cell(f"INC-{n}"),
                        {"type": "raw_number", "value": 90 - n, "text": f"{90 - n} %"},
                        {"type": "action_cell", "element": button("Label", f"label{n}"), "fallback": cell("no label")},
                    ]
                    for n in range(1, 6)
                ),
            ],
        },
    ]


def alert_summary():
    """The first reply under an alert."""
    return [
        {
            "type": "section",
            "text": mrkdwn("*High error rate on checkout*: investigating. Owner <!subteam^S0ONCALL|@oncall>"),
            "accessory": button("Mute", "mute", value="fp-1", accessibility_label="Mute this alert for an hour"),
        },
        {"type": "context", "elements": [mrkdwn("Seen 3 times since 09:00 UTC"), mrkdwn("fingerprint `a1b2c3`")]},
    ]


def weakened():
    """A change of mind, as a short line in the thread."""
    return [
        {
            "type": "section",
            "text": mrkdwn(
                "*Hypothesis weakened*: errors went on after the rollback of <https://example.com/v42|v42>."
            ),
        }
    ]


def preformatted(*lines):
    return {
        "type": "rich_text",
        "elements": [
            {"type": "rich_text_preformatted", "elements": [{"type": "text", "text": "\n".join(lines)}], "border": 0}
        ],
    }


def _request():
    return [
        {"type": "header", "text": plain("Approve restart of checkout-api (prod)?")},
        {
            "type": "section",
            "fields": [
                mrkdwn("*Requested by*\n<@U0ANA>"),
                mrkdwn("*Reason*\nmemory leak since v42"),
                mrkdwn("*Risk*\nmedium: one pod at a time"),
                mrkdwn("*Reversible*\nyes, roll back to v41"),
                mrkdwn("*Expires*\n<!date^1795424400^{time}|09:15 UTC>"),
            ],
        },
        preformatted("kubectl rollout restart deploy/checkout-api", "dry run: 3 pods would restart, 2 stay ready"),
        {"type": "context", "elements": [mrkdwn("runs as `aiops-runner` · runbook restart-service v3")]},
    ]


def approval():
    """A request that somebody else has to answer."""
    return [
        *_request(),
        {
            "type": "actions",
            "block_id": "approval-3",
            "elements": [
                button("Run Restart", "approve", style="danger", value="run-9", confirm=CONFIRM),
                button("Reject", "reject", value="run-9"),
                button("Edit Parameters", "edit", value="run-9"),
            ],
        },
    ]


def approved():
    return [
        *_request(),
        {"type": "context", "elements": [mrkdwn(":white_check_mark: Approved by <@U0BEN>, 09:04 UTC")]},
    ]


def rejected():
    return [
        *_request(),
        {"type": "context", "elements": [mrkdwn("Rejected by <@U0BEN>: _wait for the freeze to end_")]},
    ]


def expired():
    return [*_request(), {"type": "context", "elements": [mrkdwn("Expired 09:15 UTC. Nothing was run.")]}]


def run_progress():
    """A plan with one task for each step, under the approval."""
    return [
        {
            "type": "plan",
            "title": "Restarting checkout-api, 41 s",
            "tasks": [
                task("1", "Checked that no rollout is under way", "complete", output="3 of 3 ready"),
                task("2", "Restarting pods one by one", "in_progress", details="checkout-api in prod"),
                task("3", "Watch the error rate for 5 minutes", "pending"),
            ],
        },
        {"type": "actions", "elements": [button("Stop", "stop", style="danger", confirm=CONFIRM)]},
    ]


def result():
    return [
        {
            "type": "section",
            "text": mrkdwn("*Restarted checkout-api*: error rate *4.1 %* to *0.3 %* in 6 min. Approved by <@U0BEN>."),
        },
        {"type": "context", "elements": [mrkdwn("took 2 min 10 s · <https://example.com/audit/9|audit entry>")]},
    ]


def failed():
    """A step failed: which one, what state it left, how to go on."""
    return [
        {
            "type": "section",
            "text": mrkdwn(
                "*Step 2 failed*: pod `checkout-api-2` is not ready after 120 s. 1 of 3 pods runs the new state."
            ),
        },
        {
            "type": "actions",
            "elements": [
                button("Roll Back", "rollback", style="danger", confirm=CONFIRM),
                button("Try Again", "again"),
                button("Leave It", "leave"),
            ],
        },
    ]


def root_cause_reply():
    """The bot's answer to a reply that starts with "root cause:"."""
    return [
        {
            "type": "rich_text",
            "elements": [
                {"type": "rich_text_section", "elements": [{"type": "text", "text": "Root cause as written:"}]},
                {
                    "type": "rich_text_quote",
                    "elements": [{"type": "text", "text": "v42 removed a null check"}],
                    "border": 1,
                },
            ],
        },
        {
            "type": "actions",
            "elements": [
                button("Save", "save", style="primary"),
                button("Edit", "edit"),
                button("Not a Root Cause", "dismiss"),
            ],
        },
    ]


def rich_everything():
    """Every part and every element of rich text, with every style."""
    inline = [
        {"type": "text", "text": "bold ", "style": {"bold": True}},
        {"type": "text", "text": "italic ", "style": {"italic": True}},
        {"type": "text", "text": "struck ", "style": {"strike": True}},
        {"type": "text", "text": "code", "style": {"code": True}},
        {"type": "text", "text": " underlined ", "style": {"underline": True, "bold": True}},
        {"type": "link", "url": "https://example.com/v42", "text": "v42", "style": {"bold": True}},
        {"type": "emoji", "name": "wave", "skin_tone": 2},
        {"type": "user", "user_id": "U0ANA"},
        {"type": "usergroup", "usergroup_id": "S0ONCALL"},
        {"type": "channel", "channel_id": "C0ALERTS"},
        {"type": "team", "team_id": "T0BOX"},
        {"type": "broadcast", "range": "here"},
        {"type": "date", "timestamp": 1795424400, "format": "{date_short_pretty} {time}", "fallback": "09:00 UTC"},
        {"type": "color", "value": "#E01E5A"},
    ]
    return {
        "type": "rich_text",
        "elements": [
            {"type": "rich_text_section", "elements": inline},
            {
                "type": "rich_text_list",
                "style": "ordered",
                "offset": 2,
                "elements": [_item("drain the node"), _item("replace it")],
            },
            {
                "type": "rich_text_list",
                "style": "bullet",
                "indent": 1,
                "border": 1,
                "elements": [_item("node 3 first")],
            },
            {
                "type": "rich_text_preformatted",
                "elements": [
                    {"type": "text", "text": "kubectl drain n1\n"},
                    {"type": "link", "url": "https://example.com/log"},
                ],
                "language": "sh",
            },
            {"type": "rich_text_quote", "elements": [{"type": "text", "text": "it was the deploy"}]},
        ],
    }


def _item(text):
    return {"type": "rich_text_section", "elements": [{"type": "text", "text": text}]}


def option(word, **more):
    return {"text": plain(word), "value": word.lower(), **more}


def options(*words):
    return [option(word) for word in words]


def menu(kind, **more):
    return {"type": kind, "action_id": kind, "placeholder": plain("Choose"), **more}


CAUSES = options("Deploy", "Capacity", "Data", "Network")
GROUPS = [
    {"label": plain("Ours"), "options": options("Deploy", "Data")},
    {"label": plain("Theirs"), "options": options("Provider", "Network")},
]

PRESSED = {
    "button": button("Open Incident", "open", url="https://example.com/inc/7", value="INC-7"),
    "workflow_button": {
        "type": "workflow_button",
        "action_id": "page",
        "text": plain("Page Owner"),
        "workflow": {
            "trigger": {
                "url": "https://slack.com/shortcuts/Ft0123/abc",
                "customizable_input_parameters": [{"name": "service", "value": "checkout"}],
            }
        },
    },
    "overflow": {
        "type": "overflow",
        "action_id": "overflow",
        "options": [
            option("Run again"),
            option("Open log", url="https://example.com/log", description=plain("New tab")),
        ],
        "confirm": CONFIRM,
    },
}

PICKED = {
    "static_select": menu("static_select", options=CAUSES, initial_option=CAUSES[1]),
    "external_select": menu("external_select", min_query_length=2),
    "users_select": menu("users_select", initial_user="U0BEN"),
    "conversations_select": menu(
        "conversations_select",
        default_to_current_conversation=True,
        filter={"include": ["public", "private"], "exclude_bot_users": True},
    ),
    "channels_select": menu("channels_select", initial_channel="C0ALERTS"),
    "multi_static_select": menu("multi_static_select", option_groups=GROUPS, max_selected_items=2),
    "multi_external_select": menu("multi_external_select", initial_options=options("Payments")),
    "multi_users_select": menu("multi_users_select", initial_users=["U0ANA", "U0BEN"]),
    "multi_conversations_select": menu("multi_conversations_select", initial_conversations=["C0ALERTS"]),
    "multi_channels_select": menu("multi_channels_select", max_selected_items=3),
    "datepicker": menu("datepicker", initial_date="2026-11-23"),
    "timepicker": menu("timepicker", initial_time="09:30", timezone="Europe/Berlin"),
    "checkboxes": {
        "type": "checkboxes",
        "action_id": "checkboxes",
        "options": [
            {"text": mrkdwn("*Notify* the owner"), "value": "notify", "description": mrkdwn("in `#payments`")},
            {"text": plain("Open a ticket"), "value": "ticket"},
        ],
        "initial_options": [{"text": plain("Open a ticket"), "value": "ticket"}],
    },
    "radio_buttons": {
        "type": "radio_buttons",
        "action_id": "radio_buttons",
        "options": options("Yes", "Partly", "No"),
        "initial_option": option("Partly"),
    },
}

TYPED = {
    "plain_text_input": menu("plain_text_input", multiline=True, min_length=3, max_length=2000),
    "rich_text_input": menu("rich_text_input", initial_value=rich("v42 removed a null check"), min_lines=2),
    "email_text_input": menu("email_text_input", initial_value="ana@example.com"),
    "url_text_input": menu("url_text_input", dispatch_action_config={"trigger_actions_on": ["on_enter_pressed"]}),
    "number_input": menu("number_input", is_decimal_allowed=True, min_value="0", max_value="100", initial_value="2.5"),
}

ELEMENTS = {
    **PRESSED,
    **PICKED,
    **TYPED,
    "datetimepicker": {"type": "datetimepicker", "action_id": "datetimepicker", "initial_date_time": 1795424400},
    "file_input": {"type": "file_input", "action_id": "file_input", "filetypes": ["png", "log"], "max_files": 3},
    "image": {"type": "image", "image_url": "https://example.com/checkout.png", "alt_text": "logo of checkout"},
    "feedback_buttons": {
        "type": "feedback_buttons",
        "action_id": "feedback",
        "positive_button": {"text": plain("Good"), "value": "good", "accessibility_label": "The hypothesis helped"},
        "negative_button": {"text": plain("Bad"), "value": "bad"},
    },
    "icon_button": {
        "type": "icon_button",
        "icon": "trash",
        "text": plain("Remove"),
        "action_id": "remove",
        "visible_to_user_ids": ["U0ANA"],
        "confirm": CONFIRM,
    },
}


def held(*kinds):
    """Elements of these types, safe to change."""
    return [copy.deepcopy(ELEMENTS[kind]) for kind in kinds]


def everything_to_press():
    """Every element that may stand in a message, in the blocks that hold it."""
    return [
        *(
            {"type": "section", "text": mrkdwn(f"Beside a section: `{element['type']}`"), "accessory": element}
            for element in held(*PRESSED, *PICKED, "image")
        ),
        {"type": "actions", "elements": held(*PRESSED, *PICKED, "datetimepicker")},
        {"type": "context_actions", "elements": held("feedback_buttons", "icon_button")},
        {"type": "context", "elements": [*held("image"), plain("checkout"), mrkdwn("*payments*")]},
    ]


def task(number, title, status, *, details=None, output=None):
    texts = {"details": details, "output": output}
    shown = {name: rich(text) for name, text in texts.items() if text is not None}
    return {"type": "task_card", "task_id": number, "title": title, "status": status, **shown}


VIDEO = {
    "type": "video",
    "title": plain("How the rollback went"),
    "title_url": "https://example.com/watch/9",
    "description": plain("Two minutes from the incident review"),
    "video_url": "https://example.com/embed/9",
    "thumbnail_url": "https://example.com/9.png",
    "alt_text": "recording of a rollback",
    "author_name": "Ana",
    "provider_name": "Example Video",
    "provider_icon_url": "https://example.com/icon.png",
}

CONNECTION = {
    "type": "auth_provider",
    "value": "grafana",
    "name": plain("Grafana"),
    "is_connected": True,
    "description": plain("Reads dashboards for you"),
    "auth_url": "https://example.com/auth",
    "connected_identity": plain("ana@example.com"),
    "accessory": ELEMENTS["overflow"],
    "fallback": [{"type": "section", "text": plain("Grafana is connected as ana@example.com")}],
}


def other():
    """Blocks that no design needs, so that each stands somewhere."""
    return [
        {"type": "markdown", "text": "## Note\nA **bold** claim with [a link](https://example.com)\n- one\n- two"},
        rich_everything(),
        {
            "type": "image",
            "image_url": "https://example.com/a.png",
            "alt_text": "error rate over time",
            "title": plain("Error rate"),
        },
        {"type": "image", "slack_file": {"id": "F0123456"}, "alt_text": "flame graph"},
        task("t", "One task", "complete"),
        {
            "type": "card",
            "hero_image": held("image")[0],
            "slack_icon": {"type": "icon", "name": "bug"},
            "title": mrkdwn("*Card* alone"),
            "subtitle": plain("checkout"),
            "body": mrkdwn("body"),
            "subtext": mrkdwn("seen 3 times"),
            "actions": [button("Open", "alone")],
        },
        {
            "type": "container",
            "rich_text_title": rich("Considered and ruled out"),
            "subtitle": mrkdwn("2 of 5"),
            "icon": held("image")[0],
            "width": "wide",
            "has_header_divider": True,
            "child_blocks": [
                {"type": "divider"},
                rich("Network: no loss"),
                {"type": "header", "text": plain("Capacity")},
            ],
        },
        {"type": "header", "text": plain("Second level"), "level": 2},
        copy.deepcopy(VIDEO),
        {"type": "call", "call_id": "R0123456"},
        copy.deepcopy(CONNECTION),
        {
            "type": "actions",
            "elements": [
                menu("static_select", options=copy.deepcopy(CAUSES)),
                menu("users_select"),
            ],
        },
    ]


def charts():
    """The kinds of chart that the digest does not show; two in a message are the most."""
    axes = {"categories": list(WEEKS), "x_label": "week", "y_label": "minutes"}
    return [
        {
            "type": "data_visualization",
            "title": "Time to first hypothesis",
            "chart": {"type": "bar", "series": [series("median", 4, 3.5, 3, 3, 2.5, 2)], "axis_config": axes},
        },
        {
            "type": "data_visualization",
            "title": "Incidents by cause",
            "chart": {
                "type": "area",
                "series": [series("deploy", 5, 4, 6, 3, 2, 4), series("capacity", 1, 2, 0, 1, 1, 0)],
                "axis_config": {"categories": list(WEEKS)},
            },
        },
    ]


def modal():
    return {
        "type": "modal",
        "callback_id": "root_cause",
        "title": plain("Record root cause"),
        "submit": plain("Save"),
        "close": plain("Cancel"),
        "blocks": [
            {"type": "alert", "level": "info", "text": plain("This is what the bot learns from.")},
            {
                "type": "input",
                "block_id": "cause",
                "label": plain("What was the cause?"),
                "element": {"type": "plain_text_input", "action_id": "text", "multiline": True, "max_length": 2000},
            },
            {
                "type": "input",
                "block_id": "right",
                "label": plain("Was the hypothesis right?"),
                "element": {
                    "type": "radio_buttons",
                    "action_id": "choice",
                    "options": [{"text": plain(word.title()), "value": word} for word in ("yes", "partly", "no")],
                },
            },
            {
                "type": "input",
                "block_id": "fix",
                "optional": True,
                "label": plain("What fixed it?"),
                "element": {"type": "plain_text_input", "action_id": "text"},
            },
        ],
    }


def every_input():
    """A modal with every input that there is."""
    return {
        "type": "modal",
        "callback_id": "every_input",
        "external_id": "every-input-1",
        "private_metadata": "INC-7",
        "title": plain("Every input"),
        "submit": plain("Save"),
        "close": plain("Cancel"),
        "clear_on_close": False,
        "notify_on_close": True,
        "blocks": [
            {"type": "alert", "level": "warning", "text": mrkdwn("*Nothing* here is saved.")},
            *(
                {
                    "type": "input",
                    "block_id": f"in-{element['type']}",
                    "label": plain(element["type"].replace("_", " ")),
                    "hint": plain("A hint below the input"),
                    "optional": element["type"] != "plain_text_input",
                    "element": element,
                }
                for element in held(*TYPED, *PICKED, "datetimepicker", "file_input")
            ),
        ],
    }


def rejection():
    """The modal that asks why a request is rejected."""
    reason = {"type": "plain_text_input", "action_id": "text", "multiline": True, "focus_on_load": True}
    return {
        "type": "modal",
        "callback_id": "reject",
        "private_metadata": "run-9",
        "title": plain("Reject restart"),
        "submit": plain("Reject"),
        "close": plain("Back"),
        "blocks": [{"type": "input", "block_id": "reason", "label": plain("Why not?"), "element": reason}],
    }


def home():
    """The Home tab: what waits for me, what runs, how the bot is."""
    return {
        "type": "home",
        "callback_id": "home",
        "blocks": [
            {"type": "header", "text": plain("Waiting for you")},
            {
                "type": "section",
                "text": mrkdwn("*Restart of checkout-api* asked by <@U0ANA>"),
                "accessory": button("Open", "open_approval", url="https://example.com/archives/C0ALERTS/p1"),
            },
            {"type": "divider"},
            {"type": "header", "text": plain("Running")},
            {"type": "section", "text": mrkdwn("INC-9 · payments latency · 41 s")},
            similar()[1],
            digest()[1],
            {"type": "actions", "elements": [button("Settings", "settings")]},
            {"type": "context", "elements": [mrkdwn("connected · last event 12 s ago · updated 09:04 UTC")]},
        ],
    }


MESSAGES = {
    "alert": alert_summary,
    "hypothesis": hypothesis,
    "weakened": weakened,
    "progress": progress,
    "similar": similar,
    "approval": approval,
    "approved": approved,
    "rejected": rejected,
    "expired": expired,
    "run progress": run_progress,
    "result": result,
    "failed": failed,
    "root cause": root_cause_reply,
    "digest": digest,
    "charts": charts,
    "everything to press": everything_to_press,
    "other": other,
}
VIEWS = {"root cause": modal, "every input": every_input, "rejection": rejection, "home": home}
# The first example of every block that may be sent.
BLOCKS = {
    block["type"]: block
    for block in reversed(
        [
            *(block for make in MESSAGES.values() for block in make()),
            *(block for make in VIEWS.values() for block in make()["blocks"]),
        ]
    )
}
