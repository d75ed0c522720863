"""A healthy service beside the broken one: searches a product list in memory, with metrics and a log.

    python -m shop.bystander [--service search] --log LOGS/search.log --port 9103

Prints one JSON line `{service, version, url}` when ready.
"""

import argparse
import asyncio
import random
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import product
from pathlib import Path
from time import perf_counter

from . import process
from .logs import ServiceLog
from .metrics import RequestMetrics

REQUESTS_PER_SECOND = 5.0
OUTCOMES = ("ok", "empty", "error")

_COLOURS = ("red", "green", "blue", "black", "white")
_MATERIALS = ("wool", "cotton", "leather", "linen")
_THINGS = ("scarf", "jacket", "bag", "belt", "hat", "shirt")
_QUERY_WORDS = (*_COLOURS, *_MATERIALS, *_THINGS, "umbrella")

Index = Mapping[str, frozenset[str]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    service: str
    version: str
    log: Path
    host: str = "127.0.0.1"
    port: int = 0
    pace: float = 1.0
    seed: int = 11


def build_index() -> Index:
    """Which products hold which word."""
    postings: dict[str, set[str]] = defaultdict(set)
    for words in product(_COLOURS, _MATERIALS, _THINGS):
        for word in words:
            postings[word].add(" ".join(words))
    return {word: frozenset(names) for word, names in postings.items()}


def find_products(index: Index, query: Sequence[str]) -> list[str]:
    """Products that hold every word of a query of at least one word, in order of name."""
    first, *others = (index.get(word, frozenset[str]()) for word in query)
    return sorted(first.intersection(*others))


async def run_bystander(options: Options, stop: asyncio.Event) -> None:
    """Answer searches until `stop` is set."""
    metrics = RequestMetrics(options.service, options.version, OUTCOMES)
    log = ServiceLog(options.service, options.log)
    chance = random.Random(options.seed)
    index = build_index()
    async with process.serving(metrics.app(), host=options.host, port=options.port) as url:
        log.info(f"{options.service} started", version=options.version)
        process.announce(service=options.service, version=options.version, url=url)
        while not await process.stopped_within(stop, chance.expovariate(REQUESTS_PER_SECOND * options.pace)):
            query = chance.sample(_QUERY_WORDS, k=2)
            started = perf_counter()
            hits = len(find_products(index, query))
            seconds = perf_counter() - started
            metrics.observe("ok" if hits else "empty", seconds)
            log.info("query answered", words=" ".join(query), hits=hits, duration_ms=round(seconds * 1000, 2))
    log.close()


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m shop.bystander", description=__doc__)
    parser.add_argument("--service", default="search")
    parser.add_argument("--version", default="5.8.2")
    parser.add_argument("--log", type=Path, required=True, help="log file")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=9103, help="0 picks a free one")
    parser.add_argument("--pace", type=float, default=1.0)
    parser.add_argument("--seed", type=int, default=11)
    process.run(partial(run_bystander, Options(**vars(parser.parse_args(arguments)))))


if __name__ == "__main__":
    main()
