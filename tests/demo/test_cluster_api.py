"""The protocol of the stand-in API server: versions, watches, patches, refusals, metrics."""

import asyncio
import json
import ssl

import httpx
import pytest
from cluster.patches import JSON_PATCH, MERGE_PATCH, STRATEGIC_PATCH, apply_patch
from hypothesis import given
from hypothesis import strategies as st

from tests.support.kubernetes import BAD_RELEASE, moving_cluster, patch_payments, until

DEPLOYMENT = "/apis/apps/v1/namespaces/shop/deployments/payments"
PODS = "/api/v1/namespaces/shop/pods"


@pytest.fixture
async def cluster(tmp_path):
    async with moving_cluster(tmp_path) as served:
        yield served


@pytest.fixture
def client(cluster):
    def make(user: str = "admin") -> httpx.AsyncClient:
        trust = ssl.create_default_context(cadata=cluster.authority_pem)
        headers = {"Authorization": f"Bearer {cluster.tokens.get(user, user)}"}
        return httpx.AsyncClient(base_url=cluster.url, verify=trust, headers=headers, timeout=20)

    return make


def patch_of(kind: str, body: object) -> dict:
    return {"content": json.dumps(body), "headers": {"Content-Type": kind}}


def is_status(answer: httpx.Response, code: int, reason: str) -> str:
    body = answer.json()
    assert (answer.status_code, body["kind"], body["status"], body["code"]) == (code, "Status", "Failure", code)
    assert body["reason"] == reason
    return body["message"]


async def test_a_write_on_an_old_version_is_a_conflict_and_changes_nothing(client):
    async with client() as http:
        first = (await http.get(DEPLOYMENT)).json()
        newer = await http.patch(DEPLOYMENT, **patch_of(MERGE_PATCH, {"metadata": {"labels": {"tier": "1"}}}))
        first["spec"]["replicas"] = 7
        stale = await http.put(DEPLOYMENT, json=first)
        first["metadata"]["resourceVersion"] = (await http.get(DEPLOYMENT)).json()["metadata"]["resourceVersion"]
        first["metadata"]["uid"] = "other"
        other = await http.put(DEPLOYMENT, json=first)
        now = (await http.get(DEPLOYMENT)).json()
    assert newer.status_code == 200
    assert "the object has been modified" in is_status(stale, 409, "Conflict")
    assert "UID in precondition: other" in is_status(other, 409, "Conflict")
    assert now["spec"]["replicas"] == 3


async def test_a_write_that_changes_nothing_gives_no_new_version_and_only_a_new_spec_a_new_generation(client):
    async with client() as http:
        before = (await http.get(DEPLOYMENT)).json()["metadata"]
        same = (await http.patch(DEPLOYMENT, **patch_of(MERGE_PATCH, {}))).json()["metadata"]
        label = {"metadata": {"labels": {"tier": "1"}}}
        labelled = (await http.patch(DEPLOYMENT, **patch_of(MERGE_PATCH, label))).json()["metadata"]
        scaled = (await http.patch(DEPLOYMENT, **patch_of(MERGE_PATCH, {"spec": {"replicas": 4}}))).json()["metadata"]
    assert same["resourceVersion"] == before["resourceVersion"]
    assert int(labelled["resourceVersion"]) > int(before["resourceVersion"])
    assert labelled["generation"] == before["generation"]
    assert scaled["generation"] == before["generation"] + 1


async def test_a_dry_run_answers_the_result_and_keeps_everything(client):
    async with client() as http:
        answer = await http.patch(
            DEPLOYMENT, params={"dryRun": "All"}, **patch_of(MERGE_PATCH, {"spec": {"replicas": 9}})
        )
        pod = (await http.get(PODS)).json()["items"][0]["metadata"]["name"]
        deleted = await http.delete(f"{PODS}/{pod}", params={"dryRun": "All"})
        now = (await http.get(DEPLOYMENT)).json()
        still = await http.get(f"{PODS}/{pod}")
        wrong = await http.delete(f"{PODS}/{pod}", params={"dryRun": "Some"})
    assert answer.json()["spec"]["replicas"] == 9
    assert deleted.status_code == 200
    assert now["spec"]["replicas"] == 3
    assert "deletionTimestamp" not in still.json()["metadata"]
    is_status(wrong, 400, "BadRequest")


