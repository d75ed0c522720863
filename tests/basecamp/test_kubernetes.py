"""Looking at a service in Kubernetes over MCP, against an API server that kubectl itself works with."""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
from datetime import datetime

import pytest
from mcp import Client

from basecamp.backends.kubernetes_masking import mask_text, mask_value
from basecamp.bootstrap import open_basecamp
from basecamp.errors import ConfigError
from basecamp.settings import load_settings
from tests.basecamp.calls import call, refused
from tests.support.kubernetes import BAD_RELEASE, moving_cluster, patch_payments, until

TEXT = "kubernetes:\n  payments: {{namespace: shop, kubeconfig: kubeconfig, timeout_seconds: {limit}{more}}}\n"


def settings(*, limit: float = 10, more: str = "") -> str:
    return TEXT.format(limit=limit, more=more)


@pytest.fixture
async def cluster(tmp_path):
    async with moving_cluster(tmp_path) as served:
        yield served


@pytest.fixture
async def client(running, cluster):
    async with running(settings()) as address:
        yield EachCall(f"{address}/mcp")


class EachCall:
    """A client that connects for every call, because a connection must end in the task in which it began."""

    def __init__(self, address: str) -> None:
        self._address = address

    async def call_tool(self, tool: str, arguments: dict):
        async with Client(self._address, read_timeout_seconds=60) as client:
            return await client.call_tool(tool, arguments)


async def crash(cluster, client) -> dict:
    """Put the bad release in; the description once a pod of it has crashed twice."""
    await patch_payments(cluster, BAD_RELEASE)

    async def crashed():
        found = await call(client, "k8s_describe_pod", service="payments")
        return found if found["crashing"] and found["restarts"] >= 2 else None

    return await until(crashed)


async def test_a_healthy_service_is_rolled_out_and_nothing_crashes(client):
    found = await call(client, "k8s_describe_pod", service="payments")
    workload = found["workload"]
    assert found["crashing"] == []
    assert (workload["revision"], workload["replicas"], workload["ready"]) == (3, 3, 3)
    assert workload["rolled_out"] is True
    assert workload["images"] == {"payments": "registry.example/payments:4.12.1"}
    assert [pod["ready"] for pod in found["pods"]] == [True] * 3
    assert {pod["revision"] for pod in found["pods"]} == {3}


async def test_a_crash_loop_is_described_with_exit_code_restarts_limits_and_events(cluster, client):
    found = await crash(cluster, client)
    worst = found["pods"][0]
    container = worst["containers"][0]
    assert found["crashing"] == [worst["name"]]
    assert found["workload"]["rolled_out"] is False
    assert found["workload"]["change_cause"] == "release 4.13.0"
    assert worst["revision"] == 4
    assert worst["owner"].startswith("ReplicaSet/payments-")
    assert container["last_state"]["exit_code"] == 1
    assert container["last_state"]["reason"] == "Error"
    assert container["limits"] == {"cpu": "500m", "memory": "256Mi"}
    assert "PROVIDER_API_KEY" in container["env"]
    assert {"Scheduled", "BackOff"} <= {event["reason"] for event in worst["events"]}


async def test_the_log_of_the_run_that_crashed_says_why(cluster, client):
    pod = (await crash(cluster, client))["crashing"][0]
    logs = await call(client, "k8s_pod_logs", service="payments", tail=2)
    assert (logs["pod"], logs["container"], logs["previous"]) == (pod, "payments", True)
    assert logs["truncated"] is True
    assert [json.loads(line["text"])["level"] for line in logs["lines"]] == ["info", "fatal"]
    assert datetime.fromisoformat(logs["lines"][0]["at"]) <= datetime.fromisoformat(logs["lines"][1]["at"])


async def test_a_container_that_never_crashed_gives_its_current_log_and_says_so(client):
    logs = await call(client, "k8s_pod_logs", service="payments")
    assert logs["previous"] is False
    assert logs["note"] == "container payments has had no previous run; this is its current one"
    assert json.loads(logs["lines"][-1]["text"])["msg"] == "listening on :8080"


