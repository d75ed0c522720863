"""Weights of retrieval can be fitted again, and each part can be taken away, with the product's own functions."""

import numpy as np
import pytest

from bot.core import matching
from evals.benchmarks import ablate_retrieval, fit_retrieval, report
from evals.benchmarks.postmortems import corpus
from evals.benchmarks.retrieval import KINDS, Choice, Reports, Runbooks, as_written, choices, recall, weights_of

CORPUS = [
    {"id": "redis", "title": "Redis", "path": "docs/redis/redis.md", "text": "Replicas and memory of caches."},
    {"id": "disk", "title": "Disks", "path": "docs/disk/full.md", "text": "A disk is full, writes fail."},
    {"id": "queue", "title": "Queues", "path": "docs/queue/slow.md", "text": "Messages wait, consumers are slow."},
]


def alert(name, right, group, summary):
    return {"id": name, "alertname": name, "summary": summary, "description": "", "expr": "", "labels": {}, "group": group, "runbook_id": right}  # fmt: skip


ASKED = choices(
    [
        alert("CacheLow", "redis", "a", "memory of caches is low"),
        alert("WritesFail", "disk", "b", "writes fail"),
        alert("ConsumersSlow", "queue", "c", "consumers are slow"),
    ],
    CORPUS,
    None,
    as_written,
)


def test_evidence_in_units_of_one_times_the_shipped_weights_ranks_as_the_matcher_does():
    assert recall(ASKED, weights_of(matching.Weights())) == (1.0, 1.0)
    assert recall(ASKED, ablate_retrieval.without(KINDS))[0] == pytest.approx(1 / 3), "the first of equals"


def test_a_fit_gives_weight_to_what_tells_right_from_wrong_and_none_to_what_does_not():
    rng = np.random.default_rng(1)
    asked: list[Choice] = []
    for group in "abcdefghij":
        evidence = rng.random((4, len(KINDS)))
        right = np.arange(4) == int(np.argmax(evidence[:, KINDS.index("meaning")]))
        asked.append(Choice(evidence, right, group, []))

    weights = fit_retrieval.searched(asked)

    assert KINDS[int(np.argmax(weights))] == "meaning"
    assert recall(asked, weights)[0] >= 0.9
    assert len(fit_retrieval.held_out(asked)) == len(asked)


def test_a_logistic_fit_finds_the_line_between_right_and_wrong():
    traits = np.array([[0.1], [0.2], [0.3], [0.7], [0.8], [0.9]])

    constant, slope = fit_retrieval.fitted_logistic(traits, np.array([0.0, 0, 0, 1, 1, 1]))

    assert -constant / slope == pytest.approx(0.5, abs=0.02)


def test_the_tables_have_a_row_for_each_part_and_go_between_their_markers(tmp_path):
    known = Runbooks(named=ASKED, bare=ASKED, hard=ASKED[:1], service=(), none=ASKED[:1])
    incidents = [
        {"id": "a", "source": "x", "cause_text": "the disk was full", "symptom_text": "writes to the disk failed"},
        {"id": "b", "source": "x", "cause_text": "a certificate expired", "symptom_text": "handshakes failed"},
    ]
    reports = Reports(incidents, incidents, np.array([[0.9, 0.1], [0.2, 0.8]]), ["zebra"], np.array([[0.1, 0.1]]), corpus(incidents))  # fmt: skip
    page = tmp_path / "page.md"
    page.write_text(
        "a\n<!-- ablation-runbooks: begin -->\nof before\n<!-- ablation-runbooks: end -->\nb\n", encoding="utf-8"
    )

    report.write(page, ablate_retrieval.runbook_table(known), part="ablation-runbooks")
    table = ablate_retrieval.incident_table(reports)

    assert "| nothing | 1.00 / 1.00 | 1.00 / 1.00 | 1.00 / 1.00 | .00 / .00 |" in page.read_text(encoding="utf-8")
    assert "of before" not in page.read_text(encoding="utf-8")
    assert "| nothing | 1.00 / 1.00 / 1.00 | .00 | 1.00 |" in table
    assert "\n".join([*fit_retrieval.matcher(known), *fit_retrieval.certainty(known)]).count("(shipped)") == 1
    assert any("(shipped)" in line for line in fit_retrieval.past_floor(reports))
    with pytest.raises(ValueError, match="has no lines"):
        report.write(page, table, part="ablation-incidents")
