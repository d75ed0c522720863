"""Runbooks, similar incidents and payloads: what the benchmarks count, and what they promise where their data is there."""

import json

import pytest

from bot.core.alert import Severity
from bot.core.matching import Match
from evals.benchmarks import payloads, postmortems, runbooks
from evals.benchmarks.payload_truth import parts, service_of, severity_of
from evals.benchmarks.table import data_folder


@pytest.fixture(scope="module")
def data():
    folder = data_folder()
    if not (folder / payloads.FOLDER).is_dir():
        pytest.skip(f"the public data sets are not in {folder}; AIOPS_BENCH_DATA names their folder")
    return folder


def asked(*ids, right=(), sure=1.0, by_name=False):
    return runbooks.Asked([Match(id=one, by_name=by_name, sure=sure, why="") for one in ids], frozenset(right))


def test_a_runbook_counts_as_found_at_its_place_and_as_shown_above_the_floor():
    second = asked("b", "a", right=["a"], sure=0.1)

    assert (second.within(1), second.within(3), second.shown) == (False, True, False)
    assert asked("a", right=["a"], sure=0.1, by_name=True).shown
    assert not asked(right=["a"]).shown


def test_a_false_match_is_an_alert_without_a_runbook_that_is_shown_one():
    rows = runbooks.rows([asked("a", right=["a"])], [], [], [], [asked("a"), asked("a", sure=0.0)])

    figures = {row.name: (row.figure, row.n) for row in rows}
    assert figures["no runbook exists: one is shown"] == (0.5, 2)
    assert figures["... while right runbooks that stay above the floor"] == (1.0, 1)


def test_the_mean_reciprocal_rank_counts_what_was_not_found_as_nothing():
    rows = {row.name: row.figure for row in postmortems.rows([0, 1, None, None])}

    assert rows["symptom → cause: MRR"] == pytest.approx(0.375)
    assert rows["symptom → cause: R@1"] == 0.25
    assert rows["symptom → cause: R@3"] == 0.5


def test_what_the_floor_lets_through_is_counted_for_foreign_alerts_and_for_right_first_matches():
    shown, kept = postmortems.floor_rows([0.0, postmortems.FLOOR], [postmortems.FLOOR, 1.0, 0.0, 0.0])

    assert (shown.figure, shown.n) == (0.5, 2)
    assert (kept.figure, kept.n) == (0.5, 4)


def test_an_alert_on_a_technology_that_some_report_names_is_not_foreign(tmp_path):
    folder = tmp_path / "alert_rules_awesome"
    folder.mkdir()
    rules = [{"service": name, "name": f"{name} is down", "description": "No answer"} for name in ("Redis", "CouchDB")]
    (folder / "rules.dev.jsonl").write_text("\n".join(map(json.dumps, rules)), encoding="utf-8")
    known = [{"title": "", "symptom_text": "The redis replica was away.", "cause_text": ""}]

    assert postmortems.foreign(tmp_path, known) == ["CouchDB is down: No answer"]


def test_every_public_payload_is_read_with_each_field_that_it_gives(data):
    assert [row.name for row in payloads.run(data) if not row.met] == []


@pytest.mark.parametrize(
    ("payload", "severity", "service"),
    [
        ({"severity": "Critical", "service": "shop"}, Severity.CRITICAL, "shop"),
        ({"severity": "warning", "priority": "HIGH"}, Severity.WARNING, None),
        ({"priority": 4, "deployment": "shop", "job": "scraper"}, Severity.INFO, "shop"),
        ({"data": {"priority": {"summary": "P1"}, "service": {"summary": "API"}}}, Severity.CRITICAL, "API"),
        ({"a": {"level": "error", "app": "x"}, "b": {"level": "info", "app": "y"}}, None, None),
        ({"severity": 7, "service": None}, None, None),
        ({"evidence": [{"severity": "critical", "service": "other"}], "urgency": "low"}, Severity.INFO, None),
    ],
)
def test_a_payload_names_a_severity_and_a_service_only_when_there_is_no_doubt(payload, severity, service):
    assert (severity_of(payload), service_of(payload)) == (severity, service)


def test_each_alert_of_a_group_is_held_against_its_own_labels():
    alerts = [
        {"status": "firing", "labels": {"alertname": "A", "severity": severity}, "startsAt": "2026-01-01T00:00:00Z"}
        for severity in ("critical", "info")
    ]
    row = {"kind": "webhook", "payload": {"alerts": alerts, "commonLabels": {"service": "shop"}, "status": "firing"}}
    read = payloads.parsed(row)

    assert [severity_of(part) for part in parts(row["payload"], 2)] == [Severity.CRITICAL, Severity.INFO]
    assert payloads.same_severity(row, read) is True
    assert payloads.same_severity(row, read[::-1]) is False
    assert payloads.same_severity({**row, "payload": {"alerts": []}}, ()) is None


def test_a_service_that_was_read_wrong_is_seen():
    row = {"kind": "webhook", "payload": {"title": "Too slow", "service": "shop", "severity": "critical"}}
    other = {"kind": "webhook", "payload": {"title": "Too slow", "service": "billing", "severity": "info"}}

    assert (payloads.same_service(row, payloads.parsed(row)), payloads.same_service(row, payloads.parsed(other))) == (
        True,
        False,
    )
    assert payloads.same_severity(row, payloads.parsed(other)) is False
