"""
Which runbook an alert has: public alert rules and the runbooks that their authors linked them to, through the bot's matcher.

A rule becomes the alert that Alertmanager would send: its expression stands in Prometheus's link back to itself. The second
figure takes every alert name out of rules and runbooks, so that only what they are about is left. The hard part is the alerts
whose name no text has, against the runbooks of one team. Alerts of technologies that no runbook mentions have no runbook.
"""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from bot.core.alert import Alert, AlertStatus, Severity
from bot.core.matching import FLOOR, Document, Match, Question, RunbookMatcher, question_of
from evals.benchmarks.table import Benchmark, Row, read_rows, share
from evals.benchmarks.vectors import Embedding

FOLDER = "alert_runbook"
RULES = "alert_rules_awesome"
_TOP = 3
_AT = datetime(2026, 1, 1, tzinfo=UTC)
Words = Callable[[str], str]


@dataclass(frozen=True, slots=True)
class Asked:
    """The three best runbooks of an alert and the right ones; none for an alert without a runbook."""

    found: Sequence[Match]
    right: frozenset[str]

    def within(self, k: int) -> bool:
        """Whether a right one is among the first k."""
        return any(one.id in self.right for one in self.found[:k])

    @property
    def shown(self) -> bool:
        """Whether the best is good enough to be shown."""
        return bool(self.found) and (self.found[0].by_name or self.found[0].sure >= FLOOR)


def run(data: Path) -> Sequence[Row]:
    """All figures. Raises BenchmarkError when a data set is absent."""
    corpus = list(read_rows(data / FOLDER / "corpus.jsonl"))
    pairs = all_rows(data / FOLDER, "pairs.")
    service = all_rows(data / FOLDER, "pairs_service_level.")
    rules = [row for row in all_rows(data / RULES, "rules.") if row["no_runbook_expected"]]
    team = {row["id"]: str(row["repo"]) for row in corpus}
    nameless = without([row["alertname"] for row in (*pairs, *service)])
    embedding = Embedding()
    try:
        everything = Answers(corpus, embedding)
        named = everything.to(pairs)
        bare = Answers(corpus, embedding, nameless).to(pairs)
        hard = [
            one
            for name in sorted(set(team.values()))
            for one in Answers([row for row in corpus if row["repo"] == name], embedding).to(
                row for row in pairs if not row["name_in_doc"] and team[row["runbook_id"]] == name
            )
        ]
        return rows(named, bare, hard, everything.to(service), everything.to(rules))
    finally:
        embedding.close()


def rows(
    named: Sequence[Asked],
    bare: Sequence[Asked],
    hard: Sequence[Asked],
    service: Sequence[Asked],
    none: Sequence[Asked],
) -> list[Row]:
    """The figures of the five questions."""
    true = [one for one in named if one.within(1)]
    return [
        *_recall("alert → runbook", named, (0.93, 0.98), "BM25 .85 / .93"),
        *_recall("alert → runbook, alert names removed everywhere", bare, (0.72, 0.86), "BM25 .64 / .80"),
        *_recall("alert → runbook, name not in it, one team", hard, (0.68, 0.86), "fused .56 / .79"),
        *_recall("alert → runbook of the service", service, (0.90, 0.95), ""),
        share("no runbook exists: one is shown", sum(one.shown for one in none), len(none), at_most=0.05),
        share("... while right runbooks that stay above the floor", sum(one.shown for one in true), len(true), at_least=0.95),
    ]  # fmt: skip


def _recall(name: str, asked: Sequence[Asked], targets: tuple[float, float], reference: str) -> list[Row]:
    return [
        share(f"{name}: R@{k}", sum(one.within(k) for one in asked), len(asked), at_least=target, reference=reference)
        for k, target in zip((1, _TOP), targets, strict=True)
    ]


class Answers:
    """The matcher over one corpus; `words` changes every text before it is used."""

    def __init__(
        self, corpus: Sequence[Mapping[str, Any]], embedding: Embedding, words: Words = lambda text: text
    ) -> None:
        self._words = words
        self._embedding = embedding
        documents = [document(row, words) for row in corpus]
        self._ids = [one.id for one in documents]
        self._vectors = embedding.of([one.meaning for one in documents])
        self._matcher = RunbookMatcher(documents)

    def to(self, asked: Iterable[Mapping[str, Any]]) -> list[Asked]:
        """Each alert's best runbooks."""
        questions = [(question(row, self._words), row) for row in asked]
        if not questions:
            return []
        alike = self._embedding.of([one.meaning for one, _ in questions]) @ self._vectors.T
        return [
            Asked(
                self._matcher.search(one, _TOP, dict(zip(self._ids, near.tolist(), strict=True))),
                frozenset({row.get("runbook_id", ""), *row.get("also_relevant", ())} - {""}),
            )
            for (one, row), near in zip(questions, alike, strict=True)
        ]


def document(row: Mapping[str, Any], words: Words) -> Document:
    """One row of the corpus."""
    place = f"{row['path']}#{row['anchor']}" if row.get("anchor") else str(row["path"])
    return Document(id=row["id"], title=words(row["title"]), location=words(place), text=words(row["text"]))


def question(row: Mapping[str, Any], words: Words) -> Question:
    """A rule as the alert that it raises."""
    said = {key: words(row.get(key) or "") for key in ("summary", "description")}
    return question_of(
        Alert(
            fingerprint=row["id"],
            starts_at=_AT,
            name=words(row.get("alertname") or row["name"]),
            status=AlertStatus.FIRING,
            severity=Severity.UNKNOWN,
            service="",
            environment="",
            summary=said["summary"],
            labels=row.get("labels") or {},
            annotations=said,
            generator_url=f"http://prometheus/graph?{urlencode({'g0.expr': row['expr'], 'g0.tab': '1'})}",
        )
    )


def without(names: Iterable[str]) -> Words:
    """Takes these names out of a text, in any case."""
    longest_first = sorted(set(names), key=len, reverse=True)
    pattern = re.compile("|".join(map(re.escape, longest_first)), re.IGNORECASE)
    return lambda text: pattern.sub(" ", text)


def all_rows(folder: Path, prefix: str) -> list[Mapping[str, Any]]:
    """Every part that is there."""
    parts = sorted(folder.glob(f"{prefix}*.jsonl")) or [folder / f"{prefix}dev.jsonl"]
    return [row for part in parts for row in read_rows(part)]


BENCHMARK = Benchmark(name="alert → runbook", run=run)
