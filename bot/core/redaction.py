"""
Secrets and personal data leave text before it is stored, prompted, traced or posted.

Placeholders are stable: the same secret gives the same placeholder, so that equality survives without the value.
"""

import hashlib
import re

_PATTERNS: tuple[tuple[str, re.Pattern[str]], ...] = (
    ("pem", re.compile(r"-----BEGIN [A-Z ]+-----.*?(?:-----END [A-Z ]+-----|\Z)", re.DOTALL)),
    ("jwt", re.compile(r"\beyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]*")),
    ("slack-token", re.compile(r"\bx(?:ox[abeoprs]|app)-[A-Za-z0-9-]{8,}")),
    ("github-token", re.compile(r"\b(?:gh[pousr]_[A-Za-z0-9]{20,}|github_pat_[A-Za-z0-9_]{20,})")),
    ("aws-key", re.compile(r"\b(?:AKIA|ASIA)[0-9A-Z]{16}\b")),
    ("google-key", re.compile(r"\bAIza[0-9A-Za-z_-]{30,}")),
    ("api-key", re.compile(r"\bsk-[A-Za-z0-9_-]{16,}")),
    ("e-mail", re.compile(r"\b[A-Za-z0-9._%+-]+@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)*\.[A-Za-z]{2,}\b")),
)
# user:password@host in a URL or DSN: only the password goes.
_URL_PASSWORD = re.compile(r"(?P<head>\b[a-z][a-z0-9+.-]*://[^\s:/@]*:)(?P<secret>[^\s@/]+)(?=@)", re.IGNORECASE)
_BEARER = re.compile(r"(?P<head>\b(?:bearer|basic)\s+)(?P<secret>[A-Za-z0-9._~+/=-]{12,})", re.IGNORECASE)
_ASSIGNED = re.compile(
    r"(?P<head>\b[\w.-]*(?:password|passwd|pwd|secret|token|api[_-]?key|access[_-]?key|private[_-]?key)"
    r"[\"']?\s*[:=]\s*[\"']?)(?P<secret>[^\s\"',;&}]{4,})",
    re.IGNORECASE,
)
_CARD = re.compile(r"\b(?:\d[ -]?){13,19}\b")


# Every secret below holds one of these; most texts hold none, and then one search is all they cost.
_MAYBE = re.compile(
    r"-----BEGIN|eyJ|xox|xapp-|gh[pousr]_|github_pat_|AKIA|ASIA|AIza|sk-|@|bearer|basic|passw|pwd|secret|token|key"
    r"|(?:\d[ -]?){13}",
    re.IGNORECASE,
)


def _placeholder(kind: str, secret: str) -> str:
    return f"[{kind}:{hashlib.sha256(secret.encode()).hexdigest()[:6]}]"


def _luhn(digits: str) -> bool:
    total = 0
    for place, digit in enumerate(reversed(digits)):
        value = int(digit) * (2 if place % 2 else 1)
        total += value - 9 if value > 9 else value
    return total % 10 == 0


def _redact_card(match: re.Match[str]) -> str:
    digits = re.sub(r"\D", "", match[0])
    return _placeholder("card", digits) if 13 <= len(digits) <= 19 and _luhn(digits) else match[0]


def redact(text: str) -> str:
    """Replace secrets by placeholders such as [jwt:1f0c9a]; text without secrets comes back unchanged."""
    if _MAYBE.search(text) is None:
        return text
    for kind, pattern in _PATTERNS:
        text = pattern.sub(lambda match, kind=kind: _placeholder(kind, match[0]), text)
    for kind, pattern in (("password", _URL_PASSWORD), ("token", _BEARER), ("secret", _ASSIGNED)):
        text = pattern.sub(lambda match, kind=kind: _redact_assigned(match, kind), text)
    return _CARD.sub(_redact_card, text)


def _redact_assigned(match: re.Match[str], kind: str) -> str:
    secret = match["secret"]
    # Already a placeholder, or a reference to a secret rather than the secret.
    if secret.startswith(("[", "${", "<")):
        return match[0]
    return match["head"] + _placeholder(kind, secret)
