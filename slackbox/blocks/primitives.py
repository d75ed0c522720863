"""Small checks that compose into a description of Block Kit. Each adds its findings with a JSON pointer."""

import math
import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from slackbox.errors import nearest
from slackbox.jsons import Json, as_list, as_object

Check = Callable[[Any, str, "Findings"], None]
Rule = Callable[[Json, str, "Findings"], None]
# None for a row that Slack leaves open.
Most = int | None

_SCHEMES = ("http://", "https://", "mailto:", "slack://", "tel:")


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """One offence: where, what, and in which of the two codes that Slack documents for blocks.validate."""

    pointer: str
    message: str
    code: str = "failed_constraint"
    constraint: Mapping[str, Any] | None = None
    field: str | None = None

    def __str__(self) -> str:
        """As in `response_metadata.messages` of Slack's answers."""
        return f"[ERROR] {self.message} [json-pointer:{self.pointer}]"

    def as_json(self) -> Json:
        """As in `errors` of an answer of blocks.validate."""
        body: Json = {"code": self.code, "message": self.message, "pointer": self.pointer}
        if self.constraint is not None:
            body["constraint"] = dict(self.constraint)
        if self.field is not None:
            body["field"] = self.field
        return body


@dataclass(slots=True, kw_only=True)
class Findings:
    """What was found wrong, and counts that hold for the whole payload."""

    surface: str
    problems: list[Problem] = field(default_factory=list[Problem])
    counts: Counter[str] = field(default_factory=Counter[str])
    block_ids: set[str] = field(default_factory=set[str])
    action_ids: set[str] = field(default_factory=set[str])

    def add(self, pointer: str, message: str, constraint: Mapping[str, Any] | None = None) -> None:
        self.problems.append(Problem(pointer=pointer, message=message, constraint=constraint))

    def refuse_field(self, pointer: str, name: str, message: str) -> None:
        """An offence of a member that is there but not known."""
        self.problems.append(Problem(pointer=at(pointer, name), message=message, field=name))

    def miss(self, pointer: str, name: str) -> None:
        """A member that is not there."""
        message = f"missing required field: {name}"
        self.problems.append(Problem(pointer=pointer, message=message, code="missing_field", field=name))


def at(pointer: str, key: str | int) -> str:
    """The pointer of a member or an item, escaped as RFC 6901 asks."""
    return f"{pointer}/{str(key).replace('~', '~0').replace('/', '~1')}"


def string(hi: Most, *, lo: int = 1, counted: str | None = "characters") -> Check:
    """A string of lo to hi characters; counted towards the payload's total unless told otherwise."""

    def check(value: Any, pointer: str, found: Findings) -> None:
        if not isinstance(value, str):
            found.add(pointer, "must be a string", {"type": "string"})
            return
        if hi is not None and len(value) > hi:
            found.add(pointer, f"must be less than {hi + 1} characters", _size("max_length", hi, len(value)))
        if len(value) < lo:
            found.add(pointer, f"must be more than {lo - 1} characters", _size("min_length", lo, len(value)))
        if counted:
            found.counts[counted] += len(value)

    return check


def ident(hi: Most) -> Check:
    """An identifier: a short string that nobody reads."""
    return string(hi, counted=None)


def ident_or_empty(hi: int) -> Check:
    """An identifier that may also be empty."""
    return string(hi, lo=0, counted=None)


def matching(pattern: re.Pattern[str], form: str) -> Check:
    """A string of a given form, for example a date."""

    def check(value: Any, pointer: str, found: Findings) -> None:
        if not isinstance(value, str) or pattern.fullmatch(value) is None:
            found.add(pointer, f"must be a string in the format {form}", {"type": "regex", "expected": form})

    return check


def flag(value: Any, pointer: str, found: Findings) -> None:
    """True or false."""
    if not isinstance(value, bool):
        found.add(pointer, "must be a boolean", {"type": "boolean"})


def number(*, lo: float | None = None, hi: float | None = None, whole: bool = False) -> Check:
    """A finite number, whole if asked, from lo to hi."""

    def check(value: Any, pointer: str, found: Findings) -> None:
        if not is_number(value) or (whole and not isinstance(value, int)):
            found.add(pointer, "must be an integer" if whole else "must be a number", {"type": "number"})
        elif lo is not None and value < lo:
            found.add(pointer, f"must be at least {lo:g}", {"type": "minimum", "expected": lo})
        elif hi is not None and value > hi:
            found.add(pointer, f"must be at most {hi:.10g}", {"type": "maximum", "expected": hi})

    return check


