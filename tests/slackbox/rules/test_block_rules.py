"""Rules 28 and 29: what Slack refuses in blocks and views, where it says the offence is, and that nothing is ignored.

What is accepted where is written down here once more, apart from slackbox/limits.py, so that a slip there is seen.
"""

import ast
import copy
import re
from pathlib import Path

import pytest

import slackbox
from slackbox import limits
from slackbox.blocks import find_problems, find_view_problems, validate_blocks, validate_view
from tests.slackbox import samples
from tests.slackbox.rules.block_cases import CASES, ask, home, modal, one, press
from tests.slackbox.samples import button, cell, mrkdwn, option, plain, rich

ROOT = Path(slackbox.__file__).parent
# Rows that hold for a whole call and are proven over HTTP in test_block_method_rules.py.
OF_CALLS = {
    "MESSAGE_ATTACHMENTS",
    "MESSAGE_BLOCK_CHARACTERS",
    "MESSAGE_TEXT",
    "METADATA_BYTES",
    "VALIDATE_CHARACTERS",
    "VIEW_BYTES",
}


def problems_of(payload):
    return find_problems(payload) if isinstance(payload, list) else find_view_problems(payload)


def pointers_of(payload):
    return [problem.pointer for problem in problems_of(payload)]


def section(**more):
    return {"type": "section", "text": mrkdwn("hello"), **more}


def actions(*elements, **more):
    return {"type": "actions", "elements": list(elements), **more}


def changed(block, **changes):
    """A copy of a sample block; a change to None takes the field out."""
    made = copy.deepcopy(samples.BLOCKS[block] if isinstance(block, str) else block) | changes
    return {name: value for name, value in made.items() if value is not None}


# ---- rule 28: the table of limits


@pytest.mark.slack_rule(28)
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_what_is_as_long_as_the_limit_is_accepted(case):
    assert problems_of(case.of(getattr(limits, case.limit))) == []


@pytest.mark.slack_rule(28)
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_what_is_one_over_the_limit_is_refused_at_its_place(case):
    most = getattr(limits, case.limit)
    found = [problem for problem in problems_of(case.of(most + 1)) if problem.pointer == case.place]

    assert found
    sizes = [problem.constraint["expected"] for problem in found if "expected" in (problem.constraint or {})]
    assert case.limit == "TABLE_CELLS" or not sizes or most in sizes


def limits_read_by(*paths):
    """The names of the rows of limits.py that these files read."""
    trees = [ast.parse(path.read_text(encoding="utf-8")) for path in paths]
    return {
        node.attr
        for tree in trees
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "limits"
    }


def rows():
    return {name for name, value in vars(limits).items() if name.isupper() and isinstance(value, int)}


@pytest.mark.slack_rule(28)
def test_every_row_of_the_table_about_blocks_is_tested_at_and_over_its_limit():
    read = limits_read_by(*(ROOT / "blocks").glob("*.py"), ROOT / "content.py", ROOT / "methods" / "validation.py")

    assert (read & rows()) - {case.limit for case in CASES} - OF_CALLS == set()


@pytest.mark.slack_rule(28)
def test_no_row_of_the_table_stands_unused():
    assert rows() - limits_read_by(*ROOT.rglob("*.py")) == set()


# ---- rule 28: what else is refused, and where

