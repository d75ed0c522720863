"""The Grafana dashboard shows what /metrics really exports, with n and intervals, and the page that lists it is complete."""

import json
import re
from dataclasses import fields, replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from prometheus_client import generate_latest
from prometheus_client.parser import text_string_to_metric_families

from bot.core.gauges import NAMES, gauges
from bot.core.grading import agreement
from bot.core.outcome import Grade
from bot.core.postmortem import IndexState
from bot.core.scores import ActionRates, Scores
from bot.webhook import IndexNumbers, Metrics
from tests.slack import digest_situations as situations

ROOT = Path(__file__).parents[2]
DASHBOARD = ROOT / "chart" / "dashboards" / "aiops.json"
NAME = re.compile(r"\baiops_\w+")


def past():
    """A digest in which every number is known."""
    digest = situations.digest()
    pairs = [(Grade.EXACT, Grade.EXACT), (Grade.WRONG, Grade.AREA), (Grade.NEAR, Grade.NEAR)] * 12
    return replace(digest, scores=replace(digest.scores, judge=agreement(pairs)))


def exported():
    """Names of the samples of a bot that has a past."""
    metrics = Metrics()
    metrics.registry.register(IndexNumbers(lambda: IndexState(files=3, current_at=datetime(2026, 11, 30, tzinfo=UTC))))
    metrics.deliveries.labels("alertmanager", "200").inc()
    metrics.seconds.labels("alertmanager").observe(0.1)
    metrics.numbers.show(past())
    text = generate_latest(metrics.registry).decode()
    return {sample.name for family in text_string_to_metric_families(text) for sample in family.samples}


@pytest.fixture(scope="module")
def dashboard():
    return json.loads(DASHBOARD.read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def panels(dashboard):
    return [panel for panel in dashboard["panels"] if panel["type"] != "row"]


def names(panel):
    return {name for target in panel["targets"] for name in NAME.findall(target["expr"])}


def test_every_metric_that_a_panel_names_is_exported(panels):
    named = set().union(*map(names, panels))

    assert named - exported() == set()


def test_every_number_of_the_scores_stands_on_a_panel(panels):
    named = set().union(*map(names, panels))
    shown = {f"aiops_{one.name}" for one in gauges(past()) if not one.name.endswith(("_n", "_lower", "_upper"))}  # fmt: skip
    counted_elsewhere = {"aiops_hypotheses", "aiops_hypotheses_not_established", "aiops_judge_same_grade_ratio", "aiops_helpful_this_week_ratio"}  # fmt: skip

    assert shown - named == counted_elsewhere


def test_no_number_stands_without_its_n_and_its_interval(panels):
    known = exported()
    bare = [
        (panel["title"], name)
        for panel in panels
        for name in names(panel)
        for beside in ("_n", "_lower", "_upper")
        # The baseline is a line to compare with; its own panel has its n.
        if f"{name}{beside}" in known and f"{name}{beside}" not in names(panel) and "baseline" not in name
    ]

    assert bare == []


def test_panels_take_their_data_from_the_chosen_source_and_do_not_overlap(dashboard, panels):
    (variable,) = dashboard["templating"]["list"]
    taken = [(x, y) for panel in dashboard["panels"] for x in range(panel["gridPos"]["x"], panel["gridPos"]["x"] + panel["gridPos"]["w"]) for y in range(panel["gridPos"]["y"], panel["gridPos"]["y"] + panel["gridPos"]["h"])]  # fmt: skip

    assert (variable["name"], variable["type"], variable["query"]) == ("datasource", "datasource", "prometheus")
    assert {target["datasource"]["uid"] for panel in panels for target in panel["targets"]} == {"${datasource}"}
    assert len(taken) == len(set(taken))
    assert max(x for x, _ in taken) < 24
    assert len({panel["id"] for panel in dashboard["panels"]}) == len(dashboard["panels"])


def test_every_field_of_the_scores_is_exported_or_is_a_moment():
    made = [each.name for kind in (Scores, ActionRates) for each in fields(kind)]

    assert set(made) - set(NAMES) == {"since", "until"}


def test_without_anything_known_only_counts_are_exported():
    shown = {one.name for one in gauges(situations.digest([], counts=situations.NOTHING))}

    assert "helpful_ratio" not in shown
    assert {"helpful_ratio_n", "brier_score_n", "hypotheses", "approvals_asked"} <= shown


def test_the_reference_lists_every_metric():
    page = (ROOT / "docs" / "reference" / "http.md").read_text(encoding="utf-8")
    listed = set(re.findall(r"`(aiops_\w+)(?:\{\w+\})?`", page))
    with_bounds = set(re.findall(r"`(aiops_\w+)(?:\{\w+\})?` ±", page))
    listed |= {f"{name}{beside}" for name in with_bounds for beside in ("_n", "_lower", "_upper")}
    ours = {f"aiops_{one.name}" for one in gauges(past())}

    assert ours - listed == set()
    assert {name for name in with_bounds if f"{name}_n" not in ours} == set()
