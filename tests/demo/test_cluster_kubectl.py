"""The real kubectl against the stand-in API server."""

import asyncio
import contextlib
import json
import os
import shutil
import sys

import pytest

from tests.support.kubernetes import BAD_RELEASE, RECIPE, SCENARIO, kubectl, moving_cluster, until

pytestmark = pytest.mark.external_service("kubectl")


@pytest.fixture(params=["aggregated", "legacy"])
async def cluster(request, tmp_path):
    async with moving_cluster(tmp_path, kind_of_discovery=request.param) as served:
        yield served


@pytest.fixture
def run(cluster, tmp_path):
    async def call(*arguments):
        return await kubectl(tmp_path, *arguments)

    return call


async def crash(run):
    """Put the bad release in and wait until a pod of it backs off; gives its name."""
    assert "patched" in await run("patch", "deployment/payments", "--patch", json.dumps(BAD_RELEASE))

    async def backing_off():
        for line in (await run("get", "pods", "--no-headers")).splitlines():
            name, _, status, restarts, *_ = line.split()
            if status == "CrashLoopBackOff" and int(restarts) >= 2:
                return name
        return None

    return await until(backing_off)


async def test_kubectl_lists_pods_deployments_and_replica_sets(run):
    pods = (await run("get", "pods", "-o", "wide")).splitlines()
    deployments = (await run("get", "deployments")).splitlines()
    replica_sets = (await run("get", "rs", "--no-headers")).splitlines()

    assert pods[0].split()[:5] == ["NAME", "READY", "STATUS", "RESTARTS", "AGE"]
    assert [line.split()[1:4] for line in pods[1:]] == [["1/1", "Running", "0"]] * 3
    assert deployments[1].split()[:4] == ["payments", "3/3", "3", "3"]
    assert sorted(line.split()[1] for line in replica_sets) == ["0", "0", "3"]
    assert [line.split()[-1] for line in replica_sets if line.split()[1] == "3"] == ["2d"]


async def test_kubectl_describes_a_crash_loop_and_reads_the_log_of_the_run_that_crashed(run):
    pod = await crash(run)

    async def caught_waiting():
        text = await run("describe", "pod", pod)
        return text if "Reason:       CrashLoopBackOff" in text else None

    described = await until(caught_waiting)
    log = await run("logs", pod, "--previous", "--tail=1")

    assert "Exit Code:    1" in described
    assert "Back-off restarting failed container payments" in described
    assert "<set to the key 'api-key' in secret 'payments-provider'>" in described
    assert json.loads(log)["msg"] == "configuration: PROVIDER_TIMEOUT_MS is not set"


async def test_kubectl_rolls_back_to_a_revision_and_sees_the_rollout_end(run):
    await crash(run)
    history = await run("rollout", "history", "deployment/payments")
    undone = await run("rollout", "undo", "deployment/payments", "--to-revision=3")
    status = await run("rollout", "status", "deployment/payments", "--timeout=20s")
    after = await run("rollout", "history", "deployment/payments")
    pods = await run("get", "pods", "-o", "jsonpath={.items[*].spec.containers[0].image}")

    assert [line.split(maxsplit=1) for line in history.splitlines()[2:] if line] == [
        ["1", "release 4.11.2"], ["2", "release 4.12.0"], ["3", "release 4.12.1"], ["4", "release 4.13.0"],
    ]  # fmt: skip
    assert "rolled back" in undone
    assert "successfully rolled out" in status
    assert [line.split()[0] for line in after.splitlines()[2:] if line] == ["1", "2", "4", "5"]
    assert set(pods.split()) == {"registry.example/payments:4.12.1"}


async def test_kubectl_restarts_scales_and_deletes(run):
    before = set((await run("get", "pods", "-o", "name")).split())
    assert "restarted" in await run("rollout", "restart", "deployment/payments")
    assert "successfully rolled out" in await run("rollout", "status", "deployment/payments", "--timeout=20s")

    async def replaced():
        now = set((await run("get", "pods", "-o", "name")).split())
        return now if len(now) == 3 and not now & before else None

    pods = await until(replaced)
    assert "scaled" in await run("scale", "deployment/payments", "--current-replicas=3", "--replicas=4")
    assert "Expected replicas to be 9" in await run(
        "scale", "deployment/payments", "--current-replicas=9", "--replicas=1"
    )
    assert "successfully rolled out" in await run("rollout", "status", "deployment/payments", "--timeout=20s")
    gone = min(pods)
    assert "deleted" in await run("delete", gone)
    left = (await run("get", "pods", "-o", "name")).split()
    assert gone not in left
    assert len(left) == 4