REFUSED = {
    "a block that is no object": (["section"], "/0"),
    "a block without a type": ([{"text": plain("x")}], "/0"),
    "a type that is no word": ([{"type": 7}], "/0/type"),
    "a header in mrkdwn": ([changed("header", text=mrkdwn("x"))], "/0/text/type"),
    "a header without text": ([{"type": "header"}], "/0"),
    "a header of level 0": ([changed("header", level=0)], "/0/level"),
    "a section without content": ([{"type": "section"}], "/0"),
    "a section of no fields": ([{"type": "section", "fields": []}], "/0/fields"),
    "an empty text": ([section(text=mrkdwn(""))], "/0/text/text"),
    "a text without a type": ([section(text={"text": "x"})], "/0/text"),
    "emoji in mrkdwn": ([section(text={"type": "mrkdwn", "text": "x", "emoji": True})], "/0/text/emoji"),
    "verbatim in plain text": (
        [section(text={"type": "plain_text", "text": "x", "verbatim": True})],
        "/0/text/verbatim",
    ),
    "no elements": ([actions()], "/0/elements"),
    "the same action_id twice": ([actions(button("x", "a"), button("y", "a"))], "/0/elements/1/action_id"),
    "the same action_id in two rows": (
        [
            {
                "type": "data_table",
                "caption": "c",
                "rows": [[cell("a")], *([[{"type": "action_cell", "element": button("x", "a")}]] * 2)],
            }
        ],
        "/0/rows/2/0/element/action_id",
    ),
    "the same block_id twice": ([section(block_id="b"), section(block_id="b")], "/1/block_id"),
    "a block_id that stands in a container too": (
        [
            section(block_id="b"),
            {"type": "container", "title": plain("c"), "child_blocks": [section(block_id="b")]},
        ],
        "/1/child_blocks/0/block_id",
    ),
    "a button's style": ([actions(button("x", "a", style="warning"))], "/0/elements/0/style"),
    "a script as address": ([actions(button("x", "a", url="javascript:1"))], "/0/elements/0/url"),
    "a confirmation without a text": (
        [actions(button("x", "a", confirm={"title": plain("x"), "confirm": plain("x"), "deny": plain("x")}))],
        "/0/elements/0/confirm",
    ),
    "a confirmation with a title in mrkdwn": (
        [actions(button("x", "a", confirm=samples.CONFIRM | {"title": mrkdwn("x")}))],
        "/0/elements/0/confirm/title/type",
    ),
    "a confirmation's style": (
        [actions(button("x", "a", confirm=samples.CONFIRM | {"style": "loud"}))],
        "/0/elements/0/confirm/style",
    ),
    "options and groups of them": (
        [actions(samples.menu("static_select", options=samples.CAUSES, option_groups=samples.GROUPS))],
        "/0/elements/0",
    ),
    "neither options nor groups": ([actions(samples.menu("static_select"))], "/0/elements/0"),
    "two options with one value": (
        [actions(samples.menu("static_select", options=[option("A"), option("A")]))],
        "/0/elements/0/options",
    ),
    "an option in mrkdwn in a menu": (
        [actions(samples.menu("static_select", options=[{"text": mrkdwn("x"), "value": "x"}]))],
        "/0/elements/0/options/0/text/type",
    ),
    "an option with an address outside of overflow": (
        [actions(samples.menu("static_select", options=[option("A", url="https://e.com")]))],
        "/0/elements/0/options/0/url",
    ),
    "an initial option that is not offered": (
        [actions(samples.menu("static_select", options=samples.CAUSES, initial_option=option("Moon")))],
        "/0/elements/0/initial_option",
    ),
    "an initial option of no group": (
        [actions(samples.menu("static_select", option_groups=samples.GROUPS, initial_option=option("Moon")))],
        "/0/elements/0/initial_option",
    ),
    "one of the initial options that is not offered": (
        [actions(samples.menu("multi_static_select", options=samples.CAUSES, initial_options=[option("Moon")]))],
        "/0/elements/0/initial_options/0",
    ),
    "an overflow menu of nothing": ([actions({"type": "overflow", "options": []})], "/0/elements/0/options"),
    "a date that is none": (
        [actions(samples.menu("datepicker", initial_date="23.11.2026"))],
        "/0/elements/0/initial_date",
    ),
    "a time that is none": ([actions(samples.menu("timepicker", initial_time="9:30"))], "/0/elements/0/initial_time"),
    "a filter of nothing": ([actions(samples.menu("conversations_select", filter={}))], "/0/elements/0/filter"),
    "two elements that take the focus": (
        [actions(*(samples.menu(kind, focus_on_load=True) for kind in ("users_select", "channels_select")))],
        "/0/elements/1/focus_on_load",
    ),
    "an icon that is no trash": (
        [{"type": "context_actions", "elements": [samples.ELEMENTS["icon_button"] | {"icon": "star"}]}],
        "/0/elements/0/icon",
    ),
    "feedback with one button": (
        [
            {
                "type": "context_actions",
                "elements": [{"type": "feedback_buttons", "positive_button": {"text": plain("x"), "value": "x"}}],
            }
        ],
        "/0/elements/0",
    ),
    "a workflow button without a workflow": (
        [actions({"type": "workflow_button", "text": plain("x")})],
        "/0/elements/0",
    ),
    "an empty alt_text": ([changed("image", alt_text="")], "/0/alt_text"),
    "no alt_text": ([changed("image", alt_text=None)], "/0"),
    "an image without an address": ([changed("image", image_url=None)], "/0"),
    "an image with an address and a file": ([changed("image", slack_file={"id": "F1"})], "/0"),
    "a file with an id and an address": (
        [changed("image", image_url=None, slack_file={"id": "F1", "url": "https://e.com"})],
        "/0/slack_file",
    ),
    "a video that is not https": ([changed("video", video_url="http://e.com")], "/0/video_url"),
    "rich text in a list outside of a section": (
        [
            {
                "type": "rich_text",
                "elements": [
                    {"type": "rich_text_list", "style": "bullet", "elements": [{"type": "text", "text": "x"}]}
                ],
            }
        ],
        "/0/elements/0/elements/0/type",
    ),
    "a person in preformatted text": (
        [
            {
                "type": "rich_text",
                "elements": [{"type": "rich_text_preformatted", "elements": [{"type": "user", "user_id": "U0ANA"}]}],
            }
        ],
        "/0/elements/0/elements/0/type",
    ),
    "a ping to nobody known": (
        [
            {
                "type": "rich_text",
                "elements": [{"type": "rich_text_section", "elements": [{"type": "broadcast", "range": "all"}]}],
            }
        ],
        "/0/elements/0/elements/0/range",
    ),
    "a color that is none": (
        [
            {
                "type": "rich_text",
                "elements": [{"type": "rich_text_section", "elements": [{"type": "color", "value": "red"}]}],
            }
        ],
        "/0/elements/0/elements/0/value",
    ),
    "a table without rows": ([{"type": "table", "rows": []}], "/0/rows"),
    "a row without cells": ([{"type": "table", "rows": [[]]}], "/0/rows/0"),
    "an empty cell": ([{"type": "table", "rows": [[cell("")]]}], "/0/rows/0/0/text"),
    "a number without its text": ([{"type": "table", "rows": [[{"type": "raw_number", "value": 1}]]}], "/0/rows/0/0"),
    "a number that is none": (
        [{"type": "table", "rows": [[{"type": "raw_number", "value": float("nan"), "text": "?"}]]}],
        "/0/rows/0/0/value",
    ),
    "a button in a plain table": (
        [{"type": "table", "rows": [[{"type": "action_cell", "element": button("x", "a")}]]}],
        "/0/rows/0/0/type",
    ),
    "a column's alignment": (
        [{"type": "table", "rows": [[cell("a")]], "column_settings": [{"align": "top"}]}],
        "/0/column_settings/0/align",
    ),
    "a data table without a caption": ([{"type": "data_table", "rows": [[cell("a")], [cell("b")]]}], "/0"),
    "a data table of a header alone": ([{"type": "data_table", "caption": "c", "rows": [[cell("a")]]}], "/0/rows"),
    "a header cell of rich text": (
        [{"type": "data_table", "caption": "c", "rows": [[rich("a")], [cell("b")]]}],
        "/0/rows/0/0",
    ),
    "a row shorter than the header": (
        [{"type": "data_table", "caption": "c", "rows": [[cell("a"), cell("b")], [cell("c")]]}],
        "/0/rows/1",
    ),
    "rows named by a column that is not there": (
        [{"type": "data_table", "caption": "c", "rows": [[cell("a")], [cell("b")]], "row_header_column_index": 1}],
        "/0/row_header_column_index",
    ),
    "pages of nothing": (
        [{"type": "data_table", "caption": "c", "rows": [[cell("a")], [cell("b")]], "page_size": 0}],
        "/0/page_size",
    ),
    "a fallback that is a button again": (
        [
            {
                "type": "data_table",
                "caption": "c",
                "rows": [[cell("a")], [{"type": "action_cell", "element": button("x", "a"), "fallback": rich("x")}]],
            }
        ],
        "/0/rows/1/0/fallback/type",
    ),
    "a task's status": ([samples.task("1", "t", "done")], "/0/status"),
    "a task without a status": ([{"type": "task_card", "task_id": "1", "title": "t"}], "/0"),
    "a source that is no address": (
        [samples.task("1", "t", "error") | {"sources": [{"type": "url", "url": "v42", "text": "x"}]}],
        "/0/sources/0/url",
    ),
    "two tasks with one id": (
        [{"type": "plan", "title": "p", "tasks": [samples.task("1", "t", "pending")] * 2}],
        "/0/tasks",
    ),
    "a plan of blocks": ([{"type": "plan", "title": "p", "tasks": [section()]}], "/0/tasks/0/type"),
    "an empty card": ([{"type": "card"}], "/0"),
    "a card of a subtitle alone": ([{"type": "card", "subtitle": plain("x")}], "/0"),
    "a card with two icons": (
        [changed("card", slack_icon={"type": "icon", "name": "bug"}, icon=samples.ELEMENTS["image"])],
        "/0/slack_icon",
    ),
    "an icon that Slack has not": (
        [changed("card", slack_icon={"type": "icon", "name": "unicorn"})],
        "/0/slack_icon/name",
    ),
    "a menu in a card": ([changed("card", actions=[samples.ELEMENTS["users_select"]])], "/0/actions/0/type"),
    "an empty carousel": ([{"type": "carousel", "elements": []}], "/0/elements"),
    "a section in a carousel": ([{"type": "carousel", "elements": [section()]}], "/0/elements/0/type"),
    "a container without a title": ([{"type": "container", "child_blocks": [section()]}], "/0"),
    "an empty container": ([{"type": "container", "title": plain("c"), "child_blocks": []}], "/0/child_blocks"),
    "a container that is closed and cannot be opened": (
        [{"type": "container", "title": plain("c"), "child_blocks": [section()], "default_collapsed": True}],
        "/0/default_collapsed",
    ),
    "a divider under a header that folds": (
        [
            {
                "type": "container",
                "title": plain("c"),
                "child_blocks": [section()],
                "is_collapsible": True,
                "has_header_divider": True,
            }
        ],
        "/0/has_header_divider",
    ),
    "a connection inside a connection": (
        [changed("auth_provider", fallback=[samples.CONNECTION])],
        "/0/fallback/0/type",
    ),
    "a connection with another menu": (
        [changed("auth_provider", accessory=button("x", "a"))],
        "/0/accessory/type",
    ),
    "a response_url in a message": (
        [actions(samples.menu("channels_select", response_url_enabled=True))],
        "/0/elements/0/response_url_enabled",
    ),
    "a chart without a title": (
        [{"type": "data_visualization", "chart": samples.BLOCKS["data_visualization"]["chart"]}],
        "/0",
    ),
    "a chart of no kind": ([changed("data_visualization", chart={"type": "donut"})], "/0/chart/type"),
    "a pie with axes": (
        [
            changed(
                "data_visualization", chart={"type": "pie", "segments": [{"label": "a", "value": 1}], "axis_config": {}}
            )
        ],
        "/0/chart/axis_config",
    ),
}


