"""The samples: valid as they stand, and one for everything that the validator knows."""

import copy

import pytest

from slackbox import limits
from slackbox.blocks import count_characters, find_problems, find_view_problems
from tests.slackbox import samples


@pytest.mark.parametrize("name", samples.MESSAGES)
def test_messages_as_a_bot_posts_them_are_valid_and_short_enough(name):
    assert find_problems(samples.MESSAGES[name]()) == []
    assert count_characters(samples.MESSAGES[name]()) <= limits.MESSAGE_BLOCK_CHARACTERS


@pytest.mark.parametrize("name", samples.VIEWS)
def test_views_as_a_bot_opens_them_are_valid(name):
    view = samples.VIEWS[name]()

    assert find_view_problems(view, view["type"]) == []


def test_every_block_that_may_be_sent_stands_in_a_sample():
    assert {kind for kind, surfaces in limits.SURFACES.items() if surfaces} == set(samples.BLOCKS)


def test_every_element_stands_in_a_sample_and_every_one_is_named_by_its_type():
    listed = find_problems([{"type": "actions", "elements": [{"type": "hologram"}]}])[0].constraint["expected"]
    asked = find_view_problems(
        {
            "type": "modal",
            "title": samples.plain("x"),
            "submit": samples.plain("x"),
            "blocks": [{"type": "input", "label": samples.plain("x"), "element": {"type": "hologram"}}],
        }
    )[0].constraint["expected"]

    others = {"image", "feedback_buttons", "icon_button"}
    assert {*listed, *asked} | others == set(samples.ELEMENTS)
    assert all(element["type"] == kind for kind, element in samples.ELEMENTS.items())


@pytest.mark.parametrize("name", samples.MESSAGES)
def test_a_sample_may_be_changed_without_changing_the_next_one(name):
    first = samples.MESSAGES[name]()
    untouched = copy.deepcopy(first)
    spoil(first)

    assert samples.MESSAGES[name]() == untouched


def spoil(node):
    """Empty everything in a payload."""
    for child in list(node.values() if isinstance(node, dict) else node if isinstance(node, list) else ()):
        spoil(child)
    if isinstance(node, (dict, list)):
        node.clear()
