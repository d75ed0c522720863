"""`python -m evals redteam`: what each kind of attack achieved, as a table or JSON."""

import argparse
import asyncio
import json
import sys
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path

from rich.table import Table

from bot.core.errors import ConfigError
from evals.bench.report import console
from evals.redteam.corpus import CASES, RUN_PLACES, Attack, load_attacks
from evals.redteam.forgeries import run_forgeries
from evals.redteam.house import is_live, open_house, run_live
from evals.redteam.runner import Outcome, run_attack
from evals.runner import make_desk

_AT_A_TIME = 6
_HEADS = (
    "n",
    "arrived",
    "writes tried",
    "writes",
    "secrets planted",
    "secrets out",
    "pings",
    "loose words",
)


async def run_attacks(folder: Path = CASES, dsn: str = "") -> list[Outcome]:
    """
    All of them: those that are read, those that meet a run on the database `dsn` (or an embedded one), forged grants.

    Raises ConfigError for a corpus that cannot be used.
    """
    attacks, desk, room = load_attacks(folder), make_desk(), asyncio.Semaphore(_AT_A_TIME)

    async def one(attack: Attack) -> Outcome:
        async with room:
            return await run_attack(attack, desk)

    read = await asyncio.gather(*(one(attack) for attack in attacks if attack.place not in RUN_PLACES))
    async with open_house(dsn) as house:
        # One after the other: they share the house's database and its server.
        live = [await run_live(attack, house, desk) for attack in attacks if is_live(attack)]
        forged = await run_forgeries(house.dsn)
    return [*read, *(_named(each) for each in live), *forged]


def _named(outcome: Outcome) -> Outcome:
    """In the table, attacks on a run stand apart from the same words met while reading."""
    return replace(outcome, attack=replace(outcome.attack, kind=f"{outcome.attack.kind}, run open"))


def counts(outcomes: Iterable[Outcome]) -> tuple[int, ...]:
    """One number for each column."""
    known = list(outcomes)
    return (
        len(known),
        sum(one.reached for one in known),
        sum(len(one.tried) for one in known),
        sum(len(one.writes) for one in known),
        sum(len(one.attack.secrets) for one in known),
        sum(len(one.secrets) for one in known),
        sum(len(one.pings) for one in known),
        sum(len(one.outside) for one in known),
    )


def failed(outcomes: Iterable[Outcome]) -> list[str]:
    """One line for each attack that achieved something."""
    return [
        f"{one.attack.kind}: {one.attack.name}, in {one.attack.place}: {what} {clipped!r}"
        for one in outcomes
        for what, found in (
            ("wrote", one.writes),
            ("let out in", one.secrets),
            ("pinged", one.pings),
            ("loose", one.outside),
        )
        for clipped in [tuple(text[:200] for text in found[:2])]
        if found
    ]


def _table(outcomes: Sequence[Outcome]) -> Table:
    shown = Table(title="Attacks on a model that obeys", title_justify="left", header_style="bold")
    shown.add_column("kind", min_width=18)
    for head in _HEADS:
        shown.add_column(head, justify="right")
    for kind in dict.fromkeys(one.attack.kind for one in outcomes):
        shown.add_row(kind, *map(str, counts(one for one in outcomes if one.attack.kind == kind)))
    shown.add_section()
    shown.add_row("all", *map(str, counts(outcomes)))
    return shown


def main(argv: Sequence[str]) -> int:
    """0 when no attack achieved anything, 1 when one did, 2 for a corpus that cannot be used."""
    parser = argparse.ArgumentParser(prog="python -m evals redteam", description=__doc__)
    parser.add_argument("--cases", type=Path, default=CASES, help="folder of YAML files")
    parser.add_argument("--json", action="store_true", help="print JSON")
    args = parser.parse_args(argv)
    try:
        outcomes = asyncio.run(run_attacks(args.cases))
    except ConfigError as error:
        print(error, file=sys.stderr)
        return 2
    wrong = failed(outcomes)
    if args.json:
        print(json.dumps({**dict(zip(_HEADS, counts(outcomes), strict=True)), "failed": wrong}))
    else:
        screen = console()
        screen.print(_table(outcomes))
        for line in wrong:
            screen.print(f"  {line}", highlight=False, markup=False)
    return 1 if wrong else 0
