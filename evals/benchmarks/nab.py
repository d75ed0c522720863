"""How many labelled anomalies the detector behind the anomaly sweep finds, and how often it cries wolf: Numenta Anomaly Benchmark."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from bot.core.anomaly import find_onsets
from evals.benchmarks.table import Benchmark, Row, read_rows, share

FOLDER = "metric_anomaly_nab"
_WEEK_S = 7 * 86_400.0


def run(data: Path) -> Sequence[Row]:
    """Windows found and false alarms per series and week. Raises BenchmarkError when the data set is absent."""
    found = windows = right = wolf = 0
    weeks = 0.0
    for row in load(data):
        points = points_of(row)
        spans = [tuple(_moment(text) for text in window) for window in row["windows"]]
        onsets = [one.at.timestamp() for one in find_onsets(points)]
        found += sum(any(start <= at <= end for at in onsets) for start, end in spans)
        inside = sum(any(start <= at <= end for start, end in spans) for at in onsets)
        right += inside
        wolf += len(onsets) - inside
        windows += len(spans)
        weeks += (points[-1][0] - points[0][0]) / _WEEK_S
    rate = wolf / weeks if weeks else 0.0
    # Twice the square root of a Poisson count is its 95 % interval; 1.645 times is 90 %.
    half = 1.645 * wolf**0.5 / weeks if weeks else 0.0
    return [
        share("NAB: anomaly windows with an onset", found, windows),
        share("NAB: onsets inside an anomaly window (precision)", right, right + wolf),
        Row(
            name="NAB: false alarms per series and week",
            figure=rate,
            n=wolf,
            low=max(0.0, rate - half),
            high=rate + half,
        ),
    ]


def load(data: Path) -> Iterator[Mapping[str, Any]]:
    """The series of every part that is there."""
    for path in sorted((data / FOLDER).glob("series*.jsonl")) or [data / FOLDER / "series.dev.jsonl"]:
        yield from read_rows(path)


def points_of(row: Mapping[str, Any]) -> list[tuple[float, float]]:
    """Epoch seconds and values."""
    start = _moment(row["start"])
    times = row["t"] if row.get("t") else [row["step_s"] * place for place in range(len(row["values"]))]
    return [(start + at, float(value)) for at, value in zip(times, row["values"], strict=True)]


def _moment(text: str) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()


BENCHMARK = Benchmark(name="anomalies", run=run)
