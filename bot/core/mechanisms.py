"""
What a kind of change looks like when it goes wrong: a leak ends in `too many open files`, a lost index in slow queries.

Pairs of what was read in a diff (`bot/core/diffs.py`, `bot/core/hazards.py`) and the words and metrics that systems then show. Common
knowledge of operations, judged; no product's messages.
"""

import re
from collections.abc import Sequence

# A value that was changed says by its name what it is of; a bound that was taken away, too.
_MORE_OR_LESS = r"(?:lowers|raises|turns|takes away a bound|protects|removes the setting|sets|within bounds).*?"

_UNTOLD = 0.5

_PAIRS = tuple(
    (re.compile(change, re.IGNORECASE), re.compile(shown, re.IGNORECASE))
    for change, shown in (
        (r"close|scope|opens|leaves files|listens|keeps adding|keeps no bound|keeps connections|starts work|another connection|whole bodies",
         r"too many open|descriptor|\bfds?\b|emfile|enfile|ports?\b.{0,20}exhaust|eaddrnotavail|cannot assign requested|connections?\b.{0,30}(?:exhaust|limit|slots?|taken|pool)|pool\b|oom|out of memory|memory|heap|\brss\b|goroutine|threads?\b|semaphore|permit|disk|no space"),
        (r"\block|transaction", r"deadlock|lock\b|locked|contention|serializ|blocked|waiting|wait_"),
        (r"index|loop|one go|every row|into memory|all keys|query|everything|much more", r"slow|statement timeout|full scan|seq\w* scan|quer(?:y|ies)|\bp9\d|_p9\d|latency|duration|cpu|too large|exceed"),
        (r"deadline|waits|blocks|without end|event loop", r"timed?[ -]?out|deadline|latency|\bp9\d|_p9\d|duration|blocked|stuck|hang|event ?loop|lag|queue|backlog"),
        (r"missing|default|granted|takes away a check|condition", r"\bnull\b|\bnone\b|\bnil\b|undefined|nonetype|keyerror|nosuchelement|out of (?:range|bounds)|panic|unwrap|typeerror|attributeerror|nullpointer|cannot read|unauthor|forbidden|invalid|restart|crash"),
        (r"after an error|done already|work is done", r"duplicate|redeliver|already exists|twice|unack|requeue|lag|backlog|conflict|empty"),
        (r"tries again", r"retr(?:y|ies)|attempt|429|too many requests|rate ?limit|per_sec|_rps|qps|requests"),
        (r"unit", r"timed?[ -]?out|deadline|expired|duration|_ms\b|latency|cancel|too (?:soon|early|late)"),
        (r"out of a name", r"duplicate|conflict|taken|in use|already|disconnect|connect|reconnect|overwrit|exists|session|\bid\b|mismatch|mixed"),
        (r"which (?:language|encoding)", r"parse|pars|format|invalid|decod|malformed|implausib|unexpected|reject|outside|mojibake|number"),
        (r"changes the type", r"not a function|typeerror|decod|deseriali[sz]|unmarshal|pars(?:e|ing)|cast|mismatch|\bnan\b|undefined|invalid|null"),
        (r"anew on every call", r"\bmiss|hit|requests|quer(?:y|ies)|connection|per_sec|latency|\bp9\d|_p9\d|cpu|\bpool"),
        (r"was inherited", r"\b4\d\d\b|host|header|forward|redirect|scheme|origin"),
        (r"rows that were taken", r"violates|constraint|check\b|reject|refused|invalid"),
        (r"how to sort", r"order|sort|sequence|follow|expected|rank"),
        (r"another order", r"determinis|order|sequence|state|missing|not (?:found|ready|set|initiali[sz]ed)|null|\bnil\b|before|deadlock|conflict|\b40[0-9]\b"),
        (r"\bkey", r"cache|hit|miss|wrong|mismatch|partition|skew|hot\b|evict|duplicate"),
        (r"smaller type|number of a field|another meaning", r"overflow|out of range|negative|decod|deseriali[sz]|unmarshal|parse|invalid|truncat"),
        (r"clock|zone", r"expired|future|timestamp|\bdate|midnight|clock|skew|not yet valid|tomorrow|yesterday"),
        (r"address|access|resource away|leaves out", r"no such host|resolv|refused|unreachable|connect|timed?[ -]?out|denied|forbidden|unauthor|\b40[13]\b|handshake|protocol|cipher|reset|not found"),
        (rf"{_MORE_OR_LESS}(?:time_?out|deadline|wait|interval|lease|visibility|heartbeat|idle)",
         r"timed?[ -]?out|deadline|expired|redeliver|duplicate|cancel|reset|closed|disconnect|heartbeat|latency|\bp9\d|_p9\d|rebalanc"),
        (rf"{_MORE_OR_LESS}(?:ttl|expir|cache|max_?age|evict|memoize)", r"\bmiss|hit|evict|oom|memory|full\b|stampede|origin|quer(?:y|ies)|cache|\bdb\b|cpu|latency"),
        (rf"{_MORE_OR_LESS}(?:pool|connection|worker|thread|concurren|slot|permit|parallel|max_?idle)",
         r"exhaust|\bpool|waiting|queue|connection|saturat|too many|threads?\b|reject|refused|in_use|backlog"),
        (rf"{_MORE_OR_LESS}(?:mem|heap|xmx|\bram\b|buffer)", r"oom|memory|heap|evict|killed|restart|\bgc\b|\brss\b"),
        (rf"{_MORE_OR_LESS}(?:cpu|millicores)", r"throttl|cpu|latency|\bp9\d|_p9\d|duration"),
        (rf"{_MORE_OR_LESS}(?:batch|chunk|max|size|records|limit|length|body|most|cap\b|bounded|trim|page)",
         r"too (?:large|many|big|long)|exceed|limit|\b4(?:13|29|31)\b|reject|oom|memory|lag|rebalanc|parameter|truncat|full|drop|queue"),
        (rf"{_MORE_OR_LESS}(?:replica|instance|node|capacity|desired|min\b)", r"saturat|cpu|latency|queue|load|available|pending|unschedul|lag"),
        (rf"{_MORE_OR_LESS}(?:rate|rps|qps|quota|burst|threshold|throttle|breaker|shed)", r"\b429\b|reject|rate ?limit|throttl|shed|denied|open(?:ed)?\b|too many"),
        (rf"{_MORE_OR_LESS}(?:retr|attempt|backoff|sleep|delay|jitter|debounce)", r"retr(?:y|ies)|attempt|requests?|\b429\b|load|storm|per_sec|_rps"),
        (r"renames|on the wire|sets .* instead|the setting|matches or writes|turns", r"not (?:found|set)|missing|unknown|undefined|invalid|keyerror|null|unrecogni[sz]ed|required|unsupported|\b40[04]\b|empty|fail|error"),
        (r"table|rewrites or locks|column|statement|every row|under a lock|index away", r"lock|column|relation|does not exist|duplicate key|deadlock|slow|timed?[ -]?out|migration|replica"),
        (r"raises \S+ from v?\d+\.\d+", r"no such file|x509|unknown (?:authority|encoder|decoder|format)|ssl|\btls|handshake|renegotiat|library|notimplemented|not implemented|imagepull|not found|incompatib|symbol|unsupported|nosuchmethod|classnotfound|import|deprecat"),
        (r"never repeats", r"memory|cardinality|series|oom|scrape"),
        (r"no longer calls|asks others|spreads work|gently", r"not (?:found|registered|initiali[sz]ed)|missing|empty|latency|duration|quer(?:y|ies)|per_request|reset|\b50[234]\b|connection|fail|miss|lookup"),
    )
)  # fmt: skip


def fits(reasons: Sequence[str], symptoms: Sequence[tuple[str, float]]) -> float:
    """
    0 to 1: the loudest symptom that looks as one of the reasons would; symptoms are texts with weights.

    Of a change that says nothing of itself, or something that may look like anything, nothing can be expected.
    """
    return max(_loudest(reason, symptoms) for reason in reasons) if reasons else _UNTOLD


def _loudest(reason: str, symptoms: Sequence[tuple[str, float]]) -> float:
    expected = [shown for change, shown in _PAIRS if change.search(reason)]
    if not expected:
        return _UNTOLD
    return max((weight for text, weight in symptoms if any(one.search(text) for one in expected)), default=0.0)
