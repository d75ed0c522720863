"""Who is calling: the bot token, the app-level token, or neither."""

import hashlib
from dataclasses import dataclass, field
from typing import Literal

from starlette.requests import Request

from slackbox.errors import Refusal
from slackbox.manifest import Manifest

Kind = Literal["bot", "app"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Tokens:
    """Both tokens of the app, and those that auth.revoke took back."""

    bot: str
    app: str
    revoked: set[str] = field(default_factory=set[str])


def make_tokens(seed: int) -> Tokens:
    """The same seed gives the same tokens, so that a restarted bot can come back."""
    digest = hashlib.sha256(f"slackbox {seed}".encode()).hexdigest()
    return Tokens(bot=f"xoxb-{digest[:12]}-{digest[12:36]}", app=f"xapp-1-{digest[36:46]}-{digest[46:64]}")


def identify(token: str | None, tokens: Tokens) -> Kind:
    """Which token this is. Raises Refusal not_authed without one, token_revoked and invalid_auth for a strange one."""
    if not token:
        raise Refusal("not_authed")
    if token in tokens.revoked:
        raise Refusal("token_revoked")
    if token == tokens.bot:
        return "bot"
    if token == tokens.app:
        return "app"
    raise Refusal("invalid_auth")


def require_scope(manifest: Manifest, *accepted: str) -> None:
    """Raises Refusal missing_scope unless the manifest grants one of the accepted scopes."""
    if accepted and not set(accepted) & set(manifest.scopes):
        raise Refusal("missing_scope", needed=",".join(accepted), provided=",".join(manifest.scopes))


def bearer(request: Request) -> str | None:
    """The token of the Authorization header, None when there is none of this kind."""
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else None
