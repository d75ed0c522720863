"""Answers to cases, kept as JSON files, so that a run that was stopped goes on where it was and costs nothing twice."""

import hashlib
import json
import logging
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from pydantic import ValidationError

from bot.agent.codec import dump, load
from bot.core.evidence import EvidencePack
from bot.core.hypothesis import Assessment
from evals.casefile import Case
from evals.runner import ROOT, Run
from evals.scorers import score

OFFLINE = "offline analyst"
OUT = ROOT / ".aiops" / "evals"
"""Where answers are kept when nothing else is said."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptFiles:
    """One analyst's folder with a JSON file for each question. `key`: what an answer hangs on; with another it is not found."""

    folder: Path
    analyst: str

    def read(self, name: str, key: str) -> dict[str, Any] | None:
        """What was kept; None when there is nothing, it hangs on something else, or the file is broken."""
        path = self.path(name)
        if not path.is_file():
            return None
        try:
            body = cast("dict[str, Any]", json.loads(path.read_text(encoding="utf-8")))
            return body if body["key"] == key else None
        except (ValueError, KeyError, TypeError) as error:
            self.broken(name, error)
            return None

    def write(self, name: str, key: str, body: Mapping[str, object]) -> None:
        """Write it whole or not at all."""
        path = self.path(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        fresh = path.with_suffix(".new")
        fresh.write_text(json.dumps({"key": key, **body}, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
        fresh.replace(path)

    def broken(self, name: str, error: Exception) -> None:
        """Say that a kept answer is of no use."""
        _log.warning("%s cannot be read and is asked again: %s", self.path(name), error)

    def path(self, name: str) -> Path:
        """Where an answer is kept."""
        return self.folder / (re.sub(r"[^\w.-]+", "-", self.analyst) or "analyst") / f"{name}.json"


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
        body = None if self.fresh else self._files.read(case.slug, self._key(case))
        if body is None:
            return None
        try:
            return Run(
                case=case,
                assessment=load(Assessment, body["assessment"]),
                pack=load(EvidencePack, body["pack"]),
                gather_s=float(body["gather_s"]),
                reason_s=float(body["reason_s"]),
            )
        except (ValueError, KeyError, TypeError, ValidationError) as error:
            self._files.broken(case.slug, error)
            return None

    def put(self, run: Run) -> None:
        """Keep it. The offline analyst's answer in a model's place is left to be asked again."""
        if run.assessment.analyst == OFFLINE != self.analyst:
            return
        body = {
            "case": run.case.slug,
            "analyst": self.analyst,
            "scores": dict(score(run)),
            "gather_s": run.gather_s,
            "reason_s": run.reason_s,
            "assessment": dump(run.assessment),
            "pack": dump(run.pack),
        }
        self._files.write(run.case.slug, self._key(run.case), body)

    @property
    def _files(self) -> KeptFiles:
        return KeptFiles(folder=self.folder, analyst=self.analyst)

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
