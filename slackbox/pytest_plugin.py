"""A pytest fixture. Opt in with `pytest_plugins = ["slackbox.pytest_plugin"]`.

Override `slackbox_options` for other options: a dict of the fields of box.Options, and `manifest`.
"""

from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from slackbox.testing import RunningBox, running


@pytest.fixture
def slackbox_options(request: pytest.FixtureRequest) -> dict[str, Any]:
    """The manifest at the root of the repository and otherwise the defaults."""
    return {"manifest": request.config.rootpath / "manifest.json"}


@pytest_asyncio.fixture
async def slackbox(slackbox_options: dict[str, Any]) -> AsyncIterator[RunningBox]:
    """A running workspace; the test fails if the bot called unknown methods or left deliveries unacknowledged."""
    async with running(**slackbox_options) as box:
        yield box
    unknown = [each["method"] for each in box.violations("unknown_method")]
    if unknown:
        pytest.fail(f"Called Web API methods that do not exist here: {', '.join(unknown)}.")
    if box.unacked():
        lost = [f"{each['kind']} ({each['reason']})" for each in box.unacked()]
        pytest.fail(f"Not acknowledged: {', '.join(lost)}. Call forgive_unacked() if the test expects this.")
