"""
Block Kit as types, and small builders that keep Slack's limits.

The limits are those of https://docs.slack.dev/reference/block-kit/blocks as of November 2026. Builders for free text take
it raw and clip it; builders for mrkdwn take `Mrkdwn` only, so that unescaped text does not type-check.
"""

from collections.abc import Sequence
from typing import Final, Literal, NotRequired, TypedDict

from bot.core.text import clip
from bot.slack.views.charts import Chart, Picture
from bot.slack.views.text import Mrkdwn, raw, raw_line, web_link

HEADER_LIMIT: Final = 150
SECTION_LIMIT: Final = 3_000
FIELD_LIMIT: Final = 2_000
BUTTON_LIMIT: Final = 75
TITLE_LIMIT: Final = 150
OPTION_LIMIT: Final = 75
TASK_LIMIT: Final = 256
CONTEXT_LIMIT: Final = 10
TASKS_LIMIT: Final = 50


class PlainText(TypedDict):
    type: Literal["plain_text"]
    text: str
    emoji: bool


class MrkdwnText(TypedDict):
    type: Literal["mrkdwn"]
    text: str
    verbatim: bool


class Style(TypedDict, total=False):
    bold: bool
    italic: bool
    code: bool


class RichWord(TypedDict):
    type: Literal["text"]
    text: str
    style: NotRequired[Style]


class RichLink(TypedDict):
    type: Literal["link"]
    url: str
    text: str


RichElement = RichWord | RichLink


class RichSection(TypedDict):
    type: Literal["rich_text_section"]
    elements: list[RichElement]


class RichList(TypedDict):
    type: Literal["rich_text_list"]
    style: Literal["bullet", "ordered"]
    indent: int
    elements: list[RichSection]


class RichPreformatted(TypedDict):
    type: Literal["rich_text_preformatted"]
    elements: list[RichElement]


RichPart = RichSection | RichList | RichPreformatted


class RichText(TypedDict):
    type: Literal["rich_text"]
    elements: list[RichPart]


class Header(TypedDict):
    type: Literal["header"]
    text: PlainText


class Section(TypedDict):
    type: Literal["section"]
    text: NotRequired[PlainText | MrkdwnText]
    fields: NotRequired[list[MrkdwnText]]
    accessory: NotRequired["Button | Overflow"]


class Context(TypedDict):
    type: Literal["context"]
    elements: list[MrkdwnText]


class Confirm(TypedDict):
    title: PlainText
    text: PlainText
    confirm: PlainText
    deny: PlainText


class Button(TypedDict):
    type: Literal["button"]
    text: PlainText
    action_id: str
    value: NotRequired[str]
    url: NotRequired[str]
    style: NotRequired[Literal["primary", "danger"]]
    confirm: NotRequired[Confirm]


class Option(TypedDict):
    text: PlainText
    value: str


class TextInput(TypedDict):
    type: Literal["plain_text_input"]
    action_id: str
    multiline: NotRequired[bool]
    max_length: NotRequired[int]
    initial_value: NotRequired[str]


class NumberInput(TypedDict):
    type: Literal["number_input"]
    action_id: str
    is_decimal_allowed: bool
    min_value: NotRequired[str]
    max_value: NotRequired[str]
    initial_value: NotRequired[str]


class Select(TypedDict):
    type: Literal["static_select"]
    action_id: str
    options: list[Option]
    initial_option: NotRequired[Option]


class Overflow(TypedDict):
    type: Literal["overflow"]
    action_id: str
    options: list[Option]


class Checkboxes(TypedDict):
    type: Literal["checkboxes"]
    action_id: str
    options: list[Option]
    initial_options: NotRequired[list[Option]]


class MultiSelect(TypedDict):
    type: Literal["multi_static_select"]
    action_id: str
    options: list[Option]
    initial_options: NotRequired[list[Option]]


class Input(TypedDict):
    type: Literal["input"]
    block_id: str
    optional: bool
    label: PlainText
    element: TextInput | NumberInput | Select | Checkboxes | MultiSelect
    hint: NotRequired[PlainText]


class Actions(TypedDict):
    type: Literal["actions"]
    elements: list[Button]


class TaskCard(TypedDict):
    type: Literal["task_card"]
    task_id: str
    title: str
    status: str
    output: NotRequired[RichText]


class Plan(TypedDict):
    type: Literal["plan"]
    title: str
    tasks: list[TaskCard]


class TextCell(TypedDict):
    type: Literal["raw_text"]
    text: str


class NumberCell(TypedDict):
    type: Literal["raw_number"]
    value: float
    text: str


class ActionCell(TypedDict):
    type: Literal["action_cell"]
    element: Button
    fallback: TextCell


Cell = TextCell | RichText
DataCell = Cell | NumberCell | ActionCell


class DataTable(TypedDict):
    type: Literal["data_table"]
    caption: str
    rows: list[list[DataCell]]
    page_size: int
    row_header_column_index: int


class ColumnSetting(TypedDict):
    align: Literal["left", "right"]
    is_wrapped: bool


class Table(TypedDict):
    type: Literal["table"]
    rows: list[list[Cell]]
    column_settings: list[ColumnSetting]


class Container(TypedDict):
    type: Literal["container"]
    title: PlainText
    subtitle: NotRequired[PlainText]
    child_blocks: list["Inner"]
    is_collapsible: bool
    default_collapsed: bool
    width: Literal["full"]


