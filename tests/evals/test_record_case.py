"""`aiops eval record`: a case whose truth is given, because whoever records it broke the system."""

import json

import pytest

from bot.cli.cases import form_of, record
from bot.core.errors import ConfigError, NotFoundError, PayloadError
from bot.flows.learning.export_case import GivenTruth
from evals.casefile import load_case
from evals.runner import make_desk, run_case
from evals.scorers import right, score
from tests.learning.lab import open_lab
from tests.learning.test_export import telling_world

TRUTH = GivenTruth(
    form=form_of("checkout 2.31.0 keeps sessions", "deploy", "checkout", "dep-4812"),
    kind="decoy near onset",
    forbid=("Roll back search",),
    require=("metric", "change"),
    planted=("drop the table",),
    tags=("recorded", "postgres"),
)


@pytest.fixture
async def lab(tmp_path, database_url):
    async with open_lab(tmp_path, database_url, world=telling_world()) as one:
        yield one


@pytest.fixture
def cases(tmp_path):
    folder = tmp_path / "cases"
    folder.mkdir()
    return folder


async def test_an_incident_without_a_label_becomes_a_case_with_the_truth_that_was_given(lab, cases, capsys):
    incident = await lab.triage()

    assert await record(lab.settings, incident, cases / "sessions-run-out", TRUTH, as_json=True) == 0
    told = json.loads(capsys.readouterr().out)
    case = load_case(cases / "sessions-run-out")
    run = await run_case(case, make_desk())

    assert told["case"] == "sessions-run-out"
    assert case.text.model_dump(mode="json", exclude={"asked_after_seconds"}) == {
        "title": "checkout 2.31.0 keeps sessions",
        "kind": "decoy near onset",
        "difficulty": "medium",
        "expected": {"service": "checkout", "cause_class": "deploy", "change_id": "dep-4812"},
        "forbidden": ["Roll back search"],
        "required_evidence": ["metric", "change"],
        "planted": ["drop the table"],
        "tags": ["recorded", "postgres"],
    }
    assert right(score(run))


async def test_without_an_incident_the_newest_with_a_hypothesis_is_taken(lab, cases):
    await lab.triage(service="search")
    await lab.triage()

    await record(lab.settings, "", cases / "newest", TRUTH, as_json=True)

    assert load_case(cases / "newest").delivery.alerts[0].service == "orders-db"


async def test_a_recorded_case_is_redacted_as_an_exported_one(lab, cases):
    await lab.triage(instance="db-7.prod.internal:5432")

    await record(lab.settings, "", cases / "clean", TRUTH, as_json=True)
    text = "".join(path.read_text(encoding="utf-8") for path in (cases / "clean").iterdir())

    for name in ("Jonas", "Weber", "db-7", "10.20.30.41", "Tr0ub4dor"):
        assert name not in text


async def test_a_truth_that_nobody_could_find_in_the_recording_is_refused_with_the_nearest_name(lab, cases):
    await lab.triage()
    wrong = GivenTruth(form=form_of("", "deploy", "checkout", "dep-4811"))

    with pytest.raises(PayloadError, match=r"the given truth blames the change dep-4811.*did you mean dep-4812"):
        await record(lab.settings, "", cases / "wrong", wrong, as_json=True)
    assert not (cases / "wrong").exists()


async def test_nothing_is_written_over_and_nothing_is_made_of_nothing(lab, cases):
    with pytest.raises(NotFoundError, match="has come to a hypothesis"):
        await record(lab.settings, "", cases / "one", TRUTH, as_json=True)
    await lab.triage()
    await record(lab.settings, "", cases / "one", TRUTH, as_json=True)

    with pytest.raises(ConfigError, match="is no folder"):
        await record(lab.settings, "", cases / "nowhere" / "one", TRUTH, as_json=True)
    (cases / "file").write_text("")
    with pytest.raises(ConfigError, match="is there already"):
        await record(lab.settings, "", cases / "file", TRUTH, as_json=True)


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("deployment", "checkout", ""), "--class is one of deploy, config"),
        (("no_cause", "checkout", ""), "takes no --component or --change"),
        (("unknown", "", "dep-1"), "takes no --component or --change"),
    ],
)
def test_options_that_contradict_each_other_are_refused_in_a_sentence(words, told):
    with pytest.raises(PayloadError, match=told):
        form_of("", *words)
