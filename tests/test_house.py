"""The house keeps its own rules: sizes, purity, one reader of the environment, no word of how it was made."""

import ast
import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PRODUCT = ("bot", "basecamp", "slackbox", "evals", "examples")
SOURCES = sorted(path for name in PRODUCT for path in (ROOT / name).rglob("*.py"))


def functions(path):
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return [node for node in ast.walk(tree) if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))]


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_files_and_functions_stay_small(path):
    assert len(path.read_text(encoding="utf-8").splitlines()) <= 400
    long = [node.name for node in functions(path) if (node.end_lineno or 0) - node.lineno >= 60]
    assert long == []


def test_core_is_never_async():
    assert [
        f"{path.name}:{node.lineno}"
        for path in (ROOT / "bot" / "core").rglob("*.py")
        for node in functions(path)
        if isinstance(node, ast.AsyncFunctionDef)
    ] == []


def test_the_environment_is_read_in_one_place():
    reader = re.compile(r"\bos\.environ\b|\bgetenv\b")
    # The demo hands its environment on to the program that it starts; litellm can be told only by a variable not to
    # fetch its price list. Neither reads a setting.
    allowed = {"bot/settings.py", "bot/cli/demo.py", "bot/adapters/llm.py"}
    found = {
        str(path.relative_to(ROOT))
        for path in (ROOT / "bot").rglob("*.py")
        if reader.search(path.read_text(encoding="utf-8"))
    }

    assert found - allowed == set()


def test_every_vendor_has_one_home():
    homes = {
        "litellm": {"bot/adapters/llm.py"},
        "mcp": {"bot/adapters/mcp_link.py", "bot/adapters/mcp_calls.py"},
        "langgraph": {"bot/agent/graph.py"},
        "sklearn": {"bot/adapters/classifier.py"},
    }
    for vendor, home in homes.items():
        importing = re.compile(rf"^\s*(?:from|import) {vendor}\b", re.MULTILINE)
        found = {
            str(path.relative_to(ROOT))
            for path in (ROOT / "bot").rglob("*.py")
            if importing.search(path.read_text(encoding="utf-8"))
        }
        assert found <= home


def test_nothing_in_the_repository_names_registries_or_machine_paths():
    pattern = r"/wor[k]/|https?://[a-z.-]*(pypi|pythonhosted|npmjs|debian)[a-z.-]*"
    done = subprocess.run(["git", "grep", "-nIE", pattern, "--", "."], cwd=ROOT, capture_output=True, text=True)
    if done.returncode > 1:
        pytest.skip("this is not a git checkout")

    assert done.stdout == ""
