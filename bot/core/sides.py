"""
The two sides of a diff: what is gone, what is new, and what stands elsewhere, without comments, imports and messages.

No language is parsed. Lines that only moved are set against one another, and a line that came for another one is paired with it.
Used by `bot/core/diffs.py`.
"""

import difflib
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from bot.core.values import TOKEN

_COMMENT = re.compile(r"^\s*(?://|#(?!include|define|if|\[)|\*(?=[\s/]|$)|/\*|<!--|--\s|\"\"\"|;)|^\s*$")
# A line that does nothing but log or measure; one that works and logs does more.
_TELLS = re.compile(
    r"^\s*(?:await\s+|defer\s+)?(?:[\w$@]+(?:\(\))?\.|_)*(?:log|logger|logging|slog|zap|console|print|printf|println|fmt\.Print\w*)\w*!?\s*(?:\.\w+!?\s*)?[(`\"']|^\s*LOG_[A-Z]+\(|"
    r"(?:\.|New|new_?)(?:(?:Counter|Histogram|Gauge|Observe|SetAttribute)\w*|Inc|record(?:_?(?:latency|value|metric|exception|error|duration|event))?)\(|\bmetrics?_?\.\w+",
    re.IGNORECASE,
)
_IMPORT = re.compile(r"^\s*(?:import\b|from\s+\S+\s+import|package\b|use\s|using\s|require\(|#include)")
# Longer diffs are read as far as this; pairing lines is quadratic.
_MOST_LINES, _LONGEST_LINE = 200, 300
_ALIKE, _MOST_COMPARED, _MOST_COMPARISONS = 0.6, 1_600, 1_000


@dataclass(frozen=True, slots=True)
class Sides:
    """What is left of a diff when lines that only moved, comments and messages are put aside."""

    lost: tuple[str, ...]
    gained: tuple[str, ...]
    pairs: tuple[tuple[str, str], ...]
    context: tuple[str, ...]
    """All lines that stand after the change, in order; gained ones among them."""
    moved: tuple[str, ...]
    """Lines that stand elsewhere now."""
    spoken: tuple[str, ...]
    """Added messages and measurements."""


def read_sides(detail: str) -> Sides:
    lost, gained, context = _lines(detail)
    plain_lost, plain_gained = [one for one in lost if _runs(one)], [one for one in gained if _runs(one)]
    spoken = tuple(one for one in gained if not _runs(one))
    same = Counter(map(_bare, plain_lost)) & Counter(map(_bare, plain_gained))
    moved = tuple(one for one in plain_gained if same[_bare(one)])
    plain_lost, plain_gained = _without(plain_lost, same), _without(plain_gained, same)
    pairs = _paired(plain_lost, plain_gained)
    for old, new in pairs:
        plain_lost.remove(old)
        plain_gained.remove(new)
    return Sides(tuple(plain_lost), tuple(plain_gained), tuple(pairs), tuple(context), moved, spoken)


def _paired(lost: Sequence[str], gained: Sequence[str]) -> list[tuple[str, str]]:
    """Lines that came for another one, each once, with the line that they came for."""
    left = [(line, TOKEN.findall(line)) for line in gained]
    compared, pairs = 0, list[tuple[str, str]]()
    for old in lost:
        tokens = TOKEN.findall(old)
        best, place = 0.0, -1
        for index, (_, other) in enumerate(left):
            likeness = _shared(tokens, other)
            if likeness >= _ALIKE and len(tokens) * len(other) <= _MOST_COMPARED and compared < _MOST_COMPARISONS:
                compared += 1
                likeness = difflib.SequenceMatcher(None, tokens, other, autojunk=False).ratio()
            if likeness > best:
                best, place = likeness, index
        if best >= _ALIKE:
            pairs.append((old, left.pop(place)[0]))
    return pairs


def _shared(old: Sequence[str], new: Sequence[str]) -> float:
    """0 to 1: what two lines hold, in any order. It bounds what they hold in order, and is all that is asked of long lines and long diffs."""
    return 2 * sum((Counter(old) & Counter(new)).values()) / max(1, len(old) + len(new))


def _lines(detail: str) -> tuple[list[str], list[str], list[str]]:
    lost: list[str] = []
    gained: list[str] = []
    context: list[str] = []
    for line in detail.splitlines():
        if line.startswith(("+++ ", "--- ", "@@", "files: ", "diff --git", "index ")):
            continue
        sign, text = line[:1], _short(line[1:])
        if sign in {"+", "-"} and _COMMENT.match(text):
            continue
        if sign in {"+", "-"} and len(gained) + len(lost) >= _MOST_LINES:
            break
        if sign == "-":
            lost.append(text)
        elif sign == "+":
            gained.append(text)
            context.append("+" + text)
        else:
            context.append(" " + text)
    return lost, gained, context


def _short(line: str) -> str:
    """A line as far as it is read, with its indentation; strangers write lines, and no pattern may take long for one."""
    words = line.strip()
    return " " * min(len(line) - len(line.lstrip()), 80) + re.sub(r"[ \t]{2,}", " ", words[:_LONGEST_LINE])


def _runs(line: str) -> bool:
    return not _TELLS.search(line) and not _IMPORT.match(line) and bool(re.search(r"\w", line))


def _bare(line: str) -> str:
    return re.sub(r"\s+", "", re.split(r"\s//|\s#", line, maxsplit=1)[0])


def _without(lines: Sequence[str], same: Counter[str]) -> list[str]:
    left = Counter(same)
    kept: list[str] = []
    for line in lines:
        if left[_bare(line)] > 0:
            left[_bare(line)] -= 1
        else:
            kept.append(line)
    return kept