Inner = RichText | Section | Context | Table
Block = Header | Section | Context | Actions | RichText | Plan | Container | Table | DataTable | Input | Chart | Picture


def plain(text: str, limit: int) -> PlainText:
    """Text in which Slack parses nothing, not even emoji names."""
    return {"type": "plain_text", "text": raw(text, limit), "emoji": False}


def mrkdwn(text: Mrkdwn, limit: int = SECTION_LIMIT) -> MrkdwnText:
    """Our own markup. `verbatim` keeps Slack from turning bare names and addresses into links and pings."""
    return {"type": "mrkdwn", "text": clip(text, limit), "verbatim": True}


def header(text: str) -> Header:
    return {"type": "header", "text": plain(raw_line(text, HEADER_LIMIT), HEADER_LIMIT)}


def paragraph(text: str, limit: int = SECTION_LIMIT) -> Section:
    """Untrusted prose, shown as it is."""
    return {"type": "section", "text": plain(text, min(limit, SECTION_LIMIT))}


def section(text: Mrkdwn) -> Section:
    return {"type": "section", "text": mrkdwn(text)}


def section_with(text: Mrkdwn, accessory: Button | Overflow) -> Section:
    """A line with something to press at its end."""
    return {"type": "section", "text": mrkdwn(text), "accessory": accessory}


def option(text: str, value: str) -> Option:
    """One choice; the value comes back as it is, so it must not be longer than 150."""
    return {"text": plain(raw_line(text, OPTION_LIMIT), OPTION_LIMIT), "value": clip(value, 150)}


def fields(pairs: Sequence[tuple[str, Mrkdwn]]) -> Section:
    """Up to ten labels with their values; Slack sets them in two columns."""
    return {
        "type": "section",
        "fields": [mrkdwn(Mrkdwn(f"*{label}*\n{value}"), FIELD_LIMIT) for label, value in pairs[:10]],
    }


def context(parts: Sequence[Mrkdwn]) -> Context:
    """Small print on one line."""
    return {"type": "context", "elements": [mrkdwn(Mrkdwn(" · ".join(parts)))]}


def word(text: str, limit: int, *, bold: bool = False, mono: bool = False) -> RichWord:
    """Untrusted text in a rich_text block, where Slack parses nothing. Spaces at the ends are kept."""
    shown: RichWord = {"type": "text", "text": raw_line(text, limit)}
    style: Style = {}
    if bold:
        style["bold"] = True
    if mono:
        style["code"] = True
    if style:
        shown["style"] = style
    return shown


def glue(text: str) -> RichWord:
    """Our own words between others, taken as they are."""
    return {"type": "text", "text": text}


def rich_link(url: str, label: str, limit: int) -> RichElement:
    """A link, or its label alone when the address is not one a browser may open."""
    address = web_link(url)
    return {"type": "link", "url": address, "text": raw_line(label, limit)} if address else word(label, limit)


def line(*elements: RichElement) -> RichSection:
    return {"type": "rich_text_section", "elements": list(elements)}


def bullets(items: Sequence[RichSection], *, indent: int = 0) -> RichList:
    return {"type": "rich_text_list", "style": "bullet", "indent": indent, "elements": list(items)}


def rich(*parts: RichPart) -> RichText:
    return {"type": "rich_text", "elements": list(parts)}


def button(text: str, *, action_id: str, value: str) -> Button:
    return {
        "type": "button",
        "text": plain(text, BUTTON_LIMIT),
        "action_id": action_id,
        "value": clip(value, 255) or "-",
    }


def styled(made: Button, style: Literal["primary", "danger"]) -> Button:
    return {**made, "style": style}


def with_confirm(made: Button, title: str, text: str, confirm: str) -> Button:
    """Ask again in the client before anything is sent."""
    return {
        **made,
        "confirm": {
            "title": plain(title, 100),
            "text": plain(text, 300),
            "confirm": plain(confirm, 30),
            "deny": plain("Cancel", 30),
        },
    }


def preformatted(text: str, limit: int) -> RichText:
    """Text set as it is, in which Slack parses nothing."""
    shown: RichWord = {"type": "text", "text": raw(text, limit)}
    return rich({"type": "rich_text_preformatted", "elements": [shown]})


def actions(*buttons: Button) -> Actions:
    return {"type": "actions", "elements": list(buttons)}


def drawer(title: str, children: Sequence[Inner], *, subtitle: str = "", is_open: bool = False) -> Container:
    """A container that people open when they want to know more; at most ten children."""
    made: Container = {
        "type": "container",
        "title": plain(raw_line(title, TITLE_LIMIT), TITLE_LIMIT),
        "child_blocks": list(children[:10]),
        "is_collapsible": True,
        "default_collapsed": not is_open,
        "width": "full",
    }
    if subtitle:
        made["subtitle"] = plain(raw_line(subtitle, TITLE_LIMIT), TITLE_LIMIT)
    return made


def table(head: Sequence[str], rows: Sequence[Sequence[str | RichSection]], *, words: bool = False) -> Table:
    """Numbers side by side, set to the right of a first column of text; with `words` every column is text."""
    return {
        "type": "table",
        "rows": [[_cell(cell) for cell in row] for row in (head, *rows)],
        "column_settings": [
            {"align": "left" if words or column == 0 else "right", "is_wrapped": words or column == 0}
            for column in range(len(head))
        ],
    }


def _cell(cell: str | RichSection) -> Cell:
    return {"type": "raw_text", "text": raw_line(cell, 200)} if isinstance(cell, str) else rich(cell)
