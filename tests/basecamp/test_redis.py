"""A real Redis filled to its limit: what is seen, what would be done, what is done."""

from __future__ import annotations

import asyncio
import contextlib
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
from redis import Redis
from redis.exceptions import OutOfMemoryError

from tests.basecamp.calls import call, refused
from tests.basecamp.conftest import REDIS_PASSWORD, redis_running
from tests.basecamp.grants import ENVIRON, mint, outcomes, write, written

pytestmark = pytest.mark.external_service("redis-server")
LIMIT = 16 * 2**20
KILOBYTE = b"x" * 1024


def fill(client: Redis) -> None:
    """Write sessions that never expire until the server refuses, as a release that forgets the expiry does."""
    for number in range(100):
        client.set(f"cart:{number}", KILOBYTE, ex=3600)
    client.rpush("queue:mails", *[KILOBYTE] * 300)
    client.hset("catalogue", mapping={f"sku{number}": KILOBYTE for number in range(50)})
    number = 0
    with contextlib.suppress(OutOfMemoryError):
        while number < 40_000:
            client.set(f"session:{number}", KILOBYTE)
            number += 1
    assert 1000 < number < 40_000


def can_write(client: Redis) -> bool:
    try:
        return bool(client.set("probe", KILOBYTE))
    except OutOfMemoryError:
        return False


@pytest.fixture
def full(redis_client: Redis) -> Redis:
    fill(redis_client)
    return redis_client


async def test_a_full_server_is_seen_by_its_numbers_and_by_what_fills_it(full, connected, redis_config):
    assert not can_write(full)
    async with connected(redis_config) as client:
        info = await call(client, "redis_info", service="cart-cache")
        memory = await call(client, "redis_memory", service="cart-cache", limit=2)
    assert (info["maxmemory_bytes"], info["maxmemory_policy"], info["role"]) == (LIMIT, "noeviction", "master")
    assert 0.99 < info["used_ratio"] < 1.1
    assert info["oom_errors"] >= 2
    assert info["evicted_keys"] == 0
    assert info["total_keys"] == full.dbsize() == memory["total_keys"] == memory["scanned_keys"]
    assert info["keys_without_ttl"] == info["total_keys"] - 100
    assert info["keyspace"][0]["with_ttl"] == 100
    assert info["persistence"]["loading"] is False
    assert info["hit_rate"] is None
    assert memory["complete"] is True
    assert [(key["key"], key["type"]) for key in memory["keys"]] == [("queue:mails", "list"), ("catalogue", "hash")]
    assert memory["keys"][0]["bytes"] == full.memory_usage("queue:mails")
    assert (memory["keys"][0]["ttl_seconds"], memory["keys"][0]["nameable"]) == (None, True)
    groups = {group["prefix"]: group for group in memory["groups"]}
    assert memory["groups"][0]["prefix"] == "session:"
    assert groups["session:"]["share"] > 0.9
    assert groups["session:"]["share_without_ttl"] == 1.0
    assert (groups["cart:"]["keys"], groups["cart:"]["share_without_ttl"]) == (100, 0.0)
    assert groups[""]["keys"] == 1
    assert sum(group["bytes"] for group in memory["groups"]) == memory["scanned_bytes"]


async def test_named_keys_are_previewed_removed_and_counted_and_the_rest_stays(full, connected, redis_config):
    held = full.memory_usage("queue:mails") + full.memory_usage("catalogue")
    keys = [
        {"key": "queue:mails", "type": "list"},
        {"key": "catalogue", "type": "hash"},
        {"key": "cart:0", "type": "hash"},
        {"key": "never", "type": "string"},
    ]
    arguments = {"service": "cart-cache", "keys": keys}
    async with connected(redis_config, ENVIRON) as client:
        preview = await call(client, "preview_write", tool="redis_unlink", arguments=arguments)
        untouched = full.exists("queue:mails", "catalogue")
        result = await written(client, "redis_unlink", **arguments)
    assert untouched == 2
    assert [target["id"] for target in preview["targets"]] == ["queue:mails", "catalogue"]
    assert "(2 are gone or of another type)" in preview["summary"]
    assert preview["reversible"] is False
    assert preview["targets"][0]["detail"].endswith("never expires")
    assert preview["runs_as"].startswith("Redis user default@127.0.0.1:")
    assert outcomes(result) == {"queue:mails": "changed", "catalogue": "changed", "cart:0": "gone", "never": "gone"}
    details = [target["detail"] for target in result["targets"]]
    assert details[2:] == ["it is a string now", "no such key"]
    assert result["after"]["freed_bytes"] == str(held)
    assert int(result["after"]["used_memory_bytes"]) < int(result["before"]["used_memory_bytes"]) - held // 2
    assert full.exists("queue:mails", "catalogue") == 0
    assert full.exists("cart:0") == 1
    assert can_write(full)


