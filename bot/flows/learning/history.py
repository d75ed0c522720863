"""A team's past incidents from a file, row by row: what can be used, and what is wrong with the rest."""

import csv
import difflib
import io
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import cast

from bot.core.errors import PayloadError
from bot.core.hypothesis import CauseClass
from bot.core.redaction import redact
from bot.core.text import clean, clip, one_line
from bot.ports import PastIncident

REQUIRED = ("id", "title", "service", "started_at", "cause")
OPTIONAL = ("cause_class", "component", "severity", "alerts", "fix", "fix_worked", "url")
_COLUMNS = REQUIRED + OPTIONAL
_LONG = {"cause": 3_000, "fix": 3_000}
_SHORT = 300
_YES, _NO = frozenset({"yes", "true", "1"}), frozenset({"no", "false", "0"})
# Longer than any cell that a person has written; the library's own limit would refuse a long analysis.
_CELL = 1_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class BadRow:
    """A row that was left out."""

    line: int
    """Of the file, from 1; the first line of a row that spans several."""
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class History:
    """What a file holds."""

    rows: tuple[PastIncident, ...]
    bad: tuple[BadRow, ...]
    notes: tuple[str, ...]
    """Columns that were passed over."""


def parse_history(text: str, *, jsonl: bool, now: datetime) -> History:
    """
    Read a CSV with a header line, or one JSON object a line.

    Raises PayloadError for a file that has no rows at all or a CSV that lacks a needed column.
    """
    text = text.removeprefix("\ufeff")
    cells = _jsonl_rows(text) if jsonl else _csv_rows(text)
    rows: dict[str, PastIncident] = {}
    lines: dict[str, int] = {}
    bad: list[BadRow] = []
    unknown: dict[str, None] = {}
    for line, row in cells:
        if isinstance(row, str):
            bad.append(BadRow(line=line, why=row))
            continue
        unknown |= dict.fromkeys(name for name in row if name not in _COLUMNS)
        try:
            past = _row(row, now)
        except PayloadError as error:
            bad.append(BadRow(line=line, why=str(error)))
            continue
        if past.id in rows:
            bad.append(BadRow(line=line, why=f"the id {past.id} stands on line {lines[past.id]} already"))
            continue
        rows[past.id], lines[past.id] = past, line
    if not rows and not bad:
        raise PayloadError("there is no row in it")
    notes = tuple(f"column {clip(name, 60)!r} is not known and was passed over{_nearest(name)}" for name in unknown)
    return History(rows=tuple(rows.values()), bad=tuple(bad), notes=notes)


Cells = Mapping[str, object]


def _csv_rows(text: str) -> Iterator[tuple[int, Cells | str]]:
    csv.field_size_limit(_CELL)
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    header: list[str] | None = None
    while True:
        line = reader.line_num + 1
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            yield line, f"it is not CSV: {error}"
            continue
        if not any(cell.strip() for cell in cells):
            continue
        if header is None:
            header = [cell.strip().lower().replace(" ", "_") for cell in cells]
            _check_header(header)
        elif len(cells) > len(header):
            yield line, f"it has {len(cells)} cells and the header {len(header)}; a cell with a comma needs quotes"
        else:
            yield line, {name: cell for name, cell in zip(header, cells, strict=False) if name}


def _check_header(header: Sequence[str]) -> None:
    missing = [name for name in REQUIRED if name not in header]
    if missing:
        close = difflib.get_close_matches(missing[0], header, n=1)
        hint = f" (is it {close[0]!r}?)" if close else ""
        raise PayloadError(f"line 1: the header lacks {', '.join(missing)}{hint}; needed are {', '.join(REQUIRED)}")


def _jsonl_rows(text: str) -> Iterator[tuple[int, Cells | str]]:
    for number, line in enumerate(text.split("\n"), start=1):
        if not line.strip():
            continue
        try:
            value = cast("object", json.loads(line))
        except ValueError as error:
            yield number, f"it is not JSON: {error}"
            continue
        yield number, cast("Cells", value) if isinstance(value, dict) else "it is not a JSON object"


def _row(row: Cells, now: datetime) -> PastIncident:
    missing = [name for name in REQUIRED if not _text(row, name)]
    if missing:
        raise PayloadError(f"it lacks {', '.join(missing)}")
    return PastIncident(
        id=_text(row, "id"),
        title=_text(row, "title"),
        service=_text(row, "service"),
        started_at=_moment(_text(row, "started_at"), now),
        cause=_text(row, "cause"),
        cause_class=_class(_text(row, "cause_class")),
        component=_text(row, "component"),
        severity=_text(row, "severity").lower(),
        alerts=_alerts(row.get("alerts")),
        fix=_text(row, "fix"),
        fix_worked=_worked(row.get("fix_worked")),
        url=_url(_text(row, "url")),
    )


def _text(row: Cells, name: str) -> str:
    value = row.get(name)
    if value is None:
        return ""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise PayloadError(f"{name} is no text")
    tidy = clean(str(value)).strip() if name in _LONG else one_line(clean(str(value)))
    # An id is compared and shown as it is; what looks random in it is no secret.
    return clip(tidy if name == "id" else redact(tidy), _LONG.get(name, _SHORT))


def _moment(text: str, now: datetime) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise PayloadError(f"started_at {clip(text, 40)!r} is no time; write 2026-03-02T09:00:00Z") from None
    if moment.tzinfo is None:
        if len(text) > len("2026-03-02"):
            raise PayloadError(f"started_at {clip(text, 40)!r} has no time zone; write 2026-03-02T09:00:00Z")
        moment = moment.replace(tzinfo=UTC)
    if moment > now + timedelta(days=1):
        raise PayloadError(f"started_at {clip(text, 40)} lies in the future")
    return moment.astimezone(UTC)


def cause_class_of(text: str) -> CauseClass:
    """A cause class by its name, whatever the case and separator. Raises PayloadError with the nearest name."""
    name = text.strip().lower().replace("-", "_").replace(" ", "_")
    try:
        return CauseClass(name)
    except ValueError:
        names = [one.value for one in CauseClass]
        close = difflib.get_close_matches(name, names, n=1)
        hint = f"; did you mean {close[0]}?" if close else ""
        raise PayloadError(f"{clip(text, 40)!r} is no cause class{hint} There are: {', '.join(names)}") from None


def _class(text: str) -> str:
    return cause_class_of(text).value if text else CauseClass.UNKNOWN.value


def _alerts(value: object) -> tuple[str, ...]:
    """A list in JSON; in CSV names separated by semicolons."""
    if value is None:
        return ()
    parts = value.split(";") if isinstance(value, str) else value
    if not isinstance(parts, list):
        raise PayloadError("alerts is no list of names")
    names: list[str] = []
    for part in cast("list[object]", parts):
        if not isinstance(part, str):
            raise PayloadError("alerts is no list of names")
        names.append(clip(redact(one_line(clean(part))), _SHORT))
    return tuple(dict.fromkeys(name for name in names if name))


def _worked(value: object) -> bool | None:
    if value is None or isinstance(value, bool):
        return value
    word = str(value).strip().lower()
    if word in _YES | _NO:
        return word in _YES
    if not word:
        return None
    raise PayloadError(f"fix_worked is yes, no or empty, not {clip(word, 40)!r}")


def _url(text: str) -> str:
    if text and not text.startswith(("https://", "http://")):
        raise PayloadError(f"url {clip(text, 60)!r} does not begin with https://")
    return text


def _nearest(name: str) -> str:
    close = difflib.get_close_matches(name, _COLUMNS, n=1)
    return f" (did you mean {close[0]}?)" if close else ""
