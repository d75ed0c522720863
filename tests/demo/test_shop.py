import asyncio
import contextlib
import json
import re
from collections.abc import Iterator
from pathlib import Path
from string import Template

import httpx
import psycopg
import pytest
from shop import process
from shop.alerting import RulesError, fingerprint, load_rules
from shop.orders_db import MAX_CONNECTIONS, RESERVED_CONNECTIONS, OrdersDb, start_orders_db
from shop.scraping import TargetsError, load_targets
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from tests.demo.shop_parts import (
    RECIPE,
    Part,
    checkout,
    free_port,
    page,
    part,
    program,
    real_prometheus,
    result_of,
    sample,
    server,
    sessions,
    until,
)

SLOTS = MAX_CONNECTIONS - RESERVED_CONNECTIONS
REFUSED = "remaining connection slots are reserved for roles with the SUPERUSER attribute"
RULES = RECIPE / "scenarios" / "postgres" / "rules.yml"


@pytest.fixture(scope="module")
def orders_db(tmp_path_factory) -> Iterator[OrdersDb]:
    database = start_orders_db(tmp_path_factory.mktemp("shop"))
    yield database
    database.stop()


@pytest.mark.parametrize(("version", "most"), [("2.30.4", 4), ("2.31.1", 8)])
async def test_a_healthy_release_retries_payments_without_keeping_sessions(orders_db, tmp_path, version, most):
    """2.31.1 may hold one more session per worker, while a retry is under way."""
    seen = []
    async with checkout(orders_db, version, tmp_path / "checkout.log") as running:

        def twenty_declined() -> bool:
            seen.append(len(sessions(orders_db, version)))
            return sample(page(running.ready["url"]), "checkout_requests_total", outcome="declined") >= 20

        await until(twenty_declined)
        metrics = page(running.ready["url"])

    assert 1 <= max(seen) <= most
    assert sample(metrics, "checkout_requests_total", outcome="error") == 0
    assert sample(metrics, "checkout_build_info", version=version) == 1
    await until(lambda: not sessions(orders_db, version))


async def test_release_2_31_0_uses_up_the_slots_with_idle_sessions_and_then_fails(orders_db, tmp_path):
    log = tmp_path / "checkout.log"
    async with (
        part("exporter", "--dsn", orders_db.superuser_dsn, "--port", 0) as exporter,
        checkout(orders_db, "2.31.0", log) as running,
    ):
        await until(lambda: sample(page(running.ready["url"]), "checkout_requests_total", outcome="error") >= 3)
        left_open = [query for state, query in sessions(orders_db, "2.31.0") if state == "idle"]
        exported = page(exporter.ready["url"])

    assert len(left_open) >= SLOTS - 4
    assert sum("payment_attempts" in query for query in left_open) >= SLOTS - 6
    assert REFUSED in log.read_text()
    assert re.search(
        r"^\S+Z ERROR   order failed .*\nTraceback \(most recent call last\):$", log.read_text(), re.MULTILINE
    )
    assert re.search(
        rf"^[\d-]+ [\d:.]+ UTC \[\d+\] .*user=shop .*FATAL:  {REFUSED}$", orders_db.log.read_text(), re.MULTILINE
    )
    assert sample(exported, "pg_stat_activity_count", application_name="checkout/2.31.0") >= SLOTS - 4
    assert sample(exported, "pg_settings_max_connections", service="orders-db") == MAX_CONNECTIONS
    assert sample(exported, "pg_up") == 1
    await until(lambda: not sessions(orders_db, "2.31.0"))


async def test_ending_the_idle_sessions_lets_a_running_checkout_take_orders_again(orders_db, tmp_path):
    async with checkout(orders_db, "2.31.0", tmp_path / "checkout.log") as running:
        url = running.ready["url"]
        await until(lambda: sample(page(url), "checkout_requests_total", outcome="error") >= 3)
        with psycopg.connect(orders_db.superuser_dsn) as connection:
            connection.execute(
                "select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'checkout/2.31.0'"
            )
        before = sample(page(url), "checkout_requests_total", outcome="ok")

        assert await until(lambda: sample(page(url), "checkout_requests_total", outcome="ok") >= before + 10)


async def test_the_exporter_says_so_when_the_database_is_away(tmp_path):
    async with part("exporter", "--dsn", f"postgresql://nobody@/x?host={tmp_path}", "--port", 0) as exporter:
        assert sample(page(exporter.ready["url"]), "pg_up", service="orders-db") == 0


