"""The summary as a picture: one bar a line with its interval, as SVG, which needs no library and scales."""

from html import escape

from evals.summary import Line, Summary

_COLOURS = ("#2563eb", "#d97706", "#059669")
_LEFT, _WIDE, _ROW, _BAR, _HEAD = 330, 420, 24, 12, 34


def svg(told: Summary) -> str:
    """Shares from 0 to 1; sections one below the other. Colours tell analysts apart, and so do their places."""
    body: list[str] = []
    y = 24 + 18 * len(told.analysts)
    for title, lines in told.sections:
        body.append(_text(12, y + 16, title, weight="bold"))
        y += _HEAD
        for line in lines:
            body += _line(line, y)
            y += _ROW if len(told.analysts) == 1 else _ROW + 6 * (len(told.analysts) - 1)
    legend = [
        f'<rect x="12" y="{12 + 18 * place}" width="12" height="12" fill="{_COLOURS[place % len(_COLOURS)]}"/>'
        + _text(30, 22 + 18 * place, name)
        for place, name in enumerate(told.analysts)
    ]
    height = y + 16
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_LEFT + _WIDE + 90} {height}" '
        f'font-family="sans-serif" font-size="12" role="img" aria-label="Shares with 90 % intervals">'
        f'<rect width="100%" height="100%" fill="white"/>'
    )
    return "\n".join([head, *legend, *body, "</svg>"]) + "\n"


def _line(line: Line, y: int) -> list[str]:
    """A bar for each analyst that was asked, its interval as a thin line across the bar's end."""
    drawn = [_text(12, y + 11, f"{line.what} (n={line.n})")]
    drawn.append(f'<line x1="{_LEFT}" x2="{_LEFT + _WIDE}" y1="{y + 19}" y2="{y + 19}" stroke="#e5e7eb"/>')
    thick = _BAR if len(line.rows) == 1 else _BAR - 3
    for place, row in enumerate(line.rows):
        if row is None:
            continue
        top = y + place * (thick + 1)
        middle = top + thick / 2
        colour = _COLOURS[place % len(_COLOURS)]
        drawn.append(
            f'<rect x="{_LEFT}" y="{top}" width="{_at(row.figure) - _LEFT:.1f}" height="{thick}" fill="{colour}"/>'
        )
        drawn.append(
            f'<line x1="{_at(row.low):.1f}" x2="{_at(row.high):.1f}" y1="{middle}" y2="{middle}" stroke="#111827" stroke-width="1.5"/>'
        )
        drawn.append(_text(_LEFT + _WIDE + 10, top + 10, f"{row.figure:.2f}"))
    return drawn


def _at(figure: float) -> float:
    return _LEFT + _WIDE * min(1.0, max(0.0, figure))


def _text(x: int, y: int, text: str, *, weight: str = "normal") -> str:
    return f'<text x="{x}" y="{y}" font-weight="{weight}" fill="#111827">{escape(text)}</text>'
