"""Small checks that compose into a description of Block Kit. Each adds its findings with a JSON pointer."""

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from slackbox.errors import nearest
from slackbox.jsons import Json, as_list, as_object

Check = Callable[[Any, str, "Findings"], None]


@dataclass(slots=True, kw_only=True)
class Findings:
    """What was found wrong, and counts that hold for the whole payload."""

    surface: str
    problems: list[str] = field(default_factory=list[str])
    counts: Counter[str] = field(default_factory=Counter[str])
    block_ids: set[str] = field(default_factory=set[str])
    action_ids: set[str] = field(default_factory=set[str])

    def add(self, pointer: str, message: str) -> None:
        self.problems.append(f"[ERROR] {message} [json-pointer:{pointer or '/'}]")


def string(hi: int, *, lo: int = 1, counted: str | None = "characters") -> Check:
    """A string of lo to hi characters; counted towards the payload's total unless told otherwise."""

    def check(value: Any, pointer: str, found: Findings) -> None:
        if not isinstance(value, str):
            found.add(pointer, "must be a string")
            return
        if len(value) > hi:
            found.add(pointer, f"must be less than {hi + 1} characters")
        if len(value) < lo:
            found.add(pointer, f"must be more than {lo - 1} characters")
        if counted:
            found.counts[counted] += len(value)

    return check


def ident(hi: int) -> Check:
    """An identifier: a short string that nobody reads."""
    return string(hi, counted=None)


def flag(value: Any, pointer: str, found: Findings) -> None:
    """True or false."""
    if not isinstance(value, bool):
        found.add(pointer, "must be a boolean")


def number(*, lo: float | None = None, hi: float | None = None, whole: bool = False) -> Check:
    """A number, whole if asked, from lo to hi."""

    def check(value: Any, pointer: str, found: Findings) -> None:
        if isinstance(value, bool) or not isinstance(value, int | float) or (whole and not isinstance(value, int)):
            found.add(pointer, "must be an integer" if whole else "must be a number")
        elif lo is not None and value < lo:
            found.add(pointer, f"must be at least {lo:g}")
        elif hi is not None and value > hi:
            found.add(pointer, f"must be at most {hi:g}")

    return check


def choice(*allowed: str) -> Check:
    """One of a few words."""

    def check(value: Any, pointer: str, found: Findings) -> None:
        if not isinstance(value, str) or value not in allowed:
            found.add(pointer, f"must be one of {', '.join(allowed)}")

    return check


def array(item: Check, *, lo: int = 1, hi: int) -> Check:
    """A list of lo to hi items that each pass."""

    def check(value: Any, pointer: str, found: Findings) -> None:
        items = as_list(value)
        if items is None:
            found.add(pointer, "must be an array")
            return
        if len(items) > hi:
            found.add(pointer, f"no more than {hi} items allowed")
        if len(items) < lo:
            found.add(pointer, f"no fewer than {lo} items allowed")
        for position, entry in enumerate(items[: hi + 1]):
            item(entry, f"{pointer}/{position}", found)

    return check


def record(
    required: Mapping[str, Check],
    optional: Mapping[str, Check] | None = None,
    *,
    rule: Callable[[Json, str, Findings], None] | None = None,
) -> Check:
    """An object with exactly these fields; `rule` sees it when its fields are known."""
    known: dict[str, Check] = {**required, **(optional or {})}

    def check(value: Any, pointer: str, found: Findings) -> None:
        body = as_object(value)
        if body is None:
            found.add(pointer, "must be an object")
            return
        for name in sorted(required.keys() - body.keys()):
            found.add(pointer, f"missing required field: {name}")
        for name, entry in body.items():
            if name in known:
                known[name](entry, f"{pointer}/{name}", found)
            elif name != "type":
                found.add(f"{pointer}/{name}", f"unknown field: {name}. {nearest(name, known)}")
        if rule is not None:
            rule(body, pointer, found)

    return check


def tagged(table: Callable[[], Mapping[str, Check]], what: str) -> Check:
    """An object whose `type` chooses its description."""

    def check(value: Any, pointer: str, found: Findings) -> None:
        body = as_object(value)
        if body is None:
            found.add(pointer, "must be an object")
            return
        kind = body.get("type")
        if not isinstance(kind, str):
            found.add(pointer, "missing required field: type")
            return
        chosen = table().get(kind)
        if chosen is None:
            found.add(f"{pointer}/type", f"unsupported type of {what}: {kind}. {nearest(kind, table())}")
            return
        chosen(body, pointer, found)

    return check


def text(hi: int, *kinds: str, lo: int = 1) -> Check:
    """A text object of the given kinds (plain_text, mrkdwn; both when none is named)."""
    allowed = kinds or ("plain_text", "mrkdwn")
    plain = record({"text": string(hi, lo=lo)}, {"emoji": flag})
    mrkdwn = record({"text": string(hi, lo=lo)}, {"verbatim": flag})
    table = {"plain_text": plain, "mrkdwn": mrkdwn}
    return tagged(lambda: {kind: table[kind] for kind in allowed}, "text")


def url(hi: int) -> Check:
    """A web address."""

    def check(value: Any, pointer: str, found: Findings) -> None:
        ident(hi)(value, pointer, found)
        if isinstance(value, str) and not value.startswith(("http://", "https://", "mailto:", "slack://", "tel:")):
            found.add(pointer, "must be a valid URL")

    return check


def all_of(*rules: Callable[[Json, str, Findings], None]) -> Callable[[Json, str, Findings], None]:
    """Several rules as one."""

    def rule(body: Json, pointer: str, found: Findings) -> None:
        for each in rules:
            each(body, pointer, found)

    return rule


def exactly_one(*names: str) -> Callable[[Json, str, Findings], None]:
    """A rule: one of these fields, not none and not two."""

    def rule(body: Json, pointer: str, found: Findings) -> None:
        if sum(name in body for name in names) != 1:
            found.add(pointer, f"exactly one of {', '.join(names)} is required")

    return rule


def at_least_one(*names: str) -> Callable[[Json, str, Findings], None]:
    """A rule: one or more of these fields."""

    def rule(body: Json, pointer: str, found: Findings) -> None:
        if not any(body.get(name) for name in names):
            found.add(pointer, f"at least one of {', '.join(names)} is required")

    return rule
