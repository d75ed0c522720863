"""The audit log can only grow, and whoever changes it all the same is found out."""

import asyncio
import hashlib
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import psycopg
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.adapters.postgres.audit import PostgresAudit
from bot.adapters.postgres.session import make_pool
from bot.adapters.postgres.store import PostgresStore
from bot.cli.acting import verify_audit
from bot.core.audit import GENESIS, Broken, Head, Seal, parse_head, walk
from bot.core.errors import PayloadError
from bot.flows.announce_head import announce_head
from bot.ports import AuditEntry
from bot.settings import load_settings

NOW = datetime(2026, 11, 23, 2, 0, tzinfo=UTC)


@pytest.fixture
async def pool(database_url):
    pool = make_pool(database_url, max_size=8, name="test")
    await pool.open()
    yield pool
    await pool.close()


@pytest.fixture
def write(pool):
    store = PostgresStore(pool, default_channel="C1")

    async def some(count=1, *, actor="aiops", per_transaction=1):
        for number in range(0, count, per_transaction):
            async with store.transaction() as tx:
                entries = [
                    AuditEntry(
                        actor=actor,
                        action="step.started",
                        target="RUN-1",
                        detail={"n": n, "who": "Ünï", "quote": "\"'\\", "nested": {"b": 1, "a": [1.5, None]}},
                    )
                    for n in range(number, min(count, number + per_transaction))
                ]
                await tx.audit(entries, now=NOW)

    return some


async def test_a_chain_of_entries_is_whole(pool, write):
    await write(25, per_transaction=7)

    found = await PostgresAudit(pool).verify()

    assert found.broken is None
    assert found.head.place == 25
    assert found.head == await PostgresAudit(pool).head()


async def test_many_writers_at_once_make_one_chain(pool, write):
    await asyncio.gather(*(write(20, actor=f"U{n}") for n in range(6)))

    found = await PostgresAudit(pool).verify()

    assert found.broken is None
    assert found.head.place == 120


async def test_a_transaction_that_is_rolled_back_leaves_no_hole(pool, write):
    store = PostgresStore(pool, default_channel="C1")
    await write(2)

    async def broken_off():
        async with store.transaction() as tx:
            await tx.audit([AuditEntry(actor="a", action="b", target="c", detail={})], now=NOW)
            raise RuntimeError

    with pytest.raises(RuntimeError):
        await broken_off()
    await write(2)

    found = await PostgresAudit(pool).verify()

    assert (found.broken, found.head.place) == (None, 4)


TAMPERING = {
    "update aiops.aiops_audit set actor = 'somebody else' where id = 3": "its content is not what was sealed",
    "update aiops.aiops_audit set detail = detail || '{\"n\": 99}' where id = 3": "its content is not what was sealed",
    "update aiops.aiops_audit set at = at + interval '1 microsecond' where id = 3": "its content is not what was sealed",
    "delete from aiops.audit_seal where audit_id = 3; delete from aiops.aiops_audit where id = 3": "is missing",
    "update aiops.audit_seal set hash = repeat('a', 64) where audit_id = 3": "its content is not what was sealed",
    "update aiops.audit_seal set prev_hash = repeat('a', 64) where audit_id = 3": "not chained",
}


@pytest.mark.parametrize("statement", TAMPERING)
async def test_a_superuser_who_switches_the_triggers_off_is_found_out(pool, write, database_url, statement):
    await write(6)
    with psycopg.connect(database_url, autocommit=True) as owner:
        owner.execute("set session_replication_role = replica")
        owner.execute(statement)

    found = await PostgresAudit(pool).verify()

    assert found.broken is not None
    assert TAMPERING[statement] in found.broken.why
    assert found.head.place == 2


async def test_an_entry_that_was_slipped_in_without_a_seal_is_found(pool, write, database_url):
    await write(3)
    with psycopg.connect(database_url, autocommit=True) as owner:
        owner.execute("set session_replication_role = replica")
        owner.execute(
            "insert into aiops.aiops_audit (at, actor, action, target, detail) values (now(), 'x', 'y', 'z', '{}')"
        )

    found = await PostgresAudit(pool).verify()

    assert found.broken is not None
    assert found.broken.why == "it was never sealed"


async def test_the_bots_own_role_cannot_change_or_delete_entries_or_seals(pool, write):
    await write(1)
    role, safe = await PostgresAudit(pool).role()
    assert (role, safe) == ("aiops_bot", True)

    for statement in (
        "update aiops.aiops_audit set actor = 'x'",
        "delete from aiops.aiops_audit",
        "truncate aiops.aiops_audit",
        "insert into aiops.audit_seal values (99, 1, '', '')",
        "update aiops.audit_seal set hash = ''",
        "delete from aiops.audit_seal",
        "alter table aiops.aiops_audit disable trigger all",
        "drop table aiops.audit_seal",
    ):
        async with pool.connection() as connection:
            with pytest.raises((psycopg.errors.InsufficientPrivilege, psycopg.errors.WrongObjectType)):
                await connection.execute(statement)
            await connection.rollback()


