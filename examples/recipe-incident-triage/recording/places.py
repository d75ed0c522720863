"""Where the machine that records keeps its programs, and which ports were free on it, tells nothing of the case."""

import re
from collections.abc import Mapping

_SHOP = "/srv/shop"
# Longest first: what stands in site-packages stands in Python's own folder too.
_FOLDERS = (
    (re.compile(r"/[^\s\"'\\]*?/site-packages/"), "/usr/lib/python3/dist-packages/"),
    (re.compile(r"/[^\s\"'\\]*?/lib/python3\.\d+/"), "/usr/lib/python3/"),
    (re.compile(r"/[^\s\"'\\]*?/recipe-incident-triage/"), f"{_SHOP}/"),
)
# Ports that the recipe takes, from 15000 up, behind a host's name or address.
_PORT = re.compile(r"(?<=[\w.]:)(1[5-9]\d{3}|2\d{4}|3[01]\d{3})\b")
_ADDRESS = re.compile(r"\b(?:host-\d+|localhost|127\.0\.0\.1):\d{5}\b")
_FIRST_PORT = 8001


def without_places(texts: Mapping[str, str], folder: str) -> dict[str, str]:
    """The files of one case, with folders in place of this machine's, and ports numbered as they come; the same in all files."""
    ports: dict[str, str] = {}

    def numbered(match: re.Match[str]) -> str:
        return ports.setdefault(match[0], str(_FIRST_PORT + len(ports)))

    def cleaned(text: str) -> str:
        text = text.replace(folder, _SHOP) if folder else text
        for pattern, instead in _FOLDERS:
            text = pattern.sub(instead, text)
        return _ADDRESS.sub(lambda match: _PORT.sub(numbered, match[0]), text)

    return {name: cleaned(text) for name, text in sorted(texts.items())}
