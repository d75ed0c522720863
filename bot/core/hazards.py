"""
What code review looks for in a diff beyond changed values: scopes, ways out, defaults, units, keys, clocks, blocking calls, statements.

One table of patterns for what a change gained and one for what it lost; no language is parsed. The patterns are those that guides to
code review, linters for resource leaks and public incident reports name; the risks are judged, from 0 to 1. Used by `bot/core/diffs.py`.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from bot.core.values import TOKEN, Found


@dataclass(frozen=True, slots=True, kw_only=True)
class Diff:
    """A change without comments, messages and lines that only moved."""

    old: str
    """What was taken away, and the former side of changed lines."""
    new: str
    """What was added, and the later side of changed lines."""
    context: str
    """Everything that stands after the change."""
    moved: str = ""
    """Lines that stand elsewhere now."""
    spoken: str = ""
    """Added lines that only tell: logs and measurements."""
    pairs: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Hazard:
    risk: float
    said: str
    pattern: re.Pattern[str]
    unless: re.Pattern[str] | None = None
    """What, on the same side, makes it harmless."""
    where: re.Pattern[str] | None = None
    """What the surrounding code has to hold."""


def _hazard(risk: float, said: str, pattern: str, unless: str = "", where: str = "") -> _Hazard:
    flags = re.MULTILINE | re.IGNORECASE
    return _Hazard(
        risk=risk,
        said=said,
        pattern=re.compile(pattern, flags),
        unless=re.compile(unless, flags) if unless else None,
        where=re.compile(where, flags) if where else None,
    )


_SCOPE = re.compile(
    r"^\s*(?:async\s+)?with\s|\btry\s*\(|\busing\s*(?:\(|var\b)|\bdefer\b|\bensure\b|\bfinally\b|\.use\s*\{|\bbracket\(|\bSafeHandle\b|\b(?:Unique|Scoped|Auto)[A-Z]\w*|\b(?:unique|shared|scoped|lock)_(?:ptr|lock|guard|fd)\b",
    re.MULTILINE,
)
_SETTLED = r"\b(?:close|closed|dispose|release|remove|unlink|delete|cleanup|clean_?up|rmtree|defer|finally|with|using|once|off|unsubscribe|removeListener|removeEventListener|stop|clearInterval|clearTimeout|cancel)\w*\b|\btry\s*\("
_GAINED = (
    _hazard(0.6, "waits where nothing may wait",
            r"\.GetAwaiter\(\)\.GetResult\(|\)\.Result\b|\.Wait\(\)|\brunBlocking\b|\.block\(\)|\b\w*[^a\W]Sync\(|\bblock_on\("),
    _hazard(0.65, "blocks an event loop",
            r"\brequests\.(?:get|post|put|delete|request)\(|\btime\.sleep\(|\bThread\.sleep\(|\bsubprocess\.(?:run|check_\w+|call)\(|\burllib\.request|\bstd::(?:thread::sleep|fs::)|\bpsycopg2\b",
            where=r"\basync\b|\bawait\b|\bsuspend\b|\btokio\b|\bMono\b|\bFlux\b"),
    _hazard(0.5, "takes for granted what may be missing", r"\.unwrap\(\)|\.expect\(|!!\.|\bas!\s|\.get\(\)\.|\.first!|\.orElseThrow\("),
    _hazard(0.55, "goes on after an error",
            r"(?:\bexcept(?:\s+(?:Base)?Exception\b[^\n]*)?\s*:|\bcatch\s*(?:\(\s*(?:\w+\s+)?(?:Exception|Throwable|\w{1,3}|error)\b[^\n]*\)|\{)[^\n]*|\brescue\b(?:\s*=>|\s+StandardError)?[^\n]*)\s*\n?\s*(?:pass\b|continue\b|return\b|[\w.]+\s*=\s*(?:\[\]|\{\}|None|null|nil|0|\"\")|\}|//)|_\s*=\s*err\b|\brescue\s+nil\b|\.catch\(\s*\(\w*\)\s*=>\s*(?:\{\s*\}|null|undefined|\[\])"),
    _hazard(0.5, "listens or ticks and never stops",
            r"\.(?:on|addListener|addEventListener|subscribe|observe)\(\s*['\"\w]|\bNewTicker\(|\btime\.Tick\(|\bsetInterval\(|\bsignal\.Notify\(", unless=_SETTLED),
    _hazard(0.55, "leaves files behind", r"\bmkdtemp\(|\bmkstemp\(|delete=False|\bCreateTemp\(|\bcreateTempFile\(|\bMkdirTemp\(|\btempnam\(", unless=_SETTLED),
    _hazard(0.45, "opens something and does not close it",
            r"\bgetConnection\(|\bhttp\.(?:Get|Post)\(|\.Do\(req|(?<![.\w])open\(|\bos\.Open\(|\bnew (?:File|Http|Socket|Buffered)\w*(?:Stream|Reader|Writer|Client)?\(|\b(?:create|new)_?(?:Client|Connection|Session)\(|\b\w*Client\s*\{|\bacquire\(", unless=_SETTLED),
    _hazard(0.75, "matches with a pattern that can take for ever", r"\((?:\?:)?(?:[^()\n]*[^\\()\n])?[+*](?:\\?[^()\n][?*]){0,3}\)[+*{]|(?:\.\*){2,}"),
    _hazard(0.7, "looks through all keys", r"\b(?-i:KEYS)\s+[\"'*\w]|\b(?:redis|client|conn|r|rdb|cache|jedis)\w*(?:\.|->)keys\(\s*\w?[\"'`]|\bFLUSH(?:ALL|DB)\b"),
    _hazard(0.5, "asks in a way that no index serves",
            r"\bWHERE\b[^\n]*\b(?:LOWER|UPPER|DATE|TO_CHAR|CAST|COALESCE|SUBSTR\w*|DATE_TRUNC|EXTRACT)\s*\(|\bLIKE\s+['\"]%|\bILIKE\b|ORDER BY RAND|\blower\(\w*\.?\w+\)|\b__i?contains\b"),
    _hazard(0.55, "lets go of the caller's deadline", r"\bcontext\.(?:Background|TODO)\(\)|\bCancellationToken\.None\b|\bNonCancellable\b|\bGlobalScope\b"),
    _hazard(0.6, "changes a unit", r"\btime\.Duration\(\s*[A-Za-z_][\w.]*\s*\)(?!\s*\*)"),
    _hazard(0.5, "refuses what it took before", r"\bFAIL_ON_\w+|\bstrict\w*|additionalProperties\W+false|\bdisallow\w*|\bdeny_unknown\w*|\bforbid\w*"),
    _hazard(0.5, "tries again", r"\bretr(?:y|ies|ying)\w*|\b(?:num|max)_?(?:retries|attempts)\w*|\battempts?\b|\bredeliver\w*",
            unless=r"back_?off|jitter|exponential|\bsleep\b|\bdelay\b|interval|budget"),
    _hazard(0.55, "asks others while holding a lock or a transaction",
            r"\b(?:http|client|rest|rpc|grpc|api|gateway|requests|fetch|axios|stub|producer|publisher|mailer|s3)\w*\.?\w*\(",
            where=r"\b(?:@?transactional|transaction\b|atomic\(|BEGIN\b|synchronized|with_lock|\.lock\(\)|\.Lock\(\)|with \w*\.?_?lock\b|FOR UPDATE)"),
    _hazard(0.55, "opens a connection for every call",
            r"^[ \t]+[^\n]{0,200}?(?:\bnew \w*(?:Client|Connection|Channel|Pool)\b|\b\w*Client\s*\{|\bgrpc\.Dial\w*\(|\bredis\.Redis\(|\bcreate_engine\(|\bMongoClient\(|\bboto3\.client\(|\bnewClient\(|\bsql\.Open\()",
            unless=r"\bstatic\b|\bonce\b|lru_cache|singleton|\blazy\b"),
    _hazard(0.55, "waits without end", r"\b(?:timeout|call|receive|await)\w*\b[^\n]{0,60}:infinity\b|\btimeout\w*\s*[:=(]\s*(?:None|null|-1|0\b|Infinity|Duration\.ZERO)|\bno_?timeout\b|\bwaitForever\b"),
    _hazard(0.5, "writes through on every write", r"\bappendfsync\s+always|\bf(?:data)?sync\b|\bO_D?SYNC\b|\bsynchronous_commit\s*=\s*(?:on|remote_apply)|\bflush\(\)|\backs\s*[:=]\s*[\"']?all"),
    _hazard(0.55, "writes the year of the week", r"[\"']\W?YYYY\b[^\"'\n]*[\"']", where=r"(?-i:DateTimeFormatter|SimpleDateFormat|\.dateFormat\b|DateFormatter|ofPattern)"),
    _hazard(0.55, "closes the network but for what it names", r"^\s*(?:-\s*)?egress\s*:|\bpolicyTypes\s*:.*Egress|kind:\s*NetworkPolicy"),
    _hazard(0.6, "reads everything into memory before it chooses", r"\.AsEnumerable\(\)|\.ToList\(\)\s*\.Where|\.to_a\.(?:select|filter|map)|\bfindAll\(\)\s*\.stream"),
    _hazard(0.7, "asks others for every row", r"\bdef get_\w+\(self, obj\):\s*\n[^\n]*\.(?:count|first|filter|get|all|order_by)\("),
    _hazard(0.55, "renames fields on the wire", r"\brename_all\b|@JsonNaming\b|\balias_generator\b|\bkey_transform\b|\bPropertyNamingPolicy\b|\bnaming_?strategy\b", unless=r"\b(?:struct|enum|class|record|interface)\s+\w"),
    _hazard(0.5, "takes another connection while it holds one", r"\bREQUIRES_NEW\b|\brequires_new:\s*true"),
    _hazard(0.5, "reads whole bodies to write them down", r"\bLevel\.BODY\b|\blog(?:ging)?_?bod(?:y|ies)\b|\bdump_?(?:body|request|response)\w*"),
    _hazard(0.5, "sets a cookie on every answer", r"\bsaveUninitialized:\s*true|\brolling:\s*true"),
    _hazard(0.5, "cuts numbers to 32 bits", r"\)?\s\|\s0\b|~~\w|>>>\s*0\b"),
    _hazard(0.5, "takes the neighbour's address for the caller's", r"(?<!\$)\b(?:RemoteAddr|remote_addr|remoteAddress)\b"),
    _hazard(0.45, "keeps the first for all", r"@@\w+\s*\|\|=|@\w+\s*\|\|=[^\n]*\b(?:Client|Connection|Session)\w*\.new\(|\bServiceLifetime\.Singleton\b|@ApplicationScoped\b"),
    _hazard(0.5, "keeps every name that strangers send", r"\bkeys:\s*:atoms\b|\bString\.to_atom\(|\b(?:params|request|headers|payload|body)\b[^\n]{0,60}\.(?:to_sym\b|intern\(\))"),
    _hazard(0.45, "sets how many run", r"^\s*(?:replicas|desired_count|replicaCount)\s*[:=]\s*\d"),
    _hazard(0.5, "ends the program at the first panic", r"\bpanic\s*=\s*[\"']abort"),
    _hazard(0.45, "keeps no bound", r"\bUnbounded\w*|\bunlimited\b|\bnoeviction\b|\bLinkedBlockingQueue(?:<[^>]*>)?\(\s*\)|\bnewCachedThreadPool\(|\bmaxsize\s*=\s*(?:None|0)\b|\blimit\s*[:=]\s*(?:None|null|-1|0)\b|(?<![=!<>])=\s*-1\b"),
    _hazard(0.45, "hands over much more than before", r"\bSELECT\s+\*|\beager\w*\b|\bincludes?\(\s*:\w+\s*,|\bprefetch_related\(|\bto_json\b|\binclude_all\b|\bexpand\s*[:=]"),
)  # fmt: skip
_LOST = (
    _hazard(0.75, "no longer says that work is done", r"\b(?:basic_)?ack(?:nowledge)?\w*\(|\.commit(?:Sync|Async|_offsets?)?\(|\bXACK\b|\bdelete_message\w*\(|\bDeleteMessage\w*\("),
    _hazard(0.6, "no longer holds a value within bounds", r"\bMath\.(?:min|max)\(|\b(?:min|max|clamp|clip)\(|\bcoerce\w+\(|\bLEAST\(|\bGREATEST\("),
    _hazard(0.6, "no longer knows what was done already", r"idempoten\w*|\bdedup\w*|\bON CONFLICT\b|\balready_?\w+|\bprocessed_?ids?\b|\bSETNX\b|\bnx\s*[:=]\s*true"),
    _hazard(0.55, "no longer has a default for what is missing", r"\.unwrap_or\w*\(|\bgetOrDefault\(|\.orElse(?:Get)?\(|\?\?\s|\.get\(\s*['\"\w.]+,\s*[^()=\n]+\)|\bdefaultIfEmpty\(|\.fetch\([^(),\n]+,|\bfallback\w*",
            unless=r"\belse\b|\?\?|\?:|\b(?:is|==|!=|===|!==)\s*(?:not\s+)?(?:null|nil|None|undefined)|is_?(?:empty|none|null)|\bdefault"),
    _hazard(0.6, "no longer ends gently", r"\bpreStop\b|\bSIGTERM\b|\bdrain\w*|\bgraceful\w*|\bterminationGracePeriod\w*|\bShutdown\("),
    _hazard(0.5, "no longer spreads work over time", r"\bjitter\w*|\brand(?:om|int|range)?\b|\bstagger\w*|\bsplay\b"),
    _hazard(0.55, "no longer keeps connections", r"keep_?-?alive\w*|\bMaxIdle\w*|\bhttp_version\s+1\.1"),
    _hazard(0.6, "asks for everything", r"\bLIMIT\s+[\d:$?]|\.limit\(|\.take\(\s*\d|\bpage_?size\b|\bper_?page\b|\b(?-i:WHERE)\b"),
    _hazard(0.6, "no longer tells tenants apart", r"\btenant_?\w*|\borg(?:anisation|anization)?_?id\b|\baccount_?id\b"),
    _hazard(0.7, "no longer fetches in one go", r"\.includes\(|\.preload\(|\beager_load\(|\bprefetch_related\(|\bselect_related\(|\bJOIN FETCH\b|\bEntityGraph\b|\bDataLoader\b|\bjoinedload\(|\bselectinload\(|\.Include\(|\bmget\(|\bbulk_?\w*\("),
    _hazard(0.6, "takes access or a resource away", r"^\s*resource\s+\"|\b(?:ingress|egress|allow|grant|policy|security_group\w*|firewall\w*)\b"),
    _hazard(0.7, "no longer locks the rows it reads", r"\bFOR (?:UPDATE|SHARE)\b|\bselect_for_update\(|\bwith_lock\b|\bLockModeType\b"),
    _hazard(0.5, "counts bytes instead of characters", r"\.chars\(\)|\bmb_\w+\(|\[\]rune\(|\bgrapheme\w*|\.codePoints?\(", unless=r"starts_with\(|ends_with\(|\.next\(\)"),
    _hazard(0.5, "no longer says how to sort", r"\.sort\(\s*[^)\s]|\bsorted\([^\n]*\bkey\s*=|\bsort_by\b|\bORDER BY\b", unless=r"\b(?:heap|sort|order|top)\w*\(\s*\w|\btoSorted\(|\b(?:max|min|nsmallest|nlargest)\("),
    _hazard(0.5, "no longer says which language a text is in", r"\bCultureInfo\.\w+|(?-i:\bLocale\.\w+)|en_US(?:_POSIX)?\b|\bC\.UTF-8\b"),
    _hazard(0.5, "no longer says which encoding a text is in", r"\b(?:charset|encoding)\s*=\s*[\"']|\butf-?8\b|\bStandardCharsets\b|\bnewline\s*="),
    _hazard(0.55, "no longer asks an index", r"\bCREATE (?:UNIQUE )?INDEX\b|\badd_index\b|\bdb_index\s*=\s*True|@Index\b"),
)  # fmt: skip
_LOCKS = re.compile(r"\b(?:synchronized|r?w?lock|unlock|mutex|acquire|semaphore|FOR UPDATE)\b|\.(?:Lock|Unlock|RLock|RUnlock|lock|unlock)\(", re.IGNORECASE)  # fmt: skip
_LOCKING = re.compile(r"\bsynchronized\b|\.(?:[rw]?lock|unlock|acquire|release|Lock|Unlock|RLock|RUnlock)\(")
_ENDLESS = re.compile(r"\bwhile\s*\(?\s*(?:true|1|!\w+)|\bfor\s*\(\s*;\s*;\s*\)|\bfor\s*\{|\bloop\s*(?:\{|do\b)|\bdo\s*\{|\bwhile\b[^\n]*(?:cursor|next|token|page|offset|more)", re.IGNORECASE)  # fmt: skip
_WAY_OUT = re.compile(r"\b(?:return|break|until|cursor|next_?\w*|has_?more|offset|page_?token)\b", re.IGNORECASE)
_GUARD = re.compile(
    r"^[ \t]*(?:\}?[ \t]*(?:else[ \t]+)?if|unless|guard|elif|elsif|when|assert|require)\b", re.MULTILINE
)
_WORDS = re.compile(r"[A-Za-z_]\w*")
_KEYWORDS = frozenset(
    ["if", "else", "elif", "elsif", "unless", "guard", "let", "var", "when", "assert", "require", "err"]
)
_CONDITIONS = re.compile(r"\b(?:WHERE|AND)\s+\w+(?:\.\w+)?\s*(?:=|<|>|IN\b|LIKE\b|IS\b)")
_QUERY = re.compile(r"\b(?:SELECT|FROM|UPDATE|DELETE)\b")
_UNITS = re.compile(
    r"[a-z](?:_?)(Ms|Millis|Milliseconds|Secs?|Seconds|Ns|Nanos|Micros|Minutes|Mins|Hours|Bytes|Kb|Mb|KiB|MiB)\b|_(ms|millis|secs?|seconds|ns|nanos|us|micros|minutes|mins|hours|bytes|kb|mb)\b|"
    r"\bTimeUnit\.(\w+)|\btime\.(Nanosecond|Microsecond|Millisecond|Second|Minute|Hour)\b|\bDuration\.(?:of|from_)(\w+)|\btimedelta\((\w+)="
)
_DURATION = re.compile(r"\b(?:\w*Duration|TimeSpan|timedelta|TimeUnit)\b")
_KEYED = re.compile(r"\w*key\w*\b|\bKey\w*|\bpartition\w*|\bshard\w*", re.IGNORECASE)
_SLOT = re.compile(r"\$\{|\{\w|#\{|%[sdv]|\+\s*\w|\bargs?\b|,\s*\w")
_CLOCKS = re.compile(
    r"\butc\w*|\bUTC\b|\btime_?zone\w*|\bZone(?:Id|Offset|dDateTime)\w*|(?-i:\bInstant\b)|\btz\w*\b|\bZoneInfo\b|\bLocal(?:Date|DateTime|Time)\b|\blocaltime\b|\bnow\(\)|\bfromtimestamp\(|(?-i:\bTime\.(?:zone|now|current)\b)|\bDate\.(?:today|current)\b|\bDateTime\.\w*now\b|\bdatetime\.(?:utcnow|now|today)\b",
    re.IGNORECASE,
)
_WIDE = re.compile(
    r"\b(?:int64|i64|u64|Long|long|BigInt|bigint|BIGINT|Decimal|BigDecimal|decimal|numeric|double|float64)\b"
)
_NARROW = re.compile(r"\b(?:int32|i32|u32|int|Integer|INTEGER|INT|Number|parseInt|float|float32|f32|smallint|short)\b")
_RESERVED = frozenset(
    [
        "true",
        "false",
        "none",
        "null",
        "nil",
        "and",
        "or",
        "not",
        "is",
        "in",
        "if",
        "unless",
        "while",
        "until",
        "return",
        "break",
        "continue",
        "await",
        "async",
        "yield",
        "on",
        "off",
    ]
)
_NAME = re.compile(r"[A-Za-z_]\w*$")
# `int` and `Integer` are not two spellings of one name.
_TYPE = re.compile(r"(?:u?int(?:eger)?\d*|long|short|byte|bytes|char|str|string|bool|boolean|float\d*|double|decimal|bigdecimal|bigint|number|[ui]\d+|f\d+|object|any|instant|localdate(?:time)?)$", re.IGNORECASE)  # fmt: skip
_WIRE = re.compile(
    r"^[ \t]*(?:optional |repeated |required )?\w[\w.<>,]*[ \t]+(\w+)[ \t]*=[ \t]*(\d+)[ \t]*;", re.MULTILINE
)
_HOST = re.compile(r"\w+://([^\s/\"']+)|(?<![\w.])((?:[a-z][\w-]*\.){2,}[a-z][\w-]*)(?![\w(])")
_ENDLESS_LABEL = re.compile(r"(?:user|trace|request|session|order|customer|account|message|device)_?id\b|\burl\b|URL\.String\(|\bemail\b|\bpath\b|\bquery\b", re.IGNORECASE)  # fmt: skip
_MEASURES = re.compile(r"\b(?:label|tag|attribute)s?\w*|\bWithLabelValues\b|\bHistogram\w*|\bCounter\w*|\bGauge\w*|\bmetrics?\b", re.IGNORECASE)  # fmt: skip


def hazards(diff: Diff) -> list[Found]:
    """(risk, words) of everything that review would stop at."""
    found = [(one.risk, one.said) for one in _GAINED if _gained(one, diff)]
    found += [(one.risk, one.said) for one in _LOST if _lost(one, diff)]
    return found + [one for look in _LOOKS if (one := look(diff)) is not None]


def ends_by_itself(diff: Diff) -> bool:
    """Whether something that had to be closed by hand now ends with its scope."""
    return len(_SCOPE.findall(diff.new)) > len(_SCOPE.findall(diff.old))


def only_renames(pairs: Sequence[tuple[str, str]], context: Sequence[str]) -> bool:
    """Whether lines differ by the spelling of the same names and by nothing else, where they are declared and where they are used."""
    names: dict[str, str] = {}
    for old, new in pairs:
        left, right = TOKEN.findall(old), TOKEN.findall(new)
        if len(left) != len(right):
            return False
        for one, other in zip(left, right, strict=True):
            if one != other and not (_is_name(one) and _is_name(other) and names.setdefault(one, other) == other):
                return False
    # A name that is known already is another thing, and two things under one name are no longer two.
    before = {token for old, _ in pairs for token in TOKEN.findall(old)}
    after = set(names.values())
    apart = len(after) == len(names) and not after & before
    kept = {token for line in context if line[:1] != "+" for token in TOKEN.findall(line[1:])}
    return len(pairs) > 1 and apart and not kept & (after | names.keys())


def _is_name(token: str) -> bool:
    return bool(_NAME.match(token)) and token.lower() not in _RESERVED and not _TYPE.match(token)


def _gained(one: _Hazard, diff: Diff) -> bool:
    if not one.pattern.search(diff.new) or one.pattern.search(diff.old):
        return False
    if one.unless is not None and one.unless.search(diff.new):
        return False
    return one.where is None or bool(one.where.search(diff.context))


def _lost(one: _Hazard, diff: Diff) -> bool:
    kept = one.pattern.search(diff.new) or (one.unless is not None and one.unless.search(diff.new))
    return bool(one.pattern.search(diff.old)) and not kept


def _scope(diff: Diff) -> Found | None:
    lost = len(_SCOPE.findall(diff.old)) > len(_SCOPE.findall(diff.new))
    return (0.75, "no longer ends with its scope what it opens") if lost else None


def _lock(diff: Diff) -> Found | None:
    if any(_LOCKS.search(old) and _LOCKS.search(new) and old.strip() not in new for old, new in diff.pairs):
        return 0.6, "locks something else"
    if _LOCKING.search(diff.moved) and not ends_by_itself(diff):
        return 0.6, "holds a lock over other lines"
    same = _LOCKS.search(diff.old) and _LOCKS.search(diff.new)
    return (0.5, "locks something else") if same else None


def _loop_end(diff: Diff) -> Found | None:
    """A way out of an endless loop that is gone or another; one that asks for the same is the same."""
    ways = [line for line in diff.old.splitlines() if _WAY_OUT.search(line)]
    if not ways or not _ENDLESS.search(diff.context):
        return None
    asked = {word for line in ways for word in _WORDS.findall(line)} - _RESERVED - _KEYWORDS - {"break", "loop"}
    return (0.6, "ends a loop otherwise") if not asked or asked - set(_WORDS.findall(diff.new)) else None


def _wider(diff: Diff) -> Found | None:
    """A query with fewer conditions."""
    old, new = (len(_CONDITIONS.findall(side)) for side in (diff.old, diff.new))
    return (0.5, "asks for more than before") if old > new and _QUERY.search(diff.old + diff.context) else None


def _guard(diff: Diff) -> Found | None:
    """A condition that is gone, and with it something that nothing else looks at."""
    lost = len(_GUARD.findall(diff.old)) - len(_GUARD.findall(diff.new))
    if lost <= 0:
        return None
    known = set(_WORDS.findall(diff.new))
    asked = {word for line in diff.old.splitlines() if _GUARD.match(line) for word in _WORDS.findall(line)}
    return (0.45, "takes away a condition") if asked - known - _RESERVED - _KEYWORDS else None


def _unit(diff: Diff) -> Found | None:
    old, new = (frozenset("".join(one).lower()[:2] for one in _UNITS.findall(side)) for side in (diff.old, diff.new))
    timed = old or _DURATION.search(diff.old)
    return (0.6, "changes a unit") if old != new and timed and new else None


def _key(diff: Diff) -> Found | None:
    for old, new in diff.pairs:
        if _KEYED.search(old) and _KEYED.search(new) and "(" in old + new + "`":
            fewer = len(_SLOT.findall(new)) < len(_SLOT.findall(old))
            return (0.6, "leaves something out of a key") if fewer else (0.4, "makes a key of something else")
    return None


def _clock(diff: Diff) -> Found | None:
    old, new = (frozenset(one.lower() for one in _CLOCKS.findall(side)) for side in (diff.old, diff.new))
    return (0.5, "reads another clock or zone") if old != new and old and new else None


def _width(diff: Diff) -> Found | None:
    narrower = _WIDE.search(diff.old) and not _WIDE.search(diff.new) and _NARROW.search(diff.new)
    return (0.55, "keeps numbers in a smaller type") if narrower else None


def _left_out(diff: Diff) -> Found | None:
    """A line that is the same but for what it no longer holds."""
    for old, new in diff.pairs:
        left, right = TOKEN.findall(old), TOKEN.findall(new)
        rest = iter(left)
        if 2 <= len(right) < len(left) <= 2 * len(right) and all(one in rest for one in right):
            missing = [one for one in left if one not in right]
            gone = next((one for one in missing if re.search(r"\w", one)), "")
            # `req.query.code` and `code`: the same thing by a shorter way.
            shorter = "." in missing and all(one in ".()" or _NAME.match(one) for one in missing)
            if gone and not shorter:
                return (0.4 if "(" in old else 0.55, f"leaves out {gone[:40]}")
    return None


def _number_reused(diff: Diff) -> Found | None:
    """A field of a wire format under a number that meant another."""
    old, new = ({number: name for name, number in _WIRE.findall(side)} for side in (diff.old, diff.new))
    other = any(number in new and new[number] != name for number, name in old.items())
    return (0.65, "gives the number of a field another meaning") if other else None


def _address(diff: Diff) -> Found | None:
    for old, new in diff.pairs:
        left, right = _HOST.findall(old), _HOST.findall(new)
        if left and right and left != right:
            return 0.6, "points to another address"
    return None


def _labels(diff: Diff) -> Found | None:
    endless = any(_MEASURES.search(line) and _ENDLESS_LABEL.search(line) for line in diff.spoken.splitlines())
    return (0.55, "measures by something that never repeats") if endless else None


_LOOKS: Sequence[Callable[[Diff], Found | None]] = (
    _scope,
    _lock,
    _loop_end,
    _guard,
    _wider,
    _unit,
    _key,
    _clock,
    _width,
    _labels,
    _left_out,
    _number_reused,
    _address,
)
