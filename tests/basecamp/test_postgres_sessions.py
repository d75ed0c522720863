"""Single sessions of a real PostgreSQL: listed, previewed, and ended when they are exactly the ones that were named."""

from __future__ import annotations

import contextlib
from datetime import datetime, timedelta
from typing import Any

import psycopg
import pytest

from tests.basecamp.calls import call, refused
from tests.basecamp.grants import ENVIRON, outcomes, write, written
from tests.basecamp.test_postgres import LEAK, leak

CHECKOUT, ADMIN = "checkout/2.31.0", "nightly-report"


@contextlib.contextmanager
def session(dsn: str, application_name: str, *, user: str = "shop", **options: Any):
    connection = psycopg.connect(dsn, user=user, application_name=application_name, autocommit=True, **options)
    try:
        yield connection
    finally:
        connection.close()


def name(found: dict[str, Any]) -> dict[str, Any]:
    return {"pid": found["pid"], "started": found["started"]}


def identity(found: dict[str, Any]) -> str:
    return f"{found['pid']}@{found['started']}"


@pytest.fixture
def settings(dsn) -> str:
    return f'postgres: {{orders-db: "{dsn}"}}\n'


def alive(connection: psycopg.Connection[Any]) -> bool:
    try:
        connection.execute("SELECT 1")
    except psycopg.OperationalError:
        return False
    return True


async def sessions_of(client, application_name: str = CHECKOUT, **more: Any) -> list[dict[str, Any]]:
    found = await call(client, "pg_sessions", service="orders-db", application_name=application_name, **more)
    return found["sessions"]


async def test_leaked_sessions_are_listed_previewed_and_ended_while_ordinary_slots_are_exhausted(
    connected, settings, dsn
):
    with session(dsn, "payments/1.0.0") as innocent, leak(dsn, CHECKOUT) as (held, _):
        async with connected(settings, ENVIRON) as client:
            found = await call(client, "pg_sessions", service="orders-db", application_name=CHECKOUT, state="idle")
            named = [name(each) for each in found["sessions"]]
            arguments = {"service": "orders-db", "sessions": named}
            preview = await call(client, "preview_write", tool="pg_terminate_backends", arguments=arguments)
            during = await call(client, "pg_activity", service="orders-db")
            result = await written(client, "pg_terminate_backends", **arguments)
            after = await call(client, "pg_activity", service="orders-db")
            left = await sessions_of(client)
        survived = alive(innocent)
    assert (found["total"], len(named), found["truncated"]) == (held, held, False)
    assert {each["protected"] for each in found["sessions"]} == {None}
    assert {each["query"] for each in found["sessions"]} == {LEAK}
    assert {each["client"] for each in found["sessions"]} == {"local"}
    assert {target["id"] for target in preview["targets"]} == {identity(each) for each in found["sessions"]}
    assert preview["before"] == {"connections": "17/20"}
    assert preview["summary"] == f"terminate {held} of {held} named sessions on orders-db"
    assert preview["runs_as"].startswith("PostgreSQL role postgres@")
    assert (during["used"], after["used"]) == (17, 1)
    assert set(outcomes(result).values()) == {"changed"}
    assert (result["before"], result["after"]) == ({"connections": "17/20"}, {"connections": "1/20"})
    assert result["summary"] == f"terminated {held} of {held} sessions on orders-db; connections 17/20 → 1/20"
    assert left == []
    assert survived


async def test_a_session_whose_process_id_was_used_again_is_gone_and_the_new_one_lives(connected, settings, dsn):
    with session(dsn, CHECKOUT) as connection:
        async with connected(settings, ENVIRON) as client:
            (found,) = await sessions_of(client)
            began = datetime.fromisoformat(found["started"])
            earlier = (began - timedelta(microseconds=1)).isoformat().replace("+00:00", "Z")
            former = {"pid": found["pid"], "started": earlier}
            arguments = {"service": "orders-db", "sessions": [former, {"pid": 2**31 - 1, "started": earlier}]}
            preview = await call(client, "preview_write", tool="pg_terminate_backends", arguments=arguments)
            result = await written(client, "pg_terminate_backends", **arguments)
        assert alive(connection)
    assert preview["targets"] == []
    assert "(2 gone already)" in preview["summary"]
    assert set(outcomes(result).values()) == {"gone"}
    assert result["summary"].startswith("terminated 0 of 2 sessions on orders-db, 2 gone;")