async def test_pages_of_a_list_hold_every_object_once(client):
    async with client() as http:
        whole = [one["metadata"]["name"] for one in (await http.get(PODS)).json()["items"]]
        paged, token, left = [], "", []
        while True:
            page = (await http.get(PODS, params={"limit": 1, "continue": token})).json()
            paged += [one["metadata"]["name"] for one in page["items"]]
            left.append(page["metadata"].get("remainingItemCount"))
            if not (token := page["metadata"].get("continue", "")):
                break
        broken = await http.get(PODS, params={"limit": 1, "continue": "nonsense"})
    assert paged == whole
    assert left == [2, 1, None]
    is_status(broken, 400, "BadRequest")


async def read_events(lines, count: int) -> list[dict]:
    async with asyncio.timeout(20):
        return [json.loads(await anext(lines)) for _ in range(count)]


async def test_a_watch_tells_what_happened_after_a_version_and_only_to_what_it_selects(client):
    async with client() as http:
        version = (await http.get(PODS)).json()["metadata"]["resourceVersion"]
        pod = (await http.get(PODS)).json()["items"][0]["metadata"]["name"]
        query = {"watch": "true", "resourceVersion": version, "labelSelector": "color=red"}
        async with http.stream("GET", PODS, params=query) as answer:
            lines = answer.aiter_lines()
            await http.patch(f"{PODS}/{pod}", **patch_of(MERGE_PATCH, {"metadata": {"labels": {"color": "red"}}}))
            await http.patch(f"{PODS}/{pod}", **patch_of(MERGE_PATCH, {"metadata": {"annotations": {"a": "b"}}}))
            await http.patch(f"{PODS}/{pod}", **patch_of(MERGE_PATCH, {"metadata": {"labels": {"color": None}}}))
            events = await read_events(lines, 3)
    versions = [int(event["object"]["metadata"]["resourceVersion"]) for event in events]
    assert [event["type"] for event in events] == ["ADDED", "MODIFIED", "DELETED"]
    assert {event["object"]["metadata"]["name"] for event in events} == {pod}
    assert versions == sorted(versions)
    assert versions[0] > int(version)


async def test_a_watch_ends_after_its_time_with_a_bookmark_and_an_old_version_is_expired(client):
    async with client() as http:
        bookmarked = await http.get(
            PODS, params={"watch": "1", "timeoutSeconds": 1, "allowWatchBookmarks": "true", "resourceVersion": "0"}
        )
        expired = await http.get(PODS, params={"watch": "1", "timeoutSeconds": 1, "resourceVersion": "1"})
    kinds = [json.loads(line)["type"] for line in bookmarked.text.splitlines()]
    (event,) = [json.loads(line) for line in expired.text.splitlines()]
    assert kinds == ["ADDED"] * 3 + ["BOOKMARK"]
    assert (event["type"], event["object"]["code"], event["object"]["reason"]) == ("ERROR", 410, "Expired")


async def test_a_pod_is_deleted_only_with_the_uid_that_the_caller_demands(client):
    async with client() as http:
        pod = (await http.get(PODS)).json()["items"][0]["metadata"]
        wrong = await http.request("DELETE", f"{PODS}/{pod['name']}", json={"preconditions": {"uid": "other"}})
        right = await http.request("DELETE", f"{PODS}/{pod['name']}", json={"preconditions": {"uid": pod["uid"]}})

        async def gone():
            return (await http.get(f"{PODS}/{pod['name']}")).status_code == 404

        await until(gone)
    assert "UID in precondition: other" in is_status(wrong, 409, "Conflict")
    assert right.json()["metadata"]["deletionGracePeriodSeconds"] == 30


async def test_a_generated_name_is_new_each_time_and_a_taken_name_is_refused(client):
    made = {"metadata": {"generateName": "notes-"}, "data": {"a": "b"}}
    path = "/api/v1/namespaces/shop/configmaps"
    async with client() as http:
        names = {(await http.post(path, json=made)).json()["metadata"]["name"] for _ in range(5)}
        again = await http.post(path, json={"metadata": {"name": min(names)}})
        unnamed = await http.post(path, json={"metadata": {}})
        ugly = await http.post(path, json={"metadata": {"name": "Not_A_Name"}})
    assert len(names) == 5
    assert all(name.startswith("notes-") and len(name) == 11 for name in names)
    is_status(again, 409, "AlreadyExists")
    is_status(unnamed, 422, "Invalid")
    assert "lowercase RFC 1123 subdomain" in is_status(ugly, 422, "Invalid")


