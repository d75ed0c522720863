"""
What a change does, read from its diff or its words: whether anything that runs is different, and how dangerous the difference is.

No language is parsed. Lines that only moved are set against one another; what is left is looked through for the patterns that code
review guides and studies of incidents name most: limits and lifetimes changed by a lot, locks, bounds and calls taken away,
queries in loops, memory that only grows, keys renamed, dependencies raised. The risk is a judgement on a scale of 0 to 1, kept coarse.
"""

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

from bot.core.hazards import Diff, ends_by_itself, hazards, only_renames
from bot.core.rewrites import changed_names, rewrites
from bot.core.sides import Sides, read_sides
from bot.core.statements import statement_risk
from bot.core.values import Found, changed_numbers, changed_values, said_values

_FILE = re.compile(
    r"^(?:\+\+\+ b/|--- a/|diff --git a/|@@ )?((?:[\w.@-]+/)+[\w.@-]+|\.?[\w-]+\.(?:mod|sum|ya?ml|json|toml|lock|cfg|conf|ini|env|properties))"
)
_STILL = re.compile(
    r"(?:^|/)(?:docs?|documentation|tests?|testdata|__tests__|spec|\.github|\.circleci|fixtures|static|assets|styles?)/|_test\.\w+$|"
    r"\.(?:md|rst|css|scss|svg|png|html?|golden)$|(?:^|/)(?<!requirements/)(?!(?:\w+[-_])?(?:requirements|constraints|CMakeLists)(?![a-zA-Z]))[^/]*\.txt$|(?:^|/)(?:CODEOWNERS|LICENSE|README\S*|CHANGELOG\S*|\.(?:\w*lint|rubocop|prettier|editorconfig|pre-commit|clang-format)\S*|theme\.\w+)$|\.(?:twig|hbs|mustache|erb|ejs|ftl|po|arb|drawio)$|(?:^|/)(?:locales?|i18n|translations|emails?)/|\.rules\.ya?ml$|(?:^|/)(?:alerts?|dashboards?|monitors?)/|\.lproj/|\.strings$|(?:^|/)(?:openapi|swagger|asyncapi)[\w.-]*$",
    re.IGNORECASE,
)
_SQL = re.compile(r"\b(?:SELECT\b.+\bFROM|INSERT INTO|UPDATE\b.+\bSET|DELETE FROM|JOIN\b)", re.IGNORECASE)
_SCHEMA = re.compile(r"\b(?:ALTER|DROP|TRUNCATE|LOCK)\s+(?:TABLE|COLUMN|INDEX)\b", re.IGNORECASE)
_CALL = re.compile(r"^\s*(?:await\s+|go\s+|defer\s+)?(?:[\w$]+\.)*([A-Za-z_$]\w*)\s*\(.*\)?\s*;?\s*$")
_CALLED = re.compile(r"\b([A-Za-z_$]\w*)\s?\(")
_WITHOUT = re.compile(r"disable|without|\bno_", re.IGNORECASE)
_LOOP = re.compile(r"^\s*(?:for|while|foreach|loop)\b|\.(?:map|forEach|each)\s*\(")
_FETCH = re.compile(
    r"\b(?:ctx(?!\.(?:Done|Err|Value)\b)|await|db|session|client|repo|dao|http|rpc|cursor|conn|sql)\b.*\(|\b(?:Get|Fetch|Find|Load|Query|Request|Call|Read)\w*\(|\.(?:get|fetch|find|load|query|execute|request)\w*\("
)
_HELD = re.compile(
    r"^(?:export\s+)?(?:static\s+|var\s+|let\s+|const\s+|private\s+|public\s+|final\s+)*([A-Za-z_]\w*)\b.*(?:\[\]|\{\}|\bmap\b|\blist\b|\bdict\b|\bset\b|Map\b|List\b|Set\b)",
    re.IGNORECASE,
)
_GROWS = re.compile(r"append\(\s*(\w+)|(\w+)\.(?:append|push|add|put|set|insert)\s*\(|(\w+)\[[^\]]+\]\s*=[^=]")
_WORD = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])")
_SYNC = frozenset(
    {"lock", "unlock", "rlock", "mutex", "synchronized", "atomic", "semaphore", "transaction", "serializable"}
)
_BOUND = frozenset(
    # Shortcuts bound work as limits do.
    ["idempotency", "cache", "memoize", "batch", "pool", "debounce", "limit", "max", "maximum", "timeout", "deadline", "retry", "retries", "backoff", "sleep", "throttle", "evict", "ttl", "expire",
     "expires", "close", "defer", "dispose", "release", "free", "cancel", "drain", "bounded", "lru", "trim", "index", "cap"]
)  # fmt: skip
_GUARD = frozenset(
    ["validate", "check", "assert", "authorize", "auth", "permission", "role", "grant", "verify", "await", "catch", "except", "rescue",
     "finally", "recover", "fallback"]
)  # fmt: skip
_CODE = re.compile(r"\.(?:go|py|rb|rs|java|kt|scala|cs|ts|tsx|js|jsx|php|exs?|swift|c|cc|cpp|h)$")
_SETTINGS = re.compile(r"\.(?:ya?ml|conf|cfg|ini|toml|properties|env|json)$|(?:^|/)(?:Corefile|Caddyfile)$")
_DIRECTIVES = re.compile(r"\.(?:conf|cfg)$|(?:^|/)(?:Corefile|Caddyfile)$")
_DIRECTIVE = re.compile(r"^\s*[a-z][\w-]*\s+[\w$/.\"'-]")
_SCHEMA_FILE = re.compile(r"migrat|schema|(?:^|/)db/|\.sql$", re.IGNORECASE)
_SHIELD = frozenset(
    [
        "replica",
        "replicas",
        "breaker",
        "shed",
        "shedding",
        "protect",
        "protection",
        "guard",
        "queue",
        "dedupe",
        "fallback",
        "safe",
    ]
)
_OFF = re.compile(r"(?:->|→|=>|\bto\b|=)\s*[\"']?(?:false|off|disabled|0 ?%|0\b|none)", re.IGNORECASE)
_KEY = re.compile(r"^\s*-?\s*[\w.\"-]+\s*[:=]\s*[^=\s]")
_SPAWN = re.compile(r"\bgo func\b|\bgo \w+\(|create_task|\.spawn\(|\bThread\(|setInterval|executor\.submit")
_MOST_CHARACTERS, _LONGEST_REASON = 40_000, 200
_CLOSING = frozenset({"close", "dispose"})
_WHOLE_STATEMENT = re.compile(
    r"\b(?:ALTER TABLE|CREATE (?:UNIQUE )?INDEX|DROP (?:INDEX|TABLE)|TRUNCATE TABLE|LOCK TABLE|DELETE FROM|COMMENT ON (?:TABLE|COLUMN)|UPDATE \w+ SET)\b"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Nature:
    """What a change does."""

    risk: float
    """0 (nothing that runs is different) to 1."""
    reasons: tuple[str, ...]
    """The most dangerous parts, in words, worst first."""
    words: frozenset[str]
    """Names in what is different, in lower case: identifiers, settings, quoted keys, files."""
    names: frozenset[str] = frozenset()
    """Whole names of several parts that it uses more or less often than before, as they are written."""
    moved: tuple[tuple[float, float], ...] = ()
    """Numbers that were changed, old and new."""
    read: bool = True
    """Whether there was a diff to read."""


def read_change(kind: str, title: str, detail: str) -> Nature:
    """What a change does, from its diff if `detail` holds one, or else from its words and files."""
    detail = detail[:_MOST_CHARACTERS]
    files = _files(detail)
    moving = [name for name in files if not _STILL.search(name)]
    words = _names([title, *files])
    if not _has_diff(detail):
        said = said_values(f"{title}\n{detail}")
        if kind == "flag":
            # Every flag turns on or off, so that says nothing; that what protects is off does.
            said = [one for one in said if one[2] is not None] + _protection(detail)
        if (statement := _statement(kind, files, detail)) is not None:
            said = [*said, (*statement, None)]
        return _without_diff(kind, files, moving, said, words | _names([detail]))
    if files and not moving:
        return Nature(risk=0.02, reasons=("only documents, tests, styles or build settings",), words=words)
    if (apart := _apart(detail, moving)) is not None:
        return Nature(risk=apart[0], reasons=(apart[1],), words=words | _names(detail.splitlines()))
    sides = read_sides(detail)
    code = [*sides.lost, *sides.gained, *(line for pair in sides.pairs for line in pair)]
    seen = _diff_of(sides)
    found = sorted(_found(sides, seen, kind, moving), reverse=True)
    if not found:
        found = [(0.22, "rewrites code")] if code else [(0.04, "messages, measurements, comments or moved lines only")]
    numbers = tuple(pair for old, new in sides.pairs for pair in changed_numbers(old, new))
    return Nature(
        risk=round(found[0][0], 3), reasons=tuple(dict.fromkeys(said[:_LONGEST_REASON] for _, said in found))[:3],
        words=words | _names(code), names=changed_names(seen.old, seen.new), moved=numbers,
    )  # fmt: skip


def _statement(kind: str, files: Sequence[str], text: str) -> Found | None:
    """What SQL in a text does; only where there is SQL, since its words are English, too."""
    schema = kind == "migration" or any(_SCHEMA_FILE.search(name) for name in files)
    return statement_risk(text) if schema or _WHOLE_STATEMENT.search(text) else None


def _apart(detail: str, moving: Sequence[str]) -> Found | None:
    """Code in a file of its own that came or went, with nothing else in the change to use it."""
    heads = [line for line in detail.splitlines() if line.startswith(("--- ", "+++ "))]
    if len(moving) != 1 or not _CODE.search(moving[0]) or _SCHEMA_FILE.search(moving[0]):
        return None
    for old, new in pairwise(heads):
        if moving[0] in old + new and "/dev/null" in old:
            return 0.3, "adds a file that nothing else in the change uses"
        if moving[0] in old + new and "/dev/null" in new:
            return 0.3, "takes away a file that nothing else in the change uses"
    return None


def _found(sides: Sides, seen: Diff, kind: str, moving: Sequence[str]) -> list[Found]:
    """Everything dangerous in a diff."""
    code_only = all(map(_CODE.search, moving))
    if code_only and not sides.lost and not sides.gained and only_renames(sides.pairs, sides.context):
        return [(0.08, "gives a name another spelling")]
    statement = _statement(kind, moving, "\n".join(line[1:] for line in sides.context if line[0] == "+"))
    if statement is not None and moving and all(map(_SCHEMA_FILE.search, moving)):
        return [statement]
    closed = _CLOSING if ends_by_itself(seen) else frozenset[str]()
    found = [
        *changed_values(sides.pairs),
        *_losses(sides, moving, closed),
        *_gains(sides),
        *hazards(seen),
        *rewrites(seen),
    ]
    return [*found, statement] if statement is not None else found


def _diff_of(sides: Sides) -> Diff:
    return Diff(
        old="\n".join((*sides.lost, *(old for old, _ in sides.pairs))),
        new="\n".join((*sides.gained, *(new for _, new in sides.pairs))),
        context="\n".join(line[1:] for line in sides.context),
        moved="\n".join(sides.moved),
        spoken="\n".join(sides.spoken),
        pairs=sides.pairs,
    )


def _without_diff(
    kind: str, files: Sequence[str], moving: Sequence[str], said: list[tuple[float, str, tuple[float, float] | None]], words: frozenset[str]
) -> Nature:  # fmt: skip
    if said:
        worst = max(said, key=lambda one: one[0])
        return Nature(
            risk=worst[0], reasons=(worst[1],), words=words, moved=tuple(pair for *_, pair in said if pair), read=False
        )
    if files and not moving:
        return Nature(risk=0.02, reasons=("only documents, tests, styles or build settings",), words=words, read=False)
    usual = {"deploy": 0.45, "commit": 0.2, "config": 0.5, "flag": 0.1, "scale": 0.4, "migration": 0.5}
    return Nature(risk=usual.get(kind, 0.3), reasons=(), words=words, read=False)


def _protection(detail: str) -> list[tuple[float, str, tuple[float, float] | None]]:
    """A flag that turns off what keeps load or harm away."""
    off = _OFF.search(detail)
    kept = (
        sorted({word for word in _parts(detail.split("\n", 1)[0]) if word in _BOUND | _GUARD | _SHIELD}) if off else []
    )
    return [(0.65, f"turns off what protects ({', '.join(kept[:3])})", None)] if kept else []


def _has_diff(detail: str) -> bool:
    # A line of SQL that begins with two dashes is a comment, not a line that was taken away.
    lines = [line for line in detail.splitlines() if line != "--" and not line.startswith("-- ")]
    return any(line.startswith("@@") for line in lines) or sum(line[:1] in {"+", "-"} for line in lines) >= 2


def _files(detail: str) -> list[str]:
    found: list[str] = []
    for line in detail.splitlines():
        if line.startswith("files: "):
            found += [name.strip() for name in line[7:].split(",") if name.strip()]
        elif line.startswith(("+++ ", "--- ", "diff --git", "@@ ")) and (match := _FILE.match(line)):
            found.append(match.group(1))
    return list(dict.fromkeys(found))


# --- findings: (risk, words) -----------------------------------------------------------------------------------------


def _losses(sides: Sides, moving: Sequence[str], put_back: frozenset[str] = frozenset()) -> list[Found]:
    """What was taken away and not put back; `put_back`: words that something else does the work of."""
    # `pool.query` asks a pool; it is no bound of anything.
    before = Counter(
        word
        for line in (*sides.lost, *(old for old, _ in sides.pairs))
        for word in _parts(re.sub(r"\b[Pp]ool\.", "", line))
    )
    after = Counter(word for line in (*sides.gained, *(new for _, new in sides.pairs)) for word in _parts(line))
    gone = before - after
    found: list[Found] = []
    for words, risk, what in ((_SYNC, 0.9, "a lock"), (_BOUND, 0.8, "a bound"), (_GUARD, 0.5, "a check")):
        missing = sorted(word for word in words - put_back if gone[word] and not after[word])
        if missing:
            found.append((risk, f"takes away {what} ({', '.join(missing[:3])})"))
    calls = [name for line in sides.lost if (name := _called(line))]
    put = [name for line in sides.gained if (name := _called(line))]
    known = {token for line in sides.context for token in re.findall(r"\w+", line)}
    if (setting := _setting_gone(sides, moving)) is not None:
        found.append(setting)
    absent = [name for name in calls if name not in known and name.lower() not in put_back]
    if absent and len(calls) > len(put):
        # What is called instead may do the same.
        fresh = (*sides.gained, *(new for _, new in sides.pairs))
        helped = _names_called(fresh) - _names_called((*sides.lost, *(old for old, _ in sides.pairs)))
        found.append((0.3 if helped else 0.75, f"no longer calls {absent[0]}"))
    return found


def _setting_gone(sides: Sides, moving: Sequence[str]) -> Found | None:
    """A setting that is gone: from anywhere when nothing came instead, or else from a file that holds nothing but settings."""
    named = _DIRECTIVE if moving and all(map(_DIRECTIVES.search, moving)) else _KEY
    removed = [line.strip() for line in sides.lost if named.match(line) and "(" not in line and not _called(line)]
    if named is _KEY and any(line.rstrip().endswith(("{", "(", ";")) for line in sides.lost):
        return None
    if sides.gained and not (moving and all(map(_SETTINGS.search, moving))):
        return None
    said = "\n".join(sides.gained)
    gone = [one for one in removed if re.split(r"\s*[:=]|\s", one.lstrip("- "), maxsplit=1)[0].strip("\"'") not in said]
    return (0.55, f"removes the setting {gone[0].removeprefix('- ')[:60]}") if gone else None


def _names_called(lines: Sequence[str]) -> frozenset[str]:
    return frozenset(name for line in lines for name in _CALLED.findall(line))


def _called(line: str) -> str:
    match = _CALL.match(line)
    return (
        match.group(1)
        if match and match.group(1) not in {"if", "for", "while", "switch", "return", "func", "def"}
        else ""
    )


def _gains(sides: Sides) -> list[Found]:
    """What was added that costs or can fail."""
    fresh = list(dict.fromkeys([*sides.gained, *(new for _, new in sides.pairs)]))
    text = "\n".join(fresh)
    bounded = any(word in _BOUND for line in fresh for word in _parts(line))
    found: list[Found] = []
    if _in_loop(sides.context, fresh):
        found.append((0.35 if bounded else 0.85, "asks others inside a loop"))
    held = {match.group(1) for line in fresh if not line[:1].isspace() and (match := _HELD.match(line))}
    grown = {name for match in _GROWS.finditer(text) for name in match.groups() if name}
    if held & grown:
        found.append((0.3 if bounded else 0.9, f"keeps adding to {min(held & grown)} and never takes away"))
    old = "\n".join((*sides.lost, *(one for one, _ in sides.pairs)))
    before = {word for line in (*sides.lost, *(one for one, _ in sides.pairs)) for word in _parts(line)}
    taken = sorted(_SYNC & {word for line in fresh if not _WITHOUT.search(line) for word in _parts(line)} - before)
    if taken:
        found.append((0.5, f"takes a lock ({', '.join(taken[:3])})"))
    if _SPAWN.search(text) and not _SPAWN.search(old):
        found.append((0.3 if bounded else 0.45, "starts work beside"))
    asked = sum(bool(_FETCH.search(line)) for line in sides.gained) - sum(
        bool(_FETCH.search(line)) for line in sides.lost
    )
    if asked > 0:
        found.append((0.3, "asks others anew"))
    if _SCHEMA.search(text) and statement_risk(text) is None:
        found.append((0.7, "changes a table"))
    elif _SQL.search(text) and not _SQL.search(old):
        found.append((0.55, "adds a query"))
    return found


def _in_loop(context: Sequence[str], fresh: Sequence[str]) -> bool:
    """Whether a new line that asks somebody else stands inside a loop, by its indentation."""
    loops: list[int] = []
    for signed in context:
        line = signed[1:]
        if not line.strip():
            continue
        depth = len(line) - len(line.lstrip())
        loops = [one for one in loops if one < depth]
        if loops and signed[0] == "+" and line in fresh and _FETCH.search(line):
            return True
        if _LOOP.search(line):
            loops.append(depth)
    return False


# --- words -----------------------------------------------------------------------------------------------------------


def _parts(line: str) -> list[str]:
    """The words inside of identifiers, in lower case."""
    return [word.lower() for word in _WORD.findall(line)]


def _names(texts: Iterable[str]) -> frozenset[str]:
    return frozenset(word for text in texts for word in _parts(text) if len(word) >= 3)
