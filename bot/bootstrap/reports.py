"""The digest and what is noted for it, bound to their adapters."""

import asyncio
import hashlib
from collections.abc import Callable
from functools import partial

from bot.adapters.postmortems import PostmortemFiles
from bot.bootstrap.hands import Hands, postmortem_folders
from bot.core.digest import OFFLINE
from bot.core.errors import ConfigError
from bot.core.postmortem import IndexState
from bot.core.schedule import parse_weekly
from bot.core.text import plural
from bot.flows.learning.digest import (
    DigestDesk,
    add_details,
    make_digest_of,
    make_numbers,
    post_digest_if_due,
    post_digest_now,
)
from bot.flows.learning.note_content import note_content
from bot.flows.learning.reports import Reports
from bot.ports import ContentVersion
from bot.settings import Settings


def bind_reports(settings: Settings, hands: Hands, index_state: Callable[[], IndexState] = IndexState) -> Reports:
    """Everything about the digest, with its adapters; `index_state` is what a running sync knows of the files."""
    files = PostmortemFiles(postmortem_folders(settings))
    desk = DigestDesk(
        store=hands.store,
        clock=hands.clock,
        head=hands.audit.head,
        began=hands.audit.began,
        index=partial(_index_words, index_state, files, hands),
        weekly=parse_weekly(settings.config.schedule.digest),
        channel=settings.config.channels.for_digest,
    )
    return Reports(
        digest=partial(make_digest_of, desk),
        numbers=partial(make_numbers, desk),
        post_now=lambda channel, user: post_digest_now(desk, channel=channel, user=user),
        post_if_due=partial(post_digest_if_due, desk),
        add_details=partial(add_details, desk),
        note_content=lambda: note_content(content_at_work(settings, hands), store=hands.store, clock=hands.clock),
    )


def content_at_work(settings: Settings, hands: Hands) -> list[ContentVersion]:
    """Every current prompt, every runbook that loaded, the model (without one the offline analyst), and aiops.yaml."""
    now = hands.clock.now()
    model = hands.model.name if hands.model is not None else OFFLINE
    at_work = [
        *(("prompt", one.ref.name, str(one.ref.version), one.ref.sha256) for one in hands.prompts.all),
        *(("runbook", one.id, one.version, one.sha256) for one in hands.runbooks.all()),
        # A model has no text to hash; its name is all that is known of it.
        ("model", model, "", hashlib.sha256(model.encode()).hexdigest()),
        ("config", settings.config_path.name, settings.config.sha256[:12], settings.config.sha256),
    ]
    return [
        ContentVersion(kind=kind, name=name, version=version, sha256=sha256, seen_at=now)
        for kind, name, version, sha256 in at_work
    ]


async def _index_words(index_state: Callable[[], IndexState], files: PostmortemFiles, hands: Hands) -> str:
    """How many of the files are indexed; where no sync runs, as on the command line, they are read."""
    state = index_state()
    if state.current_at is not None or state.problem:
        return f"{plural(state.files, 'past incident')}, index {state.words}"
    try:
        loaded = await asyncio.to_thread(files.load)
    except ConfigError as error:
        return f"not known, because a file cannot be read: {error}"
    wanted = {one.id: one.sha256 for one in loaded.postmortems}
    held = await hands.index.indexed()
    behind = sum(wanted.get(name) != held.get(name) for name in {*wanted, *held})
    said = plural(len(wanted), "past incident")
    left_out = f", {plural(len(loaded.problems), 'file')} left out" if loaded.problems else ""
    return f"{said}, index {f'{behind} behind' if behind else 'up to date'}{left_out}"