async def test_the_bystander_stays_healthy_beside_it(tmp_path):
    log = tmp_path / "search.log"
    async with part("bystander", "--log", log, "--port", 0, "--pace", 20) as search:
        await until(lambda: sample(page(search.ready["url"]), "search_requests_total", outcome="ok") >= 5)
        metrics = page(search.ready["url"])

    assert sample(metrics, "search_requests_total", outcome="error") == 0
    assert re.search(
        r'^\S+Z INFO    query answered words="\w+ \w+" hits=\d+ duration_ms=[\d.]+$', log.read_text(), re.MULTILINE
    )


class Receiver:
    """A webhook receiver that is away for the first post of each path."""

    def __init__(self) -> None:
        self.posts: dict[str, list[dict]] = {}
        self.tokens: set[str] = set()
        self._arrived = asyncio.Condition()

    def app(self) -> Starlette:
        return Starlette(routes=[Route("/{path}", self._take, methods=["POST"])])

    async def _take(self, request: Request) -> Response:
        path = request.path_params["path"]
        self.tokens.add(request.headers.get("authorization", ""))
        if path not in self.posts:
            self.posts[path] = []
            return Response(status_code=503)
        async with self._arrived:
            self.posts[path].append(await request.json())
            self._arrived.notify_all()
        return Response(status_code=200)

    def of(self, path: str, *, status: str, service: str) -> list[dict]:
        return [
            payload
            for payload in self.posts.get(path, [])
            if payload["status"] == status and payload["groupLabels"] == {"service": service}
        ]

    async def wait_for(self, path: str, *, status: str, service: str) -> dict:
        async with asyncio.timeout(25), self._arrived:
            await self._arrived.wait_for(lambda: self.of(path, status=status, service=service))
        return self.of(path, status=status, service=service)[0]


def quick_rules(folder: Path) -> Path:
    """The shipped rules with a shorter `for`, so that the test need not wait."""
    path = folder / "rules.yml"
    path.write_text(RULES.read_text().replace("for: 5s", "for: 1s"))
    return path


def write_targets(path: Path, **parts: Part) -> Path:
    path.write_text(
        json.dumps(
            [
                {"targets": [running.ready["url"].removeprefix("http://")], "labels": {"service": name}}
                for name, running in parts.items()
            ]
        )
    )
    return path


async def test_the_rule_loop_fires_once_and_resolves_in_alertmanagers_words(orders_db, tmp_path):
    receiver = Receiver()
    bearer = tmp_path / "token"
    bearer.write_text("s3cret\n")
    targets = tmp_path / "targets.json"
    async with contextlib.AsyncExitStack() as stack:
        hooks = await stack.enter_async_context(process.serving(receiver.app(), host="127.0.0.1", port=0))
        exporter = await stack.enter_async_context(part("exporter", "--dsn", orders_db.superuser_dsn, "--port", 0))
        write_targets(targets, **{"orders-db": exporter})
        rules = await stack.enter_async_context(
            part(
                *("rules", "--rules", quick_rules(tmp_path), "--targets", targets, "--webhook", f"{hooks}/own"),
                *("--bearer-file", bearer, "--port", 0, "--interval", 0.25),
            )
        )
        async with checkout(orders_db, "2.31.0", tmp_path / "checkout.log") as running:
            write_targets(targets, **{"orders-db": exporter, "checkout": running})
            firing = await receiver.wait_for("own", status="firing", service="orders-db")
            warning = await receiver.wait_for("own", status="firing", service="checkout")
            async with httpx.AsyncClient(base_url=rules.ready["url"]) as client:
                held = 'sum(pg_stat_activity_count{application_name="checkout/2.31.0"})'
                found = await result_of(client, "/api/v1/query", query=held)
        resolved = await receiver.wait_for("own", status="resolved", service="orders-db")

    (alert,) = firing["alerts"]
    (over,) = resolved["alerts"]
    labels = {"alertname": "PostgresConnectionsExhausted", "service": "orders-db", "severity": "critical"}
    url = rules.ready["url"]
    assert firing == {
        "version": "4",
        "groupKey": '{}:{service="orders-db"}',
        "truncatedAlerts": 0,
        "status": "firing",
        "receiver": "aiops",
        "groupLabels": {"service": "orders-db"},
        "commonLabels": labels,
        "commonAnnotations": alert["annotations"],
        "externalURL": url,
        "alerts": [alert],
    }
    assert alert["labels"] == labels
    assert alert["endsAt"] == "0001-01-01T00:00:00Z"
    assert alert["generatorURL"].startswith(f"{url}/graph?g0.expr=sum+by+")
    assert alert["annotations"]["summary"] == "orders-db is running out of connection slots"
    assert re.match(r"[\d.]+% of the connection slots", alert["annotations"]["description"])
    assert warning["alerts"][0]["labels"]["alertname"] == "CheckoutErrorRate"
    assert (over["status"], over["startsAt"], over["fingerprint"]) == (
        "resolved",
        alert["startsAt"],
        alert["fingerprint"],
    )
    assert alert["startsAt"] < over["endsAt"]
    assert len(receiver.of("own", status="firing", service="orders-db")) == 1
    assert receiver.tokens == {"Bearer s3cret"}
    assert float(found["result"][0]["value"][1]) >= SLOTS - 4


