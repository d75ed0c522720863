"""
Secrets and personal data leave text before it is stored, prompted, traced or posted.

Placeholders are stable: the same secret gives the same placeholder, so that equality survives without the value.
How much is found and how much is taken wrongly is measured by `python -m evals redaction`.
"""

import hashlib
import re
from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from itertools import pairwise
from typing import cast

_PATTERNS: tuple[tuple[str, re.Pattern[str]], ...] = (
    (
        "pem",
        # Of a private key that was cut off, everything goes; a certificate that is only mentioned takes nothing with it.
        re.compile(
            r"-----BEGIN [A-Z ]+-----.*?-----END [A-Z ]+-----|-----BEGIN [A-Z ]*PRIVATE KEY[A-Z ]*-----.*", re.DOTALL
        ),
    ),
    ("jwt", re.compile(r"\beyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]*")),
    ("slack-token", re.compile(r"\bx(?:ox[abeoprs]|app)-[A-Za-z0-9-]{8,}")),
    ("slack-webhook", re.compile(r"(?<=hooks\.slack\.com/)(?:services|workflows|triggers)/[A-Za-z0-9/_-]{8,}")),
    ("github-token", re.compile(r"\b(?:gh[pousr]_[A-Za-z0-9]{20,}|github_pat_[A-Za-z0-9_]{20,})")),
    ("aws-key", re.compile(r"\b(?:AKIA|ASIA)[0-9A-Z]{16}\b")),
    ("google-key", re.compile(r"\b(?:AIza[0-9A-Za-z_-]{30,}|ya29\.[0-9A-Za-z_-]{20,})")),
    (
        "api-key",
        re.compile(
            r"\b(?:sk-[A-Za-z0-9_-]{16,}|[sr]k_(?:live|test)_[A-Za-z0-9]{10,}|glpat-[A-Za-z0-9_-]{16,}|npm_[A-Za-z0-9]{30,}"
            r"|hf_[A-Za-z0-9]{20,}|hvs\.[A-Za-z0-9_-]{20,}|SG\.[A-Za-z0-9_-]{16,}\.[A-Za-z0-9_-]{16,}|dop_v1_[0-9a-f]{40,})"
        ),
    ),
)
_EMAIL = re.compile(r"\b[A-Za-z0-9._%+-]+@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)*\.[A-Za-z]{2,}\b")
# user:password@host in a URL or DSN: only the password goes. It may hold an @ itself, so the last one before a slash counts.
_URL_PASSWORD = re.compile(r"(?P<head>\b[a-z][a-z0-9+.-]*://[^\s:/@]*:)(?P<secret>[^\s/\"'<>]+)(?=@)", re.IGNORECASE)
_URL_TOKEN = re.compile(r"(?P<head>\b[a-z][a-z0-9+.-]*://)(?P<secret>[^\s:/@\[\]]{16,})(?=@)", re.IGNORECASE)
# A digit or a capital inside tells credentials from "basic configuration" and "bearer authentication".
_BEARER = re.compile(
    r"(?P<head>\b(?:bearer|basic|authorization[\"']?\s*[:=]\s*[\"']?\w+)\s+)"
    r"(?P<secret>(?=(?-i:[0-9]|[A-Za-z][a-z._~+/-]*[A-Z0-9=]))[A-Za-z0-9._~+/=-]{12,})",
    re.IGNORECASE,
)
_COOKIE = re.compile(r"(?P<head>\b(?:set-)?cookie[\"']?:\s*[\"']?)(?P<secret>[^\s\"'\[][^\n\"']{3,})", re.IGNORECASE)
# A name that is given a value; our own placeholders look like that as well, [password:1f0c9a].
_NAME = (
    r"(?<![\w.-])(?!(?<=\[)[a-z-]+:[0-9a-f]{6}\])[\w.-]*(?:pass(?:word|wd|phrase)|pwd|secret|token|credentials?|x-amz-signature"
    r"|(?:api|access|private|account|secret|signing|encryption|master)[_-]?key)"
)
# The quotes are escaped where JSON is a string in JSON, as log lines are in a tool's answer.
_GIVEN = r"\\*[\"']?(?:\s*(?:=>|:=|[:=])\s*|>)"
_QUOTED = re.compile(
    rf"(?P<head>{_NAME}{_GIVEN}(?P<quote>\\*[\"']))(?P<secret>(?:(?!(?P=quote))[^\n]){{4,200}})(?=(?P=quote))",
    re.IGNORECASE,
)
_ASSIGNED = re.compile(
    rf"(?P<head>(?:{_NAME}{_GIVEN}|[?&]sig=)\\*[\"']?)(?P<secret>(?:[^\s\"',;&}}<\\]|\\(?![\\\"'nrt])){{4,}})",
    re.IGNORECASE,
)
_ARGUMENT = re.compile(
    r"(?P<head>(?<!\S)--?[\w-]*(?:password|passwd|token|secret|api-key|access-key|secret-key)\s+[\"']?"
    r"|\b(?:password|identified\s+by)\s+'|\b(?:requirepass|masterauth)\s+|(?<!\S)(?:-u|--user)\s+[\"']?[^\s:\[]+:)"
    r"(?P<secret>[^\s\"'-][^\s\"']{3,})",
    re.IGNORECASE,
)
# Digits in one piece or in the groups that are printed on cards; not the decimals of a number.
_CARD = re.compile(
    r"(?<![\d.@])\b(?:\d{14,19}|\d{4}(?P<gap>[ -])\d{4}(?P=gap)\d{4}(?P=gap)\d{4}(?:(?P=gap)\d{3})?|\d{4}(?P<space>[ -])\d{6}(?P=space)\d{4,5})\b"
)
# Issuers' ranges by length (ISO/IEC 7812, as published by the card networks).
_ISSUED = re.compile(
    r"3[0689]\d{12}|3[47]\d{13}|(?=\d{16}$)(?:4|5[1-5]|2[2-7]|6|35)\d+|(?:5[06-9]|6[0-9])\d{15,16}|[46]\d{18}"
)
_LONG_WORD = re.compile(r"(?<![A-Za-z0-9+/_=-])(?<!SHA256:)[A-Za-z0-9+/_-]{24,}={0,2}(?![A-Za-z0-9+/_=-])")
_REFERENCE = re.compile(r"[\[<]|\$[({]|\$[A-Z_][A-Z0-9_]*\b|\{\{|(?:true|false|null|none|nil)\b|[*xX]+$")
_SECRET_FIELD = re.compile(_NAME, re.IGNORECASE)
_SHORTEST = 4
_PLACEHOLDER = re.compile(r"\[[a-z-]+:[0-9a-f]{6}\]")
_HEX = re.compile(r"[0-9a-f-]+|[0-9A-F-]+")
_PUBLIC_HASH = re.compile(r"sha(?:1|256|384|512)-")
# Random letters and digits change between small, capital and digit at six of ten places, words and paths at one or two.
_LEAST_CHANGES = 0.4
# With one case of letters there is less to change between, so only longer words without a break are told apart.
_LONG_ONE_CASE, _LEAST_CHANGES_ONE_CASE = 28, 0.25

