"""Blocks that show data: tables and charts."""

from collections.abc import Callable, Mapping
from typing import Any

from slackbox import limits
from slackbox.blocks.elements import element
from slackbox.blocks.primitives import (
    Check,
    Findings,
    all_of,
    array,
    choice,
    flag,
    number,
    record,
    string,
    tagged,
)
from slackbox.blocks.rich_text import rich_text
from slackbox.jsons import Json, as_list, list_at, object_at, objects_at, text_at

Rule = Callable[[Json, str, Findings], None]


def _counted(inner: Check, name: str) -> Check:
    """Also add the characters of this value to a count of its own."""

    def check(value: Any, pointer: str, found: Findings) -> None:
        before = found.counts["characters"]
        inner(value, pointer, found)
        found.counts[name] += found.counts["characters"] - before

    return check


def _cells(*, actions: bool) -> Mapping[str, Check]:
    plain: dict[str, Check] = {
        "raw_text": record({"text": string(limits.TABLE_CHARACTERS)}),
        "raw_number": record({"value": number(), "text": string(limits.TABLE_CHARACTERS)}),
    }
    table = {**plain, "rich_text": _inner_rich_text}
    if actions:
        fallback = tagged(lambda: plain, "fallback cell")
        table["action_cell"] = record({"element": element("button")}, {"fallback": fallback})
    return table


def _inner_rich_text(value: Any, pointer: str, found: Findings) -> None:
    rich_text()(value, pointer, found)


def table_fields() -> tuple[Mapping[str, Check], Mapping[str, Check]]:
    """Required and optional fields of a table."""
    cells = _cells(actions=False)
    row = array(tagged(lambda: cells, "table cell"), hi=limits.TABLE_CELLS)
    setting = record({}, {"align": choice("left", "center", "right"), "is_wrapped": flag})
    return (
        {"rows": _counted(array(row, hi=limits.TABLE_ROWS), "table characters")},
        {"column_settings": array(_or_null(setting), lo=0, hi=limits.TABLE_CELLS)},
    )


def data_table_fields() -> tuple[Mapping[str, Check], Mapping[str, Check]]:
    """Required and optional fields of a data_table."""
    cells = _cells(actions=True)
    row = array(tagged(lambda: cells, "data table cell"), hi=limits.TABLE_CELLS)
    rows = array(row, lo=2, hi=limits.DATA_TABLE_ROWS)
    return (
        {"caption": string(limits.SECTION_TEXT), "rows": _counted(rows, "data table characters")},
        {
            "page_size": number(lo=1, hi=limits.DATA_TABLE_PAGE, whole=True),
            "row_header_column_index": number(lo=0, hi=limits.TABLE_CELLS - 1, whole=True),
        },
    )


def data_table_rule(body: Json, pointer: str, found: Findings) -> None:
    """The header holds no rich text and every row is as long as the header."""
    rows = [row for row in map(as_list, list_at(body, "rows")) if row is not None]
    if not rows:
        return
    for position, cell in enumerate(objects_at({"header": rows[0]}, "header")):
        if cell.get("type") not in ("raw_text", "raw_number"):
            found.add(f"{pointer}/rows/0/{position}", "header cells must be raw_text or raw_number")
    for position, row in enumerate(rows):
        if len(row) != len(rows[0]):
            found.add(f"{pointer}/rows/{position}", "every row must have as many cells as the header")


def _or_null(inner: Check) -> Check:
    def check(value: Any, pointer: str, found: Findings) -> None:
        if value is not None:
            inner(value, pointer, found)

    return check


def chart_fields() -> Mapping[str, Check]:
    """Required fields of a data_visualization."""
    segment = record({"label": string(limits.CHART_POINT_LABEL), "value": number()}, rule=_positive)
    point = record({"label": string(limits.CHART_POINT_LABEL), "value": number()})
    series = record({"name": string(limits.CHART_SERIES_NAME), "data": array(point, hi=limits.CHART_POINTS)})
    axes = record(
        {"categories": array(string(limits.CHART_POINT_LABEL), hi=limits.CHART_POINTS)},
        {"x_label": string(limits.CHART_AXIS_LABEL), "y_label": string(limits.CHART_AXIS_LABEL)},
    )
    plotted = record(
        {"series": array(series, hi=limits.CHART_SERIES), "axis_config": axes}, rule=all_of(_series_names, _points)
    )
    pie = record({"segments": array(segment, hi=limits.PIE_SLICES)})
    kinds = {"pie": pie, "line": plotted, "bar": plotted, "area": plotted}
    return {"title": string(limits.CHART_TITLE), "chart": tagged(lambda: kinds, "chart")}


def _positive(body: Json, pointer: str, found: Findings) -> None:
    value = body.get("value")
    if isinstance(value, int | float) and value <= 0:
        found.add(f"{pointer}/value", "must be more than 0")


def _series_names(body: Json, pointer: str, found: Findings) -> None:
    names = [text_at(series, "name") for series in objects_at(body, "series")]
    if len(set(names)) != len(names):
        found.add(f"{pointer}/series", "series names must be unique")


def _points(body: Json, pointer: str, found: Findings) -> None:
    categories = list_at(object_at(body, "axis_config"), "categories")
    for position, series in enumerate(objects_at(body, "series")):
        labels = [point.get("label") for point in objects_at(series, "data")]
        if sorted(map(str, labels)) != sorted(map(str, categories)):
            found.add(f"{pointer}/series/{position}/data", "must have one point for each category")