@pytest.mark.slack_rule(28)
@pytest.mark.parametrize("case", REFUSED)
def test_what_slack_refuses_is_refused_at_its_place(case):
    blocks, pointer = REFUSED[case]

    assert pointer in pointers_of(blocks)


@pytest.mark.slack_rule(28)
def test_the_same_action_id_may_stand_in_two_blocks():
    assert problems_of([actions(button("x", "a")), actions(button("y", "a"))]) == []


@pytest.mark.slack_rule(28)
def test_two_cards_may_use_one_action_id_and_so_may_a_message_with_no_blocks():
    assert problems_of([{"type": "carousel", "elements": [samples.card("t", "b", "a")] * 2}]) == []
    assert problems_of([]) == []


CHART_KINDS = ("line", "bar", "area")


def chart(kind, *series, categories=samples.WEEKS):
    return [
        {
            "type": "data_visualization",
            "title": "t",
            "chart": {"type": kind, "series": list(series), "axis_config": {"categories": list(categories)}},
        }
    ]


@pytest.mark.slack_rule(28)
@pytest.mark.parametrize("kind", CHART_KINDS)
def test_a_chart_has_one_point_for_each_category_and_they_may_be_below_zero(kind):
    whole = samples.series("a", -1, 0, 2.5, 3, 4, 5)
    short, odd, double = (copy.deepcopy(whole) for _ in range(3))
    short["data"].pop()
    odd["data"][0]["label"] = "W99"
    double["data"][0]["label"] = double["data"][1]["label"]

    assert problems_of(chart(kind, whole)) == []
    for wrong in (short, odd, double):
        assert pointers_of(chart(kind, whole, wrong | {"name": "b"})) == ["/0/chart/series/1/data"]


