"""The bot's flows on a real database, without Slack."""

from contextlib import AsyncExitStack

import pytest

from bot.bootstrap import open_core
from bot.settings import Config, Environment, Settings


@pytest.fixture
def settings(database_url, tmp_path, monkeypatch):
    """Settings that nothing on this machine can change."""
    monkeypatch.chdir(tmp_path)

    def make(environment=None, **config):
        values = {"database_url": database_url, "slack_api_url": "http://127.0.0.1:1/api/"} | (environment or {})
        return Settings(
            environment=Environment(_env_file=None, **values),
            config=Config(**config),
            config_path=tmp_path / "aiops.yaml",
        )

    return make


@pytest.fixture
async def open_bot():
    """Opens cores that are closed when the test ends."""
    async with AsyncExitStack() as stack:

        async def open_(settings):
            return await stack.enter_async_context(open_core(settings))

        yield open_
