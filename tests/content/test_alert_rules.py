"""The Prometheus rules that ship are accepted by promtool, fire when they should, and have their runbooks."""

import json
import subprocess
from pathlib import Path

import pytest
import yaml

from bot.adapters.runbooks import load_runbooks

ROOT = Path(__file__).parents[2]
RULES = ROOT / "examples" / "prometheus" / "aiops.rules.yaml"
SERIES = 'aiops_postmortem_index_current_timestamp_seconds{instance="a"}'


def rules():
    return [rule for group in yaml.safe_load(RULES.read_text(encoding="utf-8"))["groups"] for rule in group["rules"]]


def test_every_alert_has_a_runbook_that_carries_its_name():
    known = {name for one in load_runbooks([ROOT / "runbooks"]).all() for name in one.alerts}

    assert [rule["alert"] for rule in rules() if rule["alert"] not in known] == []


@pytest.mark.external_service("promtool")
@pytest.mark.parametrize(
    ("values", "at", "fires"),
    [("0+30x20", "10m", False), ("60x20", "6m", False), ("60x20", "9m", True), ("0x20", "9m", True)],
    ids=["followed", "behind for less than six minutes", "stopped", "never current"],
)
def test_a_stale_index_fires_after_six_minutes_and_a_followed_one_never(tmp_path, values, at, fires):
    alert = {
        "exp_labels": {"severity": "warning", "service": "aiops", "instance": "a"},
        "exp_annotations": {
            key: " ".join(text.replace("{{ $labels.instance }}", "a").split())
            for key, text in rules()[0]["annotations"].items()
        },
    }
    case = {
        "rule_files": [str(RULES)],
        "evaluation_interval": "30s",
        "tests": [
            {
                "interval": "30s",
                "input_series": [{"series": SERIES, "values": values}],
                "alert_rule_test": [
                    {"eval_time": at, "alertname": "AiopsVectorIndexStale", "exp_alerts": [alert] if fires else []}
                ],
            }
        ],
    }
    file = tmp_path / "case.yaml"
    file.write_text(json.dumps(case), encoding="utf-8")

    done = subprocess.run(["promtool", "test", "rules", str(file)], capture_output=True, text=True, timeout=60)

    assert done.returncode == 0, done.stdout + done.stderr
