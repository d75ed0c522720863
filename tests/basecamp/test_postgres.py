from __future__ import annotations

import contextlib

import psycopg
import pytest

from tests.basecamp.calls import call, refused

LEAK = "SELECT 1 AS payment_retry"


@contextlib.contextmanager
def leak(dsn: str, application_name: str):
    """Take every ordinary slot and leave the sessions idle, as a release that forgets to close does."""
    with contextlib.ExitStack() as stack:
        held = 0
        while held < 40:
            try:
                connection = psycopg.connect(dsn, user="shop", application_name=application_name, autocommit=True)
            except psycopg.OperationalError as error:
                yield held, str(error)
                return
            stack.enter_context(contextlib.closing(connection))
            connection.execute(LEAK)
            held += 1
        pytest.fail("the server never ran out of connections")


async def test_a_leak_is_seen_while_ordinary_slots_are_exhausted(connected, dsn):
    with leak(dsn, "checkout/2.31.0") as (held, words):
        assert "remaining connection slots are reserved" in words
        async with connected(f'postgres: {{orders-db: "{dsn}"}}\n') as client:
            activity = await call(client, "pg_activity", service="orders-db")
    assert (activity["max_connections"], activity["reserved"], activity["used"]) == (20, 3, held)
    assert activity["by_state"] == [{"state": "idle", "count": held}]
    (group,) = activity["by_application"]
    assert (group["application_name"], group["user"], group["state"], group["count"]) == (
        "checkout/2.31.0",
        "shop",
        "idle",
        held,
    )
    assert group["sample_query"] == LEAK
    assert group["oldest_idle_seconds"] >= 0
    assert len(activity["longest"]) == 10
    assert activity["at"].endswith("Z")


async def test_without_a_reserved_slot_the_servers_words_come_back(connected, dsn):
    ordinary = dsn.replace("postgres:@", "shop:hunter2@")
    with leak(dsn, "checkout/2.31.0"):
        async with connected(f'postgres: {{orders-db: "{ordinary}"}}\n') as client:
            words = await refused(client, "pg_activity", service="orders-db")
    assert "remaining connection slots are reserved" in words
    assert "Query: connect" in words
    assert "hunter2" not in words


async def test_passwords_in_other_peoples_statements_are_masked(connected, dsn):
    with psycopg.connect(dsn, autocommit=True, application_name="admin") as connection:
        connection.execute("ALTER ROLE shop PASSWORD 'hunter2'")
        async with connected(f'postgres: {{orders-db: "{dsn}"}}\n') as client:
            activity = await call(client, "pg_activity", service="orders-db")
    queries = {each["application_name"]: each["sample_query"] for each in activity["by_application"]}
    assert queries["admin"] == "ALTER ROLE shop PASSWORD ***"


async def test_settings_come_with_unit_and_source(connected, dsn):
    async with connected(f'postgres: {{orders-db: "{dsn}"}}\n') as client:
        useful = await call(client, "pg_settings", service="orders-db")
        asked = await call(client, "pg_settings", service="orders-db", names=["idle_session_timeout"])
        words = await refused(client, "pg_settings", service="orders-db", names=["max_conections"])
        unknown = await refused(client, "pg_activity", service="order-db")
    found = {each["name"]: each for each in useful["settings"]}
    assert found["max_connections"]["value"] == "20"
    assert found["max_connections"]["source"] == "configuration file"
    assert found["shared_buffers"]["unit"] == "8kB"
    assert asked["settings"] == [{"name": "idle_session_timeout", "value": "0", "unit": "ms", "source": "default"}]
    assert "did you mean 'max_connections'?" in words
    assert "did you mean 'orders-db'?" in unknown
