"""The pictures of the documentation can be taken again."""

import pytest

from tests.slackbox.pictures import take_pictures

pytestmark = pytest.mark.external_service("chromium")


async def test_the_pictures_for_the_documentation_can_be_taken_and_stay_small(tmp_path):
    drawn = await take_pictures(tmp_path)
    assert [each.name for each in drawn] == [
        "blocks-dark.png",
        "blocks-light.png",
        "home.png",
        "modal-error.png",
        "thread-dark.png",
        "thread-light.png",
    ]
    assert all(5_000 < each.stat().st_size < 300_000 for each in drawn)
