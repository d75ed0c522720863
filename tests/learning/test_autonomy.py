"""A class of alert earns autonomy slowly and loses it at once, and people see why."""

import asyncio
from datetime import timedelta

import psycopg
import pytest

from bot.adapters.postgres.session import make_pool
from bot.adapters.postgres.store import PostgresStore
from bot.core.errors import NotFoundError
from bot.core.outcome import Grade, GradedBy, OutcomeForm, OutcomeSource
from bot.core.policy import Level
from bot.core.posts import LevelChange
from bot.flows.acting.levels import AutonomyRules, level_now
from bot.flows.learning.autonomy import review_class, review_named, revise_standing
from bot.ports import NewOutcome
from tests.support.labels import NOW, assessment, found, seed

CLASS, RUNBOOK = "CheckoutErrors", "high-error-rate"
ALLOWED = AutonomyRules(classes={CLASS: Level.AUTONOMOUS})


@pytest.fixture
async def store(database_url):
    pool = make_pool(database_url, max_size=4, name="test")
    async with pool:
        yield PostgresStore(pool, default_channel="#incidents")


class Past:
    """Incidents of one class, one a day, each labelled an hour after it was over."""

    def __init__(self, store, url):
        self.store, self.url, self.count = store, url, 0

    async def label(self, grade, *, confidence=0.6, **more):
        self.count += 1
        incident = f"INC-{self.count}"
        at = NOW + timedelta(days=self.count)
        seed(self.url, incident, at=at, told=assessment(confidence=confidence), **more)
        await self.say(incident, grade, at=at + timedelta(hours=1))
        return incident

    async def say(self, incident, grade, *, at=None):
        async with self.store.transaction() as tx:
            return await self.write(tx, incident, grade, at=at)

    async def write(self, tx, incident, grade, *, at=None):
        at = at or NOW + timedelta(days=self.count, hours=2)
        form = OutcomeForm(cause="the ledger database ran out of disk", component="ledger-db", grade=grade)
        await tx.add_outcome(
            NewOutcome(
                incident_id=incident,
                form=form,
                author="U1",
                source=OutcomeSource.MODAL,
                grade=grade,
                graded_by=GradedBy.PERSON,
            ),
            now=at,
        )
        return await revise_standing(tx, incident, channel="#incidents", now=at)

    async def level(self):
        async with self.store.transaction() as tx:
            return await level_now(tx, RUNBOOK, [CLASS], ALLOWED)

    def told(self):
        with psycopg.connect(self.url) as connection:
            return [
                row[0]
                for row in connection.execute(
                    "select content from aiops.post where operation like 'autonomy:%' order by place"
                ).fetchall()
            ]

    def somebody_waits(self):
        with psycopg.connect(self.url) as connection:
            return connection.execute("select 1 from pg_locks where not granted").fetchone() is not None

    def audited(self):
        with psycopg.connect(self.url) as connection:
            return [
                (row[0]["from"], row[0]["to"])
                for row in connection.execute(
                    "select detail from aiops.aiops_audit where action = 'autonomy.changed' order by id"
                ).fetchall()
            ]


@pytest.fixture
def past(store, database_url):
    return Past(store, database_url)


async def test_a_class_without_a_past_may_ask_and_no_more(past):
    assert await past.level() is Level.APPROVED


async def test_twelve_labels_that_all_helped_earn_autonomy(past):
    levels = []
    for _ in range(12):
        await past.label(Grade.EXACT)
        levels.append(await past.level())

    assert levels == [Level.APPROVED] * 11 + [Level.AUTONOMOUS]
    assert past.audited() == [("approved", "autonomous")]
    (told,) = past.told()
    assert told["why"].startswith("earned: 12 of 12 labelled incidents helped")


async def test_three_misses_in_a_row_drop_to_advice_at_once(past):
    for grade in (Grade.AREA, Grade.AREA):
        await past.label(grade)
    assert await past.level() is Level.APPROVED

    await past.label(Grade.AREA)

    assert await past.level() is Level.ADVISORY
    assert past.audited() == [("approved", "advisory")]