@pytest.mark.slack_rule(28)
@pytest.mark.parametrize("kind", CHART_KINDS)
def test_the_series_of_a_chart_have_names_of_their_own_and_so_have_its_categories(kind):
    series = samples.series("a", 1, 2, 3, 4, 5, 6)
    twice = chart(kind, {"name": "a", "data": [{"label": "W1", "value": 1}] * 2}, categories=["W1", "W1"])

    assert pointers_of(chart(kind, series, series)) == ["/0/chart/series"]
    assert pointers_of(twice) == ["/0/chart/axis_config/categories"]
    assert pointers_of(chart(kind)) == ["/0/chart/series"]


@pytest.mark.slack_rule(28)
@pytest.mark.parametrize("value", [0, -1])
def test_the_slices_of_a_pie_are_more_than_nothing(value):
    segments = [{"label": "deploy", "value": 3}, {"label": "data", "value": value}]
    pie = [{"type": "data_visualization", "title": "t", "chart": {"type": "pie", "segments": segments}}]

    assert pointers_of(pie) == ["/0/chart/segments/1/value"]


@pytest.mark.slack_rule(28)
def test_tables_and_charts_in_containers_count_for_the_whole_message():
    table = {"type": "table", "rows": [[cell("a")]]}
    folded = {"type": "container", "title": plain("c"), "child_blocks": [table]}

    assert problems_of([folded]) == []
    assert pointers_of([folded, table]) == [""]


