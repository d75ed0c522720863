"""The shipped runbooks, each against the real thing: looked at, asked for, changed exactly as approved, verified."""

import json

import psycopg
import pytest
from psycopg_pool import ConnectionPool
from redis.exceptions import OutOfMemoryError

from bot.core.execution import RunState, StepState
from tests.acting.shipped import opened
from tests.acting.shop import Shop, long_back_off, restarts_of
from tests.basecamp.conftest import REDIS_PASSWORD, config, dsn, pg_server, redis_client, redis_server, running
from tests.support.kubernetes import BAD_RELEASE, moving_cluster, patch_payments, until

__all__ = ["config", "dsn", "pg_server", "redis_client", "redis_server", "running"]

SUCCEEDED, SKIPPED, FAILED = StepState.SUCCEEDED, StepState.SKIPPED, StepState.FAILED
LEAKED = 13
BLOCK = b"x" * 192 * 1024


@pytest.fixture
def scene(tmp_path, running, database_url, box):
    def build(runbook, **more):
        return opened(runbook, folder=tmp_path, running=running, database_url=database_url, box=box, **more)

    return build


# --- PostgreSQL


@pytest.fixture
def leak(dsn):
    """A pool whose connections were all taken and never given back, as the user of the application."""
    user = dsn.replace("postgres:@", "shop:@")
    assert user != dsn
    pool = ConnectionPool(
        user, min_size=LEAKED, max_size=LEAKED, open=True, kwargs={"application_name": "checkout/2.31.0"}
    )
    held = [pool.getconn(timeout=30) for _ in range(LEAKED)]
    for connection in held:
        connection.execute("select 1")
        connection.commit()
    yield held
    pool.close()
    for connection in held:
        connection.close()


@pytest.fixture
def healthy(dsn):
    """A session of another application, at rest between two requests."""
    with psycopg.connect(dsn, autocommit=True, application_name="billing/1.4.0") as connection:
        yield connection


def sessions(dsn, application):
    """Sessions of an application as the server knows them, with the seconds they have been idle."""
    with psycopg.connect(dsn, autocommit=True) as connection:
        rows = connection.execute(
            "select pid, to_char(backend_start at time zone 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"'),"
            " extract(epoch from now() - state_change)::float from pg_stat_activity where application_name = %s",
            [application],
        )
        return {f"{pid}@{started}": idle for pid, started, idle in rows}


async def until_forgotten(dsn):
    """Wait until the leaked sessions have been idle for longer than the shortest time that may be asked for."""

    async def idle():
        return min(sessions(dsn, "checkout/2.31.0").values()) > 5.5

    await until(idle)


async def test_leaked_sessions_are_named_asked_for_and_ended_and_no_others(scene, dsn, leak, healthy):
    section = f"postgres: {{orders-db: {json.dumps(dsn)}}}\n"
    await until_forgotten(dsn)
    leaked = set(sessions(dsn, "checkout/2.31.0"))
    async with scene("postgres-connections-exhausted", service="orders-db", section=section) as yard:
        await yard.begin(min_idle_seconds=5)
        approval = await yard.asked("terminate")
        assert await yard.only_looked()
        assert len(leaked) == LEAKED
        assert {target.id for target in approval.envelope.targets} == leaked
        assert set(sessions(dsn, "checkout/2.31.0")) == leaked

        await yard.approve(approval)
        done = await yard.ended()
        assert (done.run.state, done.step_runs[-1].check.split(",")[0]) == (
            RunState.SUCCEEDED,
            "at most 60 % of the usable connections are taken",
        )
        assert await yard.states() == dict.fromkeys(("activity", "settings", "leaked", "terminate"), SUCCEEDED)
        assert sessions(dsn, "checkout/2.31.0") == {}
        assert not any(alive(connection) for connection in leak)
        assert alive(healthy)
        assert yard.calls() == [("pg_terminate_backends", "U0ANA", yard.run_id, "terminate")]
        assert yard.lines("acting")[0]["arguments"] == approval.envelope.args
        (outcome,) = yard.lines("outcome")
        assert {target["outcome"] for target in outcome["result"]["targets"]} == {"changed"}

        first = done.run.incident_id
        await yard.begin(min_idle_seconds=5)
        again = await yard.ended()
        assert (again.run.incident_id != first, again.run.state) == (True, RunState.SUCCEEDED)
        assert (await yard.states())["terminate"] is SKIPPED
        assert len(yard.calls()) == 1
        assert alive(healthy)


def alive(connection):
    try:
        return connection.execute("select 1").fetchone() == (1,)
    except psycopg.OperationalError:
        return False


# --- Redis


def fill(client, *, overshoot, caches=5):
    """Sessions that never expire and that nobody looks at, until there is no room; carts that do expire."""
    for number in range(caches):
        client.set(f"cart:{number}", BLOCK, ex=3600)
    client.rpush("queue:mails", b"x" * 1024)
    client.set("session:hot", BLOCK)
    for number in range(40):
        client.set(f"session:{number}", BLOCK)
        # The only way to make a key look forgotten without waiting for it.
        client.restore(f"session:{number}", 0, client.dump(f"session:{number}"), replace=True, idletime=3600)
    client.config_set("maxmemory", client.info("memory")["used_memory"] - overshoot)
    with pytest.raises(OutOfMemoryError):
        client.set("cart:new", b"x")