def is_number(value: Any) -> bool:
    """A JSON number; JSON has neither NaN nor infinities, though parsers let them through."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    return isinstance(value, int) or math.isfinite(value)


def choice(*allowed: str) -> Check:
    """One of a few words."""

    def check(value: Any, pointer: str, found: Findings) -> None:
        if not isinstance(value, str) or value not in allowed:
            meant = f". {nearest(value, allowed)}" if isinstance(value, str) else ""
            found.add(pointer, f"must be one of {', '.join(allowed)}{meant}", _enum(allowed, value))

    return check


def array(item: Check, *, lo: int = 1, hi: Most) -> Check:
    """A list of lo to hi items that each pass."""

    def check(value: Any, pointer: str, found: Findings) -> None:
        items = as_list(value)
        if items is None:
            found.add(pointer, "must be an array", {"type": "array"})
            return
        if hi is not None and len(items) > hi:
            found.add(pointer, f"no more than {hi} items allowed", _size("max_items", hi, len(items)))
        if len(items) < lo:
            found.add(pointer, f"no fewer than {lo} items allowed", _size("min_items", lo, len(items)))
        # What is over the limit is refused once, not item by item.
        for position, entry in enumerate(items[:hi]):
            item(entry, at(pointer, position), found)

    return check


def record(
    required: Mapping[str, Check],
    optional: Mapping[str, Check] | None = None,
    *,
    rule: Rule | None = None,
    tag: bool = False,
) -> Check:
    """An object with exactly these fields; `rule` sees it when its fields are known.

    `tag` admits `type`, which the caller has read already. Options, confirmations and such have none.
    """
    known: dict[str, Check] = {**required, **(optional or {})}

    def check(value: Any, pointer: str, found: Findings) -> None:
        body = as_object(value)
        if body is None:
            found.add(pointer, "must provide an object", {"type": "object"})
            return
        for name in sorted(required.keys() - body.keys()):
            found.miss(pointer, name)
        for name, entry in body.items():
            if name in known:
                known[name](entry, at(pointer, name), found)
            elif not (tag and name == "type"):
                _unknown(name, known, pointer, found)
        if rule is not None:
            rule(body, pointer, found)

    return check


def _unknown(name: Any, known: Mapping[str, Check], pointer: str, found: Findings) -> None:
    # JSON has only string keys, but a test may hand over a dict that never was JSON.
    if isinstance(name, str):
        found.refuse_field(pointer, name, f"unknown field: {name}. {nearest(name, known)}")
    else:
        found.add(pointer, "the names of fields must be strings")


def tagged(table: Callable[[], Mapping[str, Check]], what: str) -> Check:
    """An object whose `type` chooses its description."""

    def check(value: Any, pointer: str, found: Findings) -> None:
        body = as_object(value)
        if body is None:
            found.add(pointer, "must provide an object", {"type": "object"})
            return
        if "type" not in body:
            found.miss(pointer, "type")
            return
        kind = body["type"]
        if not isinstance(kind, str):
            found.add(at(pointer, "type"), "must be a string", {"type": "string"})
            return
        chosen = table().get(kind)
        if chosen is None:
            message = f"unsupported type: {kind}. Not a {what} that may stand here. {nearest(kind, table())}"
            found.add(at(pointer, "type"), message, _enum(sorted(table()), kind))
            return
        chosen(body, pointer, found)

    return check


def text(hi: Most, *kinds: str, lo: int = 1) -> Check:
    """A text object of the given kinds (plain_text, mrkdwn; both when none is named)."""
    allowed = kinds or ("plain_text", "mrkdwn")
    plain = record({"text": string(hi, lo=lo)}, {"emoji": flag}, tag=True)
    mrkdwn = record({"text": string(hi, lo=lo)}, {"verbatim": flag}, tag=True)
    table = {"plain_text": plain, "mrkdwn": mrkdwn}
    return tagged(lambda: {kind: table[kind] for kind in allowed}, "text")


def url(hi: Most, *, secure: bool = False) -> Check:
    """A web address; `secure` asks for https."""
    schemes = ("https://",) if secure else _SCHEMES

    def check(value: Any, pointer: str, found: Findings) -> None:
        ident(hi)(value, pointer, found)
        if isinstance(value, str) and not value.startswith(schemes):
            found.add(pointer, f"must be a valid URL that starts with {', '.join(schemes)}", {"type": "url"})

    return check


def all_of(*rules: Rule) -> Rule:
    """Several rules as one."""

    def rule(body: Json, pointer: str, found: Findings) -> None:
        for each in rules:
            each(body, pointer, found)

    return rule


def exactly_one(*names: str) -> Rule:
    """A rule: one of these fields, not none and not two."""

    def rule(body: Json, pointer: str, found: Findings) -> None:
        if sum(name in body for name in names) != 1:
            found.add(pointer, f"exactly one of {', '.join(names)} is required", {"type": "all_of"})

    return rule


def at_least_one(*names: str) -> Rule:
    """A rule: one or more of these fields."""

    def rule(body: Json, pointer: str, found: Findings) -> None:
        if not any(body.get(name) for name in names):
            found.add(pointer, f"at least one of {', '.join(names)} is required", {"type": "all_of"})

    return rule


def _size(kind: str, expected: int, got: int) -> Json:
    return {"type": kind, "expected": expected, "got": got}


def _enum(expected: Sequence[str], got: Any) -> Json:
    constraint: Json = {"type": "enum", "expected": list(expected)}
    return constraint | {"got": got} if isinstance(got, str) else constraint