# ---- rule 28: what may stand where

EVERYWHERE = ("actions", "card", "context", "divider", "header", "image", "input", "rich_text", "section", "video")
SURFACES = {
    "message": {*EVERYWHERE, "context_actions", "markdown", "plan", "task_card", "call"},
    "modal": {*EVERYWHERE, "alert"},
    "home": {*EVERYWHERE},
}
for surface in ("message", "home"):
    SURFACES[surface] |= {"auth_provider", "carousel", "container", "data_table", "data_visualization", "table"}


@pytest.mark.slack_rule(28)
@pytest.mark.parametrize("kind", sorted(samples.BLOCKS))
@pytest.mark.parametrize("surface", SURFACES)
def test_a_block_stands_only_on_its_surfaces(surface, kind):
    found = find_problems([copy.deepcopy(samples.BLOCKS[kind])], surface)

    assert [problem.pointer for problem in found] == ([] if kind in SURFACES[surface] else ["/0/type"])


@pytest.mark.slack_rule(28)
@pytest.mark.parametrize("surface", SURFACES)
def test_a_file_block_comes_only_from_slack(surface):
    file = [{"type": "file", "external_id": "f", "source": "remote"}]

    assert [problem.pointer for problem in find_problems(file, surface)] == ["/0/type"]


@pytest.mark.slack_rule(28)
@pytest.mark.parametrize("kind", sorted(samples.BLOCKS))
def test_a_container_holds_only_blocks_that_are_not_large_themselves(kind):
    child = copy.deepcopy(samples.BLOCKS[kind])
    held = {*EVERYWHERE, "table"} - {"card"}

    found = pointers_of([{"type": "container", "title": plain("c"), "child_blocks": [child]}])

    assert found == ([] if kind in held else ["/0/child_blocks/0/type"])


@pytest.mark.slack_rule(28)
def test_what_is_nested_must_fit_the_surface_too():
    fallback = [{"type": "alert", "text": plain("x")}]
    found = find_problems([changed("auth_provider", fallback=fallback)])

    assert [problem.pointer for problem in found] == ["/0/fallback/0/type"]


