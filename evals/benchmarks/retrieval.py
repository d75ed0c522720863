"""What fitting and ablation of retrieval share: questions with the evidence for each candidate, read once."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bot.core.matching import Question, RunbookMatcher, Weights
from bot.core.similar import Likeness, Records, section_text
from evals.benchmarks import postmortems, runbooks
from evals.benchmarks.table import read_rows
from evals.benchmarks.vectors import Embedding

Floats = NDArray[np.float64]
# Of `matching.Weights`, in this order; the first are the words' side.
KINDS = (
    "summary",
    "description",
    "metrics",
    "pairs",
    "meaning",
    "folder",
    "prefix",
    "metric_prefix",
    "name",
    "mention",
)
WORDY = 4
"""How many of them are of words, of which a text has many."""
_PARTS = {"pairs": "pairs", "meaning": "meaning", "folder": "folder", "prefix": "prefix", "metric_prefix": "metric", "name": "name", "mention": "mention"}  # fmt: skip
_ONES = Weights(**dict.fromkeys(KINDS, 1.0))
FOLDS = 5


@dataclass(frozen=True, slots=True)
class Choice:
    """One alert: evidence for each runbook in units of one, which are right, and whose group it is of."""

    evidence: Floats
    """Runbooks by KINDS."""
    right: NDArray[np.bool_]
    group: str
    traits: Sequence[Floats]
    """Of the three that ship as best: likeness, place, words; and the name's own certainty."""


def weights_of(weights: Weights) -> Floats:
    """As a vector in the order of KINDS."""
    return np.array([getattr(weights, name) for name in KINDS])


def choices(
    rows: Sequence[Mapping[str, Any]], corpus: Sequence[Mapping[str, Any]], embedding: Embedding | None, words: runbooks.Words
) -> list[Choice]:  # fmt: skip
    """Every alert over one corpus; without an embedding, meaning is nothing everywhere."""
    documents = [runbooks.document(row, words) for row in corpus]
    matcher = RunbookMatcher(documents)
    ids = [one.id for one in documents]
    asked = [runbooks.question(row, words) for row in rows]
    near = np.zeros((len(asked), len(ids)))
    if embedding is not None and asked:
        near = embedding.of([one.meaning for one in asked]) @ embedding.of([one.meaning for one in documents]).T
    return [
        _choice(matcher, ids, one, row, dict(zip(ids, alike.tolist(), strict=True)), felt=embedding is not None)
        for one, row, alike in zip(asked, rows, near, strict=True)
    ]


def _choice(
    matcher: RunbookMatcher, ids: Sequence[str], question: Question, row: Mapping[str, Any], alike: Mapping[str, float], *, felt: bool
) -> Choice:  # fmt: skip
    found = matcher.evidence(question, alike, _ONES)
    columns = {name: found[part].astype(float) for name, part in _PARTS.items()}
    silent = replace(_ONES, summary=0.0, description=0.0, metrics=0.0)
    for name in KINDS[:3]:
        columns[name] = matcher.evidence(question, {}, replace(silent, **{name: 1.0}))["words"].astype(float)
    evidence = np.column_stack([columns[name] for name in KINDS])
    right = {row.get("runbook_id", ""), *row.get("also_relevant", ())} - {""}
    shipped = matcher.evidence(question, alike)
    best = np.argsort(-np.sum(list(shipped.values()), axis=0), kind="stable")[:3]
    traits = [
        np.array([*matcher.traits({k: float(v[at]) for k, v in shipped.items()}, felt=felt).values(), float(shipped["name"][at] > 0)])
        for at in best.tolist()
    ]  # fmt: skip
    return Choice(evidence, np.array([one in right for one in ids]), str(row.get("group") or row["id"]), traits)


@dataclass(frozen=True, slots=True)
class Runbooks:
    """The questions of the benchmark, apart."""

    named: Sequence[Choice]
    bare: Sequence[Choice]
    hard: Sequence[Choice]
    service: Sequence[Choice]
    none: Sequence[Choice]


def read_runbooks(data: Path, embedding: Embedding | None) -> Runbooks:
    """All questions. Raises BenchmarkError when a data set is absent."""
    corpus = list(read_rows(data / runbooks.FOLDER / "corpus.jsonl"))
    pairs, service = (runbooks.all_rows(data / runbooks.FOLDER, part) for part in ("pairs.", "pairs_service_level."))
    rules = [row for row in runbooks.all_rows(data / runbooks.RULES, "rules.") if row["no_runbook_expected"]]
    team = {row["id"]: str(row["repo"]) for row in corpus}
    nameless = runbooks.without([row["alertname"] for row in (*pairs, *service)])
    hard = [
        one
        for name in sorted(set(team.values()))
        for one in choices(
            [row for row in pairs if not row["name_in_doc"] and team[row["runbook_id"]] == name],
            [row for row in corpus if row["repo"] == name],
            embedding,
            as_written,
        )
    ]
    return Runbooks(
        named=choices(pairs, corpus, embedding, as_written),
        bare=choices(pairs, corpus, embedding, nameless),
        hard=hard,
        service=choices(service, corpus, embedding, as_written),
        none=choices(rules, corpus, embedding, as_written),
    )


def as_written(text: str) -> str:
    """Unchanged."""
    return text


def recall(asked: Sequence[Choice], weights: Floats) -> tuple[float, float]:
    """R@1 and R@3."""
    places = [int(np.flatnonzero(one.right[np.argsort(-(one.evidence @ weights), kind="stable")])[0]) for one in asked]
    return tuple(float(np.mean([place < k for place in places])) if places else 0.0 for k in (1, 3))  # pyright: ignore[reportReturnType] - two of them


@dataclass(frozen=True, slots=True)
class Reports:
    """Public incident reports with their vectors, and alerts on technologies that none of them speaks of."""

    incidents: Sequence[Mapping[str, Any]]
    asked: Sequence[Mapping[str, Any]]
    alike: Floats
    """Symptoms of those asked for, by causes of all."""
    foreign: Sequence[str]
    foreign_alike: Floats
    records: Records

    def places(self, likeness: Likeness) -> list[int]:
        """Where each cause is found, without the floor; as the last where it is not among the candidates."""
        records = self.records.weighed(likeness)
        return [
            next((at for at, (name, _) in enumerate(order) if name == row["id"]), len(self.incidents))
            for row, order in zip(self.asked, (self.order(records, row["symptom_text"], near) for row, near in zip(self.asked, self.alike, strict=True)), strict=True)
        ]  # fmt: skip

    def order(self, records: Records, text: str, near: Floats) -> list[tuple[str, float]]:
        """Ids and scores, best first."""
        names = [row["id"] for row in self.incidents]
        return postmortems.ranked(records, text, dict(zip(names, near.tolist(), strict=True)))


def read_reports(data: Path, embedding: Embedding) -> Reports:
    """Everything of the benchmark. Raises BenchmarkError when a data set is absent."""
    incidents = postmortems.incidents(data)
    asked = [row for row in incidents if row["known_item_ok"]]
    foreign = postmortems.foreign(data, incidents)
    causes = embedding.of([section_text(postmortems.record(row), "cause") for row in incidents])
    symptoms = embedding.of([row["symptom_text"] for row in asked])
    strange = embedding.of(foreign)
    return Reports(
        incidents,
        asked,
        (symptoms @ causes.T).astype(np.float64),
        foreign,
        (strange @ causes.T).astype(np.float64),
        postmortems.corpus(incidents),
    )
