"""Blocks that show data: tables and charts."""

from collections.abc import Mapping
from typing import Any

from slackbox import limits
from slackbox.blocks.composition import same_length
from slackbox.blocks.elements import element
from slackbox.blocks.primitives import (
    Check,
    Findings,
    all_of,
    array,
    at,
    choice,
    flag,
    is_number,
    number,
    record,
    string,
    tagged,
)
from slackbox.blocks.rich_text import rich_text
from slackbox.jsons import Json, as_list, list_at, object_at, objects_at


def _tallied(inner: Check, name: str, *, apart: bool = False) -> Check:
    """Also add the characters of this value to a count of its own; `apart` takes them out of the payload's total."""

    def check(value: Any, pointer: str, found: Findings) -> None:
        before = found.counts["characters"]
        inner(value, pointer, found)
        found.counts[name] += found.counts["characters"] - before
        if apart:
            found.counts["characters"] = before

    return check


def _cells(*, actions: bool) -> Mapping[str, Check]:
    plain: dict[str, Check] = {
        "raw_text": record({"text": string(None)}, tag=True),
        "raw_number": record({"value": number(), "text": string(None)}, tag=True),
    }
    table = {**plain, "rich_text": rich_text()}
    if actions:
        fallback = tagged(lambda: plain, "fallback cell")
        table["action_cell"] = record({"element": element("button")}, {"fallback": fallback}, tag=True)
    return table


def table_fields() -> tuple[Mapping[str, Check], Mapping[str, Check]]:
    """Required and optional fields of a table."""
    cells = _cells(actions=False)
    row = array(tagged(lambda: cells, "table cell"), hi=limits.TABLE_CELLS)
    setting = record({}, {"align": choice("left", "center", "right"), "is_wrapped": flag})
    return (
        {"rows": _tallied(array(row, hi=limits.TABLE_ROWS), "table characters")},
        {"column_settings": array(_or_null(setting), lo=0, hi=limits.TABLE_CELLS)},
    )


def data_table_fields() -> tuple[Mapping[str, Check], Mapping[str, Check]]:
    """Required and optional fields of a data_table."""
    cells = _cells(actions=True)
    row = array(tagged(lambda: cells, "data table cell"), hi=limits.TABLE_CELLS)
    rows = array(row, lo=2, hi=limits.DATA_TABLE_ROWS)
    return (
        # Its cells may hold more than a message's blocks in all, so they are no part of that total.
        {"caption": string(None), "rows": _tallied(rows, "data_table characters", apart=True)},
        {
            "page_size": number(lo=1, hi=limits.DATA_TABLE_PAGE, whole=True),
            "row_header_column_index": number(lo=0, whole=True),
        },
    )


def data_table_rule(body: Json, pointer: str, found: Findings) -> None:
    """The header is plain, every row is as long as it, and the column that names the rows exists."""
    same_length(body, pointer, found)
    header = as_list(next(iter(list_at(body, "rows")), None))
    if header is None:
        return
    for position, cell in enumerate(header):
        if isinstance(cell, dict) and cell.get("type") in ("rich_text", "action_cell"):
            where = at(at(at(pointer, "rows"), 0), position)
            found.add(where, "header cells must be raw_text or raw_number", _enum("raw_text", "raw_number"))
    index = body.get("row_header_column_index")
    if isinstance(index, int) and index >= len(header):
        found.add(at(pointer, "row_header_column_index"), "there is no such column", {"type": "maximum"})


def _enum(*words: str) -> Json:
    return {"type": "enum", "expected": list(words)}


def _or_null(inner: Check) -> Check:
    def check(value: Any, pointer: str, found: Findings) -> None:
        if value is not None:
            inner(value, pointer, found)

    return check


def chart_fields() -> Mapping[str, Check]:
    """Required fields of a data_visualization: a line, bar, area or pie chart."""
    label = string(limits.CHART_POINT_LABEL)
    axis = string(limits.CHART_AXIS_LABEL)
    segment = record({"label": label, "value": number()}, rule=_positive)
    point = record({"label": label, "value": number()})
    series = record({"name": string(limits.CHART_SERIES_NAME), "data": array(point, hi=limits.CHART_POINTS)})
    axes = record({"categories": array(label, hi=limits.CHART_POINTS)}, {"x_label": axis, "y_label": axis})
    plotted = record(
        {"series": array(series, hi=limits.CHART_SERIES), "axis_config": axes},
        rule=all_of(_categories, _series_names, _points),
        tag=True,
    )
    pie = record({"segments": array(segment, hi=limits.PIE_SLICES)}, tag=True)
    kinds = {"pie": pie, "line": plotted, "bar": plotted, "area": plotted}
    return {"title": string(limits.CHART_TITLE), "chart": tagged(lambda: kinds, "chart")}


def _positive(body: Json, pointer: str, found: Findings) -> None:
    value: Any = body.get("value")
    if is_number(value) and value <= 0:
        found.add(at(pointer, "value"), "must be more than 0", {"type": "exclusive_minimum", "expected": 0})


def _words(values: list[Any]) -> list[str]:
    # What is no string is refused where it stands; comparing it here could fail on deep nesting.
    return [value for value in values if isinstance(value, str)]


def _categories(body: Json, pointer: str, found: Findings) -> None:
    categories = _words(list_at(object_at(body, "axis_config"), "categories"))
    if len(set(categories)) != len(categories):
        where = at(at(pointer, "axis_config"), "categories")
        found.add(where, "categories must be unique", {"type": "unique"})


def _series_names(body: Json, pointer: str, found: Findings) -> None:
    names = _words([series.get("name") for series in objects_at(body, "series")])
    if len(set(names)) != len(names):
        found.add(at(pointer, "series"), "series names must be unique", {"type": "unique"})


def _points(body: Json, pointer: str, found: Findings) -> None:
    categories = sorted(_words(list_at(object_at(body, "axis_config"), "categories")))
    for position, series in enumerate(list_at(body, "series")):
        if not isinstance(series, dict) or "data" not in series:
            continue
        labels = _words([point.get("label") for point in objects_at({"series": series["data"]}, "series")])
        if sorted(labels) != categories:
            where = at(at(at(pointer, "series"), position), "data")
            found.add(where, "must have exactly one point for each category", {"type": "all_of"})