async def test_a_policy_is_previewed_set_with_what_it_was_and_set_back(full, connected, redis_config):
    async with connected(redis_config, ENVIRON) as client:
        arguments = {"service": "cart-cache", "name": "maxmemory-policy", "value": "allkeys-lru"}
        preview = await call(client, "preview_write", tool="redis_config_set", arguments=arguments)
        untouched = full.config_get("maxmemory-policy")
        there = await written(client, "redis_config_set", **arguments)
        could = can_write(full)
        again = await written(client, "redis_config_set", **arguments)
        back = {**arguments, "value": there["before"]["maxmemory-policy"], "current": "allkeys-lru"}
        returned = await written(client, "redis_config_set", **back)
        late = await written(client, "redis_config_set", **{**back, "value": "volatile-ttl"})
        late_preview = await call(
            client, "preview_write", tool="redis_config_set", arguments={**back, "value": "volatile-ttl"}
        )
    assert preview["before"] == untouched == {"maxmemory-policy": "noeviction"}
    assert [target["label"] for target in preview["targets"]] == ["maxmemory-policy noeviction → allkeys-lru"]
    assert "removes any key, with or without expiry" in preview["risk"]
    assert (there["before"], there["after"]) == (
        {"maxmemory-policy": "noeviction"},
        {"maxmemory-policy": "allkeys-lru"},
    )
    assert could
    assert outcomes(again) == {"maxmemory-policy": "unchanged"}
    assert outcomes(returned) == {"maxmemory-policy": "changed"}
    assert outcomes(late) == {"maxmemory-policy": "gone"}
    assert late["targets"][0]["detail"] == "it is noeviction by now, not allkeys-lru"
    assert late_preview["targets"] == []
    assert full.config_get("maxmemory-policy") == {"maxmemory-policy": "noeviction"}


async def test_the_limit_is_raised_within_its_bound_and_never_put_below_what_is_used(full, connected, redis_config):
    async with connected(redis_config, ENVIRON) as client:

        async def wanted(value: str) -> Any:
            return await write(client, "redis_config_set", service="cart-cache", name="maxmemory", value=value)

        raised = await wanted("32mb")
        could = can_write(full)
        lowered = await wanted("1mb")
        back = await wanted(raised.structured_content["before"]["maxmemory"])
        too_much = await wanted("65mb")
        unlimited = await wanted("0")
        nonsense = await wanted("lots")
    assert raised.structured_content["after"] == {"maxmemory": str(32 * 2**20)}
    assert could
    assert lowered.structured_content["targets"][0]["outcome"] == "refused"
    assert "would evict" in lowered.structured_content["targets"][0]["detail"]
    # Filled to the former limit and a little above it: going back would evict as well.
    assert back.structured_content["targets"][0]["outcome"] == "refused"
    assert "not between 1 and 67108864" in too_much.content[0].text
    assert "not between 1 and 67108864" in unlimited.content[0].text
    assert "is not an amount of memory" in nonsense.content[0].text
    assert full.config_get("maxmemory") == {"maxmemory": str(32 * 2**20)}


async def test_without_a_bound_the_limit_cannot_be_set(redis_server, connected):
    config = f'redis: {{cart-cache: {{url: "redis://:{REDIS_PASSWORD}@127.0.0.1:{redis_server}/0"}}}}\n'
    async with connected(config, ENVIRON) as client:
        answer = await write(client, "redis_config_set", service="cart-cache", name="maxmemory", value="32mb")
    assert answer.meta["aiops/outcome"] == "refused"
    assert "give no max_memory" in answer.content[0].text


async def test_looking_at_keys_is_bounded_and_never_uses_keys(full, redis_server, connected):
    url = f"redis://:{REDIS_PASSWORD}@127.0.0.1:{redis_server}/0"
    config = f'redis: {{cart-cache: {{url: "{url}", max_scanned_keys: 1000}}}}\n'
    full.config_resetstat()
    async with connected(config) as client:
        memory = await call(client, "redis_memory", service="cart-cache")
    called = {name.removeprefix("cmdstat_") for name in full.info("commandstats")}
    assert (memory["scanned_keys"], memory["complete"]) == (1000, False)
    assert memory["total_keys"] == full.dbsize()
    assert len(memory["keys"]) == 20
    assert memory["groups"][0]["prefix"] == "session:"
    assert "keys" not in called
    assert "scan" in called


