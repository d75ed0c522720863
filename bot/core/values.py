"""What a changed value means: limits, lifetimes, switches, keys, versions and conditions. Used by `bot/core/diffs.py`."""

import math
import re
from collections.abc import Iterable, Sequence

TOKEN = re.compile(
    r"\"[^\"]*\"|'[^']*'|`[^`]*`|[!=<>]=|&&|\|\||v?\d+(?:\.\d+){2,}[\w.+-]*|v\d+\.\d+|\d+(?:\.\d+)?[A-Za-z%]*|[A-Za-z_]\w*|\S"
)
_OPERATORS = frozenset({"==", "!=", "<", ">", "<=", ">=", "&&", "||", "!", "not", "and", "or", "is"})
_SWITCH = {
    "true": 1, "false": 0, "on": 1, "off": 0, "enabled": 1, "disabled": 0, "yes": 1, "no": 0,
    "error": 1, "warn": 2, "warning": 2, "info": 3, "debug": 4, "trace": 5,
}  # fmt: skip
_UNITS = {
    "ns": 1e-9, "us": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0, "nanosecond": 1e-9, "microsecond": 1e-6,
    "millisecond": 1e-3, "second": 1.0, "minute": 60.0, "hour": 3600.0, "seconds": 1.0, "minutes": 60.0, "hours": 3600.0,
    "sec": 1.0, "min": 60.0, "k": 1e3, "kb": 1e3, "mb": 1e6, "gb": 1e9, "ki": 2.0**10, "mi": 2.0**20, "gi": 2.0**30,
}  # fmt: skip
_SETTING = re.compile(r"^\s*-?\s*[\w.\"-]+\s*[:=]\s*[\"']?[\w./-]+[\"']?\s*$")
_DASHED = re.compile(r"^\s*\w+(?:-\w+)+\s+[\w-]+;?\s*$")
_AMOUNT = re.compile(r"^(\d{1,18}(?:\.\d{1,18})?)([A-Za-z%]*)$")
_VERSION = re.compile(r"^v?(\d+)\.(\d+)(?:\.(\d+))?")
_CREDENTIAL = re.compile(
    r"(?:^|[_.-])(?:kid|key_?id|(?:secret|cert|signing_?key|credential)(?:s|ificates?|_?name|_?ref)?)$", re.IGNORECASE
)
_QUOTES = "\"'`"
_AROUND_VERSIONS = _QUOTES + "^~<>= "
_QUOTED_VERSION = re.compile(r"^[\"'`][\^~<>= ]*v?\d+\.\d+\.\d+[\w.+-]*[\"'`]$")
_NUMBERS = re.compile(r"\d+\.\d+(?:\.\d+){1,3}")
_HASH = re.compile(r"^[\"'`]?(?:sha\d{3}[-:])?(?:[0-9a-f]{16,128}|[A-Za-z0-9+/]{40,120}={0,2})[\"'`]?$")
_REMARK = re.compile(r"\s(?://|#)\s")
# What people read, where a text instead of another changes nothing that runs.
_SHOWN = re.compile(
    r"\bButton\b|\b(?:placeholder|aria-\w+|hint|caption|heading|tooltip)\b|\b(?:label|title|text)\s*=|\$t\("
)
_WATCHES = re.compile(r"(?:access[-_.]?log|slow_?log|log|logging|latency[-_]monitor|track|metrics?|stats?|audit|dashboard|label|annotation)(?:[-_.]|$)", re.IGNORECASE)  # fmt: skip
# Every repetition has an end, and only the beginning of a word is tried: strangers write these words, and an endless one
# must not take the square of its length.
_SAID = re.compile(
    r"(?<![\w.-])(?P<name>[\w.-]{0,80})\s{0,4}(?:(?:was |is )?(?:lowered|raised|changed|set|cut|reduced|increased)?\s{0,4}from\s{1,4})?"
    r"(?P<old>v?\d[\w.]{0,40}|on|off|true|false)(?P<u1> ?[a-zA-Z%]{1,8})?\s{0,4}(?:->|→|=>|\bto\b)\s{0,4}"
    r"(?P<new>v?\d[\w.]{0,40}|on|off|true|false)",
    re.IGNORECASE,
)

Found = tuple[float, str]


def changed_values(pairs: Iterable[tuple[str, str]]) -> list[Found]:
    """Literals that were changed in a line that is otherwise the same."""
    found: list[Found] = []
    for old, new in pairs:
        left, right = (TOKEN.findall(_REMARK.split(side, maxsplit=1)[0]) for side in (old, new))
        if len(left) != len(right) or ("[" in left and sorted(left) == sorted(right)):
            continue
        differ = [place for place, (one, other) in enumerate(zip(left, right, strict=True)) if one != other]
        name = _setting(old, left, differ[0]) if differ else ""
        amounts = [(_amount(left[place]), _amount(right[place])) for place in differ]
        if len(differ) > 1 and all(one and other for one, other in amounts):
            # 30 seconds to 5 minutes: number and unit changed together.
            before = math.prod(one or 1.0 for one, _ in amounts)
            after = math.prod(other or 1.0 for _, other in amounts)
            found.append(_amount_risk(name, before, after, (old.strip(), new.strip())))
            continue
        said = [one for place in differ if (one := value_risk(name, left[place], right[place])) is not None]
        if _SHOWN.search(old) and all(left[place][:1] in _QUOTES for place in differ):
            said = [(0.3 * risk, words) for risk, words in said]
        if not said and len(differ) == 1:
            said = _swapped(old, left[differ[0]], right[differ[0]])
        found += said
    return found


