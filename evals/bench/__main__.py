"""`python -m evals.bench`: measure the programs on this machine."""

import argparse
import asyncio
import sys
import tempfile
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

from evals.bench import journey, killing, report, similar, starting, storm, templating, thinking, webhook
from evals.bench.figures import Figure
from evals.bench.plan import Plan
from evals.bench.programs import ROOT, BenchError

MEASUREMENTS: Mapping[str, Callable[[Plan], Awaitable[list[Figure]]]] = {
    "webhook": webhook.measure,
    "kill": killing.measure,
    "start": starting.measure,
    "journey": journey.measure,
    "thinking": thinking.measure,
    "similar": similar.measure,
    "storm": storm.measure,
    "templates": templating.measure,
}
PAGE = ROOT / "docs" / "explanation" / "performance.md"


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


async def _run(names: Sequence[str], *, quick: bool) -> tuple[list[Figure], bool]:
    """Every figure, and whether all measurements could be made."""
    figures: list[Figure] = []
    whole = True
    with tempfile.TemporaryDirectory(prefix="aiops-bench-", ignore_cleanup_errors=True) as folder:
        for name in names:
            try:
                figures += await MEASUREMENTS[name](Plan(folder=Path(folder) / name, quick=quick, say=_say))
            except (BenchError, TimeoutError) as error:
                whole = False
                _say(f"{name} could not be measured: {error or 'it took too long'}")
    return figures, whole


def main() -> int:
    """Exit code 0 when everything could be measured, whatever the figures say."""
    parser = argparse.ArgumentParser(prog="python -m evals.bench", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="small samples, to see that it works")
    parser.add_argument("--only", action="append", choices=list(MEASUREMENTS), help="one measurement; may be repeated")
    parser.add_argument("--write", action="store_true", help=f"put the table into {PAGE.relative_to(ROOT)}")
    parser.add_argument("--json", action="store_true", help="print JSON")
    args = parser.parse_args()
    figures, whole = asyncio.run(_run(args.only or list(MEASUREMENTS), quick=args.quick))
    report.show(figures, as_json=args.json)
    if args.write:
        report.write(PAGE, report.markdown(figures, at=datetime.now(UTC), quick=args.quick))
    return 0 if whole else 1


if __name__ == "__main__":
    sys.exit(main())