async def test_kubectl_shows_events_of_one_object_and_filters_by_labels_and_fields(run):
    pod = await crash(run)
    events = await run("get", "events", "--field-selector", f"involvedObject.name={pod},type=Warning", "--no-headers")
    healthy = await run("get", "pods", "-l", "app in (payments)", "--chunk-size=1", "-o", "name")
    none = await run("get", "pods", "-l", "app!=payments", "-o", "name")
    unknown = await run("get", "pods", "--field-selector", "spec.color=red")

    assert [line.split()[2] for line in events.splitlines()] == ["BackOff"]
    assert len(healthy.split()) == 4
    assert none == ""
    assert "field label not supported: spec.color" in unknown


async def test_kubectl_watches_a_pod_go(run, tmp_path):
    pods = (await run("get", "pods", "-o", "name")).split()
    process = await asyncio.create_subprocess_exec(
        shutil.which("kubectl"), "get", "pods", "-w", "--no-headers",
        stdout=asyncio.subprocess.PIPE,
        env={"KUBECONFIG": str(tmp_path / "kubeconfig"), "HOME": str(tmp_path)},
    )  # fmt: skip
    try:
        async with asyncio.timeout(20):
            for _ in pods:
                assert b"Running" in await process.stdout.readline()
            assert "deleted" in await run("delete", pods[0], "--wait=false")
            words = set()
            while "Terminating" not in words:
                words.add((await process.stdout.readline()).decode().split()[2])
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()


async def test_kubectl_repeats_what_the_server_refuses(run):
    forbidden = await run("--context", "viewer", "delete", "deployment", "payments")
    secrets = await run("--context", "viewer", "get", "secrets")
    missing = await run("get", "pod", "nothing")
    stranger = await run("--token", "nobody-knows-this", "get", "pods")
    guarded = await run(
        "patch", "deployment", "payments", "--type=json", "-p", '[{"op":"test","path":"/spec/replicas","value":9}]'
    )

    assert 'User "viewer" cannot delete resource "deployments" in API group "apps" in the namespace "shop"' in forbidden
    assert 'secrets is forbidden: User "viewer" cannot list' in secrets
    assert 'Error from server (NotFound): pods "nothing" not found' in missing
    assert "You must be logged in to the server" in stranger
    assert "The request is invalid" in guarded


async def test_the_program_serves_writes_a_kubeconfig_and_ends_cleanly_when_told(tmp_path):
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "cluster", "serve",
        "--scenario", str(SCENARIO), "--kubeconfig", str(tmp_path / "kubeconfig"), "--user", "viewer",
        stdout=asyncio.subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": str(RECIPE)},
    )  # fmt: skip
    try:
        ready = json.loads(await asyncio.wait_for(process.stdout.readline(), 30))
        who = await kubectl(tmp_path, "config", "current-context")
        deployments = await kubectl(tmp_path, "get", "deployments", "-o", "name")
        process.terminate()
        code = await asyncio.wait_for(process.wait(), 20)
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    assert ready["service"] == "cluster"
    assert set(ready["tokens"]) == {"oncall", "admin", "viewer"}
    assert len(set(ready["tokens"].values())) == 3
    assert ready["metrics_url"].startswith("http://127.0.0.1:")
    assert (tmp_path / "kubeconfig").stat().st_mode & 0o077 == 0
    assert who.strip() == "viewer"
    assert deployments.strip() == "deployment.apps/payments"
    assert code == 0


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("programs: [{image: x, behaviors: []}]\n", "{file}: programs.0.behaviors"),
        (
            "happenings: [{at: +0.2s, deployment: billing, patch: {}}]\n",
            'happenings: billing: deployments.apps "billing" not found',
        ),
    ],
)
async def test_the_program_ends_with_a_sentence_when_its_scenario_cannot_be_played(tmp_path, text, words):
    file = tmp_path / "scenario.yaml"
    file.write_text(text)
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "cluster", "serve", "--scenario", str(file),
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": str(RECIPE)},
    )  # fmt: skip
    _, said = await asyncio.wait_for(process.communicate(), 30)
    assert process.returncode == 2
    assert words.format(file=file) in said.decode()
