"""Bad input is refused at start with what, where, and the nearest valid name."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def aiops(folder, *args, **environment):
    """Run a command in a folder with nothing set but what is given."""
    return subprocess.run(
        [sys.executable, "-m", "bot", *args],
        cwd=folder,
        env={"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), "COLUMNS": "200"} | environment,
        capture_output=True,
        text=True,
        timeout=60,
    )


def test_without_slack_tokens_it_says_which_where_and_what_to_use_instead(tmp_path):
    done = aiops(tmp_path, "serve", SLACK_BOT_TOKEN="xoxb-1")

    assert done.returncode == 2
    assert "SLACK_APP_TOKEN" in done.stderr
    assert "SLACK_BOT_TOKEN (" not in done.stderr
    assert "App-Level Tokens" in done.stderr
    assert "slackbox serve" in done.stderr
    assert "Traceback" not in done.stderr


def test_an_open_port_without_a_token_is_refused(tmp_path):
    done = aiops(tmp_path, "serve", AIOPS_HTTP_HOST="0.0.0.0", SLACK_BOT_TOKEN="xoxb-1", SLACK_APP_TOKEN="xapp-1")

    assert done.returncode == 2
    assert "AIOPS_WEBHOOK_TOKEN" in done.stderr


@pytest.mark.parametrize(
    ("yaml", "words"),
    [
        ("settle_second: 5", ["aiops.yaml:1", "unknown key 'settle_second'", "did you mean 'settle_seconds'?"]),
        ("channels:\n  watch: []\n  posts: C1", ["aiops.yaml:3", "'channels.posts'", "did you mean 'post'?"]),
        ("settle_seconds: soon", ["aiops.yaml:1", "settle_seconds"]),
        ("tools: {list_services: reads}", ["aiops.yaml:1", "tools.list_services", "'read'"]),
        ("mcpServers: {basecamp: {}}", ["aiops.yaml:1", "basecamp", "url or command"]),
        ("settle_seconds: [", ["aiops.yaml:"]),
        (
            "anomaly:\n  signals:\n    A: {service: a, kind: errors, quary: up}",
            [
                "aiops.yaml:3",
                "'anomaly.signals.A.quary'",
                "did you mean 'query'?",
                "key 'anomaly.signals.A.query' is missing",
            ],
        ),
        ("anomaly: {enabled: true}", ["aiops.yaml:1", "no signal is named under anomaly.signals"]),
        ("anomaly: {every: often}", ["aiops.yaml:1", "anomaly.every", "'often' is not a duration such as 90s"]),
        ("anomaly: {every: 5s}", ["aiops.yaml:1", "anomaly.every", "greater than or equal to 60"]),
        ("anomaly: {per_hours: 3}", ["aiops.yaml:1", "did you mean 'per_hour'?"]),
        ("- a list", ["aiops.yaml:1", "must be a mapping"]),
    ],
)
def test_a_bad_configuration_names_line_and_nearest_key(tmp_path, yaml, words):
    (tmp_path / "aiops.yaml").write_text(yaml, encoding="utf-8")

    done = aiops(tmp_path, "incident", "list")

    assert done.returncode == 2
    assert all(word in done.stderr for word in words), done.stderr
    assert "Traceback" not in done.stderr


def test_a_bad_environment_variable_is_named(tmp_path):
    done = aiops(tmp_path, "incident", "list", AIOPS_HTTP_PORT="eighty")

    assert done.returncode == 2
    assert "AIOPS_HTTP_PORT" in done.stderr


def content(tmp_path, name):
    shutil.copytree(ROOT / name, tmp_path / name)
    return tmp_path / name


def test_a_postmortem_that_cannot_be_used_is_named_and_what_is_not_indexed_is_counted(tmp_path, database_url):
    folder = tmp_path / "postmortems"
    folder.mkdir()
    (folder / "good.md").write_text("# The queue stood still\n\nOne message could not be read.\n", encoding="utf-8")
    (folder / "bad.md").write_text("---\ntitle: [\n---\nText.\n", encoding="utf-8")

    told = aiops(tmp_path, "index", "status", DATABASE_URL=database_url)
    (folder / "good.md").unlink()
    rest = aiops(tmp_path, "index", "status", "--json", DATABASE_URL=database_url)

    assert (told.returncode, rest.returncode) == (1, 1)
    assert "index: 1 behind" in told.stdout
    assert re.search(r"compared_at: 20\d\d-\d\d-\d\d \d\d:\d\d:\d\d UTC", told.stdout)
    assert re.search(r"problem 1: .*bad\.md:2", told.stdout.replace("\n", ""))
    status = json.loads(rest.stdout)
    assert (status["index"], status["files_indexed"], status["incidents_indexed"]) == ("up to date", 0, 0)
    assert [one.partition(": ")[0].rpartition("/")[2] for one in status["problems"]] == ["bad.md:2"]


def test_a_malformed_prompt_stops_the_start_with_file_and_line(tmp_path, database_url):
    folder = content(tmp_path, "prompts")
    prompt = folder / "triage.md"
    prompt.write_text(prompt.read_text(encoding="utf-8") + "\n{{ no_such_input }}\n", encoding="utf-8")

    done = aiops(tmp_path, "incident", "list", DATABASE_URL=database_url)

    assert done.returncode == 2
    assert "triage.md" in done.stderr
    assert "no_such_input" in done.stderr


def test_a_database_that_is_away_is_a_sentence(tmp_path):
    done = aiops(tmp_path, "incident", "list", DATABASE_URL="postgresql://127.0.0.1:1/none")

    assert done.returncode == 2
    assert "database is away" in done.stderr
    assert "Traceback" not in done.stderr


def test_an_unknown_incident_is_a_sentence(tmp_path, database_url):
    done = aiops(tmp_path, "incident", "show", "INC-404", DATABASE_URL=database_url)

    assert done.returncode == 2
    assert "There is no incident INC-404" in done.stderr


def test_doctor_tells_everything_at_once_and_how_to_mend_it(tmp_path, database_url):
    (tmp_path / "postmortems").mkdir()
    (tmp_path / "postmortems" / "bad.md").write_text("---\ntitle: [\n---\nText.\n", encoding="utf-8")

    done = aiops(tmp_path, "doctor", DATABASE_URL=database_url)

    assert done.returncode == 1
    assert "SLACK_BOT_TOKEN" in done.stdout
    assert "mcpServers" in done.stdout
    for name in ("configuration", "postmortems", "prompts", "runbooks", "database", "model", "embeddings"):
        assert name in done.stdout
    assert "bad.md:2" in done.stdout.replace("\n", "")
    assert "Traceback" not in done.stderr


def test_triage_of_a_payload_file_that_is_none_says_so(tmp_path, database_url):
    (tmp_path / "payload.json").write_text("{}", encoding="utf-8")

    done = aiops(tmp_path, "triage", "--payload", "payload.json", DATABASE_URL=database_url)

    assert done.returncode == 2
    assert "payload.json" in done.stderr
    assert "version" in done.stderr
