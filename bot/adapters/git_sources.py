"""Folders of postmortems that are Git repositories: fetched shallowly with the `git` program, each call bounded in time."""

import asyncio
import contextlib
import hashlib
import logging
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from bot.core.errors import AiopsError
from bot.core.redaction import redact
from bot.core.text import clean, clip, one_line

log = logging.getLogger(__name__)

# A transport that runs programs (`ext::`) is none of these.
_ADDRESS = re.compile(r"(?:https?|ssh|git|file)://\S+|[\w.-]+@[\w.-]+:\S+")
_LOGIN = re.compile(r"(?<=://)[^/@\s]+@")
_TIMEOUT_S = 60.0


class SourceError(AiopsError):
    """A Git source cannot be fetched; the message names it, without its login, and what git said."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GitSource:
    """One repository; `#path` at the end of its address is the folder inside it that counts."""

    address: str
    checkout: Path
    inside: str

    @property
    def folder(self) -> Path:
        """Where its files are once they are fetched."""
        return self.checkout / self.inside if self.inside else self.checkout

    @property
    def shown(self) -> str:
        """The address without a login."""
        return without_login(self.address)


def is_address(name: str) -> bool:
    """Whether a configured folder is the address of a repository."""
    return _ADDRESS.fullmatch(name) is not None


def git_source(name: str, home: Path) -> GitSource:
    """The source of an address; its checkout lies under `home` and is named by a hash, as an address may hold a login."""
    address, _, inside = name.partition("#")
    mark = hashlib.sha256(address.encode()).hexdigest()[:16]
    parts = [part for part in inside.split("/") if part not in {"", ".", ".."}]
    return GitSource(address=address, checkout=home / "sources" / mark, inside="/".join(parts))


def without_login(text: str) -> str:
    """For logs and errors."""
    return _LOGIN.sub("", text)


class GitSources:
    """All of them; one that fails keeps its last checkout and does not stop the others."""

    def __init__(self, sources: Sequence[GitSource], *, timeout_s: float = _TIMEOUT_S) -> None:
        self._sources = sources
        self._timeout_s = timeout_s
        self._one_at_a_time = asyncio.Lock()

    async def fetch(self, *, missing_only: bool = False) -> None:
        """Bring every checkout to its remote's newest commit. Raises SourceError that names all that failed."""
        failed: list[str] = []
        async with self._one_at_a_time:
            for source in self._sources:
                if missing_only and (source.checkout / ".git" / "FETCH_HEAD").is_file():
                    continue
                try:
                    await self._fetch(source)
                except SourceError as error:
                    failed.append(str(error))
        if failed:
            raise SourceError("; ".join(failed))

    async def _fetch(self, source: GitSource) -> None:
        at = str(source.checkout)
        if not (source.checkout / ".git").is_dir():
            await asyncio.to_thread(source.checkout.mkdir, parents=True, exist_ok=True)
            await self._git(source, "init", "--quiet", at)
        await self._git(source, "-C", at, "fetch", "--quiet", "--depth", "1", "--no-tags", "--", source.address, "HEAD")
        await self._git(source, "-C", at, "reset", "--quiet", "--hard", "FETCH_HEAD")
        if not source.folder.is_dir():
            raise SourceError(f"{source.shown}: has no folder {source.inside!r}")

    async def _git(self, source: GitSource, *arguments: str) -> None:
        try:
            process = await asyncio.create_subprocess_exec(
                # Nobody is there to type a password.
                *("env", "GIT_TERMINAL_PROMPT=0", "GIT_CONFIG_NOSYSTEM=1", "git", *arguments),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.DEVNULL,
                stderr=asyncio.subprocess.PIPE,
                start_new_session=True,
            )
        except OSError as error:
            raise SourceError(f"{source.shown}: git cannot be run: {error.strerror}") from error
        try:
            async with asyncio.timeout(self._timeout_s):
                _, said = await process.communicate()
        except TimeoutError as error:
            raise SourceError(f"{source.shown}: git did not finish within {self._timeout_s:g} s") from error
        finally:
            if process.returncode is None:
                with contextlib.suppress(ProcessLookupError):
                    process.kill()
                await process.wait()
        if process.returncode:
            told = clip(redact(without_login(one_line(clean(said.decode(errors="replace"))))), 300)
            raise SourceError(f"{source.shown}: git ended with {process.returncode}: {told or 'no words'}")
