"""Prometheus and Alertmanager in little, for machines that have neither.

    python -m shop.rules --rules scenarios/postgres/rules.yml --targets targets.json --webhook URL --port 9090
        [--interval 1] [--bearer-file FILE]

Scrapes the targets (file_sd form, read again each time), answers the read part of Prometheus' HTTP API, evaluates the
alert rules and posts Alertmanager's webhook on firing and resolve. Prints one JSON line `{service, url}` when ready;
logs go to standard error.
"""

import argparse
import asyncio
import logging
import time
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import httpx

from . import process
from .alerting import AlertBook, AlertRule, RulesError, load_rules
from .evaluation import Evaluator
from .logs import LineFormatter
from .notifying import Notifier
from .prometheus_api import PrometheusApi
from .promql import BadQueryError
from .samples import SampleStore
from .scraping import Scraper, Target, TargetsError, load_targets

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """`interval` is the seconds between two scrapes; rules are evaluated after each."""

    rules: Sequence[AlertRule]
    targets: Path
    webhook: str
    host: str = "127.0.0.1"
    port: int = 0
    interval: float = 1.0
    token: str = ""


async def run_rules(options: Options, stop: asyncio.Event) -> None:
    """Scrape, evaluate and notify until `stop` is set."""
    store = SampleStore()
    async with (
        httpx.AsyncClient(timeout=max(options.interval, 1.0), trust_env=False) as scrape_client,
        httpx.AsyncClient(timeout=10.0, trust_env=False) as webhook_client,
        process.serving(PrometheusApi(store).build_app(), host=options.host, port=options.port) as url,
    ):
        notifier = Notifier(webhook_client, options.webhook, external_url=url, token=options.token)
        process.announce(service="rules", url=url)
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(notifier.run(stop))
            tasks.create_task(_watch(options, store, Scraper(store, scrape_client), notifier, stop))


async def _watch(
    options: Options, store: SampleStore, scraper: Scraper, notifier: Notifier, stop: asyncio.Event
) -> None:
    book = AlertBook(options.rules)
    targets: list[Target] = []
    pause = 0.0
    while not await process.stopped_within(stop, pause):
        started = time.monotonic()
        targets = _targets(options.targets, targets)
        now = time.time()
        await scraper.scrape(targets, now)
        try:
            notifier.offer(book.evaluate(Evaluator(store), now))
        except BadQueryError as error:
            _log.warning("the rules could not be evaluated this time: %s", error)
        pause = max(0.0, options.interval - (time.monotonic() - started))


def _targets(path: Path, before: list[Target]) -> list[Target]:
    """The targets of now; while the file is being rewritten, those of before."""
    try:
        return load_targets(path)
    except TargetsError as error:
        _log.warning("keeping the targets of before: %s", error)
        return before


def _log_to_standard_error() -> None:
    handler = logging.StreamHandler()
    handler.setFormatter(LineFormatter())
    logging.basicConfig(level=logging.INFO, handlers=[handler])
    for library in ("httpx", "uvicorn"):
        logging.getLogger(library).setLevel(logging.WARNING)


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m shop.rules", description=__doc__)
    parser.add_argument("--rules", type=Path, required=True, help="Prometheus rules file")
    parser.add_argument("--targets", type=Path, required=True, help="what to scrape, in Prometheus' file_sd form")
    parser.add_argument("--webhook", required=True, help="where alerts are posted")
    parser.add_argument("--bearer-file", type=Path, help="file with the webhook's bearer token")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=9090, help="0 picks a free one")
    parser.add_argument("--interval", type=float, default=1.0, help="seconds between scrapes")
    given = parser.parse_args(arguments)
    try:
        rules = load_rules(given.rules)
        load_targets(given.targets)
        token = given.bearer_file.read_text(encoding="utf-8").strip() if given.bearer_file else ""
    except (RulesError, TargetsError, OSError) as error:
        parser.error(str(error))
    _log_to_standard_error()
    options = Options(
        rules=rules,
        targets=given.targets,
        webhook=given.webhook,
        host=given.host,
        port=given.port,
        interval=given.interval,
        token=token,
    )
    process.run(partial(run_rules, options))


if __name__ == "__main__":
    main()
