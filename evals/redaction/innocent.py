"""Lines that hold nothing secret but look as if they might: ids, hashes, times, numbers, paths, code."""

import base64
import random
import string
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

import yaml
from pydantic import TypeAdapter, ValidationError

from bot.adapters.files import read_text
from bot.core.errors import ConfigError

LINES: Final = Path(__file__).with_name("innocent.yaml")
_LINES: Final = TypeAdapter(dict[str, list[str]])
_HEX: Final = string.digits + "abcdef"
_ALNUM: Final = string.ascii_lowercase + string.digits
_START: Final = datetime(2026, 11, 20, 9, 0, tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Innocent:
    """One line that has to stay as it is."""

    kind: str
    text: str


def innocent(path: Path = LINES, *, seed: int = 7, per_line: int = 15) -> Sequence[Innocent]:
    """Each line of the file several times with other values. Raises ConfigError for a file that cannot be used."""
    dice = random.Random(seed)
    try:
        groups = _LINES.validate_python(yaml.safe_load(read_text(path)))
    except (ValidationError, yaml.YAMLError) as error:
        raise ConfigError(f"{path}:1: a list of lines under the name of each kind is wanted") from error
    return [
        Innocent(kind=kind, text=_filled(line, dice))
        for kind, lines in groups.items()
        for line in lines
        for _ in range(per_line)
    ]


def _filled(line: str, dice: random.Random) -> str:
    for name, make in _VALUES.items():
        while f"%{name}%" in line:
            line = line.replace(f"%{name}%", make(dice), 1)
    return line


def _chars(dice: random.Random, alphabet: str, count: int) -> str:
    return "".join(dice.choice(alphabet) for _ in range(count))


def _uuid(dice: random.Random) -> str:
    return "-".join(_chars(dice, _HEX, count) for count in (8, 4, 4, 4, 12))


def _time(dice: random.Random) -> str:
    moment = _START + timedelta(milliseconds=dice.randrange(3_600_000))
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _words(dice: random.Random) -> str:
    """Base64 of plain words: it looks like a secret and is none."""
    chosen = dice.sample(("cursor", "page", "orders", "after", "region", "status", "paid", "eu-west"), 4)
    return base64.b64encode(":".join(chosen).encode()).decode()


_VALUES: Final[Mapping[str, Callable[[random.Random], str]]] = {
    "uuid": _uuid,
    "sha1": lambda dice: _chars(dice, _HEX, 40),
    "sha256": lambda dice: _chars(dice, _HEX, 64),
    "short": lambda dice: _chars(dice, _HEX, 8),
    "trace": lambda dice: _chars(dice, _HEX, 32),
    "span": lambda dice: _chars(dice, _HEX, 16),
    "pod": lambda dice: f"{_chars(dice, _ALNUM, 10)}-{_chars(dice, _ALNUM, 5)}",
    "ulid": lambda dice: "01" + _chars(dice, string.digits + "ABCDEFGHJKMNPQRSTVWXYZ", 24),
    "base64": _words,
    "time": _time,
    "millis": lambda dice: str(dice.randrange(1_700_000_000_000, 1_800_000_000_000)),
    "nanos": lambda dice: str(dice.randrange(1_700_000_000, 1_800_000_000) * 10**9 + dice.randrange(10**9)),
    "n": lambda dice: str(dice.randrange(1, 9999)),
    "id": lambda dice: str(dice.randrange(10**15, 10**16)),
    "float": lambda dice: repr(dice.random()),
    "ip": lambda dice: ".".join(str(dice.randrange(1, 255)) for _ in range(4)),
    "port": lambda dice: str(dice.randrange(1024, 65535)),
}
