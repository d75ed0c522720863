"""A real incident becomes an eval case that can be scored at once, without names and secrets."""

import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.cli.cases import export
from bot.core.anonymous import anonymous
from bot.core.errors import ConfigError, NotFoundError, PayloadError
from bot.core.hypothesis import CauseClass
from bot.core.outcome import OutcomeForm
from evals.__main__ import main as run_evals
from evals.casefile import load_case
from evals.runner import make_desk, run_case
from evals.scorers import right, score
from tests.agent.worlds import leak_world
from tests.learning.lab import RIGHT, open_lab

SECRET = "hunter2-Tr0ub4dor"


def telling_world():
    """The leak, with people, machines and a password in what the tools answer."""
    world = leak_world()
    for service in world.services:
        for change in service["changes"]:
            change["author"] = "Jonas Weber"
            change["detail"] = f"{change['detail']} (asked by Jonas Weber)".strip()
    world.logs["checkout"].append(
        {
            "at": "2026-11-20T09:02:03Z",
            "level": "ERROR",
            "service": "checkout",
            "text": f"cannot reach db-7.prod.internal (10.20.30.41), password={SECRET}, ping @priya",
        }
    )
    return world


async def exported(lab, incident, folder, **more):
    case = await lab.core.experiments.export_case(incident, more.pop("slug", ""))
    target = folder / case.slug
    target.mkdir(parents=True)
    for name, text in case.files.items():
        (target / name).write_text(text, encoding="utf-8")
    return target


@pytest.fixture
async def lab(tmp_path, database_url):
    async with open_lab(tmp_path, database_url, world=telling_world()) as one:
        yield one


async def test_an_exported_incident_is_scored_at_once_and_reasoned_about_as_it_was(lab, tmp_path):
    incident = await lab.triage(instance="db-7.prod.internal:5432")
    await lab.label(incident)
    then = (await lab.core.flows.show(incident)).assessment.hypotheses[0]

    folder = await exported(lab, incident, tmp_path / "cases")
    case = load_case(folder)
    now = await run_case(case, make_desk())

    assert folder.name == "orders-db-postgres-connections-exhausted"
    assert case.text.title == RIGHT.cause
    assert case.text.expected.model_dump(mode="json") == {
        "service": "checkout", "cause_class": "deploy", "change_id": "dep-4812",
    }  # fmt: skip
    assert right(score(now))
    top = now.assessment.hypotheses[0]
    assert (top.title, top.suspect, top.cause_class) == (then.title, then.suspect, then.cause_class)
    assert {call.tool for call in case.calls} >= {"list_services", "read_metrics", "read_logs", "pg_activity"}


async def test_people_machines_and_secrets_are_gone_and_what_belonged_together_still_does(lab, tmp_path):
    incident = await lab.triage(instance="db-7.prod.internal:5432")
    await lab.label(incident)

    folder = await exported(lab, incident, tmp_path / "cases")
    text = "".join(path.read_text(encoding="utf-8") for path in sorted(folder.iterdir()))

    for name in ("Jonas", "Weber", "db-7", "prod.internal", "10.20.30.41", SECRET, "priya"):
        assert name not in text
    alert = json.loads((folder / "alert.json").read_text(encoding="utf-8"))["alerts"][0]
    host = alert["labels"]["instance"].removesuffix(":5432")
    assert host.startswith("host-")
    assert f"cannot reach {host} (address-1)" in text
    assert text.count('"author": "person-1"') >= 5
    assert "(asked by person-1)" in text


async def test_the_command_writes_the_folder_that_make_eval_reads(lab, tmp_path, capsys):
    incident = await lab.triage()
    await lab.label(incident)
    cases = tmp_path / "cases"
    cases.mkdir()

    assert await export(lab.settings, incident, cases, "a leaking release", as_json=True) == 0

    told = json.loads(capsys.readouterr().out)
    assert told["case"] == "a-leaking-release"
    with pytest.raises(ConfigError, match="is there already; give the case another name with --slug"):
        await export(lab.settings, incident, cases, "a-leaking-release", as_json=True)
    with pytest.raises(ConfigError, match="is no folder"):
        await export(lab.settings, incident, tmp_path / "nowhere", "", as_json=True)


