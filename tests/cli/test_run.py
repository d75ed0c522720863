"""A run that is started at a command line: nobody can prove who sat there."""

import getpass
import json

import psycopg
import pytest

from tests.cli.test_bad_input import aiops

NAME = "postgres-connections-exhausted"


@pytest.mark.parametrize("typed", ["", "U0ANA"])
def test_who_started_it_is_recorded_as_a_command_line_and_never_as_a_person_of_slacks(tmp_path, database_url, typed):
    more = ("--user", typed) if typed else ()

    done = aiops(tmp_path, "runbook", "run", NAME, "--json", *more, DATABASE_URL=database_url)

    assert done.returncode == 0, done.stderr
    with psycopg.connect(database_url) as connection:
        row = connection.execute("select requester from aiops.run where id = %s", [json.loads(done.stdout)["run"]])
        assert row.fetchone() == (f"cli:{typed or getpass.getuser()}",)


@pytest.mark.parametrize("typed", ["ana", "u0ana", "S0ONCALL", "U0ANA,U0BEN"])
def test_a_user_that_cannot_be_one_of_slacks_is_refused(tmp_path, database_url, typed):
    done = aiops(tmp_path, "runbook", "run", NAME, "--user", typed, DATABASE_URL=database_url)

    assert done.returncode == 2
    assert "is not a Slack user id" in done.stderr
