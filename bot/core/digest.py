"""What the weekly eval digest says, as data: the scores, the worst misses, what has no label, what changed."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from bot.core.alert import Anchor
from bot.core.figures import brief_rate, rate_words, share
from bot.core.intervals import PairedDifference
from bot.core.outcome import HARMFUL_FROM, Call
from bot.core.scores import WEEKS, Rate, Scores, helpful_rate
from bot.core.text import plural

_WORST = 5
_OPEN = 5
OFFLINE = "offline analyst"


@dataclass(frozen=True, slots=True, kw_only=True)
class Miss:
    """A hypothesis that did not help, beside what it was."""

    incident_id: str
    title: str
    said: str
    confidence: float
    actual: str
    grade: int
    anchor: Anchor | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Unlabelled:
    """An incident whose cause nobody has recorded."""

    incident_id: str
    title: str
    anchor: Anchor | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """How the calls of one analyst, or of one class of alert, went in the 12 weeks."""

    name: str
    helpful: Rate


@dataclass(frozen=True, slots=True, kw_only=True)
class Digest:
    """One week's digest."""

    week: str
    """The ISO week it reports on, as 2026-W48."""
    so_far: bool
    """That week has not ended yet."""
    made_at: datetime
    scores: Scores
    misses: tuple[Miss, ...]
    unlabelled: tuple[Unlabelled, ...]
    unlabelled_count: int
    analysts: tuple[Group, ...]
    """More than one when the model and the offline analyst both answered."""
    classes: tuple[Group, ...]
    """By the alert's name."""
    changes: tuple[str, ...]
    """Prompts, models, runbooks, autonomy and calibration, one line each."""
    cost_usd: float
    """Of the week."""
    index: str
    """How fresh the index of past incidents is."""
    audit_head: str
    paired: PairedDifference | None = None
    """Helpful rate of the model minus the offline analyst's on the same incidents; None without such pairs."""
    classifier: tuple[str, ...] = ()
    """What the newest training of the classifier came to and found, in sentences; empty before the first."""

    @property
    def empty(self) -> bool:
        """Nothing was posted in 12 weeks and nothing is open."""
        return self.scores.calls == 0 and self.unlabelled_count == 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Numbers:
    """What of a digest is exported as metrics; a digest has it all itself."""

    scores: Scores
    unlabelled_count: int
    cost_usd: float
    made_at: datetime


class Version(Protocol):
    """A prompt, runbook or model, and when it was first seen at work."""

    @property
    def kind(self) -> str: ...
    @property
    def name(self) -> str: ...
    @property
    def version(self) -> str: ...
    @property
    def seen_at(self) -> datetime: ...


def content_changes(versions: Sequence[Version], *, since: datetime, until: datetime) -> tuple[str, ...]:
    """
    What came to work between two moments, one line each, oldest first; `versions` are all that were ever seen.

    A kind that was not known before is one line: that is a bot which was set up or updated, not so many changes.
    """
    known = {one.kind for one in versions if one.seen_at < since}
    lines: list[str] = []
    first: dict[str, int] = {}
    last: dict[tuple[str, str], str] = {}
    for one in sorted(versions, key=lambda one: (one.seen_at, one.kind, one.name)):
        former = last.get((one.kind, one.name))
        last[one.kind, one.name] = one.version
        if not since <= one.seen_at <= until:
            continue
        if one.kind not in known and former is None:
            first[one.kind] = first.get(one.kind, 0) + 1
            continue
        line = f"{one.kind} {one.name} {one.version}".strip()
        lines.append(f"{line}, new" if former is None else f"{line} (before: {former or 'unnamed'})")
    return (*(f"{plural(count, kind)} noted for the first time" for kind, count in sorted(first.items())), *lines)


def worst(calls: Sequence[Call]) -> Sequence[Call]:
    """Graded calls that did not help, wrong and sure ones first."""
    missed = [call for call in calls if call.counted and not call.helpful]
    return sorted(missed, key=lambda call: (call.grade or 0, -call.confidence, call.incident_id))[:_WORST]


def shown_unlabelled(incidents: Sequence[Unlabelled]) -> Sequence[Unlabelled]:
    """As many as a message has room for, newest first."""
    return incidents[:_OPEN]


def by_analyst(calls: Sequence[Call]) -> tuple[Group, ...]:
    """The helpful rate of each analyst whose calls count, most calls first."""
    return _grouped(calls, lambda call: call.analyst)


def by_class(calls: Sequence[Call]) -> tuple[Group, ...]:
    """The helpful rate of each class of alert whose calls count, most calls first."""
    return _grouped(calls, lambda call: call.alert_class or "no alert")


