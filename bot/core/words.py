"""
Words of operations texts, for search.

Identifiers (CamelCase, snake_case, dotted, with acronyms) count as a whole and as their parts, so that `KubePodNotReady` meets
both its own name and "pod is not ready". Plurals lose their s and spellings of one thing are made one; cutting more endings
(`failing` to `fail`) made no search better.
"""

import re
from collections.abc import Sequence
from functools import lru_cache

_WORD = re.compile(r"[A-Za-z0-9]+(?:[._:-]+[A-Za-z0-9]+)*")
_JOINTS = re.compile(r"[._:-]+")
# Before a capital that begins a word: aB, and ABc as A, Bc.
_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
_NOT_WORD = re.compile(r"[^a-z0-9]")
_STOP_WORDS = """
a about above after again all almost also although always am among an and another any are around as at away back
be became because become been before began being below between both but by came can could did do does done
during each either else even ever every few first for found from full gave get given go goes got had has have he
her here him his how however if in instead into is it its itself just keep kept left less like made make many
may me might more most much must my near never new next no none nor not nothing now of off often on once one
only or other our out over own per put rather said same saw say second see seen set several shall she should
since so some soon still stood such take taken than that the their them then there these they third this those
three through time times to together too took toward two under until up upon us use used uses using very via was
way we well went were what when where whether which while who whole whose why will with within without would yet
you your alert alerts firing summary description severity service services critical warning appeared rose fell
reached oldest labels value values humanize printf query http https com www
"""
_STOP = frozenset(_STOP_WORDS.split())
# One thing, several spellings.
_SAME = {
    "pg": "postgresql",
    "postgre": "postgresql",
    "postgres": "postgresql",
    "psql": "postgresql",
    "k8s": "kubernetes",
    "kube": "kubernetes",
    "kubernete": "kubernetes",
    "db": "database",
    "conn": "connection",
    "cert": "certificate",
    "tls": "certificate",
    "ssl": "certificate",
    "oom": "memory",
    "latencie": "latency",
}


def tokens(text: str) -> list[str]:
    """Words without stop words, identifiers as a whole (marked by `=`) and in parts."""
    return [token for word in _words(text) for token in (_remembered if len(word) <= _SHORT else _taken_apart)(word)]


def _taken_apart(word: str) -> tuple[str, ...]:
    parts = [part.lower() for part in _split(word)]
    found = [whole("".join(parts))] if len(parts) > 1 else []
    return (*found, *(stem(part) for part in parts if len(part) > 1 and part not in _STOP))


# A corpus says the same words over and over, and what a word becomes depends on nothing else.
_remembered = lru_cache(maxsize=1 << 15)(_taken_apart)
_SHORT = 40


def word_pairs(text: str) -> set[str]:
    """Two words in their order, side by side or with one between them: what tells `write requests are slow` from `requests are slow`."""
    words = [word for word in tokens(text) if not word.startswith("=")]
    return {f"{first} {second}" for apart in (1, 2) for first, second in zip(words, words[apart:], strict=False)}


def parts_of(name: str) -> tuple[str, ...]:
    """The words of a name in their order, stop words kept: what tells whether one name begins with another."""
    return tuple(stem(part) for parts in _identifiers(name) for part in parts if len(part) > 1)


def whole(name: str) -> str:
    """The token of a whole identifier, however it is spelled: `disk_full` and `DiskFull` are one."""
    return "=" + folded(name)


def folded(name: str) -> str:
    """Letters and digits in lower case."""
    return _NOT_WORD.sub("", name.lower())


def spoken(name: str) -> str:
    """An identifier as words, for a model that was trained on sentences."""
    return " ".join(part for word in name.split() for part in _split(word))


def _identifiers(text: str) -> list[Sequence[str]]:
    return [[part.lower() for part in _split(word)] for word in _words(text)]


def _words(text: str) -> list[str]:
    return _WORD.findall(text.replace("_", "."))


def _split(word: str) -> list[str]:
    return [part for piece in _JOINTS.split(word.replace("_", ".")) for part in _CAMEL.split(piece) if part]


def stem(word: str) -> str:
    """A lower-case word without its plural, or the usual spelling of the thing that it names."""
    word = _singular(word)
    return _SAME.get(word, word)


def _singular(word: str) -> str:
    if len(word) > 4 and word.endswith("ies"):
        return word[:-3] + "y"
    if len(word) > 3 and word.endswith("s") and not word.endswith(("ss", "us", "is")):
        return word[:-1]
    return word