PICKED = {*samples.PICKED}
PRESSED = {*samples.PRESSED}
HOLDERS = {
    "actions": (lambda held: [actions(held)], "/0/elements/0/type", PRESSED | PICKED | {"datetimepicker"}),
    "section": (lambda held: [section(accessory=held)], "/0/accessory/type", PRESSED | PICKED | {"image"}),
    "context": (lambda held: [{"type": "context", "elements": [held]}], "/0/elements/0/type", {"image"}),
    "context_actions": (
        lambda held: [{"type": "context_actions", "elements": [held]}],
        "/0/elements/0/type",
        {"feedback_buttons", "icon_button"},
    ),
    "input": (
        lambda held: modal({"type": "input", "label": plain("x"), "element": held}),
        "/blocks/0/element/type",
        {*samples.TYPED} | PICKED | {"datetimepicker", "file_input"},
    ),
}


@pytest.mark.slack_rule(28)
@pytest.mark.parametrize("kind", sorted(samples.ELEMENTS))
@pytest.mark.parametrize("holder", HOLDERS)
def test_an_element_stands_only_in_the_blocks_that_take_it(holder, kind):
    make, pointer, taken = HOLDERS[holder]

    assert pointers_of(make(samples.held(kind)[0])) == ([] if kind in taken else [pointer])


@pytest.mark.slack_rule(28)
def test_a_file_can_be_asked_for_only_in_a_modal():
    asking = {"type": "input", "label": plain("x"), "element": samples.held("file_input")[0]}

    assert pointers_of([asking]) == ["/0/element/type"]
    assert pointers_of({"type": "home", "blocks": [asking]}) == ["/blocks/0/element/type"]
    assert pointers_of(modal(asking | {"dispatch_action": True})) == ["/blocks/0/dispatch_action"]


@pytest.mark.slack_rule(28)
def test_a_response_url_comes_only_from_an_input_of_a_modal():
    menu = samples.menu("conversations_select", response_url_enabled=True)
    asking = {"type": "input", "label": plain("x"), "element": menu}

    assert pointers_of(modal(asking)) == []
    assert pointers_of([asking]) == ["/0/element/response_url_enabled"]
    assert pointers_of(modal(section(accessory=menu))) == ["/blocks/0/accessory/response_url_enabled"]


@pytest.mark.slack_rule(28)
@pytest.mark.parametrize(
    ("kind", "low", "high"),
    [
        ("plain_text_input", {"min_length": 9}, {"max_length": 8}),
        ("rich_text_input", {"min_lines": 9}, {"max_lines": 8}),
        ("number_input", {"min_value": "9"}, {"max_value": "8.5"}),
    ],
)
def test_the_bounds_of_an_input_are_in_order(kind, low, high):
    view = ask(kind)()
    view["blocks"][0]["element"] |= low | high

    assert f"/blocks/0/element/{next(iter(low))}" in pointers_of(view)


# ---- rule 28: views

VIEWS_REFUSED = {
    "a title in mrkdwn": ({"title": mrkdwn("x")}, "/view/title/type"),
    "no title": ({"title": None}, "/view"),
    "no blocks": ({"blocks": None}, "/view"),
    "an empty list of blocks": ({"blocks": []}, "/view/blocks"),
    "inputs but no submit": ({"submit": None}, "/view"),
    "an unknown field": ({"state": {}}, "/view/state"),
    "another type": ({"type": "home"}, "/view/type"),
    "a type that Slack has given up": ({"type": "workflow_step"}, "/view/type"),
    "private_metadata that is no string": ({"private_metadata": {"id": 1}}, "/view/private_metadata"),
    "a switch that is none": ({"notify_on_close": 1}, "/view/notify_on_close"),
    "blocks of a message": ({"blocks": samples.progress()}, "/view/blocks/0/type"),
    "a table": ({"blocks": samples.similar()[1:]}, "/view/blocks/0/type"),
}


@pytest.mark.slack_rule(28)
@pytest.mark.parametrize("case", VIEWS_REFUSED)
def test_what_slack_refuses_in_a_modal_is_refused_at_its_place(case):
    change, pointer = VIEWS_REFUSED[case]
    view = {name: value for name, value in (samples.modal() | change).items() if value is not None}

    assert any(problem.endswith(f"[json-pointer:{pointer}]") for problem in validate_view(view, "modal"))


