"""Links lead somewhere, pictures are small, code in the documentation can be read, and nothing private is in it."""

import json
import re
import subprocess
from pathlib import Path

import pytest
import yaml

from bot.adapters.postmortems import load_postmortem
from bot.adapters.runbooks import load_runbook
from bot.adapters.tool_gate import DEFAULT_EFFECTS

ROOT = Path(__file__).parents[2]
SKIPPED = {".venv", ".git", ".aiops", ".pytest_cache", ".ruff_cache", ".hypothesis", "node_modules"}
PAGES = sorted(path for path in ROOT.rglob("*.md") if not SKIPPED & set(path.relative_to(ROOT).parts))
WRITTEN = [path for path in PAGES if path.parts[len(ROOT.parts)] not in {"postmortems", "prompts", "runbooks"}]
LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)|(?:src|srcset|href)=\"([^\"]+)\"")
FENCE = re.compile(r"^( *)(`{3,})(\w*)\n(.*?)^\1\2 *$", re.MULTILINE | re.DOTALL)
MOST_BYTES = 400_000


def name_of(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def links(path: Path) -> list[str]:
    text = FENCE.sub("", path.read_text(encoding="utf-8"))
    found = [first or second for first, second in LINK.findall(text)]
    return [link for link in found if not re.match(r"[a-z]+:", link)]


def anchors(path: Path) -> set[str]:
    headings = re.findall(r"^#+ +(.+?)\s*$", FENCE.sub("", path.read_text(encoding="utf-8")), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def blocks(language: str) -> list[tuple[str, str]]:
    found = [
        (name_of(path), indent, body)
        for path in WRITTEN
        for indent, _, tag, body in FENCE.findall(path.read_text(encoding="utf-8"))
        if tag == language
    ]
    return [(name, re.sub(rf"^{indent}", "", body, flags=re.MULTILINE)) for name, indent, body in found]


def test_the_pages_are_found():
    assert {"README.md", "ARCHITECTURE.md", "docs/glossary.md"} <= {name_of(path) for path in PAGES}


@pytest.mark.parametrize("path", PAGES, ids=name_of)
def test_a_relative_link_points_at_a_file_that_is_there(path):
    missing = [link for link in links(path) if link.split("#")[0] and not (path.parent / link.split("#")[0]).exists()]

    assert missing == []


@pytest.mark.parametrize("path", WRITTEN, ids=name_of)
def test_a_link_to_a_heading_points_at_one_that_is_there(path):
    lost: list[str] = []
    for link in links(path):
        file, _, heading = link.partition("#")
        target = (path.parent / file).resolve() if file else path
        if heading and target.suffix == ".md" and target.exists() and heading not in anchors(target):
            lost.append(link)

    assert lost == []


@pytest.mark.parametrize("folder", ["tutorial", "how-to", "reference", "explanation"])
def test_every_page_is_in_the_table_of_contents(folder):
    contents = links(ROOT / "docs" / "README.md")

    missing = [page.name for page in (ROOT / "docs" / folder).glob("*.md") if f"{folder}/{page.name}" not in contents]

    assert missing == []


def test_every_decision_is_listed():
    listed = set(links(ROOT / "docs" / "decisions" / "README.md"))

    assert {path.name for path in (ROOT / "docs" / "decisions").glob("0*.md")} == listed


def test_a_decision_says_context_decision_and_consequence():
    incomplete = [
        path.name
        for path in (ROOT / "docs" / "decisions").glob("0*.md")
        if not all(
            f"**{part}.**" in path.read_text(encoding="utf-8") for part in ("Context", "Decision", "Consequence")
        )
    ]

    assert incomplete == []


@pytest.mark.parametrize("path", sorted((ROOT / "docs" / "images").rglob("*.png")), ids=name_of)
def test_a_picture_is_small_and_used(path):
    used = {link for page in WRITTEN for link in links(page)}

    assert path.stat().st_size < MOST_BYTES
    assert any(link.endswith(str(path.relative_to(ROOT / "docs" / "images"))) for link in used)


@pytest.mark.parametrize(("name", "text"), blocks("yaml"), ids=lambda value: value.splitlines()[0][:40])
def test_yaml_in_the_documentation_is_yaml(name, text):
    assert isinstance(yaml.safe_load(text), dict), name


@pytest.mark.parametrize(("name", "text"), blocks("sh"), ids=lambda value: value.splitlines()[0][:40])
def test_shell_in_the_documentation_is_shell(name, text):
    done = subprocess.run(["bash", "-n"], input=text, capture_output=True, text=True, timeout=20)

    assert done.returncode == 0, f"{name}: {done.stderr}"


def test_the_runbook_and_the_postmortem_that_are_shown_can_be_loaded(tmp_path):
    shown = [text for name, text in blocks("markdown") if name == "docs/how-to/write-content.md"]
    for place, text in enumerate(shown):
        (tmp_path / f"{place}.md").write_text(text, encoding="utf-8")

    steps = load_runbook(tmp_path / "0.md", effects=DEFAULT_EFFECTS).steps
    assert [step.tool for step in steps] == ["pg_activity", "pg_sessions", "pg_terminate_backends"]
    assert load_postmortem(tmp_path / "1.md").cause_class == "data"


def test_the_manifest_that_people_paste_is_json_with_the_named_shortcuts():
    manifest = json.loads((ROOT / "manifest.json").read_text(encoding="utf-8"))
    page = (ROOT / "docs" / "reference" / "slack.md").read_text(encoding="utf-8")

    assert [one["name"] for one in manifest["features"]["shortcuts"] if f"*{one['name']}*" not in page] == []


@pytest.mark.parametrize("path", WRITTEN, ids=name_of)
def test_a_page_names_no_place_of_one_persons_machine(path):
    text = path.read_text(encoding="utf-8")

    assert re.findall(r"(?:^|[\s`(\"'])(/(?:work|home|root|Users)/\S*)", text) == []