async def test_the_tail_is_newest_first_and_can_be_narrowed(pool, write):
    store = PostgresStore(pool, default_channel="C1")
    await write(3)
    async with store.transaction() as tx:
        await tx.audit(
            [AuditEntry(actor="U1", action="approval.asked", target="RUN-2", detail={"run": "RUN-9"})], now=NOW
        )
    audit = PostgresAudit(pool)

    assert [row["action"] for row in await audit.tail(limit=2)] == ["approval.asked", "step.started"]
    assert [row["target"] for row in await audit.tail(limit=9, action="approval")] == ["RUN-2"]
    assert len(await audit.tail(limit=9, target="RUN-1")) == 3
    assert len(await audit.tail(limit=9, target="RUN-9")) == 1


class Clock:
    def __init__(self, at):
        self.at = at

    def now(self):
        return self.at


async def test_the_head_is_announced_once_a_day_by_however_many_replicas_and_not_on_the_first_day(pool, write):
    store, audit = PostgresStore(pool, default_channel="C1"), PostgresAudit(pool)
    await write(3)

    async def everybody(day):
        clock = Clock(NOW + timedelta(days=day))
        await asyncio.gather(
            *(
                announce_head(head=audit.head, began=audit.began, store=store, clock=clock, channel="#incidents")
                for _ in range(4)
            )
        )

    await everybody(0)
    await everybody(1)
    await everybody(1)
    await everybody(2)

    async with pool.connection() as connection:
        cursor = await connection.execute("select operation, content from aiops.post order by operation")
        rows = await cursor.fetchall()
    assert [row["operation"] for row in rows] == ["audit-head:2026-11-24", "audit-head:2026-11-25"]
    noted = list(reversed(await audit.tail(limit=9, action="audit.head")))
    assert [one["detail"]["place"] for one in noted] == [3, 4]
    for row, one in zip(rows, noted, strict=True):
        assert f"`aiops audit verify --head {one['detail']['place']}:{one['detail']['hash']}`" in row["content"]["text"]


REWRITTEN = "was posted: the log was rewritten"
CUT_OFF = "its tail was cut off"


def resealed(owner, *, keep):
    """What a superuser would do: change an entry, cut some off, and make every seal anew."""
    owner.execute("set session_replication_role = replica")
    owner.execute("delete from aiops.audit_seal where place > %s", (keep,))
    owner.execute("delete from aiops.aiops_audit where id not in (select audit_id from aiops.audit_seal)")
    owner.execute("update aiops.aiops_audit set actor = 'nobody' where id = (select min(id) from aiops.aiops_audit)")
    head = GENESIS
    rows = owner.execute(
        "select s.place, aiops.audit_payload(a) from aiops.audit_seal s join aiops.aiops_audit a on a.id = s.audit_id order by 1"
    ).fetchall()
    for place, payload in rows:
        own = hashlib.sha256((head + payload).encode()).hexdigest()
        owner.execute("update aiops.audit_seal set prev_hash = %s, hash = %s where place = %s", (head, own, place))
        head = own


@pytest.mark.parametrize(("keep", "said"), [(6, REWRITTEN), (3, CUT_OFF)])
async def test_a_log_that_was_sealed_anew_is_whole_and_all_the_same_not_the_one_that_was_posted(
    pool, write, database_url, monkeypatch, capsys, keep, said
):
    await write(6)
    posted = await PostgresAudit(pool).head()
    monkeypatch.setenv("DATABASE_URL", database_url)
    assert await verify_audit(load_settings(), head=str(posted), as_json=False) == 0
    assert "holds the head that was posted for link 6" in capsys.readouterr().out
    with psycopg.connect(database_url, autocommit=True) as owner:
        resealed(owner, keep=keep)

    assert (await PostgresAudit(pool).verify()).broken is None
    assert await verify_audit(load_settings(), head=str(posted), as_json=False) == 1
    assert said in " ".join(capsys.readouterr().out.split())
    assert await verify_audit(load_settings(), head="", as_json=False) == 0


@pytest.mark.parametrize("text", ["", "12", "0:" + "a" * 64, "3:xyz", "3:" + "a" * 63, "-1:" + "a" * 64])
def test_a_head_that_is_no_head_is_refused_with_the_form_it_has(text):
    with pytest.raises(PayloadError, match="PLACE:HASH"):
        parse_head(text)


def seals(payloads):
    head, made = GENESIS, []
    for place, payload in enumerate(payloads, 1):
        own = hashlib.sha256((head + payload).encode()).hexdigest()
        made.append(Seal(place=place, entry=place, prev_hash=head, hash=own, payload=payload))
        head = own
    return made


@settings(max_examples=60)
@given(st.lists(st.text(max_size=20), min_size=1, max_size=8), st.data())
def test_any_change_to_any_link_is_noticed_at_that_link(payloads, data):
    chain = seals(payloads)
    start = Head(place=0, hash=GENESIS)
    assert walk(chain, start) == Head(place=len(chain), hash=chain[-1].hash)
    place = data.draw(st.integers(0, len(chain) - 1))
    changed = data.draw(
        st.sampled_from(
            [
                replace(chain[place], payload=f"{chain[place].payload}x"),
                replace(chain[place], payload=None),
                replace(chain[place], hash="0" * 63 + "1"),
                replace(chain[place], prev_hash="0" * 63 + "1"),
            ]
        )
    )

    found = walk([*chain[:place], changed, *chain[place + 1 :]], start)

    assert isinstance(found, Broken)
    assert found.place == place + 1