def _swapped(line: str, old: str, new: str) -> list[Found]:
    """Another name as the value of a setting; in code, names are exchanged too often to mean anything."""
    if (
        (_SETTING.match(line) or _DASHED.match(line))
        and line.rstrip().endswith(old)
        and old[:1].isalpha()
        and new[:1].isalpha()
    ):
        return [(0.55, f"sets {new} instead of {old}")]
    return []


def _setting(line: str, tokens: Sequence[str], place: int) -> str:
    """What the literal at `place` is a value of: the path of a module, or the nearest name before it."""
    if _VERSION.match(tokens[place]) and (path := re.search(r"[\w@-]+(?:[./][\w@-]+)+(?=\s)", line)):
        return path.group(0)
    if dashed := re.match(r"\s*([A-Za-z_][\w.]*(?:-[\w.]+)+)[\s:=]", line):
        return dashed.group(1)
    if keyed := re.match(r"\s*-?\s*[\"']?([A-Za-z_][\w.-]*)[\"']?\s*[:=]\s*\S+\s*$", line):
        return keyed.group(1)
    names = [
        one for one in tokens[:place] if re.match(r"[A-Za-z_]", one) and one.lower() not in _UNITS and one != "time"
    ]
    return names[-1] if names else ""


def _amount_risk(name: str, before: float, after: float, said: tuple[str, str]) -> Found:
    ratio = abs(math.log2((after + 1e-9) / (before + 1e-9)))
    # What shrinks is a limit or a lifetime more often than what grows.
    risk = min(1.0, ratio / 2.5) * (0.95 if after < before else 0.7)
    return risk, f"{'lowers' if after < before else 'raises'} {name} from {said[0]} to {said[1]}"


def value_risk(name: str, old: str, new: str) -> Found | None:
    """How dangerous it is that a value was changed, with the sentence; None when the two are no values."""
    if _CREDENTIAL.search(name):
        return 0.5, f"exchanges {name}"
    found = _value_risk(name, old, new)
    # What is written down about a system changes little in it, unless it is all written down.
    quiet = found is not None and _WATCHES.match(name) and new.lower() not in {"debug", "trace", "all"}
    return (0.3 * found[0], found[1]) if found is not None and quiet else found


def _value_risk(name: str, old: str, new: str) -> Found | None:
    old, new = (one.strip(_AROUND_VERSIONS) if _QUOTED_VERSION.match(one) else one for one in (old, new))
    return version_risk(name, old, new) or _numbered(name, old, new) or _plain_risk(name, old, new)


def version_risk(name: str, old: str, new: str) -> Found | None:
    """How dangerous another version is; None where the two are no versions."""
    versions = _VERSION.match(old), _VERSION.match(new)
    if versions[0] and versions[1] and (old.count(".") >= 2 or old.startswith("v")):
        parts = [(versions[0].group(place) or "0", versions[1].group(place) or "0") for place in (1, 2, 3)]
        step = next((place for place, (one, other) in enumerate(parts) if one != other), 2)
        return (0.6, 0.35, 0.12)[step], f"raises {name or 'a dependency'} from {old} to {new}"
    return None


def _numbered(name: str, old: str, new: str) -> Found | None:
    """Two texts that differ by a version within."""
    if old[:1] not in _QUOTES or _NUMBERS.sub("#", old) != _NUMBERS.sub("#", new):
        return None
    pairs = zip(_NUMBERS.findall(old), _NUMBERS.findall(new), strict=True)
    steps = [version_risk(name, one, other) for one, other in pairs if one != other]
    return max((one for one in steps if one is not None), default=None)


def _plain_risk(name: str, old: str, new: str) -> Found | None:
    before, after = _amount(old), _amount(new)
    if before is not None and after is not None:
        return _amount_risk(name, before, after, (old, new))
    if old.lower() in _SWITCH and new.lower() in _SWITCH:
        return 0.7, f"turns {name} from {old} to {new}"
    # What a lock file says of a version that stands beside it says nothing more.
    locked = _HASH.match(old) and _HASH.match(new)
    if not locked and all(one[:1] in "\"'`" and re.fullmatch(r"[\w./:\"-]{1,80}", one[1:-1]) for one in (old, new)):
        return 0.6, f"renames {old} to {new}"
    if not locked and all(one[:1] in "\"'`" and len(one) > 2 and not re.search(r"\s|^.#", one) for one in (old, new)):
        return 0.5, f"matches or writes {new} instead of {old}"
    if old in _OPERATORS and new in _OPERATORS:
        return 0.6, f"turns a condition around ({old} to {new})"
    return None


def _amount(token: str) -> float | None:
    if token.lower() in _UNITS and len(token) > 2:
        return _UNITS[token.lower()]
    match = _AMOUNT.match(token)
    if not match:
        return None
    unit = match.group(2)
    return float(match.group(1)) * (_UNITS.get(unit.lower(), 1.0) if unit else 1.0)


def changed_numbers(old: str, new: str) -> list[tuple[float, float]]:
    left, right = TOKEN.findall(old), TOKEN.findall(new)
    if len(left) != len(right):
        return []
    both = [(_amount(one), _amount(other)) for one, other in zip(left, right, strict=True) if one != other]
    return [(one, other) for one, other in both if one is not None and other is not None]


def said_values(text: str) -> list[tuple[float, str, tuple[float, float] | None]]:
    """Values changed according to the words: `ttl 300 -> 3`, `from 300 s to 3 s`."""
    found: list[tuple[float, str, tuple[float, float] | None]] = []
    for match in _SAID.finditer(text):
        unit = (match["u1"] or "").strip()
        joined = unit if unit.lower() in _UNITS else ""
        risk = value_risk(
            match["name"], match["old"] + joined, match["new"] + (joined if match["new"].isdigit() else "")
        )
        if risk is not None:
            before, after = _amount(match["old"]), _amount(match["new"])
            found.append((risk[0], risk[1], (before, after) if before is not None and after is not None else None))
    return found