async def test_the_history_says_what_each_revision_changed_and_hides_secrets(cluster, client):
    await crash(cluster, client)
    history = await call(client, "k8s_rollout_history", service="payments")
    newest = history["revisions"][0]
    changes = {(one["field"], one["name"]): (one["before"], one["after"]) for one in newest["changes"]}
    assert [one["revision"] for one in history["revisions"]] == [4, 3, 2, 1]
    assert (history["current_revision"], history["previous_revision"]) == (4, 3)
    assert [one["current"] for one in history["revisions"]] == [True, False, False, False]
    assert [one["change_cause"] for one in history["revisions"]][1:] == [
        "release 4.12.1", "release 4.12.0", "release 4.11.2",
    ]  # fmt: skip
    assert changes[("image", "image")] == ("registry.example/payments:4.12.1", "registry.example/payments:4.13.0")
    assert changes[("env", "RELEASE")] == ("4.12.1", "4.13.0")
    assert changes[("env", "WEBHOOK_TOKEN")] == (None, "***")
    assert "s3cr3t" not in json.dumps(history)
    assert history["revisions"][-1]["changes"] == []
    assert 8 * 86400 < history["revisions"][-1]["age_seconds"] < 10 * 86400


async def test_events_of_pods_that_are_gone_are_still_there(cluster, client):
    pod = (await crash(cluster, client))["crashing"][0]
    await patch_payments(cluster, {"spec": {"template": {"spec": {"containers": [{"name": "payments", "image": "registry.example/payments:4.12.1", "env": [{"name": "RELEASE", "value": "4.12.1"}]}]}}}})  # fmt: skip

    async def gone():
        found = await call(client, "k8s_describe_pod", service="payments")
        return pod not in [one["name"] for one in found["pods"]]

    await until(gone)
    events = await call(client, "k8s_events", service="payments", kind="Warning", limit=5)
    assert f"Pod/{pod}" in [event["object"] for event in events["events"]]
    assert {event["type"] for event in events["events"]} == {"Warning"}


async def test_unknown_names_are_refused_with_the_nearest_known_one(client):
    assert "did you mean 'payments'?" in await refused(client, "k8s_describe_pod", service="payment")
    assert "'payments' has no pod 'nothing'" in await refused(
        client, "k8s_describe_pod", service="payments", pod="nothing"
    )
    assert "has no container 'payment'; did you mean 'payments'?" in await refused(
        client, "k8s_pod_logs", service="payments", container="payment"
    )
    assert "write Normal or Warning" in await refused(client, "k8s_events", service="payments", kind="Error")


async def test_pods_of_a_selector_are_described_without_a_deployment(connected, cluster):
    async with connected(settings(more=', selector: "app=payments"')) as client:
        found = await call(client, "k8s_describe_pod", service="payments")
        words = await refused(client, "k8s_rollout_history", service="payments")
    assert found["workload"] is None
    assert len(found["pods"]) == 3
    assert "known by a selector only" in words


async def test_a_deployment_that_is_not_there_is_told_in_the_servers_words(connected, cluster):
    async with connected(settings(more=", deployment: billing")) as client:
        words = await refused(client, "k8s_describe_pod", service="payments")
    assert 'kubernetes payments: 404 NotFound: deployments.apps "billing" not found' in words
    assert "Query: GET /apis/apps/v1/namespaces/shop/deployments/billing" in words


async def test_a_token_that_the_server_does_not_know_is_told(connected, cluster, tmp_path):
    file = tmp_path / "kubeconfig"
    file.write_text(file.read_text().replace(cluster.tokens["oncall"], "stranger"))
    async with connected(settings()) as client:
        assert "401 Unauthorized" in await refused(client, "k8s_describe_pod", service="payments")


async def test_a_newer_token_in_the_kubeconfig_is_taken_without_a_restart(connected, cluster, tmp_path):
    file = tmp_path / "kubeconfig"
    good = file.read_text()
    file.write_text(good.replace(cluster.tokens["oncall"], "run-out"))
    async with connected(settings()) as client:
        await refused(client, "k8s_describe_pod", service="payments")
        file.write_text(good)
        assert (await call(client, "k8s_describe_pod", service="payments"))["crashing"] == []


async def test_an_api_server_that_is_away_is_told(connected, tmp_path):
    async with moving_cluster(tmp_path):
        pass
    async with connected(settings()) as client:
        words = await refused(client, "k8s_describe_pod", service="payments")
    assert "kubernetes payments: the API server cannot be reached" in words