async def test_a_prefix_narrows_and_groups_by_what_follows(redis_client, connected, redis_config):
    for prefix in ("shop:cart:", "shop:session:", "shop*x:", "other:"):
        for number in range(3):
            redis_client.set(f"{prefix}{number}", "x")
    redis_client.set(b"shop:\xff\xfe:1", "x")
    async with connected(redis_config) as client:
        shop = await call(client, "redis_memory", service="cart-cache", prefix="shop:")
        star = await call(client, "redis_memory", service="cart-cache", prefix="shop*")
        none = await call(client, "redis_memory", service="cart-cache", prefix="nothing:")
    assert {group["prefix"]: group["keys"] for group in shop["groups"]} == {
        "shop:cart:": 3, "shop:session:": 3, "shop:\\xff\\xfe:": 1,
    }  # fmt: skip
    assert [key["nameable"] for key in shop["keys"] if "\\xff" in key["key"]] == [False]
    assert {key["key"] for key in star["keys"]} == {"shop*x:0", "shop*x:1", "shop*x:2"}
    assert (none["keys"], none["groups"], none["complete"]) == ([], [], True)


async def test_idle_time_is_told_unless_the_policy_keeps_none(redis_client, connected, redis_config):
    redis_client.set("a", "x", ex=100)
    async with connected(redis_config) as client:
        lru = await call(client, "redis_memory", service="cart-cache")
        redis_client.config_set("maxmemory-policy", "allkeys-lfu")
        lfu = await call(client, "redis_memory", service="cart-cache")
    assert lru["keys"][0]["idle_seconds"] >= 0
    assert 90 < lru["keys"][0]["ttl_seconds"] <= 100
    assert lfu["keys"][0]["idle_seconds"] is None


async def test_a_key_that_changes_its_type_all_the_time_is_removed_only_while_it_has_the_named_one(
    redis_client, connected, redis_config
):
    stop = asyncio.Event()

    def turn() -> None:
        with redis_client.pipeline() as pipeline:
            pipeline.delete("hot").lpush("hot", "x").delete("hot").set("hot", KILOBYTE).execute()
            pipeline.delete("hot").lpush("hot", "x").execute()

    async def keep_turning() -> None:
        while not stop.is_set():
            await asyncio.to_thread(turn)

    turning = asyncio.create_task(keep_turning())
    async with connected(redis_config, ENVIRON) as client:
        for _ in range(30):
            keys = [{"key": "hot", "type": "string"}]
            result = await written(client, "redis_unlink", service="cart-cache", keys=keys)
            (target,) = result["targets"]
            freed = int(result["after"]["freed_bytes"])
            # A list of one letter is far smaller than the string.
            assert (target["outcome"], freed > 1000) in {("changed", True), ("gone", False)}
    stop.set()
    await turning


KEY = {"key": "a", "type": "string"}


@pytest.mark.parametrize(
    ("tool", "arguments", "words"),
    [
        ("redis_unlink", {"keys": []}, "keys has 0 entries; between 1 and 2"),
        ("redis_unlink", {"keys": [{**KEY, "key": name} for name in "abc"]}, "keys has 3 entries"),
        ("redis_unlink", {"keys": [KEY, KEY]}, "keys[1] names 'a' a second time"),
        ("redis_unlink", {"keys": [{**KEY, "type": "strin"}]}, "did you mean 'string'?"),
        ("redis_unlink", {"keys": [{**KEY, "key": ""}]}, "keys[0].key must have 1 to 1024"),
        ("redis_unlink", {"keys": ["a"]}, "keys[0]"),
        ("redis_unlink", {"keys": "*"}, "keys: input should be a valid"),
        ("redis_unlink", {"keys": [KEY], "pattern": "*"}, "pattern is not an argument"),
        ("redis_config_set", {"name": "maxmemory-polcy", "value": "noeviction"}, "did you mean 'maxmemory-policy'?"),
        ("redis_config_set", {"name": "maxmemory-policy", "value": "allkeys-lr"}, "did you mean 'allkeys-lru'?"),
        ("redis_config_set", {"name": "maxmemory-policy", "value": ""}, "is not known"),
        ("redis_config_set", {"name": "requirepass", "value": "x"}, "'requirepass' may not be set"),
        ("redis_config_set", {"name": "dir", "value": "/tmp"}, "'dir' may not be set"),
        ("redis_config_set", {"name": "maxmemory", "value": 1}, "value: input should be a valid string"),
    ],
)
async def test_arguments_out_of_bounds_are_refused_by_tool_and_preview(
    redis_client, connected, redis_config, tool, arguments, words
):
    redis_client.set("a", "x")
    before = redis_client.config_get("*")
    arguments = {"service": "cart-cache", **arguments}
    async with connected(f"{redis_config}writes: {{max_targets: 2}}\n", ENVIRON) as client:
        answer = await write(client, tool, **arguments)
        preview = await refused(client, "preview_write", tool=tool, arguments=arguments)
    assert answer.meta["aiops/outcome"] == "refused"
    assert words in answer.content[0].text
    assert words in preview
    assert redis_client.exists("a") == 1
    assert redis_client.config_get("*") == before


