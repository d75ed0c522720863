"""What Alertmanager may rely on: committed, then 200; 4xx only for what can never be read; nothing lost."""

import asyncio

import httpx
import psycopg
import pytest

from bot import webhook
from tests.support.payloads import alert, as_bytes, payload, resolved


async def no_problems():
    return {}


@pytest.fixture
def door(settings, open_bot):
    """Opens the HTTP door of a fresh bot."""

    async def open_door(token=None, **config):
        core = await open_bot(settings(**config))
        app = webhook.build(core.flows, token=token, metrics=webhook.Metrics(), readiness=no_problems)
        client = httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://bot")
        return core, client

    return open_door


async def post(client, data, **headers):
    body = data if isinstance(data, bytes) else as_bytes(data)
    return await client.post("/webhooks/alertmanager", content=body, headers=headers)


def rows(url, sql):
    with psycopg.connect(url) as connection:
        return connection.execute(sql).fetchall()


async def test_an_alert_is_committed_before_it_is_answered(door, database_url):
    _, client = await door()

    answer = await post(client, payload(alert()))

    assert answer.status_code == 200
    assert answer.json() == {"incidents": ["INC-1"], "rejected": []}
    assert rows(database_url, "select id, state::text, service from aiops.incident") == [
        ("INC-1", "received", "checkout")
    ]
    assert rows(database_url, "select operation from aiops.post") == [("INC-1:alert",)]
    assert rows(database_url, "select action, target from aiops.aiops_audit") == [("alert.firing", "INC-1")]


async def test_unknown_fields_are_tolerated(door):
    _, client = await door()

    answer = await post(client, payload(alert() | {"newField": 1}, notificationReason="first"))

    assert answer.status_code == 200


async def test_the_same_group_from_two_alertmanagers_is_one_incident_with_one_alert(door, database_url):
    _, client = await door()
    data = payload(alert())

    await asyncio.gather(*(post(client, data) for _ in range(6)))

    assert rows(database_url, "select id, alert_count, firing_count, deliveries from aiops.incident") == [
        ("INC-1", 1, 1, 6)
    ]
    assert rows(database_url, "select deliveries from aiops.alert") == [(6,)]


async def test_alerts_of_one_group_key_join_one_incident(door, database_url):
    _, client = await door()

    await post(client, payload(alert("A", service="one"), group_key="g"))
    await post(client, payload(alert("B", service="two"), group_key="g"))

    assert rows(database_url, "select id, alert_count from aiops.incident") == [("INC-1", 2)]


async def test_alerts_of_one_service_join_one_incident_whatever_their_group(door, database_url):
    _, client = await door()

    await post(client, payload(alert("HighLatency"), group_key="a"))
    await post(client, payload(alert("HighErrorRate"), group_key="b"))

    assert rows(database_url, "select id, alert_count from aiops.incident") == [("INC-1", 2)]


async def test_alerts_of_different_services_open_different_incidents(door, database_url):
    _, client = await door()

    await post(client, payload(alert("DiskFull", service="mail")))
    await post(client, payload(alert("CertificateExpiring", service="web")))

    assert rows(database_url, "select id from aiops.incident order by id") == [("INC-1",), ("INC-2",)]


async def test_a_resolve_while_it_settles_cancels_the_investigation(door, database_url):
    core, client = await door()
    one = alert()

    await post(client, payload(one))
    await post(client, payload(resolved(one)))

    assert rows(database_url, "select state::text from aiops.incident") == [("resolved",)]
    assert rows(database_url, "select state::text from aiops.investigation") == [("cancelled",)]
    assert not await core.flows.investigate_next()


async def test_an_incident_with_one_alert_still_firing_stays_open(door, database_url):
    _, client = await door()
    one, two = alert("A"), alert("B")

    await post(client, payload(one, two))
    await post(client, payload(resolved(one), two))

    assert rows(database_url, "select state::text, alert_count, firing_count from aiops.incident") == [
        ("received", 2, 1)
    ]


async def test_a_late_duplicate_does_not_reopen_a_resolved_alert(door, database_url):
    _, client = await door()
    one = alert()

    await post(client, payload(one))
    await post(client, payload(resolved(one)))
    await post(client, payload(one))

    assert rows(database_url, "select id, state::text from aiops.incident") == [("INC-1", "resolved")]


async def test_the_same_alert_firing_again_later_opens_a_new_incident(door, database_url):
    _, client = await door()
    first = alert(starts_at="2026-11-01T02:00:00Z")

    await post(client, payload(first))
    await post(client, payload(resolved(first)))
    await post(client, payload(first | {"startsAt": "2026-11-01T04:00:00Z"}))

    assert rows(database_url, "select id, state::text from aiops.incident order by id") == [
        ("INC-1", "resolved"),
        ("INC-2", "received"),
    ]


