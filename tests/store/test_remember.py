"""Labelled and imported incidents become records that are found, and the records follow what they were made from."""

from dataclasses import replace
from datetime import UTC, datetime

import psycopg
import pytest

from bot.adapters.clock import SystemClock
from bot.adapters.embeddings import SentenceEmbedder, resolve_model
from bot.adapters.postgres.postmortem_index import PgPostmortemIndex
from bot.adapters.postgres.session import make_pool
from bot.adapters.postgres.store import PostgresStore
from bot.core.hypothesis import CauseClass
from bot.core.outcome import MessageRef
from bot.core.postmortem import LoadedPostmortems
from bot.flows.find_similar import SimilarIncidents
from bot.flows.learning.remember import remember_past
from bot.flows.sync_index import IndexSync
from bot.ports import PastIncident
from tests.support.labels import NOW, label, seed


@pytest.fixture(scope="module")
def model():
    one = SentenceEmbedder(resolve_model(None))
    yield one
    one.close()


class Memory:
    """The store, the index over it, and the sync that a process runs every few seconds."""

    def __init__(self, pool, model, url):
        self.store, self.url = PostgresStore(pool, default_channel="#incidents"), url
        self.index = PgPostmortemIndex(pool, model=model.name)
        self.similar = SimilarIncidents(index=self.index, embedder=model)

        async def remember():
            return await remember_past(store=self.store, index=self.index, model=model.name)

        self.remember = remember
        self.sync = IndexSync(
            load=lambda: LoadedPostmortems(postmortems=()),
            embedder=model,
            index=self.index,
            clock=SystemClock(),
            remember=remember,
        )

    def alert(self, incident, name, summary):
        with psycopg.connect(self.url) as connection:
            connection.execute(
                "insert into aiops.alert (fingerprint, starts_at, incident_id, source, name, status, severity, service,"
                " environment, summary, labels, annotations, first_seen_at, last_seen_at) values (%s, %s, %s,"
                " 'alertmanager', %s, 'resolved', 'error', 'checkout', '', %s, '{}', '{}', %s, %s)",
                (f"{incident}{name}{summary}", NOW, incident, name, summary, NOW, NOW),
            )

    async def label(self, incident="INC-1", cause="the retry path leaks connections", **more):
        new = label(incident, cause)
        form = {key: more.pop(key) for key in list(more) if key in new.form.__slots__}
        async with self.store.transaction() as tx:
            await tx.add_outcome(replace(new, form=replace(new.form, **form), **more), now=NOW)

    async def records(self):
        return list(await self.index.read(list(await self.index.stamps())))


@pytest.fixture
async def memory(database_url, model):
    pool = make_pool(database_url, max_size=2, name="test")
    await pool.open()
    yield Memory(pool, model, database_url)
    await pool.close()


async def test_a_labelled_incident_is_found_by_its_symptom_with_cause_fix_and_a_link_to_its_thread(memory):
    seed(memory.url)
    memory.alert("INC-1", "CheckoutErrors", "checkout refuses one order in three")
    message = MessageRef(channel="C1", ts="2.2", permalink="https://team.slack.com/archives/C1/p22?thread_ts=1.1")
    await memory.label(fixed_by="rolled back to 2.30", fix_worked=True, message=message)

    done = await memory.sync.run()
    (found,) = (await memory.similar.search("checkout refuses orders", service="", k=3)).incidents

    assert done["incidents"] == 1
    assert (found.id, found.cause) == ("incident:INC-1", "the retry path leaks connections")
    assert found.fix == "rolled back to 2.30. It worked."
    assert found.url == message.permalink
    (record,) = await memory.records()
    assert record.symptom == "CheckoutErrors checkout refuses one order in three"
    assert not (await memory.index.watermark()).unfinished
    assert (await memory.sync.run())["incidents"] == 0


async def test_a_record_follows_corrections_and_goes_when_no_cause_is_established_any_more(memory):
    seed(memory.url)
    await memory.label()
    await memory.sync.run()

    await memory.label(cause="a certificate had expired")
    await memory.sync.run()
    assert [one.cause for one in await memory.records()] == ["a certificate had expired"]

    await memory.label(cause="", established=False)
    assert (await memory.sync.run())["incidents"] == 1
    assert await memory.records() == []


async def test_a_deleted_message_is_no_longer_linked_and_the_record_stays(memory):
    seed(memory.url)
    await memory.label(message=MessageRef(channel="C1", ts="2.2", permalink="https://team.slack.com/archives/C1/p22"))
    await memory.sync.run()

    async with memory.store.transaction() as tx:
        await tx.outcome_message_deleted("C1", "2.2", now=NOW)
    await memory.sync.run()

    assert [one.source for one in await memory.records()] == [""]


async def test_a_label_whose_process_died_before_its_record_was_made_is_caught_up(memory):
    seed(memory.url)
    await memory.label()
    assert await memory.remember() == 1, "texts are there, and then the process dies"
    assert (await memory.index.watermark()).unfinished

    assert await memory.remember() == 0, "what is announced is not announced again"
    await memory.sync.run()

    assert not (await memory.index.watermark()).unfinished


async def test_an_imported_incident_is_found_and_a_later_import_of_it_replaces_the_record(memory):
    past = {
        "id": "PM-7", "title": "Ledger lags behind", "service": "ledger", "started_at": datetime(2025, 3, 2, tzinfo=UTC),
        "cause_class": "capacity", "component": "ledger-db", "url": "https://wiki.example.com/pm-7", "fix": "A larger disk.",
    }  # fmt: skip
    async with memory.store.transaction() as tx:
        await tx.put_past_incident(PastIncident(**past, cause="the disk was full"), by="cli", now=NOW)
    await memory.sync.run()

    (found,) = (await memory.similar.search("the ledger lags behind", service="", k=3)).incidents
    assert (found.id, found.cause, found.url) == ("history:PM-7", "the disk was full", "https://wiki.example.com/pm-7")

    async with memory.store.transaction() as tx:
        await tx.put_past_incident(PastIncident(**past, cause="a backup filled the disk"), by="cli", now=NOW)
    await memory.sync.run()
    assert [one.cause for one in await memory.records()] == ["a backup filled the disk"]


async def test_the_past_of_a_service_is_counted_from_labels_and_imports_alike(memory):
    seed(memory.url)
    seed(memory.url, "INC-2")
    await memory.label()
    await memory.label("INC-2", cause="", established=False)
    rows = [("PM-1", "Checkout", "deploy"), ("PM-2", "checkout", "capacity"), ("PM-3", "checkout", "unknown")]
    async with memory.store.transaction() as tx:
        for name, service, cause_class in [*rows, ("PM-4", "search", "data")]:
            past = PastIncident(id=name, title="t", service=service, started_at=NOW, cause="c", cause_class=cause_class)
            await tx.put_past_incident(past, by="cli", now=NOW)
        counts = await tx.cause_counts("checkout")
        nothing = await tx.cause_counts("")

    assert counts == {CauseClass.DEPLOY: 2, CauseClass.CAPACITY: 1}
    assert nothing == {}
