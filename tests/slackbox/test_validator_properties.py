"""Whatever it is fed, the validator answers, points at what is there, and refuses what Slack's own Python models refuse."""

import copy
import json
import logging

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from slack_sdk.models.blocks import Block
from slack_sdk.models.views import View

from slackbox.blocks import find_message_problems, find_problems, find_view_problems, validate_blocks, validate_view
from tests.slackbox import samples

STEADY = settings(derandomize=True, deadline=None, max_examples=400)
DEEP = 3_000
ACTIONS = {*samples.PRESSED, *samples.PICKED, "datetimepicker"}

SCALARS = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=8), st.just(10**400), st.just("\ud800")
)
KEYS = st.one_of(st.sampled_from(["type", "text", "elements", "blocks", "a/b", "~", ""]), st.text(max_size=3))
JSON = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEYS, inner, max_size=4), max_leaves=12
)


def holding(kind):
    """One element, as small a payload as can hold it."""
    element = samples.ELEMENTS[kind]
    if kind in {*samples.TYPED, "file_input"}:
        block = {"type": "input", "label": samples.plain("x"), "element": element}
        return {"type": "modal", "title": samples.plain("x"), "submit": samples.plain("x"), "blocks": [block]}
    if kind == "image":
        return [{"type": "context", "elements": [element]}]
    return [{"type": "actions" if kind in ACTIONS else "context_actions", "elements": [element]}]


# What a change is most likely to hit: one block or one element alone, and a view.
SMALL = {
    **{f"block {kind}": lambda kind=kind: [samples.BLOCKS[kind]] for kind in samples.BLOCKS if kind != "alert"},
    **{f"element {kind}": lambda kind=kind: holding(kind) for kind in samples.ELEMENTS},
    "view of a modal": samples.modal,
    "view of a rejection": samples.rejection,
}
PAYLOADS = {
    **SMALL,
    **{f"message {name}": make for name, make in samples.MESSAGES.items()},
    **{f"view {name}": make for name, make in samples.VIEWS.items()},
}
WORDS = ["danger", "", "modal", "home", "https://e.com", "2026-02-31", "x" * 151, "x" * 3_001, "x" * 200_000]
KINDS = [
    *samples.BLOCKS,
    *samples.ELEMENTS,
    "plain_text",
    "mrkdwn",
    "raw_number",
    "text",
    "url",
    "pie",
    "file",
    "hologram",
]
# A limit of slack_sdk that Slack does not have would stand here with the reason. There is none: each of these models'
# checks is one of Slack's rules, so each refusal of theirs has to be one of ours.
STRICTER_THAN_SLACK = ()


def fresh(name):
    """A payload that shares nothing, not even with itself."""
    return json.loads(json.dumps(PAYLOADS[name]()))


def problems_of(payload):
    return find_view_problems(payload) if isinstance(payload, dict) else find_problems(payload)


def places_in(node):
    """Every container in a payload with each key or index that it has."""
    children = list(node.items()) if isinstance(node, dict) else list(enumerate(node)) if isinstance(node, list) else []
    for key, child in children:
        yield node, key
        yield from places_in(child)


def one_place_at_a_time(name):
    """A payload as often as it has places, each time with another of them."""
    for position in range(len(list(places_in(fresh(name))))):
        payload = fresh(name)
        yield payload, *list(places_in(payload))[position]


def nested(shape, depth):
    value = "x"
    for _ in range(depth):
        value = [value] if shape == "list" else {"elements": value}
    return value


# ---- mutations: each takes a payload apart at one place


def delete(draw, holder, key):
    del holder[key]


def replace(draw, holder, key):
    holder[key] = draw(JSON)


def word(draw, holder, key):
    holder[key] = draw(st.sampled_from(WORDS))


def kind(draw, holder, key):
    holder["type" if isinstance(holder, dict) else key] = draw(st.sampled_from(KINDS))


def resize(draw, holder, key):
    value, times = holder[key], draw(st.sampled_from([0, 2, 30, 300]))
    holder[key] = value * times if isinstance(value, (str, list)) else times


def double(draw, holder, key):
    if isinstance(holder, list):
        holder.insert(key, copy.deepcopy(holder[key]))
    else:
        holder[draw(KEYS)] = copy.deepcopy(holder[key])


def elsewhere(draw, holder, key):
    holder[key] = copy.deepcopy(draw(st.sampled_from([*samples.BLOCKS.values(), *samples.ELEMENTS.values()])))


def foreign_key(draw, holder, key):
    if isinstance(holder, dict):
        holder[draw(st.sampled_from([1, None, True, 2.5, ("a", "b")]))] = holder[key]


MUTATIONS = [delete, replace, word, kind, resize, double, elsewhere, foreign_key]


