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


async def _run(names: Sequence[str], *, quick: bool) -> tuple[dict[str, list[Figure]], dict[str, str], bool]:
    """Figures and their Markdown by measurement, and whether all could be made."""
    figures: dict[str, list[Figure]] = {}
    texts: dict[str, str] = {}
    whole = True
    with tempfile.TemporaryDirectory(prefix="aiops-bench-", ignore_cleanup_errors=True) as folder:
        for name in names:
            try:
                figures[name] = await MEASUREMENTS[name](Plan(folder=Path(folder) / name, quick=quick, say=_say))
                # Here, so that the load beside it is that of its own end.
                texts[name] = report.markdown(figures[name], at=datetime.now(UTC), quick=quick)
            except (BenchError, TimeoutError) as error:
                whole = False
                _say(f"{name} could not be measured: {error or 'it took too long'}")
    return figures, texts, whole


def main() -> int:
    """Exit code 0 when everything could be measured, whatever the figures say."""
    parser = argparse.ArgumentParser(prog="python -m evals.bench", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="small samples, to see that it works")
    parser.add_argument("--only", action="append", choices=list(MEASUREMENTS), help="one measurement; may be repeated")
    parser.add_argument(
        "--write", action="store_true", help=f"put what was measured into {PAGE.relative_to(ROOT)}; other rows stay"
    )
    parser.add_argument("--json", action="store_true", help="print JSON")
    args = parser.parse_args()
    figures, texts, whole = asyncio.run(_run(args.only or list(MEASUREMENTS), quick=args.quick))
    report.show([one for group in figures.values() for one in group], as_json=args.json)
    if args.write:
        report.write(PAGE, texts)
    return 0 if whole else 1


if __name__ == "__main__":
    sys.exit(main())
