"""What runs behind the stand-in API server, on a clock that the test moves."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.kubernetes import DEPLOYMENTS, EVENTS, NOON, PODS, REPLICA_SETS, scenario, still_world


def deployment(world):
    return world.store.get(DEPLOYMENTS, "shop", "payments")


def container(obj):
    return obj["spec"]["template"]["spec"]["containers"][0]


def change(world, **fields):
    """Write fields of the deployment's container (env as a mapping), and let the controllers do what is due."""
    held = deployment(world)
    env = fields.pop("env", {})
    kept = [one for one in container(held)["env"] if one["name"] not in env]
    container(held)["env"] = [*kept, *({"name": name, "value": value} for name, value in env.items())]
    container(held).update(fields)
    world.store.update(DEPLOYMENTS, held)
    world.settle()


def release(world, version):
    change(world, image=f"registry.example/payments:{version}", env={"RELEASE": version})


def statuses(world):
    return [one for pod in world.store.all_of(PODS) for one in pod["status"].get("containerStatuses", [])]


def crashing(world):
    return [one for one in statuses(world) if one["state"].get("waiting", {}).get("reason") == "CrashLoopBackOff"]


def test_the_past_was_played_before_the_cluster_is_served():
    world = still_world()
    revisions = {
        one["metadata"]["annotations"]["deployment.kubernetes.io/revision"]: one["metadata"]["annotations"][
            "kubernetes.io/change-cause"
        ]
        for one in world.store.all_of(REPLICA_SETS)
    }
    assert world.now() == NOON
    assert revisions == {"1": "release 4.11.2", "2": "release 4.12.0", "3": "release 4.12.1"}
    assert deployment(world)["metadata"]["creationTimestamp"] == "2026-01-22T12:00:00Z"
    assert deployment(world)["status"]["availableReplicas"] == 3


def test_a_missing_variable_crashes_the_container_and_the_back_off_doubles_up_to_its_limit():
    world = still_world(cluster={"back_off": {"initial_seconds": 10, "most_seconds": 60}, "start_seconds": 0})
    release(world, "4.13.0")
    waits = []
    for _ in range(60):
        world.advance(5)
        for one in crashing(world):
            shown = one["state"]["waiting"]["message"].split()[1]
            if shown not in waits:
                waits.append(shown)
    (status,) = [one for one in statuses(world) if one["restartCount"]]
    assert waits == ["10s", "20s", "40s", "1m0s"]
    assert status["lastState"]["terminated"]["exitCode"] == 1
    assert status["lastState"]["terminated"]["reason"] == "Error"
    # 0.6 s a run: the first restart at once, then 10, 20, 40 and 60 s after each end, within 300 s.
    assert status["restartCount"] == 7


def test_a_limit_below_what_the_program_needs_ends_it_as_out_of_memory():
    world = still_world()
    change(world, resources={"limits": {"memory": "64Mi"}})
    world.advance(20)
    (status,) = [one for one in statuses(world) if one["restartCount"]]
    assert status["lastState"]["terminated"]["reason"] == "OOMKilled"
    assert status["lastState"]["terminated"]["exitCode"] == 137


def test_the_missing_setting_mends_the_release():
    world = still_world()
    release(world, "4.13.0")
    world.advance(30)
    assert crashing(world)
    change(world, env={"PROVIDER_TIMEOUT_MS": "1500"})
    world.advance(60)
    assert crashing(world) == []
    assert deployment(world)["status"]["updatedReplicas"] == 3
    assert deployment(world)["status"]["readyReplicas"] == 3


def test_the_old_template_brings_the_old_replica_set_back_under_a_new_revision():
    world = still_world()
    good = container(deployment(world))
    before = {one["metadata"]["uid"]: one for one in world.store.all_of(REPLICA_SETS)}
    release(world, "4.13.0")
    world.advance(30)
    change(world, image=good["image"], env={"RELEASE": "4.12.1"})
    held = deployment(world)
    container(held)["env"] = good["env"]
    world.store.update(DEPLOYMENTS, held)
    world.advance(60)
    serving = [one for one in world.store.all_of(REPLICA_SETS) if one["spec"]["replicas"]]
    assert [one["metadata"]["uid"] in before for one in serving] == [True]
    assert serving[0]["metadata"]["annotations"]["deployment.kubernetes.io/revision-history"] == "3"
    assert deployment(world)["metadata"]["annotations"]["deployment.kubernetes.io/revision"] == "6"


def test_an_image_that_nobody_knows_cannot_be_pulled():
    world = still_world()
    change(world, image="registry.example/paymnets:1")
    world.advance(0.6)
    first = {one["state"]["waiting"]["reason"] for one in statuses(world) if "waiting" in one["state"]}
    world.advance(10)
    later = {one["state"]["waiting"]["reason"] for one in statuses(world) if "waiting" in one["state"]}
    assert (first, later) == ({"ErrImagePull"}, {"ImagePullBackOff"})


def test_a_secret_that_is_not_there_keeps_the_container_from_starting():
    world = still_world()
    change(world, envFrom=[{"secretRef": {"name": "nothing"}}])
    world.advance(5)
    waiting = [one["state"]["waiting"] for one in statuses(world) if "waiting" in one["state"]]
    assert waiting == [{"reason": "CreateContainerConfigError", "message": 'secret "nothing" not found'}]