def test_make_evals_program_takes_exported_cases(tmp_path, capsys):
    assert run_evals(["--cases", str(tmp_path)]) == 2
    assert "holds no cases" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("form", "told"),
    [
        (replace(RIGHT, cause_class=None), "has no class of cause"),
        (replace(RIGHT, component="", change_id=""), "names no component"),
        (replace(RIGHT, change_id="dep-4821"), r"blames the change dep-4821, .* \(did you mean dep-4812\?\)"),
        (replace(RIGHT, component="check-out", change_id=""), r"'check-out', which is no recorded service \(did you mean checkout\?\)"),
    ],
)  # fmt: skip
async def test_a_label_that_does_not_say_what_a_case_needs_is_refused(lab, form, told):
    incident = await lab.triage()
    await lab.label(incident, form)

    with pytest.raises(PayloadError, match=told):
        await lab.core.experiments.export_case(incident, "")


async def test_without_a_label_or_without_a_world_it_is_refused_with_a_sentence(lab):
    incident = await lab.triage()

    with pytest.raises(PayloadError, match=f"{incident} has no recorded root cause"):
        await lab.core.experiments.export_case(incident, "")
    with pytest.raises(NotFoundError, match="INC-404"):
        await lab.core.experiments.export_case("INC-404", "")
    await lab.label(incident)
    lab.delete_worlds()
    with pytest.raises(NotFoundError, match=f"{incident} has no kept world"):
        await lab.core.experiments.export_case(incident, "")


@pytest.mark.parametrize(
    ("form", "kind", "expected"),
    [
        (OutcomeForm(cause="False alarm", cause_class=CauseClass.NO_CAUSE), "healthy system", {"service": None, "cause_class": "no_cause", "change_id": None}),
        (OutcomeForm(cause="", established=False), "clear cause", {"service": None, "cause_class": "unknown", "change_id": None}),
        (replace(RIGHT, component=""), "clear cause", {"service": "checkout", "cause_class": "deploy", "change_id": "dep-4812"}),
        (replace(RIGHT, component="Orders_DB", change_id="", cause_class=CauseClass.CAPACITY), "clear cause", {"service": "orders-db", "cause_class": "capacity", "change_id": None}),
    ],
)  # fmt: skip
async def test_the_truth_is_what_the_label_says_in_the_words_of_the_catalogue(lab, tmp_path, form, kind, expected):
    incident = await lab.triage()
    await lab.label(incident, form)

    case = load_case(await exported(lab, incident, tmp_path / "cases"))

    assert case.text.kind == kind
    assert case.text.expected.model_dump(mode="json") == expected


# --- placeholders ----------------------------------------------------------------------------------------------------


def test_a_name_from_a_field_is_replaced_wherever_it_stands_and_always_by_the_same():
    found = anonymous(
        {"changes": [{"author": "kim", "title": "Kim raised the limit"}], "log": "ask kim or <@U0123456>, not kimberly"}
    )

    assert found == {
        "changes": [{"author": "person-1", "title": "person-1 raised the limit"}],
        "log": "ask person-1 or person-2, not kimberly",
    }


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("from web-3.eu.corp to 192.168.4.7:5432", "from host-1 to address-1:5432"),
        ("ip-10-0-3-4.ec2.internal is down", "host-1 is down"),
        ("http://grafana.acme.com/d/1", "http://host-1/d/1"),
        ("fe80:0:0:0:1:2:3:4 answered", "address-1 answered"),
        ("at 09:02:03.123 version 2.31.0 of pool.py, java.lang.String", None),
        ("dep-4812 on orders-db, 127.0.0.1, alertmanager.example", None),
        ("psycopg.OperationalError: order=1234 sku=sku-021", None),
    ],
)
def test_machines_are_known_by_their_form_and_other_words_are_left(text, told):
    assert anonymous({"text": text})["text"] == (told or text)


def test_a_service_keeps_its_name_even_where_a_machine_is_expected():
    document = {"labels": {"instance": "orders-db:5432", "host": "web-1"}, "text": "orders-db on web-1"}

    found = anonymous(document, keep={"orders-db"})

    assert found == {"labels": {"instance": "orders-db:5432", "host": "host-1"}, "text": "orders-db on host-1"}


@given(st.dictionaries(st.sampled_from(["author", "host", "text", "a"]), st.text(max_size=60), max_size=4))
def test_any_document_keeps_its_shape_and_doing_it_twice_changes_nothing_more(document):
    once = anonymous(document)

    assert once.keys() == document.keys()
    assert anonymous(once) == once
