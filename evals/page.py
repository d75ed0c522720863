"""The report of a run as files: Markdown with a chart."""

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from evals import chart, report, summary


def write_report(folder: Path, told: summary.Summary, sheets: Sequence[report.Sheet], *, at: datetime) -> Path:
    """Write `report.md` and `chart.svg` into a folder, which is made; the path of the Markdown."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "chart.svg").write_text(chart.svg(told), encoding="utf-8")
    parts = (
        f"# Evals, {at:%Y-%m-%d %H:%M} UTC",
        "![Shares with 90 % intervals](chart.svg)",
        summary.markdown(told),
        "## Every case",
        report.markdown(sheets, at=at),
    )
    page = folder / "report.md"
    page.write_text("\n\n".join(parts) + "\n", encoding="utf-8")
    return page
