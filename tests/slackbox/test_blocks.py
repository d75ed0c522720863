"""The Block Kit validator."""

import copy

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from slackbox import limits
from slackbox.blocks import validate_blocks, validate_view
from tests.slackbox import samples

JUNK = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=5), st.just([]), st.just({}), st.just([[]])
)


def section(**more):
    return {"type": "section", "text": samples.mrkdwn("hello"), **more}


def actions(*elements, **more):
    return {"type": "actions", "elements": list(elements), **more}


def options(count):
    return [{"text": samples.plain(str(n)), "value": str(n)} for n in range(count)]


@pytest.mark.parametrize("name", samples.MESSAGES)
def test_messages_as_a_bot_posts_them_are_valid(name):
    assert validate_blocks(samples.MESSAGES[name]()) == []


def test_every_block_type_stands_in_a_sample():
    seen = {block["type"] for make in samples.MESSAGES.values() for block in make()}
    seen |= {block["type"] for block in samples.modal()["blocks"]}
    assert set(limits.SURFACES) - seen == set()


REFUSED = {
    "header too long": ([{"type": "header", "text": samples.plain("x" * 151)}], "/blocks/0/text/text"),
    "header in mrkdwn": ([{"type": "header", "text": samples.mrkdwn("x")}], "/blocks/0/text/type"),
    "unknown type": ([{"type": "sektion"}], "/blocks/0/type"),
    "unknown field": ([section(colour="red")], "/blocks/0/colour"),
    "section without content": ([{"type": "section"}], "/blocks/0"),
    "section text too long": ([section(text=samples.mrkdwn("x" * 3001))], "/blocks/0/text/text"),
    "empty text": ([section(text=samples.mrkdwn(""))], "/blocks/0/text/text"),
    "field too long": ([section(fields=[samples.mrkdwn("x" * 2001)])], "/blocks/0/fields/0/text"),
    "eleven fields": ([section(fields=[samples.mrkdwn("x")] * 11)], "/blocks/0/fields"),
    "eleven context elements": ([{"type": "context", "elements": [samples.mrkdwn("x")] * 11}], "/blocks/0/elements"),
    "26 buttons": ([actions(*(samples.button("x", str(n)) for n in range(26)))], "/blocks/0/elements"),
    "button text too long": ([actions(samples.button("x" * 76, "a"))], "/blocks/0/elements/0/text/text"),
    "button value too long": ([actions(samples.button("x", "a", value="v" * 2001))], "/blocks/0/elements/0/value"),
    "button style": ([actions(samples.button("x", "a", style="warning"))], "/blocks/0/elements/0/style"),
    "same action id": (
        [actions(samples.button("x", "a"), samples.button("y", "a"))],
        "/blocks/0/elements/1/action_id",
    ),
    "same block id": ([section(block_id="b"), section(block_id="b")], "/blocks/1/block_id"),
    "six overflow options": (
        [actions({"type": "overflow", "action_id": "o", "options": options(6)})],
        "/blocks/0/elements/0/options",
    ),
    "101 select options": (
        [actions({"type": "static_select", "action_id": "o", "options": options(101)})],
        "/blocks/0/elements/0/options",
    ),
    "eleven radio buttons": (
        [actions({"type": "radio_buttons", "action_id": "o", "options": options(11)})],
        "/blocks/0/elements/0/options",
    ),
    "empty alt text": ([{"type": "image", "image_url": "https://e.com/a.png", "alt_text": ""}], "/blocks/0/alt_text"),
    "image without address": ([{"type": "image", "alt_text": "a"}], "/blocks/0"),
    "script as address": ([actions(samples.button("x", "a", url="javascript:1"))], "/blocks/0/elements/0/url"),
    "51 blocks": ([section() for _ in range(51)], "/blocks"),
    "alert in a message": ([{"type": "alert", "text": samples.plain("x")}], "/blocks/0"),
    "two tables": (
        [{"type": "table", "rows": [[samples.cell("a")]]}, {"type": "table", "rows": [[samples.cell("b")]]}],
        "/blocks",
    ),
    "101 rows": ([{"type": "table", "rows": [[samples.cell("a")]] * 101}], "/blocks/0/rows"),
    "21 cells": ([{"type": "table", "rows": [[samples.cell("a")] * 21]}], "/blocks/0/rows/0"),
    "table of 10001 characters": ([{"type": "table", "rows": [[samples.cell("a" * 5001)] * 2]}], "/blocks"),
    "markdown in total": ([{"type": "markdown", "text": "x" * 6001}] * 2, "/blocks"),
    "task status": (
        [{"type": "task_card", "task_id": "1", "title": "t", "status": "done"}],
        "/blocks/0/status",
    ),
    "51 tasks": (
        [
            {
                "type": "plan",
                "title": "p",
                "tasks": [
                    {"type": "task_card", "task_id": str(n), "title": "t", "status": "pending"} for n in range(51)
                ],
            }
        ],
        "/blocks/0/tasks",
    ),
    "carousel in a container": (
        [{"type": "container", "title": samples.plain("c"), "child_blocks": [samples.similar()[0]]}],
        "/blocks/0/child_blocks/0/type",
    ),
    "collapsed but not collapsible": (
        [{"type": "container", "title": samples.plain("c"), "child_blocks": [section()], "default_collapsed": True}],
        "/blocks/0/default_collapsed",
    ),
    "eleven cards": ([{"type": "carousel", "elements": [samples.card("t", "b", "a")] * 11}], "/blocks/0/elements"),
    "card body too long": ([samples.card("t", "b" * 201, "a")], "/blocks/0/body/text"),
    "empty card": ([{"type": "card"}], "/blocks/0"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_slack_refuses_is_refused_with_a_pointer_to_the_place(case):
    blocks, pointer = REFUSED[case]
    problems = validate_blocks(blocks)
    assert any(problem.endswith(f"[json-pointer:{pointer}]") for problem in problems), problems


def chart(**changes):
    block = copy.deepcopy(samples.digest()[1])
    block["chart"].update(changes)
    return block


def test_chart_series_need_one_point_for_each_category():
    short = samples.series("top 1", 1, 2, 3, 4, 5, 6)
    short["data"].pop()
    (problem,) = validate_blocks([chart(series=[short])])
    assert problem.endswith("[json-pointer:/blocks/0/chart/series/0/data]")


def test_chart_series_names_are_unique():
    twice = [samples.series("a", 1, 2, 3, 4, 5, 6)] * 2
    (problem,) = validate_blocks([chart(series=twice)])
    assert "unique" in problem


def test_three_charts_are_one_too_many():
    assert validate_blocks([chart(), chart(), chart()])


def test_a_pie_has_only_positive_slices():
    block = copy.deepcopy(samples.digest()[2])
    block["chart"]["segments"][0]["value"] = 0
    (problem,) = validate_blocks([block])
    assert problem.endswith("/segments/0/value]")


def test_every_row_of_a_data_table_is_as_long_as_its_header():
    block = copy.deepcopy(samples.digest()[3])
    block["rows"][2].pop()
    (problem,) = validate_blocks([block])
    assert problem.endswith("[json-pointer:/blocks/0/rows/2]")


def test_the_same_action_id_may_stand_in_two_blocks():
    assert validate_blocks([actions(samples.button("x", "a")), actions(samples.button("y", "a"))]) == []


def test_a_modal_is_valid():
    assert validate_view(samples.modal(), "modal") == []


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        ({"title": samples.plain("x" * 25)}, "/view/title/text"),
        ({"submit": None}, "/view/submit"),
        ({"private_metadata": "x" * 3001}, "/view/private_metadata"),
        ({"blocks": samples.progress()}, "/view/blocks/0"),
        ({"blocks": samples.similar()[1:]}, "/view/blocks/0"),
        ({"type": "home"}, "/view/type"),
    ],
)
def test_modal_rules(change, pointer):
    view = samples.modal() | change
    if change.get("submit", "") is None:
        del view["submit"]
    assert any(problem.endswith(f"[json-pointer:{pointer}]") for problem in validate_view(view, "modal"))


def paths(node, path=()):
    yield path
    children = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
    for key, child in children:
        yield from paths(child, (*path, key))


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_no_mutation_makes_the_validator_crash(data):
    blocks = copy.deepcopy(data.draw(st.sampled_from(list(samples.MESSAGES.values())))())
    for _ in range(data.draw(st.integers(1, 3))):
        path = data.draw(st.sampled_from([path for path in paths(blocks) if path]))
        node = blocks
        for key in path[:-1]:
            node = node[key]
        if isinstance(node, dict) and data.draw(st.booleans()):
            del node[path[-1]]
        else:
            node[path[-1]] = data.draw(JUNK)
    problems = validate_blocks(blocks)
    assert all("[json-pointer:/blocks" in problem for problem in problems)


@given(JUNK)
def test_anything_that_is_not_a_view_is_refused(junk):
    assert validate_view(junk, "modal")
