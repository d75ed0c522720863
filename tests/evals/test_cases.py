"""What a case has to be, and what is said of one that is not."""

import pytest

from bot.core.errors import ConfigError
from evals.casefile import CASES, KINDS, load_case, load_cases
from tests.evals.conftest import CASE, default_alert, default_tools

SHIPPED = load_cases()


def test_at_least_forty_cases_of_every_kind_ship_a_dozen_of_them_recorded_from_a_running_system():
    kinds = {case.text.kind for case in SHIPPED}

    assert len(SHIPPED) >= 40
    assert kinds == set(KINDS)
    assert sum("recorded" in case.text.tags for case in SHIPPED) >= 12


def test_a_case_with_planted_text_holds_it_where_the_bot_reads():
    planted = [case for case in SHIPPED if case.text.planted]

    assert {case.text.kind for case in planted} >= {"injected log", "poisoned postmortem"}
    for case in planted:
        read = f"{case.calls} {case.similar} {case.delivery}".casefold()
        assert any(words.casefold() in read for words in case.text.planted), case.slug


@pytest.mark.parametrize("case", SHIPPED, ids=lambda case: case.slug)
def test_a_shipped_case_is_named_by_words_and_holds_its_evidence(case):
    assert case.slug == case.slug.lower()
    assert not any(char.isdigit() for char in case.slug)
    assert {"list_services", "read_logs"} <= {call.tool for call in case.calls}
    assert case.text.title


def test_a_case_loads(write_case):
    case = load_case(write_case())

    assert case.slug == "shop-release"
    assert case.text.expected.change_id == "dep-1"
    assert case.delivery.alerts[0].service == "shop"


@pytest.mark.parametrize(
    ("text", "where", "words"),
    [
        (CASE.replace("kind:", "kinds:"), "case.yaml:2", "did you mean 'kind'?"),
        (CASE.replace("clear cause", "clear case"), "case.yaml:1", "did you mean 'clear cause'?"),
        (CASE.replace("  cause_class: deploy", "  cause_class: release"), "case.yaml:6", "cause_class"),
        (CASE.replace("change_id: dep-1", "change_id: dep-2"), "case.yaml:7", "did you mean 'dep-1'?"),
        (CASE.replace("service: shop", "service: shops"), "case.yaml:5", "did you mean 'shop'?"),
        (CASE.replace("  cause_class: deploy", "  cause_class: no_cause"), "case.yaml:4", "change_id: null"),
        (CASE.replace("easy", "[easy"), "case.yaml:4", ""),
    ],
)
def test_a_mistake_in_case_yaml_is_named_with_its_line(write_case, text, where, words):
    with pytest.raises(ConfigError) as caught:
        load_case(write_case(case=text))

    assert where in str(caught.value)
    assert words in str(caught.value)


def test_a_tool_call_without_answer_is_named_with_its_line(write_case):
    tools = default_tools()
    del tools["calls"][1]["answer"]

    with pytest.raises(ConfigError, match=r"tools\.json:\d+: calls\.1: .*either answer or error"):
        load_case(write_case(tools=tools))


def test_broken_json_is_named_with_its_line(write_case):
    with pytest.raises(ConfigError, match=r"tools\.json:2: is not valid JSON"):
        load_case(write_case(tools='{"calls": [\n oops]}'))


def test_an_alert_that_the_webhook_would_refuse_is_refused(write_case):
    with pytest.raises(ConfigError, match=r"alert\.json:1: .*startsAt"):
        load_case(
            write_case(alert=default_alert() | {"alerts": [{"status": "firing", "labels": {}, "startsAt": "soon"}]})
        )


def test_an_unknown_slug_is_answered_with_the_nearest():
    name = SHIPPED[0].slug

    with pytest.raises(ConfigError, match=f"did you mean '{name}'"):
        load_cases(CASES, [name[:-1]])


def test_a_folder_without_cases_says_so(tmp_path):
    with pytest.raises(ConfigError, match="holds no cases"):
        load_cases(tmp_path)