@st.composite
def broken(draw):
    """A valid payload after one to three mutations."""
    payload = fresh(draw(st.sampled_from(sorted(PAYLOADS))))
    for _ in range(draw(st.integers(1, 3))):
        places = list(places_in(payload))
        if places:
            mutate, position = draw(st.sampled_from(MUTATIONS)), draw(st.integers(0, len(places) - 1))
            mutate(draw, *places[position])
    return payload


def resolve(payload, pointer):
    """What a JSON pointer points at, as RFC 6901 says. Raises when there is nothing."""
    node = payload
    for part in pointer.split("/")[1:]:
        key = part.replace("~1", "/").replace("~0", "~")
        node = node[int(key)] if isinstance(node, list) else node[key]
    return node


def assert_points_into(payload, problems):
    for problem in problems:
        assert problem.pointer == "" or problem.pointer.startswith("/")
        place = resolve(payload, problem.pointer)
        if problem.code == "missing_field":
            assert isinstance(place, dict)
            # Slack takes null for "not there".
            assert place.get(problem.field) is None


@STEADY
@given(broken())
def test_however_a_payload_is_broken_the_answer_points_at_what_is_there_or_names_what_is_missing(payload):
    problems = problems_of(payload)

    assert_points_into(payload, problems)
    assert problems_of(payload) == problems


@STEADY
@given(st.lists(JSON, max_size=4) | JSON)
def test_any_json_at_all_is_answered(payload):
    assert_points_into(payload, find_problems(payload))
    assert_points_into(payload, find_message_problems(payload))
    assert_points_into(payload, find_view_problems(payload))
    assert isinstance(payload, dict) or validate_view(payload, "modal")


@STEADY
@given(broken())
def test_what_a_test_reads_is_one_line_of_text_for_each_problem(payload):
    lines = validate_blocks(payload) if isinstance(payload, list) else validate_view(payload, "modal")

    assert all(line.startswith("[ERROR] ") and "[json-pointer:/" in line for line in lines)


@pytest.mark.parametrize("shape", ["list", "object"])
@pytest.mark.parametrize("name", sorted(SMALL))
def test_deep_nesting_anywhere_is_refused_and_exhausts_nothing(name, shape):
    deep = nested(shape, DEEP)
    for payload, holder, key in one_place_at_a_time(name):
        holder[key] = deep

        # The value of a workflow's parameter is the workflow's own affair.
        assert problems_of(payload) or (key == "value" and "name" in holder)


# ---- Slack's own models as an oracle


def sdk_refuses(payload):
    """Whether slack_sdk's models raise for a view or for any of the blocks. What they do not know they let pass."""
    try:
        if isinstance(payload, dict):
            View(**payload).to_dict()
            return False
        for block in payload:
            parsed = Block.parse(block)
            if parsed is not None:
                parsed.validate_json()
                parsed.to_dict()
    except RecursionError:
        return False
    except Exception:  # noqa: BLE001 - the models refuse with many kinds of error: formation, type, key, attribute
        return True
    return False


@pytest.fixture(autouse=True, scope="module")
def _quiet():
    """The models log whatever they skip, thousands of times, broken text included, which no report of a test can carry."""
    models = logging.getLogger("slack_sdk.models")
    before = models.level
    models.setLevel(logging.ERROR)
    yield
    models.setLevel(before)


@STEADY
@given(broken())
def test_what_the_models_of_slack_sdk_refuse_is_refused_here(payload):
    assert not sdk_refuses(payload) or problems_of(payload)


JUNK = [None, True, -1, 0, 2.5, 10**12, "", "x", "x" * 76, "x" * 3_001, [], {}, [[]], [{}], [None], {"type": "x"}]


@pytest.mark.parametrize("name", sorted(SMALL))
def test_no_single_change_anywhere_is_refused_by_slack_sdk_and_accepted_here(name):
    disagreements = []
    for payload, holder, key in one_place_at_a_time(name):
        for junk in JUNK:
            holder[key] = copy.deepcopy(junk)
            if sdk_refuses(payload) and not problems_of(payload):
                disagreements.append((key, junk))
        del holder[key]
        if sdk_refuses(payload) and not problems_of(payload):
            disagreements.append((key, "deleted"))

    assert disagreements == list(STRICTER_THAN_SLACK)


@pytest.mark.parametrize("name", sorted(PAYLOADS))
def test_the_models_of_slack_sdk_accept_what_is_valid_here(name):
    payload = fresh(name)

    assert problems_of(payload) == []
    assert not sdk_refuses(payload)


def test_every_answer_is_json():
    payload = [{"type": "section", "text": {"type": "markdown", "text": 1}, "colour": "red"}, {"type": "header"}]

    assert json.loads(json.dumps([problem.as_json() for problem in find_problems(payload)]))
