"""Drawing a chart as a PNG, for workspaces that do not show native ones."""

import io
from typing import TYPE_CHECKING, Final

from bot.slack.views.charts import Chart

if TYPE_CHECKING:
    from PIL import ImageDraw, ImageFont

_WIDTH: Final = 1_200
_HEIGHT: Final = 560
_LEFT: Final = 90
_RIGHT: Final = 30
_TOP: Final = 110
_BOTTOM: Final = 90
_INK: Final = "#1d1c1d"
_FAINT: Final = "#dddddd"
# Told apart by lightness too, so that they differ for people who do not see colours.
_COLOURS: Final = ("#1b7f4d", "#e8a33d", "#8fa3b8", "#8f1d2c", "#3b5bdb", "#6b4c9a")
_MOST_TICKS: Final = 6


def draw_chart(chart: Chart) -> bytes:
    """A bar chart as PNG. Takes a moment: call it in a thread."""
    # Loaded here, because hardly any workspace needs it.
    from PIL import Image, ImageDraw

    image = Image.new("RGB", (_WIDTH, _HEIGHT), "white")
    canvas = ImageDraw.Draw(image)
    fonts = _fonts()
    _frame(canvas, chart, fonts)
    _bars(canvas, chart)
    made = io.BytesIO()
    image.save(made, format="PNG", optimize=True)
    return made.getvalue()


def _fonts() -> "tuple[ImageFont.FreeTypeFont | ImageFont.ImageFont, ...]":
    from PIL import ImageFont

    return tuple(ImageFont.load_default(size) for size in (30, 22))


def tick_step(highest: float) -> int:
    """The smallest of 1, 2, 5, 10, 20, … that needs at most six steps to the highest value."""
    step = 1
    for place in range(1, 200):
        step = (1, 2, 5)[(place - 1) % 3] * 10 ** ((place - 1) // 3)
        if step * _MOST_TICKS >= highest:
            break
    return step


def _top_of(chart: Chart) -> tuple[int, int]:
    highest = max((point["value"] for one in chart["chart"]["series"] for point in one["data"]), default=0)
    step = tick_step(max(1, highest))
    return step, max(step, -(-int(-(-highest // 1)) // step) * step)


def _y(value: float, top: float) -> float:
    return _HEIGHT - _BOTTOM - (_HEIGHT - _TOP - _BOTTOM) * value / top


def _frame(
    canvas: "ImageDraw.ImageDraw", chart: Chart, fonts: "tuple[ImageFont.FreeTypeFont | ImageFont.ImageFont, ...]"
) -> None:
    large, small = fonts
    canvas.text((_LEFT, 16), chart["title"], fill=_INK, font=large)
    step, top = _top_of(chart)
    for value in range(0, top + 1, step):
        y = _y(value, top)
        canvas.line((_LEFT, y, _WIDTH - _RIGHT, y), fill=_INK if value == 0 else _FAINT, width=2)
        canvas.text((_LEFT - 14, y), f"{value}", fill=_INK, font=small, anchor="rm")
    categories = chart["chart"]["axis_config"]["categories"]
    slot = (_WIDTH - _LEFT - _RIGHT) / max(1, len(categories))
    for place, name in enumerate(categories):
        canvas.text((_LEFT + slot * (place + 0.5), _HEIGHT - _BOTTOM + 12), name, fill=_INK, font=small, anchor="ma")
    axes = chart["chart"]["axis_config"]
    middle = (_LEFT + _WIDTH - _RIGHT) / 2
    canvas.text((middle, _HEIGHT - 36), axes["x_label"], fill=_INK, font=small, anchor="ma")
    x: float = _LEFT
    for place, one in enumerate(chart["chart"]["series"]):
        canvas.rectangle((x, 66, x + 22, 88), fill=_COLOURS[place % len(_COLOURS)])
        canvas.text((x + 32, 77), one["name"], fill=_INK, font=small, anchor="lm")
        x += 62 + canvas.textlength(one["name"], font=small)


def _bars(canvas: "ImageDraw.ImageDraw", chart: Chart) -> None:
    _, top = _top_of(chart)
    series = chart["chart"]["series"]
    slot = (_WIDTH - _LEFT - _RIGHT) / max(1, len(chart["chart"]["axis_config"]["categories"]))
    width = slot * 0.8 / max(1, len(series))
    for number, one in enumerate(series):
        for place, point in enumerate(one["data"]):
            if point["value"] <= 0:
                continue
            left = _LEFT + slot * (place + 0.1) + width * number
            box = (left, _y(point["value"], top), left + width - 2, _y(0, top) - 1)
            canvas.rectangle(box, fill=_COLOURS[number % len(_COLOURS)])
