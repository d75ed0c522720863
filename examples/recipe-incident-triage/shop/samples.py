"""Samples in memory: what was scraped, when, and when it went away."""

import re
from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

#: A series' labels, sorted by name, with the metric's name under `__name__`.
Labels = tuple[tuple[str, str], ...]

NAME = "__name__"

#: Prometheus looks back five minutes for the latest sample of an instant query.
LOOKBACK_SECONDS = 300.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Matcher:
    """One `name op "value"` of a selector; a missing label counts as empty, and expressions match the whole value."""

    name: str
    operator: str
    value: str

    def matches(self, labels: Mapping[str, str]) -> bool:
        held = labels.get(self.name, "")
        match self.operator:
            case "=":
                return held == self.value
            case "!=":
                return held != self.value
            case "=~":
                return re.fullmatch(self.value, held) is not None
            case _:
                return re.fullmatch(self.value, held) is None


@dataclass(slots=True, kw_only=True)
class Series:
    """One series; a value of None marks that the series was gone at that time."""

    labels: Labels
    times: list[float] = field(default_factory=list[float])
    values: list[float | None] = field(default_factory=list[float | None])

    def append(self, at: float, value: float | None) -> None:
        self.times.append(at)
        self.values.append(value)

    @property
    def gone(self) -> bool:
        return not self.values or self.values[-1] is None

    def latest(self, at: float) -> float | None:
        """The value an instant query sees at `at`, or None."""
        index = bisect_right(self.times, at) - 1
        if index < 0 or self.times[index] <= at - LOOKBACK_SECONDS:
            return None
        return self.values[index]

    def window(self, start: float, end: float) -> list[tuple[float, float]]:
        """Samples later than `start` and not later than `end`, as in Prometheus 3 (2 counted `start` in)."""
        begin, stop = bisect_right(self.times, start), bisect_right(self.times, end)
        pairs = zip(self.times[begin:stop], self.values[begin:stop], strict=True)
        return [(at, value) for at, value in pairs if value is not None]

    def drop_before(self, oldest: float) -> None:
        index = bisect_right(self.times, oldest)
        del self.times[:index]
        del self.values[:index]


@dataclass(frozen=True, slots=True, kw_only=True)
class MetricInfo:
    """What `/api/v1/metadata` says about a metric."""

    type: str
    help: str
    unit: str


class SampleStore:
    """All series of all targets, kept for `retention` seconds."""

    def __init__(self, *, retention: float = 7200.0) -> None:
        self._retention = retention
        self._series: dict[Labels, Series] = {}
        self._of_target: dict[str, set[Labels]] = {}
        self.metadata: dict[str, MetricInfo] = {}

    def append(self, target: str, at: float, samples: Mapping[Labels, float]) -> None:
        """Add one scrape of `target`; its series that are not in `samples` are marked as gone."""
        for labels in self._of_target.get(target, set()) - samples.keys():
            if not self._series[labels].gone:
                self._series[labels].append(at, None)
        for labels, value in samples.items():
            self._series.setdefault(labels, Series(labels=labels)).append(at, value)
        self._of_target.setdefault(target, set()).update(samples)
        self._forget(at - self._retention)

    def _forget(self, oldest: float) -> None:
        for labels in [labels for labels, series in self._series.items() if series.times[0] < oldest]:
            self._series[labels].drop_before(oldest)
            if not self._series[labels].times:
                del self._series[labels]
                for held in self._of_target.values():
                    held.discard(labels)

    def select(self, matchers: Iterable[Matcher]) -> list[Series]:
        """Series that satisfy every matcher."""
        wanted = tuple(matchers)
        found: list[Series] = []
        for series in self._series.values():
            labels = dict(series.labels)
            if all(matcher.matches(labels) for matcher in wanted):
                found.append(series)
        return found

    def seen_between(self, selectors: Sequence[Sequence[Matcher]], start: float, end: float) -> list[Labels]:
        """Labels of series with a sample in the range; no selectors means all of them."""
        chosen = {series.labels: series for matchers in selectors or [()] for series in self.select(matchers)}
        return sorted(labels for labels, series in chosen.items() if series.window(start, end))
