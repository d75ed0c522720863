"""Runbooks, similar incidents and payloads: what the benchmarks count, and what they promise where their data is there."""

import pytest

from bot.core.matching import Match
from evals.benchmarks import payloads, postmortems, runbooks
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


def test_every_public_payload_is_read_with_each_field_that_it_gives(data):
    assert [row.name for row in payloads.run(data) if not row.met] == []
