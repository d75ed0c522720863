"""The parts of the Redis and Kubernetes scenarios, each as its own program."""

import json

import httpx
import pytest
from recipe.programs import Cast, RecipeError, python
from redis import Redis

from basecamp.logrecords import join_records
from tests.demo.shop_parts import free_port, page, part, sample, until
from tests.support.kubernetes import BAD_RELEASE, moving_cluster, patch_payments

FULL = "OOM command not allowed when used memory > 'maxmemory'"


def cache(folder, memory):
    return part("session_cache", "--log", folder / "session-cache.log", "--port", free_port(), "--memory", memory)


def storefront(url, version, folder):
    log = folder / "storefront.log"
    return part("storefront", "--redis", url, "--version", version, "--log", log, "--port", 0, "--pace", 20)


def pages(client):
    return {key: client.ttl(key) for key in client.scan_iter("home_page:*")}


@pytest.mark.external_service("redis-server")
@pytest.mark.parametrize(("version", "keeps"), [("5.2.4", False), ("5.3.1", True)])
async def test_a_healthy_release_lets_everything_that_it_keeps_expire(tmp_path, version, keeps):
    async with cache(tmp_path, "64mb") as redis, storefront(redis.ready["url"], version, tmp_path) as running:
        await until(lambda: sample(page(running.ready["url"]), "storefront_requests_total", outcome="ok") >= 40)
        with Redis.from_url(redis.ready["url"]) as client:
            kept = pages(client)
            sessions = {client.ttl(key) for key in client.scan_iter("session:*", count=1000)}
    assert bool(kept) is keeps
    assert all(seconds > 0 for seconds in (*kept.values(), *sessions))


@pytest.mark.external_service("redis-server")
async def test_release_5_3_0_fills_the_cache_with_pages_that_never_expire_until_sessions_are_refused(tmp_path):
    async with cache(tmp_path, "26mb") as redis:
        url = redis.ready["url"]
        async with (
            part("redis_exporter", "--redis", url, "--port", 0) as exporter,
            storefront(url, "5.3.0", tmp_path) as running,
        ):
            await until(lambda: sample(page(running.ready["url"]), "storefront_requests_total", outcome="error") >= 3)
            exported = page(exporter.ready["url"])
        with Redis.from_url(url) as client:
            kept = pages(client)
            assert client.config_get("maxmemory-policy") == {"maxmemory-policy": "noeviction"}

    assert len(kept) > 24
    assert set(kept.values()) == {-1}
    assert sample(exported, "redis_memory_used_bytes") / sample(exported, "redis_memory_max_bytes") > 0.99
    assert sample(exported, "redis_errors_total", err="OOM") >= 3
    assert sample(exported, "redis_up") == 1
    refused = [one for one in join_records((tmp_path / "storefront.log").read_text().splitlines()) if FULL in one.text]
    assert {one.level for one in refused} <= {"error", "warning"}
    assert any(one.level == "error" and "release=5.3.0" in one.text for one in refused)
    # Redis' own log is read like every other.
    assert any("Ready to accept connections" in one.text for one in records(tmp_path / "session-cache.log"))


def records(path):
    return list(join_records(path.read_text().splitlines()))


async def test_the_redis_exporter_says_so_when_redis_is_away():
    async with part("redis_exporter", "--redis", f"redis://127.0.0.1:{free_port()}/0", "--port", 0) as exporter:
        shown = page(exporter.ready["url"])

    assert sample(shown, "redis_up", service="session-cache") == 0
    assert "redis_memory_used_bytes" not in shown


@pytest.mark.external_service("redis-server")
async def test_a_port_that_is_taken_is_named_with_the_program_that_wanted_it(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(tmp_path)
    async with cache(tmp_path, "16mb") as redis, Cast(tmp_path) as cast:
        port = httpx.URL(redis.ready["url"]).port
        command = python("shop.session_cache", "--log", str(tmp_path / "second.log"), "--port", str(port))
        with pytest.raises(
            RecipeError,
            match=r"(?s)session-cache did not come up:.*redis-server ended with code 1:.*Address already in use",
        ):
            await cast.start("session-cache", command, environment={"PYTHONPATH": recipe_path()})


def recipe_path():
    import shop

    return str(next(iter(shop.__path__)).removesuffix("/shop"))


async def test_a_program_that_is_not_there_is_named(tmp_path):
    async with Cast(tmp_path) as cast:
        with pytest.raises(RecipeError, match=r"prometheus could not be started: .*No such file"):
            await cast.start("prometheus", [str(tmp_path / "prometheus")])


async def test_the_logs_of_pods_that_crash_are_shipped_once_with_time_and_level(tmp_path):
    logs = tmp_path / "logs"
    async with moving_cluster(tmp_path) as served:
        arguments = ("--kubeconfig", tmp_path / "kubeconfig", "--namespace", "shop", "--logs", logs)
        async with part("pod_logs", *arguments):
            await patch_payments(served, BAD_RELEASE)

            def crashed_twice():
                fatal = [one for one in records(logs / "payments.log") if one.level == "fatal"]
                return len(fatal) >= 2 and fatal

            fatal = await until(crashed_twice)
            lines = (logs / "payments.log").read_text().splitlines()

    assert all("PROVIDER_TIMEOUT_MS is not set" in one.text for one in fatal)
    assert len({json.loads(line)["time"] + line for line in lines}) == len(lines)
