"""Answers to cases, kept as JSON files, so that a run that was stopped goes on where it was and costs nothing twice."""

import hashlib
import json
import logging
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from pydantic import ValidationError

from bot.agent.codec import dump, load
from bot.core.evidence import EvidencePack
from bot.core.hypothesis import Assessment
from evals.casefile import Case
from evals.runner import Run
from evals.scorers import score

OFFLINE = "offline analyst"

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptRuns:
    """
    One analyst's folder, a file a case.

    `terms`: everything beside the case that an answer hangs on, such as the prompts' hash and the limits. An answer that was
    given on other terms, or to a case that has changed since, is not used again. The truth may change: it is scored anew.
    """

    folder: Path
    analyst: str
    terms: str
    fresh: bool = False
    """Use nothing that was kept."""

    def find(self, case: Case) -> Run | None:
        """The kept answer; None when there is none that may be used, a broken file included."""
        path = self._path(case)
        if self.fresh or not path.is_file():
            return None
        try:
            body = cast("dict[str, Any]", json.loads(path.read_text(encoding="utf-8")))
            if body["key"] != self._key(case):
                return None
            return Run(
                case=case,
                assessment=load(Assessment, body["assessment"]),
                pack=load(EvidencePack, body["pack"]),
                gather_s=float(body["gather_s"]),
                reason_s=float(body["reason_s"]),
            )
        except (ValueError, KeyError, TypeError, ValidationError) as error:
            _log.warning("%s cannot be read and is asked again: %s", path, error)
            return None

    def put(self, run: Run) -> None:
        """Write it whole or not at all. The offline analyst's answer in a model's place is left to be asked again."""
        if run.assessment.analyst == OFFLINE != self.analyst:
            return
        body = {
            "key": self._key(run.case),
            "case": run.case.slug,
            "analyst": self.analyst,
            "scores": dict(score(run)),
            "gather_s": run.gather_s,
            "reason_s": run.reason_s,
            "assessment": dump(run.assessment),
            "pack": dump(run.pack),
        }
        path = self._path(run.case)
        path.parent.mkdir(parents=True, exist_ok=True)
        fresh = path.with_suffix(".new")
        fresh.write_text(json.dumps(body, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
        fresh.replace(path)

    def _path(self, case: Case) -> Path:
        return self.folder / (re.sub(r"[^\w.-]+", "-", self.analyst) or "analyst") / f"{case.slug}.json"

    def _key(self, case: Case) -> str:
        asked = (self.analyst, self.terms, case.delivery, case.calls, case.similar, case.text.asked_after_seconds)
        return hashlib.sha256(repr(asked).encode()).hexdigest()


def hash_of(folders: Iterable[Path]) -> str:
    """One hash of all files below some folders, names included."""
    whole = hashlib.sha256()
    for folder in folders:
        for path in sorted(one for one in folder.rglob("*") if one.is_file()):
            whole.update(str(path.relative_to(folder)).encode() + b"\0" + path.read_bytes() + b"\0")
    return whole.hexdigest()
