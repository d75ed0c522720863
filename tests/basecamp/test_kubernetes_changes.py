"""Changing a service in Kubernetes: exactly what was looked at, or nothing."""

from __future__ import annotations

import asyncio

import pytest
from mcp import Client

from basecamp.backends.kubernetes_results import PodDescriptions, RolloutHistory
from basecamp.results import Preview, WriteOutcome
from basecamp.tools.kubernetes import WRITE_TOOLS
from tests.basecamp.grants import ENVIRON, mint
from tests.support.kubernetes import BAD_RELEASE, DEPLOYMENTS, moving_cluster, patch_payments, until

RESULTS = {"k8s_describe_pod": PodDescriptions, "k8s_rollout_history": RolloutHistory}


class CallFailed(Exception):
    """A tool answered with an error; the message is its text."""


class Tools:
    """The tools of one basecamp over MCP; those that change something with a grant for exactly the call."""

    def __init__(self, address: str) -> None:
        self._address = address

    async def run(self, name: str, **arguments: object):
        sent = {"service": "payments", **arguments}
        meta = {"aiops/grant": mint(name, sent)} if name in WRITE_TOOLS else None
        return RESULTS.get(name, WriteOutcome).model_validate(await self._call(name, sent, meta))

    async def preview(self, name: str, **arguments: object) -> Preview:
        sent = {"tool": name, "arguments": {"service": "payments", **arguments}}
        return Preview.model_validate(await self._call("preview_write", sent, None))

    async def described(self) -> PodDescriptions:
        return await self.run("k8s_describe_pod")

    async def listed(self):
        async with Client(self._address) as client:
            return {tool.name: tool.annotations for tool in (await client.list_tools()).tools}

    async def without_a_grant(self, name: str, **arguments: object):
        return await self._call(name, {"service": "payments", **arguments}, None)

    async def _call(self, name: str, arguments: dict, meta: dict | None):
        # A connection must end in the task in which it began, so each call has its own.
        async with Client(self._address, read_timeout_seconds=60) as client:
            answer = await client.call_tool(name, arguments, meta=meta)
        if answer.is_error:
            raise CallFailed(answer.content[0].text)
        return answer.structured_content


@pytest.fixture
async def cluster(tmp_path):
    async with moving_cluster(tmp_path) as served:
        yield served


@pytest.fixture
def serving(running, cluster):
    """Serve a basecamp with these settings for the cluster."""

    def serve(more: str = ""):
        text = f"kubernetes:\n  payments: {{namespace: shop, kubeconfig: kubeconfig{more}}}\n"
        return running(text, ENVIRON)

    return serve


@pytest.fixture
async def tools(serving):
    async with serving() as address:
        yield Tools(f"{address}/mcp")


async def crash(cluster, tools: Tools):
    await patch_payments(cluster, BAD_RELEASE)

    async def crashed():
        found = await tools.described()
        return found if found.crashing else None

    return await until(crashed)


async def rolled_out(tools: Tools):
    async def done():
        found = await tools.described()
        return found if found.workload.rolled_out and len(found.pods) == found.workload.replicas else None

    return await until(done)


def outcome_of(result: WriteOutcome) -> tuple[str, str]:
    (target,) = result.targets
    return target.outcome, target.detail


async def test_every_write_tool_says_what_it_may_do_and_refuses_without_a_grant(tools):
    listed = await tools.listed()
    uid = (await tools.described()).workload.uid
    assert {name: listed[name].destructive_hint for name in WRITE_TOOLS} == {
        "k8s_rollout_undo": True,
        "k8s_rollout_restart": True,
        "k8s_delete_pod": True,
        "k8s_scale": False,
    }
    assert not any(listed[name].read_only_hint for name in WRITE_TOOLS)
    with pytest.raises(CallFailed, match=r"^refused: "):
        await tools.without_a_grant("k8s_scale", uid=uid, from_replicas=3, replicas=4)
    assert (await tools.described()).workload.replicas == 3


