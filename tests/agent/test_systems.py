"""Diagnostics of Redis and Kubernetes as findings: one sentence each, nothing of the answer's JSON."""

from datetime import UTC, datetime

import pytest

from bot.agent.diagnostics import from_diagnostic
from bot.agent.shapes import ShapeError
from bot.core.evidence import Window
from bot.ports import ToolResult

NOW = datetime(2026, 11, 23, 2, 0, tzinfo=UTC)


def told(tool, service, structured, prefix=""):
    args = {"service": service, "prefix": prefix}
    result = ToolResult(server="basecamp", tool=tool, args=args, text="", structured=structured, took_ms=1)
    return from_diagnostic(result, service, f"{tool}()", Window(start=NOW, end=NOW), "a title")


def test_a_full_redis_tells_how_full_and_what_it_refused():
    (one,) = told(
        "redis_info",
        "session-cache",
        {
            "used_memory_bytes": 33_500_000, "maxmemory_bytes": 33_554_432, "used_ratio": 0.9984,
            "maxmemory_policy": "noeviction", "oom_errors": 41,
        },
    )  # fmt: skip
    assert one.title == (
        "session-cache: 31.9 MiB of 32 MiB used (100%), policy noeviction, 41 writes refused for lack of memory"
    )
    assert (one.weight, one.facts["share"]) == (0.95, 0.998)


def test_a_redis_without_a_limit_is_no_sign_of_fullness():
    (one,) = told("redis_info", "cache", {"used_memory_bytes": 1024, "maxmemory_policy": "allkeys-lru"})
    assert one.title == "cache: 1 KiB used, without a limit, policy allkeys-lru"
    assert one.weight < 0.5
    assert "share" not in one.facts


def test_the_writer_that_never_lets_keys_expire_is_the_loudest_of_the_memory():
    group = {"prefix": "home_page:", "keys": 300, "bytes": 25_165_824, "share": 0.74}
    found = told(
        "redis_memory",
        "session-cache",
        {
            "groups": [
                {"prefix": "session:", "keys": 2000, "bytes": 8_000_000, "share": 0.26},
                {**group, "without_ttl": 300, "share_without_ttl": 1.0},
            ],
            "keys": [
                {"key": "home_page:at", "bytes": 524_288, "idle_seconds": 70, "ttl_seconds": None},
                {"key": "session:1", "bytes": 4096, "idle_seconds": None, "ttl_seconds": 1700},
            ],
        },
    )
    assert [one.title for one in found] == [
        "session-cache: 300 keys named home_page:… hold 74% of the memory (24 MiB); none of them expires",
        "session-cache: 2000 keys named session:… hold 26% of the memory (7.63 MiB); all of them expire",
        (
            "session-cache: the largest keys are home_page:at (512 KiB, never expires, idle 70 s), "
            "session:1 (4 KiB, expires in 1700 s)"
        ),
    ]
    assert [one.weight for one in found] == [0.9, 0.35, 0.4]


def test_a_look_at_one_prefix_tells_its_keys_and_no_shares_of_it():
    found = told(
        "redis_memory",
        "session-cache",
        {
            "groups": [{"prefix": "", "keys": 24, "bytes": 12_582_912, "share": 0.56, "without_ttl": 24}],
            "keys": [{"key": "home_page:at", "bytes": 524_288, "idle_seconds": 70, "ttl_seconds": None}],
        },
        prefix="home_page:",
    )
    assert [one.title for one in found] == [
        "session-cache: the largest keys named home_page:… are home_page:at (512 KiB, never expires, idle 70 s)"
    ]


CRASHED = {
    "name": "payments-1",
    "phase": "Running",
    "restarts": 3,
    "containers": [{"last_state": {"reason": "Error", "exit_code": 1}}],
    "events": [{"reason": "BackOff", "message": "Back-off restarting failed container", "count": 4}],
}


def test_crashing_pods_are_named_with_how_they_ended_and_what_still_serves():
    well = {"name": "payments-2", "phase": "Running", "ready": True}
    (one,) = told(
        "k8s_describe_pod",
        "payments",
        {"workload": {"replicas": 3, "available": 3}, "crashing": ["payments-1"], "pods": [CRASHED, well]},
    )
    assert one.title == (
        "payments: 1 of 2 pods crash: payments-1 (exit code 1, Error, 3 restarts); 3 of 3 replicas available"
    )
    assert "BackOff × 4 on payments-1: Back-off restarting failed container" in one.excerpt
    assert one.weight == 0.95

    (calm,) = told("k8s_describe_pod", "payments", {"pods": [well]})
    assert (calm.title, calm.weight) == ("payments: 1 pod, none crashes", 0.3)


def test_the_last_words_of_the_run_that_crashed_are_told_as_a_message():
    lines = [
        {"text": '{"level":"info","msg":"starting"}'},
        {"text": '{"level":"fatal","msg":"no TIMEOUT"}'},
        {"text": " "},
    ]
    (one,) = told("k8s_pod_logs", "payments", {"pod": "payments-1", "previous": True, "lines": lines})
    assert one.title == "payments: the run that crashed of payments-1 ended with “fatal no TIMEOUT”"
    assert one.weight == 0.9

    (plain,) = told("k8s_pod_logs", "payments", {"pod": "payments-1", "lines": [{"text": "panic: out of range"}]})
    assert plain.title == "payments: the current run of payments-1 ended with “panic: out of range”"
    (silent,) = told("k8s_pod_logs", "payments", {"pod": "payments-1", "previous": True})
    assert silent.title == "payments: payments-1 has logged nothing in the run that crashed"


def test_a_young_revision_tells_what_it_changed():
    changes = [{"container": "payments", "field": "image", "before": "p:4.12.1", "after": "p:4.13.0"},
               {"container": "payments", "field": "env", "name": "RELEASE", "before": None, "after": "4.13.0"}]  # fmt: skip
    revisions = [
        {"revision": 4, "current": True, "change_cause": "release 4.13.0", "age_seconds": 21, "changes": changes},
        {"revision": 3, "age_seconds": 172_800, "changes": []},
    ]
    answer = {"current_revision": 4, "previous_revision": 3, "revisions": revisions}
    (one,) = told("k8s_rollout_history", "payments", answer)
    assert one.title == (
        "payments: revision 4 (release 4.13.0) is 21 s old; it changed image p:4.12.1 → p:4.13.0, "
        "env RELEASE unset → 4.13.0"
    )
    assert one.weight == 0.85
    revisions[0]["age_seconds"] = 9000
    (old,) = told("k8s_rollout_history", "payments", answer)
    assert old.weight == 0.35


def test_an_answer_of_another_shape_is_refused_by_name():
    with pytest.raises(ShapeError, match=r"redis_info answered in an unexpected shape: used_memory_bytes"):
        told("redis_info", "cache", {"used": 1})
