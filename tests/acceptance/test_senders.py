"""Other senders' webhooks: the same promise as Alertmanager's, committed before it is answered and nothing lost."""

import httpx
import psycopg
import pytest

from bot import webhook


@pytest.fixture
async def post(settings, open_bot):
    """Posts to a fresh bot."""

    async def no_problems():
        return {}

    core = await open_bot(settings())
    app = webhook.build(core.flows, token=None, metrics=webhook.Metrics(), readiness=no_problems)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://bot") as client:
        yield client.post


def rows(url, sql):
    with psycopg.connect(url) as connection:
        return connection.execute(sql).fetchall()


async def test_an_alert_of_grafana_and_one_of_a_sender_that_nobody_described_open_incidents(post, database_url):
    labels = {"alertname": "Lag", "severity": "error", "service": "ledger"}
    grafana = {
        "status": "firing",
        "alerts": [{"status": "firing", "labels": labels, "startsAt": "2026-01-01T10:00:00Z"}],
    }
    other = {"monitor_name": "Shop is away", "status": "DOWN", "priority": "P1", "host": "edge-1"}

    answers = [await post("/webhooks/grafana", json=grafana), await post("/webhooks/alerts", json=other)]

    assert [answer.status_code for answer in answers] == [200, 200]
    assert rows(database_url, "select name, status, severity, service, source from aiops.alert order by name") == [
        ("Lag", "firing", "error", "ledger", "webhook"),
        ("Shop is away", "firing", "critical", "edge-1", "webhook"),
    ]


@pytest.mark.parametrize("body", [b"not json", b"[]", b'{"id": 4}'])
async def test_what_cannot_be_read_is_refused_with_a_reason_and_kept(post, database_url, body):
    answer = await post("/webhooks/grafana", content=body)

    assert answer.status_code == 400
    assert rows(database_url, "select source, reason, body from aiops.quarantine") == [
        ("grafana", answer.json()["error"], body)
    ]
