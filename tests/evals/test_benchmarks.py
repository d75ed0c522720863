"""The public benchmarks: their table, and what they promise where their data is there."""

import json
import re
from datetime import UTC, datetime

import numpy as np
import pytest

from bot.agent import causes
from bot.core.confidence import fitted_part
from bot.core.weights import SURENESS, WEIGHTS
from evals.benchmarks import ablate, fit_confidence, nab, rca_changes, rca_components, rca_healthy
from evals.benchmarks.report import BEGIN, END, markdown, run_all, write
from evals.benchmarks.table import Benchmark, BenchmarkError, Row, benchmarks, data_folder, read_rows, share, wilson
from evals.runner import ROOT, make_desk, run_case


@pytest.fixture(scope="module")
def data():
    folder = data_folder()
    if not (folder / rca_changes.FOLDER).is_dir():
        pytest.skip(f"the public data sets are not in {folder}; AIOPS_BENCH_DATA names their folder")
    return folder


def test_the_interval_is_wilsons():
    # E. B. Wilson's interval for 8 of 10 at 90 %, z = 1.645, worked out by hand.
    low, high = wilson(8, 10)

    assert (round(low, 3), round(high, 3)) == (0.541, 0.931)
    assert wilson(0, 0) == (0.0, 1.0)


def test_a_row_says_whether_its_target_holds():
    assert share("a", 7, 10, at_least=0.7).met is True
    assert share("a", 6, 10, at_least=0.7).met is False
    assert share("a", 2, 10, at_most=0.1).met is False
    assert share("a", 2, 10).met is None


def test_a_benchmark_whose_data_is_absent_is_a_sentence(tmp_path):
    told = run_all(tmp_path, [Benchmark(name="components", run=rca_components.run)])

    assert told.rows == () or list(told.rows) == []
    (sentence,) = told.skipped
    assert sentence.startswith("Benchmark components skipped:")
    assert str(tmp_path) in sentence


def test_without_the_folder_one_sentence_names_the_variable(tmp_path):
    told = run_all(tmp_path / "nowhere", benchmarks())

    assert len(told.skipped) == 1
    assert "AIOPS_BENCH_DATA" in told.skipped[0]


def test_a_broken_row_is_named_with_file_and_line(tmp_path):
    path = tmp_path / "rows.jsonl"
    path.write_text('{"a": 1}\n\n{"a": \n')

    with pytest.raises(BenchmarkError, match=re.escape(f"{path}:3: is not JSON")):
        list(read_rows(path))


def test_the_page_gets_the_table_between_its_markers(tmp_path):
    page = tmp_path / "page.md"
    page.write_text(f"before\n{BEGIN}\nold\n{END}\nafter\n")
    row = Row(name="x", figure=0.5, n=4, low=0.2, high=0.8, target="≥ 0.40", met=True)

    write(page, markdown([row], at=datetime(2026, 11, 20, tzinfo=UTC)))

    assert "| x | 0.50 | 4 | 0.20 to 0.80 | ≥ 0.40 | ✓ |  |" in page.read_text()
    assert page.read_text().startswith("before\n")


def test_the_shipped_page_has_markers_for_the_benchmarks():
    text = (ROOT / "docs" / "explanation" / "accuracy.md").read_text()

    assert BEGIN in text
    assert END in text


def incident(blamed):
    """One incident in the form of RootCauseBench, made up here."""
    minutes = [f"2026-03-01T10:{minute:02d}:00Z" for minute in range(60)]
    metrics = [["timestamp", "service", "metric", "value"]]
    metrics += [[at, "till", "http_error_ratio", "0.0" if place < 40 else "0.5"] for place, at in enumerate(minutes)]
    logs = [
        {"timestamp": at, "service": "till", "severity_text": "INFO", "msg": "receipt printed", "trace_id": "t"}
        for at in minutes[:40]
    ]
    logs += [
        {"timestamp": at, "service": "till", "severity_text": "ERROR", "msg": "voucher table missing", "trace_id": "t"}
        for at in minutes[40:50]
    ]
    diff = "@@ till/voucher.py @@\n-    prepare_voucher_table(db)\n"
    commit = {
        "sha": "ab" * 20,
        "author": "kim",
        "timestamp": minutes[30],
        "message": "tidy",
        "files_changed": ["till/voucher.py"],
        "diff": diff,
    }
    other = {
        **commit,
        "sha": "cd" * 20,
        "message": "words",
        "files_changed": ["till/README.md"],
        "diff": None,
        "timestamp": minutes[39],
    }
    return {
        "id": "made-up",
        "ground_truth": {"root_cause_commit": blamed, "first_failing_service": "till", "decoy_deploy_commits": ["cd" * 20]},
        "alert": {"service": "till", "metric": "http_error_ratio", "threshold": 0.1, "observed": 0.5, "fired_at": minutes[44],
                  "severity": "critical", "monitor": "till-errors", "summary": "till fails"},
        "context.commits": [commit, other],
        "context.deploys": [{"timestamp": minutes[38], "service": "till", "commit_sha": "ab" * 20, "version": "v7"}],
        "context.flags": [],
        "logs": logs,
        "metrics": metrics,
        "traces": [],
    }  # fmt: skip