def memory(limit: str) -> dict:
    container = {"name": "payments", "resources": {"limits": {"memory": limit}}}
    return {"spec": {"template": {"spec": {"containers": [container]}}}}


async def test_what_makes_no_sense_is_refused_in_the_servers_words(client):
    async with client() as http:
        cases = [
            (await http.get("/apis/batch/v1/jobs"), 404, "NotFound"),
            (await http.get("/apis/apps/v1/namespaces/shop/deployments/payments/nothing"), 404, "NotFound"),
            (await http.put(PODS, json={}), 405, "MethodNotAllowed"),
            (await http.post(PODS, content="{", headers={"Content-Type": "application/json"}), 400, "BadRequest"),
            (await http.post(PODS, content="x", headers={"Content-Type": "text/plain"}), 415, "UnsupportedMediaType"),
            (
                await http.patch(DEPLOYMENT, **patch_of("application/apply-patch+yaml", {})),
                415,
                "UnsupportedMediaType",
            ),
            (await http.get(PODS, params={"labelSelector": "a=b=c"}), 400, "BadRequest"),
            (await http.get(PODS, params={"limit": "many"}), 400, "BadRequest"),
            (await http.delete("/api/v1/nodes/worker-1"), 405, "MethodNotAllowed"),
            (await http.post("/api/v1/namespaces/nowhere/pods", json={"metadata": {"name": "a"}}), 404, "NotFound"),
            (await http.post(PODS, json={"metadata": "a"}), 400, "BadRequest"),
            (await http.post(PODS, json={"metadata": {"name": "a"}, "spec": {"containers": "a"}}), 400, "BadRequest"),
            (await http.post(PODS, json={"metadata": {"name": "a"}}), 422, "Invalid"),
            (await http.patch(DEPLOYMENT, **patch_of(STRATEGIC_PATCH, memory("much"))), 400, "BadRequest"),
            (await http.patch(DEPLOYMENT, **patch_of(MERGE_PATCH, {"spec": {"replicas": -1}})), 422, "Invalid"),
            (
                await http.patch(
                    DEPLOYMENT, **patch_of(MERGE_PATCH, {"spec": {"selector": {"matchLabels": {"app": "other"}}}})
                ),
                422,
                "Invalid",
            ),
        ]
    for answer, code, reason in cases:
        is_status(answer, code, reason)


@pytest.mark.parametrize("user", ["no", "stranger"])
async def test_nobody_comes_in_without_a_known_token(client, user):
    async with client(user) as http:
        is_status(await http.get(PODS), 401, "Unauthorized")
        version = await http.get("/version")
    assert version.json()["gitVersion"] == "v1.32.4"


async def test_a_reader_reads_everything_but_secrets_and_changes_nothing(client):
    async with client("viewer") as http:
        pod = (await http.get(PODS)).json()["items"][0]["metadata"]["name"]
        log = await http.get(f"{PODS}/{pod}/log")
        refusals = [
            await http.get("/api/v1/namespaces/shop/secrets"),
            await http.patch(DEPLOYMENT, **patch_of(MERGE_PATCH, {"spec": {"replicas": 1}})),
            await http.patch(f"{DEPLOYMENT}/scale", **patch_of(MERGE_PATCH, {"spec": {"replicas": 1}})),
            await http.delete(f"{PODS}/{pod}"),
            await http.delete(PODS),
            await http.post(PODS, json={}),
            await http.put(DEPLOYMENT, json={}),
        ]
    assert "listening on :8080" in log.text
    for answer in refusals:
        is_status(answer, 403, "Forbidden")


