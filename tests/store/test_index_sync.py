"""The index follows its files and takes closed incidents in; how fresh it is can be asked."""

from datetime import UTC, datetime

import pytest

from bot.adapters.clock import SystemClock
from bot.adapters.embeddings import SentenceEmbedder, resolve_model
from bot.adapters.postgres.postmortem_index import PgPostmortemIndex
from bot.adapters.postgres.session import make_pool
from bot.adapters.postmortems import PostmortemFiles
from bot.adapters.runbooks import load_runbooks
from bot.core.errors import ConfigError
from bot.core.matching import FLOOR
from bot.core.postmortem import from_incident
from bot.flows.find_runbook import RunbookSearch
from bot.flows.find_similar import SimilarIncidents
from bot.flows.sync_index import IndexSync
from bot.webhook import parse_alertmanager
from evals.runner import ROOT
from tests.store.test_embeddings import write
from tests.support.payloads import alert, as_bytes, payload


class Counting:
    """The real embedder, and what it was asked for."""

    def __init__(self, inner):
        self.inner, self.name, self.asked = inner, inner.name, []

    async def embed(self, texts):
        self.asked += texts
        return await self.inner.embed(texts)


@pytest.fixture(scope="module")
def model():
    one = SentenceEmbedder(resolve_model(None))
    yield one
    one.close()


@pytest.fixture
async def world(database_url, model, tmp_path):
    pool = make_pool(database_url, max_size=2, name="test")
    await pool.open()
    embedder, folder = Counting(model), tmp_path / "postmortems"
    index = PgPostmortemIndex(pool, model=embedder.name)
    folder.mkdir()
    sync = IndexSync(load=PostmortemFiles([folder]).load, embedder=embedder, index=index, clock=SystemClock())
    yield folder, sync, index, embedder, SimilarIncidents(index=index, embedder=embedder)
    await pool.close()


async def test_only_what_changed_is_embedded_and_the_state_tells_how_fresh_the_index_is(world):
    folder, sync, _, embedder, similar = world
    assert sync.state().current_at is None
    write(folder, "slots", title="Slots ran out", symptom="New connections were refused.")
    write(folder, "disk", title="Disk was full", symptom="Writes failed with no space left on device.")
    assert (await sync.run())["indexed"] == 2
    first = sync.state()

    embedder.asked.clear()
    write(folder, "disk", title="Disk was full", symptom="Zeppelins would not land.")
    assert await sync.run() == {"indexed": 1, "removed": 0, "unchanged": 1}

    assert len(embedder.asked) == 2, "symptom and cause of the one changed file"
    assert [one.id for one in (await similar.search("zeppelins landing", service="", k=1)).incidents] == ["disk"]
    assert (first.files, first.behind, first.problem) == (2, 0, "")
    assert sync.state().current_at > first.current_at


async def test_another_replica_finds_what_this_one_indexed_and_no_longer_what_it_removed(world):
    folder, sync, index, embedder, similar = world
    other = SimilarIncidents(index=index, embedder=embedder)
    write(folder, "slots", title="Slots ran out", symptom="New connections were refused.")
    write(folder, "disk", title="Disk was full", symptom="Writes failed with no space left on device.")
    await sync.run()
    assert (await other.search("no space left on device", service="", k=1)).incidents[0].fix == "It was rolled back."

    (folder / "disk.md").unlink()
    write(folder, "slots", title="Slots ran out", symptom="Zeppelins would not land.")
    await sync.run()

    for one in (similar, other):
        found = await one.search("zeppelins would not land, no space left on device", service="", k=3)
        assert ([each.id for each in found.incidents], found.searched) == (["slots"], 1)


async def test_a_record_that_goes_while_a_search_runs_is_left_out_of_its_answer(world):
    folder, sync, index, _, similar = world
    write(folder, "slots", title="Slots ran out", symptom="New connections were refused.")
    write(folder, "more", title="Slots ran out again", symptom="New connections were refused.")
    await sync.run()
    nearest = index.nearest

    async def and_gone(*args, **more):
        found = await nearest(*args, **more)
        await index.remove(["slots"])
        return found

    index.nearest = and_gone
    found = await similar.search("new connections were refused", service="", k=3)

    assert [one.id for one in found.incidents] == ["more"]


