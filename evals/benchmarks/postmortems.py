"""
Symptom → cause: public incident reports, each asked for by its symptom among the causes of all, through the bot's ranking.

A report becomes a record that holds its cause alone, without title and symptom, so that nothing but the likeness of what was
seen to what had happened can find it. Alerts of technologies that no report speaks of ask for "nothing similar".
"""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from bot.core.postmortem import Postmortem
from bot.core.similar import FLOOR, Asking, Records, section_text
from bot.core.words import tokens
from evals.benchmarks.table import Benchmark, Row, read_rows, share, wilson
from evals.benchmarks.vectors import Embedding, Vectors

FOLDERS = ("postmortems_open", "postmortems_wikitech_ccbysa")
_RULES = "alert_rules_awesome"
# Words in names of technologies that name none.
_COMMON = frozenset(
    tokens("server exporter system cluster built in self monitoring internal blackbox database db cloud")
)
# What a rule fills in when it fires.
_TEMPLATE = re.compile(r"\{\{.*?\}\}")
_TOP = 3
_CANDIDATES = 50


def run(data: Path) -> Sequence[Row]:
    """Recall, mean reciprocal rank, and how often the floor speaks. Raises BenchmarkError when a data set is absent."""
    known = incidents(data)
    records = corpus(known)
    asked = [row for row in known if row["known_item_ok"]]
    others = foreign(data, known)
    embedding = Embedding()
    try:
        causes = embedding.of([section_text(record(row), "cause") for row in known])
        symptoms = embedding.of([row["symptom_text"] for row in asked])
        strange = embedding.of(others)
    finally:
        embedding.close()
    names = [row["id"] for row in known]

    def answers(texts: Sequence[str], near: Vectors) -> list[list[tuple[str, float]]]:
        return [
            ranked(records, text, dict(zip(names, alike.tolist(), strict=True)))
            for text, alike in zip(texts, near @ causes.T, strict=True)
        ]

    found = answers([row["symptom_text"] for row in asked], symptoms)
    first = [order[0][1] for row, order in zip(asked, found, strict=True) if order and order[0][0] == row["id"]]
    return [
        *rows([place(row["id"], order) for row, order in zip(asked, found, strict=True)]),
        *floor_rows([max((score for _, score in order), default=0.0) for order in answers(others, strange)], first),
    ]


def rows(places: Sequence[int | None]) -> list[Row]:
    """The figures of where each cause was found; None: not at all."""
    reference = "BM25 .59 / .72, MRR .68; MiniLM .46 / .64, .57"
    mean = float(np.mean([1 / (one + 1) if one is not None else 0.0 for one in places])) if places else 0.0
    low, high = wilson(round(mean * len(places)), len(places))
    first, third = (sum(one is not None and one < k for one in places) for k in (1, _TOP))
    return [
        share("symptom → cause: R@1", first, len(places), at_least=0.65, reference=reference),
        share("symptom → cause: R@3", third, len(places), reference=reference),
        Row(
            name="symptom → cause: MRR",
            figure=mean,
            n=len(places),
            low=low,
            high=high,
            target="≥ 0.74",
            reference=reference,
            met=mean >= 0.74,
        ),
    ]


def floor_rows(foreign_best: Sequence[float], right_first: Sequence[float]) -> list[Row]:
    """How the floor decides: over the best scores of alerts that nothing is like, and over those of right first matches."""
    return [
        share("nothing like it was reported: something is shown", sum(one >= FLOOR for one in foreign_best), len(foreign_best)),
        share("... while right first matches that stay above the floor", sum(one >= FLOOR for one in right_first), len(right_first)),
    ]  # fmt: skip


def incidents(data: Path) -> list[Mapping[str, Any]]:
    """The reports of both sources. Raises BenchmarkError when one is absent."""
    return [row for folder in FOLDERS for row in _parts(data / folder)]


def corpus(known: Sequence[Mapping[str, Any]]) -> Records:
    """Every report as a record."""
    return Records().changed([record(row) for row in known], [])


def foreign(data: Path, known: Sequence[Mapping[str, Any]]) -> list[str]:
    """What alerts on technologies say that no report speaks of: their names stand in none of the reports."""
    told = Counter(
        word for row in known for word in set(tokens(f"{row['title']} {row['symptom_text']} {row['cause_text']}"))
    )
    rules = [row for part in sorted((data / _RULES).glob("rules.*.jsonl")) for row in read_rows(part)]
    return [
        " ".join(_TEMPLATE.sub(" ", f"{row['name']}: {row['description']}").split())
        for row in rules
        if (named := set(tokens(str(row["service"]))) - _COMMON) and not any(told[word] for word in named)
    ]


def ranked(records: Records, text: str, alike: Mapping[str, float]) -> list[tuple[str, float]]:
    """Ids and scores, best first, from the candidates that either side proposes: as the running search does."""
    asking = Asking(text=text, service="")
    words = records.by_words(asking, _CANDIDATES)
    near = sorted(alike, key=lambda name: -alike[name])[:_CANDIDATES]
    both = {name: alike[name] for name in {*words, *near}}
    return [(one.id, one.score) for one in records.rank(asking, words, both)]


def place(name: str, order: Sequence[tuple[str, float]]) -> int | None:
    """Where a record stands among those at or above the floor."""
    return next((at for at, (each, score) in enumerate(order) if each == name and score >= FLOOR), None)


def record(row: Mapping[str, Any]) -> Postmortem:
    """The cause of a report."""
    return Postmortem(
        id=row["id"],
        title="",
        date="",
        organisation=row["source"],
        service_kind="",
        cause_class="",
        severity="",
        source="",
        tags=(),
        symptom="",
        cause=row["cause_text"],
        fix="",
        lesson="",
        path="",
        sha256="",
    )


def _parts(folder: Path) -> list[Mapping[str, Any]]:
    parts = sorted(folder.glob("incidents.*.jsonl")) or [folder / "incidents.dev.jsonl"]
    return [row for part in parts for row in read_rows(part)]


BENCHMARK = Benchmark(name="symptom → cause", run=run)