# Every secret of the patterns holds one of these; most texts hold none, and then one search is all they cost.
_MAYBE = re.compile(
    r"-----BEGIN|eyJ|xox|xapp-|hooks\.slack|gh[pousr]_|github_pat_|AKIA|ASIA|AIza|ya29|sk-|k_live_|k_test_|glpat-|npm_|hf_"
    r"|hvs\.|SG\.|dop_v1_|@|bearer|basic|auth|cookie|pass|pwd|secret|token|credential|key|signature|sig=|identified|-u\s|--user"
    r"|(?:\d[ -]?){14}",
    re.IGNORECASE,
)


def _placeholder(kind: str, secret: str) -> str:
    return f"[{kind}:{hashlib.sha256(secret.encode(errors='surrogatepass')).hexdigest()[:6]}]"


def _luhn(digits: str) -> bool:
    total = 0
    for place, digit in enumerate(reversed(digits)):
        value = int(digit) * (2 if place % 2 else 1)
        total += value - 9 if value > 9 else value
    return total % 10 == 0


def _redact_card(match: re.Match[str]) -> str:
    digits = re.sub(r"\D", "", match[0])
    return _placeholder("card", digits) if _ISSUED.fullmatch(digits) and _luhn(digits) else match[0]


def redact(text: str) -> str:
    """Replace secrets by placeholders such as [jwt:1f0c9a]; text without secrets comes back unchanged."""
    if _MAYBE.search(text) is not None:
        text = _redact_known(text)
    return _LONG_WORD.sub(_redact_random, text)