async def test_a_file_that_cannot_be_read_is_left_out_by_name_and_the_others_are_followed(world):
    folder, sync, index, *_ = world
    (folder / "broken.md").write_bytes(b"\xff\xfe")
    write(folder, "slots", title="Slots ran out", symptom="New connections were refused.")

    assert (await sync.run())["indexed"] == 1

    assert list(await index.indexed()) == ["slots"]
    assert sync.state().words.startswith("up to date at ")
    assert "1 file left out: " in sync.state().words
    assert "broken.md: is not UTF-8" in sync.state().words


async def test_a_folder_that_is_gone_is_the_reason_why_the_index_is_stale(world):
    folder, sync, *_ = world
    write(folder, "slots", title="Slots ran out", symptom="New connections were refused.")
    await sync.run()
    current = sync.state().current_at
    folder.rename(folder.with_name("elsewhere"))

    with pytest.raises(ConfigError):
        await sync.run()

    assert sync.state().current_at == current
    assert sync.state().words.startswith("stale, last up to date ")


async def test_what_a_database_has_lost_is_indexed_again_though_no_file_has_changed(world):
    folder, sync, index, *_ = world
    write(folder, "slots", title="Slots ran out", symptom="New connections were refused.")
    await sync.run()
    await index.remove(["slots"])

    assert (await sync.run())["indexed"] == 1
    assert list(await index.indexed()) == ["slots"]


async def test_a_closed_incident_is_found_with_what_fixed_it_and_outlives_a_sync_of_files(world):
    folder, sync, index, _, similar = world
    write(folder, "slots", title="Slots ran out", symptom="New connections were refused.")
    record = from_incident(
        incident_id="INC-7", title="Ledger is slow", service="ledger", severity="error", alerts=["LedgerLag", "p99 latency of ledger is 4 s"],
        started=datetime(2026, 1, 2, tzinfo=UTC), cause="A flag turned the cache off.", cause_class="feature_flag", fix="The flag was turned back.", worked=True, sha256="1",
    )  # fmt: skip
    await index.announce([record])
    await sync.run()

    (found,) = (await similar.search("latency of ledger is high", service="ledger", k=1)).incidents

    assert found.id == "incident:INC-7"
    assert found.fix == "The flag was turned back. It worked."
    assert found.why.startswith("same service; shares ")


async def test_an_incident_whose_vectors_were_never_made_is_finished_by_the_next_sync(world):
    _, sync, index, _, _ = world
    record = from_incident(
        incident_id="INC-8", title="Ledger is slow", service="ledger", severity="error", alerts=["LedgerLag"],
        started=datetime(2026, 1, 2, tzinfo=UTC), cause="A flag.", cause_class="feature_flag", fix="", worked=None, sha256="1",
    )  # fmt: skip
    await index.announce([record])
    assert (await index.watermark()).unfinished

    await sync.run()

    assert not (await index.watermark()).unfinished


class Shelf:
    """Runbooks that can be exchanged."""

    def __init__(self, runbooks):
        self.runbooks = runbooks

    def all(self):
        return self.runbooks


async def test_a_runbook_is_suggested_for_an_alert_that_none_names_and_none_for_one_about_something_else(model):
    def asked(name, summary):
        sent = alert() | {"labels": {"alertname": name, "service": "x"}, "annotations": {"summary": summary}}
        return parse_alertmanager(as_bytes(payload(sent))).delivery.alerts[0]

    search = RunbookSearch(runbooks=Shelf(load_runbooks([ROOT / "runbooks"]).all()), embedder=model)

    found = await search.likely(asked("RedisMemoryNearlyFull", "Redis memory is under pressure, keys are evicted"), 1)
    none = await search.likely(asked("CoffeeMachineEmpty", "No beans left in the kitchen"), 3)

    assert [one.id for one, match in found if match.sure >= FLOOR and not match.by_name] == ["redis-memory-pressure"]
    assert list(none) == []
