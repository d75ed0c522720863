"""`python -m evals redaction`: the figures as tables or JSON."""

import argparse
import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from rich.table import Table

from bot.core.errors import ConfigError
from evals.bench.report import console
from evals.redaction.innocent import innocent
from evals.redaction.measure import RealLines, Share, false_positives, missed, real_lines, recall
from evals.redaction.planted import planted
from evals.runner import ROOT

_DATA = ROOT.parent / "shared" / "data"


def total(shares: Mapping[str, Share]) -> Share:
    """All kinds together."""
    return Share(hits=sum(one.hits for one in shares.values()), of=sum(one.of for one in shares.values()))


def _table(title: str, shares: Mapping[str, Share], heads: tuple[str, str]) -> Table:
    shown = Table(title=title, title_justify="left", header_style="bold")
    shown.add_column("kind", min_width=26)
    for head in (*heads, "n"):
        shown.add_column(head, justify="right")
    for kind, share in {**shares, "all": total(shares)}.items():
        rate = f"{share.rate:.1%}" if heads[1] == "recall" else f"{share.per_thousand:.1f}"
        shown.add_row(kind, str(share.hits), rate, str(share.of))
    return shown


def _real_sentence(real: RealLines | None, data: Path) -> str:
    if real is None:
        return f"Recorded lines: {data} is not there, so none were read."
    kinds = ", ".join(f"{kind} {count}" for kind, count in real.kinds.items()) or "none"
    changed = real.changed
    return (
        f"Recorded lines (unlabelled): {changed.hits} of {changed.of} changed, {changed.per_thousand:.1f} per 1,000; "
        f"lines by placeholder: {kinds}."
    )


def main(argv: Sequence[str]) -> int:
    """0 when it could be measured, whatever the figures say; 2 for a corpus that cannot be used."""
    parser = argparse.ArgumentParser(prog="python -m evals redaction", description=__doc__)
    parser.add_argument("--data", type=Path, default=_DATA, help="folder of recorded logs, left out when absent")
    parser.add_argument("--json", action="store_true", help="print JSON")
    args = parser.parse_args(argv)
    try:
        secrets, lines = planted(), innocent()
    except ConfigError as error:
        print(error, file=sys.stderr)
        return 2
    found, wrong, real = recall(secrets), false_positives(lines), real_lines(args.data)
    if args.json:
        shown = {
            "recall": {kind: [share.hits, share.of] for kind, share in found.items()},
            "false_positives": {kind: [share.hits, share.of] for kind, share in wrong.items()},
            "recorded": [real.changed.hits, real.changed.of] if real else None,
        }
        print(json.dumps(shown))
        return 0
    screen = console()
    screen.print(_table("Planted secrets", found, ("gone", "recall")))
    screen.print(_table("Innocent lines", wrong, ("changed", "per 1,000")))
    for one in missed(secrets)[:20]:
        screen.print(f"  missed: {one.kind} in {one.carrier}", highlight=False, markup=False)
    screen.print(_real_sentence(real, args.data), highlight=False, markup=False)
    return 0
