"""Claims, leases, caps and the order of posts."""

from datetime import UTC, datetime, timedelta

import pytest

from bot.adapters.postgres.session import make_pool
from bot.adapters.postgres.store import PostgresStore
from bot.core.alert import Alert, AlertStatus, Anchor, Delivery, Severity, Source
from bot.core.errors import LeaseLostError
from bot.core.incident import InvestigationState
from bot.core.intake import IntakePolicy
from bot.core.posts import AlertCard, Notice, Progress
from bot.flows.receive_alerts import receive_alerts

NOW = datetime(2026, 11, 23, 2, 0, tzinfo=UTC)
LEASE = timedelta(seconds=10)


class Clock:
    def now(self):
        return NOW


@pytest.fixture
async def store(database_url):
    pool = make_pool(database_url, max_size=4, name="test")
    await pool.open()
    yield PostgresStore(pool, default_channel="C1")
    await pool.close()


@pytest.fixture
def open_incident(store):
    async def open_one(service="checkout", settle=5):
        alert = Alert(
            fingerprint=service,
            starts_at=NOW,
            name="HighErrorRate",
            status=AlertStatus.FIRING,
            severity=Severity.CRITICAL,
            service=service,
            environment="",
            summary="",
            labels={},
            annotations={},
        )
        delivery = Delivery(source=Source.ALERTMANAGER, alerts=(alert,), group_key=service)
        policy = IntakePolicy(settle=timedelta(seconds=settle))
        ((incident_id,),) = await receive_alerts([delivery], store=store, clock=Clock(), policy=policy)
        return incident_id

    return open_one


async def claim(store, *, after=10.0, owner="me", cap=3, held=()):
    async with store.transaction() as tx:
        return await tx.claim_investigation(
            now=NOW + timedelta(seconds=after), owner=owner, lease=LEASE, cap=cap, held=held
        )


async def test_an_investigation_waits_until_its_incident_has_settled(store, open_incident):
    await open_incident(settle=5)

    assert await claim(store, after=4.9) is None
    assert (await claim(store, after=5.0)).incident_id == "INC-1"


async def test_no_more_run_at_once_than_the_cap_allows(store, open_incident):
    for service in ("a", "b", "c"):
        await open_incident(service)

    first, second = await claim(store, cap=2), await claim(store, cap=2)

    assert first is not None
    assert second is not None
    assert await claim(store, cap=2) is None
    async with store.transaction() as tx:
        await tx.end_investigation(first, state=InvestigationState.DONE, now=NOW)
    assert await claim(store, cap=2) is not None


async def test_what_a_dead_worker_held_is_taken_over_and_the_dead_one_can_write_no_more(store, open_incident):
    await open_incident()
    dead = await claim(store, after=10, owner="dead")

    assert await claim(store, after=19, owner="next") is None
    alive = await claim(store, after=21, owner="next")

    assert (dead.id, alive.attempt) == (alive.id, dead.attempt + 1)
    with pytest.raises(LeaseLostError):
        async with store.transaction() as tx:
            await tx.end_investigation(dead, state=InvestigationState.DONE, now=NOW)
    with pytest.raises(LeaseLostError):
        async with store.transaction() as tx:
            await tx.extend_lease(dead, owner="dead", until=NOW)


async def test_a_starved_process_does_not_take_its_own_work_for_a_dead_ones(store, open_incident):
    await open_incident()
    mine = await claim(store, after=10)

    assert await claim(store, after=60, held={mine.id}) is None
    async with store.transaction() as tx:
        await tx.extend_lease(mine, owner="me", until=NOW + timedelta(seconds=70))
        await tx.end_investigation(mine, state=InvestigationState.DONE, now=NOW)


