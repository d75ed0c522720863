"""The approval grant: a short-lived signed permission to call one tool once with exactly these arguments.

A JSON Web Token (RFC 7519) signed with HS256 (RFC 7515). The format, with test vectors, is docs/reference/grants.md.
Nothing here reads a clock or a file; that a grant is used only once is the audit file's part.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import jwt

from basecamp.errors import Refused

META_KEY = "aiops/grant"
ISSUER = "aiops"
ALGORITHM = "HS256"
MIN_KEY_BYTES = 32
MAX_LIFE_SECONDS = 300
CLOCK_SKEW_SECONDS = 5
MAX_ARGUMENTS_BYTES = 64 * 1024
_MAX_TOKEN_CHARACTERS = 4096
_MAX_CLAIM_CHARACTERS = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Grant:
    """The claims of a token whose signature is right. Times are epoch seconds."""

    tool: str
    args_sha256: str
    run: str
    step: str
    approver: str
    jti: str
    issued_at: int
    expires_at: int
    server: str = ""
    """For which server it is, as the bot names it; empty in a grant that does not say."""

    def as_json(self) -> dict[str, Any]:
        """Who allowed it and for which step, as the audit file keeps it."""
        return {
            "jti": self.jti,
            "run": self.run,
            "step": self.step,
            "approver": self.approver,
            "iat": self.issued_at,
            "exp": self.expires_at,
        }


def canonical_json(arguments: Mapping[str, Any]) -> bytes:
    """The one spelling of arguments that is hashed: sorted keys, no spaces, UTF-8. Raises Refused when there is none."""
    try:
        text = json.dumps(arguments, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
        canonical = text.encode("utf-8")
    except (ValueError, TypeError, RecursionError) as error:
        raise Refused(f"the arguments have no canonical JSON form ({error})") from error
    if len(canonical) > MAX_ARGUMENTS_BYTES:
        raise Refused(f"the arguments are {len(canonical)} bytes long; at most {MAX_ARGUMENTS_BYTES} are allowed")
    return canonical


def sha256_hex(canonical: bytes) -> str:
    """The claim `args_sha256` of canonical arguments."""
    return hashlib.sha256(canonical).hexdigest()


def read_grant(token: object, *, key: str | None) -> Grant:
    """The claims of a token that is signed with our key. Says nothing yet about what it allows. Raises Refused."""
    if key is None:
        raise Refused("this server has no approval key, so it changes nothing; set AIOPS_APPROVAL_KEY")
    if token is None:
        raise Refused(f'the call has no approval grant; it belongs into the request\'s _meta as "{META_KEY}"')
    if not isinstance(token, str) or len(token) > _MAX_TOKEN_CHARACTERS:
        raise Refused(f"the approval grant is not a token of at most {_MAX_TOKEN_CHARACTERS} characters")
    try:
        # The times are checked below, against a clock that is handed in, and so that each reason has its own words.
        claims = jwt.decode(
            token,
            key,
            algorithms=[ALGORITHM],
            options={"verify_exp": False, "verify_iat": False, "verify_nbf": False, "verify_aud": False},
        )
    except jwt.PyJWTError as error:
        raise Refused(f"the approval grant is not one that was signed with this server's key ({error})") from error
    return _parse_claims(claims)


def check_grant(grant: Grant, *, tool: str, args_sha256: str, now: float, server: str | None = None) -> None:
    """
    Whether a grant allows this call at this moment (epoch seconds). Raises Refused.

    `server`: our name as the bot knows it; None: any server's grant will do, as the key alone then says whose it is.
    """
    if grant.expires_at - grant.issued_at > MAX_LIFE_SECONDS:
        raise Refused(f"the approval grant lives longer than {MAX_LIFE_SECONDS} s", grant=grant)
    if now > grant.expires_at + CLOCK_SKEW_SECONDS:
        raise Refused(f"the approval grant expired {now - grant.expires_at:.0f} s ago", grant=grant)
    if now < grant.issued_at - CLOCK_SKEW_SECONDS:
        raise Refused(f"the approval grant begins in {grant.issued_at - now:.0f} s; compare the clocks", grant=grant)
    if server is not None and grant.server != server:
        whose = repr(grant.server) if grant.server else "no server by name"
        raise Refused(f"the approval grant is for {whose}, and this server is {server!r}", grant=grant)
    if grant.tool != tool:
        raise Refused(f"the approval grant is for {grant.tool!r}, not for {tool!r}", grant=grant)
    if not hmac.compare_digest(grant.args_sha256.encode(), args_sha256.encode()):
        raise Refused("the approval grant is for other arguments than those of this call", grant=grant)


def _parse_claims(claims: Mapping[str, Any]) -> Grant:
    if claims.get("iss") != ISSUER:
        raise Refused(f"the approval grant was not issued by {ISSUER!r}")
    grant = Grant(
        tool=_text(claims, "tool"),
        args_sha256=_text(claims, "args_sha256"),
        run=_text(claims, "run"),
        step=_text(claims, "step"),
        approver=_text(claims, "approver"),
        jti=_text(claims, "jti"),
        issued_at=_seconds(claims, "iat"),
        expires_at=_seconds(claims, "exp"),
        server=_text(claims, "server") if "server" in claims else "",
    )
    if grant.expires_at <= grant.issued_at:
        raise Refused("the approval grant ends before it begins", grant=grant)
    return grant


def _text(claims: Mapping[str, Any], name: str) -> str:
    value = claims.get(name)
    if not isinstance(value, str) or not 0 < len(value) <= _MAX_CLAIM_CHARACTERS:
        raise Refused(f"the approval grant's claim {name!r} is not text of 1 to {_MAX_CLAIM_CHARACTERS} characters")
    return value


def _seconds(claims: Mapping[str, Any], name: str) -> int:
    value = claims.get(name)
    # A boolean is an int to Python; a float may be NaN, which compares false with every limit.
    if type(value) is not int:
        raise Refused(f"the approval grant's claim {name!r} is not a whole number of seconds")
    return value
