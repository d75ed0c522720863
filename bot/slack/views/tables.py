"""
Slack's native data table: rows that can be sorted and paged, with a button in a row.

Slack's models know no `data_table`; the limits are those of the block's reference page as of November 2026: 200 rows with the
header, 20 columns, 20,000 characters, pages of 1 to 100 rows, a header of plain texts.
"""

from collections.abc import Sequence
from typing import Final

from bot.slack.views.blocks import ActionCell, Button, DataCell, DataTable, NumberCell, RichSection, rich
from bot.slack.views.text import raw_line

_CELL: Final = 200


def number_cell(value: float, text: str) -> NumberCell:
    """Sorted by its value, shown as its text."""
    return {"type": "raw_number", "value": value, "text": raw_line(text, _CELL)}


def action_cell(button: Button, instead: str) -> ActionCell:
    """A button in a row; `instead` is shown by clients that know no buttons there. Each needs its own action id."""
    return {
        "type": "action_cell",
        "element": button,
        "fallback": {"type": "raw_text", "text": raw_line(instead, _CELL)},
    }


def data_table(
    caption: str,
    head: Sequence[str],
    rows: Sequence[Sequence[str | RichSection | NumberCell | ActionCell]],
    *,
    page_size: int,
) -> DataTable:
    """At least one row; the first column names the rows."""
    return {
        "type": "data_table",
        "caption": raw_line(caption, _CELL),
        "rows": [[_cell(cell) for cell in row] for row in (head, *rows)],
        "page_size": page_size,
        "row_header_column_index": 0,
    }


def _cell(cell: str | RichSection | NumberCell | ActionCell) -> DataCell:
    if isinstance(cell, str):
        return {"type": "raw_text", "text": raw_line(cell, _CELL)}
    return rich(cell) if cell["type"] == "rich_text_section" else cell
