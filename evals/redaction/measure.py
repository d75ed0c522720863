"""Recall on planted secrets and lines changed for nothing, counted."""

import json
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, cast

from bot.core.redaction import redact
from evals.redaction.innocent import Innocent
from evals.redaction.planted import Planted

_PLACEHOLDER: Final = re.compile(r"\[([a-z-]+):[0-9a-f]{6}\]")
_GROUPED: Final = re.compile(r"(?<=\d)[ -](?=\d)")
# This much of a secret in one piece is too much of it.
_PIECE: Final = 8
REAL: Final = ("rca_rootcausebench", "rca_opensre_synthetic", "holmesgpt_eval", "alert_payloads")
"""Folders of recorded logs, tool answers and alert payloads."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Share:
    """How many of how many."""

    hits: int
    of: int

    @property
    def rate(self) -> float:
        return self.hits / self.of if self.of else 0.0

    @property
    def per_thousand(self) -> float:
        return 1000 * self.rate


def leaks(text: str, secret: str) -> bool:
    """Whether a piece of the secret still stands in the text: eight characters in a row, or all of a shorter one."""
    size = min(_PIECE, len(secret))
    # Digits in groups are the same number.
    text = f"{text}\n{_GROUPED.sub('', text)}"
    # As JSON writes it too: a line break in a key is two characters there.
    forms = {secret, json.dumps(secret)[1:-1]}
    return any(form[start : start + size] in text for form in forms for start in range(len(form) - size + 1))


def recall(corpus: Sequence[Planted]) -> Mapping[str, Share]:
    """By kind: secrets of which nothing is left. A text without its secret counts for nothing."""
    asked: Counter[str] = Counter()
    gone: Counter[str] = Counter()
    for one in corpus:
        if leaks(one.text, one.secret):
            asked[one.kind] += 1
            gone[one.kind] += not leaks(redact(one.text), one.secret)
    return {kind: Share(hits=gone[kind], of=count) for kind, count in asked.items()}


def missed(corpus: Sequence[Planted]) -> Sequence[Planted]:
    """Those of which a piece is left."""
    return [one for one in corpus if leaks(redact(one.text), one.secret)]


def false_positives(corpus: Sequence[Innocent]) -> Mapping[str, Share]:
    """By kind: lines that were changed."""
    asked = Counter(one.kind for one in corpus)
    changed = Counter(one.kind for one in corpus if redact(one.text) != one.text)
    return {kind: Share(hits=changed[kind], of=count) for kind, count in asked.items()}


@dataclass(frozen=True, slots=True, kw_only=True)
class RealLines:
    """What happens to lines that nobody labelled: how many are changed, and by what kind of placeholder."""

    changed: Share
    kinds: Mapping[str, int]


def real_lines(data: Path) -> RealLines | None:
    """Every distinct line of the recorded data; None when the folder is not there."""
    files = [path for name in REAL for path in sorted((data / name).glob("*.jsonl"))]
    if not files:
        return None
    lines = {line.strip() for path in files for line in _lines(path)} - {""}
    kinds: Counter[str] = Counter()
    changed = 0
    for line in lines:
        after = redact(line)
        changed += after != line
        kinds.update(set(_PLACEHOLDER.findall(after)))
    return RealLines(changed=Share(hits=changed, of=len(lines)), kinds=dict(kinds.most_common()))


def _lines(path: Path) -> Iterator[str]:
    with path.open(encoding="utf-8") as rows:
        for row in rows:
            for text in _texts(cast("object", json.loads(row))):
                yield from text.splitlines()


def _texts(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for part in cast("Mapping[str, object]", value).values():
            yield from _texts(part)
    elif isinstance(value, list):
        for part in cast("list[object]", value):
            yield from _texts(part)