async def test_an_incident_is_put_to_the_whole_agent_and_its_answer_is_graded():
    one = incident("ab" * 20)

    run = await run_case(rca_changes.case_of(one), make_desk())
    rows = {row.name: row.figure for row in rca_changes.rows([(one["ground_truth"], rca_changes.named(run))])}

    assert rows["RootCauseBench: culprit named"] == 1
    assert rows["RootCauseBench: decoy blamed"] == 0


async def test_the_answer_key_never_reaches_the_agent():
    told = json.dumps([call.model_dump(mode="json") for call in rca_changes.case_of(incident("none")).calls])

    assert "ground_truth" not in told
    assert "decoy" not in told


def test_naming_the_wrong_change_or_one_where_none_is_to_blame_is_graded_as_such():
    truth = {"root_cause_commit": "ab" * 20, "decoy_deploy_commits": ["cd" * 20]}
    none = {"root_cause_commit": "none", "decoy_deploy_commits": []}

    rows = {
        row.name.split(": ")[1]: row.figure
        for row in rca_changes.rows([(truth, "commit-" + "cd" * 6), (none, "commit-" + "ef" * 6)])
    }

    assert rows["culprit named"] == rows["abstains where no change is to blame"] == 0
    assert rows["decoy blamed"] == 0.5
    assert rows["any innocent change blamed"] == 1


@pytest.mark.parametrize("module", [rca_changes, rca_components, rca_healthy], ids=["changes", "components", "healthy"])
def test_what_was_promised_holds_on_the_development_part(data, module):
    rows = module.run(data)

    assert [row.name for row in rows if row.met is False] == []
    assert any(row.met for row in rows)


def test_the_detector_of_the_sweep_stays_at_the_rate_that_is_written_down(data):
    found, right, wolf = nab.run(data)

    assert found.figure >= 0.4
    assert right.figure >= 0.4
    assert wolf.figure <= 0.3


def test_the_shipped_sureness_is_what_the_fit_gives(data):
    known = fit_confidence.answers(data)

    # Cases are added and rules move, so a little apart is the same; far apart means that nobody fitted again.
    assert fit_confidence.fitted(known) == pytest.approx(fitted_part(SURENESS), abs=0.3)


def test_answers_of_the_same_kind_are_given_the_share_that_was_right():
    terms = np.array([[1.0, *[0.0] * (len(fitted_part(SURENESS)) - 1)]] * 200)
    right = np.array([1.0, 1.0, 1.0, 0.0] * 50)
    known = fit_confidence.Answers(terms=terms, right=right, source=("a",) * 100 + ("b",) * 100)

    weights = fit_confidence.fitted(known, spread=100.0)

    assert fit_confidence.chances(known, weights) == pytest.approx(0.75, abs=0.01)
    assert fit_confidence.brier(*fit_confidence.left_out(known, fit_confidence.fitted)) < 0.25


def test_a_part_is_off_only_while_it_is_asked_without():
    part = ablate.Off(name="nearness", weights=("recent",), swaps=((causes, "signs_in", lambda _: []),))
    before = (WEIGHTS.recent, causes.signs_in)

    with ablate.without(part):
        assert WEIGHTS.recent == 0
        assert causes.signs_in("out of memory") == []

    assert (WEIGHTS.recent, causes.signs_in) == before


@pytest.mark.parametrize("part", ["ablation of causes", "ablation of components", "confidence"])
def test_the_page_has_a_place_for_every_table_that_a_command_writes(part):
    text = (ROOT / "docs" / "explanation" / "accuracy.md").read_text()

    assert f"<!-- {part}: begin -->" in text
    assert f"<!-- {part}: end -->" in text
