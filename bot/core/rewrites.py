"""
What gets lost or becomes another when the same code is written otherwise: options, order, identity, types, and what was kept.

Refactorings are meant to change nothing, so review looks at what the new lines no longer say. No language is parsed; the risks are
judged, from 0 to 1. Used by `bot/core/diffs.py` beside `bot/core/hazards.py`.
"""

import re
from collections import Counter
from collections.abc import Callable, Sequence

from bot.core.hazards import Diff
from bot.core.values import TOKEN, Found, version_risk

_OPTION = re.compile(
    r"[\"']?\b([A-Za-z_][\w-]{0,60})[\"']?\]?[ \t]{0,4}(?::|=(?![=>]))[ \t]{0,4}(\d[\w.]{0,30}|[Tt]rue\b|[Ff]alse\b|\"[^\"\n]{0,60}\"|'[^'\n]{0,60}')"
)
_KEY = re.compile(r"[\"']?\b([A-Za-z_][\w-]{0,60})[\"']?\]?[ \t]{0,4}(?::|=(?![=>]))")
_COUNTERS = re.compile(r"\b(?:let|var|int|long|auto)\s+(\w+)\s*=\s*\d")
_IDENTITY = re.compile(
    r"\b(?:\w{0,60}_)?(?:id|name|group|topic|path|file|host\w{0,20})\b|\w[a-z](?:Id|Name|Group|Topic|Path)\b"
)
_SLOT = re.compile(r"\$\{|\{\w|#\{|%[sdv]|%l[du]|\+\s*\w")
_TOLD = re.compile(r"\b(?:err\w*|Errorf?|raise|throw|panic|print\w*|log\w*)\b", re.IGNORECASE)
_STEP = re.compile(r"^[ \t]*[^\n]*\w\(", re.MULTILINE)
# Of routes and rules the first that fits counts.
_ROUTE = re.compile(r"^[ \t]*-?[ \t]*(?:match|route|prefix|path|location|rule|allow|deny|from|host)s?\b", re.MULTILINE)
_DEFINES = re.compile(
    r"^[ \t]*(?:\w+[ \t]+){0,3}(?:func|def|fn|class|function|struct|interface|type|sub|const|module)\b", re.MULTILINE
)
_KEPT = r"(\w{0,60}(?:Cache|Caffeine|Pool|Client|Session|Connection|Limiter|Semaphore|Mutex|Lock|Executor|Engine)\b)"
_HELD = re.compile(
    rf"\b(\w{{1,60}})[ \t]*(?<![=!<>])=[ \t]*(?:await[ \t]+)?(?:new[ \t]+)?(?:\w+::)?{_KEPT}(?:\.\w+)?[ \t]*[(<{{]"
)
_MADE = re.compile(rf"(?:\breturn|=>|->)[ \t]*(?:await[ \t]+)?(?:new[ \t]+)?(?:\w+::)?{_KEPT}(?:\.\w+)?[ \t]*[(<{{]")
_ONCE = re.compile(r"\bonce|lazy|memo|\bcached?\(|lru_cache|singleton|@Bean|@Provides|computeIfAbsent|\?\?=|\|\|=", re.IGNORECASE)  # fmt: skip
_NAME = re.compile(r"[A-Za-z_]\w*$")
# Versions and commits are read elsewhere.
_RELEASED = re.compile(r"\d+\.\d+|[0-9a-f]{7,}\b|@sha256")
# Words that stand where a type may stand; `string` for a narrower type changes nothing at run time.
_MODIFIERS = frozenset(
    ["final", "static", "volatile", "abstract", "virtual", "override", "sealed", "async", "class", "interface", "record", "enum", "void", "public",
     "private", "protected", "internal", "open", "new", "return", "transient", "readonly", "var", "let", "val", "const", "string"]
)  # fmt: skip
_VALUE = re.compile(
    r"^[ \t]*-?[ \t]*([A-Za-z][\w.-]{0,60}):[ \t]+([\"'$A-Za-z][^\s,;(){\[]{0,80}(?:\{[\w.]{1,60}\})?[\"']?)[ \t]*$"
)
_LISTED = re.compile(r"^[ \t]*-?[ \t]*([\w.\"-]{1,60})[ \t]*[:=][ \t]*\[([^\]\n]{0,200})\][ \t,}\]]*$")
# A table in SQL has neither a registry nor a tag.
_IMAGE = re.compile(r"^[ \t]*(?:FROM|image:)[ \t]+[\"']?(?=\S*[:/@])([\w./${}-]+)(?:[:@]([\w.${}:-]+))?", re.MULTILINE)
_INHERITED = re.compile(r"^[ \t]*(proxy_set_header|add_header|fastcgi_param|uwsgi_param)[ \t]", re.MULTILINE)
_WHOLE = re.compile(
    r"(?<![A-Za-z0-9])(?:[A-Za-z][A-Za-z0-9]{0,40}(?:[_-][A-Za-z0-9]{1,40}){1,8}|[A-Za-z][a-z0-9]{1,40}[A-Z][A-Za-z0-9]{0,40})(?![A-Za-z0-9])"
)
_PINNED = re.compile(r"^[ \t]*[\"']?([A-Za-z][\w./@-]{2,60}?)[\"']?[ \t]{0,4}(?:==|~=|>=|[:=@]|[ \t])[ \t]{0,4}[\"'^~v]{0,3}(\d+\.\d+[\w.+-]{0,30})", re.MULTILINE)  # fmt: skip
_REQUIRED = re.compile(r"^[ \t]*([A-Za-z][\w.-]{1,60})(?:\[[\w,-]{1,60}\])?[ \t]*(?:==|~=)[ \t]*\d", re.MULTILINE)
_NEARLY = tuple(
    (said, re.compile(before), re.compile(after))
    for said, before, after in (
        ("takes zero and nothing for missing", r"\?\?", r"\|\|"),
        ("works out a default that is not needed", r"\.orElseGet\(|\.unwrap_or_else\(|\.getOrElse\s*\{|\.fetch\([^)]*\)\s*\{", r"\.orElse\(|\.unwrap_or\(|\.getOrDefault\("),
        ("compares by identity", r"\.equals\([^)]*\).*(?:;|\{)\s*$|\bObjects\.equals\(|\.eql\?", r"[!=]=\s*[a-z]\w*(?:\.\w+)*\(?"),
        ("turns a condition around", r"^(?=.*(?:\b(?:if|elif|while|return|unless)\b|&&|\|\||\()\s*\(?(?:!(?!=)|not\b))|^(?=.*\bunless\b)", r"^(?!.*(?:!|\bnot\b|\bunless\b|> ?0|== ?0|\bfalse\b|\bNone\b|\bnull\b|\bnil\b))"),
        ("declares another variable of the same name", r"^(?!.*\b(?:var|let|const)\b)(?=[ \t]+[\w, ]+\s?=(?!=))", r"^[ \t]+[\w, ]+\s?:="),
        ("does not wait", r"(?<!return )\bawait\b", r"^(?!.*\bawait\b)"),
        ("changes the type of what it returns", r"\)\s*(?:\([^)]*\berror\)|error)\s*\{", r"\)\s*(?:\([^)]*\*\w+\)|\*\w+)\s*\{"),
        ("answers later than its callers may wait", r"^(?!.*\basync\b)(?=.*\b(?:def|function|fn|func)\b)", r"\basync\b"),
        ("binds a name that changes later", r"\bpartial\(|\blambda\b[^:]*=", r"\blambda\b[^:=]*:"),
        ("goes on with what is not set", r"\bset\s+-\w*u", r"\bset\s+-(?!\w*u)"),
        ("is no longer a text", r"[:=]\s*[\"'](?:\d+(?:\.\d+)?|0\d+|yes|no|on|off|true|false|null)[\"']\s*$", r"[:=]\s*(?:\d+(?:\.\d+)?|yes|no|on|off|true|false|null)\s*$"),
        ("requires what may be missing", r"(?=.*:\s*\[?\w+\]?\s*$)", r":\s*\[?\w+!?\]?!"),
        ("binds operators otherwise", r"\([^()]*[^&|][&|][^&|()]*\)\s*[=!]=", r"[^&|][&|][^&|()]*[=!]=\s*\w+\s*\)"),
        ("runs on another version", r"\b(?:nodejs|python|java|ruby|dotnet|go)\d[\w.]*", r"\b(?:nodejs|python|java|ruby|dotnet|go)\d[\w.]*"),
        ("shares one thing among all calls", r"(?:\bdef\b.*\(|,\s*)\w+(?::\s*[^=,]+)?\s*=\s*None\b", r"\w(?::\s*[^=,]+)?\s*=\s*(?:\[\]|\{\})\s*[,)]"),
    )
)  # fmt: skip
_ASKS = re.compile(r"^\s*(?:\}?\s*else\s*)?(?:if|elif|elsif|unless|while|when|guard)\b|\breturn\b|\?\s|\bWHERE\b")
_QUOTED = re.compile(r"\"[^\"]*\"|'[^']*'|`[^`]*`")
_WORD = re.compile(r"[A-Za-z_]\w*(?:-\w+)*")
_JOINING = frozenset({"and", "or", "AND", "OR"})
_JOINED = re.compile(r"&&|\|\||\band\b|\bor\b|\bAND\b|\bOR\b")
_FRACTION = re.compile(
    r"\(double\)|\(float\)|\bfloat\(|\.to_f\b|\bDecimal\b|\bdouble\b|\b1\.0\b|\bfloat64\(|\.toDouble\(|\bas f(?:32|64)\b|\bparseFloat\("
)
_CAST = re.compile(r"\((?:double|float)\)|\bdouble\b|\bfloat64\(|\.toDouble\(|\bas f(?:32|64)\b|\.to_f\b")
_DIVIDES = re.compile(r"\w\)?\s/\s\(?\w|\bdiv\b")
_MOST_CONTEXT = 200
_SHORTEST_NAME, _MOST_NAMES = 6, 40