async def test_a_user_with_the_documented_rights_and_no_others_can_look_and_act(redis_client, redis_server, connected):
    page = (Path(__file__).parents[2] / "basecamp" / "README.md").read_text("utf-8")
    rights = re.findall(r"`((?:[+~]\S+ ?)+)`", page[page.index("**`redis`** —") :])[:3]
    rules = " ".join(rights).split()
    redis_client.execute_command("ACL", "SETUSER", "oncall", "on", ">s3cret", *rules)
    redis_client.set("cart:1", KILOBYTE)
    url = f"redis://oncall:s3cret@127.0.0.1:{redis_server}/0"
    async with connected(f'redis: {{cart-cache: {{url: "{url}", max_memory: 64mb}}}}\n', ENVIRON) as client:
        info = await call(client, "redis_info", service="cart-cache")
        memory = await call(client, "redis_memory", service="cart-cache")
        unlink = {"service": "cart-cache", "keys": [{"key": "cart:1", "type": "string"}]}
        preview = await call(client, "preview_write", tool="redis_unlink", arguments=unlink)
        removed = await written(client, "redis_unlink", **unlink)
        setting = {"service": "cart-cache", "name": "maxmemory", "value": "32mb"}
        raised = await written(client, "redis_config_set", **setting)
    assert "+eval" in rules
    assert info["total_keys"] == 1
    assert [key["idle_seconds"] is None for key in memory["keys"]] == [False]
    assert preview["runs_as"] == f"Redis user oncall@127.0.0.1:{redis_server}/0"
    assert outcomes(removed) == {"cart:1": "changed"}
    assert outcomes(raised) == {"maxmemory": "changed"}


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    """A certificate that is its own authority, with its key beside it."""
    names = "subjectAltName=IP:127.0.0.1,DNS:localhost"
    key = ["-newkey", "rsa:2048", "-nodes", "-keyout", "key.pem"]
    command = [
        "openssl",
        "req",
        "-x509",
        *key,
        "-out",
        "cert.pem",
        "-days",
        "2",
        "-subj",
        "/CN=redis",
        "-addext",
        names,
    ]
    subprocess.run(command, cwd=tmp_path, check=True, capture_output=True)
    return tmp_path / "cert.pem"


@pytest.mark.external_service("openssl")
async def test_a_server_behind_tls_is_reached_when_its_authority_is_given_and_not_otherwise(
    certificate, tmp_path, connected
):
    files = ["--tls-cert-file", str(certificate), "--tls-key-file", str(tmp_path / "key.pem")]
    options = ["--port", "0", "--tls-port", "{port}", "--tls-auth-clients", "no", *files]
    trust = {"ssl": True, "ssl_ca_certs": str(certificate)}
    with redis_running(tmp_path, *options, **trust) as port:
        url = f"rediss://:{REDIS_PASSWORD}@127.0.0.1:{port}/0"
        config = f'redis: {{known: {{url: "{url}", ca_file: cert.pem}}, unknown: {{url: "{url}"}}}}\n'
        async with connected(config) as client:
            info = await call(client, "redis_info", service="known")
            words = await refused(client, "redis_info", service="unknown")
    assert info["role"] == "master"
    assert "certificate" in words.lower()
    assert "hunter2" not in words


async def test_a_server_that_is_away_or_refuses_us_says_so_without_the_password(redis_server, connected):
    away = "redis://:hunter2-of-redis@127.0.0.1:1/0"
    wrong = f"redis://:wrong%40word@127.0.0.1:{redis_server}/0"
    config = f'redis: {{away: {{url: "{away}"}}, wrong: {{url: "{wrong}"}}}}\n'
    async with connected(config, ENVIRON) as client:
        answers = [
            await refused(client, "redis_info", service="away"),
            await refused(client, "redis_memory", service="wrong"),
            await refused(client, "redis_info", service="wrnog"),
        ]
        arguments = {"service": "away", "keys": [KEY]}
        failed = await write(client, "redis_unlink", mint("redis_unlink", arguments), **arguments)
    assert "redis away" in answers[0]
    assert "invalid username-password pair" in answers[1]
    assert "did you mean 'wrong'?" in answers[2]
    assert failed.meta["aiops/outcome"] == "failed"
    everything = " ".join([*answers, failed.content[0].text])
    assert "hunter2" not in everything
    assert "wrong@word" not in everything
    assert "wrong%40word" not in everything
