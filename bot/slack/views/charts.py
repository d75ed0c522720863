"""
Slack's native charts and pictures, as types and builders.

Slack's models know no `data_visualization`; the limits are those of the block's reference page as of November 2026: a title and axis
labels of 50 characters, up to 12 series with names and points of 20, and one point per category.
"""

from collections.abc import Mapping, Sequence
from typing import Final, Literal, TypedDict

from bot.slack.views.text import raw_line

_TITLE: Final = 50
_NAME: Final = 20


class Point(TypedDict):
    label: str
    value: float


class Series(TypedDict):
    name: str
    data: list[Point]


class Axes(TypedDict):
    categories: list[str]
    x_label: str
    y_label: str


class Plot(TypedDict):
    type: Literal["bar", "line"]
    series: list[Series]
    axis_config: Axes


class Chart(TypedDict):
    type: Literal["data_visualization"]
    title: str
    chart: Plot


class SlackFile(TypedDict):
    id: str


class Picture(TypedDict):
    type: Literal["image"]
    slack_file: SlackFile
    alt_text: str


def bar_chart(
    title: str, categories: Sequence[str], series: Mapping[str, Sequence[float]], *, x_label: str, y_label: str
) -> Chart:
    """Bars side by side; each series has a value per category. Categories must be unique and at most 20."""
    names = [raw_line(one, _NAME) for one in categories]
    return {
        "type": "data_visualization",
        "title": raw_line(title, _TITLE),
        "chart": {
            "type": "bar",
            "series": [
                {
                    "name": raw_line(name, _NAME),
                    "data": [{"label": label, "value": value} for label, value in zip(names, values, strict=True)],
                }
                for name, values in series.items()
            ],
            "axis_config": {
                "categories": names,
                "x_label": raw_line(x_label, _TITLE),
                "y_label": raw_line(y_label, _TITLE),
            },
        },
    }


def picture(file_id: str, alt_text: str) -> Picture:
    """An image that was uploaded before."""
    return {"type": "image", "slack_file": {"id": file_id}, "alt_text": raw_line(alt_text, 2_000)}


def chart_words(chart: Chart) -> list[str]:
    """Every value in words, one line per category."""
    series, categories = chart["chart"]["series"], chart["chart"]["axis_config"]["categories"]
    return [
        f"{name}: " + ", ".join(f"{one['name'].lower()} {one['data'][place]['value']:g}" for one in series)
        for place, name in enumerate(categories)
    ]
