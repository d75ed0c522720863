"""The part of the Prometheus query language that the shop's rules and dashboards use: text to tree.

Selectors with `=`, `!=`, `=~`, `!~`; `rate`, `increase` and the `_over_time` functions over a range;
`histogram_quantile`; `sum`, `min`, `max`, `avg`, `count` with `by` or `without`; arithmetic and comparison with `on` or
`ignoring`. Anything else is refused with `BadQueryError`, in the words of the expression.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from .samples import NAME, Matcher

RANGE_FUNCTIONS = ("rate", "increase", "avg_over_time", "max_over_time", "min_over_time")
AGGREGATIONS = ("sum", "min", "max", "avg", "count")
COMPARISONS = ("==", "!=", ">", "<", ">=", "<=")

_PRECEDENCE = {**dict.fromkeys(COMPARISONS, 1), "+": 2, "-": 2, "*": 3, "/": 3, "%": 3}
_UNIT_SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0, "w": 604800.0, "y": 31536000.0}

_TOKEN = re.compile(
    r"""\s*(?:
    (?P<duration>(?:\d+(?:ms|[smhdwy]))+)
  | (?P<number>(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)
  | (?P<name>[a-zA-Z_:][a-zA-Z0-9_:]*)
  | (?P<string>"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')
  | (?P<operator>=~|!~|==|!=|>=|<=|[-=<>+*/%(){}\[\],])
    )""",
    re.VERBOSE,
)
_ESCAPES = {"n": "\n", "t": "\t", "\\": "\\", '"': '"', "'": "'"}


class BadQueryError(Exception):
    """The expression cannot be read or is not supported here."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Number:
    value: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Selector:
    """`range_seconds` is set for `x[5m]`."""

    matchers: tuple[Matcher, ...]
    range_seconds: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RangeCall:
    function: str
    selector: Selector


@dataclass(frozen=True, slots=True, kw_only=True)
class Quantile:
    quantile: float
    buckets: "Expression"


@dataclass(frozen=True, slots=True, kw_only=True)
class Aggregation:
    """`without` turns `labels` from the ones to keep into the ones to drop."""

    operator: str
    labels: frozenset[str]
    without: bool
    inner: "Expression"


@dataclass(frozen=True, slots=True, kw_only=True)
class Binary:
    """`on` says whether `labels` are the ones to match on (true) or to ignore (false)."""

    operator: str
    left: "Expression"
    right: "Expression"
    on: bool
    labels: frozenset[str]
    as_bool: bool


Expression = Number | Selector | RangeCall | Quantile | Aggregation | Binary


def parse_expression(text: str) -> Expression:
    """The tree of `text`. Raises `BadQueryError` that quotes the expression and what could not be read."""
    parser = _Parser(text)
    tree = parser.expression(0)
    parser.end()
    return tree


def parse_duration(text: str) -> float:
    """`1h30m` in seconds. Raises `BadQueryError`."""
    if re.fullmatch(r"(?:\d+(?:ms|[smhdwy]))+", text) is None:
        raise BadQueryError(f"{text!r} is not a duration; write it as 30s, 5m or 1h30m")
    return sum(int(number) * _UNIT_SECONDS[unit] for number, unit in re.findall(r"(\d+)(ms|[smhdwy])", text))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Token:
    kind: str
    text: str


def _tokens(text: str) -> Iterator[_Token]:
    at = 0
    end = len(text.rstrip())
    while at < end:
        found = _TOKEN.match(text, at)
        if found is None or found.lastgroup is None:
            raise BadQueryError(f"unexpected character {text[at:].lstrip()[:1]!r} in expression {text!r}")
        yield _Token(kind=found.lastgroup, text=found[found.lastgroup])
        at = found.end()


class _Parser:
    def __init__(self, text: str) -> None:
        self._text = text
        self._tokens = [*_tokens(text), _Token(kind="end", text="end of expression")]
        self._at = 0

    def expression(self, lowest: int) -> Expression:
        left = self._operand()
        while (precedence := _PRECEDENCE.get(self._peek().text, 0)) > lowest and self._peek().kind == "operator":
            operator = self._take().text
            as_bool = self._accept("bool")
            on, labels = self._matching()
            right = self.expression(precedence)
            left = Binary(operator=operator, left=left, right=right, on=on, labels=labels, as_bool=as_bool)
        return left

    def end(self) -> None:
        if self._peek().kind != "end":
            raise self._unexpected()

    def _operand(self) -> Expression:
        token = self._peek()
        if token.kind == "number":
            return Number(value=float(self._take().text))
        if token.text == "-":
            self._take()
            minus_one = Number(value=-1.0)
            inner = self.expression(_PRECEDENCE["*"])
            return Binary(operator="*", left=minus_one, right=inner, on=False, labels=frozenset(), as_bool=False)
        if token.text == "(":
            self._take()
            inner = self.expression(0)
            self._expect(")")
            return inner
        if token.kind == "name":
            return self._named()
        if token.text == "{":
            return self._selector(())
        raise self._unexpected()

    def _named(self) -> Expression:
        name = self._take().text
        if name in AGGREGATIONS and self._peek().text in ("(", "by", "without"):
            return self._aggregation(name)
        if self._peek().text == "(":
            return self._call(name)
        return self._selector((Matcher(name=NAME, operator="=", value=name),))

    def _aggregation(self, operator: str) -> Aggregation:
        grouping = self._grouping()
        self._expect("(")
        inner = self.expression(0)
        self._expect(")")
        without, labels = grouping or self._grouping() or (False, frozenset[str]())
        return Aggregation(operator=operator, labels=labels, without=without, inner=inner)

    def _grouping(self) -> tuple[bool, frozenset[str]] | None:
        if self._peek().text not in ("by", "without"):
            return None
        return self._take().text == "without", self._label_names()

    def _call(self, function: str) -> RangeCall | Quantile:
        self._expect("(")
        if function == "histogram_quantile":
            quantile = self._take()
            if quantile.kind != "number":
                raise BadQueryError(f"histogram_quantile needs a number first, got {quantile.text!r} in {self._text!r}")
            self._expect(",")
            buckets = self.expression(0)
            self._expect(")")
            return Quantile(quantile=float(quantile.text), buckets=buckets)
        if function not in RANGE_FUNCTIONS:
            raise BadQueryError(f"function {function!r} is not supported in expression {self._text!r}")
        inner = self.expression(0)
        self._expect(")")
        if not isinstance(inner, Selector) or inner.range_seconds is None:
            raise BadQueryError(f"{function} needs a range such as x[5m] in expression {self._text!r}")
        return RangeCall(function=function, selector=inner)

    def _selector(self, matchers: tuple[Matcher, ...]) -> Selector:
        if self._accept("{"):
            matchers = (*matchers, *self._matchers())
        if all(matcher.matches({}) for matcher in matchers):
            raise BadQueryError(f"a selector needs a matcher that does not match empty values in {self._text!r}")
        if not self._accept("["):
            return Selector(matchers=matchers)
        duration = self._take()
        self._expect("]")
        return Selector(matchers=matchers, range_seconds=parse_duration(duration.text))

    def _matchers(self) -> Iterator[Matcher]:
        while not self._accept("}"):
            name, operator, value = self._take(), self._take(), self._take()
            if name.kind != "name" or operator.text not in ("=", "!=", "=~", "!~") or value.kind != "string":
                wrong = f"{name.text}{operator.text}{value.text}"
                raise BadQueryError(f'{wrong!r} is not a matcher such as name="value" in {self._text!r}')
            yield self._matcher(name.text, operator.text, _unquoted(value.text))
            if self._peek().text != "}":
                self._expect(",")

    def _matcher(self, name: str, operator: str, value: str) -> Matcher:
        if operator.endswith("~"):
            try:
                re.compile(value)
            except re.error as error:
                raise BadQueryError(f"{value!r} is not a regular expression ({error}) in {self._text!r}") from error
        return Matcher(name=name, operator=operator, value=value)

    def _matching(self) -> tuple[bool, frozenset[str]]:
        if self._peek().text not in ("on", "ignoring"):
            return False, frozenset()
        on = self._take().text == "on"
        labels = self._label_names()
        if self._peek().text in ("group_left", "group_right"):
            raise BadQueryError(f"{self._peek().text} is not supported in expression {self._text!r}")
        return on, labels

    def _label_names(self) -> frozenset[str]:
        self._expect("(")
        names: set[str] = set()
        while not self._accept(")"):
            if self._peek().kind != "name":
                raise self._unexpected()
            names.add(self._take().text)
            if self._peek().text != ")":
                self._expect(",")
        return frozenset(names)

    def _peek(self) -> _Token:
        return self._tokens[self._at]

    def _take(self) -> _Token:
        token = self._peek()
        if token.kind == "end":
            raise self._unexpected()
        self._at += 1
        return token

    def _accept(self, text: str) -> bool:
        if self._peek().text != text or self._peek().kind == "string":
            return False
        self._at += 1
        return True

    def _expect(self, text: str) -> None:
        if not self._accept(text):
            raise self._unexpected()

    def _unexpected(self) -> BadQueryError:
        return BadQueryError(f"unexpected {self._peek().text!r} in expression {self._text!r}")


def _unquoted(text: str) -> str:
    return re.sub(r"\\(.)", lambda found: _ESCAPES.get(found[1], found[0]), text[1:-1])
