"""
Made-up secrets in the lines that carry them. Made from a seed when they are wanted, so that none stands in a file.

Every kind is put into every carrier that it is met in: log lines, YAML, JSON, JSON in JSON, shell, stack traces.
"""

import base64
import json
import random
import string
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Final

_ALNUM: Final = string.ascii_letters + string.digits
_LOWER: Final = string.ascii_lowercase + string.digits
_WORDS: Final = ("harbor", "velvet", "copper", "meadow", "quartz", "lantern", "saddle", "ember")


@dataclass(frozen=True, slots=True, kw_only=True)
class Planted:
    """One text with one secret in it."""

    kind: str
    carrier: str
    secret: str
    text: str


def planted(seed: int = 7, per_form: int = 8) -> Sequence[Planted]:
    """The corpus; the same seed gives the same texts."""
    dice = random.Random(seed)
    found: list[Planted] = []
    for kind, (make, forms) in _KINDS.items():
        for carrier, form in forms:
            for _ in range(per_form):
                secret = make(dice)
                text = form(secret) if callable(form) else form.replace("%", secret)
                found.append(Planted(kind=kind, carrier=carrier, secret=secret, text=text))
    return found


# --- secrets ---------------------------------------------------------------------------------------------------------


def _chars(dice: random.Random, alphabet: str, count: int) -> str:
    return "".join(dice.choice(alphabet) for _ in range(count))


def _prefixed(prefix: str, alphabet: str, count: int, dice: random.Random) -> str:
    return prefix + _chars(dice, alphabet, count)


def _password(dice: random.Random) -> str:
    """As people choose them: words with digits, or random with signs."""
    if dice.random() < 0.5:
        return f"{dice.choice(_WORDS).title()}{dice.choice(('-', '_', '.', '!'))}{dice.randrange(10, 9999)}"
    return _chars(dice, _ALNUM, 9) + dice.choice("!#$%*+-_.") + _chars(dice, _ALNUM, 4)


def _simple_password(dice: random.Random) -> str:
    """Without the signs that a URL must encode."""
    return f"{dice.choice(_WORDS)}{_chars(dice, _ALNUM, 7)}"


def _passphrase(dice: random.Random) -> str:
    return " ".join(dice.sample(_WORDS, 4))