async def test_prometheus_sees_the_crash_loop_begin_and_end(client, cluster):
    async def page() -> str:
        async with httpx.AsyncClient() as http:
            return (await http.get(f"{cluster.metrics_url}/metrics")).text

    def value(text: str, name: str, *labels: str) -> float:
        lines = [line for line in text.splitlines() if line.startswith(f"{name}{{")]
        return sum(float(line.rsplit(" ", 1)[1]) for line in lines if all(label in line for label in labels))

    async def crashing():
        text = await page()
        waiting = value(text, "kube_pod_container_status_waiting_reason", 'reason="CrashLoopBackOff"')
        return text if waiting and value(text, "kube_pod_container_status_restarts_total") >= 2 else None

    healthy = await page()
    await patch_payments(cluster, BAD_RELEASE)
    sick = await until(crashing)
    async with client() as http:
        await http.patch(
            DEPLOYMENT,
            **patch_of(
                STRATEGIC_PATCH,
                {
                    "spec": {
                        "template": {
                            "spec": {
                                "containers": [
                                    {"name": "payments", "env": [{"name": "PROVIDER_TIMEOUT_MS", "value": "900"}]}
                                ]
                            }
                        }
                    }
                },
            ),
        )

    async def mended():
        text = await page()
        return value(text, "kube_deployment_status_replicas_updated") == 3 and text.count('CrashLoopBackOff"') == 0

    await until(mended)
    assert value(healthy, "kube_pod_container_status_restarts_total") == 0
    assert "CrashLoopBackOff" not in healthy
    assert value(healthy, "kube_deployment_status_replicas_available", 'deployment="payments"') == 3
    assert value(sick, "kube_pod_container_status_last_terminated_exitcode") == 1
    assert value(sick, "kube_pod_labels", 'label_app="payments"') == 4


def test_a_strategic_patch_merges_lists_by_their_keys():
    pod = {
        "spec": {
            "containers": [
                {"name": "a", "image": "a:1", "args": ["x"], "env": [{"name": "ONE", "value": "1"}]},
                {"name": "b", "image": "b:1"},
            ]
        }
    }
    patch = {
        "spec": {
            "containers": [
                {"name": "a", "image": "a:2", "args": ["y"], "env": [{"name": "TWO", "value": "2"}, {"name": "ONE", "$patch": "delete"}]},
                {"name": "b", "$patch": "delete"},
                {"name": "c", "image": "c:1"},
            ],
            "$setElementOrder/containers": [{"name": "c"}, {"name": "a"}],
        }
    }  # fmt: skip
    assert apply_patch(STRATEGIC_PATCH, patch, pod)["spec"]["containers"] == [
        {"name": "c", "image": "c:1"},
        {"name": "a", "image": "a:2", "args": ["y"], "env": [{"name": "TWO", "value": "2"}]},
    ]
    assert pod["spec"]["containers"][0]["image"] == "a:1"


@pytest.mark.parametrize(
    ("target", "patch", "result"),
    [
        # The examples of RFC 7396, appendix A, for objects.
        ({"a": "b"}, {"a": "c"}, {"a": "c"}),
        ({"a": "b"}, {"b": "c"}, {"a": "b", "b": "c"}),
        ({"a": "b", "b": "c"}, {"a": None}, {"b": "c"}),
        ({"a": ["b"]}, {"a": "c"}, {"a": "c"}),
        ({"a": {"b": "c"}}, {"a": {"b": "d", "c": None}}, {"a": {"b": "d"}}),
        ({"a": [{"b": "c"}]}, {"a": [1]}, {"a": [1]}),
        ({"e": None}, {"a": 1}, {"e": None, "a": 1}),
        ({}, {"a": {"bb": {"ccc": None}}}, {"a": {"bb": {}}}),
    ],
)
def test_merge_patches_follow_the_rfc(target, patch, result):
    assert apply_patch(MERGE_PATCH, patch, target) == result


VALUES = st.recursive(
    st.integers() | st.text(max_size=5) | st.booleans(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text("ab/~", max_size=3), inner, max_size=3),
    max_leaves=8,
)
OBJECTS = st.dictionaries(st.text("ab/~", max_size=3), VALUES, max_size=4)


@given(before=OBJECTS, key=st.text("ab/~", max_size=3), value=VALUES)
def test_what_a_json_patch_adds_it_can_test_and_take_away_again(before, key, value):
    path = "/" + key.replace("~", "~0").replace("/", "~1")
    added = apply_patch(
        JSON_PATCH, [{"op": "add", "path": path, "value": value}, {"op": "test", "path": path, "value": value}], before
    )
    back = apply_patch(JSON_PATCH, [{"op": "remove", "path": path}], added)
    assert added == {**before, key: value}
    assert back == {name: held for name, held in before.items() if name != key}


@given(before=OBJECTS, after=OBJECTS)
def test_a_json_patch_of_which_one_step_fails_changes_nothing(before, after):
    kept = json.loads(json.dumps(before))
    steps = [{"op": "add", "path": "/new", "value": after}, {"op": "test", "path": "/new", "value": [after]}]
    with pytest.raises(Exception, match="rejected our request"):
        apply_patch(JSON_PATCH, steps, before)
    assert before == kept
