"""What ran before, committed, and what has changed since."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from bot.adapters.files import parse_yaml, read_text
from evals.scorers import Scores

BASELINE = Path(__file__).parent / "baseline.json"


class Baseline(BaseModel):
    """Scores by case and scorer, of the analyst that needs no model."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    analyst: str
    cases: dict[str, dict[str, bool | None]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """What differs from the baseline, as `case: scorer`."""

    worse: tuple[str, ...]
    better: tuple[str, ...]
    missing: tuple[str, ...]
    """Cases of the baseline that were not run."""
    new: tuple[str, ...]
    """Cases that the baseline does not know yet."""


def load_baseline(path: Path = BASELINE) -> Baseline:
    """Raises ConfigError with file and line."""
    text = read_text(path)
    try:
        return Baseline.model_validate_json(text)
    except ValidationError:
        return parse_yaml(text, Baseline, path)


def write_baseline(analyst: str, scores: Mapping[str, Scores], path: Path = BASELINE) -> None:
    """Sorted, so that a change reads well in a diff."""
    cases = {slug: dict(scores[slug]) for slug in sorted(scores)}
    path.write_text(json.dumps({"analyst": analyst, "cases": cases}, indent=2) + "\n", encoding="utf-8")


def compare(baseline: Baseline, scores: Mapping[str, Scores]) -> Comparison:
    """A scorer that was right and is not any more is worse; a scorer that did not exist then is neither."""
    worse: list[str] = []
    better: list[str] = []
    for slug, now in scores.items():
        for name, before in baseline.cases.get(slug, {}).items():
            after = now.get(name)
            if before is True and after is not True:
                worse.append(f"{slug}: {name}")
            elif before is False and after is True:
                better.append(f"{slug}: {name}")
    return Comparison(
        worse=tuple(worse),
        better=tuple(better),
        missing=tuple(slug for slug in baseline.cases if slug not in scores),
        new=tuple(slug for slug in scores if slug not in baseline.cases),
    )
