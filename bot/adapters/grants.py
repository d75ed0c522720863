"""Approval grants: JWTs (RFC 7519, HS256) for one exact call. The format is told in docs/reference/grants.md."""

import secrets
from collections.abc import Mapping
from datetime import datetime

import jwt

from bot.core.approval import USE_WITHIN, sha256_of
from bot.core.errors import ConfigError

_ISSUER = "aiops"
_SHORTEST_KEY = 32


class JwtGrants:
    """Implements ports.Grants. The key is AIOPS_APPROVAL_KEY, shared with the servers that verify."""

    def __init__(self, key: str | None) -> None:
        """Raises ConfigError for a key that is too short to resist guessing (RFC 7518 section 3.2: 256 bits)."""
        if key is not None and len(key.encode()) < _SHORTEST_KEY:
            raise ConfigError(
                f"AIOPS_APPROVAL_KEY has {len(key.encode())} bytes; it needs at least {_SHORTEST_KEY}. "
                "Make one with: python -c 'import secrets; print(secrets.token_urlsafe(48))'"
            )
        self._key = key

    @property
    def available(self) -> bool:
        """Whether grants can be signed."""
        return self._key is not None

    def mint(
        self,
        *,
        server: str,
        tool: str,
        args: Mapping[str, object],
        run: str,
        step: str,
        approver: str,
        now: datetime,
    ) -> str:
        """Sign one for that server (as `mcpServers` names it), good for five minutes and one use. Raises ConfigError without a key."""
        if self._key is None:
            raise ConfigError("AIOPS_APPROVAL_KEY is not set, so no grant can be signed")
        claims: dict[str, object] = {
            "iss": _ISSUER,
            # Not `aud`: a verifier that does not expect one has to refuse the token (RFC 7519 section 4.1.3).
            "server": server,
            "tool": tool,
            "args_sha256": sha256_of(dict(args)),
            "run": run,
            "step": step,
            "approver": approver,
            "jti": secrets.token_urlsafe(16),
            "iat": int(now.timestamp()),
            "exp": int((now + USE_WITHIN).timestamp()),
        }
        return jwt.encode(claims, self._key, algorithm="HS256")
