"""The bundled weights are the ones that were measured, and they place texts sensibly."""

import hashlib

import pytest

from bot.adapters.embeddings import SentenceEmbedder, bundled_model, resolve_model
from bot.adapters.postgres.postmortem_index import PgPostmortemIndex
from bot.adapters.postgres.session import make_pool
from bot.adapters.postmortems import load_postmortems
from bot.core.errors import ConfigError
from bot.flows.find_similar import SimilarIncidents
from bot.flows.sync_index import sync_index

SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"


def test_the_bundled_weights_are_all_minilm_l6_v2():
    weights = bundled_model() / "model.safetensors"

    assert hashlib.sha256(weights.read_bytes()).hexdigest() == SHA256


@pytest.fixture(scope="module")
def embedder():
    one = SentenceEmbedder(resolve_model(None))
    yield one
    one.close()


@pytest.fixture
async def search(database_url, embedder, tmp_path):
    """A fresh index over a folder of postmortems, and what finds in it."""
    pool = make_pool(database_url, max_size=2, name="test")
    await pool.open()
    index = PgPostmortemIndex(pool, model=embedder.name)
    folder = tmp_path / "postmortems"
    folder.mkdir()

    async def sync():
        return await sync_index(load=lambda: load_postmortems([folder]), embedder=embedder, index=index)

    yield folder, sync, SimilarIncidents(index=index, embedder=embedder)
    await pool.close()


def write(folder, name, *, title, symptom, date="2024-05-01", cause="A release did it, in one of its retry paths."):
    (folder / f"{name}.md").write_text(
        f"---\nid: {name}\ntitle: {title}\ndate: {date}\norganisation: Example\nservice_kind: postgresql\n"
        f"cause_class: deploy\nseverity: critical\nsource: https://example.com/{name}\n---\n"
        f"## Symptom\n{symptom}\n## Cause\n{cause}\n## Fix\nIt was rolled back.\n## Lesson\nClose what you open.\n",
        encoding="utf-8",
    )


async def test_a_new_a_changed_and_a_deleted_file_are_followed(search):
    folder, sync, similar = search
    write(folder, "slots", title="Slots ran out", symptom="New connections were refused: too many clients already.")
    assert await sync() == {"indexed": 1, "removed": 0, "unchanged": 0}
    assert [one.id for one in (await similar.search("too many database clients", service="", k=3)).incidents] == [
        "slots"
    ]

    write(folder, "slots", title="Slots ran out again", symptom="New connections were refused: too many clients.")
    assert await sync() == {"indexed": 1, "removed": 0, "unchanged": 0}
    assert (await similar.search("too many database clients", service="", k=3)).incidents[
        0
    ].title == "Slots ran out again"

    (folder / "slots.md").unlink()
    assert await sync() == {"indexed": 0, "removed": 1, "unchanged": 0}
    assert (await similar.search("too many database clients", service="", k=3)).incidents == ()


async def test_what_is_not_alike_is_not_shown(search):
    folder, sync, similar = search
    write(folder, "slots", title="Slots ran out", symptom="New connections were refused: too many clients already.")
    await sync()

    found = await similar.search("The cafeteria serves lasagne on Thursdays", service="", k=3)

    assert (found.incidents, found.searched) == ((), 1)


async def test_each_match_says_why(search):
    folder, sync, similar = search
    write(folder, "slots", title="Slots ran out", symptom="New connections were refused: too many clients already.")
    write(folder, "cert", title="Certificate expired", symptom="Handshakes failed with certificate has expired.")
    await sync()

    best = (await similar.search("connections refused, too many clients", service="", k=1)).incidents[0]

    assert best.id == "slots"
    assert "client" in best.why


def test_a_missing_model_says_how_to_get_one(monkeypatch):
    monkeypatch.setattr("bot.adapters.embeddings._PACKAGE", "no_such_package")

    with pytest.raises(ConfigError, match=r"aiops\[embedded\].*EMBEDDING_MODEL"):
        resolve_model(None)
