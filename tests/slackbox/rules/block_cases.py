"""One case for each place where a row of slackbox/limits.py holds: a payload that is valid, and what to put where.

A case puts a value of size n at a JSON pointer: at the limit the payload is accepted, one over it is refused there.
"""

import copy
from dataclasses import dataclass
from typing import Any

from tests.slackbox import samples
from tests.slackbox.samples import button, cell, mrkdwn, option, plain, rich

# ---- sizes


def letters(n):
    return "x" * n


def address(n):
    return "https://e.com/".ljust(n, "x")


def same(n):
    return n


def many(make):
    """A list of n things, each made from its number."""
    return lambda n: [make(number) for number in range(n)]


def rows_of(characters):
    """Two rows of a data table that hold so many characters in all."""
    return [[cell("x")], [cell("x" * (characters - 1))]]


# ---- payloads; a list is a message's blocks, an object a view


def press(kind):
    return lambda: [{"type": "actions", "elements": samples.held(kind)}]


def beside(kind):
    return lambda: [{"type": "section", "text": mrkdwn("x"), "accessory": samples.held(kind)[0]}]


def foot(kind):
    return lambda: [{"type": "context_actions", "elements": samples.held(kind)}]


def ask(kind):
    return lambda: modal({"type": "input", "label": plain("x"), "element": samples.held(kind)[0]})


def one(kind):
    return lambda: [copy.deepcopy(samples.BLOCKS[kind])]


def modal(*blocks):
    return {"type": "modal", "title": plain("x"), "submit": plain("x"), "blocks": list(blocks) or [{"type": "divider"}]}


def in_modal(kind):
    return lambda: modal(copy.deepcopy(samples.BLOCKS[kind]))


def home():
    return {"type": "home", "blocks": [{"type": "divider"}]}


def text_section():
    return [{"type": "section", "text": plain("x"), "block_id": "b"}]


def card():
    return [samples.card("t", "b", "a")]


def container():
    return [{"type": "container", "title": plain("x"), "subtitle": plain("x"), "child_blocks": [{"type": "divider"}]}]


def choices():
    return [{"type": "actions", "elements": [samples.menu("static_select", options=samples.options("One", "Two"))]}]


def groups():
    offered = [{"label": plain("g"), "options": samples.options("One")}]
    return [{"type": "actions", "elements": [samples.menu("static_select", option_groups=offered)]}]


def radios():
    return [{"type": "actions", "elements": [{"type": "radio_buttons", "action_id": "r", "options": [option("One")]}]}]


def boxes():
    return [{"type": "actions", "elements": [{"type": "checkboxes", "action_id": "c", "options": [option("One")]}]}]


def confirmed():
    return [{"type": "actions", "elements": [button("x", "a", confirm=copy.deepcopy(samples.CONFIRM))]}]


def table():
    return [{"type": "table", "rows": [[cell("a")]], "column_settings": [{"align": "left"}]}]


def data_table():
    return [{"type": "data_table", "caption": "c", "rows": [[cell("a")], [cell("b")]]}]


def wide_data_table():
    """A header of twenty columns, so that the last of them may name the rows."""
    return [{"type": "data_table", "caption": "c", "rows": [[cell("a")] * 20] * 2}]


def chart(kind="line"):
    points = [{"label": "W1", "value": 1}]
    axes = {"categories": ["W1"], "x_label": "x", "y_label": "y"}
    return [
        {
            "type": "data_visualization",
            "title": "t",
            "chart": {"type": kind, "series": [{"name": "s", "data": points}], "axis_config": axes},
        }
    ]


def chart_of(n):
    """A line through n points."""
    labels = [str(number) for number in range(n)]
    block = chart()[0]
    block["chart"]["series"][0]["data"] = [{"label": label, "value": 1} for label in labels]
    block["chart"]["axis_config"]["categories"] = labels
    return [block]


def chart_named(n):
    """A line through one point whose label has n characters."""
    block = chart()[0]
    block["chart"]["series"][0]["data"][0]["label"] = "x" * n
    block["chart"]["axis_config"]["categories"] = ["x" * n]
    return [block]


