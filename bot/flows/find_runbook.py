"""Runbooks that may fit an alert whose name no runbook carries: words and place at once, meaning when vectors are there."""

import asyncio
import logging
from collections.abc import Mapping, Sequence

import numpy as np

from bot.core.alert import Alert
from bot.core.errors import AiopsError
from bot.core.matching import FLOOR, SERVICE_KEYS, Document, Match, Question, RunbookMatcher, question_of
from bot.core.runbook import Runbook
from bot.ports import Embedder, Runbooks

log = logging.getLogger(__name__)


class RunbookSearch:
    """The LikelyRunbooks port; the index is kept until a runbook changes."""

    def __init__(self, *, runbooks: Runbooks, embedder: Embedder, service_keys: tuple[str, ...] = SERVICE_KEYS) -> None:
        """`service_keys` are the labels that name the monitored thing."""
        self._runbooks = runbooks
        self._service_keys = service_keys
        self._embedder = embedder
        self._known: tuple[str, ...] = ()
        self._matcher = RunbookMatcher([])
        self._vectors: Mapping[str, Sequence[float]] = {}
        self._embedding: asyncio.Task[None] | None = None

    async def likely(self, alert: Alert, k: int) -> Sequence[tuple[Runbook, Match]]:
        """The best k at or above the floor, best first; none is an answer."""
        runbooks = {one.id: one for one in self._runbooks.all()}
        self._refresh(runbooks)
        question = question_of(alert, self._service_keys)
        found = self._matcher.search(question, k, await self._alike(question))
        return [(runbooks[one.id], one) for one in found if one.by_name or one.sure >= FLOOR]

    def _refresh(self, runbooks: Mapping[str, Runbook]) -> None:
        known = tuple(one.sha256 for one in runbooks.values())
        if known == self._known:
            return
        documents = [document_of(one) for one in runbooks.values()]
        self._known, self._matcher, self._vectors = known, RunbookMatcher(documents), {}
        if self._embedding is not None:
            self._embedding.cancel()
        # Not waited for: an alert is answered by words alone until the vectors are there.
        self._embedding = asyncio.create_task(self._embed(documents))

    async def _embed(self, documents: Sequence[Document]) -> None:
        try:
            vectors = await self._embedder.embed([one.meaning for one in documents])
        except AiopsError as error:
            log.warning("runbooks are matched by words alone: %s", error)
        else:
            self._vectors = dict(zip([one.id for one in documents], vectors, strict=True))

    async def _alike(self, question: Question) -> Mapping[str, float]:
        if not self._vectors:
            return {}
        vectors = self._vectors
        try:
            (asked,) = await self._embedder.embed([question.meaning])
        except AiopsError as error:
            log.warning("a runbook is matched by words alone: %s", error)
            return {}
        return {name: float(np.dot(vector, asked)) for name, vector in vectors.items()}


def document_of(runbook: Runbook) -> Document:
    """A runbook as the matcher reads it: headings and prose, without steps."""
    text = "\n\n".join(f"## {heading}\n\n{prose}" for heading, prose in runbook.sections.items())
    return Document(id=runbook.id, title=runbook.title, location=runbook.path, text=text, alerts=runbook.alerts)
