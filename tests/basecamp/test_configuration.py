from __future__ import annotations

import pytest

from basecamp.catalog import load_catalog
from basecamp.errors import ConfigError
from basecamp.settings import load_settings


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        ("logs: {folder: logs}\nprometeus: {url: http://x}\n", 2, "did you mean 'prometheus'?"),
        ("prometheus:\n  url: http://x\n  service_labl: s\n", 3, "did you mean 'service_label'?"),
        ("prometheus:\n  url: localhost:9090\n", 2, "is not an http:// or https:// address"),
        ("trino:\n  host: x\n", 1, "'trino.user' is missing"),
        ("database_url: ${NOPE}\n", 1, "the environment variable NOPE is not set"),
        ("\ndatabase_url: 'postgresql://a:se cret@h:p/x'\n", 2, "is not a PostgreSQL connection string"),
        ("loki: {url: http://x}\nlogs: {folder: y}\n", 1, "both loki and logs"),
        ("logs: {folder: a}\nlogs: {folder: b}\n", 2, "a second time"),
        ("logs: [\n", 2, "is not valid YAML"),
        ("", None, "exactly one YAML mapping"),
    ],
)
def test_a_mistake_is_told_with_file_line_and_mend(config, text, line, words):
    file = config(text)
    with pytest.raises(ConfigError) as raised:
        load_settings(file, {})
    assert words in str(raised.value)
    assert str(raised.value).startswith(f"{file}:{line}:" if line else f"{file}:")
    assert "cret" not in str(raised.value)


def test_variables_are_filled_in_and_paths_start_at_the_file(config, tmp_path):
    file = config("postgres: {orders-db: 'postgresql://u:${PW}@h/d'}\ncatalog: c.yaml\npostmortems: [p, /q]\n")
    settings = load_settings(file, {"PW": "hunter2"})
    assert settings.postgres["orders-db"].get_secret_value() == "postgresql://u:hunter2@h/d"
    assert settings.catalog == tmp_path / "c.yaml"
    assert [str(each) for each in settings.postmortems] == [f"{tmp_path}/p", "/q"]
    assert "hunter2" not in repr(settings)


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        ("kind: Component\nmetadata:\n  title: x\n", 2, "metadata.name is missing"),
        ("kind: component\nmetadata: {name: a}\n", 1, "did you mean 'Component'?"),
        ("metadata: {name: a}\n", 1, "kind is missing"),
        ("kind: Component\nmetadata: {name: a}\nspec:\n  dependsOn: component:b\n", 4, "is a list"),
        ("kind: Component\nmetadata: {name: a}\nspec:\n  dependsOn:\n  - component:b\n  - 7\n", 6, "not a reference"),
        ("kind: Component\nmetadata: {name: a}\n---\nkind: Component\nmetadata:\n  name: a\n", 6, "a second time"),
        ("- a\n", 1, "is a mapping"),
    ],
)
def test_a_mistake_in_the_catalogue_is_told_with_file_and_line(tmp_path, text, line, words):
    file = tmp_path / "catalog-info.yaml"
    file.write_text(text)
    with pytest.raises(ConfigError) as raised:
        load_catalog(file)
    assert str(raised.value).startswith(f"{file}:{line}: ")
    assert words in str(raised.value)