async def test_an_undo_brings_the_earlier_revision_back_until_all_pods_are_ready(cluster, tools):
    found = await crash(cluster, tools)
    history = await tools.run("k8s_rollout_history")
    arguments = {
        "uid": history.uid,
        "from_revision": history.current_revision,
        "to_revision": history.previous_revision,
    }
    preview = await tools.preview("k8s_rollout_undo", **arguments)
    untouched = await tools.described()
    result = await tools.run("k8s_rollout_undo", **arguments)
    after = await rolled_out(tools)
    assert [target.label for target in preview.targets] == ["Deployment shop/payments", f"Pod shop/{found.crashing[0]}"]
    assert preview.targets[0].id == history.uid
    assert preview.runs_as == "oncall"
    assert preview.before["revision"] == "4"
    assert "from revision 4 to 3 (registry.example/payments:4.12.1)" in preview.summary
    assert untouched.workload.revision == 4
    assert outcome_of(result)[0] == "changed"
    assert result.before["image payments"] == "registry.example/payments:4.13.0"
    assert result.after["image payments"] == "registry.example/payments:4.12.1"
    assert result.after["revision"] == "5"
    assert after.crashing == []
    assert after.workload.ready == 3
    assert after.workload.change_cause == "release 4.12.1"
    assert {pod.revision for pod in after.pods} == {5}


async def test_an_undo_is_refused_once_another_release_came_meanwhile(cluster, tools):
    await crash(cluster, tools)
    history = await tools.run("k8s_rollout_history")
    newer = {"spec": {"template": {"spec": {"containers": [{"name": "payments", "image": "registry.example/payments:4.13.1"}]}}}}  # fmt: skip
    await patch_payments(cluster, newer)

    async def moved_on():
        return (await tools.described()).workload.revision == 5

    await until(moved_on)
    arguments = {"uid": history.uid, "from_revision": 4, "to_revision": 3}
    preview = await tools.preview("k8s_rollout_undo", **arguments)
    result = await tools.run("k8s_rollout_undo", **arguments)
    assert preview.targets == []
    assert preview.summary == "nothing would change: shop/payments is at revision 5 now, not 4"
    assert outcome_of(result) == ("refused", "shop/payments is at revision 5 now, not 4")
    assert (await tools.described()).workload.images == {"payments": "registry.example/payments:4.13.1"}


async def test_a_deployment_that_was_made_anew_is_never_touched_instead(tools):
    other = "11111111-2222-4333-8444-555555555555"
    for name, arguments in (
        ("k8s_rollout_undo", {"from_revision": 3, "to_revision": 2}),
        ("k8s_rollout_restart", {"from_revision": 3}),
        ("k8s_scale", {"from_replicas": 3, "replicas": 2}),
    ):
        result = await tools.run(name, uid=other, **arguments)
        assert outcome_of(result)[0] == "gone"
        assert result.targets[0].id == other
    found = await tools.described()
    assert (found.workload.generation, found.workload.replicas) == (3, 3)


async def test_a_change_between_looking_and_writing_is_stopped_by_the_server(cluster, tools):
    """Planned on one state, sent on another: the guards are in the request itself."""
    found = await tools.described()
    # Two at once from the same starting point: one wins, and the other is told so.
    results = [
        outcome_of(result)[0]
        for result in await asyncio.gather(
            tools.run("k8s_scale", uid=found.workload.uid, from_replicas=3, replicas=4),
            tools.run("k8s_scale", uid=found.workload.uid, from_replicas=3, replicas=5),
        )
    ]
    assert sorted(results) == ["changed", "refused"]
    assert (await tools.described()).workload.replicas in (4, 5)


async def test_a_restart_replaces_every_pod_of_the_same_revision(tools):
    before = await tools.described()
    arguments = {"uid": before.workload.uid, "from_revision": 3}
    preview = await tools.preview("k8s_rollout_restart", **arguments)
    result = await tools.run("k8s_rollout_restart", **arguments)
    after = await rolled_out(tools)
    assert {target.id for target in preview.targets[1:]} == {pod.uid for pod in before.pods}
    assert outcome_of(result)[0] == "changed"
    assert result.after["revision"] == "4"
    assert not {pod.uid for pod in before.pods} & {pod.uid for pod in after.pods}
    assert after.workload.images == before.workload.images


async def test_a_pod_is_deleted_by_its_uid_and_replaced_by_its_controller(tools):
    before = await tools.described()
    pod = before.pods[0]
    preview = await tools.preview("k8s_delete_pod", pod=pod.name, uid=pod.uid)
    assert pod.name in [one.name for one in (await tools.described()).pods]
    result = await tools.run("k8s_delete_pod", pod=pod.name, uid=pod.uid)

    async def replaced():
        found = await tools.described()
        names = [one.name for one in found.pods]
        return found if found.workload.available == 3 and pod.name not in names else None

    await until(replaced)
    again = await tools.run("k8s_delete_pod", pod=pod.name, uid=pod.uid)
    assert [target.id for target in preview.targets] == [pod.uid]
    assert preview.reversible is False
    assert outcome_of(result)[0] == "changed"
    assert result.after == {"deleted": pod.uid}
    assert outcome_of(again)[0] == "gone"


