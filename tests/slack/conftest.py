import pytest

from slackbox.pytest_plugin import slackbox, slackbox_options
from tests.slack.face import Face, running
from tests.slack.fakes import World

__all__ = ["slackbox", "slackbox_options"]


@pytest.fixture
def world():
    return World()


@pytest.fixture
async def face(slackbox, world):
    async with running(Face(slackbox, world)) as face:
        yield face
