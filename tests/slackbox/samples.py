"""One valid example of every block that slackbox knows."""


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
    return {"type": "button", "text": plain(text), "action_id": action_id, **more}


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
    return [
        {"type": "section", "text": mrkdwn("Top-1 right in *61 %* of 23 labelled incidents, up 8 points")},
        {
            "type": "data_visualization",
            "title": "First hypothesis right",
            "chart": {
                "type": "line",
                "series": [series("top 1", 44, 48, 50, 49, 53, 61), series("top 3", 66, 70, 69, 74, 78, 81)],
                "axis_config": {"categories": WEEKS, "x_label": "week", "y_label": "% of incidents"},
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


def other():
    return [
        {"type": "markdown", "text": "## Note\nA **bold** claim with [a link](https://example.com)\n- one\n- two"},
        {
            "type": "rich_text",
            "elements": [
                {
                    "type": "rich_text_list",
                    "style": "ordered",
                    "elements": [
                        {"type": "rich_text_section", "elements": [{"type": "text", "text": "drain the node"}]},
                        {"type": "rich_text_section", "elements": [{"type": "user", "user_id": "U0ANA"}]},
                    ],
                },
                {"type": "rich_text_preformatted", "elements": [{"type": "text", "text": "kubectl drain n1"}]},
                {"type": "rich_text_quote", "elements": [{"type": "text", "text": "it was the deploy"}]},
            ],
        },
        {"type": "image", "image_url": "https://example.com/a.png", "alt_text": "error rate over time"},
        {"type": "task_card", "task_id": "t", "title": "One task", "status": "complete"},
        card("*Card* alone", "body", "alone"),
        {
            "type": "actions",
            "elements": [
                {
                    "type": "static_select",
                    "action_id": "pick",
                    "placeholder": plain("Cause"),
                    "options": [{"text": plain("deploy"), "value": "deploy"}, {"text": plain("data"), "value": "data"}],
                },
                {"type": "users_select", "action_id": "who", "placeholder": plain("Who")},
            ],
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


MESSAGES = {"hypothesis": hypothesis, "progress": progress, "similar": similar, "digest": digest, "other": other}
