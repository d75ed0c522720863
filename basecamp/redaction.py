"""Keeping passwords out of everything that leaves the process."""

from __future__ import annotations

import re
from urllib.parse import unquote, urlsplit, urlunsplit

from psycopg import ProgrammingError
from psycopg.conninfo import conninfo_to_dict

_SQL_PASSWORD = re.compile(r"(?i)\b(password\s*(?:=\s*)?)(?:'(?:[^']|'')*'|\"[^\"]*\")")
_URL_PASSWORD = re.compile(r"(?i)\b([a-z][a-z0-9+.-]*://[^\s:/@]*):[^\s@]*@")
MASK = "***"


def dsn_password(dsn: str) -> str | None:
    """The password inside a PostgreSQL connection string, if it has one. Raises ValueError when it is malformed."""
    try:
        password = conninfo_to_dict(dsn).get("password")
    except ProgrammingError:
        # libpq's own message may quote a piece of the password, so it is not chained.
        raise ValueError("is not a PostgreSQL connection string; write postgresql://user@host:5432/database") from None
    return str(password) if password else None


def describe_dsn(dsn: str) -> str:
    """Where a connection string points, without its password."""
    parts = conninfo_to_dict(dsn)
    host = parts.get("host") or "localhost"
    return f"{parts.get('user') or 'default user'}@{host}:{parts.get('port') or 5432}/{parts.get('dbname') or ''}"


def mask(text: str, *secrets: str | None) -> str:
    """Replace each secret, and any password in a URL, wherever it stands in a text."""
    for secret in secrets:
        if secret:
            text = text.replace(secret, MASK)
    return _URL_PASSWORD.sub(rf"\1:{MASK}@", text)


def mask_sql(text: str) -> str:
    """Replace password literals in a statement someone else ran."""
    return mask(_SQL_PASSWORD.sub(rf"\1{MASK}", text))


def split_userinfo(url: str) -> tuple[str, tuple[str, str] | None]:
    """A URL without its user and password, and those two."""
    parts = urlsplit(url)
    if parts.username is None:
        return url, None
    bare = urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2]))
    return bare, (unquote(parts.username), unquote(parts.password or ""))
