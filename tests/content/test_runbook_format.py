"""A runbook that could do harm, or could not work, is refused with file, line and the nearest valid name."""

from pathlib import Path

import pytest

from bot.adapters.runbook_format import parse_runbook
from bot.adapters.runbooks import load_runbooks
from bot.adapters.templates import JinjaTemplates
from bot.core.errors import ConfigError, PayloadError
from bot.core.parameters import read_parameter, read_parameters
from bot.core.policy import Effect
from bot.core.runbook import Parameter, ParameterKind
from tests.acting.plant import EFFECTS, RUNBOOK

TOOLS = {name: Effect(effect) for name, effect in EFFECTS.items()}
FILE = Path("runbooks/pressure-high.md")


def parse(text: str):
    return parse_runbook(text, FILE, effects=TOOLS)


def line_of(text: str, part: str) -> int:
    return next(number for number, line in enumerate(text.splitlines(), 1) if part in line)


def test_a_good_one_loads_with_everything_that_it_says():
    runbook = parse(RUNBOOK)

    assert (runbook.id, runbook.environments, runbook.limits.max_targets) == ("pressure-high", ("default",), 5)
    assert [step.id for step in runbook.writes] == ["shut"]
    assert runbook.limits.max_duration_s == 1_800
    assert runbook.step("shut").rollback.effect is Effect.WRITE
    assert runbook.version == runbook.sha256[:12]


BAD = {
    "an unknown key in the front matter": ("limits:", "limitss:", "unknown key 'limitss'; did you mean 'limits'?"),
    "an unknown key in a step": ("  title: Open them again", "  titel: Open them again", "did you mean 'title'?"),
    "an unknown tool": (
        "tool: close_valves",
        "tool: close_valve",
        "the tool 'close_valve' is not listed; did you mean 'close_valves'?",
    ),
    "another effect than the tool's": (
        "effect: destructive",
        "effect: write",
        "the tool close_valves is destructive, but the step says write",
    ),
    "a tool that only the post-condition misnames": (
        "expect:\n  tool: read_valves",
        "expect:\n  tool: reed_valves",
        "the tool 'reed_valves' is not listed; did you mean 'read_valves'?",
    ),
    "a post-condition that would change something": (
        "expect:\n  tool: read_valves",
        "expect:\n  tool: open_valves",
        "the tool open_valves is write, but the step says read",
    ),
    "an undeclared parameter": (
        "> params.most\nbounds",
        "> params.mots\nbounds",
        "there is no parameter 'mots'; did you mean 'most'?",
    ),
    "a result of no earlier step": (
        "steps.look.open | length >",
        "steps.lok.open | length >",
        "there is no earlier step 'lok'; did you mean 'look'?",
    ),
    "an unknown name": ("{{ service }}", "{{ servise }}", "'servise' is not known here; did you mean 'service'?"),
    "a bad expression": ("args.valves | length <= 5", "args.valves | length <=", "is not a valid expression"),
    "an unknown filter": ("map(attribute='id') | list", "map(attribute='id') | lst", "No filter named 'lst'"),
    "unbounded targets": (", max_targets: 5}", "}", "its targets are unbounded; set `max_targets:`"),
    "no environments": ("environments: [default]\n", "", "must name its environments"),
    "a bad duration": ("max_duration: 30m", "max_duration: half an hour", "is not a duration such as 90s, 15m or 1h"),
    "a number without bounds": (", min: 0, max: 10", "", "a number needs min and max"),
    "an unknown section": ("## Verify", "## Verfy", "did you mean 'Verify'?"),
    "an unclosed step": ("  within: 10s\n  every: 1s\nrollback", "  within: 10s\n  every: [1s\nrollback", "expected"),
    "a step that only reads and has a rollback": (
        'tool: read_valves\nargs: {vessel: "{{ service }}"}\neffect: read\n```',
        'tool: read_valves\nargs: {vessel: "{{ service }}"}\neffect: read\nmax_targets: 3\n```',
        "a read step has no expect, rollback or max_targets",
    ),
}


@pytest.mark.parametrize("what", BAD)
def test_it_is_refused_with_file_line_and_the_nearest_valid_name(what):
    good, bad, said = BAD[what]
    assert good in RUNBOOK
    text = RUNBOOK.replace(good, bad, 1)

    with pytest.raises(ConfigError) as caught:
        parse(text)

    message = str(caught.value)
    assert said in message
    assert message.startswith(f"{FILE}:")
    assert message.split(":")[1].isdigit()


def test_a_write_without_a_post_condition_is_refused():
    start = RUNBOOK.index("expect:\n  tool: read_valves")
    text = RUNBOOK[:start] + RUNBOOK[RUNBOOK.index("rollback:") :]

    with pytest.raises(ConfigError, match="needs `expect:`"):
        parse(text)


def test_only_a_read_can_be_optional():
    runbook = parse(RUNBOOK.replace("effect: read\n", "effect: read\noptional: true\n", 1))
    assert [step.id for step in runbook.steps if step.optional] == [runbook.steps[0].id]
    with pytest.raises(ConfigError, match="only a step that reads can be optional"):
        parse(RUNBOOK.replace("effect: destructive\n", "effect: destructive\noptional: true\n", 1))


