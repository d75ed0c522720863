"""The schema and the code tell the same story."""

import re
from pathlib import Path

import psycopg
import pytest

from bot.adapters.postgres.migrate import load_migrations, migrate, missing
from bot.adapters.postgres.queries import all_queries
from bot.core.errors import ConfigError
from bot.core.incident import INCIDENT_TRANSITIONS, INVESTIGATION_TRANSITIONS, IncidentState, InvestigationState

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize(
    ("table", "transitions"),
    [("incident_transition", INCIDENT_TRANSITIONS), ("investigation_transition", INVESTIGATION_TRANSITIONS)],
)
def test_allowed_transitions_are_the_same_in_code_and_schema(database_url, table, transitions):
    with psycopg.connect(database_url) as connection:
        rows = connection.execute(f"select from_state::text, to_state::text from aiops.{table}").fetchall()

    assert {(str(a), str(b)) for a, b in transitions} == set(rows)


@pytest.mark.parametrize(
    ("name", "enum"), [("incident_state", IncidentState), ("investigation_state", InvestigationState)]
)
def test_states_are_the_same_in_code_and_schema(database_url, name, enum):
    with psycopg.connect(database_url) as connection:
        rows = connection.execute(f"select unnest(enum_range(null::aiops.{name}))::text").fetchall()

    assert [state.value for state in enum] == [row[0] for row in rows]


def _insert_incident(connection):
    connection.execute(
        "insert into aiops.incident (id, title, severity, service, environment, group_key, trigger, started_at, "
        "opened_at, channel) values ('INC-1', 't', 'critical', 's', '', '', 'manual', now(), now(), 'C1')"
    )


def test_an_illegal_transition_is_refused_by_the_database(database_url):
    with psycopg.connect(database_url) as connection:
        _insert_incident(connection)
        with pytest.raises(psycopg.errors.CheckViolation, match="cannot go from received to remediating"):
            connection.execute("update aiops.incident set state = 'remediating' where id = 'INC-1'")


def test_every_change_of_state_leaves_a_history_row(database_url):
    with psycopg.connect(database_url) as connection:
        _insert_incident(connection)
        connection.execute("update aiops.incident set state = 'investigating' where id = 'INC-1'")
        connection.execute("update aiops.incident set state = 'resolved' where id = 'INC-1'")
        rows = connection.execute(
            "select from_state::text, to_state::text from aiops.incident_history order by id"
        ).fetchall()

    assert rows == [(None, "received"), ("received", "investigating"), ("investigating", "resolved")]


@pytest.mark.parametrize("statement", ["update aiops.aiops_audit set actor = 'x'", "delete from aiops.aiops_audit"])
def test_the_audit_trail_can_only_grow(database_url, statement):
    with psycopg.connect(database_url) as connection:
        connection.execute(
            "insert into aiops.aiops_audit (at, actor, action, target, detail) values (now(), 'a', 'b', 'c', '{}')"
        )
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute(statement)


async def test_migrating_twice_changes_nothing(new_database):
    url = new_database("template1")

    first = await migrate(url)
    second = await migrate(url)

    assert [one.name for one in load_migrations()] == first
    assert second == []
    assert await missing(url) == []


async def test_an_unmigrated_database_is_seen_as_such(new_database):
    assert [one.name for one in load_migrations()] == await missing(new_database("template1"))


def test_a_badly_named_migration_is_refused_by_name(tmp_path):
    (tmp_path / "next.sql").write_text("select 1", encoding="utf-8")

    with pytest.raises(ConfigError, match=r"next\.sql: a migration is named"):
        load_migrations(tmp_path)


def test_every_named_query_is_used_and_every_used_query_is_named():
    sources = "\n".join(
        path.read_text(encoding="utf-8") for path in (ROOT / "bot" / "adapters" / "postgres").glob("*.py")
    )
    used = set(re.findall(r"""\.(?:rows|row|execute|many)\(\s*["']([a-z_]+)["']""", sources))

    assert set(all_queries()) == used


def test_sql_text_stands_in_sql_files_only():
    pattern = re.compile(r"\b(?:select\s.+\sfrom|insert into|update\s+\w+\s+set|delete from)\s", re.IGNORECASE)
    allowed = {"migrate.py"}
    offenders = [
        str(path.relative_to(ROOT))
        for path in (ROOT / "bot").rglob("*.py")
        if path.name not in allowed and pattern.search(path.read_text(encoding="utf-8"))
    ]

    assert offenders == []
