"""
Which runbook an alert has: by exact name, else by service and labels, else by words and meaning, or none.

A match by anything but the name is a suggestion to people. Nothing is ever carried out because of it.
The weights were chosen on public alert rules and rounded: `python -m evals.benchmarks.fit_retrieval` searches them again, and
docs/explanation/accuracy.md has what came of it and the ablation.
"""

import math
import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import parse_qs, urlsplit

import numpy as np

from bot.core.alert import Alert
from bot.core.bm25 import Floats, Vocabulary
from bot.core.fields import Field, FieldIndex
from bot.core.lexical import LexicalIndex
from bot.core.words import folded, parts_of, spoken, tokens, whole, word_pairs

# Labels and matchers that name the monitored thing, unless `runbook_service_labels` says otherwise. `type` is what the
# rules in GitLab's public runbooks call the service; a value counts only where a folder of runbooks is called exactly so, so
# that a key which means something else elsewhere leads nowhere.
SERVICE_KEYS = (
    "service",
    "service_name",
    "app",
    "app_kubernetes_io_name",
    "component",
    "deployment",
    "job",
    "type",
)
_FIELDS = {
    "title": Field(weight=3, length=0.5),
    "location": Field(weight=2, length=0.5),
    "headings": Field(weight=1, length=0.5),
    "lead": Field(weight=1.5, length=0.5),
    "body": Field(weight=1, length=0.9),
}
_LEAD = 600
_TEMPLATE = re.compile(r"\{\{.*?\}\}")
_HEADING = re.compile(r"^(?:#+|=+) +(.*)$", re.MULTILINE)
_QUOTED = re.compile(r"\"[^\"]*\"")
_SELECTED = re.compile(r"\{[^}]*\}|\b(?:by|without|on|ignoring|group_left|group_right)\s*\([^)]*\)")
_METRIC = re.compile(r"\b[A-Za-z_:][\w:]*[_:][\w:]*\b(?!\s*\()")
_MATCHER = re.compile(r"([A-Za-z_]\w*)\s*=\s*\"([^\"]+)\"")
_LANDING = ("readme", "index")
_REASONS = {
    "prefix": "the alert's name begins with its title",
    "folder": "lies under the alert's service",
    "metric": "a metric begins with its title",
    "mention": "mentions the alert",
}
# Logistic regression of "the first match is right", over right matches and alerts for which no runbook exists.
SURE = {"constant": -7.6, "alike": 3.8, "placed": 2.6, "words": 3.3}
# The similarity of a question and a document that are about different things, for when there are no vectors.
_USUAL_ALIKE = 0.35
# At this floor no more than 2 % of the alerts without a runbook are given one, and 97 % of right matches stay.
FLOOR = 0.25


@dataclass(frozen=True, slots=True, kw_only=True)
class Weights:
    """What each kind of evidence is worth, in units of the words' side."""

    summary: float = 0.2
    description: float = 0.1
    metrics: float = 0.05
    pairs: float = 0.04
    """Two words that stand together in the alert and in the document, as D. Metzler and W. B. Croft's ordered windows (SIGIR 2005)."""
    meaning: float = 2.0
    folder: float = 3.0
    """The document lies in a folder that is named as the alert's service."""
    prefix: float = 5.0
    """The document's title or file name is what the alert's name begins with."""
    metric_prefix: float = 1.0
    """... or what one of its metrics begins with."""
    name: float = 9.0
    mention: float = 1.5
    """The alert's name stands in the text."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """A runbook as the matcher sees it."""

    id: str
    title: str
    location: str
    """Path of its file, with `#heading` where several runbooks share one."""
    text: str
    alerts: tuple[str, ...] = ()

    @property
    def stem(self) -> str:
        """What the document is about by its place: heading, file name, or the folder of a landing page."""
        path, _, anchor = self.location.partition("#")
        parts = _without_ending(path).split("/")
        own = anchor or parts[-1]
        return parts[-2] if own.lower() in _LANDING and len(parts) > 1 else own

    @property
    def folders(self) -> frozenset[str]:
        """The folders above its file."""
        return frozenset(folded(part) for part in self.location.partition("#")[0].split("/")[:-1])

    @property
    def meaning(self) -> str:
        """The text whose vector stands for the document."""
        return f"{spoken(self.title)}. {self.text[:1200]}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What an alert tells about itself."""

    name: str
    summary: str
    description: str
    expression: str
    labels: Mapping[str, str]
    service: str = ""
    """The monitored thing as it was read out of the sender's words; it need not stand in a label."""
    service_keys: tuple[str, ...] = SERVICE_KEYS

    @property
    def meaning(self) -> str:
        """The text whose vector is compared."""
        return f"{spoken(self.name)}. {_plain(self.summary)} {_plain(self.description)}"

    @property
    def metrics(self) -> tuple[str, ...]:
        """Names of metrics in the expression."""
        return tuple(dict.fromkeys(_METRIC.findall(_SELECTED.sub(" ", _QUOTED.sub(" ", self.expression)))))

    @property
    def services(self) -> frozenset[str]:
        """Names of the monitored thing: the sender's, labels, and equality matchers of the expression, which its series carry."""
        held = {**dict(_MATCHER.findall(self.expression)), **self.labels}
        named = [self.service, *(held.get(key, "") for key in self.service_keys)]
        return frozenset(folded(name) for name in named if folded(name))