def _grouped(calls: Sequence[Call], name_of: Callable[[Call], str]) -> tuple[Group, ...]:
    grouped: dict[str, list[Call]] = {}
    for call in calls:
        grouped.setdefault(name_of(call), []).append(call)
    made = [Group(name=name, helpful=helpful_rate(own)) for name, own in grouped.items()]
    return tuple(sorted(made, key=lambda one: (-one.helpful.n, one.name)))


def behind_offline(analysts: Sequence[Group]) -> Sequence[Group]:
    """Models that did not beat the offline analyst, where both have calls that count."""
    offline = _offline(analysts)
    if offline is None or offline.helpful.value is None:
        return ()
    floor = offline.helpful.value
    return [
        one for one in analysts if one.name != OFFLINE and one.helpful.value is not None and one.helpful.value <= floor
    ]


def _offline(analysts: Sequence[Group]) -> Group | None:
    return next((one for one in analysts if one.name == OFFLINE), None)


# --- in words, for Slack and the terminal alike ----------------------------------------------------------------------


def headline(digest: Digest) -> str:
    """The number that matters, with its baseline; or why there is none."""
    scores = digest.scores
    if digest.empty:
        return (
            f"Nothing to report for {digest.week}: no hypothesis was posted in the last {WEEKS} weeks, "
            "and no incident waits for its root cause."
        )
    if scores.helpful.value is None:
        return (
            f"Not known yet whether it helps: no graded root cause in {WEEKS} weeks (n=0 of {scores.calls} hypotheses)"
        )
    before = scores.helpful_before
    compared = "no baseline yet" if before.value is None else f"baseline {brief_rate(before)}"
    return f"Helpful {rate_words(scores.helpful)} over {WEEKS} weeks; {compared}"


def facts(digest: Digest) -> list[tuple[str, str]]:
    """What the headline is to be read with, by label."""
    scores = digest.scores
    before = scores.helpful_before
    baseline = rate_words(before) if before.n else "none yet: nothing of those weeks is graded (n=0)"
    return [
        (f"Baseline: the {WEEKS} weeks before", baseline),
        ("This week", rate_words(scores.helpful_this_week)),
        (f"Harmful: {share(HARMFUL_FROM)} sure or more, and wrong", rate_words(scores.harmful)),
        ("Abstained", rate_words(scores.abstained)),
        ("Labelled by people", rate_words(scores.labelled)),
    ]


def model_words(digest: Digest) -> tuple[str, bool]:
    """How the models do against the offline analyst, and whether that is a warning; empty without a model."""
    models = [one for one in digest.analysts if one.name != OFFLINE]
    if not models:
        return "", False
    if digest.paired is not None:
        return _paired_words(digest.paired, ", ".join(one.name for one in models))
    offline = _offline(digest.analysts)
    if offline is None:
        names = ", ".join(one.name for one in models)
        unknown = (
            f"Whether {names} beats the offline analyst is not known from these calls: it answered none that is "
            "graded (n=0). `aiops replay --analyst offline` compares them on the same incidents."
        )
        return unknown, False
    behind = behind_offline(digest.analysts)
    shown = behind or models
    said = "; ".join(f"{one.name} {rate_words(one.helpful)}" for one in shown)
    verdict = "does not beat" if behind else "is ahead of"
    words = (
        f"The model {verdict} the offline analyst: {said}; offline analyst {rate_words(offline.helpful)}. "
        "Each answered its own incidents."
    )
    return words, bool(behind)


def _paired_words(measured: PairedDifference, names: str) -> tuple[str, bool]:
    """Behind is said where it is behind on these incidents, shown where the whole interval is on one side."""
    if measured.value <= 0:
        lead = "does not beat"
    else:
        lead = "beats" if measured.interval.low > 0 else "is ahead of, but not shown to beat,"
    words = (
        f"{names} {lead} the offline analyst on the same incidents: {_signed(measured.value)} helpful "
        f"(n={measured.n}, {share(measured.interval.level)} interval {_signed(measured.interval.low)} to "
        f"{_signed(measured.interval.high)}; {measured.won} won, {measured.lost} lost), by the recorded fields alone."
    )
    return words, measured.value <= 0


def _signed(value: float) -> str:
    return f"{round(value * 100):+d} points"


def judge_words(digest: Digest) -> str:
    """How far the judging model may be trusted, and what that leaves out."""
    judge = digest.scores.judge
    if judge.n == 0:
        agreed = "no incident was graded by both a person and a judge (n=0)"
    elif judge.kappa is None or judge.observed is None:
        agreed = f"Cohen's κ is not defined (n={judge.n})"
    else:
        agreed = f"Cohen's κ {judge.kappa:.2f}, same grade {share(judge.observed)} (n={judge.n})"
    left_out = digest.scores.judged_left_out
    return agreed + (f"; {left_out} judged alone and left out" if left_out else "")


def week_words(digest: Digest) -> str:
    """`2026-W48 so far`."""
    return f"{digest.week} so far" if digest.so_far else digest.week