@pytest.mark.slack_rule(28)
@pytest.mark.parametrize("field", ["title", "submit", "close", "clear_on_close", "notify_on_close"])
def test_a_home_tab_has_nothing_of_a_modal(field):
    value = True if field.endswith("on_close") else plain("x")

    assert pointers_of(home() | {field: value}) == [f"/{field}"]


@pytest.mark.slack_rule(28)
def test_a_modal_without_inputs_needs_no_submit():
    view = modal({"type": "divider"})
    del view["submit"]

    assert problems_of(view) == []


# ---- rule 29: nothing unknown is ignored

SPECIMENS = {
    **{f"block {kind}": one(kind) for kind in samples.BLOCKS if kind != "alert"},
    **{f"element {kind}": press(kind) for kind in (*samples.PRESSED, *samples.PICKED)},
    **{f"input {kind}": ask(kind) for kind in samples.TYPED},
    "view of a modal": samples.modal,
    "view of a home tab": samples.home,
}


def objects_in(node, pointer=""):
    """Every object in a payload with its pointer."""
    if isinstance(node, dict):
        yield pointer, node
    children = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
    for key, child in children:
        yield from objects_in(child, f"{pointer}/{key}")


def resolved(payload, pointer):
    node = payload
    for key in pointer.split("/")[1:]:
        node = node[int(key)] if isinstance(node, list) else node[key]
    return node


@pytest.mark.slack_rule(29)
@pytest.mark.parametrize("name", SPECIMENS)
def test_an_unknown_field_is_refused_wherever_it_stands(name):
    places = [pointer for pointer, _ in objects_in(SPECIMENS[name]())]
    for place in places:
        payload = SPECIMENS[name]()
        resolved(payload, place)["colour"] = "red"

        found = [problem for problem in problems_of(payload) if problem.pointer == f"{place}/colour"]
        assert [problem.field for problem in found] == ["colour"], place


@pytest.mark.slack_rule(29)
@pytest.mark.parametrize("name", SPECIMENS)
def test_an_unknown_type_is_refused_wherever_it_stands(name):
    places = [pointer for pointer, node in objects_in(SPECIMENS[name]()) if "type" in node]
    for place in places:
        payload = SPECIMENS[name]()
        resolved(payload, place)["type"] = "hologram"

        assert f"{place}/type" in pointers_of(payload), place


@pytest.mark.slack_rule(29)
def test_composition_objects_have_no_type_and_refuse_one():
    typed = option("Deploy") | {"type": "option"}
    confirm = samples.CONFIRM | {"type": "confirm"}

    assert pointers_of([actions(samples.menu("static_select", options=[typed]))]) == ["/0/elements/0/options/0/type"]
    assert pointers_of([actions(button("x", "a", confirm=confirm))]) == ["/0/elements/0/confirm/type"]


@pytest.mark.slack_rule(29)
@pytest.mark.parametrize(
    ("blocks", "meant"),
    [
        ([{"type": "sektion", "text": plain("x")}], "Did you mean section?"),
        ([{"type": "data_visualisation"}], "Did you mean data_visualization?"),
        ([actions(button("x", "a") | {"stile": "primary"})], "Did you mean style?"),
        ([{"type": "container", "title": plain("c"), "childblocks": [section()]}], "Did you mean child_blocks?"),
        ([actions({"type": "buton", "text": plain("x")})], "Did you mean button?"),
        ([section(text={"type": "markdown", "text": "x"})], "mrkdwn"),
        ([samples.task("1", "t", "completed")], "Did you mean complete?"),
    ],
)
def test_an_unknown_word_is_answered_with_the_nearest_known_one(blocks, meant):
    assert any(meant in problem for problem in validate_blocks(blocks))


@pytest.mark.slack_rule(29)
def test_a_pointer_escapes_what_json_pointers_escape():
    (problem,) = validate_blocks([section(**{"a/b~c": 1})])

    assert re.search(r"\[json-pointer:/blocks/0/a~1b~0c\]$", problem)
