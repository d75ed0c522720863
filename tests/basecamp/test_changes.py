from __future__ import annotations

from datetime import UTC, datetime

import httpx
import psycopg
import pytest

from tests.basecamp.calls import at, call

CATALOG = """\
apiVersion: backstage.io/v1alpha1
kind: Component
metadata:
  name: checkout
  annotations: {aiops.dev/tier: "1"}
spec: {type: service, owner: group:default/shop, dependsOn: ["component:default/orders-db"]}
---
kind: Group
metadata: {name: shop}
---
kind: Resource
metadata: {name: orders-db}
spec: {owner: dba}
"""


JSON = {"Content-Type": "application/json"}


def change(**values) -> dict[str, object]:
    return {"id": "ci-1", "service": "checkout", "kind": "deploy", "title": "Release 2.31.0", **values}


async def test_a_recorded_change_is_listed_with_its_service(running, connected, dsn, tmp_path):
    (tmp_path / "catalog-info.yaml").write_text(CATALOG)
    text = f'catalog: catalog-info.yaml\ndatabase_url: "{dsn}"\n'
    now = datetime.now(UTC)
    async with running(text) as address, httpx.AsyncClient(base_url=address) as http:
        await http.post("/changes", json=change(id="old", version="2.30.4", at=at(-200_000, now)))
        answer = await http.post(
            "/changes", json=change(version="2.31.0", at=at(-60, now), author="ana", detail="payment retry")
        )
        await http.post("/changes", json=change(id="flag", service="search", kind="flag", title="ranker v2"))
    assert answer.status_code == 201
    assert answer.json()["service"] == "checkout"
    async with connected(text) as client:
        result = await call(client, "list_services")
        longer = await call(client, "list_services", since=at(-300_000, now))
    services = {each["name"]: each for each in result["services"]}
    assert list(services) == ["checkout", "orders-db", "search"]
    checkout = services["checkout"]
    assert (checkout["owner"], checkout["tier"], checkout["depends_on"]) == ("shop", "1", ["orders-db"])
    assert checkout["version"] == "2.31.0"
    assert [each["id"] for each in checkout["changes"]] == ["ci-1"]
    assert checkout["changes"][0] == {
        "id": "ci-1",
        "kind": "deploy",
        "at": at(-60, now),
        "author": "ana",
        "title": "Release 2.31.0",
        "detail": "payment retry",
        "version": "2.31.0",
    }
    assert (services["search"]["owner"], services["search"]["version"]) == (None, None)
    assert len(longer["services"][0]["changes"]) == 2


async def test_the_same_id_is_recorded_once(running, dsn):
    async with running(f'database_url: "{dsn}"\n') as address, httpx.AsyncClient(base_url=address) as http:
        first = await http.post("/changes", json=change())
        again = await http.post("/changes", json=change(title="Sent twice"))
        listed = await http.get("/changes", params={"service": "checkout"})
        other = await http.get("/changes", params={"service": "search"})
    assert (first.status_code, again.status_code) == (201, 200)
    assert again.json() == first.json()
    assert [each["title"] for each in listed.json()["changes"]] == ["Release 2.31.0"]
    assert other.json()["changes"] == []


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (change(kind="deployment"), "kind"),
        (change(at="yesterday"), "at: it is 'yesterday'"),
        (change(at="2026-01-31T12:00:00"), "no time zone"),
        (change(services="x"), "services: is not a field of a change; did you mean 'service'?"),
        (change(title=""), "title"),
        (change(detail="a\0b"), "detail: holds a NUL character"),
        (change(service="a b"), "service"),
        ({"service": "checkout", "kind": "flag"}, "title"),
        ([], "the body"),
    ],
)
async def test_a_change_that_cannot_be_used_is_refused_with_its_field(running, dsn, body, words):
    async with running(f'database_url: "{dsn}"\n') as address, httpx.AsyncClient(base_url=address) as http:
        answer = await http.post("/changes", json=body)
    assert answer.status_code == 400
    assert words in answer.json()["error"]


async def test_times_are_utc_whatever_the_zone_of_the_database(running, dsn):
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute(
            "ALTER ROLE CURRENT_USER IN DATABASE " + connection.info.dbname + " SET timezone = 'Asia/Tokyo'"
        )
    async with running(f'database_url: "{dsn}"\n') as address, httpx.AsyncClient(base_url=address) as http:
        answer = await http.post("/changes", json=change(at="2026-01-31T13:00:00+01:00"))
    assert answer.json()["at"] == at(0)


async def test_a_body_that_is_too_large_or_not_called_json_is_refused(running, dsn):
    async with running(f'database_url: "{dsn}"\n') as address, httpx.AsyncClient(base_url=address) as http:
        answer = await http.post("/changes", content=b" " * 70_000, headers=JSON)
        unsaid = await http.post("/changes", content=b"{}", headers={"Content-Type": "text/plain"})
    assert answer.status_code == 413
    assert unsaid.status_code == 415


async def test_while_the_database_is_away_senders_are_told_to_come_again(running, dsn, pg_server):
    name = "comes_back"
    away = pg_server.get_uri(database=name)
    async with running(f'database_url: "{away}"\n') as address, httpx.AsyncClient(base_url=address) as http:
        refused = await http.post("/changes", json=change())
        with psycopg.connect(dsn, autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name}")
        accepted = await http.post("/changes", json=change())
        health = await http.get("/healthz")
    assert refused.status_code == 503
    assert refused.headers["retry-after"] == "5"
    assert name in refused.json()["error"]
    assert accepted.status_code == 201
    assert health.json()["status"] == "ok"


async def test_tokens_guard_both_doors(running, dsn):
    text = f'database_url: "{dsn}"\nauth: {{changes_token: "${{CI}}", mcp_token: "${{BOT}}"}}\n'
    environ = {"CI": "ci-token", "BOT": "bot-token"}
    async with running(text, environ) as address, httpx.AsyncClient(base_url=address) as http:
        bare = await http.post("/changes", json=change())
        wrong = await http.post("/changes", json=change(), headers={"Authorization": "Bearer bot-token"})
        right = await http.post("/changes", json=change(), headers={"Authorization": "Bearer ci-token"})
        mcp = await http.post("/mcp", json={})
        health = await http.get("/healthz")
    assert (bare.status_code, wrong.status_code, right.status_code) == (401, 401, 201)
    assert mcp.status_code == 401
    assert health.status_code == 200


async def test_health_says_which_tools_are_absent_and_why(running):
    async with running("logs: {folder: logs}\n") as address, httpx.AsyncClient(base_url=address) as http:
        answer = (await http.get("/healthz")).json()
        changes = await http.post("/changes", json=change())
    assert answer["tools"] == ["read_logs"]
    absent = {each["backend"]: each for each in answer["absent"]}
    assert absent["prometheus"]["tools"] == ["read_metrics", "query_prometheus"]
    assert absent["trino"]["why"] == "set `trino: {host: …, user: …}`"
    assert changes.status_code == 503
    assert "database_url" in changes.json()["error"]
