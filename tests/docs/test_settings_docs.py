"""Every setting is described where people look, and the examples can be used as they stand."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import get_args

import pytest
import yaml
from pydantic import BaseModel

from bot.settings import Config, Environment, load_config

ROOT = Path(__file__).parents[2]
CONFIGURATION = (ROOT / "docs" / "reference" / "configuration.md").read_text(encoding="utf-8")
ENV_EXAMPLE = ROOT / ".env.example"
YAML_EXAMPLE = ROOT / "aiops.example.yaml"
VARIABLES = sorted(name.upper() for name in Environment.model_fields)


def models_in(annotation: object) -> list[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [found for part in get_args(annotation) for found in models_in(part)]


def keys(model: type[BaseModel], prefix: str = "") -> Iterator[str]:
    """Dotted names of every key of aiops.yaml; `<name>` stands for names that people choose."""
    for name, field in model.model_fields.items():
        nested = models_in(field.annotation)
        named = f"{prefix}{name}"
        if not nested:
            yield named
        elif field.annotation is nested[0]:
            yield from keys(nested[0], f"{named}.")
        else:
            yield f"{named}.<name>"
            yield from keys(nested[0], f"{named}.<name>.")


KEYS = sorted(keys(Config))


def table_rows(text: str) -> set[str]:
    """What stands in backquotes in the first cell of a table row."""
    return set(re.findall(r"^\| `([^`]+)` \|", text, re.MULTILINE))


def assignments() -> dict[str, str]:
    lines = ENV_EXAMPLE.read_text(encoding="utf-8").splitlines()
    return dict(line.split("=", 1) for line in lines if line and not line.startswith("#"))


def dotted(data: object, prefix: str = "") -> Iterator[str]:
    for name, value in data.items() if isinstance(data, dict) else ():
        yield f"{prefix}{name}"
        yield from dotted(value, f"{prefix}{name}.")


def test_the_walk_over_the_models_finds_plain_nested_and_named_keys():
    assert {"settle_seconds", "channels.watch", "mcpServers.<name>", "mcpServers.<name>.url"} <= set(KEYS)


@pytest.mark.parametrize("name", VARIABLES)
def test_a_variable_is_described_in_the_reference(name):
    assert name in table_rows(CONFIGURATION)


def test_the_reference_describes_no_variable_or_key_that_does_not_exist():
    assert table_rows(CONFIGURATION) == {*VARIABLES, *KEYS}


def test_the_example_environment_has_every_variable_and_no_other():
    assert sorted(assignments()) == VARIABLES


def test_the_example_environment_changes_nothing_when_it_is_copied(monkeypatch):
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)

    copied = Environment(_env_file=ENV_EXAMPLE)

    assert copied == Environment(_env_file=None)


def test_every_variable_of_the_example_environment_has_a_comment_above_it():
    lines = ENV_EXAMPLE.read_text(encoding="utf-8").splitlines()

    bare = [line for above, line in zip(["", *lines], lines, strict=False) if "=" in line and not above.startswith("#")]

    assert bare == []


@pytest.mark.parametrize("name", KEYS)
def test_a_key_of_aiops_yaml_is_described_in_the_reference(name):
    assert name in table_rows(CONFIGURATION)


def test_the_example_configuration_loads():
    config = load_config(YAML_EXAMPLE)

    assert config.channels.watch == ("#alerts",)
    assert config.mcpServers["basecamp"].url == "http://127.0.0.1:8811/mcp"


def test_the_example_configuration_shows_every_section():
    shown = set(dotted(yaml.safe_load(YAML_EXAMPLE.read_text(encoding="utf-8"))))

    assert set(Config.model_fields) <= shown
    assert {name for name in KEYS if "<name>" not in name} <= shown
