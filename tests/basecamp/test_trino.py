from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator

import pytest
from mcp import Client

from basecamp.backends.sqlguard import check_read_only
from basecamp.errors import BadRequest
from tests.basecamp.calls import call, refused
from tests.basecamp.standins import Trino, serving

TEXT = "trino: {{host: 127.0.0.1, port: {port}, user: oncall, catalog: lake, schema: shop, timeout_seconds: {limit}}}\n"


@pytest.fixture
def trino() -> Trino:
    return Trino()


@pytest.fixture
def asking(connected, trino):
    """A client whose query_trino reaches the stand-in and waits for so many seconds."""

    @contextlib.asynccontextmanager
    async def ask(limit: int) -> AsyncIterator[Client]:
        async with serving(trino.app) as address:
            port = address.rpartition(":")[2]
            async with connected(TEXT.format(port=port, limit=limit)) as client:
                yield client

    return ask


async def test_rows_of_several_pages_come_back_with_their_columns(asking, trino):
    async with asking(20) as client:
        result = await call(client, "query_trino", sql="SELECT id, title FROM orders;")
    assert result["columns"] == ["id", "title"]
    assert result["rows"] == [[2, "order 2"], [3, None], [4, "order 4"], [5, None]]
    assert result["truncated"] is False
    assert trino.statements == ["SELECT id, title FROM orders"]
    assert trino.headers[0]["x-trino-user"] == "oncall"
    assert trino.headers[0]["x-trino-schema"] == "shop"
    assert "query_max_run_time=20s" in trino.headers[0]["x-trino-session"]


async def test_no_more_rows_are_fetched_than_the_limit(asking, trino):
    async with asking(20) as client:
        result = await call(client, "query_trino", sql="SELECT id FROM orders", limit=1)
    assert result["rows"] == [[2, "order 2"]]
    assert result["truncated"] is True


async def test_trinos_own_words_come_back(asking, trino):
    async with asking(20) as client:
        words = await refused(client, "query_trino", sql="SELECT * FROM missing")
    assert "TABLE_NOT_FOUND: line 1:15: Table 'lake.shop.missing' does not exist" in words
    assert "Query: SELECT * FROM missing" in words


async def test_a_query_that_does_not_end_is_cancelled(asking, trino):
    async with asking(1) as client:
        words = await refused(client, "query_trino", sql="SELECT forever")
        await asyncio.wait_for(trino.cancelled.wait(), 10)
    assert "not finished within 1 s" in words


async def test_a_writing_statement_never_reaches_trino(asking, trino):
    async with asking(20) as client:
        words = await refused(client, "query_trino", sql="DELETE FROM orders")
    assert "begins with 'DELETE'" in words
    assert trino.statements == []


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT 1",
        "  -- a comment; with a semicolon\n SELECT ';' AS \"delete\" FROM t ;",
        "WITH a AS (SELECT 1) SELECT * FROM a",
        "(SELECT 1) UNION (SELECT 2)",
        "SHOW CREATE TABLE orders",
        "EXPLAIN ANALYZE SELECT 1",
        "DESCRIBE orders",
        "VALUES (1, 'it''s; DROP TABLE x')",
        "SELECT updated_at, created FROM t",
    ],
)
def test_reading_statements_pass(sql):
    assert check_read_only(sql) == sql.strip().rstrip("; ")


@pytest.mark.parametrize(
    "sql",
    [
        "",
        ";",
        "INSERT INTO t SELECT 1",
        "SELECT 1; DROP TABLE t",
        "SELECT 1 /* */; DELETE FROM t",
        "EXPLAIN ANALYZE DELETE FROM t",
        "WITH a AS (SELECT 1) DELETE FROM t",
        "CALL system.runtime.kill_query('x')",
        "SET SESSION x = 1",
        "SELECT * FROM TABLE(mysql.system.query(query => 'DELETE FROM t'))",
        "SELECT * FROM /* hidden */ table /* gap */ (f())",
        "SELECT 'open",
        'SELECT "open',
        "PREPARE x FROM SELECT 1",
        "-- only a comment",
        "REFRESH MATERIALIZED VIEW v",
    ],
)
def test_everything_else_is_refused(sql):
    with pytest.raises(BadRequest):
        check_read_only(sql)