async def test_a_resolve_of_an_alert_nobody_saw_firing_opens_nothing(door, database_url):
    _, client = await door()

    answer = await post(client, payload(resolved(alert())))

    assert (answer.status_code, answer.json()["incidents"]) == (200, [])
    assert rows(database_url, "select id from aiops.incident") == []


async def test_truncated_alerts_are_counted(door, database_url):
    _, client = await door()

    await post(client, payload(alert(), truncated=17))

    assert rows(database_url, "select truncated from aiops.incident") == [(17,)]


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"not json", "not an Alertmanager webhook payload"),
        (b'{"version": "3", "groupKey": "", "status": "firing", "alerts": [1]}', "version"),
        (b'{"version": "4", "groupKey": "g", "status": "firing", "alerts": []}', "alerts"),
        (b'{"version": "4", "groupKey": "g", "status": "firing", "alerts": [{"status": "firing"}]}', "alerts.0.labels"),
        (b"", "not an Alertmanager webhook payload"),
        (b"\xff\xfe", "not an Alertmanager webhook payload"),
    ],
)
async def test_what_is_not_a_payload_is_refused_with_the_reason_and_kept(door, database_url, body, reason):
    _, client = await door()

    answer = await post(client, body)

    assert answer.status_code == 400
    assert reason in answer.json()["error"]
    ((kept_reason, kept_body),) = rows(database_url, "select reason, body from aiops.quarantine")
    assert reason in kept_reason
    assert body == kept_body


async def test_one_unreadable_alert_does_not_take_the_others_with_it(door, database_url):
    _, client = await door()

    answer = await post(client, payload(alert(), {"status": "firing", "labels": {"service": "x"}, "startsAt": "soon"}))

    assert (answer.status_code, answer.json()["incidents"]) == (200, ["INC-1"])
    assert "alerts.1.startsAt" in answer.json()["rejected"][0]
    assert len(rows(database_url, "select 1 from aiops.quarantine")) == 1


async def test_control_characters_and_secrets_never_reach_the_database(door, database_url):
    _, client = await door()
    one = alert(note="a\x00b\u202ec")
    one["annotations"]["description"] = "dsn postgres://shop:hunter22@db/orders"

    answer = await post(client, payload(one))

    assert answer.status_code == 200
    ((labels, annotations),) = rows(database_url, "select labels, annotations from aiops.alert")
    assert labels["note"] == "abc"
    assert "hunter22" not in annotations["description"]


@pytest.mark.parametrize("given", [None, "Bearer wrong", "Basic c2VjcmV0"])
async def test_without_the_bearer_token_nothing_is_read(door, database_url, given):
    _, client = await door(token="secret")

    answer = await post(client, payload(alert()), **({"Authorization": given} if given else {}))

    assert answer.status_code == 401
    assert rows(database_url, "select id from aiops.incident") == []


async def test_with_the_bearer_token_it_is_accepted(door):
    _, client = await door(token="secret")

    answer = await post(client, payload(alert()), Authorization="Bearer secret")

    assert answer.status_code == 200


async def test_a_body_without_end_is_refused(door):
    _, client = await door()

    async def endless():
        for _ in range(100):
            yield b"x" * 100_000

    declared = await post(client, b"x" * 5_000_000)
    streamed = await client.post("/webhooks/alertmanager", content=endless())

    assert (declared.status_code, streamed.status_code) == (413, 413)


async def test_a_database_that_is_away_is_a_503_and_alertmanager_may_retry(door, database_url, postgres_url):
    _, client = await door()
    name = database_url.split("?")[0].rsplit("/", 1)[1]
    with psycopg.connect(postgres_url, autocommit=True) as admin:
        admin.execute(f'alter database "{name}" allow_connections false')
        admin.execute(f"select pg_terminate_backend(pid) from pg_stat_activity where datname = '{name}'")
        away = await post(client, payload(alert()))
        malformed = await post(client, b"{}")
        admin.execute(f'alter database "{name}" allow_connections true')

    async with asyncio.timeout(30):
        while (back := await post(client, payload(alert()))).status_code == 503:
            await asyncio.sleep(0.1)

    assert (away.status_code, malformed.status_code, back.status_code) == (503, 503, 200)


async def test_a_storm_gathers_into_few_incidents(door, database_url):
    _, client = await door()
    groups = [
        payload(alert(f"Alert{place}", service=f"service-{place}"), group_key=f"group-{place}") for place in range(400)
    ]

    answers = await asyncio.gather(*(post(client, group) for group in groups))

    assert {200} == {answer.status_code for answer in answers}
    ((incidents, alerts),) = rows(database_url, "select count(*), sum(alert_count) from aiops.incident")
    assert alerts == 400
    assert incidents <= 50
