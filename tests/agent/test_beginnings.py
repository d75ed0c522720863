"""A change is held against the beginnings that the evidence tells, not against the alert that came later."""

from datetime import UTC, datetime, timedelta

import pytest

from bot.agent.beginnings import beginnings, late, recent
from bot.core.evidence import Evidence, EvidenceKind

ALERT = datetime(2026, 5, 4, 2, 30, tzinfo=UTC)


def seen(minutes, *, service="cart", kind=EvidenceKind.METRIC, weight=0.5, **facts):
    at = (ALERT - timedelta(minutes=minutes)).isoformat()
    known = {"direction": "rose", "size": 40.0, "at": at} if kind is EvidenceKind.METRIC else {"first_at": at}
    return Evidence(
        id="E", kind=kind, source="s", service=service, title="t", query="q", start=ALERT, end=ALERT, excerpt="", sha256="",
        weight=weight, facts=known | facts,
    )  # fmt: skip


def before(minutes):
    return ALERT - timedelta(minutes=minutes)


def test_a_change_after_the_beginning_is_late_though_it_came_before_the_alert():
    began = beginnings([seen(20), seen(19, service="db")])

    assert late(before(10), began) == pytest.approx(1.0)
    assert late(before(21), began) == 0.0
    assert recent(before(21), began, ALERT) > 0.9
    assert recent(before(10), began, ALERT) == 0.0


def test_what_began_within_a_minute_before_a_change_may_have_begun_with_it():
    assert late(before(20), beginnings([seen(20.5)])) == 0.0


def test_a_change_is_late_for_as_much_as_had_begun():
    assert 0.4 < late(before(10), beginnings([seen(20), seen(5)])) < 0.6


def test_steady_templates_and_looks_tell_no_beginning_and_edges_do():
    steady = seen(9, kind=EvidenceKind.LOG, trend="steady")
    look = seen(9, kind=EvidenceKind.DIAGNOSTIC)
    new = seen(9, kind=EvidenceKind.LOG, trend="new", weight=0.6)
    edge = seen(9, size=None)

    assert [one.weight for one in beginnings([steady, look, new, edge])] == [0.6, 0.8]


def test_without_a_beginning_the_alert_tells_how_recent_a_change_is():
    assert recent(before(30), (), ALERT) == pytest.approx(0.5)
    assert late(before(30), ()) == 0.0