def pie():
    return [{"type": "data_visualization", "title": "t", "chart": {"type": "pie", "segments": [_slice(0)]}}]


def _slice(number):
    return {"label": str(number), "value": 1}


def plan():
    source = {"type": "url", "url": "https://e.com", "text": "x"}
    task = samples.task("1", "t", "pending", details="d") | {"sources": [source]}
    return [{"type": "plan", "title": "p", "tasks": [task]}]


def slack_file():
    return [{"type": "image", "alt_text": "x", "slack_file": {"id": "F1"}}]


def slack_file_address():
    return [{"type": "image", "alt_text": "x", "slack_file": {"url": "https://e.com"}}]


def rich_list():
    return [
        {
            "type": "rich_text",
            "elements": [
                {"type": "rich_text_list", "style": "bullet", "elements": rich("x")["elements"]},
                {"type": "rich_text_section", "elements": [{"type": "emoji", "name": "wave", "skin_tone": 1}]},
                {"type": "rich_text_section", "elements": [{"type": "link", "url": "https://e.com"}]},
                {"type": "rich_text_preformatted", "elements": [{"type": "text", "text": "x"}]},
                {"type": "rich_text_section", "elements": [{"type": "date", "timestamp": 1, "format": "{date}"}]},
            ],
        }
    ]


def series_point(number):
    return {"name": str(number), "data": [{"label": "W1", "value": 1}]}


def trash(number):
    return {"type": "icon_button", "icon": "trash", "text": plain("x"), "action_id": str(number)}


@dataclass(frozen=True, kw_only=True)
class Case:
    """`at` is where the value goes; `refused_at` is where the offence is, when that is another place."""

    limit: str
    payload: Any
    at: str
    value: Any
    refused_at: str | None = None

    @property
    def name(self):
        return f"{self.limit} at {self.place or '/'}"

    def of(self, n):
        """The payload with a value of size n in its place."""
        made = self.payload()
        if not self.at:
            return self.value(n)
        *parents, last = self.at.removeprefix("/").split("/")
        node = made
        for key in parents:
            node = node[int(key)] if isinstance(node, list) else node[key]
        node[int(last) if isinstance(node, list) else last] = self.value(n)
        return made

    @property
    def place(self):
        return self.at if self.refused_at is None else self.refused_at


def case(limit, payload, at, value, refused_at=None):
    return Case(limit=limit, payload=payload, at=at, value=value, refused_at=refused_at)


def dividers(number):
    return {"type": "divider", "block_id": str(number)}


