"""
Recorded incidents without the names of people and machines, so that they can be kept as examples. Pure.

Placeholders are stable within one document: the same name is the same placeholder everywhere, so that what belonged
together still does. Names are known by the field that they stand in, or by their form; a person who is named in prose
only, and nowhere in a field, is not found. Secrets are the concern of bot/core/redaction.py.
"""

import re
from collections.abc import Collection, Mapping
from typing import Any, cast

_PEOPLE = frozenset(
    {"author", "requested_by", "user", "username", "usename", "login", "assignee", "committer", "merged_by"}
)
_HOSTS = frozenset(
    {"instance", "host", "hostname", "node", "nodename", "pod", "pod_name", "server", "addr", "address", "client_addr"}
)
_SHORTEST = 3
_PORT = re.compile(r":\d{1,5}$")
# A name of nothing in particular: taking it away everywhere would take words of the language away.
_COMMON = frozenset(
    {"app", "admin", "root", "none", "null", "unknown", "system", "default", "main", "test", "user", "localhost"}
)
_LABEL = r"[a-z0-9](?:[a-z0-9-]*[a-z0-9])?"
_FORMS: tuple[tuple[str, re.Pattern[str]], ...] = (
    ("person", re.compile(r"<@[UW][A-Z0-9]{4,}(?:\|[^>]*)?>|(?<![\w./@])@[A-Za-z][\w-]{2,}(?![\w.]*@)")),
    (
        "address",
        re.compile(
            r"(?<![\w.])(?!127\.0\.0\.1|0\.0\.0\.0)(?:(?:25[0-5]|2[0-4]\d|1?\d?\d)\.){3}(?:25[0-5]|2[0-4]\d|1?\d?\d)(?![\w.]\d|\w)"
            r"|(?<![\w:])(?:[0-9a-f]{1,4}:){4,7}[0-9a-f]{1,4}(?![\w:])"
        ),
    ),
    (
        "host",
        re.compile(
            rf"(?:(?<=//)|(?<![\w./@-]))(?:ip-\d+-\d+-\d+-\d+(?:\.{_LABEL})*|(?:{_LABEL}\.)+(?:internal|intranet|local|lan|corp|svc|com|net|org)"
            rf"|(?:{_LABEL}\.){{2,}}(?:io|dev|cloud|app|eu|de|uk|us))(?![\w-]|\.[a-z0-9])",
            re.IGNORECASE,
        ),
    ),
)
_OURS = re.compile(r"(?:person|host|address)-\d+|.*\bexample(?:\.(?:com|net|org))?")


def anonymous(document: Mapping[str, Any], *, keep: Collection[str] = ()) -> dict[str, Any]:
    """
    A copy of a JSON document with placeholders such as person-1, host-2 and address-3 in its texts.

    `keep`: names that must stay, such as those of services. Keys are left as they are.
    """
    found: dict[str, str] = {}
    counts: dict[str, int] = {}
    kept = frozenset(name.casefold() for name in keep) | _COMMON
    _by_field(document, kept, found, counts)
    _by_form(document, kept, found, counts)
    if not found:
        return dict(document)
    longest_first = sorted(found, key=lambda name: (-len(name), name))
    pattern = re.compile(rf"(?<![\w-])(?:{'|'.join(map(re.escape, longest_first))})(?![\w-])", re.IGNORECASE)
    return cast("dict[str, Any]", _replaced(document, pattern, found))


def _by_field(value: object, kept: frozenset[str], found: dict[str, str], counts: dict[str, int]) -> None:
    if isinstance(value, Mapping):
        for key, one in cast("Mapping[str, object]", value).items():
            name = key.casefold()
            if isinstance(one, str) and name in _PEOPLE:
                _add("person", one.strip(), kept, found, counts)
            elif isinstance(one, str) and name in _HOSTS:
                _add("host", _PORT.sub("", one.strip()), kept, found, counts)
            else:
                _by_field(one, kept, found, counts)
    elif isinstance(value, list):
        for one in cast("list[object]", value):
            _by_field(one, kept, found, counts)


def _by_form(value: object, kept: frozenset[str], found: dict[str, str], counts: dict[str, int]) -> None:
    if isinstance(value, str):
        for kind, form in _FORMS:
            for match in form.finditer(value):
                _add(kind, match[0], kept, found, counts)
    elif isinstance(value, Mapping):
        for one in cast("Mapping[str, object]", value).values():
            _by_form(one, kept, found, counts)
    elif isinstance(value, list):
        for one in cast("list[object]", value):
            _by_form(one, kept, found, counts)


def _add(kind: str, name: str, kept: frozenset[str], found: dict[str, str], counts: dict[str, int]) -> None:
    plain = name.casefold()
    if len(name) < _SHORTEST or plain in kept or plain in found or _OURS.fullmatch(plain):
        return
    counts[kind] = counts.get(kind, 0) + 1
    found[plain] = f"{kind}-{counts[kind]}"


def _replaced(value: object, pattern: re.Pattern[str], found: Mapping[str, str]) -> object:
    if isinstance(value, str):
        return pattern.sub(lambda match: found[match[0].casefold()], value)
    if isinstance(value, Mapping):
        return {key: _replaced(one, pattern, found) for key, one in cast("Mapping[str, object]", value).items()}
    if isinstance(value, list):
        return [_replaced(one, pattern, found) for one in cast("list[object]", value)]
    return value
