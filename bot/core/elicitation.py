"""
What a tool's server asks in the middle of a call: a flat form, answered by a person or not at all. Pure.

The schema is the restricted JSON Schema of the Model Context Protocol's form elicitation (revision 2025-11-25 and
2026-07-28, "Elicitation"): one object whose properties are text, numbers, booleans, or choices. What does not fit it, asks
for a secret, or would send a person to another page is declined with a sentence.
"""

import enum
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import cast

from bot.core.errors import PayloadError
from bot.core.redaction import redact
from bot.core.text import clean, clip, disarm, one_line, plural

MOST_QUESTIONS = 5
"""How often one call may ask; a server that goes on asking is declined."""
MOST_FIELDS = 20
MOST_CHOICES = 100
"""What one Slack menu holds."""
_MOST_TEXT = 1_000
_MOST_NAME = 200
_MOST_CHOICE = 300
_MESSAGE = 1_500


class FieldKind(enum.StrEnum):
    """What is typed in."""

    TEXT = "text"
    INTEGER = "whole number"
    NUMBER = "number"
    BOOLEAN = "yes or no"
    CHOICE = "one of"
    CHOICES = "some of"


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """One thing that is asked. `least` and `most` bound a number, the length of a text, or how many are chosen."""

    request: str
    """Which of the server's requests it belongs to; empty where there is only one without a name."""
    name: str
    kind: FieldKind
    label: str
    description: str = ""
    required: bool = False
    choices: tuple[str, ...] = ()
    labels: tuple[str, ...] = ()
    """What people see of the choices, in their order."""
    least: float | None = None
    most: float | None = None
    format: str = ""

    @property
    def type_words(self) -> str:
        """`text, required`, for people."""
        kind = f"{self.kind} {len(self.choices)}" if self.kind in {FieldKind.CHOICE, FieldKind.CHOICES} else self.kind
        parts = [str(kind), self.format, self._bounds(), "required" if self.required else "optional"]
        return ", ".join(part for part in parts if part)

    def _bounds(self) -> str:
        if self.least is None and self.most is None:
            return ""
        unit = {FieldKind.TEXT: " characters", FieldKind.CHOICES: " choices"}.get(self.kind, "")
        low = f"{self.least:g}" if self.least is not None else ""
        high = f"{self.most:g}" if self.most is not None else ""
        return f"{low} to {high}{unit}" if low and high else f"at least {low}{unit}" if low else f"at most {high}{unit}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Form:
    """What a person is asked: the server's words, made harmless, and the fields."""

    message: str
    fields: tuple[Field, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """One request of a server, as it came."""

    key: str
    message: str
    schema: Mapping[str, object]
    url: str = ""
    """Set for the form that wants a person to open a page."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Elicitation:
    """What stands behind an approval that answers a server: whether the call can be taken up, and what it was told."""

    approval_id: str
    step_run: int
    held: bool
    """True: the call has ended and anybody can take it up; false: it is open and waits in the process that made it."""
    request_state: str | None
    keys: tuple[str, ...]
    """The server's names of its requests; each gets an answer."""
    answer: Mapping[str, Mapping[str, object]] | None = None
    """By request: what an approver entered."""
    told: str = ""
    """accept, decline or cancel, once the server has been told; written down before it is."""


def message_of(questions: Sequence[Question]) -> str:
    """The server's words as people may see them."""
    said = "\n".join(disarm(question.message) for question in questions)
    return clip(redact(said).strip(), _MESSAGE) or "(the server gave no reason)"


def read_form(questions: Sequence[Question]) -> Form:
    """The form behind a server's requests. Raises PayloadError with the reason why it is declined."""
    if any(question.url for question in questions):
        raise PayloadError(
            "it wants somebody to open a page outside of Slack, where nobody could see who agreed to what"
        )
    fields = [field for question in questions for field in _fields(question)]
    if len(fields) > MOST_FIELDS:
        raise PayloadError(f"it asks for {len(fields)} things at once; at most {MOST_FIELDS} are shown")
    for field in fields:
        if _looks_secret(f"{field.name} {field.label} {field.description}"):
            raise PayloadError(f"it asks for a secret ({field.label}), and secrets are not typed into Slack")
    free = any(field.kind is FieldKind.TEXT for field in fields)
    if free and any(_looks_secret(question.message) for question in questions):
        raise PayloadError("its words ask for a secret, and secrets are not typed into Slack")
    return Form(message=message_of(questions), fields=tuple(fields))


_SECRET = re.compile(
    r"\b(?:pass(?:word|wd|phrase|code)?s?|pwd|secrets?|tokens?|credentials?|pin(?: code)?|otp|one time (?:code|password)|cvv|cvc"
    r"|(?:api|access|private|secret|signing|encryption|ssh|recovery) ?keys?|apikeys?|bearer|cookies?|card number|ssn|mfa|2fa)\b"
)
_HUMP = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")


def _looks_secret(text: str) -> bool:
    """Whether its words are those of a credential, however they are joined: db_password, apiKey, Access-Token."""
    words = re.sub(r"[^a-z0-9]+", " ", _HUMP.sub(" ", disarm(text)).lower())
    glued = re.search(r"password|passwd|passphrase|secretkey|accesskey|apikey|accesstoken|authtoken", words)
    return glued is not None or _SECRET.search(words) is not None


def _fields(question: Question) -> Sequence[Field]:
    properties, required = question.schema.get("properties", {}), question.schema.get("required", [])
    if question.schema.get("type") != "object" or not isinstance(properties, Mapping):
        raise PayloadError("what it asks for is not a flat form")
    if not isinstance(required, Sequence) or isinstance(required, str):
        raise PayloadError("its form does not say in a list what is required")
    missing = [name for name in cast("Sequence[object]", required) if name not in properties]
    if missing:
        raise PayloadError(f"its form requires {one_line(str(missing[0]))[:60]!r} and does not describe it")
    return [
        _field(question.key, str(name), rules, required=name in required)
        for name, rules in cast("Mapping[object, object]", properties).items()
    ]


_UNCHECKED = frozenset(
    {
        "pattern",
        "allOf",
        "not",
        "const",
        "$ref",
        "multipleOf",
        "exclusiveMinimum",
        "exclusiveMaximum",
        "properties",
        "if",
    }
)
_FORMATS = frozenset({"email", "uri", "date", "date-time"})
_PLAIN = {
    "string": FieldKind.TEXT,
    "integer": FieldKind.INTEGER,
    "number": FieldKind.NUMBER,
    "boolean": FieldKind.BOOLEAN,
}


def _field(request: str, name: str, rules: object, *, required: bool) -> Field:
    shown = clip(one_line(redact(disarm(name))), 60)
    if not isinstance(rules, Mapping):
        raise PayloadError(f"its field {shown!r} is not described")
    known = cast("Mapping[str, object]", rules)
    if clean(name) != name:
        raise PayloadError(f"its field {shown!r} has hidden characters in its name")
    unchecked = sorted(_UNCHECKED & set(known))
    if unchecked or not 0 < len(name) <= _MOST_NAME:
        raise PayloadError(
            f"its field {shown!r} has a rule that cannot be checked here ({', '.join(unchecked) or 'name'})"
        )
    kind, choices, labels = _kind(known, shown)
    low, high = {
        FieldKind.TEXT: ("minLength", "maxLength"),
        FieldKind.CHOICES: ("minItems", "maxItems"),
    }.get(kind, ("minimum", "maximum"))
    form = str(known.get("format", "")) if kind is FieldKind.TEXT else ""
    if form and form not in _FORMATS:
        raise PayloadError(
            f"its field {shown!r} has the format {clip(one_line(form), 30)!r}, which cannot be checked here"
        )
    return Field(
        request=request,
        name=name,
        kind=kind,
        label=clip(one_line(redact(disarm(str(known.get("title") or name)))), 100),
        description=clip(one_line(redact(disarm(str(known.get("description", ""))))), 150),
        required=required,
        choices=choices,
        labels=labels,
        least=_bound(known, low, shown),
        most=_bound(known, high, shown),
        format=form,
    )


def _kind(rules: Mapping[str, object], shown: str) -> tuple[FieldKind, tuple[str, ...], tuple[str, ...]]:
    said = rules.get("type")
    if said == "array":
        items = rules.get("items")
        if isinstance(items, Mapping):
            choices, labels = _choices(cast("Mapping[str, object]", items), shown)
            if choices:
                return FieldKind.CHOICES, choices, labels
    elif said == "string" and ({"enum", "oneOf", "anyOf"} & set(rules)):
        return FieldKind.CHOICE, *_choices(rules, shown)
    elif isinstance(said, str) and said in _PLAIN and not ({"enum", "oneOf", "anyOf"} & set(rules)):
        return _PLAIN[said], (), ()
    raise PayloadError(f"its field {shown!r} is of a kind that cannot be shown ({clip(one_line(str(said)), 30)})")


def _choices(rules: Mapping[str, object], shown: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    found: list[tuple[str, str]] = []
    if isinstance(rules.get("enum"), list):
        names = rules.get("enumNames")
        values = cast("list[object]", rules["enum"])
        titles = cast("list[object]", names) if isinstance(names, list) and len(names) == len(values) else values  # pyright: ignore[reportUnknownArgumentType] - only counted
        found = [(value, str(title)) for value, title in zip(values, titles, strict=True) if isinstance(value, str)]
        if len(found) != len(values):
            found = []
    else:
        listed = rules.get("oneOf") or rules.get("anyOf")
        for one in cast("list[object]", listed) if isinstance(listed, list) else []:
            entry: Mapping[str, object] = cast("Mapping[str, object]", one) if isinstance(one, Mapping) else {}
            if not isinstance(entry.get("const"), str):
                raise PayloadError(f"its field {shown!r} has a choice that is no text")
            found.append((str(entry["const"]), str(entry.get("title") or entry["const"])))
    values = tuple(value for value, _ in found)
    if any(clean(value) != value or len(value) > _MOST_CHOICE for value in values):
        raise PayloadError(f"its field {shown!r} has a choice that is too long or has hidden characters")
    if not 0 < len(values) <= MOST_CHOICES or len(set(values)) != len(values):
        raise PayloadError(
            f"its field {shown!r} has {plural(len(values), 'usable choice')}; 1 to {MOST_CHOICES} can be shown"
        )
    return values, tuple(
        clip(one_line(redact(disarm(label))), 75) or f"choice {n}" for n, (_, label) in enumerate(found, 1)
    )


def _bound(rules: Mapping[str, object], name: str, shown: str) -> float | None:
    value = rules.get(name)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise PayloadError(f"its field {shown!r} has a bound `{name}` that is no number")
    # A float, so that the hash is the same after a round trip through the database.
    return float(value)


def read_answer(form: Form, given: Mapping[str, Sequence[str]]) -> tuple[dict[str, dict[str, object]], dict[str, str]]:
    """
    What was entered, by request and field, and the problems, by place.

    A field is known by its place in the form ("0", "1", …): its name is the server's. An empty optional field is left out.
    """
    values: dict[str, dict[str, object]] = {field.request: {} for field in form.fields}
    problems: dict[str, str] = {}
    for place, field in enumerate(form.fields):
        entered = [one for one in given.get(str(place), ()) if one.strip()]
        if not entered:
            if field.required:
                problems[str(place)] = "This is required."
            continue
        try:
            values[field.request][field.name] = _value(field, entered)
        except PayloadError as error:
            problems[str(place)] = str(error)
    return values, problems


def _value(field: Field, entered: Sequence[str]) -> object:
    match field.kind:
        case FieldKind.INTEGER | FieldKind.NUMBER:
            return _number(field, entered[0].strip())
        case FieldKind.TEXT:
            return _text(field, entered[0])
        case FieldKind.BOOLEAN:
            return _chosen(entered[:1], ("true", "false"))[0] == "true"
        case FieldKind.CHOICE:
            return _chosen(entered[:1], field.choices)[0]
        case FieldKind.CHOICES:
            _within(field, len(entered), " choices")
            return _chosen(entered, field.choices)


def _chosen(entered: Sequence[str], choices: Sequence[str]) -> list[str]:
    if not set(entered) <= set(choices):
        raise PayloadError("This is none of the choices.")
    return list(entered)


def _number(field: Field, text: str) -> int | float:
    try:
        value = int(text) if field.kind is FieldKind.INTEGER else float(text)
    except ValueError:
        raise PayloadError("Enter a whole number." if field.kind is FieldKind.INTEGER else "Enter a number.") from None
    if not -1e15 <= value <= 1e15:
        raise PayloadError("This number is too large to be passed on exactly.")
    _within(field, value, "")
    return value


def _text(field: Field, text: str) -> str:
    if len(text) > _MOST_TEXT:
        raise PayloadError(f"At most {_MOST_TEXT} characters.")
    _within(field, len(text), " characters")
    if field.format != "email" and redact(text) != text:
        raise PayloadError("This looks like a secret or an address, so it is not passed on.")
    checks = {"email": _is_email, "uri": _is_uri, "date": _is_date, "date-time": _is_time}
    if field.format and not checks[field.format](text.strip()):
        raise PayloadError(f"This is no {field.format}.")
    return text.strip() if field.format else text


def _within(field: Field, value: float, unit: str) -> None:
    low = -math.inf if field.least is None else field.least
    high = math.inf if field.most is None else field.most
    if not low <= value <= high:
        raise PayloadError(
            f"{low:g} to {high:g}{unit} are asked for." if high < math.inf else f"At least {low:g}{unit}."
        )


def _is_email(text: str) -> bool:
    return re.fullmatch(r"[^\s@]+@[^\s@]+\.[^\s@]+", text) is not None


def _is_uri(text: str) -> bool:
    return re.fullmatch(r"[A-Za-z][A-Za-z0-9+.-]*:[^\s]+", text) is not None


def _is_date(text: str) -> bool:
    try:
        date.fromisoformat(text)
    except ValueError:
        return False
    return re.fullmatch(r"\d{4}-\d{2}-\d{2}", text) is not None


def _is_time(text: str) -> bool:
    try:
        return datetime.fromisoformat(text).tzinfo is not None and "T" in text.upper()
    except ValueError:
        return False
