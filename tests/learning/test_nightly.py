"""What is learned without anybody asking: once, whatever the replicas, and without asking the database much before."""

import asyncio
from types import SimpleNamespace

import psycopg
import pytest

from bot.adapters.postgres.session import make_pool
from bot.adapters.postgres.store import PostgresStore
from bot.cli.duties import duties
from bot.core.calibration import service_history
from bot.core.grading import agreement
from bot.core.outcome import Grade, GradedBy
from bot.flows.learning.refit import refit_if_due
from bot.webhook import Metrics
from tests.learning.planting import plant
from tests.support.histories import BEGIN, Setting, history, labelled


class At:
    def __init__(self, at):
        self.at = at

    def now(self):
        return self.at


@pytest.fixture
async def store(database_url):
    pool = make_pool(database_url, max_size=6, name="test")
    async with pool:
        yield PostgresStore(pool, default_channel="#incidents")


def fits(url):
    with psycopg.connect(url) as connection:
        kept = connection.execute("select version, used, slope, why from aiops.calibration order by version").fetchall()
        audited = connection.execute("select action, target from aiops.aiops_audit order by id").fetchall()
    return kept, audited


@pytest.mark.parametrize(("n", "action"), [(80, "refitted"), (8, "kept")])
async def test_replicas_that_fit_in_the_same_night_leave_one_line_and_one_audit_row(store, database_url, n, action):
    calls = history(5, n, Setting())
    plant(database_url, calls)
    clock = At(calls[-1].at.replace(hour=23))

    made = await asyncio.gather(*(refit_if_due(store=store, clock=clock) for _ in range(3)))
    again = await refit_if_due(store=store, clock=clock)

    kept, audited = fits(database_url)
    (fit,) = [one for one in made if one is not None]
    version = f"{clock.at:%Y-%m-%d}"
    assert again is None
    assert fit.used is (action == "refitted")
    assert [(row[0], row[1], bool(row[3])) for row in kept] == [(version, fit.used, True)]
    assert audited == [(f"calibration.{action}", version)]
    async with store.transaction() as tx:
        used = await tx.calibration()
    # A line that is not used is kept for the record, and the one before stays in use.
    assert (used is not None) is fit.used


async def test_while_nothing_is_graded_no_past_is_read(store, database_url):
    plant(database_url, [labelled(None, day=1, incident_id="INC-1")])
    with psycopg.connect(database_url, autocommit=True) as connection:
        # The calls cannot be read without this column; the cheap question can.
        connection.execute("alter table aiops.incident rename column title to gone")
        made = await refit_if_due(store=store, clock=At(BEGIN))
        connection.execute("alter table aiops.incident rename column gone to title")

    assert made is None
    assert fits(database_url) == ([], [])


def test_the_clock_asks_for_the_nightly_fit_and_the_quarterly_classifier_every_ten_minutes():
    verbs = {name: object() for name in ("refit_if_due", "train_if_due")}
    core = SimpleNamespace(
        reports=SimpleNamespace(add_details=None, post_if_due=None, numbers=None),
        labels=SimpleNamespace(ask=None, link=print),
        learning=SimpleNamespace(refit_if_due=verbs["refit_if_due"]),
        experiments=SimpleNamespace(train_if_due=verbs["train_if_due"]),
        sweep=None,
    )
    acting = SimpleNamespace(expire=None, announce_head=None)

    kept = {one.name: one for one in duties(core, acting, Metrics(), SimpleNamespace(permalink=None))}

    assert kept["nightly fit"].call is verbs["refit_if_due"]
    assert kept["quarterly classifier"].call is verbs["train_if_due"]
    assert {kept[name].every_s for name in ("nightly fit", "quarterly classifier")} == {600.0}


async def test_the_judges_trust_rests_on_every_pair_however_old(store, database_url):
    grades = [Grade.EXACT if place % 2 else Grade.WRONG for place in range(40)]
    both = [labelled(grade, day=day, incident_id=f"INC-{day}", person_grade=grade) for day, grade in enumerate(grades)]
    plant(database_url, both)
    with psycopg.connect(database_url) as connection:
        connection.execute("update aiops.outcome set judge_grade = grade")

    async with store.transaction() as tx:
        judge = agreement(await tx.judge_pairs())

    assert (judge.n, judge.kappa, judge.trusted) == (40, 1.0, True)
    late = labelled(Grade.WRONG, day=900, incident_id="INC-99", graded_by=GradedBy.JUDGE, service="search")
    # Of itself the last year proves no judge.
    assert service_history([late], "search", before=BEGIN.replace(year=BEGIN.year + 9)) is None
    assert service_history([late], "search", before=BEGIN.replace(year=BEGIN.year + 9), judge=judge) is not None