def test_a_write_in_the_diagnosis_is_refused():
    text = RUNBOOK.replace("## Mitigation\n", "", 1).replace("## Verify", "## Mitigation\n\n## Verify")

    with pytest.raises(ConfigError, match="a step of Diagnosis only reads"):
        parse(text)


def test_the_line_is_that_of_the_step():
    text = RUNBOOK.replace("tool: close_valves", "tool: close_valve", 1)

    with pytest.raises(ConfigError) as caught:
        parse(text)

    assert f":{line_of(text, 'id: shut')}:" in str(caught.value)


def test_a_bad_one_leaves_the_others_working(tmp_path):
    (tmp_path / "good.md").write_text(RUNBOOK, encoding="utf-8")
    (tmp_path / "bad.md").write_text(RUNBOOK.replace("tool: close_valves", "tool: x", 1), encoding="utf-8")

    loaded = load_runbooks([tmp_path], effects=TOOLS)

    assert [one.id for one in loaded.runbooks] == ["pressure-high"]
    assert len(loaded.problems) == 1
    assert "bad.md:" in loaded.problems[0]


def test_two_runbooks_cannot_claim_the_same_alert(tmp_path):
    (tmp_path / "a.md").write_text(RUNBOOK, encoding="utf-8")
    (tmp_path / "b.md").write_text(RUNBOOK.replace("id: pressure-high", "id: other", 1), encoding="utf-8")

    loaded = load_runbooks([tmp_path], effects=TOOLS)

    assert [one.id for one in loaded.runbooks] == ["pressure-high"]
    assert "alert PressureHigh is taken by" in loaded.problems[0]


INTEGER = Parameter(name="most", kind=ParameterKind.INTEGER, description="How many", minimum=1, maximum=5)
TEXT = Parameter(name="host", kind=ParameterKind.STRING, description="Which", pattern=r"[a-z]{1,8}")
CHOICE = Parameter(name="policy", kind=ParameterKind.CHOICE, description="Which", choices=("keep", "evict"))
TRUTH = Parameter(name="force", kind=ParameterKind.BOOLEAN, description="Whether")
NUMBER = Parameter(name="share", kind=ParameterKind.NUMBER, description="How much", minimum=0, maximum=1)


@pytest.mark.parametrize(
    ("parameter", "raw", "value"),
    [
        (INTEGER, "3", 3),
        (INTEGER, 5, 5),
        (TEXT, " db ", "db"),
        (CHOICE, "keep", "keep"),
        (TRUTH, "Yes", True),
        (NUMBER, "0.5", 0.5),
    ],
)
def test_a_parameter_within_its_bounds_becomes_a_typed_value(parameter, raw, value):
    assert read_parameter(parameter, raw) == value


@pytest.mark.parametrize(
    ("parameter", "raw"),
    [
        (INTEGER, "0"),
        (INTEGER, "6"),
        (INTEGER, "2.5"),
        (INTEGER, "two"),
        (TEXT, "db; drop"),
        (TEXT, ""),
        (TEXT, "DB\nx"),
        (CHOICE, "flush"),
        (TRUTH, "perhaps"),
        (NUMBER, "nan"),
        (NUMBER, "inf"),
        (NUMBER, "1.01"),
    ],
)
def test_a_parameter_outside_its_bounds_is_refused_by_name(parameter, raw):
    with pytest.raises(PayloadError, match=f"^{parameter.name}: "):
        read_parameter(parameter, raw)


def test_what_is_missing_and_what_is_not_known_is_named():
    runbook = parse(RUNBOOK.replace('default: "2", ', "", 1))

    values, problems = read_parameters(runbook, {"mots": "3"}, lambda text: text)

    assert values == {}
    assert problems == {
        "mots": "mots: this runbook has no such parameter",
        "most": "most is missing: How many valves may stay open",
    }


@pytest.mark.parametrize(
    ("template", "value"),
    [
        ("{{ [1, 2] }}", [1, 2]),
        ("{{ n }}", 3),
        ("n is {{ n }}", "n is 3"),
        ("{{ rows | map('pick', 'a') | list }}", [{"a": 1}]),
        ("{{ rows | selectattr('a', 'ge', 1) | map(attribute='b') | list }}", ["x"]),
        (True, True),
        ({"deep": ["{{ n + 1 }}"]}, {"deep": [4]}),
    ],
)
def test_a_value_that_is_one_expression_keeps_its_type(template, value):
    scope = {"n": 3, "rows": [{"a": 1, "b": "x"}]}

    assert JinjaTemplates().fill({"it": template}, scope) == {"it": value}


@pytest.mark.parametrize(
    "template",
    [
        "{{ gone }}",
        "{{ rows.nothing }}",
        "{{ ''.__class__.__mro__ }}",
        "{{ rows.append(1) }}",
        "{{ 1 / 0 }}",
        "x{{ 'x' * 30000 }}",
        "{{ 'x' * 300000 }}",
    ],
)
def test_what_is_not_there_or_not_allowed_is_an_error_and_never_an_empty_text(template):
    with pytest.raises(ConfigError):
        JinjaTemplates().fill({"it": template}, {"rows": []})


def test_values_are_put_into_templates_and_never_read_as_templates():
    scope = {"labels": {"pod": "{{ 7 * 7 }}{% raw %}"}}

    assert JinjaTemplates().fill({"it": "pod {{ labels.pod }}"}, scope) == {"it": "pod {{ 7 * 7 }}{% raw %}"}