async def test_a_pod_with_the_name_but_another_uid_stays(tools):
    pod = (await tools.described()).pods[0]
    result = await tools.run("k8s_delete_pod", pod=pod.name, uid="11111111-2222-4333-8444-555555555555")
    kind, detail = outcome_of(result)
    assert kind == "gone"
    assert "a newer pod has its name" in detail
    assert pod.uid in [one.uid for one in (await tools.described()).pods]


async def test_scaling_stays_within_its_bounds_and_from_the_number_that_was_seen(serving):
    async with serving(", min_replicas: 2, max_replicas: 4") as address:
        tools = Tools(f"{address}/mcp")
        uid = (await tools.described()).workload.uid
        for replicas in (1, 5):
            with pytest.raises(CallFailed, match=r"^refused: .*must be between min_replicas 2 and max_replicas 4"):
                await tools.run("k8s_scale", uid=uid, from_replicas=3, replicas=replicas)
        preview = await tools.preview("k8s_scale", uid=uid, from_replicas=3, replicas=2)
        done = await tools.run("k8s_scale", uid=uid, from_replicas=3, replicas=2)
        same = await tools.run("k8s_scale", uid=uid, from_replicas=3, replicas=2)
        stale = await tools.run("k8s_scale", uid=uid, from_replicas=3, replicas=4)
        assert preview.targets[0].detail == "1 fewer; Kubernetes chooses which pods end"
        assert (done.before["replicas"], done.after["replicas"]) == ("3", "2")
        assert outcome_of(same)[0] == "unchanged"
        assert outcome_of(stale) == ("refused", "shop/payments has 2 replicas now, not 3")


async def test_more_pods_than_the_bound_are_never_replaced(serving):
    async with serving(", max_targets: 2") as address:
        tools = Tools(f"{address}/mcp")
        uid = (await tools.described()).workload.uid
        with pytest.raises(CallFailed, match=r"^refused: .*3 pods would be replaced; max_targets of 'payments' is 2"):
            await tools.run("k8s_rollout_restart", uid=uid, from_revision=3)
        assert (await tools.described()).workload.generation == 3


async def test_revisions_that_make_no_sense_are_refused_before_anything_is_sent(tools):
    uid = (await tools.described()).workload.uid
    with pytest.raises(CallFailed, match=r"^refused: .*has no revision 9; there are: 1, 2, 3"):
        await tools.run("k8s_rollout_undo", uid=uid, from_revision=3, to_revision=9)
    with pytest.raises(CallFailed, match=r"^refused: .*nothing to undo"):
        await tools.run("k8s_rollout_undo", uid=uid, from_revision=3, to_revision=3)


async def test_a_paused_deployment_is_not_rolled_back(cluster, tools):
    await patch_payments(cluster, {"spec": {"paused": True}})
    uid = (await tools.described()).workload.uid
    with pytest.raises(CallFailed, match=r"^refused: .*shop/payments is paused; resume it first"):
        await tools.run("k8s_rollout_undo", uid=uid, from_revision=3, to_revision=2)


async def test_without_the_right_to_change_already_the_preview_says_so(serving):
    async with serving(", context: viewer") as address:
        tools = Tools(f"{address}/mcp")
        found = await tools.described()
        words = 'User "viewer" cannot patch resource "deployments" in API group "apps" in the namespace "shop"'
        with pytest.raises(CallFailed, match="403 Forbidden") as previewed:
            await tools.preview("k8s_rollout_restart", uid=found.workload.uid, from_revision=3)
        with pytest.raises(CallFailed, match=r"^failed: .*403 Forbidden") as done:
            await tools.run("k8s_rollout_restart", uid=found.workload.uid, from_revision=3)
        with pytest.raises(CallFailed, match='User "viewer" cannot delete resource "pods"'):
            await tools.run("k8s_delete_pod", pod=found.pods[0].name, uid=found.pods[0].uid)
        assert words in str(previewed.value)
        assert words in str(done.value)
        assert (await tools.described()).workload.generation == 3


async def test_a_deployment_that_was_deleted_is_gone_and_nothing_fails(cluster, tools):
    uid = (await tools.described()).workload.uid
    cluster.world.store.remove(DEPLOYMENTS, "shop", "payments")
    result = await tools.run("k8s_rollout_restart", uid=uid, from_revision=3)
    preview = await tools.preview("k8s_rollout_restart", uid=uid, from_revision=3)
    assert outcome_of(result) == ("gone", '404 NotFound: deployments.apps "payments" not found')
    assert preview.targets == []
