"""The anomaly sweep on a real database and a real MCP server; the clock is turned by hand."""

import asyncio
import random
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import psycopg
import pytest
from mcp.server import MCPServer
from mcp.server.mcpserver.exceptions import ToolError
from mcp.types import ToolAnnotations

from bot.adapters.postgres.pins import PostgresPins
from bot.adapters.postgres.session import make_pool
from bot.adapters.postgres.store import PostgresStore
from bot.adapters.tool_gate import DEFAULT_EFFECTS
from bot.adapters.tools import McpServer, McpTools
from bot.bootstrap.sweep import bind_sweep
from bot.cli.duties import duties
from bot.cli.sweeping import sweep_findings
from bot.core.alert import Alert, AlertStatus, Delivery, Severity, Source
from bot.core.intake import IntakePolicy
from bot.core.policy import Effect
from bot.core.sweep import GoldenSignal, Watched, seen_in
from bot.flows.receive_alerts import receive_alerts
from bot.flows.sweep_anomalies import Found, SweepDesk, sweep_anomalies, sweep_state
from bot.settings import Config
from bot.webhook import Metrics
from tests.agent.worlds import mcp_url

NOW = datetime(2026, 11, 23, 2, 1, tzinfo=UTC)
ONSET = datetime(2026, 11, 23, 2, 5, tzinfo=UTC)
POLICY = IntakePolicy(settle=timedelta(seconds=5))


def quiet(at):
    """A level of ten with a little noise, the same whenever it is asked for."""
    return 10 + random.Random(int(at)).gauss(0, 0.3)


class Prometheus:
    """What a query gives, by a function of the time."""

    def __init__(self):
        self.value = {"errors": quiet}
        self.calls = []

    def begin(self, name="errors", *, at=ONSET, until=None, level=60.0):
        def value(moment):
            inside = moment >= at.timestamp() and (until is None or moment < until.timestamp())
            return level + quiet(moment) - 10 if inside else quiet(moment)

        self.value[name] = value

    def server(self):
        server = MCPServer("scripted")

        @server.tool(annotations=ToolAnnotations(read_only_hint=True))
        async def query_prometheus(query: str, start: str = "", end: str = "", step: str = "") -> dict:
            """Run PromQL."""
            self.calls.append((query, start, end, step))
            found = self.value[query]
            if isinstance(found, str):
                raise ToolError(found)
            first, last = (datetime.fromisoformat(each).timestamp() for each in (start, end))
            assert step.endswith("s")
            moments = range(int(first), int(last) + 1, int(step.removesuffix("s")))
            series = {"name": query, "kind": "errors", "unit": "", "labels": {}}
            lines = found if isinstance(found, list) else [found]
            return {"series": [{**series, "points": [[at, line(at)] for at in moments]} for line in lines]}

        return server


class Clock:
    def __init__(self):
        self.at = NOW

    def now(self):
        return self.at


def signal(name="CheckoutErrors", *, query="errors", service="checkout", direction=Watched.BOTH):
    return GoldenSignal(
        name=name, service=service, query=query, direction=direction, kind="errors", severity=Severity.WARNING
    )


class Watch:
    """One process that sweeps."""

    def __init__(self, store, tools, clock, prometheus, dsn):
        self.prometheus, self.clock, self.store, self._dsn = prometheus, clock, store, dsn
        self.desk = SweepDesk(
            store=store, tools=tools, clock=clock, policy=POLICY, signals=[signal()], every_s=300.0, per_hour=5
        )

    async def sweep(self, **pass_):
        self.clock.at += timedelta(**pass_)
        return list(await sweep_anomalies(self.desk))

    def rows(self, query):
        with psycopg.connect(self._dsn) as connection:
            return connection.execute(query).fetchall()

    def incidents(self):
        return self.rows("select id, trigger, state::text, title from aiops.incident order by id")


@asynccontextmanager
async def watching(database_url, prometheus, *, effects=DEFAULT_EFFECTS):
    pool = make_pool(database_url, max_size=4, name="test")
    await pool.open()
    async with (
        mcp_url(prometheus.server()) as url,
        McpTools([McpServer(name="basecamp", url=url)], effects, PostgresPins(pool)) as tools,
    ):
        yield Watch(PostgresStore(pool, default_channel="C1"), tools, Clock(), prometheus, database_url)
    await pool.close()


@pytest.fixture
async def watch(database_url):
    async with watching(database_url, Prometheus()) as one:
        yield one


async def test_what_begins_opens_one_incident_and_its_end_resolves_it(watch):
    assert await watch.sweep() == []
    watch.prometheus.begin(until=ONSET + timedelta(minutes=30))

    assert await watch.sweep(minutes=10) == [Found.OPENED]
    ((incident_id, trigger, state, title),) = watch.incidents()
    assert (trigger, state) == ("anomaly", "received")
    assert title.startswith("CheckoutErrors: rose from ")

    assert await watch.sweep(minutes=5) == []
    assert await watch.sweep(minutes=20) == []
    assert await watch.sweep(minutes=5) == [Found.ENDED]
    assert [(one[0], one[2]) for one in watch.incidents()] == [(incident_id, "resolved")]


