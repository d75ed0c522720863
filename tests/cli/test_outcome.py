"""Root causes on the command line."""

import csv
import io
import json

import psycopg
import pytest

from tests.cli.test_bad_input import aiops
from tests.support.labels import seed

HEAD = ["id", "title", "service", "started_at", "cause", "cause_class", "alerts", "fix_worked"]
GOOD = [
    "OLD-1",
    "Checkout down",
    "checkout",
    "2025-03-02T09:00:00Z",
    "a leak",
    "Deploy",
    "ErrorsHigh;SlowOrders",
    "yes",
]


@pytest.fixture
def run(tmp_path, database_url):
    """Runs a command on the test's database; returns its exit code, parsed output (or text) and standard error."""

    def run(*args):
        done = aiops(tmp_path, "outcome", *args, DATABASE_URL=database_url)
        out = json.loads(done.stdout) if "--json" in args and done.stdout.strip() else done.stdout
        return done.returncode, out, done.stderr

    return run


def as_csv(path, *rows, head=HEAD):
    text = io.StringIO()
    csv.writer(text).writerows([head, *rows])
    path.write_text(text.getvalue(), encoding="utf-8")
    return str(path)


def test_a_root_cause_is_recorded_corrected_listed_and_shown(run, database_url, tmp_path):
    seed(database_url)
    seed(database_url, "INC-2")

    code, first, _ = run("record", "inc-1", "--cause", "the pool leaks", "--class", "deploy", "--by", "dana", "--json")
    assert (code, first["new"], first["outcome"]["author"]) == (0, True, "dana")
    _, again, _ = run("record", "INC-1", "--cause", "the pool leaks", "--class", "deploy", "--json")
    assert again["new"] is False
    args = ("--cause", "the pool is too small", "--grade", "near", "--fix-worked", "no", "--json")
    _, second, _ = run("record", "INC-1", *args)
    assert (second["outcome"]["cause_class"], second["outcome"]["fix_worked"]) == ("deploy", False)
    assert (second["outcome"]["version"], second["outcome"]["grade"], second["outcome"]["graded_by"]) == (
        2,
        65,
        "person",
    )

    _, listed, _ = run("list", "--json")
    assert [(one["incident"], one["version"]) for one in listed] == [("INC-1", 2)]
    _, missing, _ = run("list", "--unlabelled", "--json")
    assert [one["id"] for one in missing] == ["INC-2"]
    _, history, _ = run("show", "INC-1", "--json")
    assert [one["cause"] for one in history] == ["the pool leaks", "the pool is too small"]
    code, text, _ = run("show", "INC-1")
    assert code == 0
    assert "version 1" in text
    assert "the pool is too small" in text

    shown = aiops(tmp_path, "incident", "show", "INC-1", "--json", DATABASE_URL=database_url)
    assert json.loads(shown.stdout)["outcome"]["cause"] == "the pool is too small"
    shown = aiops(tmp_path, "incident", "show", "INC-2", "--json", DATABASE_URL=database_url)
    assert json.loads(shown.stdout)["outcome"] is None


def test_no_root_cause_is_a_label_too(run, database_url):
    seed(database_url)
    code, done, _ = run("record", "INC-1", "--no-cause", "--json")

    assert (code, done["outcome"]["established"], done["outcome"]["grade"]) == (0, False, None)


@pytest.mark.parametrize(
    ("args", "told"),
    [
        (["INC-404", "--cause", "x"], "There is no incident INC-404"),
        (["INC-1"], "Say what the cause was"),
        (["INC-1", "--cause", "x", "--class", "deployment"], "did you mean deploy?"),
        (["INC-1", "--cause", "x", "--grade", "half"], "exact (100), near (65), area (35) or wrong (0), not 'half'"),
        (["INC-1", "--cause", "x", "--fix-worked", "perhaps"], "--fix-worked is yes or no, not 'perhaps'"),
        (["INC-1", "--cause", "x", "--link", "wiki"], "wiki is not a web address"),
    ],
)
def test_bad_input_is_refused_in_a_sentence_and_nothing_is_recorded(run, database_url, args, told):
    seed(database_url)

    code, _, said = run("record", *args)

    assert code == 2
    assert told in said
    assert "Traceback" not in said
    with psycopg.connect(database_url) as connection:
        assert connection.execute("select count(*) from aiops.outcome").fetchone() == (0,)


