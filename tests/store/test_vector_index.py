"""Very many vectors get an approximate index, few do not, and either way the nearest are found."""

import math

import psycopg
import pytest

from bot.adapters.postgres.postmortem_index import PgPostmortemIndex
from bot.adapters.postgres.session import make_pool
from bot.adapters.postgres.vector_index import tune_vector_index
from bot.core.postmortem import Postmortem

_INDEX = "select indisvalid from pg_index where indexrelid = to_regclass('aiops.postmortem_vector_hnsw')"


def record(name):
    text = dict.fromkeys(
        ("title", "date", "organisation", "service_kind", "cause_class", "severity", "source", "symptom", "cause", "fix", "lesson", "path"), "",
    )  # fmt: skip
    return Postmortem(id=name, tags=(), sha256="1", **text)


def pointing(angle):
    """A unit vector, this far from the first axis."""
    return [math.cos(angle), math.sin(angle), *([0.0] * 382)]


@pytest.fixture
async def indexes(database_url):
    """Makes an index of a model over one database."""
    pool = make_pool(database_url, max_size=2, name="test")
    await pool.open()
    yield lambda model: PgPostmortemIndex(pool, model=model)
    await pool.close()


async def fill(index, prefix, count):
    for place in range(count):
        vector = pointing(place / count)
        await index.replace(record(f"{prefix}{place:03d}"), {"symptom": vector, "cause": vector})


def there(url):
    with psycopg.connect(url) as connection:
        row = connection.execute(_INDEX).fetchone()
    return row is not None and row[0]


async def test_the_index_comes_above_the_threshold_and_goes_below_it(indexes, database_url):
    index = indexes("m")
    await fill(index, "a", 10)

    assert await tune_vector_index(database_url, above=20) == ""
    assert not there(database_url)
    assert await tune_vector_index(database_url, above=19) == "built"
    assert there(database_url)
    assert await tune_vector_index(database_url, above=19) == ""

    await index.remove(["a000"])
    assert await tune_vector_index(database_url, above=19) == "", "18 of 19 is no reason to drop it"
    await index.remove(["a001"])
    assert await tune_vector_index(database_url, above=19) == "dropped"
    assert not there(database_url)


async def test_with_the_index_the_nearest_of_a_model_are_found_behind_nearer_rows_of_another(indexes, database_url):
    old, new = indexes("old"), indexes("new")
    await fill(old, "old", 120)
    await new.replace(record("new"), {"symptom": pointing(0.8), "cause": pointing(0.8)})
    await tune_vector_index(database_url, above=1)
    with psycopg.connect(database_url) as connection:
        # So few rows would be scanned exactly all the same.
        name = connection.info.dbname
        connection.execute(f"alter database {name} set enable_seqscan = off")
        connection.execute(f"alter database {name} set enable_bitmapscan = off")

    fresh = make_pool(database_url, max_size=1, name="fresh")
    await fresh.open()
    try:
        found = await PgPostmortemIndex(fresh, model="new").nearest(pointing(0.0), 5)
        nearest = await PgPostmortemIndex(fresh, model="old").nearest(pointing(0.0), 3)
    finally:
        await fresh.close()

    assert [name for name, _ in found] == ["new"], "more nearer rows of another model than one approximate scan gives"
    assert [name for name, _ in nearest] == ["old000", "old001", "old002"]
