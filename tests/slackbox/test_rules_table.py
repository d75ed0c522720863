"""Each of Slack's 36 rules that slackbox promises to enforce is proved by a test, and slackbox/RULES.md says by which.

UPDATE_GOLDEN=1 writes the names of the tests into the table; the rules themselves are written by hand.
"""

import ast
import os
import re
from collections import defaultdict
from pathlib import Path

import pytest

HERE = Path(__file__).parent
PAGE = HERE.parents[1] / "slackbox" / "RULES.md"
RULES = range(1, 37)
ROW = re.compile(r"^\| (\d+) \| (.+?) \| (.*?) \|$", re.MULTILINE)


def marked_numbers(node):
    """The rules that a decorator, or a module's pytestmark, says a test proves."""
    for call in ast.walk(node):
        if isinstance(call, ast.Call) and isinstance(call.func, ast.Attribute) and call.func.attr == "slack_rule":
            yield from (argument.value for argument in call.args)


@pytest.fixture(scope="module")
def proofs():
    """Rule number to the tests that carry its mark, as `file::test`."""
    found = defaultdict(set)
    for path in sorted(HERE.rglob("test_*.py")):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        whole = [number for node in tree.body if isinstance(node, ast.Assign) for number in marked_numbers(node.value)]
        for node in ast.walk(tree):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                own = [number for decorator in node.decorator_list for number in marked_numbers(decorator)]
                for number in [*own, *(whole if node.name.startswith("test_") else [])]:
                    found[number].add((path.relative_to(HERE).as_posix(), node.name))
    return found


def written():
    """Rule number to the cell that names its tests."""
    return {int(number): cell for number, _, cell in ROW.findall(PAGE.read_text(encoding="utf-8"))}


def cell_of(tests):
    """Test names as sentences, grouped by their files."""
    files = defaultdict(list)
    for path, name in sorted(tests):
        files[path].append(name.removeprefix("test_").replace("_", " "))
    return "<br>".join(f"`{path}`: {'; '.join(names)}" for path, names in files.items())


@pytest.mark.parametrize("number", RULES)
def test_the_rule_has_a_test_that_states_it(proofs, number):
    tests = proofs.get(number, set())

    assert tests, f"no test carries @pytest.mark.slack_rule({number})"
    assert all(name.startswith("test_") for _, name in tests)


def test_no_mark_names_a_rule_that_there_is_not(proofs):
    assert sorted(set(proofs) - set(RULES)) == []


def test_the_table_names_the_rules_and_the_tests_that_prove_them(proofs):
    wanted = {number: cell_of(proofs.get(number, ())) for number in RULES}
    if os.environ.get("UPDATE_GOLDEN"):
        text = PAGE.read_text(encoding="utf-8")
        update = lambda row: f"| {row[1]} | {row[2]} | {wanted[int(row[1])]} |"  # noqa: E731 - used once
        PAGE.write_text(ROW.sub(update, text), encoding="utf-8")

    assert written() == wanted, "run this test once with UPDATE_GOLDEN=1"