async def test_the_alert_says_what_was_seen_and_that_no_rule_fired(watch):
    await watch.sweep()
    watch.prometheus.begin()
    await watch.sweep(minutes=10)

    async with watch.store.transaction() as tx:
        (alert,) = await tx.incident_alerts("INC-1")
    seen = seen_in(alert)
    assert seen is not None
    assert timedelta(0) <= ONSET - seen.onset <= timedelta(minutes=5)
    assert float(seen.before) == pytest.approx(10, abs=1)
    assert float(seen.after) == pytest.approx(60, abs=2)
    assert alert.labels == {
        "alertname": "CheckoutErrors",
        "service": "checkout",
        "severity": "warning",
        "kind": "errors",
        "trigger": "anomaly",
    }


async def test_every_step_is_in_the_audit_log(watch):
    await watch.sweep()
    watch.prometheus.begin(until=ONSET + timedelta(minutes=10))
    await watch.sweep(minutes=10)
    await watch.sweep(minutes=10)

    rows = watch.rows("select actor, action, target from aiops.aiops_audit order by id")
    assert rows == [
        ("anomaly", "alert.firing", "INC-1"),
        ("anomaly sweep", "anomaly.opened", "INC-1"),
        ("anomaly", "alert.resolved", "INC-1"),
        ("anomaly sweep", "anomaly.over", "CheckoutErrors"),
    ]


async def test_two_replicas_ask_once_a_period_and_open_one_incident(database_url):
    async with (
        watching(database_url, Prometheus()) as one,
        watching(database_url, Prometheus()) as other,
    ):
        for each in (one, other):
            each.prometheus.begin()
            each.clock.at = ONSET + timedelta(minutes=6)

        found = await asyncio.gather(one.sweep(), other.sweep(), one.sweep(), other.sweep())

        assert sorted(word for words in found for word in words) == [Found.OPENED]
        assert len(one.incidents()) == 1
        # Four ranges of at most a day hold three days and the hour that is looked back on.
        assert len(one.prometheus.calls) + len(other.prometheus.calls) == 4


async def test_a_process_that_comes_later_makes_up_for_one_that_died_in_the_middle(watch):
    await watch.sweep()
    watch.prometheus.begin()
    watch.prometheus.value, kept = {"errors": "Prometheus is away"}, watch.prometheus.value

    assert await watch.sweep(minutes=10) == [Found.FAILED]
    watch.prometheus.value = kept
    assert await watch.sweep(minutes=15) == [Found.OPENED]


async def test_what_began_before_the_first_sweep_is_old_news(watch):
    watch.prometheus.begin(at=NOW - timedelta(minutes=40))

    assert await watch.sweep() == []
    assert watch.incidents() == []


async def test_only_the_direction_that_was_asked_for_counts(watch):
    watch.desk = replace(watch.desk, signals=[signal(direction=Watched.DOWN)])
    await watch.sweep()
    watch.prometheus.begin()

    assert await watch.sweep(minutes=10) == []


async def test_an_onset_on_a_service_with_an_open_incident_joins_it(watch):
    alert = Alert(
        fingerprint="f1",
        starts_at=ONSET - timedelta(minutes=2),
        name="CheckoutSlow",
        status=AlertStatus.FIRING,
        severity=Severity.CRITICAL,
        service="checkout",
        environment="",
        summary="",
        labels={},
        annotations={},
    )
    await watch.sweep()
    await receive_alerts(
        [Delivery(source=Source.ALERTMANAGER, alerts=(alert,))], store=watch.store, clock=watch.clock, policy=POLICY
    )
    watch.prometheus.begin()
    # One that joins opens nothing, so the limit has nothing to say.
    watch.desk = replace(watch.desk, per_hour=0)

    assert await watch.sweep(minutes=10) == [Found.JOINED]
    assert len(watch.incidents()) == 1


async def test_more_than_the_hours_incidents_are_held_back_and_told(watch):
    names = ["a", "b", "c"]
    watch.prometheus.value = dict.fromkeys(names, quiet)
    signals = [signal(f"{name}Errors", query=name, service=f"{name}-service") for name in names]
    watch.desk = replace(watch.desk, signals=signals, per_hour=2)
    await watch.sweep()
    for name in names:
        watch.prometheus.begin(name)

    assert await watch.sweep(minutes=10) == [Found.OPENED, Found.OPENED, Found.HELD]
    assert len(watch.incidents()) == 2
    (held,) = (await sweep_state(watch.desk)).held
    assert held.signal == "cErrors"
    assert timedelta(0) <= ONSET - held.onset_at <= timedelta(minutes=5)
    assert held.words.startswith("rose from")
    assert watch.rows("select target from aiops.aiops_audit where action = 'anomaly.held'") == [("cErrors",)]

    assert await watch.sweep(minutes=5) == []


