"""Commands, endpoints, tables, tools and make targets in the documentation are those that exist."""

import importlib
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import typer
from typer.core import TyperCommand, TyperGroup

from bot.adapters.tool_gate import DEFAULT_EFFECTS
from bot.slack.views.replies import help_message

ROOT = Path(__file__).parents[2]
REFERENCE = ROOT / "docs" / "reference"
MIGRATIONS = ROOT / "bot" / "adapters" / "postgres" / "migrations"
MAKEFILE = (ROOT / "Makefile").read_text(encoding="utf-8")


def read(path: Path) -> str:
    return path.read_text(encoding="utf-8")


def commands(command: TyperCommand | TyperGroup, name: str) -> Iterator[tuple[str, TyperCommand]]:
    """Every command that can be typed, with its full name."""
    if isinstance(command, TyperGroup):
        for part, nested in command.commands.items():
            yield from commands(nested, f"{name} {part}")
    else:
        yield name, command


# bot.cli exports the function of the same name, so the module has to be asked for by its name.
CLI = importlib.import_module("bot.cli.main")
COMMANDS = dict(commands(typer.main.get_command(CLI.make_app()), "aiops"))


def described_rows(text: str) -> list[str]:
    return re.findall(r"^\| `(aiops[^`]*)`", text, re.MULTILINE)


def test_the_walk_finds_commands_and_those_of_groups():
    assert {"aiops serve", "aiops incident show", "aiops index status"} <= COMMANDS.keys()


@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_a_command_is_described(name):
    rows = described_rows(read(REFERENCE / "command-line.md"))

    assert any(row == name or row.startswith(f"{name} ") for row in rows)


def test_no_command_is_described_that_does_not_exist():
    rows = described_rows(read(REFERENCE / "command-line.md"))

    assert [row for row in rows if not any(f"{row} ".startswith(f"{name} ") for name in COMMANDS)] == []


@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_an_option_is_described(name):
    text = read(REFERENCE / "command-line.md")

    options = [option for parameter in COMMANDS[name].params for option in parameter.opts if option.startswith("--")]

    assert [option for option in options if f"`{option}" not in text and f" {option} " not in text] == []


def test_every_endpoint_is_described():
    routes = re.findall(r'Route\("(/[^"]*)"', read(ROOT / "bot" / "webhook.py"))
    text = read(REFERENCE / "http.md")

    assert routes
    assert [route for route in routes if f"{route}`" not in text] == []


def test_every_slash_command_that_help_names_is_described():
    verbs = re.findall(r"[a-z]+", help_message("/aiops").text.split(":", 1)[1])
    text = read(REFERENCE / "slack.md")

    assert "triage" in verbs
    assert [verb for verb in verbs if f"`/aiops {verb}" not in text] == []


def test_every_table_is_described_and_no_other():
    sql = "".join(read(path) for path in sorted(MIGRATIONS.glob("*.sql")))
    tables = set(re.findall(r"^create table aiops\.(\w+)", sql, re.MULTILINE)) | {"schema_migration"}
    first_cells = re.findall(r"^\| (`[^|]+`) \|", read(REFERENCE / "database.md"), re.MULTILINE)

    assert {name for cell in first_cells for name in re.findall(r"`(\w+)`", cell)} == tables


@pytest.mark.parametrize("name", sorted(DEFAULT_EFFECTS))
def test_a_tool_is_described_with_its_effect(name):
    text = read(REFERENCE / "mcp-tools.md")

    assert re.search(rf"^\|[^|]*`{name}[(`][^|]*\| {DEFAULT_EFFECTS[name]} \|", text, re.MULTILINE)


@pytest.mark.parametrize("name", ["README.md", "CONTRIBUTING.md", "docs/tutorial/first-incident.md"])
def test_every_make_target_that_is_named_exists(name):
    targets = set(re.findall(r"^([a-z]+):", MAKEFILE, re.MULTILINE))
    # In code only: prose may make things, too.
    code = re.findall(r"^```sh\n(.*?)^```|`([^`\n]+)`", read(ROOT / name), re.MULTILINE | re.DOTALL)
    named = {target for part in code for target in re.findall(r"^make ([a-z]+)", "\n".join(part), re.MULTILINE)}

    assert named
    assert named <= targets


def test_every_make_target_is_in_contributing_or_readme():
    targets = set(re.findall(r"^([a-z]+):.*##", MAKEFILE, re.MULTILINE)) - {"help"}
    text = read(ROOT / "README.md") + read(ROOT / "CONTRIBUTING.md")

    assert [target for target in sorted(targets) if f"make {target}" not in text] == []