@dataclass(frozen=True, slots=True, kw_only=True)
class Match:
    """One document and how sure the match is."""

    id: str
    by_name: bool
    sure: float
    """0 to 1: how likely it is that the match is right, by what it rests on; to be held against FLOOR."""
    why: str


def question_of(alert: Alert, service_keys: tuple[str, ...] = SERVICE_KEYS) -> Question:
    """Prometheus puts the expression into the link back to itself, so an alert brings its own metrics along."""
    said = alert.annotations
    return Question(
        name=alert.name,
        summary=said.get("summary") or said.get("message") or (alert.summary if not said.get("description") else ""),
        description=said.get("description", ""),
        expression=_expression(alert.generator_url),
        labels=alert.labels,
        service=alert.service,
        service_keys=service_keys,
    )


def _expression(link: str) -> str:
    try:
        return next(iter(parse_qs(urlsplit(link).query).get("g0.expr", ())), "")
    except ValueError:
        return ""


class RunbookMatcher:
    """Documents of one team, indexed; building is linear in their text."""

    def __init__(self, documents: Sequence[Document], weights: Weights | None = None) -> None:
        self._documents = documents
        self._weights = weights or Weights()
        self._index = FieldIndex([_fields_of(one) for one in documents], _FIELDS)
        self._pairs = _pairs_in(documents)
        self._names = [{folded(name) for name in (*one.alerts, one.title, one.stem)} for one in documents]
        self._heads = [{head for head in (parts_of(one.stem), parts_of(one.title)) if head} for one in documents]

    def search(self, question: Question, k: int, meaning: Mapping[str, float] | None = None) -> list[Match]:
        """
        The k best, best first; all of them, however weak: the caller holds `sure` against its floor.

        `meaning` is the cosine similarity by document id; without it, words alone decide.
        """
        if not self._documents:
            return []
        parts = self.evidence(question, meaning or {})
        total = np.sum(list(parts.values()), axis=0)
        return [
            self._match(place, question, {name: float(part[place]) for name, part in parts.items()}, felt=bool(meaning))
            for place in np.argsort(-total, kind="stable")[:k].tolist()
        ]

    def evidence(
        self, question: Question, meaning: Mapping[str, float], weights: Weights | None = None
    ) -> Mapping[str, Floats]:
        """What each kind of evidence is worth for each document; the sum is what they are ranked by."""
        weights, services, name = weights or self._weights, question.services, folded(question.name)
        asked = parts_of(question.name)
        measured = [parts_of(metric) for metric in question.metrics]
        mention = whole(question.name)
        return {
            "words": self._index.scores(_words(question, weights)),
            "pairs": weights.pairs * self._pairs.scores(dict.fromkeys(_said_together(question), 1), k3=0.0),
            "meaning": self._each(lambda place: weights.meaning * meaning.get(self._documents[place].id, 0.0)),
            "folder": self._each(lambda place: weights.folder * bool(self._documents[place].folders & services)),
            "prefix": self._each(lambda place: weights.prefix * _begins(self._heads[place], [asked])),
            "metric": self._each(lambda place: weights.metric_prefix * _begins(self._heads[place], measured)),
            "name": self._each(lambda place: weights.name * bool(name and name in self._names[place])),
            "mention": self._each(lambda place: weights.mention * self._index.holds(mention, place)),
        }

    def _each(self, worth: Callable[[int], float]) -> Floats:
        return np.fromiter((worth(place) for place in range(len(self._documents))), dtype=np.float32)

    def _match(self, place: int, question: Question, parts: Mapping[str, float], *, felt: bool) -> Match:
        document, by_name = self._documents[place], parts["name"] > 0
        subject = {*tokens(question.name), *tokens(_plain(question.summary or question.description))}
        shared = [word for word in subject if self._index.holds(word, place) and not word.startswith("=")]
        return Match(
            id=document.id,
            by_name=by_name,
            sure=1.0 if by_name else self._sure(parts, felt=felt),
            why="the alert's name" if by_name else _why(parts, sorted(shared, key=lambda w: (-self._index.idf(w), w))),
        )

    def _sure(self, parts: Mapping[str, float], *, felt: bool) -> float:
        logit = SURE["constant"] + sum(SURE[name] * trait for name, trait in self.traits(parts, felt=felt).items())
        return 1 / (1 + math.exp(-logit))

    def traits(self, parts: Mapping[str, float], *, felt: bool) -> Mapping[str, float]:
        """What tells whether a match is right, from its own evidence; `felt` says whether there were vectors."""
        alike = parts["meaning"] / self._weights.meaning if felt and self._weights.meaning else _USUAL_ALIKE
        placed = parts["folder"] > 0 or parts["prefix"] > 0 or parts["metric"] > 0
        # Rarity grows with the number of documents; in units of the rarest word it does not.
        words = math.log1p(7.6 * parts["words"] / self._index.rarest)
        return {"alike": alike, "placed": float(placed), "words": words}


