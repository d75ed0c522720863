"""Numbers about the past as words: a share never without its n, an interval wherever there is one."""

from collections.abc import Callable

from bot.core.intervals import Interval
from bot.core.scores import Figure, Rate, Spread

UNKNOWN = "not known (n=0)"


def share(value: float) -> str:
    """`72 %`."""
    return f"{round(value * 100)} %"


def rate_words(rate: Rate) -> str:
    """`71 % (12 of 17, 90 % interval 50–86 %)`."""
    if rate.value is None:
        return UNKNOWN
    if rate.interval is None:
        return brief_rate(rate)
    between = f"{round(rate.interval.low * 100)}–{share(rate.interval.high)}"
    return f"{share(rate.value)} ({rate.hits} of {rate.n}, {share(rate.interval.level)} interval {between})"


def brief_rate(rate: Rate) -> str:
    """`71 % (12 of 17)`, for a headline; its interval has to stand below."""
    return UNKNOWN if rate.value is None else f"{share(rate.value)} ({rate.hits} of {rate.n})"


def figure_words(figure: Figure, form: Callable[[float], str]) -> str:
    """`0.21 (n=17, 90 % interval 0.15–0.28)`."""
    if figure.value is None:
        return f"not known (n={figure.n})"
    return f"{form(figure.value)} (n={figure.n}{_between(figure.interval, form)})"


def spread_words(spread: Spread, form: Callable[[float], str]) -> str:
    """`median 21 s (90 % interval 18 s to 26 s), 90th percentile 48 s (90 % interval 40 s to 61 s), n=17`."""
    if spread.median is None or spread.p90 is None:
        return UNKNOWN
    middle = f"median {form(spread.median)}{_in_brackets(spread.median_interval, form)}"
    upper = f"90th percentile {form(spread.p90)}{_in_brackets(spread.p90_interval, form)}"
    return f"{middle}, {upper}, n={spread.n}"


def _in_brackets(interval: Interval | None, form: Callable[[float], str]) -> str:
    held = _between(interval, form).removeprefix(", ")
    return f" ({held})" if held else ""


def _between(interval: Interval | None, form: Callable[[float], str]) -> str:
    if interval is None:
        return ""
    return f", {share(interval.level)} interval {form(interval.low)} to {form(interval.high)}"


def seconds(value: float) -> str:
    """`4.2 s`, `48 s`, `3 min 5 s`."""
    if value < 10:
        return f"{value:.1f} s"
    whole = round(value)
    if whole < 120:
        return f"{whole} s"
    minutes, rest = divmod(whole, 60)
    return f"{minutes} min {rest} s" if rest and minutes < 10 else f"{minutes} min"


def dollars(value: float) -> str:
    """`$0.05`; more digits below a cent."""
    return f"${value:.2f}" if value == 0 or value >= 0.01 else f"${value:.4f}"


def decimal(value: float) -> str:
    """`0.21`."""
    return f"{value:.2f}"