async def test_a_session_that_was_named_for_being_idle_is_skipped_once_it_has_been_used(connected, settings, dsn):
    with session(dsn, CHECKOUT) as used, session(dsn, CHECKOUT) as working, session(dsn, CHECKOUT) as forgotten:
        pids = [each.info.backend_pid for each in (used, working, forgotten)]
        async with connected(settings, ENVIRON) as client:
            named = [{**name(each), "idle_since": each["idle_since"]} for each in await sessions_of(client)]
            used.execute("SELECT 1")
            working.autocommit = False
            working.execute("SELECT 1")
            arguments = {"service": "orders-db", "sessions": named}
            preview = await call(client, "preview_write", tool="pg_terminate_backends", arguments=arguments)
            result = await written(client, "pg_terminate_backends", **arguments)
        assert [alive(each) for each in (used, working, forgotten)] == [True, True, False]
    assert [target["label"] for target in preview["targets"]] == [f"{CHECKOUT} (process {pids[2]})"]
    assert "(2 used since they were named)" in preview["summary"]
    by_pid = {int(identifier.partition("@")[0]): outcome for identifier, outcome in outcomes(result).items()}
    assert by_pid == {pids[0]: "unchanged", pids[1]: "unchanged", pids[2]: "changed"}
    assert "2 unchanged" in result["summary"]
    details = {target["detail"] for target in result["targets"] if target["outcome"] == "unchanged"}
    assert details == {
        "skipped: it was used since it was named, and is idle now",
        "skipped: it was used since it was named, and is idle in transaction now",
    }


async def test_what_must_not_be_ended_is_refused_and_the_rest_is_ended(connected, settings, dsn):
    with (
        psycopg.connect(dsn, autocommit=True) as admin,
        session(dsn, CHECKOUT) as leaked,
        session(dsn, ADMIN, user="postgres") as superuser,
        session(dsn, "basecamp-mcp", user="postgres") as own,
    ):
        ended = leaked.info.backend_pid
        admin.execute("DROP ROLE IF EXISTS standby")
        admin.execute("CREATE ROLE standby LOGIN REPLICATION")
        background = admin.execute(
            "SELECT pid, backend_start FROM pg_stat_activity WHERE backend_type = 'checkpointer'"
        ).fetchone()
        with session(dsn, "standby", user="standby") as standby:
            async with connected(settings, ENVIRON) as client:
                everything = await call(client, "pg_sessions", service="orders-db")
                protected = {each["pid"]: each["protected"] for each in everything["sessions"]}
                named = [name(each) for each in everything["sessions"]]
                named.append({"pid": background[0], "started": background[1].isoformat()})
                arguments = {"service": "orders-db", "sessions": named}
                preview = await call(client, "preview_write", tool="pg_terminate_backends", arguments=arguments)
                result = await written(client, "pg_terminate_backends", **arguments)
            assert [alive(each) for each in (admin, superuser, own, standby, leaked)] == [True] * 4 + [False]
            expected = {
                ended: None,
                admin.info.backend_pid: "superuser",
                superuser.info.backend_pid: "superuser",
                own.info.backend_pid: "basecamp's own",
                standby.info.backend_pid: "replication role",
            }
        admin.execute("DROP ROLE standby")
    assert {pid: protected[pid] for pid in expected} == expected
    assert [target["label"] for target in preview["targets"]] == [f"{CHECKOUT} (process {ended})"]
    assert "2 protected (superuser)" in preview["summary"]
    assert "1 protected (checkpointer)" in preview["summary"]
    by_pid = {int(identifier.partition("@")[0]): outcome for identifier, outcome in outcomes(result).items()}
    assert by_pid.pop(ended) == "changed"
    assert set(by_pid.values()) == {"refused"}


async def test_a_role_without_the_right_is_refused_by_the_server_in_its_words(connected, dsn):
    with psycopg.connect(dsn, autocommit=True) as admin, session(dsn, CHECKOUT) as leaked:
        admin.execute("DROP ROLE IF EXISTS looker")
        admin.execute("CREATE ROLE looker LOGIN IN ROLE pg_monitor")
        looking = dsn.replace("postgres:@", "looker:@")
        async with connected(f'postgres: {{orders-db: "{looking}"}}\n', ENVIRON) as client:
            named = [name(each) for each in await sessions_of(client)]
            result = await written(client, "pg_terminate_backends", service="orders-db", sessions=named)
            survived = alive(leaked)
            admin.execute("GRANT pg_signal_backend TO looker")
            allowed = await written(client, "pg_terminate_backends", service="orders-db", sessions=named)
        assert survived
        assert not alive(leaked)
        admin.execute("DROP ROLE looker")
    (target,) = result["targets"]
    assert target["outcome"] == "refused"
    assert "permission denied to terminate process" in target["detail"]
    assert set(outcomes(allowed).values()) == {"changed"}


