"""The bot gives up what it does not need, where the database lets it."""

from urllib.parse import urlsplit, urlunsplit

import psycopg
import pytest

from bot.adapters.postgres.audit import PostgresAudit
from bot.adapters.postgres.migrate import migrate
from bot.adapters.postgres.session import make_pool


def as_user(url: str, user: str) -> str:
    """The same database, another role; the embedded server trusts local connections."""
    parts = urlsplit(url)
    host = parts.netloc.rpartition("@")[2]
    return urlunsplit(parts._replace(netloc=f"{user}:@{host}"))


@pytest.fixture
def plain_owner(new_database):
    """An empty database that belongs to a role which may make no roles."""
    url = new_database("template1")
    name = urlsplit(url).path.removeprefix("/")
    user = f"owner_of_{name}"
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("create extension if not exists vector with schema public")
        connection.execute(f'create role "{user}" login')
        connection.execute(f'alter database "{name}" owner to "{user}"')
    yield url, user
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(f'reassign owned by "{user}" to current_user')
        connection.execute(f'drop owned by "{user}"')
        connection.execute(f'drop role "{user}"')


async def role_of(url: str) -> tuple[str, bool]:
    pool = make_pool(url, max_size=2, name="test")
    await pool.open()
    try:
        return await PostgresAudit(pool).role()
    finally:
        await pool.close()


async def test_an_owner_that_may_make_no_roles_still_migrates_and_says_that_only_triggers_protect_the_log(plain_owner):
    url, user = plain_owner

    await migrate(as_user(url, user))
    role, safe = await role_of(as_user(url, user))

    assert (role, safe) == (user, False)


async def test_an_owner_that_was_given_the_bots_role_works_as_it(plain_owner):
    url, user = plain_owner
    with psycopg.connect(url, autocommit=True) as connection:
        exists = connection.execute("select 1 from pg_roles where rolname = 'aiops_bot'").fetchone()
        if exists is None:
            connection.execute("create role aiops_bot nologin")
        connection.execute(f'grant aiops_bot to "{user}"')

    await migrate(as_user(url, user))
    role, safe = await role_of(as_user(url, user))

    assert (role, safe) == ("aiops_bot", True)