def rewrites(diff: Diff) -> list[Found]:
    """(risk, words) of everything that is no longer what it was."""
    return [one for look in _LOOKS if (one := look(diff)) is not None]


def changed_names(old: str, new: str) -> frozenset[str]:
    """Names of several parts, as `fee_cents` or `copayFor`, that a change uses more or less often than before, and libraries in another version."""
    before, after = (Counter(_WHOLE.findall(side)) for side in (old, new))
    names = [name for name in before | after if before[name] != after[name] and len(name) >= _SHORTEST_NAME]
    pinned = dict(_PINNED.findall(old))
    names += [name for name, version in _PINNED.findall(new) if pinned.get(name, version) != version]
    return frozenset(sorted(names)[:_MOST_NAMES])


def _option(diff: Diff) -> Found | None:
    """An option that is gone while others that stood with it are still there."""
    before, after = Counter(_OPTION.findall(diff.old)), Counter(_OPTION.findall(diff.new))
    keys_before, keys_after = Counter(_KEY.findall(diff.old)), Counter(_KEY.findall(diff.new))
    counters = set(_COUNTERS.findall(diff.old))
    lost = [
        (key, value)
        for key, value in before
        if (key, value) not in after and keys_before[key] > keys_after[key] and key not in counters
    ]
    if not lost or not before & after:
        return None
    return 0.5, "no longer sets " + "=".join(lost[0])[:60]


