"""Invented incidents: the analyst answers them no worse than when they were last used to mend it."""

import lzma

import pytest

from evals.benchmarks import invented
from evals.benchmarks.fit_confidence import FIRST_ASKED
from evals.benchmarks.table import BenchmarkError, read_rows


@pytest.fixture(scope="module")
def rows(tmp_path_factory):
    return {row.name: row for row in invented.run(tmp_path_factory.mktemp("data"))}


def test_most_culprits_are_named_and_few_innocents_blamed(rows):
    usual = "invented incidents, usual"

    assert rows[f"{usual}: culprit named"].n == 108
    assert rows[f"{usual}: culprit named"].figure >= 0.7
    assert rows[f"{usual}: culprit among the hypotheses"].figure >= 0.8
    assert rows[f"{usual}: innocent change blamed"].figure <= 0.1
    assert rows[f"{usual}: abstains where no change is to blame"].figure >= 0.8


def test_the_hard_ones_are_counted_apart(rows):
    assert rows["invented incidents, hard: culprit named"].n == 17


def test_every_incident_stands_there_once_with_its_truth():
    for difficulty in invented.DIFFICULTIES:
        incidents = list(invented.load(invented.FOLDER / f"{difficulty}.jsonl.xz"))
        assert len({one["id"] for one in incidents}) == len(incidents)
        for one in incidents:
            shas = {commit["sha"] for commit in one["context.commits"]}
            assert one["ground_truth"]["root_cause_commit"] in {invented.NONE, *shas}


def test_what_was_answered_first_is_kept_for_known_incidents():
    known = {one["id"] for one in invented.load(invented.FOLDER / "usual.jsonl.xz")}
    kept = list(read_rows(FIRST_ASKED))

    assert {one["id"] for one in kept} <= known
    assert 0.3 < sum(one["right"] for one in kept) / len(kept) < 0.7


def test_a_file_that_cannot_be_read_is_named_with_its_line(tmp_path):
    path = tmp_path / "usual.jsonl.xz"
    with pytest.raises(BenchmarkError, match=r"usual\.jsonl\.xz"):
        list(invented.load(path))

    path.write_bytes(b"no xz")
    with pytest.raises(BenchmarkError, match=r"usual\.jsonl\.xz"):
        list(invented.load(path))

    path.write_bytes(lzma.compress(b'{"id": "a"}\n{"id"\n'))
    with pytest.raises(BenchmarkError, match=r"usual\.jsonl\.xz:2: is not JSON"):
        list(invented.load(path))