def _fields_of(one: Document) -> Mapping[str, str]:
    path, _, anchor = one.location.partition("#")
    place = " ".join([*_without_ending(path).split("/")[-2:], anchor, *one.alerts])
    headings = " ".join(_HEADING.findall(one.text))
    return {"title": one.title, "location": place, "headings": headings, "lead": one.text[:_LEAD], "body": one.text}


def _without_ending(path: str) -> str:
    return re.sub(r"\.(?:md|adoc|rst|txt)$", "", path)


def _words(question: Question, weights: Weights) -> Mapping[str, float]:
    words: dict[str, float] = defaultdict(float)
    for text, weight in (
        (_plain(question.summary), weights.summary),
        (_plain(question.description), weights.description),
        (" ".join(question.metrics), weights.metrics),
    ):
        for word in set(tokens(text)):
            words[word] += weight
    if not words:
        # A bare name is all there is.
        words.update(dict.fromkeys(tokens(question.name), weights.summary))
    return words


def _pairs_in(documents: Sequence[Document]) -> LexicalIndex:
    """Which document has which pairs; how often says nothing, so each counts by its rarity alone."""
    vocabulary = Vocabulary()
    held = [vocabulary.numbered(dict.fromkeys(word_pairs(f"{one.title}. {one.text}"), 1)) for one in documents]
    return LexicalIndex(held, vocabulary, k1=0.0, b=0.0)


def _said_together(question: Question) -> set[str]:
    return word_pairs(_plain(question.summary)) | word_pairs(_plain(question.description))


def _plain(text: str) -> str:
    """Without the templates of a rule that was not filled in."""
    return _TEMPLATE.sub(" ", text)


def _begins(heads: Iterable[tuple[str, ...]], names: Iterable[tuple[str, ...]]) -> float:
    """0 when no name begins with a head; else 1 for one word, and towards 2 for longer heads."""
    longest = max((len(head) for head in heads for name in names if name[: len(head)] == head), default=0)
    return 2 * longest / (longest + 1)


def _why(parts: Mapping[str, float], shared: Sequence[str]) -> str:
    reasons = [said for key, said in _REASONS.items() if parts[key] > 0]
    if shared:
        reasons.append(f"shares {', '.join(shared[:5])}")
    return "; ".join(reasons) or "weak match"
