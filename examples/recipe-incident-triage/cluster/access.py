"""Who asks, and what they may do: bearer tokens and three roles like the ones Kubernetes ships (view, edit, admin)."""

import hmac
import secrets
from collections.abc import Sequence
from dataclasses import dataclass

from . import errors
from .kinds import READ
from .scenario import User

_READS = frozenset(READ)
# What everybody who is known may ask about themselves (system:basic-user).
_ABOUT_ONESELF = {"selfsubjectaccessreviews", "selfsubjectrulesreviews", "selfsubjectreviews"}
_EDITABLE = {
    "pods", "pods/eviction", "pods/status", "deployments", "deployments/scale", "deployments/status",
    "replicasets", "replicasets/scale", "replicasets/status", "configmaps", "events",
}  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """One thing that somebody wants to do."""

    verb: str
    group: str
    resource: str
    """With its subresource: pods/log."""
    namespace: str = ""
    name: str = ""


class Access:
    """Knows the users of a scenario by their tokens."""

    def __init__(self, users: Sequence[User]) -> None:
        self._users = users
        self.tokens = {user.name: user.token or secrets.token_urlsafe(24) for user in users}

    def authenticate(self, header: str | None) -> User:
        """The user of an Authorization header. Raises ApiError (401)."""
        scheme, _, token = (header or "").partition(" ")
        if scheme.lower() == "bearer":
            for user in self._users:
                if hmac.compare_digest(self.tokens[user.name].encode(), token.strip().encode()):
                    return user
        raise errors.unauthorized()

    def authorize(self, user: User, wish: Wish) -> None:
        """Raises ApiError (403)."""
        if not allowed(user, wish):
            raise errors.forbidden(user.name, wish.verb, wish.resource, wish.group, wish.namespace, wish.name)


def allowed(user: User, wish: Wish) -> bool:
    """Whether the role of a user covers a wish."""
    if user.role == "admin" or wish.resource in _ABOUT_ONESELF:
        return True
    if wish.verb in _READS:
        return wish.resource != "secrets"
    return user.role == "edit" and wish.resource in _EDITABLE
