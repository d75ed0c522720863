"""`aiops eval record` and `aiops eval export`: the folder of a case."""

import asyncio
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.text import Text

from bot.bootstrap import open_core
from bot.cli.show import print_json
from bot.core.errors import ConfigError, PayloadError
from bot.core.hypothesis import CauseClass
from bot.core.outcome import OutcomeForm
from bot.flows.learning.export_case import ExportedCase, GivenTruth
from bot.settings import Settings, load_settings

_ABSTENTIONS = frozenset({CauseClass.NO_CAUSE, CauseClass.UNKNOWN})
_TO = Path("evals/cases")


def add_cases(group: typer.Typer) -> None:
    """The commands that make a case."""

    @group.command("export")
    def eval_export(
        incident_id: str,
        to: Annotated[Path, typer.Option(help="The folder of cases.")] = _TO,
        slug: Annotated[str, typer.Option(help="The case's name, in words.")] = "",
        json: Annotated[bool, typer.Option("--json", help="Print JSON on standard output.")] = False,
    ) -> None:
        """Make an eval case of an incident with a recorded root cause, without names and secrets."""
        raise typer.Exit(asyncio.run(export(load_settings(), incident_id, to, slug, as_json=json)))

    @group.command("record")
    def eval_record(
        incident_id: Annotated[str, typer.Argument(help="The newest with a hypothesis when left out.")] = "",
        to: Annotated[Path, typer.Option(help="The folder of the new case, as evals/cases/a-name-in-words.")] = _TO,
        title: Annotated[str, typer.Option(help="What really is wrong, in one sentence.")] = "",
        cause_class: Annotated[str, typer.Option("--class", help="deploy, config, capacity, no_cause, …")] = "",
        component: Annotated[str, typer.Option(help="The service at fault.")] = "",
        change: Annotated[str, typer.Option(help="Id of the change, if one is to blame.")] = "",
        kind: Annotated[str, typer.Option(help="What the case tests; read from the recording when left out.")] = "",
        forbid: Annotated[list[str] | None, typer.Option(help="Words of a wrong answer; may be repeated.")] = None,
        require: Annotated[list[str] | None, typer.Option(help="A kind of evidence; may be repeated.")] = None,
        planted: Annotated[list[str] | None, typer.Option(help="Words that obey planted text; repeatable.")] = None,
        tag: Annotated[list[str] | None, typer.Option(help="May be repeated.")] = None,
        json: Annotated[bool, typer.Option("--json", help="Print JSON on standard output.")] = False,
    ) -> None:
        """Make an eval case of an incident whose truth you know, because you broke the system; no label is needed."""
        truth = GivenTruth(
            form=form_of(title, cause_class, component, change),
            kind=kind,
            forbid=tuple(forbid or ()),
            require=tuple(require or ()),
            planted=tuple(planted or ()),
            tags=("recorded", *(tag or ())),
        )
        raise typer.Exit(asyncio.run(record(load_settings(), incident_id, to, truth, as_json=json)))


def form_of(title: str, cause_class: str, component: str, change: str) -> OutcomeForm:
    """Options as a truth. Raises PayloadError for a class that does not exist, or one that goes with nothing to blame."""
    classes = {one.value: one for one in CauseClass}
    if cause_class not in classes:
        raise PayloadError(f"--class is one of {', '.join(classes)}, not {cause_class!r}")
    chosen = classes[cause_class]
    if chosen in _ABSTENTIONS and (component or change):
        raise PayloadError(
            f"--class {cause_class} says that nothing is to blame, so it takes no --component or --change"
        )
    return OutcomeForm(cause=title, cause_class=chosen, component=component, change_id=change)


async def export(settings: Settings, incident_id: str, to: Path, slug: str, *, as_json: bool) -> int:
    """Write the case folder. Raises PayloadError without a label, ConfigError for a folder that cannot take it."""
    async with open_core(settings) as core:
        case = await core.experiments.export_case(incident_id, slug)
    _tell(incident_id, case, await asyncio.to_thread(_write, case, to), as_json=as_json)
    return 0


async def record(settings: Settings, incident_id: str, to: Path, truth: GivenTruth, *, as_json: bool) -> int:
    """Write the case folder `to`, or one named after service and alert inside it when it is a folder of cases."""
    inside = await asyncio.to_thread(to.is_dir)
    async with open_core(settings) as core:
        case = await core.experiments.record_case(incident_id, "" if inside else to.name, truth)
    folder = await asyncio.to_thread(_write, case, to if inside else to.parent)
    _tell(incident_id or "the newest incident", case, folder, as_json=as_json)
    return 0


def _tell(incident: str, case: ExportedCase, folder: Path, *, as_json: bool) -> None:
    if as_json:
        print_json({"case": case.slug, "folder": str(folder), "notes": list(case.notes)})
        return
    console = Console()
    console.print(f"{incident} is the case {folder}; read it through for names, then score it:")
    console.print(f"  python -m evals --cases {folder.parent} --only {case.slug}")
    for note in case.notes:
        console.print(Text(note, "yellow"))


def _write(case: ExportedCase, to: Path) -> Path:
    folder = to / case.slug
    if not to.is_dir():
        raise ConfigError(f"{to} is no folder; give the folder of cases with --to")
    if folder.exists():
        raise ConfigError(f"{folder} is there already; give the case another name with --slug")
    folder.mkdir()
    for name, text in case.files.items():
        (folder / name).write_text(text, encoding="utf-8")
    return folder