def redact_all(value: object, *, exact: AbstractSet[str] = frozenset()) -> object:
    """
    The same for every text in plain JSON; names of fields are left as they are.

    A text goes as a whole when its field is named as only secrets are. Texts of the fields in `exact` stay as they are.
    """
    if isinstance(value, str):
        return redact(value)
    if isinstance(value, Mapping):
        return {key: _redact_field(key, one, exact) for key, one in cast("Mapping[str, object]", value).items()}
    if isinstance(value, list | tuple):
        return [redact_all(one, exact=exact) for one in cast("Sequence[object]", value)]
    return value


def _redact_field(name: str, value: object, exact: AbstractSet[str]) -> object:
    if name in exact and _is_text(value):
        return value
    if isinstance(value, str) and len(value) >= _SHORTEST and _SECRET_FIELD.fullmatch(name):
        # An address keeps what is no secret of it, and a reference to a secret is none.
        found = redact(value)
        return found if found != value or _REFERENCE.match(value) else _placeholder("secret", value)
    return redact_all(value, exact=exact)


def _is_text(value: object) -> bool:
    """A text, or a list of nothing but texts."""
    if isinstance(value, list | tuple):
        return all(isinstance(one, str) for one in cast("Sequence[object]", value))
    return isinstance(value, str)


def placeholders(value: object) -> frozenset[str]:
    """The placeholders in the texts of plain JSON."""
    if isinstance(value, str):
        return frozenset(_PLACEHOLDER.findall(value))
    if isinstance(value, Mapping):
        value = list(cast("Mapping[str, object]", value).values())
    if isinstance(value, list | tuple):
        return frozenset[str]().union(*(placeholders(one) for one in cast("Sequence[object]", value)))
    return frozenset()


def _redact_known(text: str) -> str:
    for kind, pattern in _PATTERNS:
        text = pattern.sub(lambda match, kind=kind: _placeholder(kind, match[0]), text)
    # Addresses come after the passwords of URLs: password@host.example reads like one.
    for kind, pattern in (("password", _URL_PASSWORD), ("token", _URL_TOKEN), ("token", _BEARER), ("cookie", _COOKIE)):
        text = pattern.sub(lambda match, kind=kind: _redact_assigned(match, kind), text)
    text = _EMAIL.sub(lambda match: _placeholder("e-mail", match[0]), text)
    for pattern in (_QUOTED, _ASSIGNED, _ARGUMENT):
        text = pattern.sub(lambda match: _redact_assigned(match, "secret"), text)
    return _CARD.sub(_redact_card, text)


def _redact_assigned(match: re.Match[str], kind: str) -> str:
    secret = match["secret"]
    # Already a placeholder, or a reference to a secret rather than the secret.
    if _REFERENCE.match(secret):
        return match[0]
    return match["head"] + _placeholder(kind, secret)


def _redact_random(match: re.Match[str]) -> str:
    """A long word goes when its letters and digits change as only random ones do; hashes and UUIDs are hex and stay."""
    word = match[0]
    if _HEX.fullmatch(word) or _PUBLIC_HASH.match(word):
        return word
    kinds = ["a" if char.islower() else "A" if char.isupper() else "0" for char in word if char.isalnum()]
    changes = sum(one != other for one, other in pairwise(kinds)) / max(1, len(kinds) - 1)
    if word.isalnum() and len(word) >= _LONG_ONE_CASE and "0" in kinds and len(set(kinds)) == 2:
        return _placeholder("random", word) if changes >= _LEAST_CHANGES_ONE_CASE else word
    enough = kinds.count("a") > 1 and kinds.count("A") > 1 and "0" in kinds
    return _placeholder("random", word) if enough and changes >= _LEAST_CHANGES else word