async def test_one_harmful_call_drops_an_earned_level_at_once(past):
    for _ in range(12):
        await past.label(Grade.EXACT)

    await past.label(Grade.WRONG, confidence=0.72)

    assert await past.level() is Level.ADVISORY
    assert past.audited() == [("approved", "autonomous"), ("autonomous", "advisory")]


async def test_a_corrected_label_takes_the_fall_back(past):
    harmful = await past.label(Grade.WRONG, confidence=0.72)
    assert await past.level() is Level.ADVISORY

    await past.say(harmful, Grade.EXACT)

    assert await past.level() is Level.APPROVED
    assert past.audited() == [("approved", "advisory"), ("advisory", "approved")]


async def test_the_same_label_said_twice_tells_nobody_twice(past, store):
    incident = await past.label(Grade.WRONG, confidence=0.72)
    async with store.transaction() as tx:
        await revise_standing(tx, incident, channel="#incidents", now=NOW + timedelta(days=9))

    assert len(past.told()) == 1


async def test_the_pack_shows_what_was_ignored_and_what_was_missing(past, store):
    ignored = found(3, "ledger-db logs disk is full", service="ledger-db")
    beside = found(2, "checkout errors rose to 30 %")
    first = await past.label(Grade.WRONG, evidence=[beside], gaps=[("traces", "no server offers them")])
    second = await past.label(Grade.WRONG, evidence=[ignored, found(2, "checkout errors rose to 30 %")])
    third = await past.label(Grade.WRONG, evidence=[found(1, "ledger-db disk 100 %", service="ledger-db")])

    (told,) = past.told()
    assert [one["incident_id"] for one in told["pack"]] == [first, second, third]
    async with store.transaction() as tx:
        content = await tx.content_of_post(f"autonomy:{CLASS}:{RUNBOOK}:{third}:1")
    assert isinstance(content, LevelChange)
    assert [one.finding for one in content.pack] == [
        "missing: nothing that was gathered mentions ledger-db; not looked at: traces",
        "E3 pointed to it and was ignored",
        "E1 pointed to it and was cited, but read differently",
    ]
    assert content.pack[0].prompt == "offline analyst"
    assert content.pack[0].retrieved == ("E2 checkout errors rose to 30 %",)


async def test_the_same_pack_is_there_on_demand(past, store):
    for _ in range(3):
        await past.label(Grade.WRONG)

    (by_class,) = await review_class(CLASS, store=store)
    by_name = await review_named(["INC-2"], store=store)

    assert by_class.standing is not None
    assert (by_class.standing.level, by_class.standing.labels) == (Level.ADVISORY, 0)
    assert [one.incident_id for one in by_class.pack] == ["INC-1", "INC-2", "INC-3"]
    assert by_name.pack == by_class.pack[1:2]


async def test_asking_for_what_has_no_label_says_so(past, store):
    await past.label(Grade.EXACT)
    with pytest.raises(NotFoundError, match=r"'Nonsense'\. Known: CheckoutErrors"):
        await review_class("Nonsense", store=store)
    with pytest.raises(NotFoundError, match="INC-404"):
        await review_named(["INC-404"], store=store)


async def test_misses_that_are_recorded_at_the_same_moment_see_one_another(past, store):
    await past.label(Grade.AREA)
    for incident in ("INC-8", "INC-9"):
        seed(past.url, incident, at=NOW + timedelta(days=8), told=assessment(confidence=0.6))
    async with store.transaction() as tx:
        await past.write(tx, "INC-8", Grade.AREA)
        second = asyncio.create_task(past.say("INC-9", Grade.AREA))
        async with asyncio.timeout(10):
            while not second.done() and not past.somebody_waits():
                await asyncio.sleep(0.01)
    await second

    assert await past.level() is Level.ADVISORY
    assert past.audited() == [("approved", "advisory")]
