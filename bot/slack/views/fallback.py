"""
The same message without Slack's newer blocks, for workspaces that refuse them with `invalid_blocks`.

Sections, headers, context, pictures and buttons are left as they are; plan, tables, chart, container and rich_text become
sections.
"""

from collections.abc import Sequence

from bot.slack.views.blocks import (
    SECTION_LIMIT,
    Block,
    Cell,
    Container,
    DataCell,
    DataTable,
    Inner,
    Plan,
    RichElement,
    RichPart,
    RichText,
    Section,
    Table,
    paragraph,
    section,
    section_with,
)
from bot.slack.views.charts import Chart, chart_words
from bot.slack.views.message import BLOCKS_LIMIT, Message, size
from bot.slack.views.text import Mrkdwn, code, link, safe

_BLOCKS_LIMIT = 50
_STATUS_WORDS = {"pending": "To do", "in_progress": "Running", "complete": "Done", "error": "Failed"}


def plain_variant(message: Message) -> Message:
    """Only blocks that every workspace has had for years."""
    blocks = [made for block in message.blocks for made in _plain(block)]
    buttons = [block for block in blocks if block["type"] == "actions"]
    shown: list[Block] = []
    room = BLOCKS_LIMIT - size(buttons)
    for block in blocks:
        # Escaped text is longer than the text that the newer blocks were given.
        room -= size(block)
        if block["type"] == "actions":
            continue
        if room < 0 or len(shown) + len(buttons) >= _BLOCKS_LIMIT - 1:
            shown.append(paragraph("…and more, which did not fit"))
            break
        shown.append(block)
    return Message(text=message.text, blocks=(*shown, *buttons))


def _plain(block: Block | Inner) -> Sequence[Block]:  # noqa: C901, PLR0911 - one return per kind of block
    match block["type"]:
        case "header" | "section" | "context" | "actions" | "image":
            return [block]
        case "rich_text":
            return _sections(_rich_lines(block))
        case "plan":
            return _sections(_plan_lines(block))
        case "table":
            return _sections(_table_lines(block))
        case "data_table":
            return _data_table(block)
        case "data_visualization":
            return _sections(_chart_lines(block))
        case "container":
            return _container(block)
        case "input":
            # Inputs stand in modals only, and modals have no fallback.
            return []


def _sections(lines: Sequence[Mrkdwn]) -> list[Section]:
    """Lines gathered into as few sections as hold them."""
    made: list[Section] = []
    held = ""
    for each in lines:
        if held and len(held) + 1 + len(each) > SECTION_LIMIT:
            made.append(section(Mrkdwn(held)))
            held = ""
        held = f"{held}\n{each}" if held else each
    return [*made, section(Mrkdwn(held))] if held else made


def _element(element: RichElement) -> str:
    if element["type"] == "link":
        return link(element["url"], element["text"], 300)
    style = element.get("style", {})
    if style.get("code"):
        return code(element["text"], 700)
    if style.get("bold"):
        return f"*{safe(element['text'], 700)}*"
    text = element["text"]
    # `safe` folds white space; what stood at the ends separates this word from its neighbours.
    lead, tail = " " * text[:1].isspace(), " " * (len(text) > 1 and text[-1:].isspace())
    return f"{lead}{safe(text, 1_200)}{tail}" if text.strip() else " "


def _rich_line(elements: Sequence[RichElement], prefix: str = "") -> Mrkdwn:
    return Mrkdwn(prefix + "".join(map(_element, elements)))


def _rich_part(part: RichPart) -> list[Mrkdwn]:
    if part["type"] == "rich_text_section":
        return [_rich_line(part["elements"])]
    if part["type"] == "rich_text_preformatted":
        return [code(text, 700) for each in part["elements"] for text in each["text"].splitlines()]
    return [_rich_line(item["elements"], "    " * part["indent"] + "• ") for item in part["elements"]]


def _rich_lines(block: RichText) -> list[Mrkdwn]:
    return [made for part in block["elements"] for made in _rich_part(part)]


def _plan_lines(block: Plan) -> list[Mrkdwn]:
    lines = [Mrkdwn(f"*{safe(block['title'], 300)}*")]
    for task in block["tasks"]:
        status = _STATUS_WORDS.get(task["status"], task["status"])
        output = " ".join(_rich_lines(task["output"])) if "output" in task else ""
        lines.append(Mrkdwn(f"• {status}: {safe(task['title'], 300)}" + (f" – {output}" if output else "")))
    return lines


def _table_lines(block: Table) -> list[Mrkdwn]:
    head, *rows = block["rows"]
    names = [cell["text"].lower() if cell["type"] == "raw_text" else "" for cell in head]
    return [
        Mrkdwn(
            f"• {_cell(row[0], 300)}: "
            + ", ".join(f"{safe(name, 60)} {_cell(cell, 100)}" for name, cell in zip(names[1:], row[1:], strict=True))
        )
        for row in rows
    ]


def _data_table(block: DataTable) -> list[Block]:
    """A line for each row, with its button at the end."""
    head, *rows = block["rows"]
    names = [cell["text"].lower() if cell["type"] == "raw_text" else "" for cell in head]
    made: list[Block] = [section(Mrkdwn(f"*{safe(block['caption'], 200)}*"))]
    for row in rows:
        buttons = [cell["element"] for cell in row if cell["type"] == "action_cell"]
        parts = [
            f"{safe(name, 60)} {_data_cell(cell)}"
            for name, cell in zip(names[1:], row[1:], strict=True)
            if cell["type"] != "action_cell"
        ]
        line = Mrkdwn(f"{_data_cell(row[0])}: {', '.join(parts)}")
        made.append(section_with(line, buttons[0]) if buttons else section(line))
    return made


def _data_cell(cell: DataCell) -> Mrkdwn:
    if cell["type"] == "action_cell":
        return safe(cell["fallback"]["text"], 100)
    return safe(cell["text"], 100) if cell["type"] == "raw_number" else _cell(cell, 300)


def _cell(cell: Cell, limit: int) -> Mrkdwn:
    if cell["type"] == "raw_text":
        return safe(cell["text"], limit)
    return Mrkdwn(" ".join(_rich_lines(cell)))


def chart_title(chart: Chart) -> Mrkdwn:
    """The first line of a chart in words."""
    return Mrkdwn(f"*{safe(chart['title'], 100)}*")


def _chart_lines(block: Chart) -> list[Mrkdwn]:
    return [chart_title(block), *(safe(each, 300) for each in chart_words(block))]


def _container(block: Container) -> list[Block]:
    title = f"*{safe(block['title']['text'], 200)}*"
    if "subtitle" in block:
        title += f"\n{safe(block['subtitle']['text'], 200)}"
    return [section(Mrkdwn(title)), *(made for child in block["child_blocks"] for made in _plain(child))]
