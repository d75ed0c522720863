"""
Signs of causes that no change of code explains: load, certificates, machines, networks, providers, quotas, bad input.

Each is a pattern of words that systems themselves write when it happens, not of any one product's. A sign supports a cause only when
it is new or surging, which the caller knows from the evidence's weight.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from bot.core.hypothesis import CauseClass


@dataclass(frozen=True, slots=True, kw_only=True)
class Sign:
    """A kind of operational cause that a text speaks of."""

    name: str
    cause_class: CauseClass
    strength: float
    """0 to 1: how seldom the words are heard without the cause."""
    check: str


def _sign(
    name: str, cause_class: CauseClass, strength: float, pattern: str, check: str
) -> tuple[re.Pattern[str], Sign]:
    return re.compile(pattern, re.IGNORECASE), Sign(name=name, cause_class=cause_class, strength=strength, check=check)


# A quantity that runs out, and the words for being at its end: systems put them together in sentences of their own.
_QUANTITY = (
    r"(?:cpu|memory|heap|swap|disk|storage|volume|filesystem|space|inodes?|iops|bandwidth|connections?|sessions?|slots?|threads?|workers?|"
    r"descriptors?|files|sockets?|ports|pool|queue|backlog|lag|buffer|quota|capacity)"
)
_AT_ITS_LIMIT = (
    r"(?:exceed(?:s|ed|ing)\b|exhaust(?:ed|ion)\b|used up\b|maxed out\b|saturated\b|full\b(?! (?:gc|scan|sync|backup))|depleted\b|"
    r"(?:at|near|nearly|nearing|approach(?:es|ing)|close to|reach(?:ed|es|ing)|hit(?:s|ting)?) (?:at |(?:the|its|their) )?(?:max\w*|limit\w*|capacity|quota|100 ?%)|"
    r"(?:critically|dangerously|very|too|running) low\b|below (?:the )?(?:minimum|threshold))"
)
_LONGEST = 3_000
_RUNS_OUT = r"(?:exceed(?:s|ed|ing)|exhaust(?:s|ed|ing)|r[ua]n(?:ning)? (?:out of|low on)|(?:no|low) (?:free|more|remaining|available))"

_SIGNS: Sequence[tuple[re.Pattern[str], Sign]] = (
    _sign(
        "it was stopped or does not run", CauseClass.INFRASTRUCTURE, 0.6,
        r"system is shutting down|administrator command|shutdown (?:requested|initiated|in progress)|received (?:sigterm|signal 15|(?:fast|smart|immediate) shutdown)|"
        r"\b(?:\w+_)?up(?:\{[^}]*\})? fell from 1 to 0\b|user requested shutdown|server is (?:going down|shutting down)|(?:instance|service|unit) (?:was |is |has been )?stopped",
        "If it has run all along, or was stopped by a change that is known, look there instead.",
    ),
    _sign(
        "a certificate or credential has expired", CauseClass.SECURITY, 1.0,
        r"certificate (?:has |is )?(?:expired|not yet valid)|cert\w* expir|x509: .{0,40}expired|(?:token|credential|secret|licen[cs]e|password) (?:has |is )?expired|not ?after",
        "If the certificate or credential is still valid, or renewing it changes nothing, this is not the cause.",
    ),
    _sign(
        "a certificate is not trusted", CauseClass.SECURITY, 0.8,
        r"pkix path (?:building|validation) failed|unable to find valid certification path|signed by unknown authority|unable to get local issuer|self[- ]signed certificate in certificate chain|depth_zero_self_signed|certificate verify failed",
        "If the certificate's chain is one that was always trusted, or other callers trust it, look at what was changed here.",
    ),
    _sign(
        "an outside provider is failing", CauseClass.EXTERNAL, 0.9,
        r"https?://(?!localhost|127\.|10\.|192\.168\.)[\w-]{1,63}(?:\.[\w-]{1,63}){0,8}\.(?:com|net|org|io|dev|cloud|co)\b.{0,80}(?:\b5\d\d\b|timed? ?out|deadline|unavailable|refused|reset)|"
        r"https response error statuscode: 5\d\d|(?-i:\bSlowDown\b)|reduce your request rate|"
        r"(?:third[- ]party|provider|vendor|partner)\w{0,20}.{0,40}(?:error|outage|unavailable|degraded|timeout|fail|5\d\d)",
        "If the provider reports no trouble and calls from elsewhere succeed, this is not the cause.",
    ),
    _sign(
        "a machine is short of resources because of others on it", CauseClass.INFRASTRUCTURE, 0.9,
        r"node\w{0,20}.{0,24}(?:pressure|not ?ready|saturat|unreachable|drain)|(?:memory|disk|pid)pressure|nois(?:y|e) neighbou?r|steal(?:_time| time)|evict(?:ed|ing|ion)|preempt(?:ed|ion)|"
        r"spot (?:instance )?(?:interrupt|reclaim)|hypervisor",
        "If the machine's own use is normal, or the service stays slow on another machine, this is not the cause.",
    ),
    _sign(
        "a limit of its own resources is reached", CauseClass.CAPACITY, 0.55,
        r"cpu ?throttl|cfs_throttled|oom ?-?kill|out of memory|exit[ _]?code[= ]137|no space left|too many (?:connections|clients|open files)|connections? (?:slots|pool)\b.{0,40}(?:reserved|timeout)|"
        r"insufficient (?:cpu|memory|ephemeral|pods)|unschedulable|failedscheduling|resource temporarily unavailable|"
        rf"\b{_QUANTITY}\b[^.;\n]{{0,40}}?\b{_AT_ITS_LIMIT}|\b{_RUNS_OUT} (?:\w+ ){{0,2}}{_QUANTITY}\b",
        "If more room does not help, or one release or client alone uses it up, it is not the size.",
    ),
    _sign(
        "its configuration cannot work", CauseClass.CONFIG, 0.7,
        r"imagepullbackoff|errimagepull|manifest unknown|failed to pull image|invalid config|config(?:uration)? (?:error|invalid|missing)|createcontainerconfigerror|"
        r"(?:env(?:ironment)? var(?:iable)?|setting|key|secret|configmap)\b.{0,40}(?:not set|not found|missing|undefined|required)|liveness probe failed|failed liveness probe|unknown (?:field|option|flag) ",
        "If the same configuration works elsewhere, or undoing it changes nothing, this is not the cause.",
    ),
    _sign(
        "names do not resolve", CauseClass.NETWORK, 0.9,
        r"no such host|nxdomain|servfail|name or service not known|temporary failure in name resolution|could not resolve|dns\w{0,20} .{0,24}(?:fail|error|timeout)|\benotfound\b|eai_again|unknownhost",
        "If the name resolves from the affected pods, this is not the cause.",
    ),
    _sign(
        "the network loses or refuses traffic", CauseClass.NETWORK, 0.7,
        r"no route to host|network (?:is )?unreachable|packet loss|network partition|retransmi|bgp|availability zone|\baz[- ]?\w* (?:outage|impair)|region(?:al)? outage",
        "If the same hosts reach one another without loss, this is not the cause.",
    ),
    _sign(
        "a quota or rate limit of the platform is used up", CauseClass.EXTERNAL, 0.8,
        r"(?:api|request|provider|account|service) quota .{0,20}exceeded|rate ?limit(?:ed)? (?:by|exceeded)|too many requests|throttlingexception|requestlimitexceeded|service ?limit",
        "If use is below the quota, this is not the cause.",
    ),
    _sign(
        "hardware or storage is failing", CauseClass.INFRASTRUCTURE, 0.8,
        r"i/o error|input/output error|bad sector|ecc error|smart (?:error|fail)|disk (?:failure|fault)|volume (?:degraded|impaired)|hardware (?:error|fault)|degraded raid|kernel panic",
        "If the device reports no faults and reads succeed, this is not the cause.",
    ),
    _sign(
        "input from outside cannot be read", CauseClass.DATA, 0.6,
        r"malformed|corrupt(?:ed)? (?:record|file|message|payload|row|data|feed)|poison (?:pill|message)|invalid (?:record|payload|row|feed|utf|encoding)|unexpected (?:column|record|encoding)|bad (?:record|row|input)",
        "If yesterday's input fails alike, or today's is readable by hand, this is not the cause.",
    ),
)  # fmt: skip


def signs_in(text: str) -> list[Sign]:
    """Every sign that a text speaks of, strongest first."""
    text = text[:_LONGEST]
    found = [sign for pattern, sign in _SIGNS if pattern.search(text)]
    return sorted(found, key=lambda sign: -sign.strength)
