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
        ("approval_key: short\n", 1, "approval_key (AIOPS_APPROVAL_KEY) has 5 bytes; it needs 32"),
        ("aproval_key: x\n", 1, "did you mean 'approval_key'?"),
        ("audit:\n  fil: x\n", 2, "did you mean 'file'?"),
        ("writes:\n  max_target: 5\n", 2, "did you mean 'max_targets'?"),
        ("writes: {max_targets: 0}\n", 1, "greater than or equal to 1"),
        ("redis:\n  cart:\n    url: redis://x\n    max_memry: 1\n", 4, "did you mean 'max_memory'?"),
        ("redis:\n  cart: {timeout_seconds: 1}\n", 2, "'redis.cart.url' is missing"),
        ("redis:\n  cart: {url: 'http://cart'}\n", 2, "is not a redis://, rediss:// or unix:// address"),
        ("redis:\n  cart: {url: 'redis://:se/cret@cart:6379'}\n", 2, "special characters of a password"),
        ("redis:\n  cart: {url: 'redis://cart:secret'}\n", 2, "special characters of a password"),
        ("redis:\n  cart:\n    url: redis://x\n    max_memory: lots\n", 4, "write it like 256mb"),
        ("slack: {}\n", 1, "needs either a token or webhooks"),
        ("slack: {token: x, webhooks: {'#a': 'https://x'}}\n", 1, "needs either a token or webhooks"),
        ("slack:\n  webhooks: {'#a': 'hooks/cret'}\n", 2, "is not an http:// or https:// address"),
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


KEY = "a-key-that-is-longer-than-32-bytes"


def test_the_approval_key_comes_from_the_file_or_else_from_the_environment(config):
    environ = {"AIOPS_APPROVAL_KEY": KEY}
    assert load_settings(config("logs: {folder: a}\n"), {}).approval_key is None
    assert load_settings(config("logs: {folder: a}\n"), {"AIOPS_APPROVAL_KEY": ""}).approval_key is None
    from_environment = load_settings(config("logs: {folder: a}\n"), environ)
    from_file = load_settings(config(f"approval_key: {KEY}-of-the-file\n"), environ)
    assert from_environment.approval_key.get_secret_value() == KEY
    assert from_file.approval_key.get_secret_value() == f"{KEY}-of-the-file"
    assert KEY not in repr(from_environment)
    with pytest.raises(ConfigError, match=r"AIOPS_APPROVAL_KEY.* has 31 bytes"):
        load_settings(config("logs: {folder: a}\n"), {"AIOPS_APPROVAL_KEY": "x" * 31})


def test_amounts_and_paths_of_the_tools_that_change_something_are_read(config, tmp_path):
    text = "redis: {cart: {url: 'rediss://:pass%40word@c/1', ca_file: ca.pem, max_memory: 2gb}}\naudit: {file: a/b.jsonl}\n"
    settings = load_settings(config(text), {})
    assert settings.redis["cart"].max_memory == 2 * 2**30
    assert settings.redis["cart"].ca_file == tmp_path / "ca.pem"
    assert settings.audit.file == tmp_path / "a" / "b.jsonl"
    assert load_settings(config("logs: {folder: a}\n"), {}).audit.file == tmp_path / "basecamp-audit.jsonl"
    assert "pass%40word" not in repr(settings)


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