E = "/0/elements/0"  # the element of an actions block
I = "/blocks/0/element"  # noqa: E741 - the input of a modal
PAYLOADS = [
    case("MESSAGE_BLOCKS", list, "", many(dividers)),
    case("VIEW_BLOCKS", home, "/blocks", many(dividers)),
    case("VIEW_BLOCKS", modal, "/blocks", many(dividers)),
    case("MODAL_TITLE", modal, "/title/text", letters),
    case("MODAL_BUTTON", modal, "/submit/text", letters),
    case("MODAL_BUTTON", modal, "/close", lambda n: plain("x" * n), "/close/text"),
    case("PRIVATE_METADATA", home, "/private_metadata", letters),
    case("ID", home, "/callback_id", letters),
    case("ID", modal, "/external_id", letters),
    case("MARKDOWN_TOTAL", one("markdown"), "/0/text", letters),
    case(
        "MARKDOWN_TOTAL",
        list,
        "",
        lambda n: [{"type": "markdown", "text": "x" * size} for size in (n - 5000, 5000)],
        "",
    ),
    case("TABLES_PER_MESSAGE", list, "", many(lambda _: table()[0])),
    case("CHARTS_PER_MESSAGE", list, "", many(lambda _: chart()[0])),
]
TEXTS = [
    case("ID", text_section, "/0/block_id", letters),
    case("ID", press("button"), f"{E}/action_id", letters),
    case("ID", plan, "/0/tasks/0/task_id", letters),
    case("SECTION_TEXT", text_section, "/0/text/text", letters),
    case("SECTION_FIELD_TEXT", text_section, "/0/fields", lambda n: [mrkdwn("x" * n)], "/0/fields/0/text"),
    case("SECTION_FIELDS", text_section, "/0/fields", many(lambda _: mrkdwn("x"))),
    case("HEADER_TEXT", one("header"), "/0/text/text", letters),
    case("HEADER_LEVEL", one("header"), "/0/level", same),
    case("CONTEXT_ELEMENTS", one("context"), "/0/elements", many(lambda _: mrkdwn("x"))),
    case("CONTEXT_TEXT", one("context"), "/0/elements/0/text", letters),
    case("ALERT_TEXT", in_modal("alert"), "/blocks/0/text/text", letters),
    case("ALT_TEXT", one("image"), "/0/alt_text", letters),
    case("ALT_TEXT", one("video"), "/0/alt_text", letters),
    case("ALT_TEXT", beside("image"), "/0/accessory/alt_text", letters),
    case("IMAGE_TITLE", one("image"), "/0/title", lambda n: plain("x" * n), "/0/title/text"),
    case("URL", one("image"), "/0/image_url", address),
    case("URL", one("video"), "/0/video_url", address),
    case("URL", press("button"), f"{E}/url", address),
    case("URL", press("overflow"), f"{E}/options/1/url", address),
    case("URL", rich_list, "/0/elements/2/elements/0/url", address),
    case("VIDEO_TITLE", one("video"), "/0/title/text", letters),
    case("VIDEO_DESCRIPTION", one("video"), "/0/description/text", letters),
    case("VIDEO_AUTHOR", one("video"), "/0/author_name", letters),
    case("AUTH_PROVIDER_VALUE", one("auth_provider"), "/0/value", letters),
    case("AUTH_PROVIDER_NAME", one("auth_provider"), "/0/name/text", letters),
    case("AUTH_PROVIDER_DESCRIPTION", one("auth_provider"), "/0/description/text", letters),
    case("AUTH_PROVIDER_CONNECTED", one("auth_provider"), "/0/connected_identity/text", letters),
    case("MESSAGE_BLOCKS", one("auth_provider"), "/0/fallback", many(dividers)),
    case("LIST_INDENT", rich_list, "/0/elements/0/indent", same),
    case("SKIN_TONE", rich_list, "/0/elements/1/elements/0/skin_tone", same),
]
ELEMENTS = [
    case("ACTIONS_ELEMENTS", press("button"), "/0/elements", many(lambda n: button("x", str(n)))),
    case("CONTEXT_ACTIONS_ELEMENTS", foot("icon_button"), "/0/elements", many(trash)),
    case("BUTTON_TEXT", press("button"), f"{E}/text/text", letters),
    case("BUTTON_TEXT", press("workflow_button"), f"{E}/text/text", letters),
    case("BUTTON_TEXT", foot("icon_button"), f"{E}/text/text", letters),
    case("BUTTON_TEXT", foot("feedback_buttons"), f"{E}/negative_button/text/text", letters),
    case("BUTTON_VALUE", press("button"), f"{E}/value", letters),
    case("BUTTON_VALUE", foot("feedback_buttons"), f"{E}/positive_button/value", letters),
    case("BUTTON_VALUE", foot("icon_button"), f"{E}/value", letters),
    case("AGENT_PROMPT", press("button"), f"{E}/agent_prompt", letters),
    case("ACCESSIBILITY_LABEL", press("button"), f"{E}/accessibility_label", letters),
    case("ACCESSIBILITY_LABEL", foot("feedback_buttons"), f"{E}/positive_button/accessibility_label", letters),
    case("VISIBLE_TO_USERS", press("button"), f"{E}/visible_to_user_ids", many(lambda n: f"U{n}")),
    case("VISIBLE_TO_USERS", foot("icon_button"), f"{E}/visible_to_user_ids", many(lambda n: f"U{n}")),
    case("CONFIRM_TITLE", confirmed, f"{E}/confirm/title/text", letters),
    case("CONFIRM_TEXT", confirmed, f"{E}/confirm/text/text", letters),
    case("CONFIRM_BUTTON", confirmed, f"{E}/confirm/confirm/text", letters),
    case("CONFIRM_BUTTON", confirmed, f"{E}/confirm/deny/text", letters),
    case("PLACEHOLDER", choices, f"{E}/placeholder/text", letters),
    case("PLACEHOLDER", ask("plain_text_input"), f"{I}/placeholder/text", letters),
    case("PLACEHOLDER", press("datepicker"), f"{E}/placeholder/text", letters),
    case("OPTION_TEXT", choices, f"{E}/options/0/text/text", letters),
    case("OPTION_TEXT", radios, f"{E}/options/0/text/text", letters),
    case("OPTION_VALUE", choices, f"{E}/options/0/value", letters),
    case("OPTION_VALUE", boxes, f"{E}/options/0/value", letters),
    case(
        "OPTION_DESCRIPTION",
        choices,
        f"{E}/options/0/description",
        lambda n: plain("x" * n),
        f"{E}/options/0/description/text",
    ),
    case("OPTION_GROUP_LABEL", groups, f"{E}/option_groups/0/label/text", letters),
    case("SELECT_OPTIONS", choices, f"{E}/options", many(lambda n: option(str(n)))),
    case("SELECT_OPTIONS", groups, f"{E}/option_groups/0/options", many(lambda n: option(str(n)))),
    case(
        "OPTION_GROUPS",
        groups,
        f"{E}/option_groups",
        many(lambda n: {"label": plain("g"), "options": [option(str(n))]}),
    ),
    case("OVERFLOW_OPTIONS", press("overflow"), f"{E}/options", many(lambda n: option(str(n)))),
    case("CHOICE_OPTIONS", radios, f"{E}/options", many(lambda n: option(str(n)))),
    case("CHOICE_OPTIONS", boxes, f"{E}/options", many(lambda n: option(str(n)))),
    case(
        "CONVERSATION_KINDS",
        press("conversations_select"),
        f"{E}/filter/include",
        lambda n: ["im", "mpim", "private", "public", "im"][:n],
    ),
    case(
        "TRIGGER_ACTIONS",
        ask("url_text_input"),
        f"{I}/dispatch_action_config/trigger_actions_on",
        lambda n: ["on_enter_pressed", "on_character_entered", "on_enter_pressed"][:n],
    ),
    case("INPUT_LABEL", ask("plain_text_input"), "/blocks/0/label/text", letters),
    case("INPUT_LABEL", ask("plain_text_input"), "/blocks/0/hint", lambda n: plain("x" * n), "/blocks/0/hint/text"),
    case("PLAIN_TEXT_INPUT", ask("plain_text_input"), f"{I}/max_length", same),
    case("PLAIN_TEXT_INPUT", ask("plain_text_input"), f"{I}/initial_value", letters),
    case("RICH_TEXT_INPUT_LINES", ask("rich_text_input"), f"{I}/max_lines", same),
    case("FILE_INPUT_FILES", ask("file_input"), f"{I}/max_files", same),
    case("DATE_TIME", press("datetimepicker"), f"{E}/initial_date_time", same),
]
DATA = [
    case("TABLE_ROWS", table, "/0/rows", many(lambda _: [cell("a")])),
    case("TABLE_CELLS", table, "/0/rows/0", many(lambda _: cell("a"))),
    case("TABLE_CELLS", table, "/0/column_settings", many(lambda _: None)),
    case("TABLE_CELLS", wide_data_table, "/0/row_header_column_index", lambda n: n - 1),
    case("TABLE_CELLS", data_table, "/0/rows", lambda n: [[cell("a")] * n] * 2, "/0/rows/0"),
    case("TABLE_CHARACTERS", table, "/0/rows/0/0/text", letters, ""),
    case("DATA_TABLE_ROWS", data_table, "/0/rows", many(lambda _: [cell("a")])),
    case("DATA_TABLE_CHARACTERS", data_table, "/0/rows", rows_of, ""),
    case("DATA_TABLE_PAGE", data_table, "/0/page_size", same),
    case("CHART_TITLE", chart, "/0/title", letters),
    case("CHART_AXIS_LABEL", chart, "/0/chart/axis_config/x_label", letters),
    case("CHART_AXIS_LABEL", chart, "/0/chart/axis_config/y_label", letters),
    case("CHART_SERIES", chart, "/0/chart/series", many(series_point)),
    case("CHART_SERIES_NAME", chart, "/0/chart/series/0/name", letters),
    case("CHART_POINTS", list, "", chart_of, "/0/chart/series/0/data"),
    case("CHART_POINTS", list, "", chart_of, "/0/chart/axis_config/categories"),
    case("CHART_POINT_LABEL", list, "", chart_named, "/0/chart/series/0/data/0/label"),
    case("CHART_POINT_LABEL", pie, "/0/chart/segments/0/label", letters),
    case("PIE_SLICES", pie, "/0/chart/segments", many(_slice)),
]
NESTING = [
    case("PLAN_TASKS", plan, "/0/tasks", many(lambda n: samples.task(str(n), "t", "pending"))),
    case("PLAN_TITLE", plan, "/0/title", letters),
    case("TASK_TITLE", plan, "/0/tasks/0/title", letters),
    case("TASK_TITLE", one("task_card"), "/0/title", letters),
    case("CARD_TITLE", card, "/0/title/text", letters),
    case("CARD_SUBTITLE", card, "/0/subtitle/text", letters),
    case("CARD_BODY", card, "/0/body/text", letters),
    case("CARD_SUBTEXT", card, "/0/subtext", lambda n: plain("x" * n), "/0/subtext/text"),
    case("CARD_ACTIONS", card, "/0/actions", many(lambda n: button("x", str(n)))),
    case("CAROUSEL_CARDS", lambda: [{"type": "carousel", "elements": []}], "/0/elements", many(lambda _: card()[0])),
    case("CONTAINER_CHILDREN", container, "/0/child_blocks", many(dividers)),
    case("CONTAINER_TITLE", container, "/0/title/text", letters),
    case("CONTAINER_TITLE", container, "/0/subtitle/text", letters),
]
W = f"{E}/workflow/trigger"
NAMES = [
    case("ID", one("call"), "/0/call_id", letters),
    case("ID", slack_file, "/0/slack_file/id", letters),
    case("ID", press("workflow_button"), f"{W}/customizable_input_parameters/0/name", letters),
    case("ID", press("button"), f"{E}/visible_to_user_ids", lambda n: ["U" * n], f"{E}/visible_to_user_ids/0"),
    case("ID", press("users_select"), f"{E}/initial_user", letters),
    case("ID", press("multi_users_select"), f"{E}/initial_users/1", letters),
    case("ID", press("timepicker"), f"{E}/timezone", letters),
    case("ID", ask("file_input"), f"{I}/filetypes/0", letters),
    case("ID", rich_list, "/0/elements/1/elements/0/name", letters),
    case("ID", rich_list, "/0/elements/3/language", letters),
    case("ID", plan, "/0/tasks/0/details/block_id", letters),
    case("URL", press("workflow_button"), f"{W}/url", address),
    case("URL", slack_file_address, "/0/slack_file/url", address),
    case("URL", one("video"), "/0/thumbnail_url", address),
    case("URL", one("video"), "/0/title_url", address),
    case("URL", one("video"), "/0/provider_icon_url", address),
    case("URL", one("auth_provider"), "/0/icon_url", address),
    case("URL", one("auth_provider"), "/0/auth_url", address),
    case("URL", one("auth_provider"), "/0/disconnect_url", address),
    case("URL", plan, "/0/tasks/0/sources/0/url", address),
    case("URL", rich_list, "/0/elements/4/elements/0/url", address),
    case("AGENT_PROMPT", press("button"), f"{E}/agent_prompt_display", letters),
    case("SELECT_OPTIONS", press("multi_external_select"), f"{E}/initial_options", many(lambda n: option(str(n)))),
]
CASES = [*PAYLOADS, *TEXTS, *ELEMENTS, *DATA, *NESTING, *NAMES]
