"""`slackbox bench`: every measurement, one table."""

import argparse
import asyncio
import json
import sys
from collections.abc import Awaitable, Callable

from slackbox.bench import measure
from slackbox.bench.figures import BenchError, Figure, table
from slackbox.bench.served import machine

_MEASUREMENTS: tuple[Callable[[measure.Plan], Awaitable[list[Figure]]], ...] = (
    measure.starts,
    measure.posts,
    measure.paints,
)


def run(args: argparse.Namespace) -> int:
    """Measure and print. Returns 0, also when a target is missed, and 1 when something could not be measured."""
    plan = measure.Plan(posts=args.posts, connections=args.connections, paints=args.paints, starts=args.starts)
    figures, missing = asyncio.run(_measure(plan))
    if args.json:
        report = {"machine": machine(), "figures": [figure.as_json() for figure in figures], "missing": missing}
        sys.stdout.write(json.dumps(report, ensure_ascii=False) + "\n")
    else:
        sys.stdout.write(f"{machine()}\n\n{table(figures)}\n")
    for sentence in missing:
        sys.stderr.write(f"slackbox: {sentence}\n")
    return 1 if missing else 0


async def _measure(plan: measure.Plan) -> tuple[list[Figure], list[str]]:
    figures: list[Figure] = []
    missing: list[str] = []
    for each in _MEASUREMENTS:
        try:
            figures += await each(plan)
        except BenchError as error:
            missing.append(str(error))
    return figures, missing