def section_of(port):
    return f'redis: {{cart-cache: {{url: "redis://:{REDIS_PASSWORD}@127.0.0.1:{port}/0", max_memory: 64mb}}}}\n'


def keys(client, pattern):
    return {key.decode() for key in client.scan_iter(pattern)}


FORGOTTEN = {f"session:{number}" for number in range(40)}


@pytest.mark.external_service("redis-server")
async def test_forgotten_keys_are_named_asked_for_and_removed_and_no_others(scene, redis_server, redis_client):
    fill(redis_client, overshoot=4096)
    section = section_of(redis_server)
    async with scene("redis-memory-pressure", service="cart-cache", section=section) as yard:
        await yard.begin()
        approval = await yard.asked("unlink")
        assert await yard.only_looked()
        assert (await yard.states())["policy"] is SKIPPED
        assert {target.id for target in approval.envelope.targets} == FORGOTTEN
        assert keys(redis_client, "session:*") == FORGOTTEN | {"session:hot"}

        await yard.approve(approval)
        done = await yard.ended()
        assert done.run.state is RunState.SUCCEEDED, done.run.why
        assert done.step_runs[-1].check.startswith("at most 80 % of the memory limit is used")
        assert keys(redis_client, "*") == {"session:hot", "queue:mails", *(f"cart:{number}" for number in range(5))}
        assert redis_client.set("cart:new", b"x")
        assert redis_client.config_get("maxmemory-policy") == {"maxmemory-policy": "noeviction"}
        assert yard.calls() == [("redis_unlink", "U0ANA", yard.run_id, "unlink")]
        assert yard.lines("acting")[0]["arguments"] == approval.envelope.args

        await yard.begin()
        again = await yard.ended()
        assert again.run.state is RunState.SUCCEEDED
        assert {(await yard.states())[step] for step in ("policy", "unlink")} == {SKIPPED}
        assert len(yard.calls()) == 1


@pytest.mark.external_service("redis-server")
async def test_a_policy_that_a_person_chose_is_asked_for_first_and_the_keys_after_it(scene, redis_server, redis_client):
    fill(redis_client, overshoot=4096)
    section = section_of(redis_server)
    async with scene("redis-memory-pressure", service="cart-cache", section=section) as yard:
        await yard.begin(policy="allkeys-lru")
        policy = await yard.asked("policy")
        assert await yard.only_looked()
        assert [target.id for target in policy.envelope.targets] == ["maxmemory-policy"]
        assert redis_client.config_get("maxmemory-policy") == {"maxmemory-policy": "noeviction"}

        await yard.approve(policy)
        unlink = await yard.asked("unlink")
        assert redis_client.config_get("maxmemory-policy") == {"maxmemory-policy": "allkeys-lru"}
        assert (await yard.states())["policy"] is SUCCEEDED
        left = keys(redis_client, "session:*") - {"session:hot"}
        assert {target.id for target in unlink.envelope.targets} == left
        # What had to go went by the policy.
        assert 38 <= len(left) < 40

        await yard.approve(unlink)
        done = await yard.ended()
        assert done.run.state is RunState.SUCCEEDED, done.run.why
        assert keys(redis_client, "session:*") <= {"session:hot"}
        assert [call[0] for call in yard.calls()] == ["redis_config_set", "redis_unlink"]
        assert len({one["grant"]["jti"] for one in yard.lines("acting")}) == 2

        await yard.begin(policy="allkeys-lru")
        again = await yard.ended()
        assert again.run.state is RunState.SUCCEEDED
        assert {(await yard.states())[step] for step in ("policy", "unlink")} == {SKIPPED}


@pytest.mark.external_service("redis-server")
async def test_a_policy_that_does_not_help_is_offered_for_taking_back(scene, redis_server, redis_client):
    # Nothing expires, so a policy that evicts only what expires can evict nothing.
    fill(redis_client, overshoot=1024 * 1024, caches=0)
    section = section_of(redis_server)
    async with scene("redis-memory-pressure", service="cart-cache", section=section) as yard:
        await yard.begin(policy="volatile-lru")
        await yard.approve(await yard.asked("policy"))
        back = await yard.asked("policy", rollback=True)
        assert redis_client.config_get("maxmemory-policy") == {"maxmemory-policy": "volatile-lru"}
        assert [target.id for target in back.envelope.targets] == ["maxmemory-policy"]
        assert back.envelope.args["value"] == "noeviction"

        await yard.approve(back)
        done = await yard.ended()
        assert done.run.state is RunState.FAILED
        assert done.run.why == "Let Redis evict keys did not help and was rolled back"
        states = await yard.states()
        assert (states["policy"], states["rollback of policy"]) == (FAILED, SUCCEEDED)
        assert redis_client.config_get("maxmemory-policy") == {"maxmemory-policy": "noeviction"}
        assert keys(redis_client, "session:*") == FORGOTTEN | {"session:hot"}
        assert [call[0] for call in yard.calls()] == ["redis_config_set"] * 2