def _identity(diff: Diff) -> Found | None:
    """A name that told things apart and now holds less."""
    for old, new in diff.pairs:
        named = _IDENTITY.search(old) and _IDENTITY.search(new) and not _TOLD.search(old)
        if named and len(_SLOT.findall(new)) < len(_SLOT.findall(old)):
            return 0.55, "leaves something out of a name"
    return None


def _order(diff: Diff) -> Found | None:
    """The same steps one after another otherwise, and nothing else; whole functions that moved do the same as before."""
    other = f"{diff.old}{diff.new}".strip() or _DEFINES.search(diff.moved)
    steps = not other and (_STEP.search(diff.moved) or _ROUTE.search(diff.moved))
    return (0.4, "does things in another order") if steps else None


def _made_anew(diff: Diff) -> Found | None:
    held, made = _HELD.findall(diff.old), set(_MADE.findall(diff.new))
    # What is still put into the same place is kept as before, whoever makes it.
    anew = sorted(
        kind
        for name, kind in held
        if kind in made
        and not re.search(rf"\b{name}\s*=(?!=)", diff.new)
        and not re.search(rf"\breturn\s+{name}\b", diff.old)
    )
    if not anew or _ONCE.search(diff.new):
        return None
    return 0.65, f"makes {anew[0]} anew on every call"


def _retyped(diff: Diff) -> Found | None:
    """A field that is declared as something else: `total: Money` or `Money total`."""
    for old, new in diff.pairs:
        left, right = TOKEN.findall(old), TOKEN.findall(new)
        differ = [place for place in range(len(left)) if left[place] != right[place]] if len(left) == len(right) else []
        for place in differ:
            if not all(_NAME.match(side[place]) and side[place] not in _MODIFIERS for side in (left, right)):
                continue
            follows = left[place + 1] if place + 1 < len(left) else ""
            if place >= 2 and left[place - 1] == ":" and "(" not in left and left[-1] in {",", ";", left[place]}:
                return 0.5, f"changes the type of {left[place - 2]}"
            if _NAME.match(follows) and place > 0 and left[place - 1] in {"(", ",", "private", "final", "public"}:
                return 0.5, f"changes the type of {follows}"
    return None


def _revalued(diff: Diff) -> Found | None:
    """A setting of a text in other words, or by another name."""
    before, after = (
        {match[1]: match[2].strip("\"'") for line in side.splitlines() if (match := _VALUE.match(line))}
        for side in (diff.old, diff.new)
    )
    for key in before.keys() & after.keys():
        if before[key] != after[key] and not _RELEASED.search(f"{before[key]} {after[key]}"):
            return 0.45, f"sets {key} to {after[key][:40]} instead of {before[key][:40]}"
    return None


