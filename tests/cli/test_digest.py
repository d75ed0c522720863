"""The digest on the command line."""

import json
from datetime import UTC, datetime, timedelta

import pytest

from tests.cli.test_bad_input import aiops
from tests.support.labels import seed


@pytest.fixture
def run(tmp_path, database_url):
    """Runs `aiops digest`."""

    def run(*args):
        return aiops(tmp_path, "digest", *args, DATABASE_URL=database_url)

    return run


def test_the_digest_of_a_week_counts_what_was_labelled_in_the_twelve_weeks_up_to_it(run, database_url, tmp_path):
    monday = datetime(2026, 3, 2, 9, tzinfo=UTC)
    for number, weeks in ((1, 0), (2, 1), (3, 30)):
        seed(database_url, f"INC-{number}", at=monday - timedelta(weeks=weeks))
    for number, grade in ((1, "exact"), (2, "wrong"), (3, "near")):
        done = aiops(
            tmp_path,
            *("outcome", "record", f"INC-{number}", "--cause", "the pool leaks", "--grade", grade),
            DATABASE_URL=database_url,
        )
        assert done.returncode == 0, done.stderr

    shown = json.loads(run("--week", "2026-w10", "--json").stdout)
    text = run("--week", "2026-W10").stdout

    assert (shown["week"], shown["so_far"]) == ("2026-W10", False)
    assert shown["headline"].startswith("Helpful 50 % (1 of 2, 90 % interval ")
    assert shown["scores"]["helpful"]["n"] == 2
    assert [week["week"] for week in shown["scores"]["weeks"]][-2:] == ["2026-W09", "2026-W10"]
    assert [one["incident_id"] for one in shown["misses"]] == ["INC-2"]
    assert text.startswith("Helpful 50 % (1 of 2, 90 % interval ")
    assert "2026-W10  █  1 helpful" in text


def test_without_a_past_it_is_one_sentence(run):
    done = run()

    assert done.returncode == 0
    assert done.stdout.startswith("Nothing to report for 2")
    assert "so far" in done.stdout


@pytest.mark.parametrize(
    ("week", "why"),
    [
        ("last", "'LAST' is no ISO week; write it as 2026-W48"),
        ("2026-48", "is no ISO week"),
        ("2026-W54", "is no ISO week"),
        ("2999-W01", "2999-W01 has not begun yet; this is 2"),
    ],
)
def test_a_week_that_cannot_be_is_refused_in_one_sentence(run, week, why):
    done = run("--week", week)

    assert done.returncode == 2
    assert why in done.stderr
    assert "Traceback" not in done.stderr


def test_a_schedule_that_cannot_be_read_is_refused_with_its_key_and_examples(run, tmp_path):
    (tmp_path / "aiops.yaml").write_text("schedule:\n  digest: every monday\n", encoding="utf-8")

    done = run()

    assert done.returncode == 2
    assert "aiops.yaml:2: schedule.digest: " in done.stderr
    assert "mon 09:00 UTC" in done.stderr
