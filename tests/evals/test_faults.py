"""The faults that `python -m evals.record` plays: each can be staged, and its truth can be found in what it stages."""

import json
import re
import sys
from pathlib import Path

import pytest
import yaml

from bot.cli.cases import form_of
from bot.core.evidence import EvidenceKind
from evals.casefile import CASES, KINDS
from evals.record.__main__ import main

# The recipe's folder is no package of ours: the recording program has it on PYTHONPATH, and so do its tests.
sys.path.insert(0, str(Path(__file__).parents[2] / "examples" / "recipe-incident-triage"))

from recording.fault import staged
from recording.faults import FAULTS
from recording.places import without_places
from shop.alerting import load_rules


@pytest.mark.parametrize("slug", FAULTS)
def test_a_fault_stages_rules_that_load_and_changes_and_services_that_hold_its_truth(slug, tmp_path):
    fault = FAULTS[slug]

    scenario = staged(fault, tmp_path)
    services = {one["metadata"]["name"] for one in yaml.safe_load_all(scenario.catalog.read_text())}
    changes = {one["id"]: one["service"] for one in scenario.changes()}
    rules = load_rules(scenario.rules)

    truth = fault.truth
    assert rules
    assert set(changes.values()) <= services
    assert truth.component in services | {""}
    if truth.change:
        assert changes[truth.change] == truth.component
    assert not set(fault.unrecorded) & set(changes)


@pytest.mark.parametrize("slug", FAULTS)
def test_a_faults_truth_is_one_that_the_command_takes(slug):
    truth = FAULTS[slug].truth
    words = truth.options()

    form = form_of(truth.title, truth.cause_class, truth.component, truth.change)

    assert truth.kind in KINDS
    assert set(truth.require) <= {one.value for one in EvidenceKind}
    assert words[words.index("--class") + 1] == form.cause_class
    assert ("--planted" in words) is bool(truth.planted)


def test_every_recorded_case_comes_from_a_fault_that_can_be_recorded_again():
    recorded = {
        path.parent.name for path in CASES.glob("*/case.yaml") if "recorded" in yaml.safe_load(path.read_text())["tags"]
    }

    assert recorded
    assert recorded <= set(FAULTS)
    for slug in recorded:
        text = yaml.safe_load((CASES / slug / "case.yaml").read_text())
        truth = FAULTS[slug].truth
        assert (text["kind"], text["expected"]["cause_class"], text["expected"]["change_id"] or "") == (
            truth.kind, truth.cause_class, truth.change,
        )  # fmt: skip


def test_a_recording_tells_neither_where_this_machine_keeps_things_nor_which_ports_were_free():
    files = {
        "tools.json": (
            'File \\"/home/kim/aiops/examples/recipe-incident-triage/shop/pool.py\\", File \\"/opt/py/lib/python3.12/contextlib.py\\", '
            'File \\"/x/.venv/lib/python3.12/site-packages/psycopg/connection.py\\" /tmp/stage/orders-db '
            '"host-1:21393" "host-1:16458" "host-1:21393" 15000 ms'
        ),
        "alert.json": '"instance": "host-1:16458"',
    }

    told = without_places(files, "/tmp/stage")

    assert told["tools.json"] == (
        'File \\"/srv/shop/shop/pool.py\\", File \\"/usr/lib/python3/contextlib.py\\", '
        'File \\"/usr/lib/python3/dist-packages/psycopg/connection.py\\" /srv/shop/orders-db '
        '"host-1:8002" "host-1:8001" "host-1:8002" 15000 ms'
    )
    assert told["alert.json"] == '"instance": "host-1:8001"'


def test_no_shipped_case_tells_of_the_machine_that_recorded_it():
    for path in CASES.glob("*/*.json"):
        assert re.search(r"/(?:work|root|home|tmp|Users)/|\.venv|site-packages", path.read_text()) is None, path


def test_the_program_lists_what_there_is(capfd):
    assert main(["--list"]) == 0
    assert set(FAULTS) == {line.split()[0] for line in capfd.readouterr().out.splitlines()}


def test_an_unknown_fault_is_wrong_usage(capfd):
    assert main(["--only", "no-such-fault"]) == 2
    assert "no-such-fault" in capfd.readouterr().err


def test_a_recording_is_small_enough_to_keep():
    sizes = {path.parent.name: path.stat().st_size for path in CASES.glob("*/tools.json")}

    assert max(sizes.values()) <= 300_000
    assert sum(sizes.values()) <= 6_000_000
    for path in CASES.glob("*/tools.json"):
        json.loads(path.read_text(encoding="utf-8"))
