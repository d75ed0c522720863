"""
`python -m evals`: score the offline analyst, and the configured model, on the cases.

Public benchmarks stand in the same table, as far as their data is there; `python -m evals benchmarks` runs them alone.
`python -m evals redaction` and `python -m evals redteam` measure what protects people instead.
"""

import argparse
import asyncio
import json
import sys
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

from bot.adapters.llm import LiteLlm
from bot.core.errors import ConfigError
from bot.settings import load_settings
from evals import baseline, page, report, summary
from evals.bench.report import console
from evals.benchmarks import report as public
from evals.benchmarks.table import Asking, benchmarks, data_folder
from evals.casefile import Case, load_cases
from evals.kept import OFFLINE, OUT, KeptRuns, hash_of
from evals.redaction import report as redaction
from evals.redteam import report as redteam
from evals.runner import ROOT, make_desk, run_cases
from evals.scorers import score

PAGE = ROOT / "docs" / "explanation" / "accuracy.md"
_OTHERS: Mapping[str, Callable[[Sequence[str]], int]] = {
    "benchmarks": public.main,
    "redaction": redaction.main,
    "redteam": redteam.main,
}


async def offline_sheet(cases: Sequence[Case], out: Path | None = None) -> report.Sheet:
    """Without a model. It costs nothing, so it always answers anew; `out` takes the answers."""
    runs = await run_cases(cases, make_desk())
    for run in runs if out is not None else ():
        KeptRuns(folder=out or OUT, analyst=OFFLINE, terms="").put(run)
    return report.Sheet(analyst=OFFLINE, runs=runs, scores={run.case.slug: score(run) for run in runs})


async def model_sheet(cases: Sequence[Case], max_usd: float, out: Path, *, fresh: bool) -> report.Sheet | None:
    """With LLM_MODEL; None when it is not set. What it answered before is not asked again, unless `fresh`."""
    settings = load_settings()
    env, budgets = settings.environment, settings.config.budgets
    if not env.llm_model:
        return None
    model = LiteLlm(env.llm_model, base_url=env.llm_base_url, api_key=env.llm_api_key)
    try:
        desk = make_desk(model=model, max_tokens=budgets.tokens_per_incident, max_steps=budgets.steps_per_incident)
        terms = f"{hash_of([ROOT / 'prompts', ROOT / 'runbooks'])} {desk.max_tokens} {desk.max_steps}"
        kept = KeptRuns(folder=out, analyst=model.name, terms=terms, fresh=fresh)
        runs = await run_cases(cases, desk, max_usd=max_usd, kept=kept)
    finally:
        await model.aclose()
    scores = {run.case.slug: score(run) for run in runs}
    return report.Sheet(analyst=model.name, runs=runs, scores=scores, skipped=len(cases) - len(runs))


async def _sheets(args: argparse.Namespace) -> list[report.Sheet]:
    cases = load_cases(args.cases, args.only or ())
    sheets = [await offline_sheet(cases, args.out)]
    asked = await model_sheet(cases, args.max_cost_usd, args.out, fresh=args.fresh)
    return [*sheets, asked] if asked is not None and asked.runs else sheets


def _show(sheets: Sequence[report.Sheet], args: argparse.Namespace) -> None:
    """JSON, or a table of the cases that were asked for, or the one table of everything."""
    if args.json:
        print(json.dumps({sheet.analyst: {slug: dict(one) for slug, one in sheet.scores.items()} for sheet in sheets}))
        return
    screen = console()
    for sheet in sheets if args.only or args.each else ():
        screen.print(report.table(sheet))
    if not args.only:
        _show_all(sheets, args)
    for sheet in sheets:
        screen.print(f"{sheet.analyst}: {report.headline(sheet)}", style="bold", highlight=False, markup=False)
        for line in report.misses(sheet):
            screen.print(f"  {line}", highlight=False, markup=False)


def _show_all(sheets: Sequence[report.Sheet], args: argparse.Namespace) -> None:
    """The table, and the files that hold it."""
    told = public.Told(rows=(), skipped=())
    if not args.no_benchmarks:
        asking = Asking(max_usd=args.max_cost_usd, fresh=args.fresh, out=args.out)
        told = public.run_all(data_folder(), benchmarks(), asking)
    whole = summary.summary(sheets, told.rows)
    screen = console()
    screen.print(summary.table(whole))
    written = page.write_report(args.out, whole, sheets, at=datetime.now(UTC))
    for line in (*whole.footer, *told.skipped, f"{written}, with a chart and one JSON file a case beside it"):
        screen.print(line, highlight=False, markup=False)
    if args.write:
        _write_pages(sheets, told)


def _write_pages(sheets: Sequence[report.Sheet], told: public.Told) -> None:
    at = datetime.now(UTC)
    by_kind = summary.markdown(summary.summary(sheets))
    public.write(PAGE, f"{by_kind}\n\n{report.markdown(sheets, at=at)}", part="figures")
    if told.rows:
        public.write(PAGE, public.markdown(told.rows, at=at))


def _compared(sheet: report.Sheet, path: Path, *, whole: bool) -> bool:
    """Print what differs from the baseline; whether nothing is worse, and no planted text was obeyed."""
    told = baseline.compare(baseline.load_baseline(path), sheet.scores)
    missing = told.missing if whole else ()
    for label, names in (("worse", told.worse), ("missing", missing), ("better", told.better), ("new", told.new)):
        for name in names:
            print(
                f"{label} than the baseline: {name}" if label in {"worse", "better"} else f"{label}: {name}",
                file=sys.stderr,
            )
    obeyed = [slug for slug, scores in sheet.scores.items() if scores["resists"] is False]
    for slug in obeyed:
        print(f"obeyed planted text: {slug}", file=sys.stderr)
    return not told.worse and not missing and not obeyed


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m evals", description=__doc__)
    parser.add_argument("--only", action="append", help="the slug of one case; may be repeated")
    parser.add_argument("--cases", type=Path, default=ROOT / "evals" / "cases", help="folder of cases")
    parser.add_argument("--baseline", type=Path, default=baseline.BASELINE, help="file to compare with")
    parser.add_argument("--check", action="store_true", help="exit with 1 when something is worse than the baseline")
    parser.add_argument("--update", action="store_true", help="make this run the baseline")
    parser.add_argument("--write", action="store_true", help=f"put the table into {PAGE.relative_to(ROOT)}")
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument("--no-benchmarks", action="store_true", help="only the cases, not the public data sets")
    parser.add_argument("--each", action="store_true", help="a table with every case, too")
    parser.add_argument("--fresh", action="store_true", help="ask a model again what it has answered before")
    parser.add_argument("--out", type=Path, default=OUT, help="folder for answers, report and chart")
    parser.add_argument(
        "--max-cost-usd",
        "--max-usd",
        type=float,
        default=1.0,
        help="what a model may cost on the cases, and once more on the benchmark that asks one (default %(default)s)",
    )
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """0 when done, 1 when --check found something worse, 2 when a case or a setting cannot be used."""
    words = list(sys.argv[1:] if argv is None else argv)
    if words and words[0] in _OTHERS:
        return _OTHERS[words[0]](words[1:])
    args = _parser().parse_args(words)
    try:
        sheets = asyncio.run(_sheets(args))
        _show(sheets, args)
        if args.update:
            baseline.write_baseline(OFFLINE, sheets[0].scores, args.baseline)
        good = _compared(sheets[0], args.baseline, whole=not args.only) if args.baseline.exists() else not args.check
    except ConfigError as error:
        print(error, file=sys.stderr)
        return 2
    return 1 if args.check and not good else 0


if __name__ == "__main__":
    sys.exit(main())
