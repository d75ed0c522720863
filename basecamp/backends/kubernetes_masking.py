"""Secrets that containers write into logs, messages and environments."""

from __future__ import annotations

import re

from basecamp.redaction import MASK, mask

_SECRET_NAME = re.compile(
    r"(?i)passw|secret|token|credential|private|api[-_]?key|access[-_]?key|(^|_)auth(_|$)|dsn|(^|_)key$|(^|_)pwd$"
)
_ASSIGNED = re.compile(
    r"""(?ix)
    (?P<name>["']?[\w.-]*(?:passw(?:or)?d|passphrase|secret|token|credentials?|api[-_]?key|access[-_]?key|private[-_]?key)
    ["']?\s*[:=]\s*)
    (?P<value>"(?:\\.|[^"\\])*"|'[^']*'|[^\s,;&"'}\])]+)
    """
)
_BEARER = re.compile(r"(?i)\b(bearer|basic)(\s+)[A-Za-z0-9._~+/=-]{8,}")
_JWT = re.compile(r"\beyJ[A-Za-z0-9_-]{6,}\.[A-Za-z0-9_-]{4,}\.[A-Za-z0-9_-]*")
_KNOWN_FORMS = re.compile(
    r"\b(?:AKIA[0-9A-Z]{16}|gh[pousr]_[A-Za-z0-9]{20,}|xox[abposr]-[A-Za-z0-9-]{10,}|[sr]k_(?:live|test)_\w{10,})"
)
_PEM = re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*PRIVATE KEY-----|$)", re.DOTALL)


def mask_text(text: str) -> str:
    """A text somebody's program wrote, without what looks like a secret."""
    text = _PEM.sub(MASK, text)
    text = _BEARER.sub(rf"\1\2{MASK}", text)
    text = _ASSIGNED.sub(_masked_value, text)
    text = _JWT.sub(MASK, text)
    return mask(_KNOWN_FORMS.sub(MASK, text))


def _masked_value(match: re.Match[str]) -> str:
    value = match["value"]
    # Said about a secret rather than being one: `token=null`, `secret: not set`.
    if value.strip("\"'").lower() in ("", "null", "none", "nil", "true", "false", "not", "is", MASK):
        return match[0]
    quote = value[0] if value[0] in "\"'" else ""
    return f"{match['name']}{quote}{MASK}{quote}"


def mask_value(name: str, value: str) -> str:
    """The value of a setting, hidden when its name says that it is a secret."""
    return MASK if value and _SECRET_NAME.search(name) else mask_text(value)