def _coded(value: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")


def _jwt(dice: random.Random) -> str:
    claims = {"sub": _chars(dice, _LOWER, 12), "exp": dice.randrange(1_700_000_000, 1_900_000_000), "role": "admin"}
    return f"{_coded({'alg': 'HS256', 'typ': 'JWT'})}.{_coded(claims)}.{_chars(dice, _ALNUM + '-_', 43)}"


def _pem(dice: random.Random) -> str:
    """The body; the forms put the frame around it."""
    return "\n".join(_chars(dice, _ALNUM + "+/", 64) for _ in range(6))


def _card(dice: random.Random) -> str:
    """Valid by the Luhn check (ISO/IEC 7812-1)."""
    body = dice.choice(("4", "51", "2221", "34", "6011"))
    body += _chars(dice, string.digits, (14 if body == "34" else 15) - len(body))
    digits = [int(digit) for digit in body]
    total = sum(
        (2 * digit - 9 if 2 * digit > 9 else 2 * digit) if place % 2 == 0 else digit
        for place, digit in enumerate(reversed(digits))
    )
    return body + str(-total % 10)


def _grouped(card: str) -> str:
    if len(card) == 15:
        return f"customer paid with {card[:4]} {card[4:10]} {card[10:]} and was declined"
    return f"customer paid with {card[:4]} {card[4:8]} {card[8:12]} {card[12:]} and was declined"


def _mail(dice: random.Random) -> str:
    tail = dice.choice(("example.com", "mail.example.org", "example.co.uk"))
    return f"{dice.choice(_WORDS)}.{dice.choice(_WORDS)}{dice.randrange(1, 99)}@{tail}"


# --- carriers --------------------------------------------------------------------------------------------------------

Form = str | Callable[[str], str]
Forms = Sequence[tuple[str, Form]]


def _framed(name: str, body: str) -> str:
    return f"loading key failed: -----BEGIN {name}-----\n{body}\n-----END {name}-----\nat KeyStore.load"


def _escaped(secret: str, name: str) -> str:
    """A log line that is JSON, in a tool's answer that is JSON."""
    return json.dumps({"lines": [{"level": "info", "text": json.dumps({"event": "login", name: secret, "ok": False})}]})


_TOKEN_FORMS: Forms = (
    ("log", "2026-11-20T09:01:12Z WARN client: request with token % was refused"),
    ("log", "using % for upstream, status=401"),
    ("YAML", "  - name: CREDENTIAL\n    value: %\n"),
    ("JSON", '{"level":"error","msg":"refused","key":"%","status":401}'),
    ("JSON in JSON", partial(_escaped, name="value")),
    ("shell", "+ curl -fsS -H 'X-Key: %' https://api.example.com/v1/items"),
    ("stack trace", 'ApiError: invalid credential "%"\n    at Client.call (client.js:88:13)'),
)
_PASSWORD_FORMS: Forms = (
    ("log", "connecting as shop with password=% to orders-db"),
    ("log", "config: db.password = % (from file)"),
    ("YAML", "database:\n  user: shop\n  password: %\n  pool: 20\n"),
    ("YAML", 'env:\n  PGPASSWORD: "%"\n'),
    ("JSON", '{"user":"shop","password":"%","host":"orders-db"}'),
    ("JSON in JSON", partial(_escaped, name="password")),
    ("shell", "export DB_PASSWORD='%'"),
    ("shell", "deploy --user shop --password % --wait"),
    ("shell", "curl -u shop:% https://api.example.com"),
    ("stack trace", "psycopg.OperationalError: connection failed\n  conninfo: host=orders-db password=% user=shop"),
    ("XML", "<user>shop</user><password>%</password>"),
    ("SQL", "statement: ALTER ROLE shop WITH PASSWORD '%'"),
)
_PASSPHRASE_FORMS: Forms = (
    ("YAML", 'keystore:\n  passphrase: "%"\n'),
    ("JSON", '{"password": "%"}'),
    ("JSON in JSON", partial(_escaped, name="passphrase")),
    ("shell", "export VAULT_PASSWORD='%'"),
)
_URL_FORMS: Forms = (
    ("log", "pool: connecting to postgresql://shop:%@orders-db:5432/orders?sslmode=require"),
    ("YAML", "REDIS_URL: redis://:%@cache.internal.example:6379/0\n"),
    ("JSON", '{"dsn":"mysql://root:%@db.example.com/app","pool":5}'),
    ("JSON in JSON", lambda secret: _escaped(f"amqps://svc:{secret}@mq.example.com/", "url")),
    ("shell", "git clone https://deploy:%@git.example.com/shop.git"),
    ("stack trace", "Error: getaddrinfo ENOTFOUND mongodb+srv://app:%@cluster.example.net\n    at dns.js:60:8"),
)
_HEADER_FORMS: Forms = (
    ("log", "request headers: Authorization: Bearer % Accept: */*"),
    ("JSON", '{"headers":{"authorization":"Bearer %"}}'),
    ("JSON in JSON", lambda secret: _escaped(f"Bearer {secret}", "authorization")),
    ("shell", '+ curl -H "Authorization: token %" https://api.example.com'),
)
_COOKIE_FORMS: Forms = (
    ("log", "Cookie: session=%; theme=dark"),
    ("log", "< Set-Cookie: sid=%; HttpOnly; Secure"),
    ("JSON", '{"cookie":"session=%"}'),
)
_SIGNED_FORMS: Forms = (
    ("log", "GET /backup.tar?se=2026-12-01&sp=r&sig=% 403"),
    ("log", "GET https://bucket.example.com/a?X-Amz-Expires=900&X-Amz-Signature=% 403"),
)
_CARD_FORMS: Forms = (
    ("log", "payment declined card=% amount=12.00"),
    ("log", _grouped),
    ("JSON", '{"pan":"%","amount":1200}'),
    ("JSON in JSON", partial(_escaped, name="pan")),
    ("stack trace", "CardError: % was declined\n    at charge (pay.py:12)"),
)
_MAIL_FORMS: Forms = (
    ("log", "login failed for % from 10.1.2.3"),
    ("YAML", "owner: %\n"),
    ("JSON", '{"email":"%"}'),
    ("JSON in JSON", partial(_escaped, name="email")),
    ("stack trace", "UserNotFound: <%>\n    at find (users.py:40)"),
)
_RANDOM_FORMS: Forms = (
    ("log", "handshake with % failed"),
    ("YAML", "data:\n  blob: %\n"),
    ("JSON", '{"value":"%"}'),
    ("JSON in JSON", partial(_escaped, name="value")),
)
_PEM_FORMS: Forms = (
    ("log", partial(_framed, "RSA PRIVATE KEY")),
    ("log", lambda body: f"-----BEGIN OPENSSH PRIVATE KEY-----\n{body[:150]}"),
    ("JSON", lambda body: json.dumps({"key": _framed("EC PRIVATE KEY", body)})),
    ("one line at a time", lambda body: body.splitlines()[2]),
)

_KINDS: Final[Mapping[str, tuple[Callable[[random.Random], str], Forms]]] = {
    "password": (_password, _PASSWORD_FORMS),
    "passphrase": (_passphrase, _PASSPHRASE_FORMS),
    "password in a URL": (_simple_password, _URL_FORMS),
    "JWT": (_jwt, (*_TOKEN_FORMS, *_HEADER_FORMS)),
    "private key": (_pem, _PEM_FORMS),
    "card number": (_card, _CARD_FORMS),
    "e-mail address": (_mail, _MAIL_FORMS),
    "AWS access key id": (partial(_prefixed, "AKIA", string.ascii_uppercase + "234567", 16), _TOKEN_FORMS),
    "AWS secret key": (partial(_prefixed, "", _ALNUM + "+/", 40), _TOKEN_FORMS),
    "GitHub token": (partial(_prefixed, "ghp_", _ALNUM, 36), _TOKEN_FORMS),
    "GitLab token": (partial(_prefixed, "glpat-", _ALNUM, 20), _TOKEN_FORMS),
    "Slack token": (partial(_prefixed, "xoxb-", string.digits + "-", 24), _TOKEN_FORMS),
    "model provider key": (partial(_prefixed, "sk-", _ALNUM, 40), _TOKEN_FORMS),
    "payment key": (partial(_prefixed, "sk_live_", _ALNUM, 24), _TOKEN_FORMS),
    "bearer token": (partial(_prefixed, "", _ALNUM + "-_", 40), _HEADER_FORMS),
    "session cookie": (partial(_prefixed, "", _LOWER, 32), _COOKIE_FORMS),
    "URL signature": (partial(_prefixed, "", string.digits + "abcdef", 64), _SIGNED_FORMS),
    "random, mixed case": (partial(_prefixed, "", _ALNUM, 32), _RANDOM_FORMS),
    "random, small letters": (partial(_prefixed, "", _LOWER, 32), _RANDOM_FORMS),
}
