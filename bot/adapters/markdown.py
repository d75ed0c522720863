"""What a review of an incident says, out of Markdown that was written for people: title, day, and which section is which."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from bot.core.text import one_line

_ATX = re.compile(r"^ {0,3}(#{1,6})[ \t]+(.+?)[ \t]*#*[ \t]*$")
# A line of bold words alone is how some write a heading.
_BOLD = re.compile(r"^ {0,3}(?:\*\*|__)([^*_]{2,60})(?:\*\*|__):?[ \t]*$")
_UNDERLINE = re.compile(r"^ {0,3}(=+|-{3,})[ \t]*$")
_FENCE = re.compile(r"^ {0,3}(```|~~~)")
_COMMENT = re.compile(r"<!--.*?-->", re.DOTALL)
_LINK = re.compile(r"!?\[([^\]]*)\]\([^)]*\)")
_DAY = re.compile(r"(?<!\d)((?:19|20)\d\d)([-_./]?)(\d\d)\2(\d\d)(?!\d)")
_DAY_LINE = re.compile(r"^\W*(?:incident |start )?dates?\b\W*(?=\d)(.*)$", re.IGNORECASE | re.MULTILINE)
# Deeper than any heading of `#`.
_BOLD_LEVEL = 7
# In this order: "Root cause and resolution" tells the fix too, but is asked for as the cause.
_KINDS = (
    ("lesson", ("lesson", "learning", "learned", "takeaway", "action item", "follow-up", "follow up", "went well", "went wrong", "prevent")),
    ("cause", ("cause", "what happened", "trigger", "contributing", "why did", "why it")),
    ("fix", ("fix", "resolution", "resolve", "mitigat", "remediation", "remedy", "recovery", "repair", "workaround")),
    ("symptom", ("summary", "impact", "symptom", "detect", "what we saw", "overview", "abstract", "tl;dr", "description", "user experience")),
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Review:
    """A text by its sections; where it has none, all of it is symptom and cause."""

    heading: str
    """The first heading of the highest level, if there is one before anything else of that level."""
    symptom: str
    cause: str
    fix: str
    lesson: str


def read_review(body: str) -> Review:
    """Sections by what their headings are called; a deeper heading belongs to the one above it unless it is such a one itself."""
    title, texts, others = "", dict[str, list[str]](), list[str]()
    kind, level = "", 0
    for depth, text in _parts(_COMMENT.sub("", body)):
        if depth == 1 and not title:
            title = text
        elif depth:
            found = kind_of(text)
            if found or depth <= level:
                kind, level = found, depth
        elif kind:
            texts.setdefault(kind, []).append(text)
        else:
            others.append(text)
    told = {name: _plain(lines) for name, lines in texts.items()}
    rest = _plain(others)
    if not told.keys() & {"symptom", "cause"}:
        told = {**told, "symptom": rest, "cause": rest} if rest else told
    elif "symptom" in told:
        told["symptom"] = one_line(f"{told['symptom']} {rest}")
    else:
        told["symptom"] = rest
    return Review(heading=_plain([title]), **{name: told.get(name, "") for name, _ in _KINDS})


def kind_of(heading: str) -> str:
    """`symptom`, `cause`, `fix` or `lesson` by a heading's words; empty for one that says none of them."""
    words = one_line(heading).lower()
    return next((kind for kind, known in _KINDS if any(word in words for word in known)), "")


def day_in(*texts: str) -> str:
    """The first date that is one, as 2024-05-31; empty when no text has any."""
    for text in texts:
        for year, _, month, day in _DAY.findall(text):
            try:
                return date(int(year), int(month), int(day)).isoformat()
            except ValueError:
                continue
    return ""


def day_told(body: str) -> str:
    """The date of a line that begins with the word, as templates of reviews have it; empty without one."""
    return day_in(*_DAY_LINE.findall(body))


def _parts(body: str) -> Iterator[tuple[int, str]]:
    """Headings with their level, and lines of text with level 0; what is fenced is text."""
    lines, fence = body.splitlines(), ""
    for number, line in enumerate(lines):
        after = lines[number + 1] if number + 1 < len(lines) else ""
        opening = _FENCE.match(line)
        if fence or opening:
            fence = "" if opening and opening[1] == fence else fence or (opening[1] if opening else "")
            yield 0, line
        elif heading := _ATX.match(line):
            yield len(heading[1]), heading[2]
        elif bold := _BOLD.match(line):
            yield _BOLD_LEVEL, bold[1]
        elif line.strip() and (under := _UNDERLINE.match(after)) and not _is_table(line):
            yield (1 if under[1].startswith("=") else 2), line
        elif not _UNDERLINE.match(line):
            yield 0, line


def _is_table(line: str) -> bool:
    return "|" in line


def _plain(lines: Sequence[str]) -> str:
    return one_line(_LINK.sub(r"\1", "\n".join(lines)))


def text_of(known: Mapping[str, object], *names: str) -> str:
    """The first of these keys that has a plain value, on one line."""
    for name in names:
        value = known.get(name)
        if isinstance(value, list) and value:
            value = value[0]  # pyright: ignore[reportUnknownVariableType] - looked at below
        if isinstance(value, (str, int, float, date)) and str(value).strip():
            return one_line(str(value))
    return ""