# --- Kubernetes

KUBERNETES = "kubernetes: {payments: {namespace: shop, kubeconfig: kubeconfig}}\n"
DIAGNOSED = ("pods", "log", "history")


async def test_a_release_that_crashes_is_rolled_back_with_exactly_its_pods(scene, tmp_path):
    async with moving_cluster(tmp_path) as served:
        shop = Shop(served)
        good = set(await shop.pods())
        await patch_payments(served, BAD_RELEASE)
        bad = await shop.crashed()
        async with scene("k8s-pod-crashlooping", service="payments", section=KUBERNETES) as yard:
            await yard.begin()
            approval = await yard.asked("undo")
            assert await yard.only_looked()
            deployment = (await shop.deployment())["metadata"]["uid"]
            assert [target.id for target in approval.envelope.targets] == [deployment, *bad]
            assert await shop.image() == "registry.example/payments:4.13.0"

            await yard.approve(approval)
            done = await yard.ended()
            assert done.run.state is RunState.SUCCEEDED, done.run.why
            states = await yard.states()
            assert states == {**dict.fromkeys((*DIAGNOSED, "undo"), SUCCEEDED), "restart": SKIPPED}
            assert await shop.image() == "registry.example/payments:4.12.1"
            assert set(await shop.pods()) == good
            assert yard.calls() == [("k8s_rollout_undo", "U0ANA", yard.run_id, "undo")]
            assert yard.lines("acting")[0]["arguments"] == approval.envelope.args
            assert [target["outcome"] for target in yard.lines("outcome")[0]["result"]["targets"]] == ["changed"]

            await yard.begin()
            again = await yard.ended()
            assert again.run.state is RunState.SUCCEEDED
            assert {(await yard.states())[step] for step in ("undo", "restart")} == {SKIPPED}
            assert len(yard.calls()) == 1


async def test_a_rollback_to_a_release_that_crashes_too_can_be_taken_back(scene, tmp_path):
    newer = json.loads(json.dumps(BAD_RELEASE).replace("4.13.0", "4.13.1"))
    async with moving_cluster(tmp_path) as served:
        shop = Shop(served)
        await patch_payments(served, BAD_RELEASE)
        await shop.crashed()
        await patch_payments(served, newer)

        async def newest_crashes():
            crashed = {restarts_of(pod) > 1 and pod["spec"]["containers"][0]["image"] for pod in (await shop.pods()).values()}  # fmt: skip
            return await shop.image() in crashed

        await until(newest_crashes)
        # The time that it has is for real clusters.
        scened = scene(
            "k8s-pod-crashlooping",
            service="payments",
            section=KUBERNETES,
            mend=lambda source: source.replace("within: 3m", "within: 2s"),
        )
        async with scened as yard:
            await yard.begin()
            await yard.approve(await yard.asked("undo"))
            back = await yard.asked("undo", rollback=True)
            assert await shop.image() == "registry.example/payments:4.13.0"
            await yard.approve(back)
            done = await yard.ended()
            assert done.run.why == "Roll the deployment back to the revision before did not help and was rolled back"
            assert (await yard.states())["rollback of undo"] is SUCCEEDED
            assert await shop.image() == "registry.example/payments:4.13.1"


async def test_an_older_release_that_crashes_is_restarted_and_not_rolled_back(scene, tmp_path):
    async with long_back_off(tmp_path) as served:
        shop = Shop(served)
        await shop.settings({"timeout": None})
        moved = next(iter((await shop.pods()).values()))["metadata"]["name"]
        await shop.delete(moved)
        (waiting,) = await shop.crashed(restarts=1)
        await shop.settings({"timeout": "900"})
        before = await shop.pods()
        async with scene("k8s-pod-crashlooping", service="payments", section=KUBERNETES) as yard:
            await yard.begin()
            approval = await yard.asked("restart")
            assert await yard.only_looked()
            assert (await yard.states())["undo"] is SKIPPED
            deployment = (await shop.deployment())["metadata"]["uid"]
            assert {target.id for target in approval.envelope.targets} == {deployment, *before}
            assert waiting in before
            assert set(await shop.pods()) == set(before)

            await yard.approve(approval)
            done = await yard.ended()
            assert done.run.state is RunState.SUCCEEDED, done.run.why
            assert not set(await shop.pods()) & set(before)
            assert await shop.image() == "registry.example/payments:4.12.1"
            assert yard.calls() == [("k8s_rollout_restart", "U0ANA", yard.run_id, "restart")]

            await yard.begin()
            assert (await yard.ended()).run.state is RunState.SUCCEEDED
            assert {(await yard.states())[step] for step in ("undo", "restart")} == {SKIPPED}
            assert len(yard.calls()) == 1
