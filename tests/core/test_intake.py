"""Which incident an alert belongs to."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from bot.core.alert import Alert, AlertStatus, Anchor, Delivery, Severity, Source
from bot.core.intake import IntakePolicy, KnownAlert, OpenIncident, plan_intake

NOW = datetime(2026, 11, 23, 2, 0, tzinfo=UTC)
IDS = [f"INC-{number}" for number in range(1, 500)]


def alert(name="HighErrorRate", service="checkout", status="firing", at=NOW, fingerprint=None, **more):
    return Alert(
        fingerprint=fingerprint or f"{name}-{service}",
        starts_at=at,
        name=name,
        status=AlertStatus(status),
        severity=Severity.CRITICAL,
        service=service,
        environment=more.pop("environment", ""),
        summary=more.pop("summary", ""),
        labels={},
        annotations={},
    )


def delivery(*alerts, group="", source=Source.ALERTMANAGER, **more):
    return Delivery(source=source, alerts=alerts, group_key=group, **more)


def incident(**changes):
    values = {
        "id": "INC-900",
        "group_key": "",
        "service": "checkout",
        "environment": "",
        "title": "HighErrorRate",
        "severity": Severity.WARNING,
        "opened_at": NOW,
        "started_at": NOW,
        "firing": 1,
        "alert_names": frozenset({"HighErrorRate"}),
        "forwarded_names": frozenset(),
        "anchor": None,
        "forwarded": False,
        "posted": False,
    }
    return OpenIncident(**(values | changes))


def plan(*deliveries, known=None, incidents=(), policy=None):
    return plan_intake(
        deliveries, known=known or {}, incidents=list(incidents), ids=IDS, policy=policy or IntakePolicy(), now=NOW
    )


def places(made):
    return {planned.alert.name: planned.incident_id for planned in made.alerts.values()}


def test_a_group_key_wins_over_the_service():
    other = incident(id="INC-901", service="search", group_key="g")

    made = plan(delivery(alert(), group="g"), incidents=[incident(), other])

    assert places(made) == {"HighErrorRate": "INC-901"}


def test_the_same_service_long_before_is_another_incident():
    old = incident(started_at=NOW - timedelta(hours=3), opened_at=NOW - timedelta(hours=3))

    assert places(plan(delivery(alert()), incidents=[old])) == {"HighErrorRate": "INC-1"}


def test_the_same_service_in_another_environment_is_another_incident():
    made = plan(delivery(alert(environment="staging")), incidents=[incident(environment="production")])

    assert places(made) == {"HighErrorRate": "INC-1"}


def test_alike_words_join_when_no_service_is_named():
    one = incident(service="", title="Disk is filling up on node seven")

    made = plan(delivery(alert("Disk is filling up on node eight", service="")), incidents=[one])

    assert set(places(made).values()) == {"INC-900"}


def test_the_worst_severity_is_the_incidents():
    made = plan(delivery(alert("B")), incidents=[incident()])

    assert made.touched["INC-900"].severity is Severity.CRITICAL


def test_an_incident_is_over_when_its_last_alert_is():
    one = alert()
    made = plan(
        delivery(alert(status="resolved")),
        known={one.key: KnownAlert(incident_id="INC-900", status=AlertStatus.FIRING)},
        incidents=[incident()],
    )

    assert made.resolved == {"INC-900"}


def test_firing_again_within_one_batch_keeps_it_open():
    one = alert()
    made = plan(
        delivery(alert(status="resolved")),
        delivery(alert("Another")),
        known={one.key: KnownAlert(incident_id="INC-900", status=AlertStatus.FIRING)},
        incidents=[incident()],
    )

    assert made.resolved == set()


def test_a_forwarded_message_hangs_an_unposted_incident_under_itself():
    anchor = Anchor(channel="C1", ts="1.0")
    made = plan(delivery(alert(), source=Source.SLACK, anchor=anchor), incidents=[incident()])

    assert made.anchored == {"INC-900": anchor}
    assert made.alerts == {}, "the webhook has told it with all its labels"


def test_a_forwarded_message_that_comes_after_our_card_gets_a_pointer():
    anchor = Anchor(channel="C1", ts="1.0")
    made = plan(delivery(alert(), source=Source.SLACK, anchor=anchor), incidents=[incident(posted=True)])

    assert made.pointers == [("INC-900", anchor)]
    assert made.anchored == {}


def test_the_webhook_takes_over_what_only_a_message_told():
    told = incident(forwarded=True, forwarded_names=frozenset({"HighErrorRate"}), anchor=Anchor(channel="C1", ts="1.0"))

    made = plan(delivery(alert()), incidents=[told])

    assert made.superseded == [("INC-900", "HighErrorRate")]
    assert made.touched["INC-900"].firing == 1


@given(st.integers(min_value=1, max_value=400))
def test_however_many_services_alert_at_once_the_incidents_stay_few(count):
    deliveries = [
        delivery(alert(f"Alert{place}", service=f"service-{place}"), group=f"g{place}") for place in range(count)
    ]

    made = plan(*deliveries)

    assert len(made.alerts) == count
    assert len(made.opened) <= 50
    assert all(planned.incident_id is not None for planned in made.alerts.values())
