"""Many plausible postmortems out of the fifty real ones, by recombining their sentences. Only for measuring."""

import hashlib
import random
import re
from collections.abc import Sequence
from dataclasses import replace

from bot.core.postmortem import Postmortem

_END = re.compile(r"(?<=[.!?])\s+(?=[A-Z0-9])")


def sentences(text: str) -> list[str]:
    """The sentences of a paragraph."""
    return [part for part in _END.split(text.strip()) if part]


def recombined(real: Sequence[Postmortem], count: int, *, seed: int = 7) -> list[Postmortem]:
    """
    So many postmortems, the same for the same seed.

    Each keeps the shape of one real one; its sentences come half from it and half from others of the same cause class.
    """
    chance = random.Random(seed)
    by_class: dict[str, list[Postmortem]] = {}
    for one in real:
        by_class.setdefault(one.cause_class, []).append(one)
    mixed = [_mixed(place, chance.choice(real), by_class, chance) for place in range(count)]
    return [replace(one, sha256=hashlib.sha256(as_markdown(one).encode()).hexdigest()) for one in mixed]


def _mixed(place: int, shape: Postmortem, by_class: dict[str, list[Postmortem]], chance: random.Random) -> Postmortem:
    others = by_class[shape.cause_class]

    def mix(field: str) -> str:
        own = sentences(getattr(shape, field))
        pool = sentences(getattr(chance.choice(others), field))
        return " ".join(chance.choice(pool) if chance.random() < 0.5 else sentence for sentence in own)

    symptom, cause, fix, lesson = (mix(field) for field in ("symptom", "cause", "fix", "lesson"))
    return Postmortem(
        id=f"mixed-{place:05d}",
        title=f"{shape.title} ({place})",
        date=f"20{chance.randint(10, 25)}-{chance.randint(1, 12):02d}-{chance.randint(1, 28):02d}",
        organisation=chance.choice(others).organisation,
        service_kind=shape.service_kind,
        cause_class=shape.cause_class,
        severity=shape.severity,
        source=shape.source,
        tags=shape.tags,
        symptom=symptom,
        cause=cause,
        fix=fix,
        lesson=lesson,
        path=f"postmortems/mixed-{place:05d}.md",
        sha256="",
    )


def questions(real: Sequence[Postmortem], count: int, *, seed: int = 11) -> list[str]:
    """Texts as an alert or a person would put them: a title and a sentence of a symptom."""
    chance = random.Random(seed)
    chosen = [chance.choice(real) for _ in range(count)]
    return [f"{one.title}: {chance.choice(sentences(one.symptom))}" for one in chosen]


def as_markdown(one: Postmortem) -> str:
    """The file that would hold it."""
    head = {
        "id": one.id,
        "title": f'"{one.title}"',
        "date": one.date,
        "organisation": one.organisation,
        "service_kind": one.service_kind,
        "cause_class": one.cause_class,
        "severity": one.severity,
        "source": one.source,
        "tags": f"[{', '.join(one.tags)}]",
    }
    front = "\n".join(f"{key}: {value}" for key, value in head.items())
    body = "\n\n".join(
        f"## {name}\n{text}"
        for name, text in (("Symptom", one.symptom), ("Cause", one.cause), ("Fix", one.fix), ("Lesson", one.lesson))
    )
    return f"---\n{front}\n---\n{body}\n"
