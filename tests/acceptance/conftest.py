"""The bot's flows on a real database without Slack, and a database that leaks."""

from contextlib import AsyncExitStack

import pytest

from bot.bootstrap import open_core
from bot.settings import Config, Environment, Settings
from tests.acceptance.orders import Leak
from tests.basecamp.conftest import pg_server

__all__ = ["pg_server"]


@pytest.fixture(scope="module")
def leak(pg_server):
    """A database whose connections an application never gives back, from the moment that it is sprung."""
    one = Leak(pg_server.get_uri())
    yield one
    one.close()


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