def test_a_rollout_that_stands_still_is_given_up_after_its_deadline():
    world = still_world()
    held = deployment(world)
    held["spec"]["progressDeadlineSeconds"] = 120
    world.store.update(DEPLOYMENTS, held)
    release(world, "4.13.0")
    world.advance(110)
    reasons = [next(one["reason"] for one in deployment(world)["status"]["conditions"] if one["type"] == "Progressing")]
    world.advance(15)
    reasons.append(
        next(one["reason"] for one in deployment(world)["status"]["conditions"] if one["type"] == "Progressing")
    )
    assert reasons == ["ReplicaSetUpdated", "ProgressDeadlineExceeded"]


def test_a_container_whose_probe_fails_runs_but_is_never_ready():
    behaviour = {"logs": ["waiting for migrations"], "unready": "HTTP probe failed with statuscode: 503"}
    world = still_world(programs=[{"image": "registry.example/payments:4.1?.*", "behaviours": [behaviour]}])
    world.advance(30)
    (message,) = {one["message"] for one in world.store.all_of(EVENTS) if one["reason"] == "Unhealthy"}
    assert message == "Readiness probe failed: HTTP probe failed with statuscode: 503"
    assert {("running" in one["state"], one["ready"]) for one in statuses(world)} == {(True, False)}


def test_events_are_counted_and_forgotten_after_an_hour():
    world = still_world()
    release(world, "4.13.0")
    world.advance(60)
    counts = [one["count"] for one in world.store.all_of(EVENTS) if one["reason"] == "BackOff"]
    change(world, env={"PROVIDER_TIMEOUT_MS": "1500"})
    world.advance(3700)
    assert counts[0] > 3
    assert world.store.all_of(EVENTS) == []


def test_a_deployment_that_is_removed_takes_its_pods_with_it():
    world = still_world()
    world.store.remove(DEPLOYMENTS, "shop", "payments")
    world.advance(60)
    assert world.store.all_of(REPLICA_SETS) == []
    assert world.store.all_of(PODS) == []


@given(
    steps=st.lists(
        st.one_of(
            st.integers(0, 6),
            st.sampled_from(["4.12.0", "4.12.1", "4.13.0", "4.14.0"]),
        ),
        min_size=1,
        max_size=6,
    ),
    surge=st.sampled_from([0, 1, "25%", "50%"]),
    unavailable=st.sampled_from([0, 1, "25%"]),
    pause=st.sampled_from([0.2, 3.0]),
)
@settings(max_examples=12, deadline=None)
def test_a_rollout_never_has_more_pods_than_its_surge_allows_and_ends_where_it_was_sent(
    steps, surge, unavailable, pause
):
    world = still_world()
    held = deployment(world)
    held["spec"]["strategy"]["rollingUpdate"] = {"maxSurge": surge, "maxUnavailable": unavailable}
    world.store.update(DEPLOYMENTS, held)
    most = held["spec"]["replicas"]
    for step in steps:
        if isinstance(step, int):
            held = deployment(world)
            held["spec"]["replicas"] = step
            world.store.update(DEPLOYMENTS, held)
            most = max(most, step)
        else:
            release(world, step)
        for _ in range(4):
            world.advance(pause)
            asked = sum(one["spec"]["replicas"] for one in world.store.all_of(REPLICA_SETS))
            # A surge of half, rounded up, of the most that was ever asked for.
            assert asked <= most + max(1, -(-most // 2))
    release(world, "4.12.1")
    world.advance(120)
    status, wanted = deployment(world)["status"], deployment(world)["spec"]["replicas"]
    assert status.get("readyReplicas", 0) == status.get("replicas", 0) == wanted
    assert len(world.store.all_of(PODS)) == wanted


@pytest.mark.parametrize(
    ("broken", "words"),
    [
        ({"colour": "red"}, "colour"),
        ({"happenings": [{"at": "soon", "deployment": "x", "patch": {}}]}, "write -3d, -2h, +20s or 90s"),
        ({"users": [{"name": "a", "role": "king"}]}, "users.0.role"),
        ({"programs": [{"image": "x", "behaviours": []}]}, "programs.0.behaviours"),
    ],
)
def test_a_scenario_that_makes_no_sense_is_refused_with_the_place(broken, words):
    with pytest.raises(Exception, match=words.replace("+", r"\+")):
        scenario(**broken)


def test_an_object_of_an_unknown_kind_is_refused_with_the_known_ones():
    with pytest.raises(Exception, match="apps/v1/StatefulSet is not known; known kinds: Pod"):
        still_world(objects=[{"apiVersion": "apps/v1", "kind": "StatefulSet", "metadata": {"name": "x"}}])


def test_logs_are_written_while_the_container_runs():
    world = still_world()
    release(world, "4.13.0")
    world.advance(0.75)
    (pod,) = [
        one for one in world.store.all_of(PODS) if one["metadata"]["labels"]["pod-template-hash"] not in _old(world)
    ]
    run = world.kubelet.find_container(pod["metadata"]["uid"], "payments").current
    texts = [json.loads(text)["msg"] for _, text in run.log]
    assert texts == ["payments 4.13.0 starting", "reading configuration"]


def _old(world):
    return {
        one["metadata"]["labels"]["pod-template-hash"]
        for one in world.store.all_of(REPLICA_SETS)
        if int(one["metadata"]["annotations"]["deployment.kubernetes.io/revision"]) < 4
    }