def test_past_incidents_are_imported_once_and_bad_rows_are_named_with_line_and_reason(run, database_url, tmp_path):
    multi = ["OLD-2", "Two\nlines", "search", "2025-03-03", "an index\nwas rebuilt", "", "", ""]
    path = as_csv(
        tmp_path / "past.csv",
        GOOD,
        multi,
        ["OLD-3", "No cause", "checkout", "2025-03-02T09:00:00Z", "", "", "", ""],
        ["OLD-4", "No zone", "checkout", "2025-03-02T09:00:00", "x", "", "", ""],
        ["OLD-5", "Class", "checkout", "2025-03-02T09:00:00Z", "x", "deployd", "", ""],
        ["OLD-1", "Twice", "checkout", "2025-03-02T09:00:00Z", "x", "", "", ""],
        ["OLD-6", "Worked", "checkout", "2025-03-02T09:00:00Z", "x", "", "", "perhaps"],
        ["OLD-7", "Later", "checkout", "2999-03-02T09:00:00Z", "x", "", "", ""],
    )

    code, done, _ = run("import", path, "--json")

    assert (code, done["written"], done["unchanged"]) == (1, 2, 0)
    assert [one["line"] for one in done["bad"]] == [6, 7, 8, 9, 10, 11]
    reasons = [one["why"] for one in done["bad"]]
    wanted = [
        "lacks cause",
        "has no time zone",
        "did you mean deploy?",
        "stands on line 2",
        "yes, no or empty",
        "future",
    ]
    for reason, words in zip(reasons, wanted, strict=True):
        assert words in reason
    with psycopg.connect(database_url) as connection:
        (body,) = connection.execute("select body from aiops.past_incident where id = 'OLD-1'").fetchone()
        (audit,) = connection.execute(
            "select detail from aiops.aiops_audit where action = 'outcome.imported'"
        ).fetchone()
    assert (body["cause_class"], body["alerts"], body["fix_worked"]) == ("deploy", ["ErrorsHigh", "SlowOrders"], True)
    assert audit == {"written": 2, "unchanged": 0, "bad": 6}

    code, done, _ = run("import", as_csv(tmp_path / "good.csv", GOOD, multi), "--json")
    assert (code, done["written"], done["unchanged"], done["bad"]) == (0, 0, 2, [])
    changed = [*GOOD[:4], "another leak", *GOOD[5:]]
    _, done, _ = run("import", as_csv(tmp_path / "good.csv", changed, multi), "--json")
    assert (done["written"], done["unchanged"]) == (1, 1)


def test_json_lines_are_imported_and_unknown_columns_are_named(run, tmp_path):
    row = dict(zip(HEAD, GOOD, strict=True)) | {"alerts": ["ErrorsHigh"], "fix_worked": True, "servise": "x"}
    lines = [
        json.dumps(row),
        "",
        "{",
        "[1]",
        json.dumps(row | {"id": "OLD-2", "alerts": [1]}),
        json.dumps(row | {"id": 7}),
    ]
    (tmp_path / "past.jsonl").write_text("\n".join(lines), encoding="utf-8")

    code, done, _ = run("import", str(tmp_path / "past.jsonl"), "--json")

    assert (code, done["written"]) == (1, 2)
    assert [one["line"] for one in done["bad"]] == [3, 4, 5]
    assert done["notes"] == ["column 'servise' is not known and was passed over (did you mean service?)"]
    code, text, said = run("import", str(tmp_path / "past.jsonl"))
    assert "0 written, 2 unchanged, 3 left out" in text
    assert "past.jsonl:3: it is not JSON" in said


@pytest.mark.parametrize(
    ("name", "content", "told"),
    [
        ("past.csv", b"id,title,servce,started_at,cause\n", "line 1: the header lacks service (is it 'servce'?)"),
        ("past.csv", b"", "there is no row in it"),
        ("past.jsonl", b"\n\n", "there is no row in it"),
        ("past.csv", b"id,title\xff\n", "it is not UTF-8 (byte 8)"),
        ("past.xlsx", b"PK", "read from .csv or .jsonl files"),
        ("", b"", "cannot be read"),
    ],
)
def test_a_file_that_cannot_be_read_is_refused_in_a_sentence(run, tmp_path, name, content, told):
    if name:
        (tmp_path / name).write_bytes(content)

    code, _, said = run("import", str(tmp_path / (name or "missing.csv")))

    assert code == 2
    assert told in said
    assert "Traceback" not in said


def test_an_incident_that_no_alert_resolves_is_closed_once_with_its_reason(tmp_path, database_url):
    seed(database_url, state="investigating")

    def close(incident, *more):
        done = aiops(tmp_path, "incident", "close", incident, *more, DATABASE_URL=database_url)
        return done.returncode, done.stdout, done.stderr

    code, out, _ = close("inc-1", "--reason", "the customer hung up", "--by", "dana", "--json")
    assert (code, json.loads(out)) == (0, {"incident": "INC-1", "closed": True})
    assert close("INC-1")[:2] == (0, "INC-1 is over already.\n")
    code, _, said = close("INC-404")
    assert (code, "There is no incident INC-404" in said) == (2, True)
    with psycopg.connect(database_url) as connection:
        (state,) = connection.execute("select state::text from aiops.incident").fetchone()
        told = connection.execute(
            "select actor, detail from aiops.aiops_audit where action = 'incident.closed'"
        ).fetchall()
    assert state == "resolved"
    assert told == [("dana", {"reason": "the customer hung up"})]