async def test_only_one_investigation_of_an_incident_is_on_its_way(store, open_incident):
    incident = await open_incident()

    async with store.transaction() as tx:
        assert not await tx.add_investigation(incident, due_at=NOW, trigger="rerun")
    running = await claim(store)
    async with store.transaction() as tx:
        await tx.end_investigation(running, state=InvestigationState.DONE, now=NOW)
    async with store.transaction() as tx:
        assert await tx.add_investigation(incident, due_at=NOW, trigger="rerun")


async def next_post(store, after=1.0):
    async with store.transaction() as tx:
        return await tx.claim_post(now=NOW + timedelta(seconds=after), owner="me", lease=LEASE)


async def sent(store, post, ts, after=1.0):
    async with store.transaction() as tx:
        await tx.post_sent(post, Anchor(channel="C1", ts=ts), now=NOW + timedelta(seconds=after))


async def say(store, operation, text, **more):
    async with store.transaction() as tx:
        await tx.put_post(
            operation=operation, incident_id="INC-1", content=Notice(incident_id="INC-1", text=text), now=NOW, **more
        )


async def test_nothing_is_said_in_a_thread_before_its_parent_stands(store, open_incident):
    await open_incident()
    await say(store, "INC-1:one", "one")

    card = await next_post(store)
    assert isinstance(card.content, AlertCard)
    assert await next_post(store) is None
    await sent(store, card, "100.1")

    reply = await next_post(store)
    assert (reply.operation, reply.thread_ts) == ("INC-1:one", "100.1")


async def test_replies_come_in_the_order_in_which_they_were_written(store, open_incident):
    await open_incident()
    await say(store, "INC-1:one", "one")
    await say(store, "INC-1:two", "two")
    await sent(store, await next_post(store), "100.1")

    first = await next_post(store)
    assert first.operation == "INC-1:one"
    assert await next_post(store) is None
    await sent(store, first, "100.2")
    assert (await next_post(store)).operation == "INC-1:two"


async def test_edits_coalesce_into_the_newest_content(store, open_incident):
    await open_incident()
    await sent(store, await next_post(store), "100.1")
    for step in range(5):
        async with store.transaction() as tx:
            content = Progress(incident_id="INC-1", title=f"step {step}", tasks=(), finished=False)
            await tx.put_post(operation="INC-1:progress", incident_id="INC-1", content=content, now=NOW, final=False)

    post = await next_post(store)
    await sent(store, post, "100.2")

    assert post.content.title == "step 4"
    assert await next_post(store) is None


async def test_content_that_changes_while_it_is_sent_is_sent_again_as_an_edit(store, open_incident):
    await open_incident()
    await sent(store, await next_post(store), "100.1")
    await say(store, "INC-1:one", "one")
    post = await next_post(store)
    await say(store, "INC-1:one", "one, corrected")
    await sent(store, post, "100.2")

    edit = await next_post(store)

    assert (edit.ts, edit.content.text) == ("100.2", "one, corrected")


async def test_the_same_content_again_is_no_edit(store, open_incident):
    await open_incident()
    await sent(store, await next_post(store), "100.1")
    await say(store, "INC-1:one", "one")
    await sent(store, await next_post(store), "100.2")

    await say(store, "INC-1:one", "one")

    assert await next_post(store) is None


async def test_a_post_of_a_dead_sender_is_doubtful(store, open_incident):
    await open_incident()
    await next_post(store, after=1)

    again = await next_post(store, after=12)

    assert again.doubtful


async def test_an_event_is_handled_once_however_often_it_is_delivered(store):
    async with store.transaction() as tx:
        assert await tx.put_inbox("Ev1", "message", {"a": 1}, now=NOW)
    async with store.transaction() as tx:
        assert not await tx.put_inbox("Ev1", "message", {"a": 1}, now=NOW)
        item = await tx.claim_inbox(now=NOW, lease=LEASE)
        assert (item.event_id, item.body) == ("Ev1", {"a": 1})
        await tx.inbox_done("Ev1", now=NOW)
    async with store.transaction() as tx:
        assert await tx.claim_inbox(now=NOW + timedelta(hours=1), lease=LEASE) is None
