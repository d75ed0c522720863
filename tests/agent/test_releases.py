"""Releases that no change log tells of, seen where systems say what they run; and dependencies that somebody else runs."""

import pytest

from bot.core.hypothesis import CauseClass, Suspect
from tests.agent.test_causes import shop_brief, shop_world, slow
from tests.agent.worlds import World, change, line, series, service

FAILS = [line(t, "ERROR", "shop", "cart total is missing") for t in range(-118, 30, 4)]


def started(at=-140, version="4.2.0"):
    return line(at, "INFO", "shop", f"shop {version} started, 8 workers")


async def test_a_start_of_another_version_is_a_release_though_no_change_tells_of_it(rig):
    out = await (await rig(shop_world(logs=[started(), *FAILS]))).run(shop_brief())

    assert (out.top.cause_class, out.top.suspect) == (CauseClass.DEPLOY, Suspect(service="shop"))
    assert "4.2.0, a release that no change log tells of" in out.top.title


async def test_a_start_of_the_version_that_ran_before_is_a_restart(rig):
    before = line(-1500, "INFO", "shop", "shop 4.2.0 answers on port 80")

    out = await (await rig(shop_world(logs=[before, started(), *FAILS]))).run(shop_brief())

    assert not any("starts" in one.facts for one in out.pack.evidence)


async def test_a_release_that_the_change_log_tells_of_is_blamed_as_that_change(rig):
    told = change("r-7", "deploy", -150, "Release 4.2.0", "", version="4.2.0")

    out = await (await rig(shop_world(told, logs=[started(), *FAILS]))).run(shop_brief())

    assert out.top.suspect == Suspect(service="shop", change_id="r-7")
    assert not any("no change log tells" in one.title for one in out.assessment.hypotheses)


@pytest.mark.parametrize(
    "text",
    [
        "started with TLS 1.3.0 and python 3.11.7",
        "Started ShopApplication in 4.523 seconds (process running for 5.1)",
        "server started on 0.0.0.0:8080",
        "09:00:01.123 INFO Starting workers",
        "job running, 0.35 s",
        "Starting Servlet engine: [Apache Tomcat/10.1.19]",
        "1.1-" * 2000 + "started",
    ],
)
async def test_versions_of_other_things_times_and_addresses_are_no_releases(rig, text):
    out = await (await rig(shop_world(logs=[line(-140, "INFO", "shop", text), *FAILS]))).run(shop_brief())

    assert not any("starts" in one.facts for one in out.pack.evidence)


async def test_build_info_tells_a_release_and_the_runtime_does_not(rig):
    def info(name, version, *, old):
        def there(t):
            return 1.0 if (t < -130) == old else None

        return series(name, there, kind="other", version=version)

    build = [info("shop_build_info", "1.0.0", old=True), info("shop_build_info", "4.2.0", old=False)]
    runtime = [info("go_build_info", "1.0.0", old=True), info("go_build_info", "1.22.1", old=False)]

    told = await (await rig(shop_world(metrics=build, logs=FAILS))).run(shop_brief())
    silent = await (await rig(shop_world(metrics=runtime, logs=FAILS))).run(shop_brief())

    assert "4.2.0, a release that no change log tells of" in told.top.title
    assert not any("no change log" in one.title for one in silent.assessment.hypotheses)


async def test_a_failing_dependency_that_somebody_else_runs_is_an_outside_cause(rig):
    def world(owner):
        pay = service("pay-provider", owner=owner)
        return World(
            services=[service("shop", depends_on=("pay-provider",)), pay],
            metrics={
                "shop": [series("request_seconds_p95", slow(), kind="latency", unit="s")],
                "pay-provider": [series("http_errors_total", slow(0.0, 9.0, -130), kind="errors")],
            },
            logs={"pay-provider": [line(t, "ERROR", "pay-provider", "503 from upstream") for t in range(-125, 30, 4)]},
        )

    ours = await (await rig(world("payments"))).run(shop_brief())
    theirs = await (await rig(world("external"))).run(shop_brief())

    assert (ours.top.cause_class, ours.top.suspect) == (CauseClass.DEPENDENCY, Suspect(service="pay-provider"))
    assert (theirs.top.cause_class, theirs.top.suspect) == (CauseClass.EXTERNAL, Suspect(service="pay-provider"))
    assert "somebody else runs" in theirs.top.title