def test_a_mistake_in_a_rules_file_is_named_with_its_place(tmp_path):
    path = tmp_path / "rules.yml"
    path.write_text("groups: [{name: g, rules: [{alert: A, expr: up, anotations: {}}]}]")
    with pytest.raises(RulesError, match=r"rules.yml: group 'g': a rule: unknown key 'anotations'.*'annotations'"):
        load_rules(path)
    path.write_text("groups: [{name: g, rules: [{alert: A, expr: 'topk(1, up)'}]}]")
    with pytest.raises(RulesError, match=r"alert 'A'.*topk"):
        load_rules(path)


def test_a_mistake_in_a_targets_file_is_named_with_its_place(tmp_path):
    path = tmp_path / "targets.json"
    path.write_text('[{"targets": "127.0.0.1:1"}]')
    with pytest.raises(TargetsError, match=r"targets.json: entry 1, `targets` must be a list"):
        load_targets(path)


@pytest.mark.external_service("prometheus", "prometheus-alertmanager")
async def test_the_shipped_configuration_makes_the_real_servers_post_the_same_alert(orders_db, tmp_path):
    receiver = Receiver()
    bearer = tmp_path / "token"
    bearer.write_text("s3cret")
    rules = quick_rules(tmp_path)
    targets = tmp_path / "targets.json"
    port = free_port()
    async with contextlib.AsyncExitStack() as stack:
        hooks = await stack.enter_async_context(process.serving(receiver.app(), host="127.0.0.1", port=0))
        alertmanager = filled(tmp_path, "alertmanager.yml", webhook_url=f"{hooks}/real", bearer_file=bearer)
        await stack.enter_async_context(
            server(
                f"http://127.0.0.1:{port}",
                program("prometheus-alertmanager"),
                f"--config.file={alertmanager}",
                f"--storage.path={tmp_path / 'alertmanager'}",
                f"--web.listen-address=127.0.0.1:{port}",
                "--cluster.listen-address=",
            )
        )
        names = {"rules_file": rules, "targets_file": targets, "alertmanager": f"127.0.0.1:{port}"}
        targets.write_text("[]")
        prometheus = await real_prometheus(stack, filled(tmp_path, "prometheus.yml", **names), tmp_path / "data")
        exporter = await stack.enter_async_context(part("exporter", "--dsn", orders_db.superuser_dsn, "--port", 0))
        running = await stack.enter_async_context(checkout(orders_db, "2.31.0", tmp_path / "checkout.log"))
        write_targets(targets, **{"orders-db": exporter, "checkout": running})
        real = await receiver.wait_for("real", status="firing", service="orders-db")
        health = (await prometheus.get("/api/v1/rules")).json()["data"]["groups"]

    (alert,) = real["alerts"]
    assert {rule["health"] for group in health for rule in group["rules"]} == {"ok"}
    assert set(alert) == {"status", "labels", "annotations", "startsAt", "endsAt", "generatorURL", "fingerprint"}
    assert alert["fingerprint"] == fingerprint(tuple(alert["labels"].items()))
    assert real["groupKey"] == '{}:{service="orders-db"}'
    assert alert["annotations"]["summary"] == "orders-db is running out of connection slots"
    assert receiver.tokens == {"Bearer s3cret"}


def filled(folder: Path, name: str, **values: object) -> Path:
    path = folder / name
    path.write_text(Template((RECIPE / "prometheus" / f"{name}.tmpl").read_text()).substitute(values))
    return path
