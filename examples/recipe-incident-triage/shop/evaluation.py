"""Evaluates an expression of `promql` over the samples in memory, by the rules of Prometheus."""

import math
import operator
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise

from . import promql
from .promql import Aggregation, BadQueryError, Binary, Expression, Number, Quantile, RangeCall, Selector
from .samples import NAME, Labels, SampleStore, Series

#: The value of an expression at one time: a number, or one value per set of labels.
Vector = dict[Labels, float]
Value = float | Vector

_ARITHMETIC: Mapping[str, Callable[[float, float], float]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": lambda left, right: left / right if right else math.nan if not left else math.copysign(math.inf, left),
    "%": lambda left, right: math.fmod(left, right) if right else math.nan,
}
_COMPARISON: Mapping[str, Callable[[float, float], bool]] = {
    "==": operator.eq,
    "!=": operator.ne,
    ">": operator.gt,
    "<": operator.lt,
    ">=": operator.ge,
    "<=": operator.le,
}
_AGGREGATE: Mapping[str, Callable[[Sequence[float]], float]] = {
    "sum": sum,
    "min": min,
    "max": max,
    "avg": lambda values: sum(values) / len(values),
    "count": len,
}


class Evaluator:
    """Evaluates at any number of times; which series a selector means is looked up once."""

    def __init__(self, store: SampleStore) -> None:
        self._store = store
        self._selected: dict[Selector, list[Series]] = {}

    def value(self, expression: Expression, at: float) -> Value:
        """The value at epoch second `at`. Raises `BadQueryError` where Prometheus would refuse."""
        match expression:
            case Number(value=value):
                return value
            case Selector():
                return self._instant(expression, at)
            case RangeCall():
                return self._range_call(expression, at)
            case Quantile():
                return _quantiles(expression.quantile, self.vector(expression.buckets, at))
            case Aggregation():
                return _aggregate(expression, self.vector(expression.inner, at))
            case Binary():
                return _combine(expression, self.value(expression.left, at), self.value(expression.right, at))

    def vector(self, expression: Expression, at: float) -> Vector:
        """Like `value`, where a plain number makes no sense."""
        value = self.value(expression, at)
        if isinstance(value, dict):
            return value
        raise BadQueryError("expected an instant vector, got a number")

    def _series(self, selector: Selector) -> list[Series]:
        if selector not in self._selected:
            self._selected[selector] = self._store.select(selector.matchers)
        return self._selected[selector]

    def _instant(self, selector: Selector, at: float) -> Vector:
        if selector.range_seconds is not None:
            raise BadQueryError("a range such as x[5m] needs a function around it, for example rate(x[5m])")
        latest = ((series.labels, series.latest(at)) for series in self._series(selector))
        return {labels: value for labels, value in latest if value is not None}

    def _range_call(self, call: RangeCall, at: float) -> Vector:
        seconds = call.selector.range_seconds
        assert seconds is not None, "the parser asks for a range"
        result: Vector = {}
        for series in self._series(call.selector):
            value = _over_window(call.function, series.window(at - seconds, at), at - seconds, at)
            if value is not None:
                result[_without_name(series.labels)] = value
        return result


def _over_window(function: str, window: Sequence[tuple[float, float]], start: float, end: float) -> float | None:
    if function in ("rate", "increase"):
        grown = _increase(window, start, end)
        return grown if grown is None or function == "increase" else grown / (end - start)
    if not window:
        return None
    return _AGGREGATE[function.removesuffix("_over_time")]([value for _, value in window])


def _increase(window: Sequence[tuple[float, float]], start: float, end: float) -> float | None:
    """How much a counter grew, resets added back, extended to the edges of the window as Prometheus extends it.

    It extends to an edge that is nearer than 1.1 average sample distances, else by half a distance, and never below
    the point where the counter would have been zero.
    """
    if len(window) < 2:
        return None
    (first_at, first), (last_at, last) = window[0], window[-1]
    pairs = pairwise(window)
    grown = last - first + sum(before for (_, before), (_, after) in pairs if after < before)
    sampled = last_at - first_at
    distance = sampled / (len(window) - 1)
    to_start, to_end = first_at - start, end - last_at
    if grown > 0 and first >= 0:
        to_start = min(to_start, sampled * first / grown)
    extended = sampled
    for gap in (to_start, to_end):
        extended += gap if gap < distance * 1.1 else distance / 2
    return grown * extended / sampled


