"""A person asks for a triage: their words become an incident of their own."""

import hashlib
from collections.abc import Awaitable, Callable

from bot.core.alert import Alert, AlertStatus, Anchor, Delivery, Severity, Source
from bot.core.errors import PayloadError
from bot.core.redaction import redact
from bot.core.text import clean, clip, one_line
from bot.flows import Receive
from bot.ports import Clock

_LONGEST = 4_000


async def start_triage(
    text: str,
    *,
    channel: str,
    user: str,
    receive: Receive,
    clock: Clock,
    service_names: Callable[[], Awaitable[frozenset[str]]],
    anchor: Anchor | None = None,
) -> str:
    """The incident's id. Raises PayloadError when there is nothing to look into."""
    words = redact(one_line(clean(text)))[:_LONGEST]
    if not words:
        raise PayloadError("Say what to look into, for example: /aiops triage checkout is slow since 10:40")
    now = clock.now()
    services = await service_names()
    service = next((word for word in _plain_words(words) if word in services), "")
    alert = Alert(
        # A person asking twice within a minute means the same thing.
        fingerprint=hashlib.sha256(f"{channel}|{user}|{words}".encode()).hexdigest()[:16],
        starts_at=now.replace(second=0, microsecond=0),
        name="Manual triage",
        status=AlertStatus.FIRING,
        severity=Severity.UNKNOWN,
        service=service,
        environment="",
        summary=clip(words, 300),
        labels={"service": service} if service else {},
        annotations={"requested_by": user},
    )
    delivery = Delivery(
        source=Source.MANUAL, alerts=(alert,), anchor=anchor, requested_by=user, text=words, channel=channel
    )
    return (await receive(delivery))[0]


def _plain_words(text: str) -> list[str]:
    return [word.strip(".,:;!?()[]\"'`*_").lower() for word in text.split()]