def _listed(diff: Diff) -> Found | None:
    """A list in a setting that holds more than before."""
    for old, new in diff.pairs:
        before, after = _LISTED.match(old), _LISTED.match(new)
        if before and after and before[1] == after[1]:
            had, has = (dict.fromkeys(part.strip() for part in one[2].split(",")) for one in (before, after))
            more = [part for part in has if part not in had]
            if more and all(part in has for part in had):
                return 0.4, f"adds {more[0][:40]} to {before[1]}"
    return None


def _library(diff: Diff) -> Found | None:
    """One library for another in a list of Python's pins."""
    before, after = (set(_REQUIRED.findall(side)) for side in (diff.old, diff.new))
    gone, come = sorted(before - after), sorted(after - before)
    return (0.45, f"takes {come[0]} instead of {gone[0]}") if gone and come else None


def _image(diff: Diff) -> Found | None:
    before, after = dict(_IMAGE.findall(diff.old)), dict(_IMAGE.findall(diff.new))
    if not before or not after:
        return None
    if before.keys() != after.keys():
        return 0.55, "is built on another image"
    return max((_tag(before[name], after[name]) for name in before if before[name] != after[name]), default=None)


def _tag(old: str, new: str) -> Found:
    """`3.11-slim-bullseye` to `3.11-slim-bookworm` is another system, `1.4.2` to `1.4.3` is not."""
    left, right = old.partition("-"), new.partition("-")
    if all(_RELEASED.search(one) and not re.search(r"\d+\.\d+", one) for one in (old, new)):
        # A commit for another says nothing of what is in it.
        return 0.22, f"is built on another image ({new[:20]} instead of {old[:20]})"
    step = version_risk("the image", left[0], right[0]) if left[2] == right[2] else None
    return step or (0.5, f"is built on another image ({new} instead of {old})")


def _other_sense(diff: Diff) -> Found | None:
    """The same line with an operator or a call that is nearly the same."""
    for old, new in diff.pairs:
        for said, before, after in _NEARLY:
            was, now = before.search(old), after.search(new)
            # A word that stands in both lines is no difference between them.
            if was and now and not (was[0] and was[0] in new) and not (now[0] and now[0] in old):
                return 0.5, said
    return None


def _operand(diff: Diff) -> Found | None:
    """A condition that asks for less than before."""
    for old, new in diff.pairs:
        before, after = (_QUOTED.sub("", side) for side in (old, new))
        fewer = (
            _ASKS.search(before) and _ASKS.search(after) and len(_JOINED.findall(after)) < len(_JOINED.findall(before))
        )
        if fewer and set(_WORD.findall(before)) - set(_WORD.findall(after)) - _JOINING:
            return 0.5, "asks for less in a condition"
    return None


def _whole_numbers(diff: Diff) -> Found | None:
    lost = _FRACTION.search(diff.old) and _DIVIDES.search(diff.old) and not _FRACTION.search(diff.new)
    # `/` of Python and of inferred fractions stays what it was.
    known = _CAST.search(diff.old) and not re.search(r"\bvar\b", diff.new)
    return (0.5, "divides whole numbers") if lost and known and _DIVIDES.search(diff.new) else None


def _inherited(diff: Diff) -> Found | None:
    """Nginx hands these down only to a block that has none of its own (https://nginx.org/en/docs/http/ngx_http_proxy_module.html#proxy_set_header)."""
    own = set(_INHERITED.findall(diff.new)) - set(_INHERITED.findall(diff.old))
    lines = diff.context.splitlines()[:_MOST_CONTEXT] if own else []
    fresh = set(diff.new.splitlines())
    for place, line in enumerate(lines):
        found = _INHERITED.match(line)
        if found and found[1] in own and line in fresh:
            block = _block(lines, place)
            beside = [one for one in block if one not in fresh and (match := _INHERITED.match(one)) and match[1] == found[1]]  # fmt: skip
            if block and "location" in block[0] and not beside:
                return 0.5, f"sets {found[1]} where it was inherited"
    return None


def _block(lines: Sequence[str], place: int) -> Sequence[str]:
    """The lines around one that stand as deep or deeper, with the line above that opens the block."""
    depth = _depth(lines[place])
    first, last = place, place
    while first > 0 and _depth(lines[first]) >= depth:
        first -= 1
    while last < len(lines) and _depth(lines[last]) >= depth:
        last += 1
    return lines[first:last]


def _depth(line: str) -> int:
    return len(line) - len(line.lstrip())


_LOOKS: Sequence[Callable[[Diff], Found | None]] = (
    _option,
    _identity,
    _order,
    _other_sense,
    _operand,
    _whole_numbers,
    _made_anew,
    _retyped,
    _revalued,
    _listed,
    _library,
    _image,
    _inherited,
)
