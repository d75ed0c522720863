"""The page's own files: nothing in them parses markup from text, and nothing is asked from another machine."""

import re

import pytest

from slackbox.page_api import PAGE, POLICY

SOURCES = sorted(path for path in PAGE.iterdir() if path.suffix in {".js", ".css", ".html"})
PARSES_MARKUP = re.compile(
    r"\b(innerHTML|outerHTML|insertAdjacentHTML|document\.write|DOMParser|setHTML\w*|eval|new Function)\b"
)
LOADS = re.compile(r"""(?:\bsrc=|\bhref=|@import|\burl\(|\bfrom |\bimport\()\s*["']?(?:https?:)?//""")


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.name)
def test_a_source_of_the_page_parses_no_markup_and_loads_nothing_from_elsewhere(path):
    text = path.read_text(encoding="utf-8")
    assert PARSES_MARKUP.findall(text) == []
    assert LOADS.findall(text) == []
    assert len(text.splitlines()) <= 400


def test_the_policy_allows_scripts_and_styles_of_this_server_only():
    rules = dict(rule.strip().split(" ", 1) for rule in POLICY.split(";"))
    assert (rules["default-src"], rules["script-src"], rules["style-src"]) == ("'none'", "'self'", "'self'")