async def test_a_role_that_cannot_see_sessions_is_told_which_right_it_lacks(connected, dsn):
    with session(dsn, ADMIN, user="postgres"):
        blind = dsn.replace("postgres:@", "shop:@")
        async with connected(f'postgres: {{orders-db: "{blind}"}}\n', ENVIRON) as client:
            words = await refused(client, "pg_sessions", service="orders-db")
    assert "sessions cannot be seen; grant pg_monitor" in words


async def test_sessions_are_found_by_state_and_by_how_long_they_are_idle(connected, settings, dsn):
    with session(dsn, CHECKOUT) as idle, session(dsn, CHECKOUT) as open_, session(dsn, "") as nameless:
        open_.execute("BEGIN")
        pids = [idle.info.backend_pid, open_.info.backend_pid]
        unnamed_pid = nameless.info.backend_pid
        async with connected(settings) as client:
            both = await call(client, "pg_sessions", service="orders-db", application_name=CHECKOUT)
            one = await call(client, "pg_sessions", service="orders-db", application_name=CHECKOUT, limit=1)
            in_transaction = await sessions_of(client, state="idle in transaction")
            old = await sessions_of(client, idle_longer_than_s=3600)
            unnamed = await sessions_of(client, "(none)")
            misspelt = await refused(client, "pg_sessions", service="orders-db", state="idel")
            too_many = await refused(client, "pg_sessions", service="orders-db", limit=501)
            negative = await refused(client, "pg_sessions", service="orders-db", idle_longer_than_s=-1)
    assert sorted(each["pid"] for each in both["sessions"]) == sorted(pids)
    assert all(each["idle_seconds"] >= 0 for each in both["sessions"])
    assert (one["total"], len(one["sessions"]), one["truncated"]) == (2, 1, True)
    assert [each["pid"] for each in in_transaction] == pids[1:]
    assert old == []
    assert unnamed_pid in [each["pid"] for each in unnamed]
    assert "did you mean 'idle'?" in misspelt
    assert "between 1 and 500" in too_many
    assert "idle_longer_than_s is -1" in negative


async def test_passwords_in_statements_are_masked(connected, settings, dsn):
    with session(dsn, ADMIN, user="postgres") as admin:
        admin.execute("ALTER ROLE shop PASSWORD 'hunter2'")
        async with connected(settings) as client:
            (found,) = await sessions_of(client, ADMIN)
    assert found["query"] == "ALTER ROLE shop PASSWORD ***"


SOME = {"pid": 4711, "started": "2026-01-31T12:00:00.123456Z"}


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"service": "orders-db", "sessions": []}, "sessions has 0 entries; between 1 and 3"),
        ({"service": "orders-db", "sessions": [{**SOME, "pid": pid} for pid in range(1, 5)]}, "sessions has 4 entries"),
        (
            {"service": "orders-db", "sessions": [SOME, SOME]},
            "sessions[1] names 4711@2026-01-31T12:00:00.123456Z a second",
        ),
        ({"service": "orders-db", "sessions": [{**SOME, "pid": 0}]}, "sessions[0].pid is 0"),
        (
            {"service": "orders-db", "sessions": [{**SOME, "pid": "4711"}]},
            "sessions[0].pid: input should be a valid int",
        ),
        ({"service": "orders-db", "sessions": [{**SOME, "started": "noon"}]}, "sessions[0].started is 'noon'"),
        ({"service": "orders-db", "sessions": [{"pid": 4711}]}, "sessions[0].started is missing"),
        ({"service": "orders-db", "sessions": [{**SOME, "user": "x"}]}, "sessions[0].user is not an argument"),
        ({"service": "orders-db", "sessions": [SOME], "force": True}, "force is not an argument"),
        ({"service": "order-db", "sessions": [SOME]}, "did you mean 'orders-db'?"),
    ],
)
async def test_arguments_that_name_no_sessions_are_refused_by_tool_and_preview(connected, settings, arguments, words):
    async with connected(f"{settings}writes: {{max_targets: 3}}\n", ENVIRON) as client:
        answer = await write(client, "pg_terminate_backends", **arguments)
        preview = await refused(client, "preview_write", tool="pg_terminate_backends", arguments=arguments)
    assert answer.meta["aiops/outcome"] == "refused"
    assert words in answer.content[0].text
    assert words in preview
