import pytest

from slackbox.pytest_plugin import slackbox, slackbox_options
from tests.learning.office import open_office

__all__ = ["slackbox", "slackbox_options"]


@pytest.fixture
async def office(slackbox, database_url):
    """A bot without a model."""
    async with open_office(slackbox, database_url) as office:
        yield office
