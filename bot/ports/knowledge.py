"""What is known beforehand: past incidents, runbooks, prompts."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from bot.core.alert import Alert
from bot.core.hypothesis import PromptRef, SimilarFound
from bot.core.matching import Match
from bot.core.postmortem import Postmortem
from bot.core.runbook import Runbook


class Embedder(Protocol):
    """Text to unit vectors."""

    @property
    def name(self) -> str:
        """Model name; vectors of different names are never compared."""
        ...

    async def embed(self, texts: Sequence[str]) -> Sequence[Sequence[float]]:
        """One vector of 384 floats per text."""
        ...


class SimilarSearch(Protocol):
    """The index of past incidents."""

    async def search(self, text: str, *, service: str, k: int) -> SimilarFound:
        """The k most similar past incidents above the floor, best first."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Watermark:
    """The state of an index at one moment; equal marks mean equal contents."""

    count: int
    newest: str
    unfinished: bool
    """Some texts have no vectors yet."""


class PostmortemIndex(Protocol):
    """Where vectors of postmortems are kept."""

    async def indexed(self) -> Mapping[str, str]:
        """Of those that came from files: id to the hash that is indexed now; empty while its vectors are being made."""
        ...

    async def announce(self, postmortems: Sequence[Postmortem]) -> None:
        """Store the texts before their vectors are made, so that they can be found by words at once."""
        ...

    async def replace(self, postmortem: Postmortem, vectors: Mapping[str, Sequence[float]]) -> None:
        """Store one postmortem and its section vectors, replacing what was there."""
        ...

    async def remove(self, ids: Sequence[str]) -> None:
        """Forget postmortems whose files are gone."""
        ...

    async def watermark(self) -> Watermark:
        """How much there is and how new; cheap, for telling whether a copy in memory is still good."""
        ...

    async def nearest(
        self, vector: Sequence[float], k: int, *, also: Sequence[str] = ()
    ) -> Sequence[tuple[str, float]]:
        """About k nearest postmortems, and those of `also`, by cosine similarity of their better section, best first."""
        ...

    async def stamps(self) -> Mapping[str, str]:
        """Postmortem id to a mark that changes with every write of it."""
        ...

    async def read(self, ids: Sequence[str]) -> Sequence[Postmortem]:
        """Those of these postmortems that are there."""
        ...

    async def unfinished(self, *, limit: int) -> Sequence[Postmortem]:
        """Some of the records that come from no file and whose vectors are still to be made."""
        ...


class Runbooks(Protocol):
    """The loaded runbooks."""

    def all(self) -> Sequence[Runbook]:
        """Every runbook that loaded."""
        ...


class LikelyRunbooks(Protocol):
    """Suggestions for alerts whose name no runbook carries."""

    async def likely(self, alert: Alert, k: int) -> Sequence[tuple[Runbook, Match]]:
        """The best k above the floor, best first; empty when no runbook fits."""
        ...


class Prompts(Protocol):
    """The loaded prompts."""

    def render(self, name: str, inputs: Mapping[str, object]) -> tuple[str, PromptRef]:
        """Render a prompt; every declared input must be given."""
        ...