async def test_an_api_server_that_hangs_is_told_within_the_limit(connected, cluster, tmp_path):
    async def hang(_reader, writer):
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.Event().wait()
        writer.close()

    listener = socket.create_server(("127.0.0.1", 0))
    server = await asyncio.start_server(hang, sock=listener)
    file = tmp_path / "kubeconfig"
    file.write_text(file.read_text().replace(cluster.url, f"https://127.0.0.1:{listener.getsockname()[1]}"))
    try:
        async with connected(settings(limit=0.5)) as client:
            words = await refused(client, "k8s_describe_pod", service="payments")
    finally:
        server.close()
    assert "no answer within 0.5 s" in words


async def test_a_kubeconfig_that_is_not_there_is_told_with_its_path(connected, tmp_path):
    async with connected(settings()) as client:
        words = await refused(client, "k8s_describe_pod", service="payments")
    assert str(tmp_path / "kubeconfig") in words


async def test_without_kubeconfig_and_outside_a_cluster_the_mend_is_told(connected):
    async with connected("kubernetes: {payments: {namespace: shop}}\n") as client:
        words = await refused(client, "k8s_describe_pod", service="payments")
    assert "no kubeconfig is set, and this is no pod with a service account" in words


async def test_check_says_where_the_workload_is_and_as_whom(config, cluster):
    async with open_basecamp(load_settings(config(settings()), {}), serving=False) as basecamp:
        (line,) = [await check.look() for check in basecamp.checks if check.backend == "kubernetes payments"]
    assert line == "shop/payments, 3 pods, Kubernetes v1.32.4, as oncall"


@pytest.mark.parametrize(
    ("section", "words"),
    [
        ("{namespace: shop, deployment: a, selector: a=b}", "has both deployment and selector"),
        ("{namespace: shop, context: a}", "has a context but no kubeconfig"),
        ("{namespace: shop, min_replicas: 4, max_replicas: 2}", "min_replicas 4 above max_replicas 2"),
        ("{namespace: shop/x}", "kubernetes.payments.namespace"),
        ("{namespace: shop, deploymnt: a}", "did you mean 'deployment'?"),
        ("{deployment: a}", "'kubernetes.payments.namespace' is missing"),
    ],
)
def test_settings_that_make_no_sense_are_refused_with_their_line(config, section, words):
    with pytest.raises(ConfigError, match=r"basecamp.yaml:2") as refusal:
        load_settings(config(f"kubernetes:\n  payments: {section}\n"), {})
    assert words in str(refusal.value)


@pytest.mark.parametrize(
    "text",
    [
        'msg="login failed" password=hunter2-long',
        '{"api_key": "abcdef0123456789", "n": 1}',
        "Authorization: Bearer abc.def.ghi-0123456789",
        "db postgresql://shop:hunter2-long@db/orders refused",
        "jwt eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl",
        "stripe sk_live_0123456789abcdef",
        "aws AKIAIOSFODNN7EXAMPLE",
        "-----BEGIN RSA PRIVATE KEY-----\nMIIEabcdef\n-----END RSA PRIVATE KEY-----",
        "--password=hunter2-long --verbose",
    ],
)
def test_secrets_in_logs_are_masked(text):
    planted = ("hunter2-long", "abcdef", "abc.def", "eyJhbGci", "0123456789abcdef", "AKIAIOSF")
    masked = mask_text(text)
    assert "***" in masked
    assert [secret for secret in planted if secret in masked] == []


@pytest.mark.parametrize(
    "text",
    [
        "configuration: PROVIDER_TIMEOUT_MS is not set",
        "token expired, please log in again",
        "secret: not set",
        "GET /v1/orders/42 200 in 12 ms",
        "authentication failed for user shop",
    ],
)
def test_ordinary_log_lines_stay_as_they_are(text):
    assert mask_text(text) == text


def test_values_are_hidden_by_the_name_of_their_setting():
    assert mask_value("DB_PASSWORD", "hunter2") == "***"
    assert mask_value("STRIPE_KEY", "k") == "***"
    assert mask_value("PROVIDER_URL", "https://provider.example/v2") == "https://provider.example/v2"
    assert mask_value("DATABASE_URL", "postgresql://shop:x@db/orders") == "postgresql://shop:***@db/orders"
