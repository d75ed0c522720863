"""How many log lines a second of processor time become templates, on three corpora that are made up."""

import asyncio
import json
import random
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta

from bot.core.loglines import LogRecord
from bot.core.logs import rank_templates
from evals.bench.figures import Figure, count
from evals.bench.plan import Plan

LEAST = 20_000
"""Lines a second on one core."""
_START = datetime(2026, 11, 20, 9, 0, tzinfo=UTC)
_LETTERS = "abcdefghijklmnopqrstuvwxyz"


def _words(chance: random.Random) -> Sequence[str]:
    return ["".join(chance.choices(_LETTERS, k=chance.randint(3, 9))) for _ in range(5_000)]


def _at(place: int) -> str:
    return (_START + timedelta(milliseconds=place * 37)).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def simple(number: int, *, seed: int = 3) -> list[str]:
    """Lines of six forms."""
    chance = random.Random(seed)
    words = _words(chance)
    forms: Sequence[Callable[[int], str]] = (
        lambda place: f"request {place} took {place % 90} ms",
        lambda place: f"GET /orders/{place} 200 {place % 300}ms",
        lambda place: f"order paid by user={chance.choice(words)} node=n{place % 7}",
        lambda place: f"cannot connect to 10.0.0.{place % 250}:5432, attempt {place % 9}",
        lambda place: f"{_at(place)} INFO cache hit ratio 0.{place % 100}",
        lambda _: "worker started with release=2.31.0 ok",
    )
    return [forms[place % len(forms)](place) for place in range(number)]


def structured(number: int, *, seed: int = 3) -> list[str]:
    """JSON objects of about 300 characters."""
    chance = random.Random(seed)
    words = _words(chance)
    return [
        json.dumps(
            {
                "ts": _at(place),
                "level": ("info", "warn", "error")[place % 3],
                "logger": "shop.orders",
                "msg": ("order placed", "order failed", "stock low")[place % 3],
                "order_id": place,
                "user": chance.choice(words),
                "trace_id": f"{chance.getrandbits(128):032x}",
                "duration_ms": place % 700 / 10,
                "path": f"/api/orders/{place}",
                "status": (200, 500, 409)[place % 3],
                "host": f"web-{place % 5}",
                "remote": f"10.1.{place % 200}.{place % 250}",
                "ok": bool(place % 2),
            }
        )
        for place in range(number)
    ]


def never_repeating(number: int, *, seed: int = 3) -> list[str]:
    """Lines of one length and first word, so that each could belong to any template before it."""
    chance = random.Random(seed)
    words = _words(chance)
    return [f"worker {' '.join(chance.choices(words, k=10))} {place}" for place in range(number)]


CORPORA: Mapping[str, Callable[[int], list[str]]] = {
    "six forms": simple,
    "JSON": structured,
    "never repeating": never_repeating,
}


async def measure(plan: Plan) -> list[Figure]:
    """Each corpus several times; the median counts."""
    lines, rounds = plan.pick(20_000, 2_000), plan.pick(5, 1)
    return [await asyncio.to_thread(_measured, plan, name, lines, rounds) for name in CORPORA]


def _measured(plan: Plan, name: str, lines: int, rounds: int) -> Figure:
    plan.say(f"log templates: {name}")
    texts = CORPORA[name](lines)
    records = [
        LogRecord(at=_START + timedelta(milliseconds=place), level="info", service="web", text=text)
        for place, text in enumerate(texts)
    ]
    rates: list[float] = []
    templates = 0
    for _ in range(rounds):
        began = time.thread_time()
        templates = len(rank_templates(records, boundary=_START))
        rates.append(lines / (time.thread_time() - began))
    median = sorted(rates)[len(rates) // 2]
    length = sum(map(len, texts)) // lines
    return count(
        f"log templates, {name}: lines a second of processor time",
        median,
        "1/s",
        samples=rounds * lines,
        target=f"≥ {LEAST:,}",
        met=median >= LEAST,
        note=f"{length} characters a line; {lines:,} lines become {templates:,} templates",
    )
