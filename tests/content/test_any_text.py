"""Any text for a configuration or a runbook is a value, or an error that names the file and the line; nothing else."""

import re
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from bot.adapters.runbook_format import parse_runbook
from bot.core.errors import ConfigError
from bot.core.policy import Effect
from bot.core.runbook import Runbook
from bot.settings import Config, load_config
from tests.acting.plant import EFFECTS, RUNBOOK

ROOT = Path(__file__).parents[2]
EXAMPLE = (ROOT / "aiops.example.yaml").read_text(encoding="utf-8")
TOOLS = {name: Effect(effect) for name, effect in EFFECTS.items()}
FILE = Path("pressure-high.md")
NASTY = (
    "---", "```", "```step", "{{", "{{ steps }}", "{% for x in y %}", "${NOT_SET}", "&a [*a]", "&a {k: *a}", "*b", "!!python/object:os.system x",
    "!!binary x", "!!timestamp nope", "2026-13-45", "2026-01-01T99:00:00Z", "1e999", ".nan", ".inf", "-.inf", "0x", "1_0", "12:61:99", "9" * 5_000, "-1", "true",
    "null", "~", "[", "]", "{", "}", "[1, [2]]", "{a: {b: 1}}", "? [1]\n: 2", "- x", "<<: x", "<<: [1]", "\t", "\x00", "\x85", "\u2028", "\ud800", "\ufeff", "'", '"',
    "|", ">", "%YAML 9.9", "[" * 2_000, "{a: " * 500, "id: shut", "when: [", "effect: write", "within: 10y", "every: 0s", "pattern: (", "minimum: x",
)  # fmt: skip


@st.composite
def damaged(draw, whole):
    """A good file with some lines taken out, doubled, moved, or with something nasty in them."""
    lines = whole.splitlines()
    for _ in range(draw(st.integers(1, 4))):
        place = draw(st.integers(0, len(lines) - 1))
        line, nasty = lines[place], draw(st.sampled_from(NASTY) | st.text(max_size=20))
        kept = line[: draw(st.integers(0, len(line)))]
        key = line.partition(":")[0]
        lines[place : place + 1] = draw(
            st.sampled_from(
                [[], [line, line], [nasty], [line, nasty], [kept + nasty], [f"{key}: {nasty}"], [f"  {line}"]]
            )
        )
        lines = lines or [""]
    return "\n".join(lines)


def check(read, kind, name):
    """Either a value of that kind, or an error that names the file and the line."""
    said = ""
    try:
        made = read()
    except ConfigError as error:
        said = str(error)
    assert re.search(rf"{re.escape(name)}:[0-9]+: .", said) if said else isinstance(made, kind), said


MUCH = settings(
    max_examples=120, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)


@MUCH
@given(text=st.text(max_size=200) | damaged(EXAMPLE))
@example(text="channels: &a {post: *a}")
@example(text="budgets: {cost_usd_per_incident: 2026-13-45}")
@example(text=f"settle_seconds: {'9' * 5_000}")
@example(text="[" * 20_000)
@example(text="settle_seconds: !!float x")
@example(text="? [1]\n: 2")
def test_any_text_for_the_configuration_is_one_or_an_error_with_its_line(tmp_path, text):
    path = tmp_path / "aiops.yaml"
    path.write_bytes(text.encode("utf-8", "replace"))

    check(lambda: load_config(path), Config, "aiops.yaml")


@MUCH
@given(text=st.text(max_size=200) | damaged(RUNBOOK))
@example(text=RUNBOOK.replace("max_steps: 10", "max_steps: 2026-13-45"))
@example(text=RUNBOOK.replace("min: 0", "min: .nan"))
@example(text=RUNBOOK.replace("within: 10s", "within: &a [*a]"))
@example(text=RUNBOOK.replace("effect: read", "effect: &a {k: *a}"))
@example(text=RUNBOOK.replace("""{vessel: "{{ service }}"}""", "&a {vessel: *a}"))
@example(text=RUNBOOK.replace("steps.look.open | length > params.most", "(" * 400 + "1" + ")" * 400))
def test_any_text_for_a_runbook_is_one_or_an_error_with_its_line(text):
    check(lambda: parse_runbook(text, FILE, effects=TOOLS), Runbook, "pressure-high.md")


@pytest.mark.parametrize("data", [b"\xff\xfe", b"channels: \xe9"])
def test_a_file_that_is_no_text_names_the_byte(tmp_path, data):
    path = tmp_path / "aiops.yaml"
    path.write_bytes(data)

    with pytest.raises(ConfigError, match=r"aiops\.yaml: is not UTF-8 text \(byte"):
        load_config(path)