async def test_an_hour_later_there_is_room_again(watch):
    names = ["a", "b"]
    watch.prometheus.value = dict.fromkeys(names, quiet)
    signals = [signal(f"{name}Errors", query=name, service=f"{name}-service") for name in names]
    watch.desk = replace(watch.desk, signals=signals, per_hour=1)
    await watch.sweep()
    watch.prometheus.begin("a")
    assert await watch.sweep(minutes=10) == [Found.OPENED]
    watch.prometheus.begin("b", at=ONSET + timedelta(hours=2))
    await watch.sweep(minutes=110)

    assert await watch.sweep(minutes=15) == [Found.OPENED]


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ("parse error: unexpected end of input", "unexpected end of input"),
        ([quiet, quiet], "2 series; make one of them, with sum() or max()"),
        ([], "no series for the last three days"),
    ],
)
async def test_a_signal_that_cannot_be_asked_about_is_noted_with_the_reason(watch, value, words):
    watch.prometheus.value["errors"] = value

    assert await watch.sweep() == [Found.FAILED]
    (swept,) = (await sweep_state(watch.desk)).swept
    assert words in swept.problem

    watch.prometheus.value["errors"] = quiet
    await watch.sweep(minutes=5)
    (swept,) = (await sweep_state(watch.desk)).swept
    assert swept.problem == ""


async def test_the_query_goes_through_the_gate_like_any_other_call(database_url):
    prometheus = Prometheus()
    async with watching(database_url, prometheus, effects={"query_prometheus": Effect.WRITE}) as watch:
        assert await watch.sweep() == [Found.FAILED]
        (swept,) = (await sweep_state(watch.desk)).swept

    assert "may not be called here" in swept.problem
    assert prometheus.calls == []


def duty_names(watch, config):
    hands = SimpleNamespace(store=watch.store, tools=watch.desk.tools, clock=watch.clock)
    sweep = bind_sweep(SimpleNamespace(config=config), hands)
    nothing = SimpleNamespace(
        ask=None,
        link=print,
        refit_if_due=None,
        train_if_due=None,
        add_details=None,
        post_if_due=None,
        expire=None,
        announce_head=None,
        digest=None,
        permalink=None,
    )
    core = SimpleNamespace(reports=nothing, labels=nothing, learning=nothing, experiments=nothing, sweep=sweep)
    metrics = Metrics()
    return {duty.name: duty for duty in duties(core, nothing, metrics, nothing)}, metrics


async def test_it_is_off_unless_it_is_switched_on(watch):
    signals = {"CheckoutErrors": {"service": "checkout", "query": "errors", "kind": "errors"}}

    off, _ = duty_names(watch, Config.model_validate({"anomaly": {"signals": signals}}))

    assert "anomaly sweep" not in off


async def test_switched_on_it_is_a_duty_that_counts_what_it_found(watch):
    signals = {"CheckoutErrors": {"service": "checkout", "query": "errors", "kind": "errors", "direction": "up"}}
    found, metrics = duty_names(watch, Config.model_validate({"anomaly": {"enabled": True, "signals": signals}}))
    watch.prometheus.begin()
    watch.clock.at = ONSET + timedelta(minutes=6)

    await found["anomaly sweep"].call()

    assert metrics.registry.get_sample_value("aiops_anomalies_total", {"result": "opened"}) == 1


async def test_doctor_tells_of_what_was_held_back_and_of_signals_that_cannot_be_asked_about(watch):
    watch.prometheus.value["broken"] = "parse error"
    signals = {
        name: {"service": name, "query": query, "kind": "errors"}
        for name, query in (("A", "errors"), ("B", "errors"), ("C", "broken"))
    }
    config = Config.model_validate({"anomaly": {"enabled": True, "signals": signals, "per_hour": 1}})
    hands = SimpleNamespace(store=watch.store, tools=watch.desk.tools, clock=watch.clock)
    sweep = bind_sweep(SimpleNamespace(config=config), hands)
    watch.prometheus.begin()
    watch.clock.at = ONSET + timedelta(minutes=6)
    assert await sweep.run() == [Found.OPENED, Found.HELD, Found.FAILED]

    whole, broken = await sweep_findings(sweep, config.anomaly)
    (off,) = await sweep_findings(None, config.anomaly)

    assert whole.ok
    assert "1 onset held back in 24 hours by anomaly.per_hour: 1: B at 02:00 UTC rose from 10 to" in whole.words
    assert (broken.name, broken.ok) == ("signal C", False)
    assert "parse error" in broken.words
    assert off.words.startswith("off")