def _quantiles(quantile: float, buckets: Vector) -> Vector:
    groups: dict[Labels, list[tuple[float, float]]] = defaultdict(list)
    for labels, count in buckets.items():
        bound = dict(labels).get("le")
        if bound is not None:
            key = tuple(label for label in labels if label[0] not in ("le", NAME))
            groups[key].append((float(bound), count))
    return {labels: _quantile(quantile, sorted(bounds)) for labels, bounds in groups.items()}


def _quantile(quantile: float, bounds: Sequence[tuple[float, float]]) -> float:
    """Linear inside the bucket that holds the rank; the highest finite bound when it is the last one."""
    total = bounds[-1][1]
    if len(bounds) < 2 or not math.isinf(bounds[-1][0]) or not total > 0:
        return math.nan
    rank = quantile * total
    lower, below = 0.0, 0.0
    for bound, count in bounds[:-1]:
        if count >= rank:
            return lower + (bound - lower) * ((rank - below) / (count - below) if count > below else 0.0)
        lower, below = bound, count
    return lower


def _aggregate(aggregation: Aggregation, vector: Vector) -> Vector:
    groups: dict[Labels, list[float]] = defaultdict(list)
    for labels, value in vector.items():
        groups[_keep(_without_name(labels), aggregation.labels, keep=not aggregation.without)].append(value)
    return {labels: float(_AGGREGATE[aggregation.operator](values)) for labels, values in groups.items()}


def _combine(binary: Binary, left: Value, right: Value) -> Value:
    if isinstance(left, dict):
        if isinstance(right, dict):
            return _matched(binary, left, right)
        return _each(binary, left, lambda value: (value, right))
    if isinstance(right, dict):
        return _each(binary, right, lambda value: (left, value))
    return _number(binary, left, right)


def _number(binary: Binary, left: float, right: float) -> float:
    if binary.operator in _ARITHMETIC:
        return _ARITHMETIC[binary.operator](left, right)
    if not binary.as_bool:
        raise BadQueryError("comparisons between numbers must use the bool modifier")
    return float(_COMPARISON[binary.operator](left, right))


def _each(binary: Binary, vector: Vector, sides: Callable[[float], tuple[float, float]]) -> Vector:
    result: Vector = {}
    for labels, value in vector.items():
        combined = _pair(binary, *sides(value), kept=value)
        if combined is not None:
            result[_result_labels(binary, labels)] = combined
    return result


def _matched(binary: Binary, left: Vector, right: Vector) -> Vector:
    """One-to-one matching on the labels that count."""
    by_key: dict[Labels, float] = {}
    for labels, value in right.items():
        key = _key(binary, labels)
        if key in by_key:
            raise BadQueryError(f"found duplicate series for the match group {dict(key)} on the right hand-side")
        by_key[key] = value
    result: Vector = {}
    seen: set[Labels] = set()
    for labels, value in left.items():
        key = _key(binary, labels)
        if key not in by_key:
            continue
        if key in seen:
            raise BadQueryError(f"found duplicate series for the match group {dict(key)} on the left hand-side")
        seen.add(key)
        combined = _pair(binary, value, by_key[key], kept=value)
        if combined is not None:
            result[key if binary.on else _result_labels(binary, labels)] = combined
    return result


def _pair(binary: Binary, left: float, right: float, *, kept: float) -> float | None:
    if binary.operator in _ARITHMETIC:
        return _ARITHMETIC[binary.operator](left, right)
    holds = _COMPARISON[binary.operator](left, right)
    if binary.as_bool:
        return float(holds)
    return kept if holds else None


def _key(binary: Binary, labels: Labels) -> Labels:
    return _keep(_without_name(labels), binary.labels, keep=binary.on)


def _result_labels(binary: Binary, labels: Labels) -> Labels:
    """A comparison passes series through as they are; arithmetic makes something without a name."""
    named = labels if binary.operator in promql.COMPARISONS and not binary.as_bool else _without_name(labels)
    return _keep(named, binary.labels, keep=False)


def _keep(labels: Labels, names: frozenset[str], *, keep: bool) -> Labels:
    return tuple(label for label in labels if (label[0] in names) == keep)


def _without_name(labels: Labels) -> Labels:
    return tuple(label for label in labels if label[0] != NAME)
